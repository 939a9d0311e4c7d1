#include "rules/schema_rules.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <thread>

#include "base/bytes.hpp"
#include "geo/crs.hpp"
#include "geo/vn2000.hpp"
#include "rules/coordinates.hpp"

namespace lt::rules {
namespace {

using feature::Bytes;
using feature::Decimal;
using feature::Field;
using feature::FieldType;
using feature::Finding;
using feature::Schema;
using feature::Severity;
using feature::State;
using feature::StringList;
using feature::Value;

// A dataset without geometry and one field, number 5, named "f".
Schema one_field(FieldType type) {
  Schema schema;
  schema.fields.emplace_back();
  schema.fields[0].number = 5;
  schema.fields[0].name = "f";
  schema.fields[0].type = type;
  return schema;
}

Schema with_geometry(const char* crs, geo::GeometryType type) {
  Schema schema;
  schema.crs = crs;
  schema.geometry.types = {type};
  return schema;
}

State geometry_state(const char* wkt) { return {geo::parse_wkt(wkt).value(), {}}; }

// "RULE REASON field place" of the one finding, "OK" without any.
std::string outcome(const Schema& schema, const State& state) {
  const auto findings = check_state(schema, "QL1-7", state);
  if (findings.empty()) return "OK";
  CHECK(findings.size() == 1);
  const Finding& finding = findings[0];
  CHECK(finding.severity == Severity::kError);
  CHECK(finding.feature_id == "QL1-7");
  CHECK_FALSE(finding.message_vi.empty());
  CHECK_FALSE(finding.message_en.empty());
  CHECK(finding.message_vi != finding.message_en);
  CHECK(is_utf8(finding.message_vi));
  return finding.rule + " " + finding.reason + " " + finding.field + (finding.place.empty() ? "" : " " + finding.place);
}

std::string outcome(const Schema& schema, Value value) {
  return outcome(schema, State{std::nullopt, {{5, std::move(value)}}});
}

}  // namespace

TEST_CASE("a state that conforms has no findings") {
  CHECK(outcome(Schema{}, State{}) == "OK");
  CHECK(outcome(one_field(FieldType::kString), State{}) == "OK");
  CHECK(outcome(one_field(FieldType::kString), std::string("any")) == "OK");
}

TEST_CASE("a required field must have a value") {
  Schema schema = one_field(FieldType::kString);
  schema.fields[0].required = true;
  CHECK(outcome(schema, State{}) == "F04 FIELD_REQUIRED f");
  CHECK(outcome(schema, std::string()) == "OK");
}

TEST_CASE("numbers that the schema does not have are found before, between and after its own") {
  const Schema schema = one_field(FieldType::kBool);
  for (const std::int32_t number : {1, 6, 10000}) {
    const State state{std::nullopt, {{number, true}, {5, true}}};
    CHECK(outcome(schema, state) == "F04 UNKNOWN_FIELD " + std::to_string(number));
  }
}

TEST_CASE("a value of another type is found, whatever the types") {
  const std::vector<Value> values{std::string(),        std::int64_t{0}, 0.0,     false,        feature::Date{},
                                  feature::Timestamp{}, Decimal{"0"},    Bytes{}, StringList{}, feature::Json{"{}"}};
  for (int type = 1; type <= 10; ++type) {
    for (const Value& value : values) {
      const bool same = feature::type_of(value) == static_cast<FieldType>(type);
      CHECK(outcome(one_field(static_cast<FieldType>(type)), value) == (same ? "OK" : "F04 VALUE_WRONG_TYPE f"));
    }
  }
}

TEST_CASE("length counts characters, bytes or items, up to the limit and no further") {
  Schema text = one_field(FieldType::kString);
  text.fields[0].max_length = 3;
  CHECK(outcome(text, std::string("Đường").substr(0, 5)) == "OK");  // Đ ư n
  CHECK(outcome(text, std::string("ĐĐĐ")) == "OK");
  CHECK(outcome(text, std::string("ĐĐĐĐ")) == "F04 VALUE_TOO_LONG f");
  Schema bytes = one_field(FieldType::kBytes);
  bytes.fields[0].max_length = 3;
  CHECK(outcome(bytes, Bytes{"abc"}) == "OK");
  CHECK(outcome(bytes, Bytes{"abcd"}) == "F04 VALUE_TOO_LONG f");
  Schema list = one_field(FieldType::kStringList);
  list.fields[0].max_length = 1;
  CHECK(outcome(list, StringList{"long enough"}) == "OK");
  CHECK(outcome(list, StringList{"a", "b"}) == "F04 VALUE_TOO_LONG f");
}

TEST_CASE("a code list holds for strings and for each item of a list") {
  Schema text = one_field(FieldType::kString);
  text.fields[0].allowed = {"QL", "ĐT"};
  CHECK(outcome(text, std::string("ĐT")) == "OK");
  CHECK(outcome(text, std::string("đt")) == "D01 VALUE_NOT_ALLOWED f");
  CHECK(outcome(text, std::string()) == "D01 VALUE_NOT_ALLOWED f");
  Schema list = one_field(FieldType::kStringList);
  list.fields[0].allowed = {"QL", "ĐT"};
  CHECK(outcome(list, StringList{}) == "OK");
  CHECK(outcome(list, StringList{"QL", "QL"}) == "OK");
  CHECK(outcome(list, StringList{"QL", "x", "y"}) == "D01 VALUE_NOT_ALLOWED f [1]");
}

TEST_CASE("a range includes its limits, for int64 without rounding") {
  Schema schema = one_field(FieldType::kInt64);
  schema.fields[0].minimum = 1;
  schema.fields[0].maximum = 9007199254740992;
  CHECK(outcome(schema, std::int64_t{1}) == "OK");
  CHECK(outcome(schema, std::int64_t{0}) == "D03 VALUE_OUT_OF_RANGE f");
  CHECK(outcome(schema, std::int64_t{9007199254740992}) == "OK");
  CHECK(outcome(schema, std::int64_t{9007199254740993}) == "D03 VALUE_OUT_OF_RANGE f");
  CHECK(outcome(schema, std::numeric_limits<std::int64_t>::min()) == "D03 VALUE_OUT_OF_RANGE f");
}

TEST_CASE("a range of decimals is compared digit by digit with the limit as written") {
  Schema schema = one_field(FieldType::kDecimal);
  schema.fields[0].minimum = 0.1;
  schema.fields[0].maximum = 14;
  CHECK(outcome(schema, Decimal{"0.1"}) == "OK");
  CHECK(outcome(schema, Decimal{"0.0999999999999999999999999"}) == "D03 VALUE_OUT_OF_RANGE f");
  CHECK(outcome(schema, Decimal{"14.000"}) == "OK");
  CHECK(outcome(schema, Decimal{"14.00000000000000000000000001"}) == "D03 VALUE_OUT_OF_RANGE f");
  CHECK(outcome(schema, Decimal{"-1"}) == "D03 VALUE_OUT_OF_RANGE f");
}

TEST_CASE("NaN and infinities are found unless the field allows them") {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Schema schema = one_field(FieldType::kDouble);
  CHECK(outcome(schema, nan) == "D03 VALUE_NOT_FINITE f");
  CHECK(outcome(schema, infinity) == "D03 VALUE_NOT_FINITE f");
  CHECK(outcome(schema, -infinity) == "D03 VALUE_NOT_FINITE f");
  schema.fields[0].allow_non_finite = true;
  CHECK(outcome(schema, nan) == "OK");
  CHECK(outcome(schema, infinity) == "OK");
  schema.fields[0].maximum = 14;
  CHECK(outcome(schema, nan) == "OK");
  CHECK(outcome(schema, infinity) == "D03 VALUE_OUT_OF_RANGE f");
  CHECK(outcome(schema, 14.0) == "OK");
  CHECK(outcome(schema, 14.000001) == "D03 VALUE_OUT_OF_RANGE f");
}

TEST_CASE("a null geometry is found unless the schema allows it or has none") {
  Schema schema = with_geometry("EPSG:4326", geo::GeometryType::kPoint);
  CHECK(outcome(schema, State{}) == "G02 GEOMETRY_REQUIRED geometry");
  schema.geometry.nullable = true;
  CHECK(outcome(schema, State{}) == "OK");
  CHECK(outcome(Schema{}, geometry_state("POINT (1 2)")) == "G02 GEOMETRY_NOT_ALLOWED geometry");
}

TEST_CASE("type and dimension of a geometry are those of the schema") {
  const Schema schema = with_geometry("EPSG:4326", geo::GeometryType::kPolygon);
  CHECK(outcome(schema, geometry_state("POLYGON ((0 0, 1 0, 1 1, 0 0))")) == "OK");
  CHECK(outcome(schema, geometry_state("POLYGON EMPTY")) == "OK");
  CHECK(outcome(schema, geometry_state("MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)))")) == "G02 GEOMETRY_WRONG_TYPE geometry");
  CHECK(outcome(schema, geometry_state("POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))")) ==
        "G02 GEOMETRY_WRONG_DIMENSION geometry");
  const auto both = check_state(schema, "1", geometry_state("POINT Z (1 2 3)"));
  REQUIRE(both.size() == 2);
  CHECK(both[0].reason == "GEOMETRY_WRONG_TYPE");
  CHECK(both[1].reason == "GEOMETRY_WRONG_DIMENSION");
}

TEST_CASE("implausible coordinates are found with the first vertex and the likely cause") {
  const auto hint = [](const char* crs, const char* wkt, const char* place, const char* en, const char* vi) {
    const geo::Geometry geometry = geo::parse_wkt(wkt).value();
    const auto findings = check_state(with_geometry(crs, geometry.type), "1", State{geometry, {}});
    INFO(wkt);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].rule == "C02");
    CHECK(findings[0].reason == "COORDINATES_IMPLAUSIBLE");
    CHECK(findings[0].place == place);
    CHECK_THAT(findings[0].message_en, Catch::Contains(en));
    CHECK_THAT(findings[0].message_vi, Catch::Contains(vi));
  };
  // Hà Nội in EPSG:5897: E 588592 N 2326345.
  hint("EPSG:5897", "POINT (2326345 588592)", "POINT(2326345 588592)", "axes look swapped", "trục bị đảo");
  hint("EPSG:5897", "POINT (105.8542 21.0285)", "POINT(105.8542 21.0285)", "degrees in a metre CRS",
       "độ trong hệ tọa độ");
  hint("EPSG:4756", "POINT (588592 2326345)", "POINT(588592 2326345)", "metres in a degree CRS", "mét trong hệ tọa độ");
  hint("EPSG:4326", "POINT (21.0285 105.8542)", "POINT(21.0285 105.8542)", "axes look swapped", "trục bị đảo");
  hint("EPSG:5897", "LINESTRING (588592 2326345, 5000000 2326345)", "POINT(5000000 2326345)", "check the CRS",
       "múi chiếu");
  CHECK(outcome(with_geometry("EPSG:5897", geo::GeometryType::kPoint), geometry_state("POINT (588592 2326345)")) ==
        "OK");
  CHECK(outcome(with_geometry("EPSG:5897", geo::GeometryType::kPoint), geometry_state("POINT EMPTY")) == "OK");
}

