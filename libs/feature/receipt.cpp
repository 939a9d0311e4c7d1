#include "feature/receipt.hpp"

#include <charconv>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/status.hpp"
#include "base/time.hpp"

namespace lt::feature {
namespace {

constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int64_t kUsPerMs = 1'000;

void put(nlohmann::json& out, const char* name, const std::string& text) {
  if (!text.empty()) out[name] = text;
}

void put(nlohmann::json& out, const char* name, std::int64_t value) {
  if (value != 0) out[name] = std::to_string(value);
}

// The form of google.protobuf.Timestamp in proto3 JSON: UTC with 0, 3 or 6 fraction digits.
std::string proto_time(std::int64_t us) {
  std::int64_t fraction = us % kUsPerSecond;
  if (fraction < 0) fraction += kUsPerSecond;
  std::string text = format_utc(us - fraction);
  text.pop_back();  // the Z
  if (fraction == 0) return text + "Z";
  if (fraction % kUsPerMs == 0) return fmt::format("{}.{:03}Z", text, fraction / kUsPerMs);
  return fmt::format("{}.{:06}Z", text, fraction);
}

nlohmann::json counts_to_json(const Counts& counts) {
  nlohmann::json out = nlohmann::json::object();
  put(out, "inserted", counts.inserted);
  put(out, "updated", counts.updated);
  put(out, "deleted", counts.deleted);
  put(out, "unchanged", counts.unchanged);
  put(out, "quarantined", counts.quarantined);
  put(out, "skipped", counts.skipped);
  put(out, "collapsed", counts.collapsed);
  put(out, "findings", counts.findings);
  return out;
}

nlohmann::json dataset_to_json(const DatasetVersion& dataset) {
  nlohmann::json out = nlohmann::json::object();
  put(out, "dataset", dataset.dataset);
  put(out, "dataset_uid", dataset.dataset_uid);
  put(out, "version", dataset.version);
  put(out, "previous_digest", dataset.previous_digest);
  for (const auto& [source_crs, operation] : dataset.transformations) {
    nlohmann::json item = nlohmann::json::object();
    put(item, "source_crs", source_crs);
    put(item, "operation", operation);
    out["transformations"].push_back(std::move(item));
  }
  return out;
}

absl::Status malformed(const std::string& what) {
  return make_error(absl::StatusCode::kInvalidArgument, "RECEIPT_MALFORMED", "receipt: " + what);
}

// Reads the members of one object; the first trouble stays, and members that nobody asked for are one.
class Members {
 public:
  explicit Members(const nlohmann::json& object) : object_(object) {
    if (!object.is_object()) fail("not an object");
  }

  void read(const char* name, std::string& out) {
    const nlohmann::json* value = find(name);
    if (!value) return;
    if (!value->is_string()) return fail(fmt::format("\"{}\" is not a string", name));
    out = value->get<std::string>();
  }

  void read(const char* name, std::int64_t& out) {
    std::string text;
    const nlohmann::json* value = find(name);
    if (!value) return;
    if (value->is_string()) text = value->get<std::string>();
    if (value->is_number_integer()) text = value->dump();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size()) fail(fmt::format("\"{}\" is not an int64", name));
  }

  void read(const char* name, bool& out) {
    const nlohmann::json* value = find(name);
    if (!value) return;
    if (!value->is_boolean()) return fail(fmt::format("\"{}\" is not true or false", name));
    out = value->get<bool>();
  }

  const nlohmann::json* find(const char* name) {
    known_.insert(name);
    if (!status_.ok()) return nullptr;
    const auto it = object_.find(name);
    return it == object_.end() ? nullptr : &*it;
  }

  void fail(const std::string& what) {
    if (status_.ok()) status_ = malformed(what);
  }

  absl::Status finish() {
    if (!status_.ok()) return status_;
    for (auto it = object_.begin(); it != object_.end(); ++it) {
      if (!known_.contains(it.key())) return malformed(fmt::format("member \"{}\" is not known", it.key()));
    }
    return absl::OkStatus();
  }

