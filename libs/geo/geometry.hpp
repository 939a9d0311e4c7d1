// Geometry as the exchange keeps it: canonical WKB bytes with what a parser learnt while writing them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace lt::geo {

/// ISO 19125 geometry types by their WKB code. Curves, surfaces and TIN are known so that they can be named when
/// refused.
enum class GeometryType : std::uint8_t {
  kGeometry = 0,
  kPoint = 1,
  kLineString = 2,
  kPolygon = 3,
  kMultiPoint = 4,
  kMultiLineString = 5,
  kMultiPolygon = 6,
  kGeometryCollection = 7,
  kCircularString = 8,
  kCompoundCurve = 9,
  kCurvePolygon = 10,
  kMultiCurve = 11,
  kMultiSurface = 12,
  kCurve = 13,
  kSurface = 14,
  kPolyhedralSurface = 15,
  kTin = 16,
  kTriangle = 17,
};
/// "POINT", "LINESTRING", ... as in WKT.
[[nodiscard]] std::string_view to_string(GeometryType type);
/// Of any letter case; nothing when unknown.
[[nodiscard]] std::optional<GeometryType> geometry_type_from(std::string_view name);

/// Which ordinates a geometry has.
enum class Dimension : std::uint8_t { kXY = 0, kXYZ = 1, kXYM = 2, kXYZM = 3 };
[[nodiscard]] std::string_view to_string(Dimension dimension);  ///< "XY", "XYZ", "XYM", "XYZM"
[[nodiscard]] std::optional<Dimension> dimension_from(std::string_view name);
[[nodiscard]] constexpr int ordinates(Dimension d) { return d == Dimension::kXY ? 2 : d == Dimension::kXYZM ? 4 : 3; }

/// An axis-parallel box in a geometry's CRS. Empty when x1 > x2.
struct Box {
  double x1 = 1, y1 = 1, x2 = 0, y2 = 0;
  [[nodiscard]] bool empty() const { return x1 > x2; }
  void extend(double x, double y);
  void extend(const Box& other);
  bool operator==(const Box&) const = default;
};

/// A box in single precision that contains `box`: minima rounded down, maxima up. Nothing for an empty box.
[[nodiscard]] std::optional<std::array<float, 4>> round_outwards(const Box& box);

/// One geometry in canonical form: little-endian ISO WKB (type code + 1000 Z + 2000 M + 3000 ZM), no SRID, -0.0 kept,
/// POINT EMPTY with every ordinate 0x7FF8000000000000; every other ordinate finite. @source OGC 06-103r4 §8.2,
/// docs/canonical.md
struct Geometry {
  std::string wkb;
  GeometryType type = GeometryType::kPoint;
  Dimension dimension = Dimension::kXY;
  Box box;
  std::uint32_t vertices = 0;
  bool empty = true;  ///< No vertices at all.
  bool operator==(const Geometry& other) const { return wkb == other.wkb; }
};

/// What a parser allows, so that hostile bytes cost bounded memory and time.
struct GeometryLimits {
  std::uint32_t max_bytes = 16U << 20;    ///< Size of the input, and of the canonical bytes made of it.
  std::uint32_t max_vertices = 1U << 20;  ///< Over all parts.
  std::uint32_t max_parts = 1U << 18;     ///< Rings, members of collections, over all levels.
  int max_depth = 8;  ///< GEOMETRYCOLLECTIONs one in another; 1 allows no nesting. Never more than 256.
};

// The parsers' common errors, all INVALID_ARGUMENT with a reason unless said otherwise:
//   GEOMETRY_MALFORMED     not the format, truncated, trailing bytes or text
//   GEOMETRY_NOT_FINITE    NaN or infinite ordinate (other than POINT EMPTY)
//   GEOMETRY_NOT_CLOSED    a ring whose first and last vertex differ (in any ordinate)
//   GEOMETRY_TOO_FEW_POINTS line of one vertex, ring of fewer than four (an empty line or ring is allowed)
//   GEOMETRY_CURVE         curve, surface or TIN type: the exchange keeps only straight-line types
//   GEOMETRY_MIXED_DIMENSION parts with other ordinates than the whole, or a member type that the multi-type forbids
//   GEOMETRY_TOO_LARGE     (RESOURCE_EXHAUSTED) a limit of GeometryLimits was passed
//   SRID_MISMATCH          an SRID stands in the input that is not `srid`
// Numbers that a double cannot hold (1e400, 1e-400) are GEOMETRY_NOT_FINITE. Messages name the byte offset, character
// or JSON path of the trouble.

/// ISO WKB or PostGIS EWKB of either byte order, also mixed within. Ordinates stay in the order stored (x,y).
/// A point whose ordinates are all NaN is POINT EMPTY, also as a member of a MULTIPOINT.
/// @param srid what an SRID in EWKB, outside or nested, must equal; 0 refuses any SRID.
[[nodiscard]] absl::StatusOr<Geometry> parse_wkb(std::string_view bytes, int srid = 0, const GeometryLimits& = {});

/// WKT (ISO "POINT Z (1 2 3)", also "POINTZ", and bare 3- or 4-ordinate PostGIS style = Z, ZM) with optional "SRID=n;".
/// x,y = easting/longitude first. EMPTY may stand at any level; MULTIPOINT members may go without brackets. Text
/// without a tag takes the dimension of the first tag or vertex in it, XY if there is none. @source OGC 06-103r4 §7
[[nodiscard]] absl::StatusOr<Geometry> parse_wkt(std::string_view text, int srid = 0, const GeometryLimits& = {});

/// A GeoJSON geometry object (not a Feature): WGS 84, longitude first; a third ordinate is Z, more are refused; a "crs"
/// member is refused as GEOMETRY_MALFORMED, other members are ignored. An empty "coordinates" is an empty geometry, and
/// [] as a MultiPoint's member an empty point. The dimension is that of the first position, XY if there is none.
/// @source RFC 7946 §3.1
[[nodiscard]] absl::StatusOr<Geometry> parse_geojson(std::string_view text, const GeometryLimits& = {});

/// ISO WKT with the shortest digits that read back to the same bits: parse_wkt(to_wkt(g)) == g.
[[nodiscard]] std::string to_wkt(const Geometry& geometry);

/// RFC 7946 geometry object with the shortest exact digits. M has no place in GeoJSON and is dropped; `coordinates` of
/// an empty geometry is [], and empty members and rings stay as [] in their place. parse_geojson(to_geojson(g)) == g
/// for XY, and for XYZ with at least one vertex. Ordinates are written as they are: the caller transforms to WGS 84
/// first.
[[nodiscard]] std::string to_geojson(const Geometry& geometry);

/// `wkb` as PostGIS EWKB with this SRID (> 0), for binary COPY into a geometry column.
[[nodiscard]] std::string to_ewkb(const Geometry& geometry, int srid);

/// Reads back bytes that this library wrote (content of a record): the same checks as parse_wkb plus that the bytes are
/// canonical, so that wkb == bytes. Errors: DATA_LOSS RECORD_MALFORMED.
[[nodiscard]] absl::StatusOr<Geometry> read_canonical_wkb(std::string_view bytes);

}  // namespace lt::geo
