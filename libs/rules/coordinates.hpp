// Rule C02: coordinates can be what their CRS says.
#pragma once

#include <optional>
#include <string_view>

#include "feature/finding.hpp"
#include "geo/crs.hpp"
#include "geo/geometry.hpp"

namespace lt::rules {

/// Checks geometries in one CRS, as they were sent. May be used by many threads at once.
class CoordinateChecker {
 public:
  explicit CoordinateChecker(geo::Crs crs);

  /// COORDINATES_IMPLAUSIBLE, of severity ERROR, for the first vertex outside geo::Crs::plausible or, of a VN-2000
  /// grid, outside geo::kVietnam; the sea east of 109.5° E, with the archipelagos, may lie further east than plausible.
  /// The finding names the likely cause: axes swapped, degrees in a metre CRS, metres in a degree CRS, false easting
  /// and northing exchanged (the deprecated EPSG:6956..6959), another VN-2000 zone (and which). Nothing is ever
  /// corrected.
  [[nodiscard]] std::optional<feature::Finding> check(std::string_view feature_id, const geo::Geometry& geometry) const;

 private:
  [[nodiscard]] bool is_outside(double x, double y) const;

  geo::Crs crs_;
  geo::Box certain_;  ///< all of it is plausible; what is not inside is looked at closer
};

}  // namespace lt::rules
