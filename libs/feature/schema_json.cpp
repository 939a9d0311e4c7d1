// The JSON form of a schema, both ways.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "feature/schema.hpp"
#include "feature/text.hpp"

namespace lt::feature {
namespace {

absl::Status invalid(const std::string& place, const std::string& what) {
  if (place.empty()) return make_error(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID", "schema " + what);
  return make_error(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID",
                    fmt::format("schema is not valid: {}: {}", place, what), {}, {{place, what}});
}

std::string below(const std::string& place, std::string_view name) {
  return place.empty() ? std::string(name) : fmt::format("{}.{}", place, name);
}

// One object of a schema file: typed members, each optional; the first trouble stays.
class Object {
 public:
  Object(const nlohmann::json& json, std::string place, std::initializer_list<std::string_view> known)
      : json_(json), place_(std::move(place)) {
    if (!json.is_object()) {
      fail("", "must be an object");
      return;
    }
    for (auto it = json.begin(); it != json.end(); ++it) {
      if (std::find(known.begin(), known.end(), it.key()) == known.end()) fail(cut(it.key()), "is not known");
    }
  }

  [[nodiscard]] const absl::Status& status() const { return status_; }

  const nlohmann::json* find(const char* name) const {
    if (!json_.is_object()) return nullptr;
    const auto it = json_.find(name);
    return it == json_.end() ? nullptr : &*it;
  }

  void read(const char* name, std::string& out) {
    const nlohmann::json* value = find(name);
    if (!value) return;
    if (!value->is_string()) return fail(name, "must be a string");
    out = value->get<std::string>();
  }

  void read(const char* name, bool& out) {
    const nlohmann::json* value = find(name);
    if (!value) return;
    if (!value->is_boolean()) return fail(name, "must be true or false");
    out = value->get<bool>();
  }

  void read(const char* name, std::optional<std::int32_t>& out) {
    const nlohmann::json* value = find(name);
    if (!value) return;
    // Files written by others may say 1.0.
    const double number = value->is_number() ? value->get<double>() : std::nan("");
    const bool fits = number == std::trunc(number) && std::abs(number) <= std::numeric_limits<std::int32_t>::max();
    if (!fits) return fail(name, "must be a whole number");
    out = static_cast<std::int32_t>(number);
  }

  void read(const char* name, std::optional<double>& out) {
    const nlohmann::json* value = find(name);
    if (!value) return;
    if (!value->is_number()) return fail(name, "must be a number");
    out = value->get<double>();
  }

  void read(const char* name, std::vector<std::string>& out) {
    const nlohmann::json* value = find(name);
    if (!value) return;
    const bool strings = value->is_array() &&
                         std::all_of(value->begin(), value->end(), [](const auto& item) { return item.is_string(); });
    if (!strings) return fail(name, "must be a list of strings");
    out = value->get<std::vector<std::string>>();
  }

  void fail(std::string_view name, const std::string& what) {
    if (status_.ok()) status_ = invalid(name.empty() ? place_ : below(place_, name), what);
  }

 private:
  const nlohmann::json& json_;
  std::string place_;
  absl::Status status_;
};

absl::StatusOr<GeometryRule> geometry_from_json(const nlohmann::json& json) {
  GeometryRule rule;
  std::vector<std::string> types;
  std::vector<std::string> dimensions{"XY"};
  Object object(json, "geometry", {"types", "dimensions", "nullable"});
  object.read("types", types);
  object.read("dimensions", dimensions);
  object.read("nullable", rule.nullable);
  LT_RETURN_IF_ERROR(object.status());
  for (const std::string& name : types) {
    const auto type = geo::geometry_type_from(name);
    if (!type) return invalid("geometry.types", fmt::format("\"{}\" is not a geometry type", cut(name)));
    rule.types.push_back(*type);
  }
  rule.dimensions.clear();
  for (const std::string& name : dimensions) {
    const auto dimension = geo::dimension_from(name);
    if (!dimension) return invalid("geometry.dimensions", fmt::format("\"{}\" is not XY, XYZ, XYM or XYZM", cut(name)));
    rule.dimensions.push_back(*dimension);
  }
  return rule;
}

absl::StatusOr<Field> field_from_json(const nlohmann::json& json, const std::string& place) {
  Field field;
  std::optional<std::int32_t> number;
  std::string type;
  Object object(json, place,
                {"number", "name", "type", "required", "allowed", "minimum", "maximum", "max_length",
                 "allow_non_finite", "title_vi", "title_en", "unit"});
  object.read("number", number);
  object.read("name", field.name);
  object.read("type", type);
  object.read("required", field.required);
  object.read("allowed", field.allowed);
  object.read("minimum", field.minimum);
  object.read("maximum", field.maximum);
  object.read("max_length", field.max_length);
  object.read("allow_non_finite", field.allow_non_finite);
  object.read("title_vi", field.title_vi);
  object.read("title_en", field.title_en);
  object.read("unit", field.unit);
  LT_RETURN_IF_ERROR(object.status());
  const auto known = field_type_from(type);
  if (!known) {
    return invalid(below(place, "type"),
                   fmt::format("\"{}\" is not string, int64, double, bool, date, timestamp, decimal, "
                               "bytes, string_list or json",
                               cut(type)));
  }
  if (number && *number < 1) return invalid(below(place, "number"), "must be 1 or more");
  field.type = *known;
  field.number = number.value_or(0);
  return field;
}

absl::StatusOr<std::vector<Field>> fields_from_json(const nlohmann::json& json) {
  if (!json.is_array()) return invalid("fields", "must be a list");
  if (json.size() > static_cast<std::size_t>(kMaxFieldNumber)) {
    return invalid("fields", fmt::format("{} fields are more than {}", json.size(), kMaxFieldNumber));
  }
  std::vector<Field> fields;
  std::int64_t highest = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    LT_ASSIGN_OR_RETURN(Field field, field_from_json(json[i], fmt::format("fields[{}]", i)));
    highest = std::max<std::int64_t>(highest, field.number);
    fields.push_back(std::move(field));
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].number != 0) continue;
    if (++highest > kMaxFieldNumber) {
      return invalid(fmt::format("fields[{}]", i), fmt::format("no number up to {} is left for it", kMaxFieldNumber));
    }
    fields[i].number = static_cast<std::int32_t>(highest);
  }
  std::stable_sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) { return a.number < b.number; });
  return fields;
}

