#include <gdal/gdal.h>
#include <gdal/ogr_srs_api.h>
#include <zlib.h>

#include "support.hpp"

namespace lt::sources::test {
namespace {

using feature::FieldType;

void gzip(const std::string& path, const std::string& text) {
  gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) == static_cast<int>(text.size()));
  gzclose(file);
}

std::string point_feature(const std::string& id, const std::string& properties = "{}") {
  return R"({"type":"Feature",)" + (id.empty() ? "" : "\"id\":" + id + ",") +
         R"("geometry":{"type":"Point","coordinates":[105.5,21.25]},"properties":)" + properties + "}";
}

const feature::Field& only_field(const InferredSchema& inferred) {
  REQUIRE(inferred.schema.fields.size() == 1);
  return inferred.schema.fields.front();
}

/// A file that GDAL writes: driver, CRS, one point.
void write_by_gdal(const std::string& path, const char* driver, int epsg, double x, double y, const char* option) {
  GDALAllRegister();
  GDALDatasetH dataset = GDALCreate(GDALGetDriverByName(driver), path.c_str(), 0, 0, 0, GDT_Unknown, nullptr);
  REQUIRE(dataset != nullptr);
  OGRSpatialReferenceH srs = OSRNewSpatialReference(nullptr);
  OSRImportFromEPSG(srs, epsg);
  OSRSetAxisMappingStrategy(srs, OAMS_TRADITIONAL_GIS_ORDER);
  const char* const options[] = {option, nullptr};
  OGRLayerH layer = GDALDatasetCreateLayer(dataset, "points", srs, wkbPoint, const_cast<char**>(options));
  REQUIRE(layer != nullptr);
  OGRFieldDefnH definition = OGR_Fld_Create("code", OFTString);
  OGR_L_CreateField(layer, definition, TRUE);
  OGR_Fld_Destroy(definition);
  OGRFeatureH row = OGR_F_Create(OGR_L_GetLayerDefn(layer));
  OGR_F_SetFieldString(row, 0, "K1");
  OGRGeometryH point = OGR_G_CreateGeometry(wkbPoint);
  OGR_G_SetPoint_2D(point, 0, x, y);
  OGR_F_SetGeometryDirectly(row, point);
  REQUIRE(OGR_L_CreateFeature(layer, row) == OGRERR_NONE);
  OGR_F_Destroy(row);
  OSRRelease(srs);
  GDALClose(dataset);
}

TEST_CASE("every form of GeoJSON gives all features, their own ids and WGS 84") {
  const TempFolder folder;
  const std::string a = point_feature("\"w1\""), b = point_feature("17"), c = point_feature("\"0\"");
  const std::string lines = a + "\n" + b + "\r\n\n" + c;
  const std::string collection =
      R"({"type":"FeatureCollection","name":"x","features":[)" + a + "," + b + "," + c + "]}";
  std::string path;
  SECTION("lines") { path = folder.write("a.geojsonl", lines); }
  SECTION("lines with record separators") {
    path = folder.write("a.geojsonseq", "\x1e" + a + "\n\x1e" + b + "\n\x1e" + c + "\n");
  }
  SECTION("lines under the name of a collection") { path = folder.write("a.geojson", lines); }
  SECTION("a collection") { path = folder.write("a.geojson", collection); }
  SECTION("a collection with a byte order mark") { path = folder.write("a.geojson", "\xEF\xBB\xBF" + collection); }
  SECTION("a collection named .json") { path = folder.write("a.json", collection); }
  SECTION("gzipped lines") {
    path = folder.file("a.geojsonl.gz");
    gzip(path, lines);
  }
  SECTION("a gzipped collection") {
    path = folder.file("a.geojson.gz");
    gzip(path, collection);
  }
  auto reader = open(path);
  CHECK(reader.crs() == "EPSG:4326");
  const auto inferred = take(reader.infer_schema());
  CHECK(inferred.schema.geometry.types == std::vector{geo::GeometryType::kPoint});
  const auto found = read_all(reader, inferred.schema);
  REQUIRE(found.size() == 3);
  CHECK(found.contains("w1"));
  CHECK(found.contains("17"));
  CHECK(found.contains("0"));
  CHECK(found.at("w1").geometry == wkt("POINT (105.5 21.25)"));
}

