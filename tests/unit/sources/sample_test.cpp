#include "sources/sample.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <set>

#include "base/bytes.hpp"
#include "feature/provinces.hpp"
#include "feature/record.hpp"
#include "geo/crs.hpp"
#include "geo/validity.hpp"
#include "support.hpp"

namespace lt::sources::test {
namespace {

using feature::ChangeOp;

std::vector<SourceFeature> generate(const SampleOptions& options) {
  auto generator = take(SampleGenerator::create(options));
  std::vector<SourceFeature> result;
  while (auto feature = take(generator.next())) result.push_back(*std::move(feature));
  return result;
}

std::vector<SampleEdit> edit(const SampleOptions& options, int version, std::int64_t edits) {
  auto source = take(SampleEdits::create(options, version, edits));
  std::vector<SampleEdit> result;
  while (auto one = take(source.next())) result.push_back(*std::move(one));
  return result;
}

std::string digest(const std::vector<SourceFeature>& features) {
  Sha256 sha;
  for (const auto& f : features) sha.update(f.id).update(feature::encode_record(1, f.state));
  return to_hex(view(sha.finish()));
}

/// x and y of a polygon's only ring or a line.
std::vector<std::pair<double, double>> vertices(const geo::Geometry& g) {
  const std::size_t start = g.type == geo::GeometryType::kPoint ? 5 : g.type == geo::GeometryType::kPolygon ? 13 : 9;
  std::vector<std::pair<double, double>> result;
  for (std::size_t at = start; at < g.wkb.size(); at += 16) {
    std::array<double, 2> xy{};
    std::memcpy(xy.data(), g.wkb.data() + at, sizeof xy);
    result.emplace_back(xy[0], xy[1]);
  }
  return result;
}

TEST_CASE("samples are the same on every machine and for ever") {
  struct Case {
    const char* kind;
    const char* crs;
    const char* sha;
  };
  const auto c =
      GENERATE(Case{"roads", "", "5d789042f40fa6638c598eb9e54759c9c8288f23fda658d4e024ab38136d9f16"},
               Case{"parcels", "", "790763def457711fd57be8b58dbad7b69cbf7dd348d85b2602fcfce1d1a6a0d2"},
               Case{"stations", "", "54920ca47c95b9d2ccbc3fd036a442333c883600b149e8f66bbbcf583d885b85"},
               Case{"roads", "EPSG:4326", "a6b5a8091dded8dc20881a6fe8284ff754e695015992156824cee0d80940bdcd"},
               Case{"parcels", "EPSG:4326", "696154aeb75742e79ffd80dbd91fc8700aad5eedba269940d7af6daea401073e"},
               Case{"stations", "EPSG:4326", "63f7761273b7789a5d2affcd233aed227f88625a07767a2fbb71ba077ae960a6"});
  CAPTURE(c.kind, c.crs);
  CHECK(digest(generate({c.kind, 1'000, 1, "01", c.crs})) == c.sha);
}

TEST_CASE("a history is the same on every machine and for ever") {
  Sha256 sha;
  for (const auto& e : edit({"roads", 1'000, 1, "01", ""}, 3, 100)) {
    sha.update(feature::to_string(e.op)).update(e.id).update(feature::encode_record(1, e.state));
  }
  CHECK(to_hex(view(sha.finish())) == "9b274049b1801ad58f1250b6e5804ee069776860570e47348a86971d7452c191");
}

TEST_CASE("a feature does not depend on the count, but on the seed") {
  const std::string kind = GENERATE("roads", "parcels", "stations");
  const auto few = generate({kind, 10, 5, "48", ""});
  const auto many = generate({kind, 200, 5, "48", ""});
  const auto other = generate({kind, 10, 6, "48", ""});
  for (std::size_t i = 0; i < few.size(); ++i) {
    CHECK(few[i].id == many[i].id);
    CHECK(few[i].state == many[i].state);
    CHECK_FALSE(few[i].state == other[i].state);
  }
}

TEST_CASE("every sample fits its schema in every province") {
  const std::string kind = GENERATE("roads", "parcels", "stations");
  geo::Geos geos;
  for (const auto& province : feature::provinces()) {
    const SampleOptions options{kind, 60, 1, province.code, ""};
    CAPTURE(kind, province.name);
    const auto crs = take(sample_crs(options));
    CHECK(crs == "EPSG:" + std::to_string(province.epsg));
    const auto schema = take(sample_schema(kind, crs));
    require_ok(feature::check_schema(schema));
    const auto plausible = take(geo::find_crs(crs)).plausible;
    std::set<std::string> ids;
    for (const auto& f : generate(options)) {
      CHECK(ids.insert(f.id).second);
      REQUIRE(f.state.geometry.has_value());
      CHECK(schema.geometry.allows(f.state.geometry->type));
      CHECK_FALSE(take(geos.check_validity(*f.state.geometry)).has_value());
      CHECK(f.state.geometry->box.x1 > plausible.x1);
      CHECK(f.state.geometry->box.x2 < plausible.x2);
      for (const auto& field : schema.fields) {
        const auto it = f.state.properties.find(field.number);
        CHECK((it != f.state.properties.end() || !field.required));
        if (it == f.state.properties.end()) continue;
        CHECK(feature::type_of(it->second) == field.type);
        const auto* text = std::get_if<std::string>(&it->second);
        if (text == nullptr || field.allowed.empty()) continue;
        CHECK(std::count(field.allowed.begin(), field.allowed.end(), *text) == 1);
      }
    }
    CHECK(ids.size() == 60);
  }
}

TEST_CASE("a sample in WGS 84 lies around the province's place") {
  const std::string kind = GENERATE("roads", "parcels", "stations");
  const feature::Province* province = feature::find_province("79");
  REQUIRE(province != nullptr);
  for (const auto& f : generate({kind, 500, 1, "79", "EPSG:4326"})) {
    CHECK(std::abs(f.state.geometry->box.x1 - province->inside_lon) < 0.5);
    CHECK(std::abs(f.state.geometry->box.y1 - province->inside_lat) < 0.5);
  }
}

TEST_CASE("parcels tile exactly: every inner edge is shared by two, to the bit, and areas add up") {
  const std::string crs = GENERATE("", "EPSG:4326");
  // Nine sheets of 100 parcels make a square of 30 x 30.
  const auto parcels = generate({"parcels", 900, 3, "01", crs});
  using Edge = std::pair<std::pair<double, double>, std::pair<double, double>>;
  std::map<Edge, int> edges;
  double doubled = 0, outline = 0;
  for (const auto& parcel : parcels) {
    const auto ring = vertices(*parcel.state.geometry);
    REQUIRE(ring.size() == 5);
    CHECK(ring.front() == ring.back());
    for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
      ++edges[{ring[i], ring[i + 1]}];
      const auto o = vertices(*parcels.front().state.geometry).front();
      doubled += (ring[i].first - o.first) * (ring[i + 1].second - o.second) -
                 (ring[i + 1].first - o.first) * (ring[i].second - o.second);
    }
  }
  int alone = 0;
  const auto o = vertices(*parcels.front().state.geometry).front();
  for (const auto& [edge, count] : edges) {
    CHECK(count == 1);  // no parcel twice: rings turn the same way
    if (edges.contains({edge.second, edge.first})) continue;
    ++alone;
    outline += (edge.first.first - o.first) * (edge.second.second - o.second) -
               (edge.second.first - o.first) * (edge.first.second - o.second);
  }
  CHECK(alone == 4 * 30);
  CHECK(doubled == Approx(outline).epsilon(1e-9));
  CHECK(doubled > 0);
}

TEST_CASE("road segments of a route join exactly") {
  const auto roads = generate({"roads", 40, 1, "01", ""});
  for (std::size_t i = 0; i + 1 < roads.size(); ++i) {
    if (i % 20 == 19) continue;
    CHECK(vertices(*roads[i].state.geometry).back() == vertices(*roads[i + 1].state.geometry).front());
    CHECK(roads[i].state.properties.at(1) == roads[i + 1].state.properties.at(1));
  }
}

TEST_CASE("a history has its shares of updates, inserts and deletes and never contradicts itself") {
  const std::string kind = GENERATE("roads", "parcels", "stations");
  const SampleOptions options{kind, 2'000, 9, "01", ""};
  std::map<std::string, feature::State> model;
  for (auto& f : generate(options)) model[f.id] = std::move(f.state);
  std::set<std::string> ever;
  for (const auto& [id, state] : model) ever.insert(id);
  for (int version = 1; version <= 12; ++version) {
    CAPTURE(kind, version);
    std::map<ChangeOp, int> ops;
    std::set<std::string> touched;
    for (const auto& e : edit(options, version, 100)) {
      ++ops[e.op];
      CHECK(touched.insert(e.id).second);
      if (e.op == ChangeOp::kInsert) {
        CHECK(ever.insert(e.id).second);
        model[e.id] = e.state;
        continue;
      }
      REQUIRE(model.contains(e.id));
      CHECK_FALSE(model[e.id] == e.state);
      if (e.op == ChangeOp::kDelete) {
        model.erase(e.id);
      } else {
        model[e.id] = e.state;
      }
    }
    CHECK(ops[ChangeOp::kUpdate] == 70);
    CHECK(ops[ChangeOp::kInsert] == 20);
    CHECK(ops[ChangeOp::kDelete] == 10);
  }
  CHECK(model.size() == 2'000 + 12 * 10);
}

TEST_CASE("edits are clustered in a few places") {
  std::set<std::int64_t> places;
  for (const auto& e : edit({"parcels", 1'000'000, 1, "01", ""}, 1, 200)) {
    if (e.op != ChangeOp::kInsert) places.insert(std::stoll(e.id.substr(3)) / 1'000);
  }
  CHECK(places.size() >= 2);
  CHECK(places.size() <= 14);
}

TEST_CASE("edits of small samples and of none end in inserts") {
  CHECK(edit({"roads", 0, 1, "01", ""}, 1, 5).size() == 5);
  CHECK(edit({"roads", 10, 1, "01", ""}, 1, 0).empty());
  const auto one = edit({"roads", 10, 1, "01", ""}, 1, 1);
  REQUIRE(one.size() == 1);
  CHECK(one.front().op == ChangeOp::kUpdate);
  std::map<ChangeOp, int> ops;
  for (const auto& e : edit({"roads", 3, 1, "01", ""}, 1, 100)) ++ops[e.op];
  CHECK(ops[ChangeOp::kInsert] == 97);
}

TEST_CASE("wrong sample options are refused") {
  const auto reason = [](const SampleOptions& o) { return error_reason(SampleGenerator::create(o).status()); };
  CHECK(reason({"trees", 1, 1, "01", ""}) == "SAMPLE_KIND_UNKNOWN");
  CHECK(reason({"roads", 1, 1, "02", ""}) == "PROVINCE_UNKNOWN");
  CHECK(reason({"roads", -1, 1, "01", ""}) == "SAMPLE_TOO_LARGE");
  CHECK(reason({"parcels", kMaxSampleParcels, 1, "01", ""}).empty());
  CHECK(reason({"parcels", kMaxSampleParcels + 1, 1, "01", ""}) == "SAMPLE_TOO_LARGE");
  CHECK(reason({"roads", 1, 1, "01", "EPSG:6957"}) == "CRS_DEPRECATED");
  CHECK(reason({"roads", 1, 1, "01", "EPSG:1"}) == "CRS_UNKNOWN");
  CHECK(error_reason(SampleEdits::create({"roads", 1, 1, "01", ""}, 0, 1).status()) == "SAMPLE_VERSION_INVALID");
}

TEST_CASE("a sample reads back from every format bit for bit") {
  const std::string kind = GENERATE("roads", "parcels", "stations");
  const std::string name = GENERATE("s.gpkg", "s.fgb", "s.geojsonl");
  const TempFolder folder;
  // GeoJSON is exact for WGS 84 only.
  const SampleOptions options{kind, 300, 2, "51", name == "s.geojsonl" ? "EPSG:4326" : ""};
  auto generator = take(SampleGenerator::create(options));
  auto writer = take(FileWriter::create(folder.file(name), generator.schema(), kind));
  std::map<std::string, feature::State> expected;
  while (auto f = take(generator.next())) {
    require_ok(writer.write(f->id, f->state));
    expected[f->id] = f->state;
  }
  require_ok(writer.finish());
  auto reader = open(folder.file(name));
  CHECK(read_all(reader, generator.schema()) == expected);
}

}  // namespace
}  // namespace lt::sources::test
