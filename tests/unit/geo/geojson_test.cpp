#include "geo/geometry.hpp"
#include "geo_support.hpp"

namespace lt::geo {
namespace {

using test::refused;
using test::says;
using test::too_large;
using test::Wkb;
using test::wkt;

std::string of(const char* type, const char* coordinates) {
  return std::string(R"({"type":")") + type + R"(","coordinates":)" + coordinates + "}";
}

TEST_CASE("parse_geojson reads every type and to_geojson writes it back") {
  const std::pair<const char*, std::string> cases[] = {
      {"POINT (1 2)", of("Point", "[1,2]")},
      {"POINT Z (1.5 -2 3)", of("Point", "[1.5,-2,3]")},
      {"LINESTRING (0 0, 1 1)", of("LineString", "[[0,0],[1,1]]")},
      {"POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
       of("Polygon", "[[[0,0],[4,0],[4,4],[0,0]],[[1,1],[2,1],[2,2],[1,1]]]")},
      {"MULTIPOINT ((1 2), (3 4))", of("MultiPoint", "[[1,2],[3,4]]")},
      {"MULTILINESTRING Z ((0 0 1, 1 1 1))", of("MultiLineString", "[[[0,0,1],[1,1,1]]]")},
      {"MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
       of("MultiPolygon", "[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]")},
      {"GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION EMPTY, MULTIPOINT ((3 4)))",
       R"({"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},)"
       R"({"type":"GeometryCollection","geometries":[]},{"type":"MultiPoint","coordinates":[[3,4]]}]})"},
  };
  for (const auto& [text, json] : cases) {
    INFO(json);
    const auto parsed = parse_geojson(json);
    REQUIRE(parsed.ok());
    CHECK(*parsed == wkt(text));
    CHECK(to_geojson(*parsed) == json);
  }
}

TEST_CASE("parse_geojson reads empty geometries, rings and members") {
  const std::pair<const char*, std::string> cases[] = {
      {"POINT EMPTY", of("Point", "[]")},
      {"LINESTRING EMPTY", of("LineString", "[]")},
      {"POLYGON EMPTY", of("Polygon", "[]")},
      {"POLYGON (EMPTY)", of("Polygon", "[[]]")},
      {"MULTIPOINT EMPTY", of("MultiPoint", "[]")},
      {"MULTIPOINT (EMPTY, (1 2))", of("MultiPoint", "[[],[1,2]]")},
      {"MULTIPOLYGON (EMPTY, (EMPTY))", of("MultiPolygon", "[[],[[]]]")},
      {"GEOMETRYCOLLECTION EMPTY", R"({"type":"GeometryCollection","geometries":[]})"},
  };
  for (const auto& [text, json] : cases) {
    INFO(json);
    const auto parsed = parse_geojson(json);
    REQUIRE(parsed.ok());
    CHECK(*parsed == wkt(text));
    CHECK(to_geojson(*parsed) == json);
  }
}

TEST_CASE("parse_geojson takes members in any order, with white space and extra members") {
  const Geometry point = wkt("POINT (1 2)");
  CHECK(*parse_geojson(R"( { "coordinates" : [ 1 , 2 ] , "type" : "Point" } )") == point);
  CHECK(
      *parse_geojson(
          R"({"bbox":[9,9,9,9],"note":{"a":[{"]}":"}\"]"}],"b":null},"type":"Point","coordinates":[1,2],"x":"\\"})") ==
      point);
  CHECK(*parse_geojson(R"({"\u0074ype":"P\u006fint","coordinates":[1,2]})") == point);
  CHECK(*parse_geojson(R"({"type":"Point","coordinates":[1,2],"geometries":5})") == point);
}

TEST_CASE("parse_geojson reads numbers to the last bit") {
  CHECK(parse_geojson(of("Point", "[0.1,105.85420000000001]"))->wkb ==
        Wkb().head(1).xy({0.1, 105.85420000000001}).bytes);
  CHECK(parse_geojson(of("Point", "[-0,1e2]"))->wkb == Wkb().head(1).xy({-0.0, 100}).bytes);
  CHECK(parse_geojson(of("Point", "[9007199254740993,18446744073709551617]"))->wkb ==
        Wkb().head(1).xy({9007199254740992.0, 18446744073709551616.0}).bytes);
}

