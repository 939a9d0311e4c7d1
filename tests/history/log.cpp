#include "history/log.hpp"

#include <fstream>
#include <istream>

#include "base/bytes.hpp"
#include "base/json.hpp"

namespace lt::history {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kKeptText = 400;
constexpr std::size_t kFractionDigits = 9;

Value to_value(const Json& json) { return {json.at(0).get<std::string>(), json.at(1).get<std::int64_t>()}; }
std::optional<Value> to_optional_value(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return to_value(json);
}

Change to_change(const Json& json, const Changeset& changeset) {
  Change change;
  change.dataset = json.value("dataset", changeset.dataset);
  change.id = json.at("id").get<std::string>();
  change.op = json.at("op").get<std::string>().at(0);
  if (change.op != 'D') change.value = to_value(json.at("value"));
  change.keep_number = json.value("keep_number", false);
  change.based_on = json.value("based_on", "");
  const auto header = changeset.base_versions.find(change.dataset);
  if (header != changeset.base_versions.end()) change.base_version = header->second;
  if (json.contains("base_version")) change.base_version = json["base_version"].get<std::int64_t>();
  return change;
}

Changeset to_changeset(const Json& json) {
  Changeset changeset;
  changeset.id = json.at("changeset_id").get<std::string>();
  changeset.dataset = json.at("dataset").get<std::string>();
  changeset.snapshot = json.value("kind", "CHANGES") == "SNAPSHOT";
  changeset.dry_run = json.value("dry_run", false);
  changeset.skip_conflicts = json.value("skip_conflicts", false);
  changeset.collapse_repeated = json.value("collapse_repeated", false);
  changeset.allow_mass_delete = json.value("allow_mass_delete", false);
  changeset.base_versions = json.value("base_versions", std::map<std::string, std::int64_t>{});
  for (const auto& change : json.at("changes")) changeset.changes.push_back(to_change(change, changeset));
  return changeset;
}

std::int64_t to_int(const Json& json) {
  return json.is_string() ? std::stoll(json.get<std::string>()) : json.get<std::int64_t>();
}

// RFC 3339 in UTC with any number of fraction digits: padded, so that texts compare like times.
std::string comparable_time(std::string text) {
  if (!text.empty() && text.back() == 'Z') text.pop_back();
  const auto dot = text.find('.');
  const std::size_t digits = dot == std::string::npos ? 0 : text.size() - dot - 1;
  if (dot == std::string::npos) text += '.';
  return text + std::string(digits < kFractionDigits ? kFractionDigits - digits : 0, '0');
}

std::string digest_of(Json json) {
  json.erase("digest");
  const auto text = canonical_json(json);
  return text.ok() ? to_hex(view(sha256(*text))) : "no canonical form";
}

Receipt to_receipt(const Json& json) {
  Receipt receipt;
  receipt.json = json;
  receipt.changeset_id = json.value("changeset_id", "");
  receipt.changed = json.value("changed", false);
  for (const auto& dataset : json.value("datasets", Json::array())) {
    receipt.datasets.push_back({dataset.at("dataset").get<std::string>(), to_int(dataset.value("version", Json("0"))),
                                dataset.value("previous_digest", "")});
  }
  const Json counts = json.value("counts", Json::object());
  for (const auto& [name, count] : counts.items()) receipt.counts[name] = to_int(count);
  receipt.committed_at = comparable_time(json.value("committed_at", ""));
  receipt.digest = json.value("digest", "");
  receipt.computed_digest = digest_of(json);
  return receipt;
}

Entry to_entry(const Json& json) {
  return {json.at(0).get<std::string>().at(0), json.at(1).get<std::string>(), json.at(2).get<std::int64_t>(),
          to_optional_value(json.at(3))};
}

void read_feature(const Json& json, Seen& seen) {
  seen.form = SeenForm::kFeature;
  seen.id = json.at("id").get<std::string>();
  const Json& feature = json["feature"];
  if (feature.is_null()) return;
  seen.version = feature.at(0).get<std::int64_t>();
  seen.value = to_value(feature.at(1));
}

Seen to_seen(const Json& json) {
  Seen seen;
  if (json.contains("receipts")) {
    seen.form = SeenForm::kReceipts;
    for (const auto& receipt : json["receipts"]) seen.receipts.push_back(to_receipt(receipt));
    return seen;
  }
  seen.dataset = json.at("dataset").get<std::string>();
  seen.from = json.value("from", std::int64_t{0});
  if (json.contains("feature")) {
    read_feature(json, seen);
    return seen;
  }
  seen.version = json.at("version").get<std::int64_t>();
  seen.digest = json.value("digest", "");
  if (json.contains("state")) {
    seen.form = SeenForm::kState;
    for (const auto& [id, value] : json["state"].items()) seen.state.emplace(id, to_value(value));
  }
  for (const auto& [name, form] : {std::pair{"diff", SeenForm::kDiff}, std::pair{"changes", SeenForm::kChanges}}) {
    if (!json.contains(name)) continue;
    seen.form = form;
    for (const auto& entry : json[name]) seen.entries.push_back(to_entry(entry));
  }
  return seen;
}

void add_invoke(History& history, const Json& json, std::size_t line) {
  const auto op = json.at("op").get<std::string>();
  const auto at = json.at("at").get<std::int64_t>();
  const bool publish = json.contains("publish");
  if (!history.pending.emplace(op, publish ? history.submissions.size() : history.reads.size()).second) {
    throw std::runtime_error("op " + op + " is invoked twice");
  }
  if (publish) {
    Submission submission;
    submission.op = op;
    submission.invoke_line = submission.end_line = line;
    submission.invoked = at;
    submission.changeset = to_changeset(json["publish"]);
    history.submissions.push_back(std::move(submission));
    return;
  }
  Read read;
  read.op = op;
  read.name = json.at("read").get<std::string>();
  read.invoke_line = read.end_line = line;
  read.invoked = at;
  read.apart = json.value("apart", false);
  read.may_lag = read.apart || json.value("may_lag", false);
  history.reads.push_back(std::move(read));
}

void end_submission(Submission& submission, const Json& json) {
  const auto event = json.at("event").get<std::string>();
  submission.outcome = event == "ok" ? Outcome::kOk : event == "refused" ? Outcome::kRefused : Outcome::kUnknown;
  submission.answered = json.at("at").get<std::int64_t>();
  if (submission.outcome != Outcome::kUnknown) submission.ended = submission.answered;
  submission.reason = json.value("reason", "");
  submission.metadata = json.value("metadata", std::map<std::string, std::string>{});
  if (submission.outcome == Outcome::kOk) submission.receipt = to_receipt(json.at("receipt"));
  if (!json.contains("conflicts")) return;
  submission.conflicts.emplace();
  for (const auto& conflict : json["conflicts"]) {
    submission.conflicts->push_back({conflict.at("dataset").get<std::string>(), conflict.at("id").get<std::string>(),
                                     conflict.at("kind").get<std::string>().at(0),
                                     conflict.at("found").get<std::int64_t>()});
  }
}

void add_end(History& history, const Json& json, std::size_t line) {
  const auto op = json.at("op").get<std::string>();
  const auto found = history.pending.find(op);
  if (found == history.pending.end()) throw std::runtime_error("op " + op + " ends but was not invoked");
  const std::size_t place = found->second;
  if (place < history.submissions.size() && history.submissions[place].op == op) {
    auto& submission = history.submissions[place];
    submission.end_line = line;
    end_submission(submission, json);
    return;
  }
  auto& read = history.reads.at(place);
  read.end_line = line;
  read.ended = json.at("at").get<std::int64_t>();
  if (json.at("event") != "ok") {
    ++history.failed_reads[json.value("reason", "without a reason")];
    return;
  }
  for (const auto& seen : json.at("seen")) read.seen.push_back(to_seen(seen));
}

void add_line(History& history, const Json& json, std::size_t line) {
  const auto event = json.at("event").get<std::string>();
  if (event == "invoke") return add_invoke(history, json, line);
  if (event == "ok" || event == "refused" || event == "unknown") return add_end(history, json, line);
  if (event != "config") throw std::runtime_error("unknown event " + event);
  for (const auto& name : json.at("datasets")) history.datasets.insert(name.get<std::string>());
  for (const auto& id : json.value("counters", Json::array())) history.counters.insert(id.get<std::string>());
  for (const auto& id : json.value("pairs", Json::array())) history.pairs.insert(id.get<std::string>());
}

}  // namespace

