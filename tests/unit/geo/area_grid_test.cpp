#include "geo/area_grid.hpp"

#include <random>

#include <fmt/format.h>

#include "geo/validity.hpp"
#include "geo_support.hpp"

namespace lt::geo {
namespace {

using test::wkt;
using Verdict = AreaGrid::Verdict;

// Two polygons, one with a hole, with slanting, level and upright edges.
const char* const kArea =
    "MULTIPOLYGON (((0 0, 90 10, 100 100, 40 60, 0 100, 0 0), (20 20, 60 25, 50 50, 20 20)), "
    "((120 0, 130 0, 130 1, 120 1, 120 0)))";

Geometry rectangle(const Box& b) {
  return wkt(fmt::format("POLYGON (({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1}))", b.x1, b.y1, b.x2, b.y2).c_str());
}

TEST_CASE("a grid never says of a box what GEOS denies, and decides most small ones") {
  const Geometry area = wkt(kArea);
  const AreaGrid grid(area);
  const Geos geos;
  std::mt19937 random(4);
  std::uniform_real_distribution<double> place(-20, 150), small(0.001, 3), large(1, 120);
  int decided = 0;
  constexpr int kBoxes = 4000;
  for (int i = 0; i < kBoxes; ++i) {
    const double x = place(random), y = place(random);
    const bool is_small = i % 4 != 0;
    const Box box{x, y, x + (is_small ? small : large)(random), y + (is_small ? small : large)(random)};
    const Verdict verdict = grid.test(box);
    if (is_small && verdict != Verdict::kUndecided) ++decided;
    INFO(box.x1 << " " << box.y1 << " " << box.x2 << " " << box.y2);
    const std::string ring =
        fmt::format("LINESTRING ({0} {1}, {2} {1}, {2} {3}, {0} {3}, {0} {1})", box.x1, box.y1, box.x2, box.y2);
    const bool some = geos.is_inside(rectangle(box), area).value();
    if (verdict == Verdict::kOutside) {
      REQUIRE_FALSE(some);
      REQUIRE_FALSE(geos.is_inside(wkt(ring.c_str()), area).value());
    }
    if (verdict == Verdict::kInside) {
      REQUIRE(some);
      for (const auto& [px, py] : {std::pair(box.x1, box.y1), std::pair(box.x2, box.y1), std::pair(box.x2, box.y2),
                                   std::pair(box.x1, box.y2)}) {
        REQUIRE(geos.is_inside(wkt(fmt::format("POINT ({} {})", px, py).c_str()), area).value());
      }
    }
  }
  CHECK(decided > kBoxes * 3 / 4 * 8 / 10);
}

TEST_CASE("a grid knows its border, its hole and the world around") {
  const AreaGrid grid(wkt(kArea));
  CHECK(grid.test({10, 10, 11, 11}) == Verdict::kInside);
  CHECK(grid.test({43, 33, 44, 34}) == Verdict::kOutside);  // in the hole
  CHECK(grid.test({110, 50, 111, 51}) == Verdict::kOutside);
  CHECK(grid.test({-5, -5, -1, -1}) == Verdict::kOutside);
  CHECK(grid.test({0, 50, 0, 50}) == Verdict::kUndecided);  // on the border
  CHECK(grid.test({-1000, -1000, 1000, 1000}) == Verdict::kUndecided);
  CHECK(grid.test(Box{}) == Verdict::kOutside);
}

TEST_CASE("what has no extent decides nothing within its box") {
  CHECK(AreaGrid(wkt("POLYGON EMPTY")).test({0, 0, 1, 1}) == Verdict::kOutside);
  const AreaGrid line(wkt("LINESTRING (0 0, 10 10)"));
  CHECK(line.test({1, 1, 2, 2}) == Verdict::kUndecided);
  CHECK(line.test({11, 11, 12, 12}) == Verdict::kOutside);
}

}  // namespace
}  // namespace lt::geo
