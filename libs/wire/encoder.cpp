#include "wire/encoder.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "feature/record.hpp"
#include "feature/value.hpp"
#include "wire/json.hpp"

namespace lt::wire {
namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;

constexpr std::string_view kWgs84 = "EPSG:4326";
constexpr std::string_view kIdentity = "identity";

absl::Status unreadable(std::string_view what) {
  return make_error(StatusCode::kDataLoss, "RECORD_MALFORMED",
                    fmt::format("the stored record cannot be read: {}; verify the database", what));
}

// The same code and reason, with the feature named.
absl::Status at_feature(const absl::Status& status, std::string_view id) {
  auto detail = error_detail(status).value_or(ErrorDetail{});
  detail.metadata["feature_id"] = std::string(id);
  return make_error(status.code(), detail.reason, fmt::format("feature '{}': {}", id, message_of(status)),
                    std::move(detail.metadata), std::move(detail.violations));
}

absl::StatusOr<std::string> crs_to_write(const feature::Schema& schema, v1::FeatureForm form, std::string_view asked) {
  const bool geojson = form == v1::FEATURE_FORM_GEOJSON;
  if (asked.empty()) return geojson && !schema.crs.empty() ? std::string(kWgs84) : schema.crs;
  LT_ASSIGN_OR_RETURN(const auto crs, geo::find_crs(asked));
  if (schema.crs.empty()) {
    return make_error(StatusCode::kInvalidArgument, "CRS_MISMATCH",
                      fmt::format("the dataset has no geometry to give in {}; leave the CRS out", crs.id()));
  }
  if (!geojson || crs.id() == kWgs84) return crs.id();
  return make_error(
      StatusCode::kInvalidArgument, "FORM_NEEDS_WGS84",
      fmt::format("GeoJSON is always in {}, not in {}; ask for FEATURE_FORM_WKT, _WKB or _RECORD", kWgs84, crs.id()));
}

}  // namespace

FeatureEncoder::FeatureEncoder(const feature::Schema& schema, v1::FeatureForm form)
    : schema_(schema), form_(form), crs_(schema.crs), operation_(kIdentity) {}

absl::StatusOr<FeatureEncoder> FeatureEncoder::create(const feature::Schema& schema, v1::FeatureForm form,
                                                      std::string_view crs) {
  if (!v1::FeatureForm_IsValid(form)) {
    return make_error(
        StatusCode::kInvalidArgument, "FORM_UNKNOWN",
        fmt::format("form {} is not known; use FEATURE_FORM_GEOJSON, _WKT, _WKB or _RECORD", static_cast<int>(form)));
  }
  FeatureEncoder encoder(schema, form == v1::FEATURE_FORM_UNSPECIFIED ? v1::FEATURE_FORM_GEOJSON : form);
  LT_ASSIGN_OR_RETURN(encoder.crs_, crs_to_write(schema, encoder.form_, crs));
  if (encoder.crs_ == schema.crs) return encoder;
  LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs(schema.crs));
  LT_ASSIGN_OR_RETURN(const auto to, geo::find_crs(encoder.crs_));
  LT_ASSIGN_OR_RETURN(auto transformer, geo::Transformer::create(from, to));
  encoder.operation_ = transformer.operation();
  if (!transformer.is_identity()) encoder.transformer_ = std::move(transformer);
  return encoder;
}

absl::Status FeatureEncoder::encode(std::string_view id, std::int64_t version, std::string_view record,
                                    v1::Feature* out) const {
  out->Clear();
  out->set_id(id.data(), id.size());
  out->set_version(version);
  if (record.empty()) return absl::OkStatus();
  const auto written = form_ == v1::FEATURE_FORM_RECORD ? encode_record(record, out) : encode_readable(record, out);
  return written.ok() ? written : at_feature(written, id);
}

absl::Status FeatureEncoder::encode_record(std::string_view record, v1::Feature* out) const {
  if (!transformer_) {
    out->set_record(record.data(), record.size());
    return absl::OkStatus();
  }
  auto decoded = feature::decode_record(record);
  if (!decoded.ok()) return unreadable(message_of(decoded.status()));
  if (decoded->state.geometry) {
    LT_ASSIGN_OR_RETURN(decoded->state.geometry, transformed(*decoded->state.geometry));
  }
  out->set_record(feature::encode_record(decoded->schema_revision, decoded->state));
  return absl::OkStatus();
}

absl::StatusOr<geo::Geometry> FeatureEncoder::transformed(const geo::Geometry& geometry) const {
  auto result = transformer_->transform(geometry);
  if (result.ok()) return result;
  return annotate(
      result.status(),
      fmt::format("has no form in {}, read it in the dataset's CRS with FEATURE_FORM_WKT, _WKB or _RECORD", crs_));
}

absl::Status FeatureEncoder::encode_readable(std::string_view record, v1::Feature* out) const {
  const auto decoded = feature::decode_record(record);
  if (!decoded.ok()) return unreadable(message_of(decoded.status()));
  if (decoded->state.geometry) LT_RETURN_IF_ERROR(encode_geometry(*decoded->state.geometry, out));
  nlohmann::json properties = nlohmann::json::object();
  for (const auto& [number, value] : decoded->state.properties) {
    const feature::Field* field = schema_.find(number);
    if (field == nullptr) return unreadable(fmt::format("field {} is not in its schema", number));
    properties[field->name] = feature::value_to_json(value);
  }
  auto written = json_to_struct(properties, out->mutable_properties(), kMaxPortableDepth);
  if (written.ok()) return written;
  return make_error(StatusCode::kOutOfRange, error_reason(written),
                    message_of(written) + "; read this feature with FEATURE_FORM_RECORD");
}

absl::Status FeatureEncoder::encode_geometry(const geo::Geometry& stored, v1::Feature* out) const {
  std::optional<geo::Geometry> computed;
  if (transformer_) {
    LT_ASSIGN_OR_RETURN(computed, transformed(stored));
  }
  const geo::Geometry& geometry = computed ? *computed : stored;
  if (form_ == v1::FEATURE_FORM_WKB) {
    out->set_wkb(geometry.wkb);
    return absl::OkStatus();
  }
  if (form_ == v1::FEATURE_FORM_WKT) {
    out->set_wkt(geo::to_wkt(geometry));
    return absl::OkStatus();
  }
  const auto json = parse_json(geo::to_geojson(geometry));
  if (!json.ok()) return unreadable(message_of(json.status()));
  return json_to_struct(*json, out->mutable_geojson());
}

}  // namespace lt::wire
