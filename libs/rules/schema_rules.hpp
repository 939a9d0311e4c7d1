// What a schema demands of one feature: rules F04, D01, D03, G02, C01, C02 as findings.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "feature/finding.hpp"
#include "feature/record.hpp"
#include "feature/schema.hpp"

namespace lt::rules {

/// Checks states against one schema revision. Building it prepares code lists and limits, so keep one per schema and
/// use it for every feature. check() may be called from many threads at once.
class SchemaChecker {
 public:
  explicit SchemaChecker(const feature::Schema& schema);
  SchemaChecker(SchemaChecker&&) noexcept;
  SchemaChecker& operator=(SchemaChecker&&) noexcept;
  ~SchemaChecker();

  /// Every finding of one state, by field number, the geometry last; empty when it conforms. One finding per rule and
  /// field: a list with several wrong items is named by its first. Findings, all of severity ERROR:
  ///   F04 UNKNOWN_FIELD, VALUE_WRONG_TYPE, FIELD_REQUIRED, VALUE_TOO_LONG
  ///   D01 VALUE_NOT_ALLOWED (code list; letter case and accents count)
  ///   D03 VALUE_OUT_OF_RANGE, VALUE_NOT_FINITE
  ///   G02 GEOMETRY_REQUIRED, GEOMETRY_NOT_ALLOWED, GEOMETRY_WRONG_TYPE, GEOMETRY_WRONG_DIMENSION
  ///   C01 CRS_UNKNOWN (the schema's CRS is not in this installation, so C02 cannot be checked)
  ///   C02 COORDINATES_IMPLAUSIBLE as CoordinateChecker has it, in the schema's CRS
  /// Limits are compared exactly: a decimal digit by digit with the limit's shortest decimal form, an int64 as an
  /// integer. Null is FIELD_REQUIRED or fine, never anything else; an empty geometry of an allowed type is a geometry.
  [[nodiscard]] std::vector<feature::Finding> check(std::string_view feature_id, const feature::State& state) const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// SchemaChecker(schema).check(feature_id, state), for single features.
[[nodiscard]] std::vector<feature::Finding> check_state(const feature::Schema& schema, std::string_view feature_id,
                                                        const feature::State& state);

}  // namespace lt::rules
