// Areas in other coordinate systems.
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "geo/area.hpp"
#include "geo/validity.hpp"
#include "geo_support.hpp"

namespace lt::geo::test {
namespace {

constexpr double kEarthRadius = 6'371'000.0;
constexpr double kRadian = 3.14159265358979323846 / 180.0;

template <typename T>
T take(absl::StatusOr<T> value) {
  INFO(value.status());
  REQUIRE(value.ok());
  return *std::move(value);
}

Geometry wkt(std::string_view text) { return take(parse_wkt(text)); }
Crs crs(std::string_view id) { return take(find_crs(id)); }

using Point = std::pair<double, double>;

/// Vertices of the only ring of an XY polygon, from its WKT.
std::vector<Point> ring_of(const Geometry& polygon) {
  const std::string text = to_wkt(polygon);
  std::vector<Point> points;
  const char* at = text.c_str() + text.rfind('(') + 1;
  while (*at != ')') {
    char* end = nullptr;
    const double x = std::strtod(at, &end);
    const double y = std::strtod(end, &end);
    points.emplace_back(x, y);
    at = *end == ',' ? end + 1 : end;
  }
  return points;
}

/// Metres on a sphere between two places in degrees.
double ground(const Point& a, const Point& b) {
  const double x = (b.first - a.first) * kRadian * std::cos((a.second + b.second) / 2 * kRadian);
  const double y = (b.second - a.second) * kRadian;
  return kEarthRadius * std::hypot(x, y);
}

TEST_CASE("densified adds vertices on edges that are too long, and only there") {
  CHECK(to_wkt(take(densified(wkt("LINESTRING (0 0,8 0,8 3)"), 4))) == to_wkt(wkt("LINESTRING (0 0,4 0,8 0,8 3)")));
  CHECK(take(densified(wkt("LINESTRING (0 0,4 0)"), 4)) == wkt("LINESTRING (0 0,4 0)"));
  CHECK(take(densified(wkt("POLYGON ((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))"), 2)).vertices > 8);
  CHECK(take(densified(wkt("MULTIPOINT (0 0,100 0)"), 1)) == wkt("MULTIPOINT (0 0,100 0)"));
  CHECK(take(densified(wkt("GEOMETRYCOLLECTION (POINT (9 9),LINESTRING (0 0,2 0),POINT (5 5))"), 1)) ==
        wkt("GEOMETRYCOLLECTION (POINT (9 9),LINESTRING (0 0,1 0,2 0),POINT (5 5))"));
  CHECK(take(densified(wkt("POLYGON EMPTY"), 1)) == wkt("POLYGON EMPTY"));
  CHECK(take(densified(wkt("LINESTRING EMPTY"), 1)) == wkt("LINESTRING EMPTY"));
}

TEST_CASE("densified starts each part anew: nothing is added between parts") {
  CHECK(take(densified(wkt("MULTILINESTRING ((0 0,1 0),(90 0,91 0))"), 1)) ==
        wkt("MULTILINESTRING ((0 0,1 0),(90 0,91 0))"));
  const Geometry polygons = wkt("MULTIPOLYGON (((0 0,1 0,1 1,0 0)),((90 0,91 0,91 1,90 0)))");
  CHECK(take(densified(polygons, 2)) == polygons);
}

TEST_CASE("densified carries heights and measures along") {
  CHECK(take(densified(wkt("LINESTRING ZM (0 0 10 1,2 0 20 3)"), 1)) ==
        wkt("LINESTRING ZM (0 0 10 1,1 0 15 2,2 0 20 3)"));
}

TEST_CASE("neighbours that share an edge share it still after densifying, whichever way they run") {
  const auto left = ring_of(take(densified(wkt("POLYGON ((0 0,0.1 0.7,0.3 3.9,-2 1,0 0))"), 0.013)));
  const auto right = ring_of(take(densified(wkt("POLYGON ((0.3 3.9,0.1 0.7,0 0,2 1,0.3 3.9))"), 0.013)));
  const std::set<Point> of_left(left.begin(), left.end());
  std::size_t shared = 0;
  for (const Point& point : right) {
    const bool on_edge = point.first <= 0.3 && of_left.contains(point);
    shared += on_edge ? 1 : 0;
  }
  // 0.707/0.013 = 55 pieces and 3.206/0.013 = 247 pieces; the last vertex closes the ring.
  CHECK(shared == 55 + 247 + 1 + 1);
}

TEST_CASE("densified refuses what would become too large, before it does") {
  const auto refused = densified(wkt("LINESTRING (0 0,1e300 0)"), 1);
  CHECK(error_reason(refused.status()) == "GEOMETRY_TOO_LARGE");
  CHECK(refused.status().code() == absl::StatusCode::kResourceExhausted);
  CHECK(error_reason(densified(wkt("LINESTRING (0 0,5000001 0)"), 1).status()) == "GEOMETRY_TOO_LARGE");
  CHECK(error_reason(densified(wkt("LINESTRING (-1e308 0,1e308 0)"), 1).status()) == "GEOMETRY_TOO_LARGE");
  CHECK(take(densified(wkt("LINESTRING (0 0,4999999 0)"), 1)).vertices == kMaxDensifiedVertices);
}

TEST_CASE("an area keeps its bits when it is in the CRS asked for") {
  const Geometry area = wkt("POLYGON ((105 20,106 20,106 21,105 20))");
  CHECK(take(transform_area(area, crs("EPSG:4326"), crs("EPSG:4326"))) == area);
}

TEST_CASE("an area in another CRS has edges of at most 100 m that follow the old ones") {
  const Geometry area = wkt("POLYGON ((105 20,106.5 20.25,106 21,105 20))");
  const Crs from = crs(GENERATE("EPSG:4326", "EPSG:4756")), to = crs("EPSG:9210");
  const Geometry moved = take(transform_area(area, from, to));
  CHECK(moved.vertices > 3'500);  // 370 km around
  const auto there = ring_of(moved);
  const auto back = take(Transformer::create(to, from));
  const auto forth = take(Transformer::create(from, to));
  double longest = 0;
  std::vector<Point> again;
  for (const Point& point : there) {
    again.push_back(point);
    REQUIRE(back.transform(again.back().first, again.back().second).ok());
  }
  for (std::size_t i = 1; i < again.size(); ++i) longest = std::max(longest, ground(again[i - 1], again[i]));
  CHECK(longest < 100.0);
  CHECK(longest > 90.0);
  // The middle of the longest old edge is a vertex of none, and lies on the new border within a millimetre; on the
  // straight line between the transformed corners it would not.
  double x = 105.75, y = 20.125;
  REQUIRE(forth.transform(x, y).ok());
  double nearest = 1e9;
  for (std::size_t i = 1; i < there.size(); ++i) {
    const auto [ax, ay] = there[i - 1];
    const auto [bx, by] = there[i];
    const double t = std::clamp(
        ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) * (bx - ax) + (by - ay) * (by - ay)), 0.0, 1.0);
    nearest = std::min(nearest, std::hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)));
  }
  CHECK(nearest < 0.001);
  CHECK_FALSE(take(Geos().check_validity(moved)).has_value());
}

