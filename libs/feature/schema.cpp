#include "feature/schema.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "feature/text.hpp"
#include "geo/crs.hpp"

namespace lt::feature {
namespace {

constexpr std::size_t kMaxViolations = 20;
constexpr std::size_t kMaxAllowed = 100'000;
constexpr std::size_t kMaxAllowedBytes = 1'000;
constexpr std::size_t kMaxTitleBytes = 1'000;
constexpr std::string_view kEpsg = "EPSG:";

bool is_kept_type(geo::GeometryType type) { return type <= geo::GeometryType::kGeometryCollection; }

// Collects what is wrong with a schema, each with its place.
class SchemaCheck {
 public:
  explicit SchemaCheck(const Schema& schema) : schema_(schema) {}

  absl::Status run() {
    if (schema_.revision < 1) wrong("revision", "must be 1 or more");
    check_geometry();
    if (schema_.fields.size() > static_cast<std::size_t>(kMaxFieldNumber)) {
      wrong("fields", fmt::format("{} fields are more than {}", schema_.fields.size(), kMaxFieldNumber));
    }
    std::int32_t previous = 0;
    for (std::size_t i = 0; i < schema_.fields.size() && violations_.size() < kMaxViolations; ++i) {
      check_field(schema_.fields[i], fmt::format("fields[{}]", i), previous);
      previous = schema_.fields[i].number;
    }
    return result();
  }

 private:
  void wrong(std::string place, std::string what) { violations_.push_back({std::move(place), std::move(what)}); }

  [[nodiscard]] absl::Status result() const {
    if (violations_.empty()) return absl::OkStatus();
    const FieldViolation& first = violations_.front();
    return make_error(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID",
                      fmt::format("schema is not valid: {}: {}{}", first.field, first.description,
                                  violations_.size() > 1 ? fmt::format(" (and {} more)", violations_.size() - 1) : ""),
                      {}, violations_);
  }

  void check_geometry() {
    const GeometryRule& rule = schema_.geometry;
    if (rule.types.empty() != schema_.crs.empty()) {
      wrong("crs",
            rule.types.empty() ? "a dataset without geometry types has no crs" : "a dataset with geometry needs a crs");
    }
    if (rule.types.empty() && rule.nullable)
      wrong("geometry.nullable", "a dataset without geometry types has no geometry");
    if (rule.types.empty() && rule.dimensions != GeometryRule{}.dimensions)
      wrong("geometry.dimensions", "a dataset without geometry types has no geometry");
    for (const geo::GeometryType type : rule.types) {
      if (!is_kept_type(type)) wrong("geometry.types", fmt::format("{} is not kept", geo::to_string(type)));
    }
    if (std::set(rule.types.begin(), rule.types.end()).size() != rule.types.size())
      wrong("geometry.types", "repeats one");
    if (rule.dimensions.empty()) wrong("geometry.dimensions", "at least one is needed");
    if (std::set(rule.dimensions.begin(), rule.dimensions.end()).size() != rule.dimensions.size()) {
      wrong("geometry.dimensions", "repeats one");
    }
  }

  void check_field(const Field& field, const std::string& place, std::int32_t previous) {
    if (field.number < 1 || field.number > kMaxFieldNumber) {
      wrong(place + ".number", fmt::format("{} is outside 1..{}", field.number, kMaxFieldNumber));
    } else if (field.number <= previous) {
      wrong(place + ".number",
            fmt::format("{} does not follow {}; numbers are unique and ascending", field.number, previous));
    }
    if (to_string(field.type).empty()) wrong(place + ".type", "is not a known type");
    check_name(field.name, place + ".name");
    check_limits(field, place);
    check_allowed(field, place + ".allowed");
    for (const std::string* text : {&field.title_vi, &field.title_en, &field.unit}) {
      if (!check_text(*text).ok() || text->size() > kMaxTitleBytes) {
        wrong(place, fmt::format("title_vi, title_en and unit are UTF-8 of at most {} bytes", kMaxTitleBytes));
      }
    }
  }

  void check_name(const std::string& name, const std::string& place) {
    if (name.empty() || name.size() > kMaxFieldNameBytes) {
      wrong(place, fmt::format("has {} bytes; 1 to {} are allowed", name.size(), kMaxFieldNameBytes));
    } else if (!check_text(name).ok() || has_control_character(name)) {
      wrong(place, fmt::format("\"{}\" is not UTF-8 without control characters", cut(name)));
    } else if (name == kGeometryName) {
      wrong(place, "\"geometry\" is reserved for the geometry; choose another name");
    } else if (!names_.insert(name).second) {
      wrong(place, fmt::format("\"{}\" stands twice", cut(name)));
    }
  }

