// Areas in other coordinate systems: a straight edge of one is a curve in another.
#pragma once

#include <cstdint>

#include <absl/status/statusor.h>

#include "geo/crs.hpp"
#include "geo/geometry.hpp"

namespace lt::geo {

/// As many vertices a geometry may have after densifying.
inline constexpr std::uint32_t kMaxDensifiedVertices = 5'000'000;

/// The geometry with vertices added so that no edge of its lines and rings is longer than `max_step` (> 0, in units of
/// its CRS). Vertices that were there stay as they are, to the bit; what is added lies between them in every ordinate,
/// at the same places whichever way the edge runs, so that neighbours that shared an edge still do. Errors:
/// RESOURCE_EXHAUSTED GEOMETRY_TOO_LARGE (more than kMaxDensifiedVertices).
[[nodiscard]] absl::StatusOr<Geometry> densified(const Geometry& geometry, double max_step);

/// A POLYGON or MULTIPOLYGON in another CRS: edges are densified to at most 100 m on the ground and then transformed by
/// the pinned operation (Transformer). The same polygon when `from` is `to`. The result is canonical; whether it is
/// still valid is not checked (an edge nearer to another than the operation is exact could cross it). Errors:
/// INVALID_ARGUMENT AREA_NOT_POLYGON; RESOURCE_EXHAUSTED GEOMETRY_TOO_LARGE; those of Transformer.
[[nodiscard]] absl::StatusOr<Geometry> transform_area(const Geometry& polygon, const Crs& from, const Crs& to);

}  // namespace lt::geo
