#include "support.hpp"

#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"

namespace lt::fuzz {
namespace {

using feature::Field;
using feature::FieldType;

constexpr int kSrid = 9210;
constexpr int kOtherSrid = 4326;
constexpr geo::GeometryLimits kSmall{.max_bytes = 2048, .max_vertices = 40, .max_parts = 8, .max_depth = 2};

void require_same(const absl::StatusOr<geo::Geometry>& again, const geo::Geometry& first, std::string_view form) {
  const std::string what(form);
  if (!again.ok()) require(false, what + " reads back: " + message_of(again.status()));
  require(again->wkb == first.wkb, what + " gives the same bytes");
  require(again->type == first.type && again->dimension == first.dimension, what + " gives the same type");
  require(again->box == first.box, what + " gives the same box");
  require(again->vertices == first.vertices && again->empty == first.empty, what + " gives the same counts");
}

bool fits_geojson(const geo::Geometry& geometry) {
  if (geometry.dimension == geo::Dimension::kXY) return true;
  return geometry.dimension == geo::Dimension::kXYZ && geometry.vertices > 0;
}

void require_value(std::int32_t number, const feature::Value& value) {
  require(feature::check_value(value).ok(), "a value that was accepted passes check_value()");
  const nlohmann::json json = feature::value_to_json(value);
  const auto parsed = parse_json(json.dump(), feature::kMaxJsonDepth + 1);
  require(parsed.ok(), "the JSON form of a value is well-formed text");
  feature::State before, after, through_text;
  before.properties.emplace(number, value);
  const auto again = feature::value_from_json(feature::type_of(value), json);
  require(again.ok(), "the JSON form of a value reads back");
  const auto again_text = feature::value_from_json(feature::type_of(value), *parsed);
  require(again_text.ok(), "the JSON text of a value reads back");
  after.properties.emplace(number, *again);
  through_text.properties.emplace(number, *again_text);
  // Compared as records, where NaN equals NaN.
  const std::string record = feature::encode_record(1, before);
  require(feature::encode_record(1, after) == record, "the JSON form of a value keeps it");
  require(feature::encode_record(1, through_text) == record, "the JSON text of a value keeps it");
}

Field plain(std::int32_t number, std::string name, FieldType type) {
  Field field;
  field.number = number;
  field.name = std::move(name);
  field.type = type;
  return field;
}

Field limited(std::int32_t number, std::string name, FieldType type) {
  Field field = plain(number, std::move(name), type);
  field.required = type == FieldType::kBool;
  switch (type) {
    case FieldType::kString:
    case FieldType::kStringList: field.allowed = {"QL", "ĐT", "a"}; [[fallthrough]];
    case FieldType::kBytes: field.max_length = 2; break;
    case FieldType::kInt64:
    case FieldType::kDouble:
    case FieldType::kDecimal:
      field.minimum = -0.5;
      field.maximum = 9.75;
      break;
    default: break;
  }
  field.allow_non_finite = type == FieldType::kDouble;
  return field;
}

}  // namespace

std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

void require(bool holds, std::string_view property) {
  if (holds) return;
  std::fprintf(stderr, "property broken: %.*s\n", static_cast<int>(property.size()), property.data());
  std::abort();
}

void require_refusal(const absl::Status& status) {
  require(status.code() == absl::StatusCode::kInvalidArgument || status.code() == absl::StatusCode::kResourceExhausted,
          "hostile input is the caller's fault: " + status.ToString());
  require(!error_reason(status).empty() && !status.message().empty(), "a refusal has a reason and a message");
}

void require_geometry(const geo::Geometry& geometry) {
  require_same(geo::parse_wkb(geometry.wkb), geometry, "canonical WKB");
  require_same(geo::read_canonical_wkb(geometry.wkb), geometry, "stored WKB");
  require_same(geo::parse_wkt(geo::to_wkt(geometry)), geometry, "WKT");
  const std::string geojson = geo::to_geojson(geometry);
  if (fits_geojson(geometry)) require_same(geo::parse_geojson(geojson), geometry, "GeoJSON");
  require(geo::parse_geojson(geojson).ok(), "GeoJSON without M reads back");
  const std::string ewkb = geo::to_ewkb(geometry, kSrid);
  require_same(geo::parse_wkb(ewkb, kSrid), geometry, "EWKB");
  require(error_reason(geo::parse_wkb(ewkb).status()) == "SRID_MISMATCH", "an SRID is refused where none may be");
  require(error_reason(geo::parse_wkb(ewkb, kOtherSrid).status()) == "SRID_MISMATCH", "another SRID is refused");
  require(geometry.empty == (geometry.vertices == 0), "empty says that there is no vertex");
  require(geometry.box.empty() == geometry.empty, "the box is empty exactly without vertices");
  const auto rounded = geo::round_outwards(geometry.box);
  require(rounded.has_value() != geometry.empty, "only an empty box has no rounded form");
  if (!rounded) return;
  const auto [x1, y1, x2, y2] = *rounded;
  require(x1 <= geometry.box.x1 && y1 <= geometry.box.y1 && x2 >= geometry.box.x2 && y2 >= geometry.box.y2,
          "the rounded box contains the exact one");
}

void require_parser(const GeometryParser& parse) {
  const auto whole = parse(geo::GeometryLimits{});
  const auto small = parse(kSmall);
  if (!whole.ok()) {
    require_refusal(whole.status());
    require(!small.ok(), "smaller limits accept nothing more");
    require_refusal(small.status());
    return;
  }
  require_geometry(*whole);
  if (!small.ok()) {
    require(error_reason(small.status()) == "GEOMETRY_TOO_LARGE", "smaller limits give no other error");
    require(small.status().code() == absl::StatusCode::kResourceExhausted, "a limit is RESOURCE_EXHAUSTED");
    return;
  }
  require(small->wkb == whole->wkb, "limits do not change what is read");
  require(small->vertices <= kSmall.max_vertices && small->wkb.size() <= kSmall.max_bytes, "limits hold");
}

void require_state(const feature::State& state) {
  const std::string record = feature::encode_record(kRevision, state);
  const auto decoded = feature::decode_record(record);
  if (!decoded.ok()) require(false, "a state's record can be read: " + message_of(decoded.status()));
  require(decoded->schema_revision == kRevision, "the record keeps its revision");
  require(feature::encode_record(kRevision, decoded->state) == record, "a record has one form");
  require(feature::content_hash(record) == feature::content_hash(feature::encode_record(kRevision + 1, state)),
          "the revision is not hashed");
  if (state.geometry) require_geometry(*state.geometry);
  for (const auto& [number, value] : state.properties) require_value(number, value);
}

feature::Schema every_type(const std::string& crs) {
  feature::Schema schema;
  schema.revision = kRevision;
  schema.crs = crs;
  if (!crs.empty()) schema.geometry.types = {geo::GeometryType::kLineString, geo::GeometryType::kMultiPolygon};
  schema.geometry.dimensions = {geo::Dimension::kXY, geo::Dimension::kXYZ};
  constexpr std::int32_t kTypes = 10;
  for (std::int32_t n = 1; n <= kTypes; ++n) {
    const auto type = static_cast<FieldType>(n);
    schema.fields.push_back(plain(n, std::string(feature::to_string(type)), type));
  }
  for (std::int32_t n = 1; n <= kTypes; ++n) {
    const auto type = static_cast<FieldType>(n);
    schema.fields.push_back(limited(kTypes + n, "limited " + std::string(feature::to_string(type)), type));
  }
  return schema;
}

}  // namespace lt::fuzz
