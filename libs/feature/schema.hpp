// What the features of a dataset look like.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

#include "feature/value.hpp"
#include "geo/geometry.hpp"

namespace lt::feature {

/// One property. `number` is its identity in records and never changes or is reused; `name` is for people and programs.
struct Field {
  std::int32_t number = 0;  ///< 1..10,000
  std::string name;         ///< 1..128 bytes of UTF-8 without control characters, unique; not "geometry" (masks use it)
  FieldType type = FieldType::kString;
  bool required = false;
  std::vector<std::string> allowed;        ///< code list of a string or string_list; empty = any value
  std::optional<double> minimum, maximum;  ///< inclusive; int64, double, decimal
  std::optional<std::int32_t> max_length;  ///< code points of a string, bytes of bytes, items of a list
  bool allow_non_finite = false;           ///< NaN and infinities in a double
  std::string title_vi, title_en, unit;    ///< for people
  bool operator==(const Field&) const = default;
};

inline constexpr std::int32_t kMaxFieldNumber = 10'000;
inline constexpr std::size_t kMaxFieldNameBytes = 128;
inline constexpr std::string_view kGeometryName = "geometry";  ///< reserved name of the geometry in update masks

/// What geometry is allowed. Without types the dataset has none.
struct GeometryRule {
  std::vector<geo::GeometryType> types;  ///< kGeometry = any straight-line type
  std::vector<geo::Dimension> dimensions{geo::Dimension::kXY};
  bool nullable = false;
  bool operator==(const GeometryRule&) const = default;
  [[nodiscard]] bool allows(geo::GeometryType type) const;
  [[nodiscard]] bool allows(geo::Dimension dimension) const;
};

/// One immutable revision of a dataset's schema.
struct Schema {
  std::int32_t revision = 1;
  std::string crs;  ///< "EPSG:n"; empty exactly when geometry.types is empty
  GeometryRule geometry;
  std::vector<Field> fields;  ///< ascending number
  bool operator==(const Schema&) const = default;

  [[nodiscard]] const Field* find(std::string_view name) const;
  [[nodiscard]] const Field* find(std::int32_t number) const;
  [[nodiscard]] int srid() const;  ///< n of "EPSG:n", 0 without a CRS
};

/// Checks that a schema can be stored: numbers, names, limits that fit types, CRS known and not deprecated.
/// Errors: INVALID_ARGUMENT SCHEMA_INVALID (violations name each place), CRS_UNKNOWN, CRS_DEPRECATED.
[[nodiscard]] absl::Status check_schema(const Schema& schema);

/// The JSON form of docs/data-model.md, used by `dataset create --schema FILE` and kept in the catalog.
[[nodiscard]] nlohmann::json schema_to_json(const Schema& schema);
/// Errors: INVALID_ARGUMENT SCHEMA_INVALID (unknown members too). Fields without "number" are numbered in order, after
/// the highest number given; the result is sorted by number. Only the form is checked: check_schema() judges the
/// content.
[[nodiscard]] absl::StatusOr<Schema> schema_from_json(const nlohmann::json& json);

}  // namespace lt::feature
