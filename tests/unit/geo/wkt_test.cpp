#include "geo/geometry.hpp"
#include "geo_support.hpp"

namespace lt::geo {
namespace {

using test::refused;
using test::says;
using test::too_large;
using test::Wkb;
using test::wkt;

TEST_CASE("parse_wkt reads every type and to_wkt writes it back") {
  for (const char* text :
       {"POINT (1 2)", "LINESTRING (0 0, 1 1.5, -2 3)", "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
        "MULTIPOINT ((1 2), (3 4))", "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))",
        "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
        "GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (LINESTRING (0 0, 1 1)), MULTIPOINT ((1 1)))",
        "POINT Z (1 2 3)", "POINT M (1 2 3)", "POINT ZM (1 2 3 4)", "LINESTRING ZM (0 0 1 2, 1 1 3 4)",
        "GEOMETRYCOLLECTION Z (POINT Z (1 2 3), POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1)))"}) {
    CHECK(to_wkt(wkt(text)) == text);
  }
}

TEST_CASE("parse_wkt reads EMPTY at every level and to_wkt writes it back") {
  for (const char* text :
       {"POINT EMPTY", "POINT Z EMPTY", "POINT M EMPTY", "POINT ZM EMPTY", "LINESTRING EMPTY", "POLYGON Z EMPTY",
        "POLYGON (EMPTY)", "MULTIPOINT EMPTY", "MULTIPOINT (EMPTY)", "MULTIPOINT (EMPTY, (1 2))",
        "MULTILINESTRING EMPTY", "MULTILINESTRING (EMPTY, (0 0, 1 1))", "MULTIPOLYGON (EMPTY, (EMPTY))",
        "GEOMETRYCOLLECTION EMPTY", "GEOMETRYCOLLECTION Z (POINT Z EMPTY, GEOMETRYCOLLECTION Z EMPTY)"}) {
    CHECK(to_wkt(wkt(text)) == text);
  }
}

TEST_CASE("parse_wkt learns type, dimension, box and vertices") {
  const Geometry g = wkt("MULTILINESTRING Z ((0 0 9, 1 5 9), (-3 2 9, 1 1 9, 2 2 9))");
  CHECK(g.type == GeometryType::kMultiLineString);
  CHECK(g.dimension == Dimension::kXYZ);
  CHECK(g.box == Box{-3, 0, 2, 5});
  CHECK(g.vertices == 5);
  CHECK_FALSE(g.empty);
}

TEST_CASE("parse_wkt takes any letter case, spacing and dimension style") {
  const Geometry z = wkt("POINT Z (1 2 3)");
  CHECK(wkt("pointz(1 2 3)") == z);
  CHECK(wkt("PoInT z(1 2 3)") == z);
  CHECK(wkt("POINT(1 2 3)") == z);
  CHECK(wkt(" \t\r\nPOINT  Z\n( 1\t2 3 ) \n") == z);
  CHECK(wkt("POINTM(1 2 3)") == wkt("POINT M (1 2 3)"));
  CHECK(wkt("POINT(1 2 3 4)") == wkt("POINTZM (1 2 3 4)"));
  CHECK(wkt("pointzm empty") == wkt("POINT ZM EMPTY"));
}

TEST_CASE("parse_wkt takes multi-points with and without brackets") {
  CHECK(wkt("MULTIPOINT (1 2, 3 4)") == wkt("MULTIPOINT ((1 2), (3 4))"));
  CHECK(wkt("MULTIPOINT (1 2 5, (3 4 6), EMPTY)") == wkt("MULTIPOINT Z ((1 2 5), (3 4 6), EMPTY)"));
}

TEST_CASE("parse_wkt finds the dimension behind empty members") {
  CHECK(wkt("MULTIPOINT (EMPTY, 1 2 3)") == wkt("MULTIPOINT Z (EMPTY, (1 2 3))"));
  CHECK(wkt("MULTILINESTRING (EMPTY, (0 0 1 2, 1 1 1 2))") == wkt("MULTILINESTRING ZM (EMPTY, (0 0 1 2, 1 1 1 2))"));
  CHECK(wkt("GEOMETRYCOLLECTION (POINT EMPTY, POINT M (1 2 3))") ==
        wkt("GEOMETRYCOLLECTION M (POINT M EMPTY, POINT M (1 2 3))"));
}

TEST_CASE("parse_wkt reads numbers to the last bit") {
  CHECK(wkt("POINT (0.1 105.85420000000001)").wkb == Wkb().head(1).xy({0.1, 105.85420000000001}).bytes);
  CHECK(wkt("POINT (+1.5 -.5)").wkb == Wkb().head(1).xy({1.5, -0.5}).bytes);
  CHECK(wkt("POINT (1.e3 2E-3)").wkb == Wkb().head(1).xy({1000, 0.002}).bytes);
  CHECK(wkt("POINT (-0 0)").wkb == Wkb().head(1).xy({-0.0, 0.0}).bytes);
  CHECK(wkt("POINT (5e-324 1.7976931348623157e308)").wkb == Wkb().head(1).xy({5e-324, 1.7976931348623157e308}).bytes);
}

TEST_CASE("to_wkt writes the shortest digits") {
  CHECK(to_wkt(wkt("POINT (0.10000000000000000555 -0.0)")) == "POINT (0.1 -0)");
  CHECK(to_wkt(wkt("POINT (1e30 5e-324)")) == "POINT (1e+30 5e-324)");
  CHECK(to_wkt(wkt("POINT (500000 2000000.125)")) == "POINT (500000 2000000.125)");
}

TEST_CASE("parse_wkt refuses what is not a finite number") {
  for (const char* text : {"POINT (nan nan)", "POINT (1 NaN)", "POINT (inf 0)", "POINT (-Infinity 0)", "POINT (+inf 1)",
                           "MULTIPOINT (nan 1)", "POINT (1e400 0)", "POINT (-1e400 0)", "POINT (1e-400 0)"}) {
    INFO(text);
    CHECK(refused(parse_wkt(text), "GEOMETRY_NOT_FINITE"));
  }
}

TEST_CASE("parse_wkt refuses text that is not WKT") {
  for (const char* text : {"",
                           " ",
                           "POINT",
                           "POINT (",
                           "POINT (1",
                           "POINT (1 2",
                           "POINT ()",
                           "POINT (1)",
                           "POINT (1,2)",
                           "POINT 1 2",
                           "POINT (1 2))",
                           "POINT (1 2) x",
                           "POINT (1 2) POINT (3 4)",
                           "POINT (1 2 3 4 5)",
                           "POINT (a b)",
                           "POINT (1 2,)",
                           "POINT (1 2, 3 4)",
                           "POINT (+-1 2)",
                           "POINT (--1 2)",
                           "POINT (1-2)",
                           "POINT (. 2)",
                           "POINT (0x10 2)",
                           "POINT (1e 2)",
                           "POINT (1 2;)",
                           "POINT Z M (1 2 3 4)",
                           "POINT ZZ (1 2 3)",
                           "POINTS (1 2)",
                           "LINESTRING (0 0 1 1,)",
                           "LINESTRING ((0 0, 1 1))",
                           "LINESTRING ()",
                           "POLYGON (0 0, 1 0, 1 1, 0 0)",
                           "MULTIPOINT (POINT (1 2))",
                           "GEOMETRYCOLLECTION ((1 2))",
                           "GEOMETRYCOLLECTION (POINT (1 2)",
                           "GEOMETRY (1 2)",
                           "POINT EMPTYX",
                           "EMPTY",
                           "POINT (1 2)\xC2\xA0",
                           "POINT (1\xC2\xA0"
                           "2)",
                           "SRID=4326",
                           "SRID=;POINT (1 2)",
                           "SRID 4326;POINT (1 2)",
                           "SRID=99999999999;POINT (1 2)"}) {
    INFO(text);
    CHECK(refused(parse_wkt(text, 4326), "GEOMETRY_MALFORMED"));
  }
  CHECK(refused(parse_wkt(std::string_view("POINT (1 2)\0", 12)), "GEOMETRY_MALFORMED"));
}

TEST_CASE("parse_wkt refuses every truncation") {
  const std::string text = "SRID=4326;GEOMETRYCOLLECTION Z (POINT Z (1 2 3), POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1)))";
  REQUIRE(parse_wkt(text, 4326).ok());
  for (std::size_t n = 0; n < text.size(); ++n) {
    INFO(text.substr(0, n));
    CHECK_FALSE(parse_wkt(std::string_view(text).substr(0, n), 4326).ok());
  }
}

TEST_CASE("parse_wkt names the character of the trouble") {
  CHECK(says(parse_wkt("LINESTRING (0 0, 1 x)"), "character 19"));
  CHECK(says(parse_wkt("POLYGON ((0 0, 1 0, 1 1, 0 0), (0 0, 1 0, 1 1, 0 1))"), "character 31"));
}

TEST_CASE("parse_wkt refuses curves, surfaces and TIN by name") {
  for (const char* text : {"CIRCULARSTRING (0 0, 1 1, 2 0)", "COMPOUNDCURVE Z EMPTY", "CURVEPOLYGON EMPTY",
                           "multicurve empty", "MULTISURFACEZ EMPTY", "POLYHEDRALSURFACE EMPTY", "TIN EMPTY",
                           "TRIANGLE ((0 0, 1 0, 1 1, 0 0))", "GEOMETRYCOLLECTION (POINT (1 2), TINZ EMPTY)"}) {
    INFO(text);
    CHECK(refused(parse_wkt(text), "GEOMETRY_CURVE"));
  }
}

TEST_CASE("parse_wkt refuses mixed ordinates") {
  for (const char* text : {"LINESTRING (0 0, 1 1 1)", "LINESTRING (0 0 1, 1 1)", "POINT Z (1 2)", "POINT M (1 2 3 4)",
                           "POINT Z (1 2 3 4)", "GEOMETRYCOLLECTION (POINT (1 2), POINT Z (1 2 3))",
                           "GEOMETRYCOLLECTION Z (POINT M (1 2 3))", "GEOMETRYCOLLECTION Z (POINT (1 2))",
                           "GEOMETRYCOLLECTION (POINT Z (1 2 3), POINT (1 2))", "MULTIPOINT (1 2, 1 2 3)"}) {
    INFO(text);
    CHECK(refused(parse_wkt(text), "GEOMETRY_MIXED_DIMENSION"));
  }
}

TEST_CASE("parse_wkt refuses open and short rings and short lines") {
  CHECK(refused(parse_wkt("POLYGON ((0 0, 1 0, 1 1, 0 1))"), "GEOMETRY_NOT_CLOSED"));
  CHECK(refused(parse_wkt("POLYGON M ((0 0 1, 1 0 1, 1 1 1, 0 0 2))"), "GEOMETRY_NOT_CLOSED"));
  CHECK(refused(parse_wkt("POLYGON ((0 0, 1 0, 0 0))"), "GEOMETRY_TOO_FEW_POINTS"));
  CHECK(refused(parse_wkt("LINESTRING (0 0)"), "GEOMETRY_TOO_FEW_POINTS"));
  CHECK(refused(parse_wkt("MULTILINESTRING ((0 0, 1 1), (0 0))"), "GEOMETRY_TOO_FEW_POINTS"));
}

TEST_CASE("parse_wkt compares the SRID with the one expected") {
  CHECK(parse_wkt("SRID=9210;POINT (1 2)", 9210)->wkb == wkt("POINT (1 2)").wkb);
  CHECK(parse_wkt(" srid = 9210 ; MULTIPOINT (EMPTY, 1 2 3)", 9210).ok());
  CHECK(parse_wkt("POINT (1 2)", 9210).ok());
  CHECK(refused(parse_wkt("SRID=9211;POINT (1 2)", 9210), "SRID_MISMATCH"));
  CHECK(refused(parse_wkt("SRID=-9210;POINT (1 2)", 9210), "SRID_MISMATCH"));
  CHECK(refused(parse_wkt("SRID=9210;POINT (1 2)"), "SRID_MISMATCH"));
}

TEST_CASE("parse_wkt stops at its limits and not before") {
  GeometryLimits limits;
  limits.max_vertices = 2;
  CHECK(parse_wkt("LINESTRING (0 0, 1 1)", 0, limits).ok());
  CHECK(too_large(parse_wkt("LINESTRING (0 0, 1 1, 2 2)", 0, limits)));
  limits = {};
  limits.max_parts = 2;
  CHECK(parse_wkt("MULTIPOINT (1 2, 3 4)", 0, limits).ok());
  CHECK(too_large(parse_wkt("MULTIPOINT (1 2, 3 4, EMPTY)", 0, limits)));
  limits = {};
  limits.max_depth = 2;
  CHECK(parse_wkt("GEOMETRYCOLLECTION (GEOMETRYCOLLECTION EMPTY)", 0, limits).ok());
  CHECK(too_large(parse_wkt("GEOMETRYCOLLECTION (GEOMETRYCOLLECTION (GEOMETRYCOLLECTION EMPTY))", 0, limits)));
}

TEST_CASE("parse_wkt limits the size of the text and of the bytes made of it") {
  const std::string text = "LINESTRING (0 0, 1 1)";  // 21 characters, 41 bytes of WKB
  GeometryLimits limits;
  limits.max_bytes = 41;
  CHECK(parse_wkt(text, 0, limits).ok());
  limits.max_bytes = 40;
  CHECK(too_large(parse_wkt(text, 0, limits)));
  limits.max_bytes = 20;
  CHECK(too_large(parse_wkt(text, 0, limits)));
}

TEST_CASE("parse_wkt survives absurd nesting") {
  GeometryLimits limits;
  limits.max_depth = 1'000'000;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "GEOMETRYCOLLECTION(";
  CHECK(too_large(parse_wkt(text, 0, limits)));
}

}  // namespace
}  // namespace lt::geo
