// The VN-2000 systems that are shipped, checked against PROJ's database, for PostGIS and for hints at mistaken zones.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "geo/geometry.hpp"

namespace lt::geo {

/// One system of the EPSG registry on the VN-2000 datum.
struct Vn2000System {
  int epsg = 0;
  std::string_view name;
  double meridian = 0;  ///< central, degrees east of Greenwich; 0 for the geographic system
  double scale = 0;     ///< on the central meridian: 0.9999 (TM-3), 0.9996 (UTM); 0 for the geographic system
  [[nodiscard]] bool geographic() const { return scale == 0; }
};

/// 4756, 3405, 3406, 5896-5899, 9205-9218: all that are not deprecated.
[[nodiscard]] const std::vector<Vn2000System>& vn2000_systems();

/// Where Vietnam's coordinates are, with the archipelagos: 102° to 118° E, 4°30' to 23°30' N, longitude first, on
/// either datum.
inline constexpr Box kVietnam{102, 4.5, 118, 23.5};

/// Compares the systems and the operation EPSG:6960 with PROJ's database: a program that computes by other parameters
/// than these must not run. Errors: FAILED_PRECONDITION CRS_DATABASE_DIFFERS (says what differs).
[[nodiscard]] absl::Status check_vn2000_systems();

/// A row of PostGIS's spatial_ref_sys.
struct SpatialReference {
  int srid = 0;
  std::string wkt;    ///< for srtext
  std::string proj4;  ///< with EPSG:6960 as seven parameters in PROJ's sign convention
};
/// Errors: FAILED_PRECONDITION CRS_DATABASE_DIFFERS (not in PROJ's database).
[[nodiscard]] absl::StatusOr<SpatialReference> spatial_reference(const Vn2000System& system);

/// A place in VN-2000 degrees.
struct Position {
  double longitude = 0;
  double latitude = 0;
};
/// Where a point of a VN-2000 system is; nothing for another CRS or outside the projection's domain. Thread-safe.
[[nodiscard]] std::optional<Position> vn2000_position(int epsg, double x, double y);

}  // namespace lt::geo
