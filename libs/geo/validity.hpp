// GEOS behind a small door: validity with its place, and the relations that views need.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "geo/geometry.hpp"

namespace lt::geo {

/// Why a geometry is not valid by OGC 06-103r4 §6.1, and where (CRS of the geometry).
struct Invalidity {
  std::string reason;  ///< GEOS's words: "Self-intersection"
  double x = 0, y = 0;
};

/// One GEOS context. Not thread-safe: one per thread. Geometries pass as canonical WKB; nothing that GEOS makes is ever
/// stored.
class Geos {
 public:
  Geos();
  ~Geos();
  Geos(Geos&&) noexcept;
  Geos& operator=(Geos&&) noexcept;

  /// Nothing when valid. Z and M play no part. Also not valid is what GEOS cannot build, such as a polygon with holes
  /// in an empty shell; its place is the corner of the box. Errors: INTERNAL GEOS_FAILED with GEOS's message.
  [[nodiscard]] absl::StatusOr<std::optional<Invalidity>> check_validity(const Geometry& geometry) const;
  /// True when `geometry` is inside `area` (docs/data-model.md): a point when covered, border included; a line or
  /// polygon when its interior and the area's intersect, so that a neighbour's parcel or a road along the border is
  /// outside. Multi-types and collections are inside when one of their members is. Empty geometries and areas: never.
  /// Repeated questions about one area are fast. Errors: INVALID_ARGUMENT AREA_NOT_POLYGON; INTERNAL GEOS_FAILED
  /// (`area` or `geometry` not valid).
  [[nodiscard]] absl::StatusOr<bool> is_inside(const Geometry& geometry, const Geometry& area) const;
  /// True when `geometry` and `shape`, which is no GEOMETRYCOLLECTION, have a point in common: S_INTERSECTS of OGC
  /// 21-065r2. Of a collection one member is enough. Empty: never. Repeated questions about one shape are fast.
  /// Errors: INTERNAL GEOS_FAILED (`shape` a collection, or one of the two not valid).
  [[nodiscard]] absl::StatusOr<bool> intersects(const Geometry& geometry, const Geometry& shape) const;
  /// True when no point of `geometry` is outside `shape` and the interiors meet: S_WITHIN of OGC 21-065r2. Of a
  /// collection every member that is not empty is covered and one at least is within. Empty: never. Errors: as
  /// intersects().
  [[nodiscard]] absl::StatusOr<bool> is_within(const Geometry& geometry, const Geometry& shape) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::geo
