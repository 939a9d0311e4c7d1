#include "lienthong/json_forms.hpp"

#include <google/protobuf/util/time_util.h>

#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/schema.hpp"
#include "lienthong/v1/catalog_service.pb.h"
#include "lienthong/v1/exchange_service.pb.h"
#include "wire/catalog.hpp"

namespace lt::cli {
namespace {

void add_counts(const feature::Counts& counts, nlohmann::ordered_json& json) {
  json["inserted"] = counts.inserted;
  json["updated"] = counts.updated;
  json["deleted"] = counts.deleted;
  json["unchanged"] = counts.unchanged;
  json["quarantined"] = counts.quarantined;
  json["skipped"] = counts.skipped;
}

}  // namespace

nlohmann::ordered_json time_to_json(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return nullptr;
  return google::protobuf::util::TimeUtil::ToString(time);
}

nlohmann::ordered_json organisation_to_json(const ::lienthong::v1::Organisation& organisation) {
  nlohmann::ordered_json json;
  json["name"] = organisation.name();
  json["title"] = organisation.title();
  json["created_at"] = time_to_json(organisation.has_created_at(), organisation.created_at());
  return json;
}

absl::StatusOr<nlohmann::ordered_json> dataset_to_json(const ::lienthong::v1::Dataset& dataset) {
  nlohmann::ordered_json json;
  json["name"] = dataset.name();
  json["uid"] = dataset.uid();
  json["owner"] = dataset.owner();
  json["title"] = dataset.title();
  json["head"] = dataset.head();
  json["head_digest"] = dataset.head_digest();
  json["features"] = dataset.feature_count();
  json["created_at"] = time_to_json(dataset.has_created_at(), dataset.created_at());
  json["changed_at"] = time_to_json(dataset.has_changed_at(), dataset.changed_at());
  if (!dataset.has_schema()) return json;
  LT_ASSIGN_OR_RETURN(const feature::Schema schema, wire::schema_from_proto(dataset.schema()));
  json["crs"] = schema.crs;
  json["schema"] = feature::schema_to_json(schema);
  return json;
}

nlohmann::ordered_json push_result_to_json(const feature::Receipt& receipt, const std::string& dataset) {
  nlohmann::ordered_json json;
  json["dataset"] = dataset;
  json["version"] = dataset_version_of(receipt, dataset).version;
  json["commit_id"] = receipt.commit_id;
  json["attempt_id"] = receipt.attempt_id;
  json["changeset_id"] = receipt.changeset_id;
  json["changed"] = receipt.changed;
  add_counts(receipt.counts, json);
  json["findings"] = receipt.counts.findings;
  json["digest"] = receipt.digest;
  json["collapsed"] = receipt.counts.collapsed;
  json["receipt"] = feature::receipt_to_json(receipt);
  return json;
}

nlohmann::ordered_json changeset_to_json(const feature::Receipt& receipt, const std::string& dataset) {
  const feature::DatasetVersion version = dataset_version_of(receipt, dataset);
  nlohmann::ordered_json json;
  json["dataset"] = dataset;
  json["version"] = version.version;
  json["commit_id"] = receipt.commit_id;
  json["attempt_id"] = receipt.attempt_id;
  json["changeset_id"] = receipt.changeset_id;
  json["organisation"] = receipt.organisation;
  json["message"] = receipt.message;
  json["committed_at"] = format_utc(receipt.committed_us);
  json["changed"] = receipt.changed;
  add_counts(receipt.counts, json);
  json["content_sha256"] = receipt.content_sha256;
  json["previous_digest"] = version.previous_digest;
  json["digest"] = receipt.digest;
  json["receipt"] = feature::receipt_to_json(receipt);
  return json;
}

nlohmann::ordered_json finding_to_json(const ::lienthong::v1::Finding& finding) {
  nlohmann::ordered_json json;
  json["rule"] = finding.rule();
  json["severity"] = short_name(::lienthong::v1::Severity_Name(finding.severity()), "SEVERITY_");
  json["feature_id"] = finding.feature_id();
  json["field"] = finding.field();
  json["place"] = finding.place();
  json["message_vi"] = finding.message_vi();
  json["message_en"] = finding.message_en();
  json["reason"] = finding.reason();
  json["dataset"] = finding.dataset();
  json["sequence"] = finding.sequence();
  return json;
}

nlohmann::ordered_json conflict_to_json(const ::lienthong::v1::Conflict& conflict) {
  nlohmann::ordered_json json;
  json["dataset"] = conflict.dataset();
  json["feature_id"] = conflict.feature_id();
  json["kind"] = short_name(::lienthong::v1::ConflictKind_Name(conflict.kind()), "CONFLICT_KIND_");
  json["expected_version"] = nullptr;
  if (conflict.has_expected_version()) json["expected_version"] = conflict.expected_version();
  json["found_version"] = conflict.found_version();
  json["found_organisation"] = conflict.found_organisation();
  json["found_at"] = time_to_json(conflict.has_found_at(), conflict.found_at());
  return json;
}

nlohmann::ordered_json attempt_to_json(const ::lienthong::v1::Attempt& attempt) {
  nlohmann::ordered_json json;
  json["attempt_id"] = attempt.attempt_id();
  json["organisation"] = attempt.organisation();
  json["changeset_id"] = attempt.changeset_id();
  json["dataset"] = attempt.dataset();
  json["outcome"] = short_name(::lienthong::v1::AttemptOutcome_Name(attempt.outcome()), "ATTEMPT_OUTCOME_");
  json["commit_id"] = attempt.commit_id();
  json["reason"] = attempt.reason();
  json["error_message"] = attempt.error_message();
  json["started_at"] = time_to_json(attempt.has_started_at(), attempt.started_at());
  json["ended_at"] = time_to_json(attempt.has_ended_at(), attempt.ended_at());
  json["received"] = attempt.received();
  json["inserted"] = attempt.counts().inserted();
  json["updated"] = attempt.counts().updated();
  json["deleted"] = attempt.counts().deleted();
  json["unchanged"] = attempt.counts().unchanged();
  json["quarantined"] = attempt.counts().quarantined();
  json["skipped"] = attempt.counts().skipped();
  json["findings"] = attempt.findings();
  json["conflicts"] = attempt.conflicts();
  return json;
}

nlohmann::ordered_json head_to_json(const ::lienthong::v1::DatasetHead& head) {
  nlohmann::ordered_json json;
  json["dataset"] = head.dataset();
  json["dataset_uid"] = head.dataset_uid();
  json["version"] = head.version();
  json["digest"] = head.digest();
  json["committed_at"] = time_to_json(head.has_committed_at(), head.committed_at());
  json["horizon"] = head.horizon();
  return json;
}

std::string short_name(const std::string& value_name, std::string_view prefix) {
  return value_name.starts_with(prefix) ? value_name.substr(prefix.size()) : value_name;
}

feature::DatasetVersion dataset_version_of(const feature::Receipt& receipt, const std::string& dataset) {
  for (const feature::DatasetVersion& version : receipt.datasets) {
    if (version.dataset == dataset) return version;
  }
  return {};
}

}  // namespace lt::cli