TEST_CASE("a wrong zone and the deprecated systems are named, places of Vietnam are accepted") {
  const auto check = [](const std::string& crs, const std::string& wkt) {
    const auto finding = CoordinateChecker(geo::find_crs(crs).value()).check("1", geo::parse_wkt(wkt).value());
    return finding ? finding->message_en : std::string("OK");
  };
  // Điện Biên, 102.2 E, in EPSG:9205 (103°), read as EPSG:5896 (102°): 101.2 E is not in Vietnam.
  CHECK_THAT(check("EPSG:5896", "POINT (417000 2367000)"),
             Catch::Contains("zone looks wrong") && Catch::Contains("EPSG:9205 (VN-2000 / TM-3 103-00)"));
  CHECK(check("EPSG:9205", "POINT (417000 2367000)") == "OK");
  // UTM eastings reach further than those of TM-3.
  CHECK_THAT(check("EPSG:5898", "POINT (170000 2367000)"), Catch::Contains("EPSG:3406"));
  // Hà Nội in the deprecated EPSG:6957.
  CHECK_THAT(check("EPSG:5897", "POINT (88592 2826345)"), Catch::Contains("EPSG:6956"));
  // Swapped, in the north and in the south.
  CHECK_THAT(check("EPSG:5897", "POINT (2326345.3117 588591.944)"), Catch::Contains("axes look swapped"));
  CHECK_THAT(check("EPSG:9210", "POINT (1191942.305 603797.2607)"), Catch::Contains("axes look swapped"));
  CHECK_THAT(check("EPSG:4756", "POINT (21.0285 105.8542)"), Catch::Contains("axes look swapped"));
  CHECK_THAT(check("EPSG:4756", "POINT (603797 1191942)"), Catch::Contains("metres in a degree CRS"));
  CHECK_THAT(check("EPSG:4756", "POINT (2.3 48.8)"), Catch::Contains("check the CRS"));
  // An archipelago is within the range of the country, and so are its farthest ends.
  for (const char* wkt : {"POINT (105.8542 21.0285)", "POINT (111.9190 8.6440)", "POINT (111.6080 16.5340)",
                          "POINT (102.1445 22.4)", "POINT (105.3233 23.3926)", "POINT (104.7 8.56)"}) {
    CHECK(check("EPSG:4756", wkt) == "OK");
  }
  CHECK(check("EPSG:5897", "POINT (588591.944 2326345.3117)") == "OK");
  CHECK(check("EPSG:5899", "POINT (548682.2674 1774844.4884)") == "OK");
  CHECK(check("EPSG:3406", "POINT (200926.7882 1776276.3113)") == "OK");
  CHECK(check("EPSG:9210", "POINT (603797.2607 1191942.305)") == "OK");
  CHECK(check("EPSG:3406", "POINT (601131 955600)") == "OK");  // Trường Sa Lớn
  // The archipelagos in every grid, though far from its meridian.
  for (const auto& system : geo::vn2000_systems()) {
    if (system.geographic()) continue;
    const auto grid = geo::find_crs(std::to_string(system.epsg)).value();
    const auto transformer = geo::Transformer::create(geo::find_crs("EPSG:4756").value(), grid).value();
    for (const char* island : {"POINT (111.9190 8.6440)", "POINT (111.6080 16.5340)", "POINT (114.33 11.43)"}) {
      const auto place = geo::to_wkt(transformer.transform(geo::parse_wkt(island).value()).value());
      INFO(place);
      CHECK(check(grid.id(), place) == "OK");
    }
  }
  // Further east on land than any easting is plausible.
  CHECK_THAT(check("EPSG:5896", "POINT (1000000 2326345)"), Catch::Contains("outside the plausible range"));
}