TEST_CASE("to_geojson keeps the sign of zero for readers that know integers") {
  CHECK(to_geojson(wkt("POINT (-0 0)")) == of("Point", "[-0.0,0]"));
}

TEST_CASE("to_geojson drops M and keeps Z") {
  CHECK(to_geojson(wkt("POINT M (1 2 9)")) == of("Point", "[1,2]"));
  CHECK(to_geojson(wkt("POINT ZM (1 2 3 9)")) == of("Point", "[1,2,3]"));
}

TEST_CASE("parse_geojson finds the dimension behind empty members") {
  CHECK(*parse_geojson(of("MultiPoint", "[[],[1,2,3]]")) == wkt("MULTIPOINT Z (EMPTY, (1 2 3))"));
}

TEST_CASE("parse_geojson refuses mixed positions") {
  CHECK(refused(parse_geojson(of("LineString", "[[0,0],[1,1,1]]")), "GEOMETRY_MIXED_DIMENSION"));
  CHECK(refused(parse_geojson(of("LineString", "[[0,0,1],[1,1]]")), "GEOMETRY_MIXED_DIMENSION"));
  CHECK(refused(parse_geojson(R"({"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},)"
                              R"({"type":"Point","coordinates":[1,2,3]}]})"),
                "GEOMETRY_MIXED_DIMENSION"));
}

TEST_CASE("parse_geojson refuses what is not a GeoJSON geometry") {
  const std::string cases[] = {"",
                               " ",
                               "null",
                               "[]",
                               "1",
                               "\"Point\"",
                               "{}",
                               R"({"type":"Point"})",
                               R"({"coordinates":[1,2]})",
                               R"({"type":1,"coordinates":[1,2]})",
                               of("point", "[1,2]"),
                               of("Circle", "[1,2]"),
                               of("Geometry", "[]"),
                               of("Point", "null"),
                               of("Point", "{}"),
                               of("Point", "[1]"),
                               of("Point", "[1,2,3,4]"),
                               of("Point", "[\"1\",2]"),
                               of("Point", "[null,2]"),
                               of("Point", "[true,2]"),
                               of("Point", "[[1,2]]"),
                               of("LineString", "[1,2]"),
                               of("LineString", "[[0,0],[]]"),
                               of("LineString", "[[[0,0],[1,1]]]"),
                               of("Polygon", "[[0,0]]"),
                               of("GeometryCollection", "[]"),
                               R"({"type":"GeometryCollection","geometries":[1]})",
                               R"({"type":"GeometryCollection","geometries":null})",
                               of("Point", "[1,2"),
                               of("Point", "[1,2,]"),
                               of("Point", "[01,2]"),
                               of("Point", "[.5,2]"),
                               of("Point", "[NaN,2]"),
                               of("Point", "[+1,2]"),
                               of("Point", "[1,2]") + "x",
                               of("Point", "[1,2]") + "{}",
                               of("Point", "[1,2]") + '\0',
                               of("Point", "[1,2]") + std::string("\0{}", 3),
                               "\xEF\xBB\xBF" + of("Point", "[1,2]"),
                               R"({"type":"Point","coordinates":[1,2],"x":")"
                               "\xFF"
                               R"("})"};
  for (const std::string& text : cases) {
    INFO(text);
    CHECK(refused(parse_geojson(text), "GEOMETRY_MALFORMED"));
  }
}

TEST_CASE("parse_geojson tells to send the geometry of a feature only") {
  const std::string feature = R"({"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[1,2]}})";
  CHECK(refused(parse_geojson(feature), "GEOMETRY_MALFORMED"));
  CHECK(says(parse_geojson(feature), "\"geometry\" member only"));
  CHECK(says(parse_geojson(R"({"type":"FeatureCollection","features":[]})"), "\"geometry\" member only"));
}

TEST_CASE("parse_geojson refuses a crs member at any level") {
  CHECK(refused(parse_geojson(R"({"type":"Point","coordinates":[1,2],"crs":null})"), "GEOMETRY_MALFORMED"));
  CHECK(says(
      parse_geojson(R"({"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2],"crs":{}}]})"),
      "\"crs\" is not part of RFC 7946"));
}