TEST_CASE("files without features are read as empty") {
  const TempFolder folder;
  const std::string text = GENERATE("", "\n \n", R"({"type":"FeatureCollection","features":[]})");
  auto reader = open(folder.write("e.geojson", text));
  const auto inferred = take(reader.infer_schema());
  CHECK(read_all(reader, inferred.schema).empty());
  CHECK_FALSE(inferred.notes.empty());
}

TEST_CASE("types of GeoJSON properties are inferred and what was decided is said") {
  struct Case {
    const char* first;
    const char* second;
    FieldType type;
    bool note;
  };
  const auto c = GENERATE(
      Case{"1", "-9223372036854775808", FieldType::kInt64, false}, Case{"1", "2.5", FieldType::kDouble, true},
      Case{"1.0", "2.0", FieldType::kDouble, false}, Case{"true", "null", FieldType::kBool, false},
      Case{"\"a\"", "\"\"", FieldType::kString, false},
      Case{"\"2024-02-29\"", "\"1999-12-31\"", FieldType::kDate, true},
      Case{"\"2024-02-29\"", "\"x\"", FieldType::kString, false},
      Case{"\"2024-01-01T00:00:00.123456+07:00\"", "\"2024-01-01T00:00:00Z\"", FieldType::kTimestamp, true},
      Case{"[\"a\"]", "[]", FieldType::kStringList, false}, Case{"[1]", "[\"a\"]", FieldType::kJson, true},
      Case{"{\"a\":1}", "null", FieldType::kJson, false}, Case{"1", "\"1\"", FieldType::kJson, true},
      Case{"null", "null", FieldType::kString, true}, Case{"18446744073709551615", "1", FieldType::kDouble, true});
  CAPTURE(c.first, c.second);
  const TempFolder folder;
  const auto path = folder.write("t.geojsonl", point_feature("1", std::string(R"({"v":)") + c.first + "}") + "\n" +
                                                   point_feature("2", std::string(R"({"v":)") + c.second + "}"));
  auto reader = open(path);
  const auto inferred = take(reader.infer_schema());
  CHECK(only_field(inferred).type == c.type);
  CHECK(inferred.notes.empty() != c.note);
  CHECK(read_all(reader, inferred.schema).size() == 2);
}

TEST_CASE("fields keep the order of the file") {
  const TempFolder folder;
  auto reader = open(folder.write(
      "o.geojsonl", point_feature("1", R"({"z":1,"a":2})") + "\n" + point_feature("2", R"({"m":1,"z":1})")));
  const auto schema = take(reader.infer_schema()).schema;
  REQUIRE(schema.fields.size() == 3);
  CHECK(schema.fields[0].name == "z");
  CHECK(schema.fields[1].name == "a");
  CHECK(schema.fields[2].name == "m");
}

TEST_CASE("null geometries are counted and allowed") {
  const TempFolder folder;
  auto reader = open(folder.write(
      "n.geojsonl", point_feature("1") + "\n" + R"({"type":"Feature","id":2,"geometry":null,"properties":null})"));
  const auto inferred = take(reader.infer_schema());
  CHECK(inferred.schema.geometry.nullable);
  CHECK_FALSE(read_all(reader, inferred.schema).at("2").geometry.has_value());
}

TEST_CASE("the old crs member of GeoJSON is believed, --crs overrides it") {
  const TempFolder folder;
  const auto path = folder.write(
      "v.geojson",
      R"({"type":"FeatureCollection","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::9210"}},
      "features":[)" +
          point_feature("1") + "]}");
  CHECK(open(path).crs() == "EPSG:9210");
  CHECK(open(path, "", "EPSG:5897").crs() == "EPSG:5897");
  const auto bad = open_error({path, "", "", "EPSG:6957"});
  CHECK(error_reason(bad) == "CRS_DEPRECATED");
  const auto late = folder.write("l.geojson", R"({"type":"FeatureCollection","features":[)" + point_feature("1") +
                                                  R"(],"crs":{"type":"name","properties":{"name":"EPSG:9210"}}})");
  auto reader = open(late);
  const auto inferred = reader.infer_schema();
  REQUIRE_FALSE(inferred.ok());
  CHECK(error_reason(inferred.status()) == "FILE_UNREADABLE");
  CHECK(mentions(message_of(inferred.status()), "--crs EPSG:9210"));
}

