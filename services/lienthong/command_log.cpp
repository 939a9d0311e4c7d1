#include "lienthong/command_log.hpp"

#include <cstdint>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "base/time.hpp"
#include "client/client.hpp"
#include "lienthong/json_forms.hpp"
#include "wire/receipt.hpp"

namespace lt::cli {
namespace {

struct LogOptions {
  std::string dataset;
  std::int64_t version = 0;
};

absl::Status print_line(const Cli& cli, const std::string& dataset, const ::lienthong::v1::Changeset& changeset) {
  LT_ASSIGN_OR_RETURN(const feature::Receipt receipt, wire::receipt_from_proto(changeset.receipt()));
  if (cli.output.json) {
    cli.output.print_json(changeset_to_json(receipt, dataset));
    return absl::OkStatus();
  }
  cli.output.print(fmt::format("v{:<6} {:<27} {:<16} +{} ~{} -{}  {}", dataset_version_of(receipt, dataset).version,
                               format_utc(receipt.committed_us), receipt.organisation, receipt.counts.inserted,
                               receipt.counts.updated, receipt.counts.deleted, receipt.message));
  return absl::OkStatus();
}

absl::Status log(const Cli& cli, const LogOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  absl::Status printed;
  LT_RETURN_IF_ERROR(client.list_changesets(options.dataset, [&](const ::lienthong::v1::Changeset& changeset) {
    printed = print_line(cli, options.dataset, changeset);
    return printed.ok();
  }));
  return printed;
}

void print_for_people(const Cli& cli, const std::string& dataset, const feature::Receipt& receipt) {
  const feature::DatasetVersion version = dataset_version_of(receipt, dataset);
  cli.output.print(fmt::format("{} version {}", dataset, version.version));
  cli.output.print(fmt::format("  by        {} at {}", receipt.organisation, format_utc(receipt.committed_us)));
  if (!receipt.message.empty()) cli.output.print("  message   " + receipt.message);
  cli.output.print(fmt::format("  changes   {} inserted, {} updated, {} deleted, {} unchanged",
                               with_thousands(receipt.counts.inserted), with_thousands(receipt.counts.updated),
                               with_thousands(receipt.counts.deleted), with_thousands(receipt.counts.unchanged)));
  cli.output.print("  changeset " + receipt.changeset_id);
  cli.output.print("  commit    " + receipt.commit_id);
  cli.output.print("  content   " + receipt.content_sha256);
  cli.output.print("  previous  " + (version.previous_digest.empty() ? "none" : version.previous_digest));
  cli.output.print("  digest    " + receipt.digest);
}

absl::Status show(const Cli& cli, const LogOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto changeset, client.get_changeset(options.dataset, options.version));
  LT_ASSIGN_OR_RETURN(const feature::Receipt receipt, wire::receipt_from_proto(changeset.receipt()));
  if (feature::receipt_digest(receipt) != receipt.digest) {
    return make_error(
        absl::StatusCode::kDataLoss, "DIGEST_MISMATCH",
        "the receipt's digest does not fit its content: what the exchange answered is not what it recorded",
        {{"digest", receipt.digest}});
  }
  if (cli.output.json) {
    cli.output.print_json(changeset_to_json(receipt, options.dataset));
  } else {
    print_for_people(cli, options.dataset, receipt);
  }
  return absl::OkStatus();
}

}  // namespace

void add_log(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<LogOptions>();
  CLI::App* verb = app.add_subcommand("log", "the changesets of a dataset, newest first");
  verb->add_option("DATASET", options->dataset)->required();
  verb->callback([&cli, options] { cli.run = [&cli, options] { return log(cli, *options); }; });
}

void add_show(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<LogOptions>();
  CLI::App* verb = app.add_subcommand("show", "one changeset: who, when, why, what, and its proof");
  verb->add_option("DATASET", options->dataset)->required();
  verb->add_option("V", options->version, "its version")->required();
  verb->callback([&cli, options] { cli.run = [&cli, options] { return show(cli, *options); }; });
}

}  // namespace lt::cli