TEST_CASE("parse_geojson refuses a member name that stands twice, also when escaped") {
  CHECK(says(parse_geojson(R"({"type":"Point","coordinates":[1,2],"coordinates":[3,4]})"), "stands twice"));
  CHECK(refused(parse_geojson(R"({"type":"Point","coordinates":[1,2],"\u0074ype":"Point"})"), "GEOMETRY_MALFORMED"));
  CHECK(refused(parse_geojson(R"({"type":"Point","coordinates":[1,2],"x":{"a":1,"a":2}})"), "GEOMETRY_MALFORMED"));
}

TEST_CASE("parse_geojson refuses numbers that a double cannot hold") {
  CHECK(refused(parse_geojson(of("Point", "[1e400,2]")), "GEOMETRY_NOT_FINITE"));
  CHECK(refused(parse_geojson(of("Point", "[1e-400,2]")), "GEOMETRY_NOT_FINITE"));
}

TEST_CASE("parse_geojson refuses curves by name") {
  CHECK(refused(parse_geojson(of("CircularString", "[[0,0],[1,1],[2,0]]")), "GEOMETRY_CURVE"));
}

TEST_CASE("parse_geojson refuses open and short rings and short lines") {
  CHECK(refused(parse_geojson(of("Polygon", "[[[0,0],[1,0],[1,1],[0,1]]]")), "GEOMETRY_NOT_CLOSED"));
  CHECK(refused(parse_geojson(of("Polygon", "[[[0,0],[1,0],[0,0]]]")), "GEOMETRY_TOO_FEW_POINTS"));
  CHECK(refused(parse_geojson(of("LineString", "[[0,0]]")), "GEOMETRY_TOO_FEW_POINTS"));
}

TEST_CASE("parse_geojson names the JSON path of the trouble") {
  const std::string text = R"({"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},)"
                           R"({"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]],[[0,0],[1,"x"]]]}]})";
  CHECK(says(parse_geojson(text), "$.geometries[1].coordinates[1][1][1]"));
  CHECK(says(parse_geojson(of("Polygon", "[[[0,0],[1,0],[1,1],[0,1]]]")), "$.coordinates[0]:"));
}

TEST_CASE("parse_geojson refuses every truncation") {
  const std::string text =
      R"({"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2.5e1]}],"n":"\u00e9"})";
  REQUIRE(parse_geojson(text).ok());
  for (std::size_t n = 0; n < text.size(); ++n) {
    INFO(text.substr(0, n));
    CHECK(refused(parse_geojson(std::string_view(text).substr(0, n)), "GEOMETRY_MALFORMED"));
  }
}

std::string nested(int levels) {
  std::string text;
  for (int i = 1; i < levels; ++i) text += R"({"type":"GeometryCollection","geometries":[)";
  text += R"({"type":"GeometryCollection","geometries":[]})";
  for (int i = 1; i < levels; ++i) text += "]}";
  return text;
}

TEST_CASE("parse_geojson stops at its limits and not before") {
  CHECK(parse_geojson(nested(8)).ok());
  CHECK(too_large(parse_geojson(nested(9))));
  GeometryLimits limits;
  limits.max_vertices = 1;
  CHECK(parse_geojson(of("MultiPoint", "[[1,2]]"), limits).ok());
  CHECK(too_large(parse_geojson(of("MultiPoint", "[[1,2],[3,4]]"), limits)));
  limits = {};
  limits.max_parts = 1;
  CHECK(parse_geojson(of("Polygon", "[[]]"), limits).ok());
  CHECK(too_large(parse_geojson(of("Polygon", "[[],[]]"), limits)));
  const std::string point = of("Point", "[1,2]");
  limits = {};
  limits.max_bytes = static_cast<std::uint32_t>(point.size());
  CHECK(parse_geojson(point, limits).ok());
  --limits.max_bytes;
  CHECK(too_large(parse_geojson(point, limits)));
}

TEST_CASE("parse_geojson survives absurd nesting and endless members") {
  GeometryLimits limits;
  limits.max_depth = 1'000'000;
  CHECK_FALSE(parse_geojson(nested(1000), limits).ok());
  CHECK(refused(parse_geojson(std::string(1'000'000, '[')), "GEOMETRY_MALFORMED"));
  std::string members = R"({"type":"Point","coordinates":[1,2])";
  for (int i = 0; i < 2000; ++i) members += ",\"m" + std::to_string(i) + "\":0";
  CHECK(says(parse_geojson(members + "}"), "more than 1024 members"));
}

}  // namespace
}  // namespace lt::geo
