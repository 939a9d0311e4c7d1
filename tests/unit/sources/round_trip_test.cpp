#include <bit>
#include <cmath>
#include <limits>

#include "feature/record.hpp"
#include "support.hpp"

namespace lt::sources::test {
namespace {

using feature::FieldType;
using feature::State;

feature::Schema all_types() {
  feature::Schema schema;
  schema.crs = "EPSG:4326";
  schema.geometry.types = {geo::GeometryType::kGeometry};
  schema.geometry.nullable = true;
  schema.fields = {field(1, "tên", FieldType::kString),      field(2, "whole", FieldType::kInt64),
                   field(3, "real", FieldType::kDouble),     field(4, "flag", FieldType::kBool),
                   field(5, "day", FieldType::kDate),        field(6, "moment", FieldType::kTimestamp),
                   field(7, "price", FieldType::kDecimal),   field(8, "blob", FieldType::kBytes),
                   field(9, "tags", FieldType::kStringList), field(12, "more", FieldType::kJson),
                   field(13, "id", FieldType::kString),      field(14, "fid", FieldType::kInt64)};
  schema.fields[2].allow_non_finite = true;
  return schema;
}

using Features = std::map<std::string, State>;

Features all_values() {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  Features f;
  f["đầy đủ"] = {wkt("POINT (105.123456789012345 21.1)"),
                 {{1, std::string("Đường Trần Hưng Đạo \"1\" \\ \n")},
                  {2, kMax},
                  {3, 0.1},
                  {4, true},
                  {5, feature::Date{20270}},
                  {6, feature::Timestamp{1751302800123456, std::int16_t{420}}},
                  {7, feature::Decimal{"-12345678901234567890.1234567890"}},
                  {8, feature::Bytes{std::string("\x00\x01\xff", 3)}},
                  {9, feature::StringList{"a", "", "ế"}},
                  {12, feature::Json{R"({"a":[1,2.5,null],"b":"ữ"})"}},
                  {13, std::string("own id")},
                  {14, std::int64_t{-7}}}};
  f["extremes"] = {wkt("LINESTRING (-180 -90, 180 90, 0.1 0.30000000000000004)"),
                   {{1, std::string()},
                    {2, kMin},
                    {3, std::numeric_limits<double>::denorm_min()},
                    {4, false},
                    {5, feature::Date{-719162}},
                    {6, feature::Timestamp{-62135596800000000, std::nullopt}},
                    {7, feature::Decimal{"0"}},
                    {8, feature::Bytes{}},
                    {9, feature::StringList{}},
                    {12, feature::Json{R"("")"}},
                    {14, std::int64_t{9007199254740993}}}};
  f["negative zero"] = {wkt("POINT (-0.0 0)"), {{3, -0.0}, {5, feature::Date{2932896}}}};
  f["infinite"] = {wkt("POINT (1 2)"), {{3, -std::numeric_limits<double>::infinity()}}};
  f["no geometry"] = {std::nullopt, {{1, std::string("x")}}};
  f["nothing"] = {};
  return f;
}

void write_all(const std::string& path, const feature::Schema& schema, const Features& features) {
  auto writer = take(FileWriter::create(path, schema, "lớp.test"));
  for (const auto& [id, state] : features) require_ok(writer.write(id, state));
  require_ok(writer.finish());
}

void check_same(const Features& expected, const Features& found) {
  CHECK(found.size() == expected.size());
  for (const auto& [id, state] : expected) {
    INFO("feature " << id);
    REQUIRE(found.contains(id));
    // The record has the bits: NaN equals itself and 0.0 differs from -0.0.
    CHECK(feature::encode_record(1, found.at(id)) == feature::encode_record(1, state));
  }
}

void check_round_trip(const std::string& name, const feature::Schema& schema, const Features& features) {
  const TempFolder folder;
  write_all(folder.file(name), schema, features);
  auto reader = open(folder.file(name));
  CHECK(reader.crs() == schema.crs);
  check_same(features, read_all(reader, schema));
}

TEST_CASE("every type, null, extreme and Vietnamese text reads back bit for bit") {
  const auto* const name = GENERATE("a.gpkg", "a.fgb", "a.geojson", "a.geojsonl", "a.geojsonseq", "a.ndjson");
  CAPTURE(name);
  auto features = all_values();
  if (std::string(name) == "a.fgb") std::erase_if(features, [](const auto& f) { return !f.second.geometry; });
  CHECK(features.size() >= 4);
  check_round_trip(name, all_types(), features);
}

TEST_CASE("a NaN reads back bit for bit") {
  const auto* const name = GENERATE("a.gpkg", "a.fgb", "a.geojsonl");
  CAPTURE(name);
  check_round_trip(name, all_types(), {{"nan", {wkt("POINT (1 2)"), {{3, std::numeric_limits<double>::quiet_NaN()}}}}});
}

TEST_CASE("geometries of every type and dimension read back bit for bit") {
  struct Case {
    geo::Dimension dimension;
    const char* tag;
    const char* p1;
    const char* p2;
    const char* p3;
    const char* p4;
  };
  const auto c = GENERATE(Case{geo::Dimension::kXY, "", "1 2", "3 4.5", "0.1 7", "1 9"},
                          Case{geo::Dimension::kXYZ, " Z", "1 2 3", "3 4.5 -1", "0.1 7 0", "1 9 1e300"},
                          Case{geo::Dimension::kXYM, " M", "1 2 3", "3 4.5 -1", "0.1 7 0", "1 9 1e-300"},
                          Case{geo::Dimension::kXYZM, " ZM", "1 2 3 4", "3 4.5 -1 0", "0.1 7 0 1", "1 9 1 1"});
  const auto* const name = GENERATE("a.gpkg", "a.geojson", "a.fgb");
  const std::string t = c.tag;
  const auto points = [&](std::initializer_list<const char*> list) {
    std::string s;
    for (const auto* p : list) s += (s.empty() ? "" : ", ") + std::string(p);
    return "(" + s + ")";
  };
  const std::string ring = points({c.p1, c.p2, c.p3, c.p1});
  const std::string line = points({c.p1, c.p4});
  Features f;
  f["point"].geometry = wkt("POINT" + t + points({c.p2}));
  f["line"].geometry = wkt("LINESTRING" + t + line);
  f["polygon"].geometry = wkt("POLYGON" + t + "(" + ring + "," + ring + ")");
  f["multipoint"].geometry = wkt("MULTIPOINT" + t + "((" + c.p1 + "),(" + c.p2 + "))");
  f["multiline"].geometry = wkt("MULTILINESTRING" + t + "(" + line + "," + line + ")");
  f["multipolygon"].geometry = wkt("MULTIPOLYGON" + t + "((" + ring + "))");
  f["collection"].geometry = wkt("GEOMETRYCOLLECTION" + t + "(POINT" + t + points({c.p1}) + ")");
  auto schema = all_types();
  schema.geometry.dimensions = {c.dimension};
  if (std::string(name) != "a.fgb") {
    for (const auto* type : {"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTIPOLYGON", "GEOMETRYCOLLECTION"}) {
      f[std::string("empty ") + type].geometry = wkt(type + t + " EMPTY");
    }
  }
  CAPTURE(name, t);
  check_round_trip(name, schema, f);
}

TEST_CASE("a file without features is a file, and reads back as empty") {
  const auto* const name = GENERATE("a.gpkg", "a.fgb", "a.geojson", "a.geojsonl");
  auto schema = all_types();
  schema.geometry.nullable = GENERATE(true, false);
  CAPTURE(name, schema.geometry.nullable);
  check_round_trip(name, schema, {});
}

TEST_CASE("a GeoPackage gives back the schema it was written with, titles and limits too") {
  const TempFolder folder;
  auto schema = all_types();
  schema.fields[0].title_vi = "Tên đường";
  schema.fields[0].allowed = {"a", "b"};
  write_all(folder.file("a.gpkg"), schema, {});
  auto reader = open(folder.file("a.gpkg"));
  CHECK(take(reader.infer_schema()).schema == schema);
  CHECK(read_all(reader, schema).empty());
}

TEST_CASE("a VN-2000 dataset keeps its zone in GeoPackage and FlatGeobuf") {
  const auto* const name = GENERATE("z.gpkg", "z.fgb");
  feature::Schema schema;
  schema.crs = GENERATE("EPSG:9210", "EPSG:5897", "EPSG:4756");
  schema.geometry.types = {geo::GeometryType::kPoint};
  CAPTURE(name, schema.crs);
  check_round_trip(name, schema, {{"a", {wkt("POINT (105.5 21.25)"), {}}}});
}

TEST_CASE("GeoJSON of a VN-2000 dataset is WGS 84 by EPSG:6960") {
  const TempFolder folder;
  feature::Schema schema;
  schema.crs = "EPSG:9210";
  schema.geometry.types = {geo::GeometryType::kPoint};
  write_all(folder.file("a.geojson"), schema, {{"a", {wkt("POINT (604000 1192000)"), {}}}});
  auto reader = open(folder.file("a.geojson"));
  CHECK(reader.crs() == "EPSG:4326");
  const auto found = read_all(reader, schema);
  const auto& box = found.at("a").geometry->box;
  // docs: check point of EPSG:6960 in zone 105-45.
  CHECK(box.x1 == Approx(106.702755290).margin(1e-8));
  CHECK(box.y1 == Approx(10.777415879).margin(1e-8));
}

TEST_CASE("a dataset without geometry fits into GeoPackage and GeoJSON, not into FlatGeobuf") {
  feature::Schema schema;
  schema.fields = {field(1, "n", FieldType::kInt64)};
  const TempFolder folder;
  const auto* const name = GENERATE("t.gpkg", "t.geojsonl");
  write_all(folder.file(name), schema, {{"a", {std::nullopt, {{1, std::int64_t{1}}}}}});
  auto reader = open(folder.file(name));
  check_same({{"a", {std::nullopt, {{1, std::int64_t{1}}}}}}, read_all(reader, schema));
  const auto refused = FileWriter::create(folder.file("t.fgb"), schema, "t");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(refused.status()) == "FORMAT_CANNOT_HOLD");
}

TEST_CASE("FlatGeobuf with its index keeps every feature") {
  Features many;
  for (int i = 0; i < 100; ++i) {
    many["f" + std::to_string(i)].geometry =
        wkt("POINT (" + std::to_string(i * 7 % 50) + " " + std::to_string(i) + ")");
  }
  check_round_trip("i.fgb", all_types(), many);
}

TEST_CASE("FlatGeobuf refuses what GDAL would drop in silence, by the feature's name") {
  const std::string text =
      GENERATE("", "POINT EMPTY", "POLYGON EMPTY", "MULTIPOINT (EMPTY, 1 2)",
               "MULTIPOLYGON (EMPTY, ((0 0, 1 0, 1 1, 0 0)))", "GEOMETRYCOLLECTION (POINT EMPTY, POINT (1 2))");
  CAPTURE(text);
  const TempFolder folder;
  State state;
  if (!text.empty()) state.geometry = wkt(text);
  auto writer = take(FileWriter::create(folder.file("e.fgb"), all_types(), "e"));
  const auto status = writer.write("hollow", state);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(status) == "FORMAT_CANNOT_HOLD");
  CHECK(mentions(message_of(status), "hollow"));
  check_round_trip("e.gpkg", all_types(), {{"hollow", state}});
  check_round_trip("e.geojsonl", all_types(), {{"hollow", state}});
}