TEST_CASE("features without ids are refused with the fields that could serve") {
  const TempFolder folder;
  auto reader = open(folder.write("i.geojson", R"({"type":"FeatureCollection","features":[)" +
                                                   point_feature("", R"({"code":"a","kind":1})") + "," +
                                                   point_feature("", R"({"code":"b","kind":1})") + "]}"));
  const auto status = read_error(reader);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(status) == "FEATURE_ID_MISSING");
  CHECK(mentions(message_of(status), "code"));
  CHECK_FALSE(mentions(message_of(status), "kind"));
  CHECK(mentions(message_of(status), "i.geojson"));
}

TEST_CASE("an id field gives ids as text, stays a property, and its gaps are named") {
  const TempFolder folder;
  const auto path =
      folder.write("f.geojsonl", point_feature("1", R"({"code":7})") + "\n" + point_feature("2", R"({"code":null})"));
  auto reader = open(path, "code");
  const auto schema = take(reader.infer_schema()).schema;
  require_ok(reader.bind(schema));
  const auto first = take(reader.next());
  REQUIRE(first.has_value());
  CHECK(first->id == "7");
  CHECK(first->state.properties.at(1) == feature::Value(std::int64_t{7}));
  const auto second = reader.next();
  REQUIRE_FALSE(second.ok());
  CHECK(error_reason(second.status()) == "FEATURE_ID_MISSING");
  CHECK(error_detail(second.status())->metadata.at("position") == "2");
  const auto again = reader.next();
  CHECK(again.status() == second.status());
}

TEST_CASE("ids that are no ids are refused with their position") {
  struct Case {
    std::string id;
    const char* reason;
  };
  const auto c = GENERATE(Case{"1.5", "FEATURE_ID_INVALID"}, Case{"true", "FEATURE_ID_INVALID"},
                          Case{"\"\"", "FEATURE_ID_MISSING"}, Case{"null", "FEATURE_ID_MISSING"},
                          Case{"\"" + std::string(129, 'x') + "\"", "FEATURE_ID_TOO_LONG"},
                          Case{"\"a\\u0001\"", "FEATURE_ID_INVALID"});
  CAPTURE(c.id);
  const TempFolder folder;
  auto reader = open(folder.write("b.geojsonl", point_feature("1") + "\n" + point_feature(c.id)));
  const auto status = read_error(reader);
  CHECK(error_reason(status) == c.reason);
  CHECK(mentions(message_of(status), "b.geojsonl: feature 2"));
}

TEST_CASE("an id of 128 bytes is taken") {
  const TempFolder folder;
  const std::string id(128, 'x');
  auto reader = open(folder.write("b.geojsonl", point_feature("\"" + id + "\"")));
  CHECK(read_all(reader, take(reader.infer_schema()).schema).contains(id));
}

TEST_CASE("binding reads text by the schema's type and refuses what would lose something") {
  const TempFolder folder;
  feature::Schema schema;
  schema.crs = "EPSG:4326";
  schema.geometry.types = {geo::GeometryType::kPoint};
  const auto read = [&](FieldType type, const std::string& value) -> absl::StatusOr<feature::Value> {
    schema.fields = {field(5, "v", type)};
    auto reader = open(folder.write("v.geojsonl", point_feature("1", "{\"v\":" + value + "}")));
    require_ok(reader.bind(schema));
    auto feature = reader.next();
    if (!feature.ok()) return feature.status();
    return (*feature)->state.properties.at(5);
  };
  CHECK(take(read(FieldType::kInt64, "\"9223372036854775807\"")) == feature::Value(std::int64_t{9223372036854775807}));
  CHECK(take(read(FieldType::kInt64, "9007199254740993")) == feature::Value(std::int64_t{9007199254740993}));
  CHECK(take(read(FieldType::kTimestamp, "\"2020-01-01T00:00:00.123456+07:00\"")) ==
        feature::Value(feature::Timestamp{1577811600123456, std::int16_t{420}}));
  CHECK(take(read(FieldType::kDecimal, "\"1.10\"")) == feature::Value(feature::Decimal{"1.10"}));
  CHECK(error_reason(read(FieldType::kInt64, "1.5").status()) != "");
  CHECK(error_reason(read(FieldType::kString, "1").status()) == "VALUE_WRONG_TYPE");
  const auto status = read(FieldType::kBool, "1").status();
  CHECK(error_reason(status) == "VALUE_WRONG_TYPE");
  CHECK(mentions(message_of(status), "v.geojsonl: feature 1 (id '1'), field 'v'"));
  CHECK(error_detail(status)->metadata.at("field") == "v");
}

