#include "wire/catalog.hpp"

#include "wire_support.hpp"

namespace {

namespace v1 = lienthong::v1;
using lt::wire::schema_from_proto;
using lt::wire::schema_to_proto;
using lt::wire_test::from_text;

TEST_CASE("a schema with everything set is the same after a round trip") {
  auto schema = lt::wire_test::every_type("EPSG:9210");
  schema.geometry.types = {lt::geo::GeometryType::kPoint, lt::geo::GeometryType::kMultiPolygon};
  schema.geometry.dimensions = {lt::geo::Dimension::kXY, lt::geo::Dimension::kXYZM};
  schema.geometry.nullable = true;
  auto& field = schema.fields[1];
  field.required = true;
  field.allowed = {"1", "2"};
  field.minimum = 0;
  field.maximum = 12;
  field.max_length = 0;
  field.allow_non_finite = true;
  field.title_vi = "Số làn";
  field.title_en = "Lanes";
  field.unit = "làn";
  v1::Schema proto;
  schema_to_proto(schema, &proto);
  const auto back = schema_from_proto(proto);
  REQUIRE(back.ok());
  CHECK(*back == schema);
}

TEST_CASE("a dataset without geometry has no rule in proto") {
  v1::Schema proto;
  schema_to_proto(lt::wire_test::every_type(""), &proto);
  CHECK_FALSE(proto.has_geometry());
  const auto back = schema_from_proto(proto);
  REQUIRE(back.ok());
  CHECK(*back == lt::wire_test::every_type(""));
}

TEST_CASE("any type of geometry is ANY in proto") {
  v1::Schema proto;
  schema_to_proto(lt::wire_test::every_type("EPSG:4326"), &proto);
  REQUIRE(proto.geometry().types_size() == 1);
  CHECK(proto.geometry().types(0) == v1::GEOMETRY_TYPE_ANY);
}

TEST_CASE("what a request leaves out gets its default") {
  const auto schema = schema_from_proto(from_text<v1::Schema>(R"({"crs":"EPSG:4326",
      "geometry":{"types":["GEOMETRY_TYPE_POINT"]},
      "fields":[{"name":"b","type":"FIELD_TYPE_INT64","number":7},{"name":"c","type":"FIELD_TYPE_DATE"},
                {"name":"a","type":"FIELD_TYPE_STRING","number":2}]})"));
  REQUIRE(schema.ok());
  CHECK(schema->revision == 1);
  CHECK(schema->geometry.dimensions == std::vector{lt::geo::Dimension::kXY});
  REQUIRE(schema->fields.size() == 3);
  CHECK(schema->fields[0].name == "a");
  CHECK(schema->fields[1].number == 7);
  CHECK(schema->fields[2].number == 8);
  CHECK(schema->fields[2].name == "c");
  CHECK_FALSE(schema->fields[2].minimum.has_value());
}

TEST_CASE("an empty schema is read: whether it can be stored is not decided here") {
  const auto schema = schema_from_proto(v1::Schema());
  REQUIRE(schema.ok());
  CHECK(schema->fields.empty());
  CHECK(schema->geometry.types.empty());
}

TEST_CASE("every unknown enum value is a violation of its own") {
  auto proto = from_text<v1::Schema>(R"({"fields":[{"name":"x"},{"name":"y","type":99}],
      "geometry":{"types":[0,9],"dimensions":[0,5]}})");
  const auto schema = schema_from_proto(proto);
  CHECK(schema.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(schema.status()) == "SCHEMA_INVALID");
  const auto detail = lt::error_detail(schema.status());
  REQUIRE(detail);
  std::vector<std::string> places;
  for (const auto& violation : detail->violations) places.push_back(violation.field);
  CHECK(places == std::vector<std::string>{"geometry.types[0]", "geometry.types[1]", "geometry.dimensions[0]",
                                           "geometry.dimensions[1]", "fields[0].type", "fields[1].type"});
}

}  // namespace