std::set<std::string> Changeset::datasets() const {
  std::set<std::string> names{dataset};
  for (const auto& change : changes) names.insert(change.dataset);
  return names;
}

nlohmann::json to_json(const Changeset& changeset) {
  Json json{{"changeset_id", changeset.id},
            {"dataset", changeset.dataset},
            {"kind", changeset.snapshot ? "SNAPSHOT" : "CHANGES"},
            {"changes", Json::array()}};
  if (changeset.dry_run) json["dry_run"] = true;
  if (changeset.skip_conflicts) json["skip_conflicts"] = true;
  if (changeset.collapse_repeated) json["collapse_repeated"] = true;
  if (changeset.allow_mass_delete) json["allow_mass_delete"] = true;
  if (!changeset.base_versions.empty()) json["base_versions"] = changeset.base_versions;
  for (const auto& change : changeset.changes) {
    Json one{{"dataset", change.dataset}, {"id", change.id}, {"op", std::string(1, change.op)}};
    if (change.op != 'D') one["value"] = Json::array({change.value.token, change.value.number});
    if (change.keep_number) one["keep_number"] = true;
    if (change.base_version) one["base_version"] = *change.base_version;
    if (!change.based_on.empty()) one["based_on"] = change.based_on;
    json["changes"].push_back(std::move(one));
  }
  return json;
}

absl::Status add_log(History& history, const std::string& file, std::istream& input) {
  std::string text;
  for (int number = 1; std::getline(input, text); ++number) {
    history.lines.push_back({file, number, text.substr(0, kKeptText)});
    try {
      add_line(history, Json::parse(text), history.lines.size() - 1);
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(file + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<History> read_logs(const std::vector<std::string>& files) {
  History history;
  for (const auto& file : files) {
    std::ifstream input(file);
    if (!input) return absl::NotFoundError("cannot read " + file);
    if (auto status = add_log(history, file, input); !status.ok()) return status;
  }
  std::erase_if(history.reads, [](const Read& read) { return read.seen.empty(); });
  return history;
}

}  // namespace lt::history
