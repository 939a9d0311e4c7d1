#include "geo/geometry.hpp"

#include <cmath>
#include <limits>

#include "geo_support.hpp"

namespace lt::geo {
namespace {

constexpr double kHuge = 1e300;

TEST_CASE("geometry types and dimensions are found by name in any letter case") {
  CHECK(geometry_type_from("POINT") == GeometryType::kPoint);
  CHECK(geometry_type_from("multiPolygon") == GeometryType::kMultiPolygon);
  CHECK(geometry_type_from("tin") == GeometryType::kTin);
  CHECK_FALSE(geometry_type_from("POINTS"));
  CHECK_FALSE(geometry_type_from(""));
  CHECK(dimension_from("xyzm") == Dimension::kXYZM);
  CHECK_FALSE(dimension_from("XYZT"));
}

TEST_CASE("every type and dimension is found again by its own name") {
  for (int i = 0; i <= static_cast<int>(GeometryType::kTriangle); ++i) {
    const auto type = static_cast<GeometryType>(i);
    CHECK(geometry_type_from(to_string(type)) == type);
  }
  for (int i = 0; i <= static_cast<int>(Dimension::kXYZM); ++i) {
    const auto dimension = static_cast<Dimension>(i);
    CHECK(dimension_from(to_string(dimension)) == dimension);
  }
}

TEST_CASE("a dimension has as many ordinates as its name has letters") {
  for (const auto d : {Dimension::kXY, Dimension::kXYZ, Dimension::kXYM, Dimension::kXYZM}) {
    CHECK(ordinates(d) == static_cast<int>(to_string(d).size()));
  }
}

TEST_CASE("a box grows from empty by points and boxes") {
  Box box;
  CHECK(box.empty());
  box.extend(Box{});
  CHECK(box.empty());
  box.extend(5, -3);
  CHECK(box == Box{5, -3, 5, -3});
  box.extend(Box{-1, 0, 2, 9});
  CHECK(box == Box{-1, -3, 5, 9});
}

TEST_CASE("round_outwards contains the box and is as tight as single precision allows") {
  const Box box{105.8542, 21.0285, 105.8543, 21.0286};
  const auto rounded = round_outwards(box).value();
  CHECK(static_cast<double>(rounded[0]) < box.x1);
  CHECK(static_cast<double>(rounded[1]) < box.y1);
  CHECK(static_cast<double>(rounded[2]) > box.x2);
  CHECK(static_cast<double>(rounded[3]) > box.y2);
  CHECK(static_cast<double>(std::nextafter(rounded[0], 200.0F)) > box.x1);
  CHECK(static_cast<double>(std::nextafter(rounded[3], 0.0F)) < box.y2);
}

TEST_CASE("round_outwards keeps what single precision holds exactly") {
  CHECK(round_outwards({-1.5, 0, 2, 1024}) == std::array<float, 4>{-1.5F, 0, 2, 1024});
}

TEST_CASE("round_outwards of numbers beyond single precision still contains them") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kMax = std::numeric_limits<float>::max();
  CHECK(round_outwards({-kHuge, kHuge, kHuge, kHuge}) == std::array<float, 4>{-kInfinity, kMax, kInfinity, kInfinity});
  CHECK(round_outwards({-kHuge, -kHuge, -kHuge, 0}) == std::array<float, 4>{-kInfinity, -kInfinity, -kMax, 0});
}

TEST_CASE("round_outwards of an empty box is nothing") { CHECK_FALSE(round_outwards(Box{})); }

TEST_CASE("a geometry that was never parsed has no text and no EWKB") {
  CHECK(to_wkt(Geometry{}).empty());
  CHECK(to_geojson(Geometry{}).empty());
  CHECK(to_ewkb(Geometry{}, 4326).empty());
}

}  // namespace
}  // namespace lt::geo
