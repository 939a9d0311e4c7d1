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

}  // namespace

FeatureEncoder::FeatureEncoder(const feature::Schema& schema, v1::FeatureForm form)
    : schema_(schema), form_(form), crs_(schema.crs), operation_(kIdentity) {}

absl::StatusOr<FeatureEncoder> FeatureEncoder::create(const feature::Schema& schema, v1::FeatureForm form) {
  if (!v1::FeatureForm_IsValid(form)) {
    return make_error(
        StatusCode::kInvalidArgument, "FORM_UNKNOWN",
        fmt::format("form {} is not known; use FEATURE_FORM_GEOJSON, _WKT, _WKB or _RECORD", static_cast<int>(form)));
  }
  FeatureEncoder encoder(schema, form == v1::FEATURE_FORM_UNSPECIFIED ? v1::FEATURE_FORM_GEOJSON : form);
  if (encoder.form_ != v1::FEATURE_FORM_GEOJSON || schema.crs.empty()) return encoder;
  encoder.crs_ = std::string(kWgs84);
  LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs(schema.crs));
  LT_ASSIGN_OR_RETURN(const auto to, geo::find_crs(kWgs84));
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
  if (form_ == v1::FEATURE_FORM_RECORD) {
    out->set_record(record.data(), record.size());
    return absl::OkStatus();
  }
  if (auto written = encode_readable(record, out); !written.ok()) return at_feature(written, id);
  return absl::OkStatus();
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

absl::Status FeatureEncoder::encode_geometry(const geo::Geometry& geometry, v1::Feature* out) const {
  if (form_ == v1::FEATURE_FORM_WKB) {
    out->set_wkb(geometry.wkb);
    return absl::OkStatus();
  }
  if (form_ == v1::FEATURE_FORM_WKT) {
    out->set_wkt(geo::to_wkt(geometry));
    return absl::OkStatus();
  }
  std::string text;
  if (transformer_) {
    const auto transformed = transformer_->transform(geometry);
    if (!transformed.ok()) {
      return annotate(transformed.status(), "has no form in EPSG:4326, read it with FEATURE_FORM_WKT or _RECORD");
    }
    text = geo::to_geojson(*transformed);
  } else {
    text = geo::to_geojson(geometry);
  }
  const auto json = parse_json(text);
  if (!json.ok()) return unreadable(message_of(json.status()));
  return json_to_struct(*json, out->mutable_geojson());
}

}  // namespace lt::wire