TEST_CASE("names that GDAL needs for itself or sees as equal do not lose values") {
  const TempFolder folder;
  auto schema = all_types();
  schema.fields.push_back(field(20, "lt_id", FieldType::kString));
  schema.fields.push_back(field(21, "lt_exact", FieldType::kString));
  schema.fields.push_back(field(22, "geom", FieldType::kString));
  State state{wkt("POINT (1 2)"), {{3, -0.0}, {20, std::string("a")}, {21, std::string("b")}, {22, std::string("c")}}};
  check_round_trip("n.gpkg", schema, {{"x", state}});
  check_round_trip("n.fgb", schema, {{"x", state}});
  schema.fields.push_back(field(23, "GEOM", FieldType::kString));
  const auto refused = FileWriter::create(folder.file("c.gpkg"), schema, "c");
  REQUIRE_FALSE(refused.ok());
  CHECK(error_reason(refused.status()) == "FORMAT_CANNOT_HOLD");
}

TEST_CASE("ids may come from another field than the one that the writer made") {
  const TempFolder folder;
  feature::Schema schema;
  schema.crs = "EPSG:4326";
  schema.geometry.types = {geo::GeometryType::kPoint};
  schema.fields = {field(1, "code", FieldType::kString), field(2, "name", FieldType::kString)};
  const std::string name = GENERATE("a.gpkg", "a.fgb", "a.geojson", "a.geojsonl");
  CAPTURE(name);
  const State state{wkt("POINT (1 2)"), {{1, std::string("91")}, {2, std::string("An Giang")}}};
  write_all(folder.file(name), schema, {{"unit-1", state}});
  auto reader = take(FileReader::open({.path = folder.file(name), .layer = "", .id_field = "code", .crs = ""}));
  const auto inferred = take(reader.infer_schema());
  require_ok(reader.bind(inferred.schema));
  const auto read = take(reader.next());
  REQUIRE(read.has_value());
  CHECK(read->id == "91");
  const auto* const field = inferred.schema.find("name");
  REQUIRE(field != nullptr);
  CHECK(std::get<std::string>(read->state.properties.at(field->number)) == "An Giang");
  CHECK(inferred.schema.find("id") == nullptr);
  CHECK(inferred.schema.find("lt_id") == nullptr);
}

