// The part of a dataset that a scoped snapshot is the whole of.
#pragma once

#include <optional>

#include <absl/status/statusor.h>

#include "feature/filter.hpp"
#include "feature/record.hpp"
#include "geo/geometry.hpp"
#include "geo/validity.hpp"

namespace lt::storage {

/// What is inside the area and fits the filter; at least one of them is there.
struct Scope {
  std::optional<geo::Geometry> area;  ///< valid polygon in the dataset's CRS
  std::optional<feature::Filter> filter;
};

/// Answers for features one after another. Not thread-safe.
class ScopeTest {
 public:
  explicit ScopeTest(const Scope& scope);

  /// Whether a feature is in the scope. One without geometry is in no area; one outside the area is not filtered.
  /// Errors: INTERNAL GEOS_FAILED (its geometry is not valid); OUT_OF_RANGE FILTER_OVERFLOW; DATA_LOSS
  /// RECORD_MALFORMED (a property is not of the schema's type).
  [[nodiscard]] absl::StatusOr<bool> contains(const feature::State& state);

 private:
  std::optional<geo::Geometry> area_;
  std::optional<feature::FilterEvaluator> filter_;
  geo::Geos geos_;
};

}  // namespace lt::storage