  void check_limits(const Field& field, const std::string& place) {
    const bool number =
        field.type == FieldType::kInt64 || field.type == FieldType::kDouble || field.type == FieldType::kDecimal;
    const bool sized =
        field.type == FieldType::kString || field.type == FieldType::kBytes || field.type == FieldType::kStringList;
    if ((field.minimum || field.maximum) && !number)
      wrong(place, "minimum and maximum are for int64, double and decimal");
    for (const auto& limit : {field.minimum, field.maximum}) {
      if (limit && !std::isfinite(*limit))
        wrong(place, "minimum and maximum must be finite; leave one out for no limit");
    }
    if (field.minimum && field.maximum && *field.minimum > *field.maximum)
      wrong(place, "minimum is greater than maximum");
    if (field.max_length && !sized) wrong(place + ".max_length", "is for string, bytes and string_list");
    if (field.max_length && *field.max_length < 1) wrong(place + ".max_length", "must be 1 or more");
    if (field.allow_non_finite && field.type != FieldType::kDouble) wrong(place + ".allow_non_finite", "is for double");
  }

  void check_allowed(const Field& field, const std::string& place) {
    if (field.allowed.empty()) return;
    if (field.type != FieldType::kString && field.type != FieldType::kStringList) {
      return wrong(place, "a code list is for string and string_list");
    }
    if (field.allowed.size() > kMaxAllowed) {
      return wrong(place, fmt::format("{} codes are more than {}", field.allowed.size(), kMaxAllowed));
    }
    std::unordered_set<std::string_view> seen;
    for (const std::string& code : field.allowed) {
      if (!check_text(code).ok() || code.size() > kMaxAllowedBytes) {
        return wrong(place, fmt::format("code \"{}\" is not UTF-8 of at most {} bytes", cut(code), kMaxAllowedBytes));
      }
      if (!seen.insert(code).second) return wrong(place, fmt::format("code \"{}\" stands twice", cut(code)));
      const bool too_long = field.type == FieldType::kString && field.max_length && *field.max_length > 0 &&
                            utf8_length(code) > static_cast<std::size_t>(*field.max_length);
      if (too_long) return wrong(place, fmt::format("code \"{}\" is longer than max_length", cut(code)));
    }
  }

  const Schema& schema_;
  std::vector<FieldViolation> violations_;
  std::unordered_set<std::string_view> names_;
};

}  // namespace

bool GeometryRule::allows(geo::GeometryType type) const {
  const auto matches = [type](geo::GeometryType known) {
    return known == type || (known == geo::GeometryType::kGeometry && is_kept_type(type));
  };
  return std::any_of(types.begin(), types.end(), matches);
}

bool GeometryRule::allows(geo::Dimension dimension) const {
  return std::find(dimensions.begin(), dimensions.end(), dimension) != dimensions.end();
}

const Field* Schema::find(std::string_view name) const {
  const auto it = std::find_if(fields.begin(), fields.end(), [name](const Field& field) { return field.name == name; });
  return it == fields.end() ? nullptr : &*it;
}

const Field* Schema::find(std::int32_t number) const {
  const auto it = std::lower_bound(fields.begin(), fields.end(), number,
                                   [](const Field& field, std::int32_t wanted) { return field.number < wanted; });
  return it == fields.end() || it->number != number ? nullptr : &*it;
}

int Schema::srid() const {
  if (crs.substr(0, kEpsg.size()) != kEpsg) return 0;
  int code = 0;
  const auto [end, error] = std::from_chars(crs.data() + kEpsg.size(), crs.data() + crs.size(), code);
  return error == std::errc() && end == crs.data() + crs.size() ? code : 0;
}

absl::Status check_schema(const Schema& schema) {
  LT_RETURN_IF_ERROR(SchemaCheck(schema).run());
  if (schema.crs.empty()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const geo::Crs crs, geo::find_crs(schema.crs));
  if (crs.id() == schema.crs) return absl::OkStatus();
  const std::string what = fmt::format("\"{}\" must be written \"{}\"", cut(schema.crs), crs.id());
  return make_error(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID", "schema is not valid: crs: " + what, {},
                    {{"crs", what}});
}

}  // namespace lt::feature
