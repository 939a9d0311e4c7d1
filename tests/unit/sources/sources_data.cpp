// Real files, counted by programs that link none of our code. Exits 77 (ctest: skipped) when they are not there.
#define CATCH_CONFIG_RUNNER
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "support.hpp"

namespace lt::sources::test {
namespace {

constexpr int kSkipped = 77;

std::string data_folder() {
  const char* given = std::getenv("LIENTHONG_DATA");
  if (given != nullptr) return given;
  // The tests run from the repository's root or a folder below it.
  for (auto at = std::filesystem::current_path(); at.has_relative_path(); at = at.parent_path()) {
    const auto candidate = at.parent_path() / "shared" / "data";
    if (std::filesystem::exists(at / "CMakeLists.txt") && std::filesystem::exists(candidate)) return candidate.string();
  }
  return "../shared/data";
}

std::string run(const std::string& command) {
  struct Close {
    void operator()(std::FILE* f) const { pclose(f); }
  };
  const std::unique_ptr<std::FILE, Close> pipe(popen(command.c_str(), "r"));
  REQUIRE(pipe != nullptr);
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) text.append(buffer.data(), n);
  return text;
}

std::string data(const std::string& name) { return data_folder() + "/" + name; }

std::size_t lines_of(const std::string& path) {
  const bool gz = path.ends_with(".gz");
  return std::stoul(run((gz ? "zcat '" : "cat '") + path + "' | grep -c '^{'"));
}

/// "Feature Count: n" of `ogrinfo`, another program's word.
std::size_t count_by_ogrinfo(const std::string& path, const std::string& layer) {
  const auto text = run("ogrinfo -ro -so '" + path + "' '" + layer + "' 2>/dev/null");
  const auto at = text.find("Feature Count: ");
  REQUIRE(at != std::string::npos);
  return std::stoul(text.substr(at + 15));
}

/// Reads everything with the inferred schema. Ids may repeat: world-countries has "-99" twice.
std::size_t count(const ReadOptions& options) {
  auto reader = take(FileReader::open(options));
  const auto inferred = take(reader.infer_schema());
  require_ok(feature::check_schema(inferred.schema));
  require_ok(reader.bind(inferred.schema));
  std::size_t n = 0;
  while (take(reader.next()).has_value()) ++n;
  return n;
}

TEST_CASE("line files of real roads, airports and places have one feature a line") {
  const std::string name =
      GENERATE("osm-roads-faroe/faroe-islands-roads-2013-01-01.geojsonl.gz",
               "osm-roads-faroe/faroe-islands-roads-2017-02-17.geojsonl.gz",
               "ourairports/runways-2021-11-02-13a64bd.geojsonl", "ourairports/runways-2022-07-02-25a0c60.geojsonl",
               "ourairports/navaids-2021-11-10-20d42fd.geojsonl", "whosonfirst-vn-slice/region-vn.geojsonl",
               "whosonfirst-vn-slice/county-vn-parent-slice.geojsonl", "whosonfirst-vn-slice/locality-1500.geojsonl");
  CAPTURE(name);
  CHECK(count({data(name), "", "", ""}) == lines_of(data(name)));
}

TEST_CASE("collections have the features that another JSON parser counts") {
  const std::string name = GENERATE("world-countries/countries-2014-04-20-ed0c16b.geojson",
                                    "world-countries/countries-2016-06-07-0cd701a.geojson");
  const auto expected =
      run("python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))[\"features\"]))' '" + data(name) + "'");
  CHECK(count({data(name), "", "", ""}) == std::stoul(expected));
}

TEST_CASE("Natural Earth has no ids: its schema is inferred, its features refused") {
  const std::string folder = GENERATE("natural-earth-vn/v2.0.0-2017-01", "natural-earth-vn/v4.0.0-2017-11");
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(data(folder))) {
    if (entry.path().extension() != ".geojson") continue;
    CAPTURE(entry.path().filename().string());
    auto reader = open(entry.path().string());
    CHECK(error_reason(read_error(reader)) == "FEATURE_ID_MISSING");
    ++files;
  }
  CHECK(files == 9);
}

TEST_CASE("GeoPackages give as many features as ogrinfo counts") {
  struct Case {
    const char* name;
    const char* layer;
  };
  const auto c = GENERATE(Case{"linz-nz/nz-waca-adjustments.gpkg", "nz_waca_adjustments"},
                          Case{"linz-nz/nz-pa-points-topo-150k.gpkg", "nz_pa_points_topo_150k"},
                          Case{"gpkg-diffs-geodiff/base.gpkg", "simple"},
                          Case{"gpkg-diffs-geodiff/2_inserts/merged_1_A_1_B.gpkg", "simple"},
                          Case{"gpkg-diffs-geodiff/floating_point_values/db-floating.gpkg", "simple"},
                          Case{"gpkg-diffs-geodiff/datetime/datetime2-ms.gpkg", "simple"},
                          Case{"gpkg-diffs-geodiff/3d/db3d-modified.gpkg", "pointIncludingZ"},
                          Case{"gpkg-diffs-geodiff/3d/db3d-modified.gpkg", "polygonIncludingZ"},
                          Case{"gpkg-diffs-geodiff/edge-cases/db-edge-cases-mod.gpkg", "only-fid"},
                          Case{"gpkg-diffs-geodiff/edge-cases/db-edge-cases-mod.gpkg", "nogeo-only-fid"},
                          Case{"gpkg-diffs-geodiff/utf_test_ščé/testčč.gpkg", "čiastkaáíž§= skoro"});
  CAPTURE(c.name, c.layer);
  CHECK(count({data(c.name), c.layer, "", ""}) == count_by_ogrinfo(data(c.name), c.layer));
}