 private:
  const nlohmann::json& object_;
  std::set<std::string> known_;
  absl::Status status_;
};

absl::Status read_counts(const nlohmann::json& json, Counts& counts) {
  Members members(json);
  members.read("inserted", counts.inserted);
  members.read("updated", counts.updated);
  members.read("deleted", counts.deleted);
  members.read("unchanged", counts.unchanged);
  members.read("quarantined", counts.quarantined);
  members.read("skipped", counts.skipped);
  members.read("collapsed", counts.collapsed);
  members.read("findings", counts.findings);
  return members.finish();
}

absl::Status read_transformations(const nlohmann::json& json, std::vector<Transformation>& transformations) {
  if (!json.is_array()) return malformed("\"transformations\" is not an array");
  for (const auto& item : json) {
    Transformation transformation;
    Members members(item);
    members.read("source_crs", transformation.source_crs);
    members.read("operation", transformation.operation);
    LT_RETURN_IF_ERROR(members.finish());
    transformations.push_back(std::move(transformation));
  }
  return absl::OkStatus();
}

absl::Status read_datasets(const nlohmann::json& json, std::vector<DatasetVersion>& datasets) {
  if (!json.is_array()) return malformed("\"datasets\" is not an array");
  for (const auto& item : json) {
    DatasetVersion dataset;
    Members members(item);
    members.read("dataset", dataset.dataset);
    members.read("dataset_uid", dataset.dataset_uid);
    members.read("version", dataset.version);
    members.read("previous_digest", dataset.previous_digest);
    const nlohmann::json* transformations = members.find("transformations");
    LT_RETURN_IF_ERROR(members.finish());
    if (transformations) LT_RETURN_IF_ERROR(read_transformations(*transformations, dataset.transformations));
    datasets.push_back(std::move(dataset));
  }
  return absl::OkStatus();
}

absl::Status read_areas(const nlohmann::json& json, std::vector<std::string>& areas) {
  if (!json.is_array()) return malformed("\"areas\" is not an array");
  for (const auto& item : json) {
    if (!item.is_string()) return malformed("\"areas\" holds what is not a string");
    areas.push_back(item.get<std::string>());
  }
  return absl::OkStatus();
}

absl::Status read_time(const std::string& text, std::int64_t& us) {
  if (text.empty()) return absl::OkStatus();
  const auto parsed = parse_rfc3339(text);
  if (!parsed.ok() || !parsed->offset_minutes) return malformed("\"committed_at\" is not a point in time");
  // At another offset the year can be one that has no text in UTC.
  if (!is_valid({parsed->us, 0})) return malformed("\"committed_at\" is outside the years 0001 to 9999 in UTC");
  us = parsed->us;
  return absl::OkStatus();
}

}  // namespace

nlohmann::json receipt_to_json(const Receipt& receipt) {
  nlohmann::json out = nlohmann::json::object();
  put(out, "commit_id", receipt.commit_id);
  put(out, "attempt_id", receipt.attempt_id);
  put(out, "changeset_id", receipt.changeset_id);
  put(out, "organisation", receipt.organisation);
  put(out, "message", receipt.message);
  if (receipt.committed_us != 0) out["committed_at"] = proto_time(receipt.committed_us);
  if (receipt.changed) out["changed"] = true;
  for (const DatasetVersion& dataset : receipt.datasets) out["datasets"].push_back(dataset_to_json(dataset));
  if (!(receipt.counts == Counts{})) out["counts"] = counts_to_json(receipt.counts);
  if (!receipt.areas.empty()) out["areas"] = receipt.areas;
  put(out, "content_sha256", receipt.content_sha256);
  put(out, "digest", receipt.digest);
  return out;
}

absl::StatusOr<Receipt> receipt_from_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json.ok()) return malformed(message_of(json.status()));
  Receipt receipt;
  std::string committed_at;
  Members members(*json);
  members.read("commit_id", receipt.commit_id);
  members.read("attempt_id", receipt.attempt_id);
  members.read("changeset_id", receipt.changeset_id);
  members.read("organisation", receipt.organisation);
  members.read("message", receipt.message);
  members.read("committed_at", committed_at);
  members.read("changed", receipt.changed);
  members.read("content_sha256", receipt.content_sha256);
  members.read("digest", receipt.digest);
  const nlohmann::json* datasets = members.find("datasets");
  const nlohmann::json* counts = members.find("counts");
  const nlohmann::json* areas = members.find("areas");
  LT_RETURN_IF_ERROR(members.finish());
  LT_RETURN_IF_ERROR(read_time(committed_at, receipt.committed_us));
  if (datasets) LT_RETURN_IF_ERROR(read_datasets(*datasets, receipt.datasets));
  if (counts) LT_RETURN_IF_ERROR(read_counts(*counts, receipt.counts));
  if (areas) LT_RETURN_IF_ERROR(read_areas(*areas, receipt.areas));
  return receipt;
}

std::string receipt_digest(const Receipt& receipt) {
  nlohmann::json json = receipt_to_json(receipt);
  json.erase("digest");
  // Only strings, booleans, arrays and objects: there is no number that could fail.
  return to_hex(view(sha256(canonical_json(json).value())));
}

}  // namespace lt::feature