TEST_CASE("fields that the schema does not have are refused by name") {
  const TempFolder folder;
  feature::Schema schema;
  auto reader = open(folder.write("u.geojsonl", point_feature("1", R"({"x":null,"y":2})")));
  require_ok(reader.bind(schema));
  const auto status = reader.next().status();
  CHECK(error_reason(status) == "UNKNOWN_FIELD");
  CHECK(mentions(message_of(status), "x, y"));
  auto csv = open(folder.write("u.csv", "k,x\n1,2\n"), "k");
  const auto bound = csv.bind(schema);
  CHECK(bound.code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(bound) == "UNKNOWN_FIELD");
  CHECK(mentions(message_of(bound), "no field: x"));
}

TEST_CASE("next before bind is refused") {
  const TempFolder folder;
  auto reader = open(folder.write("u.geojsonl", point_feature("1")));
  CHECK(error_reason(reader.next().status()) == "NOT_BOUND");
}

TEST_CASE("files that end or break in the middle are corrupt, never short") {
  const TempFolder folder;
  const std::string a = point_feature("1"), b = point_feature("2");
  const std::string text =
      GENERATE_COPY(a + "\n" + b.substr(0, b.size() / 2), a + "\n" + b.substr(0, b.size() - 1),
                    R"({"type":"FeatureCollection","features":[)" + a + "," + b,
                    R"({"type":"FeatureCollection","features":[)" + a + "," + b + "]",
                    R"({"type":"FeatureCollection","features":[)" + a + b + "]}", a + "\nnonsense",
                    a + "\n{\"type\":\"Point\",\"coordinates\":[1,2]}", a + "\n" + point_feature("2", "{\"x\":}"));
  CAPTURE(text);
  auto reader = open(folder.write("c.geojson", text));
  const auto inferred = reader.infer_schema();
  REQUIRE_FALSE(inferred.ok());
  CHECK(inferred.status().code() == absl::StatusCode::kDataLoss);
  CHECK(error_reason(inferred.status()) == "FILE_CORRUPT");
  CHECK(mentions(message_of(inferred.status()), "c.geojson: feature "));
}

TEST_CASE("a gzip stream that was cut off or damaged is corrupt") {
  const TempFolder folder;
  std::string lines;
  for (int i = 0; i < 5'000; ++i)
    lines += point_feature(std::to_string(i), "{\"h\":" + std::to_string(i * 7919) + "}") + "\n";
  gzip(folder.file("whole.geojsonl.gz"), lines);
  std::ifstream in(folder.file("whole.geojsonl.gz"), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  SECTION("cut") { bytes.resize(bytes.size() / 2); }
  SECTION("cut in the checksum") { bytes.resize(bytes.size() - 4); }
  SECTION("damaged") { bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]); }
  auto reader = open(folder.write("part.geojsonl.gz", bytes));
  const auto inferred = reader.infer_schema();
  REQUIRE_FALSE(inferred.ok());
  CHECK(inferred.status().code() == absl::StatusCode::kDataLoss);
  CHECK(error_reason(inferred.status()) == "FILE_CORRUPT");
}

