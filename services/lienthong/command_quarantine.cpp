#include "lienthong/command_quarantine.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "client/client.hpp"
#include "feature/record.hpp"
#include "lienthong/entry_writer.hpp"
#include "lienthong/json_forms.hpp"
#include "lienthong/receipt_output.hpp"
#include "sources/gdal_reader.hpp"
#include "wire/catalog.hpp"
#include "wire/receipt.hpp"

namespace lt::cli {
namespace {

namespace v1 = ::lienthong::v1;

const std::map<std::string, v1::QuarantineState> kStates{{"held", v1::QUARANTINE_STATE_HELD},
                                                         {"released", v1::QUARANTINE_STATE_RELEASED},
                                                         {"discarded", v1::QUARANTINE_STATE_DISCARDED},
                                                         {"superseded", v1::QUARANTINE_STATE_SUPERSEDED}};

struct ListOptions {
  std::string dataset;
  std::string state;
  std::string feature;
};

struct ReleaseOptions {
  std::string dataset;
  std::vector<std::int64_t> ids;
  std::string file;
  std::string id_field;
  bool as_sent = false;
  std::string changeset_id;
  std::string message;
};

struct DiscardOptions {
  std::string dataset;
  std::vector<std::int64_t> ids;
  std::string note;
};

absl::StatusOr<feature::Schema> schema_of(const client::Client& client, const std::string& dataset) {
  LT_ASSIGN_OR_RETURN(const auto proto, client.get_schema(dataset));
  return wire::schema_from_proto(proto);
}

std::string json_text(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  return google::protobuf::util::MessageToJsonString(message, &text, options).ok() ? text : "null";
}

nlohmann::ordered_json findings_of(const v1::QuarantinedChange& held) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& finding : held.findings()) list.push_back(finding_to_json(finding));
  return list;
}

std::string state_name(const v1::QuarantinedChange& held) {
  return short_name(v1::QuarantineState_Name(held.state()), "QUARANTINE_STATE_");
}

// A record is told as its state, every other form as it was sent. One that cannot be read is told as it was sent too.
std::string sent_members(const EntryWriter& writer, const v1::Change& change) {
  const auto state = writer.state_to_json(change.feature().record());
  const bool readable = !change.feature().record().empty() && state.ok();
  return fmt::format(R"("state":{},"sent":{})", readable ? *state : "null", readable ? "null" : json_text(change));
}

std::string to_json(const EntryWriter& writer, const v1::QuarantinedChange& held) {
  nlohmann::ordered_json json;
  json["quarantine_id"] = held.quarantine_id();
  json["dataset"] = held.dataset();
  json["quarantine_state"] = state_name(held);
  json["feature_id"] = held.change().feature().id();
  json["op"] = short_name(v1::Operation_Name(held.change().op()), "OPERATION_");
  json["feature_version"] = held.feature_version();
  json["attempt_id"] = held.attempt_id();
  json["organisation"] = held.organisation();
  json["quarantined_at"] = time_to_json(held.has_quarantined_at(), held.quarantined_at());
  json["decided_at"] = time_to_json(held.has_decided_at(), held.decided_at());
  json["decided_by"] = held.decided_by();
  json["note"] = held.note();
  json["too_large"] = held.too_large();
  if (!held.crs().empty()) json["crs"] = held.crs();
  json["findings"] = findings_of(held);
  std::string text = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.pop_back();  // the closing brace: geometries are text already, with all their digits
  return text + "," + sent_members(writer, held.change()) + "}";
}

void print_for_people(const Cli& cli, const v1::QuarantinedChange& held) {
  cli.output.print(fmt::format("{:<8} {:<10} {:<24} {} {}", held.quarantine_id(), state_name(held),
                               held.change().feature().id(), held.organisation(), held.note()));
  for (const auto& finding : held.findings()) {
    cli.output.print(fmt::format("         {} {}: {} / {}", finding.rule(), finding.field(), finding.message_vi(),
                                 finding.message_en()));
  }
}

absl::Status list(const Cli& cli, const ListOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(feature::Schema schema, schema_of(client, options.dataset));
  LT_ASSIGN_OR_RETURN(const EntryWriter writer, EntryWriter::create(std::move(schema)));
  v1::ListQuarantineRequest request;
  request.set_dataset(options.dataset);
  request.set_feature_id(options.feature);
  if (!options.state.empty()) request.set_state(kStates.at(options.state));
  return client.list_quarantine(request, [&](const v1::QuarantinedChange& held) {
    if (cli.output.json) {
      cli.output.print(to_json(writer, held));
    } else {
      print_for_people(cli, held);
    }
    return true;
  });
}

