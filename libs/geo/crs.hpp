// Coordinate reference systems by EPSG code, and exact, named operations between them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "geo/geometry.hpp"

namespace lt::geo {

/// What the exchange knows of a CRS.
struct Crs {
  int epsg = 0;
  std::string name;         ///< "VN-2000 / TM-3 105-45"
  bool geographic = false;  ///< degrees, longitude first in all our forms
  bool vn2000 = false;      ///< on the VN-2000 datum (EPSG:4756)
  /// Where coordinates can be, generously: degrees ±180/±90, of VN-2000 kVietnam; for VN-2000 grids the ranges of
  /// docs/data-model.md in metres (TM-3: easting 200..800 km, UTM: 160..840 km, northing 480..2650 km); no real bound
  /// for other grids. x = easting first.
  Box plausible;
  [[nodiscard]] std::string id() const;  ///< "EPSG:9210"
};

/// "EPSG:n" (any case), "urn:ogc:def:crs:EPSG::n" or a bare number.
/// Errors, INVALID_ARGUMENT: CRS_UNKNOWN (not in PROJ's database, not 2D/horizontal, no number, geographic but not in
/// degrees, axes that do not point east and north), CRS_DEPRECATED (the message names the replacement: for 6956..6959
/// the right code 5896..5899). Thread-safe; results are cached.
[[nodiscard]] absl::StatusOr<Crs> find_crs(std::string_view id);

/// The VN-2000 systems of the EPSG registry (docs/data-model.md): 4756, 3405, 3406, 5896-5899, 9205-9218.
[[nodiscard]] const std::vector<int>& vn2000_codes();

/// Transforms x,y (longitude or easting first on both sides) by ONE pinned operation; never picks per point.
/// VN-2000 <-> other datum: EPSG:6960 and nothing else, between an inverse projection and WGS 84 (2D: Z and M pass
/// unchanged). Other datum pairs: PROJ's single best operation for the CRSs' area, fixed at creation; ballpark
/// operations are refused. VN-2000 to VN-2000: projections only. Holds its own PROJ context, so it may move between
/// threads; not thread-safe.
class Transformer {
 public:
  /// Errors: INVALID_ARGUMENT CRS_UNKNOWN; FAILED_PRECONDITION NO_OPERATION.
  [[nodiscard]] static absl::StatusOr<Transformer> create(const Crs& from, const Crs& to);
  Transformer(Transformer&&) noexcept;
  Transformer& operator=(Transformer&&) noexcept;
  ~Transformer();

  /// Name for receipts and answers: "identity"; "VN-2000 projection"; "EPSG:6960", alone or joined by " + " in the
  /// order of use with the step between WGS 84 and a third datum; else PROJ's name and code of the operation, "UTM zone
  /// 48N (EPSG:16048)".
  [[nodiscard]] const std::string& operation() const;
  [[nodiscard]] bool is_identity() const;

  /// On failure x and y are left as they were.
  /// Errors: OUT_OF_RANGE TRANSFORM_FAILED (a point outside the operation's domain; the message gives the ordinates).
  [[nodiscard]] absl::Status transform(double& x, double& y) const;
  /// Every vertex; type, dimension, Z and M are kept; the result is canonical again.
  [[nodiscard]] absl::StatusOr<Geometry> transform(const Geometry& geometry) const;

 private:
  struct Impl;
  explicit Transformer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::geo