TEST_CASE("the first implausible vertex is found in every geometry type and dimension") {
  for (const char* wkt :
       {"POINT Z (5000000 2000000 1)", "LINESTRING M (500000 2000000 1, 5000000 2000000 9000000)",
        "POLYGON ((500000 2000000, 500001 2000000, 500000 2000001, 500000 2000000), (500000 2000000, 5000000 2000000, "
        "500000 2000001, 500000 2000000))",
        "MULTIPOINT (EMPTY, (500000 2000000), (5000000 2000000))",
        "MULTIPOLYGON ZM (EMPTY, ((5000000 2000000 1 2, 500000 2000000 1 2, 500000 2000001 1 2, 5000000 2000000 1 2)))",
        "GEOMETRYCOLLECTION (POINT EMPTY, GEOMETRYCOLLECTION (LINESTRING (500000 2000000, 5000000 2000000)))"}) {
    const geo::Geometry geometry = geo::parse_wkt(wkt).value();
    Schema schema = with_geometry("EPSG:5897", geo::GeometryType::kGeometry);
    schema.geometry.dimensions = {geometry.dimension};
    INFO(wkt);
    CHECK(outcome(schema, State{geometry, {}}) == "C02 COORDINATES_IMPLAUSIBLE geometry POINT(5000000 2000000)");
  }
}