// The one feature of a file, as a record in the dataset's CRS.
absl::StatusOr<v1::Feature> read_feature(const ReleaseOptions& options, const feature::Schema& schema) {
  sources::ReadOptions source;
  source.path = options.file;
  source.id_field = options.id_field;
  LT_ASSIGN_OR_RETURN(auto reader, sources::FileReader::open(source));
  if (!schema.crs.empty() && !reader.crs().empty() && reader.crs() != schema.crs) {
    return make_error(
        absl::StatusCode::kInvalidArgument, "CRS_MISMATCH",
        fmt::format("{} is in {}, the dataset in {}; transform it first", options.file, reader.crs(), schema.crs),
        {{"crs", reader.crs()}, {"dataset_crs", schema.crs}});
  }
  LT_RETURN_IF_ERROR(reader.bind(schema));
  LT_ASSIGN_OR_RETURN(const auto first, reader.next());
  if (!first) return usage_error(options.file + " has no feature");
  v1::Feature out;
  out.set_id(first->id);
  out.set_record(feature::encode_record(schema.revision, first->state));
  LT_ASSIGN_OR_RETURN(const auto second, reader.next());
  if (second) return usage_error(options.file + " has several features; give each its own release");
  return out;
}

absl::Status check_release(const ReleaseOptions& options) {
  if (options.as_sent == !options.file.empty()) {
    return usage_error("release takes one: --from-file FILE with the corrected feature, or --as-sent");
  }
  if (!options.file.empty() && options.ids.size() != 1) {
    return usage_error("--from-file corrects one change: give one --id");
  }
  return absl::OkStatus();
}

absl::Status release(const Cli& cli, const ReleaseOptions& options) {
  LT_RETURN_IF_ERROR(check_release(options));
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  v1::ReleaseQuarantineRequest request;
  request.set_dataset(options.dataset);
  request.set_changeset_id(options.changeset_id.empty() ? "release/" + make_uuid7() : options.changeset_id);
  request.set_message(options.message);
  for (const std::int64_t id : options.ids) request.add_releases()->set_quarantine_id(id);
  if (!options.file.empty()) {
    LT_ASSIGN_OR_RETURN(const feature::Schema schema, schema_of(client, options.dataset));
    LT_ASSIGN_OR_RETURN(*request.mutable_releases(0)->mutable_corrected(), read_feature(options, schema));
  }
  const auto answer = client.release_quarantine(request);
  if (!answer.ok()) return with_changeset_id(answer.status(), request.changeset_id());
  LT_ASSIGN_OR_RETURN(const feature::Receipt receipt, wire::receipt_from_proto(*answer));
  print_receipt(cli, receipt, options.dataset, false);
  return absl::OkStatus();
}

absl::Status discard(const Cli& cli, const DiscardOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  v1::DiscardQuarantineRequest request;
  request.set_dataset(options.dataset);
  request.mutable_quarantine_ids()->Add(options.ids.begin(), options.ids.end());
  request.set_note(options.note);
  LT_ASSIGN_OR_RETURN(const std::int64_t discarded, client.discard_quarantine(request));
  if (cli.output.json) {
    cli.output.print_json(nlohmann::ordered_json{{"discarded", discarded}});
  } else {
    cli.output.print(fmt::format("{} discarded", discarded));
  }
  return absl::OkStatus();
}

void add_list(CLI::App& family, Cli& cli) {
  const auto options = std::make_shared<ListOptions>();
  CLI::App* verb = family.add_subcommand("list", "changes set aside as invalid, oldest first");
  verb->add_option("DATASET", options->dataset)->required();
  verb->add_option("--state", options->state, "only these")->check(CLI::IsMember(kStates));
  verb->add_option("--feature", options->feature, "only of this feature");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return list(cli, *options); }; });
}

void add_release(CLI::App& family, Cli& cli) {
  const auto options = std::make_shared<ReleaseOptions>();
  CLI::App* verb = family.add_subcommand("release", "publish changes that were set aside, corrected or as they are");
  verb->add_option("DATASET", options->dataset)->required();
  verb->add_option("--id", options->ids, "of the change; with --as-sent several")->required();
  verb->add_option("--from-file", options->file, "the corrected feature: a file with one, in the dataset's CRS");
  verb->add_option("--id-field", options->id_field, "with --from-file: the field that holds the feature id");
  verb->add_flag("--as-sent", options->as_sent, "as they were sent, where they are valid by now");
  verb->add_option("--changeset-id", options->changeset_id, "name of the new changeset");
  verb->add_option("--message", options->message, "why, for people");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return release(cli, *options); }; });
}

void add_discard(CLI::App& family, Cli& cli) {
  const auto options = std::make_shared<DiscardOptions>();
  CLI::App* verb = family.add_subcommand("discard", "give changes up that were set aside");
  verb->add_option("DATASET", options->dataset)->required();
  verb->add_option("--id", options->ids, "of the change; repeat it for several")->required();
  verb->add_option("--note", options->note, "why, for people")->required();
  verb->callback([&cli, options] { cli.run = [&cli, options] { return discard(cli, *options); }; });
}

}  // namespace

void add_quarantine(CLI::App& app, Cli& cli) {
  CLI::App* family = app.add_subcommand("quarantine", "changes set aside as invalid");
  family->require_subcommand(1);
  add_list(*family, cli);
  add_release(*family, cli);
  add_discard(*family, cli);
}

}  // namespace lt::cli