TEST_CASE("missing files and files of no format are told apart") {
  const TempFolder folder;
  const auto missing = open_error({folder.file("no.gpkg"), "", "", ""});
  CHECK(missing.code() == absl::StatusCode::kNotFound);
  CHECK(error_reason(missing) == "FILE_NOT_FOUND");
  const std::string name = GENERATE("x.gpkg", "x.shp", "x.geojson", "x.bin", "x.fgb", "x.zip");
  CAPTURE(name);
  const auto unreadable = open_error({folder.write(name, "this is no such file"), "", "", ""});
  CHECK(unreadable.code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(unreadable) == "FILE_UNREADABLE");
  CHECK(mentions(message_of(unreadable), name));
}

TEST_CASE("a file that only names another source is not followed") {
  const TempFolder folder;
  const auto target = folder.write("secret.csv", "a\n1\n");
  const auto vrt = folder.write("x.vrt", "<OGRVRTDataSource><OGRVRTLayer name=\"secret\"><SrcDataSource>" + target +
                                             "</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>");
  CHECK(error_reason(open_error({vrt, "", "", ""})) == "FILE_UNREADABLE");
}

TEST_CASE("several layers must be told apart by name") {
  const TempFolder folder;
  const auto path = folder.file("two.gpkg");
  write_by_gdal(path, "GPKG", 4326, 105, 21, "FID=fid");
  GDALDatasetH dataset = GDALOpenEx(path.c_str(), GDAL_OF_VECTOR | GDAL_OF_UPDATE, nullptr, nullptr, nullptr);
  REQUIRE(dataset != nullptr);
  REQUIRE(GDALDatasetCreateLayer(dataset, "other", nullptr, wkbNone, nullptr) != nullptr);
  GDALClose(dataset);
  const auto ambiguous = open_error({path, "", "", ""});
  CHECK(ambiguous.code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(ambiguous) == "LAYER_AMBIGUOUS");
  CHECK(mentions(message_of(ambiguous), "points, other"));
  const auto unknown = open_error({path, "nothing", "", ""});
  CHECK(unknown.code() == absl::StatusCode::kNotFound);
  CHECK(error_reason(unknown) == "LAYER_NOT_FOUND");
  CHECK(take(FileReader::open({path, "points", "", ""})).crs() == "EPSG:4326");
}

TEST_CASE("coordinates come x first whatever the format writes") {
  const TempFolder folder;
  struct Case {
    const char* driver;
    const char* name;
    int epsg;
    double x, y;
    const char* option;
  };
  const auto c = GENERATE(
      Case{"GML", "a.gml", 4326, 105.5, 21.25, nullptr}, Case{"GML", "a.gml", 4756, 105.5, 21.25, nullptr},
      Case{"GPKG", "a.gpkg", 4756, 105.5, 21.25, nullptr}, Case{"ESRI Shapefile", "a.shp", 4326, 105.5, 21.25, nullptr},
      Case{"ESRI Shapefile", "a.shp", 4756, 105.5, 21.25, nullptr},
      Case{"FlatGeobuf", "a.fgb", 4326, 105.5, 21.25, nullptr}, Case{"GPKG", "a.gpkg", 9210, 604000, 1192000, nullptr},
      Case{"GML", "a.gml", 2193, 1600000, 5400000, nullptr}, Case{"GPKG", "a.gpkg", 2193, 1600000, 5400000, nullptr});
  CAPTURE(c.driver, c.epsg);
  const auto path = folder.file(c.name);
  write_by_gdal(path, c.driver, c.epsg, c.x, c.y, c.option);
  auto reader = open(path, "code");
  CHECK(reader.crs() == "EPSG:" + std::to_string(c.epsg));
  const auto found = read_all(reader, take(reader.infer_schema()).schema);
  REQUIRE(found.contains("K1"));
  CHECK(found.at("K1").geometry->box.x1 == c.x);
  CHECK(found.at("K1").geometry->box.y1 == c.y);
}

