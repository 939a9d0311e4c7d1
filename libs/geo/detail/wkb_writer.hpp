// The one place that builds canonical WKB. Parsers of every input form stream into it, so that all of them obey the
// same rules and limits and no tree of the geometry is ever built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "geo/geometry.hpp"

namespace lt::geo::detail {

// PostGIS's flags in the type code of EWKB.
inline constexpr std::uint32_t kEwkbZ = 0x80000000U;
inline constexpr std::uint32_t kEwkbM = 0x40000000U;
inline constexpr std::uint32_t kEwkbSrid = 0x20000000U;

/// No limits ask for more nesting than this: text parsers and GEOS recurse once per level.
inline constexpr int kMaxDepth = 256;

inline constexpr std::size_t kMaxOrdinates = 4;

/// INVALID_ARGUMENT with this reason.
[[nodiscard]] absl::Status refuse(std::string_view reason, std::string_view message);
/// RESOURCE_EXHAUSTED GEOMETRY_TOO_LARGE.
[[nodiscard]] absl::Status too_large(std::string_view what, std::uint64_t limit);
/// OK for the seven straight-line types; GEOMETRY_CURVE or GEOMETRY_MALFORMED for others.
[[nodiscard]] absl::Status check_type(GeometryType type);

[[nodiscard]] constexpr bool has_z(Dimension d) { return d == Dimension::kXYZ || d == Dimension::kXYZM; }
[[nodiscard]] constexpr bool has_m(Dimension d) { return d == Dimension::kXYM || d == Dimension::kXYZM; }
[[nodiscard]] constexpr Dimension dimension_of(bool z, bool m) {
  return z ? (m ? Dimension::kXYZM : Dimension::kXYZ) : (m ? Dimension::kXYM : Dimension::kXY);
}
/// True for the types whose body is a list of whole geometries.
[[nodiscard]] constexpr bool has_members(GeometryType type) {
  return type == GeometryType::kMultiPoint || type == GeometryType::kMultiLineString ||
         type == GeometryType::kMultiPolygon || type == GeometryType::kGeometryCollection;
}
/// The only type that a multi-type's members can have; kGeometry for collections.
[[nodiscard]] constexpr GeometryType member_type(GeometryType multi) {
  switch (multi) {
    case GeometryType::kMultiPoint: return GeometryType::kPoint;
    case GeometryType::kMultiLineString: return GeometryType::kLineString;
    case GeometryType::kMultiPolygon: return GeometryType::kPolygon;
    default: return GeometryType::kGeometry;
  }
}

/// Call order: begin(), then what the type needs (one vertex() or empty_point(); vertices; rings; members), end();
/// after the root's end() finish(). After an error only destruction is allowed. Errors are those of geometry.hpp
/// without the place, which the caller knows. Memory grows only with what was written.
class WkbWriter {
 public:
  explicit WkbWriter(const GeometryLimits& limits) : limits_(limits) {}
  /// Writes PostGIS EWKB with this SRID instead; finish() then returns a geometry whose bytes are not canonical.
  WkbWriter(const GeometryLimits& limits, int ewkb_srid) : limits_(limits), ewkb_srid_(ewkb_srid) {}

  /// So many bytes are likely to come.
  void reserve(std::size_t bytes) { geometry_.wkb.reserve(bytes); }
  [[nodiscard]] absl::Status begin(GeometryType type, Dimension dimension);
  [[nodiscard]] absl::Status end();
  [[nodiscard]] absl::Status begin_ring();
  [[nodiscard]] absl::Status end_ring();
  /// @param values as many as the dimension has ordinates.
  [[nodiscard]] absl::Status vertex(const double* values);
  /// The same for `count` vertices at once, from their bytes in canonical WKB. @return false, having done nothing, when
  /// one of them is not acceptable: vertex() then tells why.
  [[nodiscard]] bool append_sound(std::string_view raw, std::uint32_t count);
  [[nodiscard]] absl::Status empty_point();

  [[nodiscard]] Geometry finish() &&;

 private:
  struct Frame {
    GeometryType type;
    std::size_t count_at;  // where the count stands that end() patches; unused for a point
    std::uint32_t count = 0;
  };

  [[nodiscard]] absl::Status check_place(GeometryType type, Dimension dimension);
  [[nodiscard]] absl::Status add_part();
  [[nodiscard]] absl::Status make_room(std::size_t bytes);
  [[nodiscard]] std::uint32_t type_code(GeometryType type) const;
  void put_u32(std::uint32_t value);
  void patch_u32(std::size_t at, std::uint32_t value);
  [[nodiscard]] bool is_closed(std::size_t first, std::size_t last) const;

  GeometryLimits limits_;
  int ewkb_srid_ = 0;
  Geometry geometry_;
  std::vector<Frame> open_;
  bool in_ring_ = false;
  Frame ring_{GeometryType::kLineString, 0, 0};
  std::uint32_t parts_ = 0;
  int depth_ = 0;
};

/// EWKB of a canonical geometry of dimension XY, which differs from its WKB by the SRID only.
[[nodiscard]] std::string ewkb_of_xy(const Geometry& geometry, int srid);

}  // namespace lt::geo::detail
