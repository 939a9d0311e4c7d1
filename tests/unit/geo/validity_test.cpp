#include "geo/validity.hpp"

#include "geo_support.hpp"

namespace lt::geo {
namespace {

using test::wkt;

std::optional<Invalidity> check(const char* text) {
  const auto result = Geos().check_validity(wkt(text));
  INFO(text << " " << result.status().ToString());
  REQUIRE(result.ok());
  return *result;
}

TEST_CASE("check_validity finds nothing wrong with valid geometries of every dimension") {
  for (const char* text :
       {"POINT (1 2)", "LINESTRING (0 0, 2 2, 2 0, 0 2)", "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
        "POLYGON Z ((0 0 1, 4 0 2, 4 4 3, 0 0 1))", "POLYGON M ((0 0 1, 4 0 2, 4 4 3, 0 0 1))",
        "MULTIPOLYGON ZM (((0 0 1 1, 1 0 1 1, 1 1 1 1, 0 0 1 1)))", "MULTIPOINT (EMPTY, (1 1), (1 1))", "POINT EMPTY",
        "POLYGON EMPTY", "POLYGON (EMPTY)", "GEOMETRYCOLLECTION M (POINT M EMPTY, LINESTRING M (0 0 1, 1 1 1))"}) {
    INFO(text);
    CHECK_FALSE(check(text));
  }
}

TEST_CASE("check_validity names the reason and the place") {
  const auto bowtie = check("POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))");
  REQUIRE(bowtie);
  CHECK(bowtie->reason == "Self-intersection");
  CHECK(bowtie->x == 1);
  CHECK(bowtie->y == 1);
  const auto hole = check("POLYGON ((0 0, 1 0, 1 1, 0 0), (5 5, 6 5, 6 6, 5 5))");
  REQUIRE(hole);
  CHECK(hole->reason == "Hole lies outside shell");
}

TEST_CASE("check_validity sees through Z and M") {
  for (const char* text :
       {"POLYGON Z ((0 0 1, 2 2 1, 2 0 1, 0 2 1, 0 0 1))", "POLYGON M ((0 0 1, 2 2 1, 2 0 1, 0 2 1, 0 0 1))",
        "POLYGON ZM ((0 0 1 9, 2 2 1 9, 2 0 1 9, 0 2 1 9, 0 0 1 9))"}) {
    const auto invalid = check(text);
    REQUIRE(invalid);
    CHECK(invalid->x == 1);
    CHECK(invalid->y == 1);
  }
}

TEST_CASE("check_validity finds overlapping members and a line that stays at one place") {
  CHECK(check("MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((1 0, 5 0, 5 4, 1 0)))"));
  CHECK(check("LINESTRING (1 1, 1 1)"));
}

TEST_CASE("check_validity calls holes in an empty shell not valid") {
  CHECK(check("POLYGON (EMPTY, (5 6, 6 5, 6 6, 5 6))"));
}

TEST_CASE("check_validity is not confused by an earlier failure") {
  const Geos geos;
  CHECK(geos.check_validity(wkt("POLYGON (EMPTY, (0 0, 1 0, 1 1, 0 0))"))->has_value());
  CHECK_FALSE(geos.check_validity(wkt("POINT (1 2)"))->has_value());
}

constexpr char kSquare[] = "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (4 4, 6 4, 6 6, 4 6, 4 4))";

bool inside(const char* text, const char* area = kSquare) {
  const auto result = Geos().is_inside(wkt(text), wkt(area));
  INFO(text << " " << result.status().ToString());
  REQUIRE(result.ok());
  return *result;
}

TEST_CASE("a point is inside when the area covers it, border included") {
  CHECK(inside("POINT (1 1)"));
  CHECK(inside("POINT (0 5)"));
  CHECK(inside("POINT (10 10)"));
  CHECK(inside("POINT (4 5)"));
  CHECK_FALSE(inside("POINT (5 5)"));
  CHECK_FALSE(inside("POINT (11 5)"));
  CHECK(inside("POINT ZM (1 1 99 99)"));
}

TEST_CASE("a multi-point is inside when one of its points is") {
  CHECK(inside("MULTIPOINT (20 20, 0 0, EMPTY)"));
  CHECK_FALSE(inside("MULTIPOINT (20 20, 5 5)"));
}

TEST_CASE("a line is inside when it crosses the interior, not when it runs along the border") {
  CHECK(inside("LINESTRING (-5 2, 15 2)"));
  CHECK(inside("LINESTRING (1 1, 2 2)"));
  CHECK_FALSE(inside("LINESTRING (0 0, 10 0)"));
  CHECK_FALSE(inside("LINESTRING (-5 5, 0 5)"));
  CHECK_FALSE(inside("LINESTRING (4 5, 6 5)"));
  CHECK_FALSE(inside("LINESTRING (20 0, 20 10)"));
}

TEST_CASE("a polygon is inside when interiors intersect, so a neighbour is not") {
  CHECK(inside("POLYGON ((9 1, 12 1, 12 3, 9 1))"));
  CHECK(inside("POLYGON ((1 1, 2 1, 2 2, 1 1))"));
  CHECK(inside("POLYGON ((-5 -5, 20 -5, 20 20, -5 20, -5 -5))"));
  CHECK(inside(kSquare));
  CHECK_FALSE(inside("POLYGON ((10 0, 20 0, 20 10, 10 10, 10 0))"));
  CHECK_FALSE(inside("POLYGON ((4 4, 6 4, 6 6, 4 6, 4 4))"));
  CHECK_FALSE(inside("POLYGON ((30 0, 40 0, 40 10, 30 0))"));
  CHECK(inside("MULTIPOLYGON (((30 0, 40 0, 40 10, 30 0)), ((1 1, 2 1, 2 2, 1 1)))"));
}

TEST_CASE("a collection is inside when one of its members is") {
  CHECK(inside("GEOMETRYCOLLECTION (POINT (20 20), GEOMETRYCOLLECTION (LINESTRING (1 1, 2 2)))"));
  CHECK_FALSE(inside("GEOMETRYCOLLECTION (POINT (5 5), LINESTRING (0 0, 10 0))"));
  CHECK(inside("GEOMETRYCOLLECTION (POLYGON ((1 1, 3 1, 3 3, 1 1)), POLYGON ((1 1, 3 1, 3 3, 1 1)))"));
}

TEST_CASE("empty geometries and empty areas are never inside") {
  CHECK_FALSE(inside("POINT EMPTY"));
  CHECK_FALSE(inside("GEOMETRYCOLLECTION (POINT EMPTY)"));
  CHECK_FALSE(inside("POINT (1 1)", "POLYGON EMPTY"));
  CHECK_FALSE(inside("POINT (1 1)", "MULTIPOLYGON EMPTY"));
}

TEST_CASE("one Geos answers for changing areas") {
  const Geos geos;
  const Geometry point = wkt("POINT (1 1)");
  const Geometry here = wkt("POLYGON Z ((0 0 1, 2 0 1, 2 2 1, 0 0 1))");
  const Geometry there = wkt("MULTIPOLYGON (((5 5, 6 5, 6 6, 5 5)), ((7 7, 8 7, 8 8, 7 7)))");
  for (int i = 0; i < 3; ++i) {
    CHECK(geos.is_inside(point, here).value());
    CHECK_FALSE(geos.is_inside(point, there).value());
    CHECK(geos.is_inside(wkt("POINT (7.9 7.5)"), there).value());
  }
}

TEST_CASE("an area must be a polygon") {
  const Geos geos;
  CHECK(test::refused(geos.is_inside(wkt("POINT (1 1)"), wkt("LINESTRING (0 0, 1 1)")), "AREA_NOT_POLYGON"));
}

TEST_CASE("a geometry that GEOS cannot build is an error of the question, and the next one is answered") {
  const Geos geos;
  const auto broken = geos.is_inside(wkt("POLYGON (EMPTY, (0 0, 1 0, 1 1, 0 0))"), wkt(kSquare));
  CHECK(test::failed(broken, absl::StatusCode::kInternal, "GEOS_FAILED"));
  CHECK(geos.is_inside(wkt("POINT (1 1)"), wkt(kSquare)).value());
}

TEST_CASE("a Geos can be moved while it remembers an area") {
  Geos first;
  CHECK(first.is_inside(wkt("POINT (1 1)"), wkt(kSquare)).value());
  Geos second = std::move(first);
  CHECK(second.is_inside(wkt("POINT (2 2)"), wkt(kSquare)).value());
  second = Geos();
  CHECK(second.is_inside(wkt("POINT (2 2)"), wkt(kSquare)).value());
}

}  // namespace
}  // namespace lt::geo