TEST_CASE("GML by hand in EPSG:4756: latitude first where its CRS is a URN, longitude first where it is a short name") {
  const auto [srs, coordinates] = GENERATE(std::pair{"urn:ogc:def:crs:EPSG::4756", "21.0285 105.8542"},
                                           std::pair{"http://www.opengis.net/def/crs/EPSG/0/4756", "21.0285 105.8542"},
                                           std::pair{"EPSG:4756", "105.8542 21.0285"});
  CAPTURE(srs);
  const TempFolder folder;
  const auto path = folder.write("stations.gml",
                                 R"(<?xml version="1.0" encoding="UTF-8"?>
<c:stations xmlns:c="http://example.org/c" xmlns:gml="http://www.opengis.net/gml/3.2" gml:id="all">
  <gml:featureMember><c:station gml:id="HN">
    <c:geometry><gml:Point gml:id="p1" srsName=")" +
                                     std::string(srs) + "\" srsDimension=\"2\"><gml:pos>" + coordinates +
                                     R"(</gml:pos></gml:Point></c:geometry><c:name>Hà Nội</c:name>
  </c:station></gml:featureMember>
</c:stations>)");
  auto reader = open(path);
  CHECK(reader.crs() == "EPSG:4756");
  const auto found = read_all(reader, take(reader.infer_schema()).schema);
  REQUIRE(found.contains("HN"));
  CHECK(found.at("HN").geometry->box.x1 == 105.8542);
  CHECK(found.at("HN").geometry->box.y1 == 21.0285);
}

TEST_CASE("a Shapefile in a deprecated VN-2000 zone is not taken for the right one") {
  const TempFolder folder;
  write_by_gdal(folder.file("v.shp"), "ESRI Shapefile", 5897, 588000, 2326000, nullptr);
  // EPSG:6957: false easting and northing exchanged.
  folder.write(
      "v.prj",
      "PROJCS[\"VN-2000_/_TM-3_zone_482\",GEOGCS[\"GCS_VN_2000\",DATUM[\"D_Vietnam_2000\",SPHEROID[\"WGS_1984\","
      "6378137.0,298.257223563]],PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]],PROJECTION["
      "\"Transverse_Mercator\"],PARAMETER[\"False_Easting\",0.0],PARAMETER[\"False_Northing\",500000.0],PARAMETER"
      "[\"Central_Meridian\",105.0],PARAMETER[\"Scale_Factor\",0.9999],PARAMETER[\"Latitude_Of_Origin\",0.0],UNIT["
      "\"Meter\",1.0]]");
  const auto status = open_error({folder.file("v.shp"), "", "code", ""});
  CHECK((error_reason(status) == "CRS_MISSING" || error_reason(status) == "CRS_DEPRECATED"));
}

TEST_CASE("the primary key of a GeoPackage is the id, a Shapefile has none") {
  const TempFolder folder;
  write_by_gdal(folder.file("a.gpkg"), "GPKG", 4326, 105, 21, nullptr);
  auto gpkg = open(folder.file("a.gpkg"));
  CHECK(gpkg.count_hint() == 1);
  CHECK(read_all(gpkg, take(gpkg.infer_schema()).schema).contains("1"));
  write_by_gdal(folder.file("a.shp"), "ESRI Shapefile", 4326, 105, 21, nullptr);
  auto shape = open(folder.file("a.shp"));
  const auto status = read_error(shape);
  CHECK(error_reason(status) == "FEATURE_ID_MISSING");
  CHECK(mentions(message_of(status), "code"));
  const auto unknown = open_error({folder.file("a.shp"), "", "nope", ""});
  CHECK(error_reason(unknown) == "UNKNOWN_FIELD");
}

TEST_CASE("the Esri name of a VN-2000 zone is matched to its code") {
  const TempFolder folder;
  write_by_gdal(folder.file("v.shp"), "ESRI Shapefile", 5897, 588000, 2326000, nullptr);
  folder.write(
      "v.prj",
      "PROJCS[\"VN_2000_TM-3_zone_482\",GEOGCS[\"GCS_VN_2000\",DATUM[\"D_Vietnam_2000\",SPHEROID[\"WGS_1984\","
      "6378137.0,298.257223563]],PRIMEM[\"Greenwich\",0.0],UNIT[\"Degree\",0.0174532925199433]],PROJECTION["
      "\"Transverse_Mercator\"],PARAMETER[\"False_Easting\",500000.0],PARAMETER[\"False_Northing\",0.0],PARAMETER"
      "[\"Central_Meridian\",105.0],PARAMETER[\"Scale_Factor\",0.9999],PARAMETER[\"Latitude_Of_Origin\",0.0],UNIT["
      "\"Meter\",1.0]]");
  CHECK(open(folder.file("v.shp"), "code").crs() == "EPSG:5897");
}

