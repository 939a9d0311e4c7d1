#include "rules/repair.hpp"

#include <catch2/catch.hpp>

#include "base/bytes.hpp"

namespace lt::rules {
namespace {

using feature::FieldType;
using feature::Finding;
using feature::Json;
using feature::Repair;
using feature::Schema;
using feature::State;
using feature::StringList;
using feature::Value;
using geo::GeometryType;

// "Hà Nội" with combining marks, and composed.
const std::string kNfd = "Ha\xCC\x80 No\xCC\xA3\xCC\x82i";
const std::string kNfc = "H\xC3\xA0 N\xE1\xBB\x99i";

Schema text_schema(FieldType type) {
  Schema schema;
  schema.fields.emplace_back();
  schema.fields[0].number = 5;
  schema.fields[0].name = "ten";
  schema.fields[0].type = type;
  return schema;
}

Schema geometry_schema(std::vector<GeometryType> types) {
  Schema schema;
  schema.crs = "EPSG:9210";
  schema.geometry.types = std::move(types);
  return schema;
}

struct Repaired {
  State state;
  std::vector<Finding> findings;
};

Repaired repair(const Schema& schema, std::vector<Repair> repairs, State state) {
  const Repairer repairer(schema, repairs);
  auto findings = repairer.repair("QL1-7", state);
  return {std::move(state), std::move(findings)};
}

Repaired repair_text(FieldType type, Value value) {
  return repair(text_schema(type), {Repair::kNfc}, State{std::nullopt, {{5, std::move(value)}}});
}

Repaired repair_geometry(std::vector<GeometryType> types, const char* wkt) {
  return repair(geometry_schema(std::move(types)), {Repair::kPromoteToMulti}, State{geo::parse_wkt(wkt).value(), {}});
}

std::string wkt_of(const Repaired& repaired) { return geo::to_wkt(*repaired.state.geometry); }

TEST_CASE("a string that is not in form C is composed and reported with both texts in both languages") {
  const auto repaired = repair_text(FieldType::kString, kNfd);
  REQUIRE(repaired.state.properties.at(5) == Value(kNfc));
  REQUIRE(repaired.findings.size() == 1);
  const Finding& finding = repaired.findings[0];
  CHECK(finding.rule == "F01");
  CHECK(finding.reason == "TEXT_NORMALIZED");
  CHECK(finding.severity == feature::Severity::kInfo);
  CHECK(finding.feature_id == "QL1-7");
  CHECK(finding.field == "ten");
  CHECK(finding.place.empty());
  for (const auto& message : {finding.message_vi, finding.message_en}) {
    CHECK_THAT(message, Catch::Contains(kNfd) && Catch::Contains(kNfc) && Catch::Contains("9") && Catch::Contains("6"));
    CHECK(is_utf8(message));
  }
  CHECK(finding.message_vi != finding.message_en);
}

TEST_CASE("text that is in form C already is left alone without a finding") {
  for (const std::string& text : {kNfc, std::string(), std::string("Ha Noi"), std::string("\xC4\x90\xC3\xA0")}) {
    const auto repaired = repair_text(FieldType::kString, text);
    CHECK(repaired.findings.empty());
    CHECK(repaired.state.properties.at(5) == Value(text));
  }
}

TEST_CASE("a long text is cut in the message, not in the value") {
  std::string before, after;
  for (int i = 0; i < 100; ++i) {
    before += kNfd;
    after += kNfc;
  }
  const auto repaired = repair_text(FieldType::kString, before);
  REQUIRE(repaired.state.properties.at(5) == Value(after));
  REQUIRE(repaired.findings.at(0).message_en.size() < 600);
}

TEST_CASE("each item of a list is composed; one finding names the first") {
  const auto repaired = repair_text(FieldType::kStringList, StringList{"a", kNfd, kNfc, kNfd});
  REQUIRE(repaired.state.properties.at(5) == Value(StringList{"a", kNfc, kNfc, kNfc}));
  REQUIRE(repaired.findings.size() == 1);
  REQUIRE(repaired.findings[0].place == "[1]");
}

TEST_CASE("texts and member names of a json are composed and the result is canonical") {
  const auto repaired =
      repair_text(FieldType::kJson, Json{R"({"A":[1,")" + kNfd + R"("],")" + kNfd + R"(":9007199254740992})"});
  const std::string expected = R"({"A":[1,")" + kNfc + R"("],")" + kNfc + R"(":9007199254740992})";
  const auto& text = std::get<Json>(repaired.state.properties.at(5)).text;
  CHECK(text == expected);
  REQUIRE(feature::check_value(repaired.state.properties.at(5)).ok());
  REQUIRE(repaired.findings.size() == 1);
  REQUIRE(repaired.findings[0].place == "A[1]");
}

TEST_CASE("a json whose member names would become equal is left as it is") {
  const Json json{R"({")" + kNfd + R"(":1,")" + kNfc + R"(":2})"};
  const auto repaired = repair_text(FieldType::kJson, json);
  REQUIRE(repaired.findings.empty());
  REQUIRE(repaired.state.properties.at(5) == Value(json));
}

TEST_CASE("other types than text are not touched by normalization") {
  const auto repaired = repair_text(FieldType::kBytes, feature::Bytes{kNfd});
  REQUIRE(repaired.findings.empty());
  REQUIRE(repaired.state.properties.at(5) == Value(feature::Bytes{kNfd}));
}

TEST_CASE("each repaired field is a finding, by number") {
  Schema schema = text_schema(FieldType::kString);
  schema.fields.push_back(schema.fields[0]);
  schema.fields[1].number = 7;
  schema.fields[1].name = "khac";
  const auto repaired = repair(schema, {Repair::kNfc}, State{std::nullopt, {{5, kNfd}, {7, kNfd}}});
  REQUIRE(repaired.findings.size() == 2);
  REQUIRE(repaired.findings[0].field == "ten");
  REQUIRE(repaired.findings[1].field == "khac");
}

TEST_CASE("without a repair nothing changes") {
  const Schema schema = geometry_schema({GeometryType::kMultiPoint});
  const State sent{geo::parse_wkt("POINT (1 2)").value(), {{5, kNfd}}};
  REQUIRE_FALSE(Repairer(schema, {}).active());
  const auto repaired = repair(schema, {}, sent);
  REQUIRE(repaired.findings.empty());
  REQUIRE(repaired.state == sent);
}

TEST_CASE("one repair does not make the other") {
  const Schema schema = geometry_schema({GeometryType::kMultiPoint});
  const State sent{geo::parse_wkt("POINT (1 2)").value(), {{5, kNfd}}};
  const auto texts = repair(schema, {Repair::kNfc}, sent);
  REQUIRE(texts.state.geometry == sent.geometry);
  REQUIRE(texts.findings.size() == 1);
  const auto shapes = repair(schema, {Repair::kPromoteToMulti}, sent);
  REQUIRE(shapes.state.properties == sent.properties);
  REQUIRE(shapes.findings.size() == 1);
  REQUIRE(repair(schema, {Repair::kNfc, Repair::kPromoteToMulti}, sent).findings.size() == 2);
}

TEST_CASE("a single geometry becomes the multi geometry that the schema wants, bit for bit") {
  CHECK(wkt_of(repair_geometry({GeometryType::kMultiPoint}, "POINT (1 2)")) == "MULTIPOINT ((1 2))");
  CHECK(wkt_of(repair_geometry({GeometryType::kMultiLineString}, "LINESTRING Z (1 2 3, 4 5 6)")) ==
        "MULTILINESTRING Z ((1 2 3, 4 5 6))");
  CHECK(wkt_of(repair_geometry({GeometryType::kMultiPolygon}, "POLYGON M ((0 0 1, 1 0 1, 1 1 1, 0 0 1))")) ==
        "MULTIPOLYGON M (((0 0 1, 1 0 1, 1 1 1, 0 0 1)))");
  CHECK(wkt_of(repair_geometry({GeometryType::kMultiPoint}, "POINT ZM (1 2 3 4)")) == "MULTIPOINT ZM ((1 2 3 4))");
}

TEST_CASE("a promoted geometry is what the parser makes of its bytes") {
  for (const char* wkt : {"POINT (1 2)", "POINT EMPTY", "POINT ZM EMPTY"}) {
    const auto repaired = repair_geometry({GeometryType::kMultiPoint}, wkt);
    const auto read = geo::read_canonical_wkb(repaired.state.geometry->wkb);
    INFO(wkt);
    REQUIRE(read.ok());
    CHECK(read->type == repaired.state.geometry->type);
    CHECK(read->dimension == repaired.state.geometry->dimension);
    CHECK(read->vertices == repaired.state.geometry->vertices);
    CHECK(read->box == repaired.state.geometry->box);
    CHECK(read->empty == repaired.state.geometry->empty);
  }
}

TEST_CASE("an empty single geometry becomes the empty multi geometry") {
  CHECK(wkt_of(repair_geometry({GeometryType::kMultiLineString}, "LINESTRING EMPTY")) == "MULTILINESTRING EMPTY");
  CHECK(wkt_of(repair_geometry({GeometryType::kMultiPolygon}, "POLYGON Z EMPTY")) == "MULTIPOLYGON Z EMPTY");
}

TEST_CASE("a promotion names both types in both languages") {
  const auto repaired = repair_geometry({GeometryType::kMultiPoint}, "POINT (1 2)");
  REQUIRE(repaired.findings.size() == 1);
  const Finding& finding = repaired.findings[0];
  CHECK(finding.rule == "G02");
  CHECK(finding.reason == "GEOMETRY_PROMOTED");
  CHECK(finding.severity == feature::Severity::kInfo);
  CHECK(finding.field == "geometry");
  CHECK_THAT(finding.message_vi, Catch::Contains("POINT") && Catch::Contains("MULTIPOINT"));
  CHECK_THAT(finding.message_en, Catch::Contains("POINT") && Catch::Contains("MULTIPOINT"));
}

TEST_CASE("a geometry that is allowed, or whose multi type is not, is left alone") {
  CHECK(repair_geometry({GeometryType::kPoint, GeometryType::kMultiPoint}, "POINT (1 2)").findings.empty());
  CHECK(repair_geometry({GeometryType::kGeometry}, "POINT (1 2)").findings.empty());
  CHECK(repair_geometry({GeometryType::kMultiPolygon}, "POINT (1 2)").findings.empty());
  CHECK(repair_geometry({GeometryType::kPoint}, "MULTIPOINT ((1 2))").findings.empty());
  CHECK(repair_geometry({GeometryType::kMultiPoint}, "GEOMETRYCOLLECTION (POINT (1 2))").findings.empty());
  CHECK(repair_geometry({}, "POINT (1 2)").findings.empty());
}

}  // namespace
}  // namespace lt::rules