nlohmann::json geometry_to_json(const GeometryRule& rule) {
  nlohmann::json out = nlohmann::json::object();
  for (const geo::GeometryType type : rule.types) out["types"].push_back(std::string(geo::to_string(type)));
  if (rule.dimensions != GeometryRule{}.dimensions) {
    out["dimensions"] = nlohmann::json::array();
    for (const geo::Dimension dimension : rule.dimensions)
      out["dimensions"].push_back(std::string(geo::to_string(dimension)));
  }
  if (rule.nullable) out["nullable"] = true;
  return out;
}

nlohmann::json field_to_json(const Field& field) {
  nlohmann::json out{{"number", field.number}, {"name", field.name}, {"type", std::string(to_string(field.type))}};
  if (field.required) out["required"] = true;
  if (!field.allowed.empty()) out["allowed"] = field.allowed;
  if (field.minimum) out["minimum"] = *field.minimum;
  if (field.maximum) out["maximum"] = *field.maximum;
  if (field.max_length) out["max_length"] = *field.max_length;
  if (field.allow_non_finite) out["allow_non_finite"] = true;
  if (!field.title_vi.empty()) out["title_vi"] = field.title_vi;
  if (!field.title_en.empty()) out["title_en"] = field.title_en;
  if (!field.unit.empty()) out["unit"] = field.unit;
  return out;
}

}  // namespace

nlohmann::json schema_to_json(const Schema& schema) {
  nlohmann::json out{{"revision", schema.revision}};
  if (!schema.crs.empty()) out["crs"] = schema.crs;
  if (!(schema.geometry == GeometryRule{})) out["geometry"] = geometry_to_json(schema.geometry);
  out["fields"] = nlohmann::json::array();
  for (const Field& field : schema.fields) out["fields"].push_back(field_to_json(field));
  return out;
}

absl::StatusOr<Schema> schema_from_json(const nlohmann::json& json) {
  Schema schema;
  std::optional<std::int32_t> revision;
  Object object(json, "", {"revision", "crs", "geometry", "fields"});
  object.read("revision", revision);
  object.read("crs", schema.crs);
  LT_RETURN_IF_ERROR(object.status());
  schema.revision = revision.value_or(1);
  if (const nlohmann::json* geometry = object.find("geometry")) {
    LT_ASSIGN_OR_RETURN(schema.geometry, geometry_from_json(*geometry));
  }
  if (const nlohmann::json* fields = object.find("fields")) {
    LT_ASSIGN_OR_RETURN(schema.fields, fields_from_json(*fields));
  }
  return schema;
}

}  // namespace lt::feature
