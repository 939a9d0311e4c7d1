#include "lienthong/command_revert.hpp"

#include <memory>

#include <CLI/CLI.hpp>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/receipt_output.hpp"
#include "lienthong/versions.hpp"
#include "wire/receipt.hpp"

namespace lt::cli {
namespace {

struct RevertOptions {
  std::string dataset_at;
  std::string changeset;
  std::string organisation;
  std::string changeset_id;
  std::string message;
  bool skip_conflicts = false;
  bool dry_run = false;
};

absl::StatusOr<::lienthong::v1::RevertChangesetRequest> request_of(const RevertOptions& options) {
  if (options.dataset_at.empty() == options.changeset.empty()) {
    return usage_error("revert names what to undo once: DATASET@V, or --changeset ID");
  }
  ::lienthong::v1::RevertChangesetRequest request;
  if (!options.dataset_at.empty()) {
    LT_ASSIGN_OR_RETURN(const DatasetAt at, parse_dataset_at(options.dataset_at));
    if (!at.version) return usage_error("'" + options.dataset_at + "' names no version: write DATASET@V");
    request.set_dataset(at.dataset);
    request.set_version(*at.version);
  }
  request.set_reverted_changeset_id(options.changeset);
  request.set_organisation(options.organisation);
  request.set_changeset_id(options.changeset_id.empty() ? "revert/" + make_uuid7() : options.changeset_id);
  request.set_message(options.message);
  if (options.skip_conflicts) request.set_on_conflict(::lienthong::v1::CONFLICT_POLICY_SKIP_AND_LIST);
  request.set_dry_run(options.dry_run);
  return request;
}

absl::Status revert(const Cli& cli, const RevertOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto request, request_of(options));
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  const auto answer = client.revert_changeset(request);
  if (!answer.ok()) return with_changeset_id(answer.status(), request.changeset_id());
  LT_ASSIGN_OR_RETURN(const feature::Receipt receipt, wire::receipt_from_proto(*answer));
  const std::string first = receipt.datasets.empty() ? std::string() : receipt.datasets.front().dataset;
  print_receipt(cli, receipt, request.dataset().empty() ? first : request.dataset(), options.dry_run);
  return absl::OkStatus();
}

}  // namespace

void add_revert(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<RevertOptions>();
  CLI::App* verb = app.add_subcommand("revert", "undo an accepted changeset, in all its datasets, by a new one");
  verb->add_option("DATASET@V", options->dataset_at, "a version that it made");
  verb->add_option("--changeset", options->changeset, "or its id");
  verb->add_option("--organisation", options->organisation, "with --changeset: who published it (else the caller)");
  verb->add_option("--changeset-id", options->changeset_id, "name of the new one; repeated, it has its effect once");
  verb->add_option("--message", options->message, "why, for people (else it names what is reverted)");
  verb->add_flag("--skip-conflicts", options->skip_conflicts, "leave features out that changed afterwards");
  verb->add_flag("--dry-run", options->dry_run, "check and count, keep nothing");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return revert(cli, *options); }; });
}

}  // namespace lt::cli