TEST_CASE("from one grid to another edges are densified in metres") {
  const Geometry area = wkt("POLYGON ((500000 2000000,510000 2000000,510000 2010000,500000 2000000))");
  const Geometry moved = take(transform_area(area, crs("EPSG:9210"), crs("EPSG:5897")));
  const auto ring = ring_of(moved);
  for (std::size_t i = 1; i < ring.size(); ++i) {
    REQUIRE(std::hypot(ring[i].first - ring[i - 1].first, ring[i].second - ring[i - 1].second) < 100.0);
  }
  CHECK(ring.front() == ring.back());
}

TEST_CASE("transform_area refuses what is no polygon or beyond the operation") {
  const Crs wgs84 = crs("EPSG:4326"), grid = crs("EPSG:9210");
  CHECK(error_reason(transform_area(wkt("LINESTRING (105 20,106 21)"), wgs84, grid).status()) == "AREA_NOT_POLYGON");
  CHECK(error_reason(transform_area(wkt("POINT (105 20)"), wgs84, wgs84).status()) == "AREA_NOT_POLYGON");
  CHECK(error_reason(transform_area(wkt("POLYGON ((105 95,106 95,106 95.01,105 95))"), wgs84, grid).status()) ==
        "TRANSFORM_FAILED");
}

}  // namespace
}  // namespace lt::geo::test