TEST_CASE("a file without CRS, or with one of nobody, needs --crs") {
  const TempFolder folder;
  write_by_gdal(folder.file("v.shp"), "ESRI Shapefile", 5897, 588000, 2326000, nullptr);
  SECTION("none") { std::filesystem::remove(folder.file("v.prj")); }
  SECTION("unknown") {
    folder.write(
        "v.prj",
        "PROJCS[\"Mine\",GEOGCS[\"G\",DATUM[\"D\",SPHEROID[\"S\",6378000,298]],PRIMEM[\"Greenwich\",0],UNIT["
        "\"Degree\",0.0174532925199433]],PROJECTION[\"Transverse_Mercator\"],PARAMETER[\"Central_Meridian\",107.3],"
        "PARAMETER[\"Scale_Factor\",0.98],UNIT[\"Meter\",1]]");
  }
  const auto status = open_error({folder.file("v.shp"), "", "code", ""});
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(status) == "CRS_MISSING");
  CHECK(mentions(message_of(status), "--crs"));
  CHECK(open(folder.file("v.shp"), "code", "EPSG:5897").crs() == "EPSG:5897");
}

TEST_CASE("CSV gives strings, WKT columns geometry, and text is read by the schema") {
  const TempFolder folder;
  auto reader = open(folder.write("c.csv", "code,n,WKT\nA,12,POINT (105 21)\nB,,\n"), "code", "EPSG:4326");
  const auto inferred = take(reader.infer_schema());
  REQUIRE(inferred.schema.fields.size() == 2);
  CHECK(inferred.schema.fields[1].type == FieldType::kString);
  auto schema = inferred.schema;
  schema.fields[1].type = FieldType::kInt64;
  const auto found = read_all(reader, schema);
  CHECK(found.at("A").properties.at(2) == feature::Value(std::int64_t{12}));
  CHECK_FALSE(found.at("B").properties.contains(2));
  CHECK(found.at("A").geometry == wkt("POINT (105 21)"));
}

TEST_CASE("text that is not UTF-8 is refused with feature and field") {
  const TempFolder folder;
  auto reader = open(folder.write("l.csv", "code,name\nA,H\xE0 N\xF4i\n"), "code");
  const auto status = read_error(reader);
  CHECK(error_reason(status) == "TEXT_NOT_UTF8");
  CHECK(mentions(message_of(status), "feature 1 (id 'A'), field 'name'"));
  auto json = open(folder.write("l.geojsonl", point_feature("1") + "\n" + point_feature("2", "{\"n\":\"H\xE0\"}")));
  CHECK(error_reason(json.infer_schema().status()) == "TEXT_NOT_UTF8");
}

TEST_CASE("reading again after rewind gives the same") {
  const TempFolder folder;
  auto reader = open(folder.write("r.geojsonl", point_feature("1") + "\n" + point_feature("2")));
  const auto schema = take(reader.infer_schema()).schema;
  const auto first = read_all(reader, schema);
  CHECK_FALSE(take(reader.next()).has_value());
  require_ok(reader.rewind());
  CHECK(read_all(reader, schema) == first);
}

TEST_CASE("a feature over the size limit is refused, not read into memory") {
  const TempFolder folder;
  const std::string big(65U << 20, 'x');
  auto reader =
      open(folder.write("b.geojsonl", point_feature("1") + "\n" + point_feature("2", "{\"n\":\"" + big + "\"}")));
  const auto status = reader.infer_schema().status();
  CHECK(status.code() == absl::StatusCode::kResourceExhausted);
  CHECK(error_reason(status) == "FEATURE_TOO_LARGE");
}

}  // namespace
}  // namespace lt::sources::test
