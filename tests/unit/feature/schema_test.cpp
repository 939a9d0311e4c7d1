#include "feature/schema.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "generators.hpp"

namespace lt::feature {
namespace {

using nlohmann::json;

Schema road() {
  Schema schema;
  schema.crs = "EPSG:9210";
  schema.geometry.types = {geo::GeometryType::kLineString};
  schema.fields = {{1, "code", FieldType::kString, true, {"QL", "ĐT"}, {}, {}, 10, false, "Mã đường", "Road code", ""},
                   {4, "lanes", FieldType::kInt64, false, {}, 1.0, 16.0, {}, false, "", "", ""}};
  return schema;
}

// Checks that `schema` is refused with a violation at `place`.
void check_refused(const Schema& schema, const std::string& place) {
  const absl::Status status = check_schema(schema);
  INFO("place " << place << ": " << status);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(status) == "SCHEMA_INVALID");
  const auto detail = error_detail(status);
  REQUIRE(detail);
  const auto named = [&](const FieldViolation& violation) { return violation.field == place; };
  CHECK(std::any_of(detail->violations.begin(), detail->violations.end(), named));
}

void check_json_refused(const char* text, const std::string& place) {
  const auto schema = schema_from_json(json::parse(text));
  INFO(text);
  REQUIRE_FALSE(schema.ok());
  CHECK(schema.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(schema.status()) == "SCHEMA_INVALID");
  CHECK_THAT(message_of(schema.status()), Catch::Contains(place));
}

}  // namespace

TEST_CASE("random schemas are valid and survive JSON") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  for (int run = 0; run < 1000; ++run) {
    const Schema schema = test::random_schema(random);
    const std::string text = schema_to_json(schema).dump();
    INFO("run " << run << " " << text);
    REQUIRE(check_schema(schema) == absl::OkStatus());
    const auto back = schema_from_json(json::parse(text));
    REQUIRE(back.ok());
    REQUIRE(*back == schema);
  }
}

TEST_CASE("the JSON form leaves defaults out") {
  CHECK(schema_to_json(road()) ==
        json::parse(R"({"revision":1,"crs":"EPSG:9210","geometry":{"types":["LINESTRING"]},"fields":[
    {"number":1,"name":"code","type":"string","required":true,"allowed":["QL","ĐT"],"max_length":10,
     "title_vi":"Mã đường","title_en":"Road code"},
    {"number":4,"name":"lanes","type":"int64","minimum":1,"maximum":16}]})"));
  CHECK(schema_to_json(Schema{}) == json::parse(R"({"revision":1,"fields":[]})"));
  CHECK(schema_from_json(json::object()).value() == Schema{});
}

TEST_CASE("fields without numbers are numbered after the highest given, and sorted") {
  const auto schema =
      schema_from_json(json::parse(R"({"fields":[{"name":"a","type":"bool"},{"name":"b","type":"bool"}]})"));
  REQUIRE(schema.ok());
  CHECK(schema->find("a")->number == 1);
  CHECK(schema->find("b")->number == 2);
  const auto mixed = schema_from_json(
      json::parse(R"({"fields":[{"name":"new","type":"bool"},{"number":7,"name":"old","type":"bool"}]})"));
  REQUIRE(mixed.ok());
  CHECK(mixed->find("new")->number == 8);
  CHECK(mixed->fields.front().name == "old");
  CHECK(check_schema(*mixed).ok());
}

TEST_CASE("a schema file with a mistake is refused with its place") {
  check_json_refused(R"([])", "must be an object");
  check_json_refused(R"({"colour":1})", "colour");
  check_json_refused(R"({"crs":9210})", "crs");
  check_json_refused(R"({"revision":1.5})", "revision");
  check_json_refused(R"({"geometry":[]})", "geometry");
  check_json_refused(R"({"geometry":{"type":"POINT"}})", "geometry.type");
  check_json_refused(R"({"geometry":{"types":["BLOB"]}})", "BLOB");
  check_json_refused(R"({"geometry":{"types":["POINT"],"dimensions":["XYZZY"]}})", "XYZZY");
  check_json_refused(R"({"fields":{}})", "fields");
  check_json_refused(R"({"fields":[{"name":"a"}]})", "fields[0].type");
  check_json_refused(R"({"fields":[{"name":"a","type":"text"}]})", "text");
  check_json_refused(R"({"fields":[{"name":"a","type":"bool","requird":true}]})", "fields[0].requird");
  check_json_refused(R"({"fields":[{"name":"a","type":"bool","required":1}]})", "fields[0].required");
  check_json_refused(R"({"fields":[{"name":"a","type":"string","allowed":"x"}]})", "fields[0].allowed");
  check_json_refused(R"({"fields":[{"name":"a","type":"string","max_length":1e99}]})", "fields[0].max_length");
  check_json_refused(R"({"fields":[{"name":"a","type":"bool","number":0}]})", "fields[0].number");
  check_json_refused(R"({"fields":[{"name":"a","type":"bool","number":10000},{"name":"b","type":"bool"}]})",
                     "fields[1]");
}

TEST_CASE("a valid schema is found by name and number") {
  const Schema schema = road();
  REQUIRE(check_schema(schema) == absl::OkStatus());
  CHECK(schema.find("lanes")->number == 4);
  CHECK(schema.find(4)->name == "lanes");
  CHECK(schema.find(2) == nullptr);
  CHECK(schema.find(5) == nullptr);
  CHECK(schema.find("Lanes") == nullptr);
  CHECK(schema.srid() == 9210);
  CHECK(Schema{}.srid() == 0);
}

