#include "lienthong/command_blame.hpp"

#include <cstdint>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/entry_writer.hpp"
#include "wire/catalog.hpp"
#include "wire/change.hpp"

namespace lt::cli {
namespace {

using ::lienthong::v1::FeatureChange;

struct BlameOptions {
  std::string dataset;
  std::string id;
  std::int64_t limit = std::numeric_limits<std::int64_t>::max();
};

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string time_of(const FeatureChange& change) {
  return google::protobuf::util::TimeUtil::ToString(change.committed_at());
}

absl::StatusOr<std::string> to_json(const EntryWriter& writer, const FeatureChange& change) {
  LT_ASSIGN_OR_RETURN(const auto op, wire::entry_op_from_proto(change.op()));
  LT_ASSIGN_OR_RETURN(const std::string before, writer.state_to_json(change.before().record()));
  LT_ASSIGN_OR_RETURN(const std::string after, writer.state_to_json(change.after().record()));
  return fmt::format(
      R"({{"version":{},"op":"{}","committed_at":"{}","organisation":{},"changeset_id":{},"commit_id":{},"message":{},)"
      R"("before":{},"after":{},"too_large":{}}})",
      change.version(), feature::to_string(op), time_of(change), quoted(change.organisation()),
      quoted(change.changeset_id()), quoted(change.commit_id()), quoted(change.message()), before, after,
      change.too_large());
}

absl::StatusOr<std::string> to_text(const EntryWriter& writer, const std::string& id, const FeatureChange& change) {
  feature::Entry entry;
  LT_ASSIGN_OR_RETURN(entry.op, wire::entry_op_from_proto(change.op()));
  entry.id = id;
  entry.version = change.version();
  entry.record = change.after().record();
  entry.before = change.before().record();
  LT_ASSIGN_OR_RETURN(const std::string line, writer.to_text(entry));
  return fmt::format("{}\n        {} {} {}{}{}{}", line, time_of(change), change.organisation(), change.changeset_id(),
                     change.message().empty() ? "" : ": ", change.message(),
                     change.too_large() ? " (too large to show: see changes)" : "");
}

absl::Status blame(const Cli& cli, const BlameOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto proto, client.get_schema(options.dataset));
  LT_ASSIGN_OR_RETURN(feature::Schema schema, wire::schema_from_proto(proto));
  LT_ASSIGN_OR_RETURN(const EntryWriter writer, EntryWriter::create(std::move(schema)));
  absl::Status printed;
  std::int64_t lines = 0;
  const auto visit = [&](const FeatureChange& change) {
    const auto line = cli.output.json ? to_json(writer, change) : to_text(writer, options.id, change);
    printed = line.status();
    if (line.ok()) cli.output.print(*line);
    return line.ok() && ++lines < options.limit;
  };
  LT_RETURN_IF_ERROR(
      client.list_feature_history(options.dataset, options.id, ::lienthong::v1::FEATURE_FORM_RECORD, visit));
  return printed;
}

}  // namespace

void add_blame(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<BlameOptions>();
  CLI::App* verb = app.add_subcommand("blame", "every change of a feature, newest first: who, when, why, what");
  verb->add_option("DATASET", options->dataset)->required();
  verb->add_option("ID", options->id, "of the feature, also of one that was deleted")->required();
  verb->add_option("--limit", options->limit, "the newest N changes only")->check(CLI::PositiveNumber);
  verb->callback([&cli, options] { cli.run = [&cli, options] { return blame(cli, *options); }; });
}

}  // namespace lt::cli