TEST_CASE("a CRS that this installation does not know is said, not skipped") {
  CHECK(outcome(with_geometry("EPSG:999999", geo::GeometryType::kPoint), geometry_state("POINT (1 2)")) ==
        "C01 CRS_UNKNOWN geometry");
}

TEST_CASE("messages name the value and what is allowed, in both languages, and stay short") {
  Schema schema = one_field(FieldType::kString);
  schema.fields[0].name = "Loại đường";
  for (int i = 0; i < 1000; ++i) schema.fields[0].allowed.push_back("mã " + std::to_string(i));
  std::string value = "giá trị ";
  for (int i = 0; i < 500; ++i) value += "đ";
  const auto findings = check_state(schema, "1", {std::nullopt, {{5, value}}});
  REQUIRE(findings.size() == 1);
  CHECK_THAT(findings[0].message_vi, Catch::Contains("Loại đường") && Catch::Contains("không thuộc danh mục"));
  CHECK_THAT(findings[0].message_en,
             Catch::Contains("\"giá trị đ") && Catch::Contains("\"mã 0\"") && Catch::Contains("(1000)"));
  CHECK(findings[0].message_vi.size() < 600);
  CHECK(findings[0].message_en.size() < 600);

  Schema range = one_field(FieldType::kDouble);
  range.fields[0].maximum = 14;
  range.fields[0].unit = "mg/l";
  const auto over = check_state(range, "1", {std::nullopt, {{5, 15.5}}});
  REQUIRE(over.size() == 1);
  CHECK_THAT(over[0].message_en, Catch::Contains("15.5") && Catch::Contains("at most 14 mg/l"));
  CHECK_THAT(over[0].message_vi, Catch::Contains("không quá 14 mg/l"));
}

TEST_CASE("all findings of a state come by field number, the geometry last") {
  Schema schema = with_geometry("EPSG:4326", geo::GeometryType::kPoint);
  schema.fields = one_field(FieldType::kString).fields;
  schema.fields[0].required = true;
  const auto findings = check_state(schema, "1", {std::nullopt, {{1, true}, {9, true}}});
  REQUIRE(findings.size() == 4);
  CHECK(findings[0].field == "1");
  CHECK(findings[1].field == "f");
  CHECK(findings[2].field == "9");
  CHECK(findings[3].field == "geometry");
}

TEST_CASE("one checker serves many threads and outlives the schema it was made from") {
  auto schema = std::make_unique<Schema>(one_field(FieldType::kString));
  schema->fields[0].allowed = {"QL", "ĐT"};
  const SchemaChecker checker(*schema);
  schema.reset();
  constexpr int kThreads = 4, kRuns = 2000;
  std::vector<int> found(kThreads, 0);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int run = 0; run < kRuns; ++run) {
        const State state{std::nullopt, {{5, std::string(run % 2 == 0 ? "QL" : "x")}}};
        found[t] += static_cast<int>(checker.check("1", state).size());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : found) CHECK(count == kRuns / 2);
}

}  // namespace lt::rules