TEST_CASE("a geometry rule allows its types, and GEOMETRY every straight-line type") {
  GeometryRule rule;
  CHECK_FALSE(rule.allows(geo::GeometryType::kPoint));
  rule.types = {geo::GeometryType::kPolygon};
  CHECK(rule.allows(geo::GeometryType::kPolygon));
  CHECK_FALSE(rule.allows(geo::GeometryType::kMultiPolygon));
  rule.types = {geo::GeometryType::kGeometry};
  CHECK(rule.allows(geo::GeometryType::kGeometryCollection));
  CHECK_FALSE(rule.allows(geo::GeometryType::kCircularString));
  CHECK(rule.allows(geo::Dimension::kXY));
  CHECK_FALSE(rule.allows(geo::Dimension::kXYZ));
}

TEST_CASE("the CRS of a schema must be known, current, and there exactly when geometry is") {
  Schema schema = road();
  schema.crs = "EPSG:999999";
  CHECK(error_reason(check_schema(schema)) == "CRS_UNKNOWN");
  schema.crs = "EPSG:6957";
  CHECK(error_reason(check_schema(schema)) == "CRS_DEPRECATED");
  schema.crs = "epsg:9210";
  check_refused(schema, "crs");
  schema.crs = "";
  check_refused(schema, "crs");
  schema = road();
  schema.geometry.types.clear();
  check_refused(schema, "crs");
  schema.crs = "";
  CHECK(check_schema(schema).ok());
  schema.geometry.nullable = true;
  check_refused(schema, "geometry.nullable");
  schema.geometry.nullable = false;
  schema.geometry.dimensions = {geo::Dimension::kXY, geo::Dimension::kXYZ};
  check_refused(schema, "geometry.dimensions");
}

TEST_CASE("geometry types and dimensions are straight, not repeated, and there") {
  Schema schema = road();
  schema.geometry.types = {geo::GeometryType::kCurvePolygon};
  check_refused(schema, "geometry.types");
  schema.geometry.types = {geo::GeometryType::kPoint, geo::GeometryType::kPoint};
  check_refused(schema, "geometry.types");
  schema = road();
  schema.geometry.dimensions.clear();
  check_refused(schema, "geometry.dimensions");
}

TEST_CASE("field numbers are 1 to 10,000, unique and ascending") {
  Schema schema = road();
  schema.fields[1].number = kMaxFieldNumber;
  CHECK(check_schema(schema).ok());
  schema.fields[1].number = kMaxFieldNumber + 1;
  check_refused(schema, "fields[1].number");
  schema.fields[1].number = 1;
  check_refused(schema, "fields[1].number");
  schema.fields[0].number = 0;
  check_refused(schema, "fields[0].number");
}

TEST_CASE("field names are short, printable, unique and not geometry") {
  const auto with_name = [](const std::string& name) {
    Schema schema = road();
    schema.fields[1].name = name;
    return schema;
  };
  CHECK(check_schema(with_name("id")).ok());
  CHECK(check_schema(with_name("Số làn \"xe\"")).ok());
  CHECK(check_schema(with_name(std::string(kMaxFieldNameBytes, 'x'))).ok());
  for (const std::string& name : {std::string(), std::string(kMaxFieldNameBytes + 1, 'x'), std::string("a\tb"),
                                  std::string("\xFF"), std::string("geometry"), std::string("code")}) {
    check_refused(with_name(name), "fields[1].name");
  }
}

TEST_CASE("limits must fit their types") {
  const auto with = [](auto change) {
    Schema schema = road();
    change(schema.fields[0], schema.fields[1]);
    return schema;
  };
  check_refused(with([](Field& text, Field&) { text.minimum = 1; }), "fields[0]");
  check_refused(with([](Field& text, Field&) { text.max_length = 0; }), "fields[0].max_length");
  check_refused(with([](Field& text, Field&) { text.max_length = 1; }), "fields[0].allowed");
  check_refused(with([](Field& text, Field&) { text.allow_non_finite = true; }), "fields[0].allow_non_finite");
  check_refused(with([](Field& text, Field&) { text.allowed = {"a", "a"}; }), "fields[0].allowed");
  check_refused(with([](Field& text, Field&) { text.allowed = {"\xFF"}; }), "fields[0].allowed");
  check_refused(with([](Field& text, Field&) { text.title_vi = "\xFF"; }), "fields[0]");
  check_refused(with([](Field&, Field& number) { number.max_length = 5; }), "fields[1].max_length");
  check_refused(with([](Field&, Field& number) { number.allowed = {"1"}; }), "fields[1].allowed");
  check_refused(with([](Field&, Field& number) { number.minimum = 17; }), "fields[1]");
  check_refused(with([](Field&, Field& number) { number.maximum = std::numeric_limits<double>::infinity(); }),
                "fields[1]");
}

TEST_CASE("a schema with many mistakes names several and stays small") {
  Schema schema = road();
  for (std::int32_t i = 0; i < 1000; ++i)
    schema.fields.push_back({0, "", FieldType::kBool, false, {}, {}, {}, {}, false, "", "", ""});
  const auto detail = error_detail(check_schema(schema));
  REQUIRE(detail);
  CHECK(detail->violations.size() >= 2);
  CHECK(detail->violations.size() < 30);
}

}  // namespace lt::feature
