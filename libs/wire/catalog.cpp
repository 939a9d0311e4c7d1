#include "wire/catalog.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/status.hpp"

namespace lt::wire {
namespace {

namespace v1 = lienthong::v1;
using Violations = std::vector<FieldViolation>;

// The enums of proto and domain agree number by number, except that ANY is 8 there and kGeometry (0) here and that
// dimensions start at 1 there.
static_assert(static_cast<int>(feature::FieldType::kString) == v1::FIELD_TYPE_STRING);
static_assert(static_cast<int>(feature::FieldType::kJson) == v1::FIELD_TYPE_JSON);
static_assert(static_cast<int>(geo::GeometryType::kPoint) == v1::GEOMETRY_TYPE_POINT);
static_assert(static_cast<int>(geo::GeometryType::kGeometryCollection) == v1::GEOMETRY_TYPE_GEOMETRYCOLLECTION);
static_assert(static_cast<int>(geo::Dimension::kXY) + 1 == v1::DIMENSION_XY);
static_assert(static_cast<int>(geo::Dimension::kXYZM) + 1 == v1::DIMENSION_XYZM);

feature::Field field_from_proto(const v1::Field& proto, int index, std::int32_t previous, Violations& wrong) {
  feature::Field field;
  field.number = proto.number() == 0 ? previous + 1 : proto.number();
  field.name = proto.name();
  if (proto.type() == v1::FIELD_TYPE_UNSPECIFIED || !v1::FieldType_IsValid(proto.type())) {
    wrong.push_back({fmt::format("fields[{}].type", index),
                     fmt::format("field '{}' has no known type ({}); use one of FIELD_TYPE_STRING to FIELD_TYPE_JSON",
                                 proto.name(), static_cast<int>(proto.type()))});
  } else {
    field.type = static_cast<feature::FieldType>(proto.type());
  }
  field.required = proto.required();
  field.allowed.assign(proto.allowed().begin(), proto.allowed().end());
  if (proto.has_minimum()) field.minimum = proto.minimum();
  if (proto.has_maximum()) field.maximum = proto.maximum();
  if (proto.has_max_length()) field.max_length = proto.max_length();
  field.allow_non_finite = proto.allow_non_finite();
  field.title_vi = proto.title_vi();
  field.title_en = proto.title_en();
  field.unit = proto.unit();
  return field;
}

feature::GeometryRule rule_from_proto(const v1::GeometryRule& proto, Violations& wrong) {
  feature::GeometryRule rule;
  for (int i = 0; i < proto.types_size(); ++i) {
    const auto type = proto.types(i);
    if (type == v1::GEOMETRY_TYPE_ANY) {
      rule.types.push_back(geo::GeometryType::kGeometry);
    } else if (type != v1::GEOMETRY_TYPE_UNSPECIFIED && v1::GeometryType_IsValid(type)) {
      rule.types.push_back(static_cast<geo::GeometryType>(type));
    } else {
      wrong.push_back({fmt::format("geometry.types[{}]", i),
                       fmt::format("unknown geometry type {}; use one of GEOMETRY_TYPE_POINT to GEOMETRY_TYPE_ANY",
                                   static_cast<int>(type))});
    }
  }
  if (proto.dimensions_size() > 0) rule.dimensions.clear();
  for (int i = 0; i < proto.dimensions_size(); ++i) {
    const auto dimension = proto.dimensions(i);
    if (dimension != v1::DIMENSION_UNSPECIFIED && v1::Dimension_IsValid(dimension)) {
      rule.dimensions.push_back(static_cast<geo::Dimension>(static_cast<int>(dimension) - 1));
    } else {
      wrong.push_back({fmt::format("geometry.dimensions[{}]", i),
                       fmt::format("unknown dimension {}; use one of DIMENSION_XY to DIMENSION_XYZM",
                                   static_cast<int>(dimension))});
    }
  }
  rule.nullable = proto.nullable();
  return rule;
}

void field_to_proto(const feature::Field& field, v1::Field* out) {
  out->set_number(field.number);
  out->set_name(field.name);
  out->set_type(static_cast<v1::FieldType>(field.type));
  out->set_required(field.required);
  for (const auto& value : field.allowed) out->add_allowed(value);
  if (field.minimum) out->set_minimum(*field.minimum);
  if (field.maximum) out->set_maximum(*field.maximum);
  if (field.max_length) out->set_max_length(*field.max_length);
  out->set_allow_non_finite(field.allow_non_finite);
  out->set_title_vi(field.title_vi);
  out->set_title_en(field.title_en);
  out->set_unit(field.unit);
}

}  // namespace

absl::StatusOr<feature::Schema> schema_from_proto(const v1::Schema& proto) {
  Violations wrong;
  feature::Schema schema;
  schema.revision = proto.revision() == 0 ? 1 : proto.revision();
  schema.crs = proto.crs();
  schema.geometry = rule_from_proto(proto.geometry(), wrong);
  std::int32_t previous = 0;
  for (int i = 0; i < proto.fields_size(); ++i) {
    schema.fields.push_back(field_from_proto(proto.fields(i), i, previous, wrong));
    previous = schema.fields.back().number;
  }
  if (!wrong.empty()) {
    const std::string message = wrong.front().field + ": " + wrong.front().description;
    return make_error(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID", message, {}, std::move(wrong));
  }
  std::stable_sort(schema.fields.begin(), schema.fields.end(),
                   [](const auto& a, const auto& b) { return a.number < b.number; });
  return schema;
}

void schema_to_proto(const feature::Schema& schema, v1::Schema* out) {
  out->Clear();
  out->set_revision(schema.revision);
  out->set_crs(schema.crs);
  if (!schema.geometry.types.empty()) {
    auto* rule = out->mutable_geometry();
    for (const auto type : schema.geometry.types) {
      rule->add_types(type == geo::GeometryType::kGeometry ? v1::GEOMETRY_TYPE_ANY
                                                           : static_cast<v1::GeometryType>(type));
    }
    for (const auto dimension : schema.geometry.dimensions) {
      rule->add_dimensions(static_cast<v1::Dimension>(static_cast<int>(dimension) + 1));
    }
    rule->set_nullable(schema.geometry.nullable);
  }
  for (const auto& field : schema.fields) field_to_proto(field, out->add_fields());
}

}  // namespace lt::wire
