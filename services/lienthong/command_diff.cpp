#include "lienthong/command_diff.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/entry_writer.hpp"
#include "lienthong/versions.hpp"
#include "lienthong/view_options.hpp"
#include "wire/catalog.hpp"

namespace lt::cli {
namespace {

struct DiffOptions {
  std::string dataset;
  std::string range;
  bool before = false;
  ViewOptions see;
};

// Writes geometries in the CRS that was asked for, else in WGS 84.
absl::StatusOr<EntryWriter> writer_for(const client::Client& client, const DiffOptions& options,
                                       const client::EntryReader& reader) {
  LT_ASSIGN_OR_RETURN(const auto proto, client.get_schema(options.dataset));
  LT_ASSIGN_OR_RETURN(feature::Schema schema, wire::schema_from_proto(proto));
  return EntryWriter::create(std::move(schema), options.see.crs.empty() ? std::string() : reader.header().crs());
}

using OpCounts = std::map<feature::EntryOp, std::int64_t>;

void print_counts(const Cli& cli, const client::EntryReader& reader, OpCounts counts) {
  const auto& header = reader.header();
  const auto of = [&counts](feature::EntryOp op) { return with_thousands(counts[op]); };
  std::string text = fmt::format("{} ({}, {}]: {} inserted, {} updated, {} deleted", header.dataset(),
                                 header.from_version(), header.to_version(), of(feature::EntryOp::kInsert),
                                 of(feature::EntryOp::kUpdate), of(feature::EntryOp::kDelete));
  if (!header.view_revision().empty()) {
    text += fmt::format(", {} entered, {} left", of(feature::EntryOp::kEnter), of(feature::EntryOp::kLeave));
  }
  if (header.operation() != "identity") text += fmt::format("; {} by {}", header.crs(), header.operation());
  cli.output.print(text);
}

absl::Status print_entries(const Cli& cli, const EntryWriter& writer, client::EntryReader& reader, bool before) {
  OpCounts counts;
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto entry, reader.next());
    if (!entry) break;
    ++counts[entry->op];
    LT_ASSIGN_OR_RETURN(const std::string line,
                        cli.output.json ? writer.to_json(*entry, before) : writer.to_text(*entry));
    cli.output.print(line);
  }
  if (!cli.output.json) print_counts(cli, reader, std::move(counts));
  return absl::OkStatus();
}

absl::Status diff(const Cli& cli, const DiffOptions& options) {
  LT_ASSIGN_OR_RETURN(const VersionRange range, parse_version_range(options.range));
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  // For people the state before tells what changed.
  const bool ask_before = options.before || !cli.output.json;
  LT_ASSIGN_OR_RETURN(auto reader,
                      client.diff(options.dataset, range.from, range.to, ask_before, {}, options.see.view()));
  LT_ASSIGN_OR_RETURN(const EntryWriter writer, writer_for(client, options, reader));
  return print_entries(cli, writer, reader, options.before);
}

absl::Status changes(const Cli& cli, const DiffOptions& options) {
  LT_ASSIGN_OR_RETURN(const VersionRange range, parse_version_range(options.range));
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(auto reader, client.changes(options.dataset, range.from, range.to, {}, options.see.view()));
  LT_ASSIGN_OR_RETURN(const EntryWriter writer, writer_for(client, options, reader));
  return print_entries(cli, writer, reader, false);
}

std::shared_ptr<DiffOptions> add_range(CLI::App& verb) {
  auto options = std::make_shared<DiffOptions>();
  verb.add_option("DATASET", options->dataset)->required();
  verb.add_option("A..B", options->range, "versions after A up to B; A.. = up to the head")->required();
  add_view_options(verb, options->see);
  return options;
}

}  // namespace

void add_diff(CLI::App& app, Cli& cli) {
  CLI::App* verb = app.add_subcommand("diff", "the net change between two versions");
  const auto options = add_range(*verb);
  verb->add_flag("--before", options->before, "the state before of each entry too");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return diff(cli, *options); }; });
}

void add_changes(CLI::App& app, Cli& cli) {
  CLI::App* verb = app.add_subcommand("changes", "every single change between two versions");
  const auto options = add_range(*verb);
  verb->callback([&cli, options] { cli.run = [&cli, options] { return changes(cli, *options); }; });
}

}  // namespace lt::cli
