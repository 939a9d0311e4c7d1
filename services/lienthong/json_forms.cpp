#include "lienthong/json_forms.hpp"

#include <google/protobuf/util/time_util.h>

#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/schema.hpp"
#include "lienthong/v1/catalog_service.pb.h"
#include "wire/catalog.hpp"

namespace lt::cli {
namespace {

nlohmann::ordered_json time_or_null(bool present, const google::protobuf::Timestamp& time) {
  if (!present) return nullptr;
  return google::protobuf::util::TimeUtil::ToString(time);
}

void add_counts(const feature::Counts& counts, nlohmann::ordered_json& json) {
  json["inserted"] = counts.inserted;
  json["updated"] = counts.updated;
  json["deleted"] = counts.deleted;
  json["unchanged"] = counts.unchanged;
  json["quarantined"] = counts.quarantined;
  json["skipped"] = counts.skipped;
}

}  // namespace

nlohmann::ordered_json organisation_to_json(const ::lienthong::v1::Organisation& organisation) {
  nlohmann::ordered_json json;
  json["name"] = organisation.name();
  json["title"] = organisation.title();
  json["created_at"] = time_or_null(organisation.has_created_at(), organisation.created_at());
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
  json["created_at"] = time_or_null(dataset.has_created_at(), dataset.created_at());
  json["changed_at"] = time_or_null(dataset.has_changed_at(), dataset.changed_at());
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
  json["findings"] = 0;  // what rules find is refused in this version, so an accepted changeset has none
  json["digest"] = receipt.digest;
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

feature::DatasetVersion dataset_version_of(const feature::Receipt& receipt, const std::string& dataset) {
  for (const feature::DatasetVersion& version : receipt.datasets) {
    if (version.dataset == dataset) return version;
  }
  return {};
}

}  // namespace lt::cli