TEST_CASE("a writer leaves nothing without finish, and replaces the file only by it") {
  const TempFolder folder;
  const std::string name = GENERATE("a.gpkg", "a.fgb", "a.geojson");
  CAPTURE(name);
  folder.write(name, "old");
  {
    auto writer = take(FileWriter::create(folder.file(name), all_types(), "a"));
    require_ok(writer.write("x", {wkt("POINT (1 2)"), {}}));
    CHECK(std::filesystem::file_size(folder.file(name)) == 3);
  }
  CHECK(folder.entries() == 1);
  write_all(folder.file(name), all_types(), {});
  CHECK(folder.entries() == 1);
  CHECK(std::filesystem::file_size(folder.file(name)) > 3);
}

TEST_CASE("an unknown ending and a missing folder are refused") {
  const TempFolder folder;
  const auto ending = FileWriter::create(folder.file("a.shp"), all_types(), "a");
  REQUIRE_FALSE(ending.ok());
  CHECK(ending.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(ending.status()) == "FORMAT_UNKNOWN");
  const std::string name = GENERATE("no/a.gpkg", "no/a.fgb", "no/a.geojson");
  const auto missing = FileWriter::create(folder.file(name), all_types(), "a");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(error_reason(missing.status()) == "FILE_UNWRITABLE");
}

}  // namespace
}  // namespace lt::sources::test