TEST_CASE("a GeoPackage's milliseconds are kept") {
  auto reader = open(data("gpkg-diffs-geodiff/datetime/datetime2-ms.gpkg"));
  const auto found = read_all(reader, take(reader.infer_schema()).schema);
  // The file says 2021-10-28T18:34:19.472, without an offset.
  CHECK(found.at("1").properties.at(1) == feature::Value(feature::Timestamp{1635446059472000, std::nullopt}));
}

TEST_CASE("NZGD2000 is taken as x first, in the country") {
  auto reader = open(data("linz-nz/nz-waca-adjustments.gpkg"));
  CHECK(reader.crs() == "EPSG:4167");
  for (const auto& [id, state] : read_all(reader, take(reader.infer_schema()).schema)) {
    CHECK(state.geometry->box.x1 > 166);
    CHECK(state.geometry->box.y2 < -34);
  }
}

TEST_CASE("an offset in a GeoJSON file is kept") {
  auto reader = take(FileReader::open({data("shp-quirks/test_tz.geojson"), "", "test", ""}));
  const auto inferred = take(reader.infer_schema());
  REQUIRE(inferred.schema.fields.size() == 1);
  REQUIRE(inferred.schema.fields[0].type == feature::FieldType::kTimestamp);
  // The field as id: a timestamp in GeoJSON is text.
  CHECK(read_all(reader, inferred.schema).at("2015-04-22T00:00:00+07:00").properties.at(1) ==
        feature::Value(feature::Timestamp{1429635600000000, std::int16_t{420}}));
}

TEST_CASE("shapefiles, zipped too, need an id field and then give what ogrinfo counts") {
  const std::string name = GENERATE("shp-quirks/coutwildrnp.shp", "shp-quirks/coutwildrnp.zip");
  auto without = open(data(name));
  CHECK(error_reason(read_error(without)) == "FEATURE_ID_MISSING");
  auto reader = open(data(name));
  const auto schema = take(reader.infer_schema()).schema;
  CHECK(reader.crs() == "EPSG:4326");
  CHECK(schema.geometry.allows(geo::GeometryType::kMultiPolygon));
  auto with = take(FileReader::open({data(name), "", "WILDRNP020", ""}));
  CHECK(read_all(with, schema).size() == count_by_ogrinfo(data("shp-quirks/coutwildrnp.shp"), "coutwildrnp"));
}

TEST_CASE("broken shapefiles are refused or read whole, never cut") {
  CHECK(error_reason(open_error({data("shp-quirks/latin1.shp"), "", "", ""})) == "FILE_UNREADABLE");
  CHECK(error_reason(open_error({data("shp-quirks/corrupt_too_long.shp"), "", "", ""})) == "CRS_MISSING");
}

TEST_CASE("Cyrillic and Tamil in a shapefile arrive as UTF-8") {
  auto reader = open(data("shp-quirks/gre.shp"), "NAME");
  CHECK(read_all(reader, take(reader.infer_schema()).schema).contains("Grenada"));
}

TEST_CASE("a zipped file geodatabase has its layers and keys") {
  const std::string path = data("shp-quirks/testopenfilegdb.gdb.zip");
  CHECK(error_reason(open_error({path, "", "", ""})) == "LAYER_AMBIGUOUS");
  CHECK(count({path, "point25D", "", ""}) == count_by_ogrinfo(path, "point25D"));
  CHECK(error_reason(open_error({path, "hole", "", ""})) == "CRS_MISSING");
}

TEST_CASE("curves are named and refused") {
  auto reader = open(data("shp-quirks/multicurve.gml"), "", "EPSG:4326");
  const auto inferred = take(reader.infer_schema());
  CHECK(inferred.schema.geometry.types.empty());
  CHECK(mentions(inferred.notes.front(), "cannot be kept"));
  const auto status = read_error(reader);
  CHECK(error_reason(status) == "GEOMETRY_CURVE");
  CHECK(mentions(message_of(status), "multicurve.0"));
}

}  // namespace
}  // namespace lt::sources::test

int main(int argc, char* argv[]) {
  if (!std::filesystem::exists(lt::sources::test::data("README.md"))) {
    std::cout << "skipped: no test data in " << lt::sources::test::data_folder() << "; set LIENTHONG_DATA\n";
    return lt::sources::test::kSkipped;
  }
  return Catch::Session().run(argc, argv);
}
