// A lienthong.v1.Change as a publisher sends it: Struct, WKT, WKB or record, against schemas with every type of field.
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "feature/record.hpp"
#include "geo/crs.hpp"
#include "rules/schema_rules.hpp"
#include "support.hpp"
#include "wire/change.hpp"
#include "wire/encoder.hpp"
#include "wire/json.hpp"

namespace {

using namespace lt;
namespace v1 = lienthong::v1;

/// What the exchange holds for one dataset.
struct Dataset {
  explicit Dataset(const std::string& crs_id)
      : schema(fuzz::every_type(crs_id)), crs(find(crs_id)), decoder(schema, crs ? &*crs : nullptr), checker(schema) {
    for (const auto form : {v1::FEATURE_FORM_GEOJSON, v1::FEATURE_FORM_WKT, v1::FEATURE_FORM_WKB}) {
      encoders.emplace_back(form, wire::FeatureEncoder::create(schema, form).value());
    }
  }

  static std::optional<geo::Crs> find(const std::string& id) {
    if (id.empty()) return std::nullopt;
    return geo::find_crs(id).value();
  }

  feature::Schema schema;
  std::optional<geo::Crs> crs;
  wire::ChangeDecoder decoder;
  rules::SchemaChecker checker;
  std::vector<std::pair<v1::FeatureForm, wire::FeatureEncoder>> encoders;
};

// Forms in which a reader gets exactly what was published: all, but GeoJSON of transformed ordinates or other than XY.
bool is_exact(v1::FeatureForm form, const Dataset& dataset, const feature::State& state) {
  if (form != v1::FEATURE_FORM_GEOJSON || !state.geometry) return true;
  return dataset.crs->epsg == 4326 && state.geometry->dimension == geo::Dimension::kXY;
}

// A reader publishes again what it read.
void require_sent_back(const Dataset& dataset, const wire::IncomingChange& incoming, v1::Change change) {
  const std::string record = feature::encode_record(fuzz::kRevision, incoming.state);
  change.clear_update_mask();  // a part of a state is a state too
  *change.mutable_feature() = v1::Feature();
  change.mutable_feature()->set_id(incoming.id);
  change.mutable_feature()->set_record(record);
  const auto as_record = dataset.decoder.decode(change);
  fuzz::require(as_record.ok(), "the record of an accepted change is accepted");
  fuzz::require(feature::encode_record(fuzz::kRevision, as_record->state) == record, "a record keeps the state");
  for (const auto& [form, encoder] : dataset.encoders) {
    const auto written = encoder.encode(incoming.id, 1, record, change.mutable_feature());
    if (!written.ok()) {
      fuzz::require(written.code() == absl::StatusCode::kOutOfRange, "a form that lacks the state says OUT_OF_RANGE");
      continue;
    }
    if (!is_exact(form, dataset, incoming.state)) continue;
    const auto again = dataset.decoder.decode(change);
    if (!again.ok()) fuzz::require(false, "what was read can be published: " + message_of(again.status()));
    fuzz::require(feature::encode_record(fuzz::kRevision, again->state) == record,
                  "what was read is what was published");
  }
}

void require_decoded(const Dataset& dataset, const v1::Change& change) {
  const auto incoming = dataset.decoder.decode(change);
  if (!incoming.ok()) {
    fuzz::require_refusal(incoming.status());
    fuzz::require(error_detail(incoming.status())->metadata.contains("feature_id"), "a refusal names the feature");
    return;
  }
  fuzz::require(feature::check_feature_id(incoming->id).ok(), "an accepted id is one");
  if (incoming->op == feature::ChangeOp::kDelete) return;
  fuzz::require_state(incoming->state);
  for (const auto& finding : dataset.checker.check(incoming->id, incoming->state)) {
    fuzz::require(
        !finding.rule.empty() && !finding.reason.empty() && !finding.message_vi.empty() && !finding.message_en.empty(),
        "a finding says which rule, why, in both languages");
  }
  require_sent_back(dataset, *incoming, change);
}

void require_struct(const google::protobuf::Struct& value) {
  const auto json = wire::struct_to_json(value);
  if (!json.ok()) return fuzz::require_refusal(json.status());
  google::protobuf::Struct written;
  const auto status = wire::json_to_struct(*json, &written);
  if (!status.ok()) return fuzz::require(error_reason(status) == "TEXT_NOT_UTF8", "only its texts can spoil a Struct");
  const auto again = wire::struct_to_json(written);
  fuzz::require(again.ok() && *again == *json, "a Struct as JSON reads back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<Dataset, 3> datasets{Dataset("EPSG:4326"), Dataset("EPSG:9210"), Dataset("")};
  v1::Change change;
  if (!change.ParseFromArray(data, static_cast<int>(size))) return 0;
  require_struct(change.feature().properties());
  for (const Dataset& dataset : datasets) require_decoded(dataset, change);
  return 0;
}
