// Geometries that come in another CRS than the dataset's: transformed by one operation, named in the receipt, and the
// same export again is no change.
#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "exchange_support.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "geo/crs.hpp"
#include "geo/vn2000.hpp"
#include "wire/receipt.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;

struct Place {
  double x, y;
};

v1::Change in_wkt(const std::string& id, const std::string& wkt, const std::string& name = "a") {
  v1::Change made;
  made.set_op(v1::OPERATION_UPSERT);
  made.mutable_feature()->set_id(id);
  made.mutable_feature()->set_wkt(wkt);
  (*made.mutable_feature()->mutable_properties()->mutable_fields())["name"].set_string_value(name);
  return made;
}

v1::Change in_geojson(const std::string& id, const std::string& coordinates, const std::string& name = "a") {
  return change(R"({"op":"OPERATION_UPSERT","feature":{"id":")" + id + R"(","geojson":{"type":"Point","coordinates":)" +
                coordinates + R"(},"properties":{"name":")" + name + R"("}}})");
}

class Fixture : public ExchangeFixture {
 public:
  using ExchangeFixture::ExchangeFixture;

  v1::PublishHeader header_in(const std::string& crs, const std::string& dataset = "test.shapes",
                              v1::ChangesetKind kind = v1::CHANGESET_KIND_CHANGES) const {
    auto made = header(dataset);
    made.set_crs(crs);
    made.set_kind(kind);
    return made;
  }

  /// The geometry as it is read, in the dataset's CRS.
  geo::Geometry geometry(const std::string& id, const std::string& dataset = "test.shapes") {
    const auto found =
        must(feature(R"({"dataset":")" + dataset + R"(","id":")" + id + R"(","form":"FEATURE_FORM_WKB"})"));
    return must(geo::parse_wkb(found.feature().wkb()));
  }
  Place place(const std::string& id, const std::string& dataset = "test.shapes") {
    const auto box = geometry(id, dataset).box;
    return {box.x1, box.y1};
  }

  std::string table_of(const std::string& dataset) {
    return std::to_string(count("SELECT id FROM lienthong.dataset WHERE name = '" + dataset + "'"));
  }
  std::int64_t with_source(const std::string& dataset = "test.shapes") {
    return count("SELECT count(source_hash) FROM lienthong_data.feature_" + table_of(dataset));
  }

  /// Stores the geometry of every feature as another release of PROJ might have computed it: each x by one bit larger.
  void nudge(const std::string& dataset = "test.shapes") {
    auto connection = database_.connect();
    const std::string n = table_of(dataset);
    const auto rows =
        must(connection.execute("SELECT f.fid, l.payload FROM lienthong_data.feature_" + n +
                                " f JOIN lienthong_data.log_" + n + " l ON l.fid = f.fid AND l.version = f.version"));
    for (int r = 0; r < rows.rows(); ++r) {
      auto stored = must(feature::decode_record(rows.get_bytes(r, 1)));
      if (!stored.state.geometry) continue;
      stored.state.geometry = nudged(*stored.state.geometry);
      const auto record = feature::encode_record(stored.schema_revision, stored.state);
      pg::Params params;
      params.add(rows.get_text(r, 0)).add_bytes(record).add_bytes(view(feature::content_hash(record)));
      params.add_bytes(stored.state.geometry->wkb);
      must(connection
               .execute(
                   "WITH l AS (UPDATE lienthong_data.log_" + n +
                       " SET payload = $2, content_hash = $3 WHERE fid = $1 AND version = (SELECT version FROM "
                       "lienthong_data.feature_" +
                       n + " WHERE fid = $1)) UPDATE lienthong_data.feature_" + n +
                       " SET content_hash = $3, geom = ST_SetSRID($4::bytea::geometry, ST_SRID(geom)) WHERE fid = $1",
                   params)
               .status());
    }
  }

  static geo::Geometry nudged(const geo::Geometry& geometry) {
    // Points and lines of XY: the first vertex is the first after the header.
    const std::size_t at = geometry.type == geo::GeometryType::kPoint ? 5 : 9;
    std::string wkb = geometry.wkb;
    double x = 0;
    std::memcpy(&x, wkb.data() + at, sizeof x);
    x = std::nextafter(x, std::numeric_limits<double>::infinity());
    std::memcpy(wkb.data() + at, &x, sizeof x);
    return must(geo::parse_wkb(wkb));
  }
};

geo::Geometry transformed(const std::string& wkt, int from, int to) {
  const auto transformer = must(
      geo::Transformer::create(must(geo::find_crs(std::to_string(from))), must(geo::find_crs(std::to_string(to)))));
  return must(transformer.transform(must(geo::parse_wkt(wkt))));
}

TEST_CASE("WKT and WKB in another CRS are transformed by the operation that the receipt names") {
  Fixture f;
  const std::string line = "LINESTRING (588565.3638 2325647.3383, 588600 2325700)";
  auto wkb = in_wkt("b", "");
  wkb.mutable_feature()->set_wkb(must(geo::parse_wkt(line)).wkb);
  const auto receipt = must(f.publish(f.header_in("EPSG:3405"), {in_wkt("a", "SRID=3405;" + line), wkb}));
  REQUIRE(receipt.datasets(0).transformations_size() == 1);
  CHECK(receipt.datasets(0).transformations(0).source_crs() == "EPSG:3405");
  CHECK(receipt.datasets(0).transformations(0).operation() == "VN-2000 projection");
  CHECK(receipt.digest() == feature::receipt_digest(must(wire::receipt_from_proto(receipt))));
  CHECK(same(must(f.changeset(R"({"dataset":"test.shapes","version":1})")), receipt));
  const auto expected = transformed(line, 3405, 5897);
  CHECK(f.geometry("a") == expected);
  CHECK(f.geometry("b") == expected);
  CHECK(std::abs(f.place("a").x - 588591.944) < 0.001);
  CHECK(std::abs(f.place("a").y - 2326345.3117) < 0.001);
  CHECK(f.with_source() == 2);
  // Named or not, the dataset's own CRS is no transformation.
  for (const char* crs : {"", "EPSG:5897", "urn:ogc:def:crs:EPSG::5897"}) {
    const auto plain = must(f.publish(f.header_in(crs), {in_wkt("c", "POINT (588591.944 2326345.3117)", crs)}));
    CHECK(plain.datasets(0).transformations_size() == 0);
  }
  CHECK(f.with_source() == 2);
}

TEST_CASE("GeoJSON comes into VN-2000 by EPSG:6960 on both sides of the Mekong delta's edge") {
  Fixture f;
  must(
      f.create_dataset(R"({"name":"test.south","schema":{"crs":"EPSG:9210","geometry":{"types":["GEOMETRY_TYPE_POINT"]},
    "fields":[{"name":"name","type":"FIELD_TYPE_STRING"}]}})"));
  const auto receipt = must(f.publish(f.header_in("", "test.south"), {in_geojson("HCM", "[106.7009, 10.7769]"),
                                                                      in_geojson("HP", "[106.6881, 20.8449]")}));
  REQUIRE(receipt.datasets(0).transformations_size() == 1);
  CHECK(receipt.datasets(0).transformations(0).source_crs() == "EPSG:4326");
  CHECK(receipt.datasets(0).transformations(0).operation() == "EPSG:6960");
  const auto near = [&](const std::string& id, const std::string& dataset, double x, double y, double tolerance) {
    const auto found = f.place(id, dataset);
    INFO(id << " " << found.x << " " << found.y);
    CHECK(std::abs(found.x - x) < tolerance);
    CHECK(std::abs(found.y - y) < tolerance);
  };
  near("HCM", "test.south", 603797.2607, 1191942.3050, 0.0001);
  near("HP", "test.south", 597432.4421, 2306067.7730, 0.0001);
  // Named EPSG:4326, in WKT too; into the geographic system with longitude first.
  must(f.publish(f.header_in("EPSG:4326"),
                 {in_wkt("HN", "POINT (105.8542 21.0285)"), in_geojson("CT", "[105.7469, 10.0452]")}));
  near("HN", "test.shapes", 588591.9440, 2326345.3117, 0.0001);
  near("CT", "test.shapes", 581676.4381, 1110947.9812, 0.0001);
  must(f.publish(f.header_in("", "test.stations"), {in_geojson("HN", "[105.856082643, 21.027513982]")}));
  near("HN", "test.stations", 105.8542, 21.0285, 1e-8);
}

TEST_CASE("each dataset of a changeset is transformed by its own operation") {
  Fixture f;
  auto other = in_wkt("a", "POINT (588565.3638 2325647.3383)");
  other.set_dataset("test.world");
  auto third = in_wkt("a", "POINT (588565.3638 2325647.3383)");
  third.set_dataset("test.stations");
  const auto receipt =
      must(f.publish(f.header_in("EPSG:3405"), {in_wkt("a", "POINT (588565.3638 2325647.3383)"), other, third}));
  REQUIRE(receipt.datasets_size() == 3);
  std::map<std::string, std::string> operations;
  for (const auto& one : receipt.datasets()) operations[one.dataset()] = one.transformations(0).operation();
  CHECK(operations == std::map<std::string, std::string>{{"test.shapes", "VN-2000 projection"},
                                                         {"test.world", "EPSG:6960"},
                                                         {"test.stations", "VN-2000 projection"}});
  CHECK(std::abs(f.place("a", "test.world").x - 105.8542) < 1e-8);
  CHECK(std::abs(f.place("a", "test.world").y - 21.0285) < 1e-8);
}

TEST_CASE("the content of a changeset is what was sent, in the CRS that it was sent in") {
  Fixture f;
  auto header = f.header_in("EPSG:4326", "test.stations");
  const std::vector<v1::Change> sent{in_wkt("a", "POINT (105.8542 21.0285)")};
  const auto receipt = must(f.publish(header, sent));
  CHECK(same(must(f.publish(header, sent)), receipt));
  header.set_content_sha256(receipt.content_sha256());
  CHECK(same(must(f.publish(header, sent)), receipt));
  header.clear_content_sha256();
  // The same coordinates are another content in another CRS, also where only the form says so.
  for (const char* crs : {"", "EPSG:4756"}) {
    header.set_crs(crs);
    REQUIRE_ERROR(f.publish(header, sent), Code::kAlreadyExists, "CHANGESET_ID_REUSED");
  }
  auto plain = f.header_in("", "test.stations");
  must(f.publish(plain, {in_wkt("b", "POINT (105.8542 21.0285)")}));
  REQUIRE_ERROR(f.publish(plain, {in_geojson("b", "[105.8542, 21.0285]")}), Code::kAlreadyExists,
                "CHANGESET_ID_REUSED");
}

TEST_CASE("what cannot come in another CRS is refused with a reason") {
  Fixture f;
  const auto before = f.stored();
  const auto geojson = in_geojson("a", "[105.8542, 21.0285]");
  REQUIRE_ERROR(f.publish(f.header_in("EPSG:3405"), {geojson}), Code::kInvalidArgument, "GEOJSON_NEEDS_WGS84");
  REQUIRE_ERROR(f.publish(f.header_in("EPSG:5897"), {geojson}), Code::kInvalidArgument, "GEOJSON_NEEDS_WGS84");
  auto record = in_wkt("a", "");
  record.mutable_feature()->Clear();
  record.mutable_feature()->set_id("a");
  record.mutable_feature()->set_record(feature::encode_record(1, {}));
  REQUIRE_ERROR(f.publish(f.header_in("EPSG:3405"), {record}), Code::kInvalidArgument, "RECORD_IN_OTHER_CRS");
  must(f.publish(f.header_in("EPSG:5897"), {record}));
  REQUIRE_ERROR(f.publish(f.header_in("EPSG:3405"), {in_wkt("a", "SRID=5897;POINT (588565 2325647)")}),
                Code::kInvalidArgument, "SRID_MISMATCH");
  REQUIRE_ERROR(f.publish(f.header_in("EPSG:6957"), {in_wkt("a", "POINT (588565 2325647)")}), Code::kInvalidArgument,
                "CRS_DEPRECATED");
  must(f.create_dataset(R"({"name":"test.words","schema":{"fields":[{"name":"name","type":"FIELD_TYPE_STRING"}]}})"));
  auto word = in_wkt("a", "");
  word.mutable_feature()->clear_wkt();
  REQUIRE_ERROR(f.publish(f.header_in("EPSG:4326", "test.words"), {word}), Code::kInvalidArgument, "CRS_MISMATCH");
  CHECK(f.stored() != before);
}

TEST_CASE("coordinates are checked as they were sent, and the likely cause is named") {
  Fixture f;
  const auto cause = [&](const std::string& crs, const v1::Change& sent, const std::string& dataset = "test.shapes") {
    const auto refused = f.publish(f.header_in(crs, dataset), {sent});
    REQUIRE_ERROR(refused, Code::kInvalidArgument, "COORDINATES_IMPLAUSIBLE");
    return std::string(message_of(refused.status()));
  };
  using Catch::Contains;
  CHECK_THAT(cause("EPSG:3405", in_wkt("a", "POINT (2325647 588565)")),
             Contains("POINT(2325647 588565)") && Contains("EPSG:3405") && Contains("axes look swapped"));
  CHECK_THAT(cause("", in_geojson("a", "[21.0285, 105.8542]")), Contains("EPSG:4326") && Contains("axes look swapped"));
  CHECK_THAT(cause("EPSG:3405", in_wkt("a", "POINT (105.8542 21.0285)")), Contains("degrees in a metre CRS"));
  CHECK_THAT(cause("EPSG:4326", in_wkt("a", "POINT (588565 2325647)")), Contains("metres in a degree CRS"));
  CHECK_THAT(cause("EPSG:5896", in_wkt("a", "POINT (417000 2367000)")), Contains("EPSG:9205"));
  CHECK_THAT(cause("", in_wkt("a", "POINT (88592 2826345)")), Contains("EPSG:6956 to 6959"));
  CHECK_THAT(cause("", in_wkt("a", "POINT (21.0285 105.8542)"), "test.stations"), Contains("axes look swapped"));
  // In Paris: plausible in EPSG:4326, nowhere in the dataset's CRS.
  const auto paris = f.publish(f.header_in(""), {in_geojson("a", "[2.35, 48.85]")});
  const std::string reason = error_reason(paris.status());
  CHECK((reason == "COORDINATES_IMPLAUSIBLE" || reason == "TRANSFORM_FAILED"));
  CHECK(f.count("SELECT sum(head) FROM lienthong.dataset_head") == 0);
}

// The ways a changeset can go.
exchange::Config small_memory() {
  auto config = exchange_config();
  config.publish_memory_bytes = 0;
  config.staging_piece_bytes = 16 << 10;
  return config;
}

std::vector<v1::Change> export_of(int count, const std::string& name = "a") {
  std::vector<v1::Change> changes;
  for (int n = 0; n < count; ++n) {
    changes.push_back(
        in_geojson("f" + std::to_string(n), "[" + std::to_string(105.5 + n * 0.001) + ", 21.0285]", name));
  }
  return changes;
}

v1::Receipt send(Fixture& f, const v1::PublishHeader& header, const std::vector<v1::Change>& changes) {
  std::vector<v1::PublishRequest> messages{request_of(header)};
  constexpr std::size_t kBatch = 50;
  for (std::size_t from = 0; from < changes.size(); from += kBatch) {
    const auto until = std::min(changes.size(), from + kBatch);
    messages.push_back(batch_of(
        static_cast<std::int64_t>(messages.size()),
        {changes.begin() + static_cast<std::ptrdiff_t>(from), changes.begin() + static_cast<std::ptrdiff_t>(until)}));
  }
  return must(f.publish_stream(std::move(messages)));
}

TEST_CASE("the same export again makes no version, though PROJ computes other last bits") {
  const auto way = GENERATE(as<std::string>(), "in memory", "in tables", "a snapshot", "a first load");
  INFO(way);
  const bool in_memory = way == "in memory";
  Fixture f(in_memory ? exchange_config() : small_memory());
  const int count = in_memory ? 20 : 600;
  const auto kind = way == "a snapshot" ? v1::CHANGESET_KIND_SNAPSHOT : v1::CHANGESET_KIND_CHANGES;
  // A first load needs an empty dataset; the others get a version before it.
  if (way != "a first load") must(f.publish(f.header_in(""), {in_wkt("f0", "POINT (500000 2000000)")}));
  const auto header = [&] { return f.header_in("", "test.shapes", kind); };

  const auto first = send(f, header(), export_of(count));
  CHECK(first.changed());
  CHECK(f.with_source() == count);
  const auto as_computed = f.geometry("f7");
  f.nudge();
  const auto stored = f.geometry("f7");
  REQUIRE_FALSE(stored == as_computed);

  const auto again = send(f, header(), export_of(count));
  CHECK_FALSE(again.changed());
  CHECK(again.counts().unchanged() == count);
  CHECK(again.datasets(0).transformations_size() == 1);
  CHECK(f.geometry("f7") == stored);

  // Another property: a version, with the geometry as it is stored.
  auto renamed = export_of(count);
  renamed[7] = in_geojson("f7", "[105.507, 21.0285]", "b");
  const auto changed = send(f, header(), renamed);
  CHECK(changed.counts().updated() == 1);
  CHECK(changed.counts().unchanged() == count - 1);
  CHECK(f.geometry("f7") == stored);
  CHECK(f.with_source() == count);
  CHECK_FALSE(send(f, header(), renamed).changed());

  // Another source: transformed anew.
  renamed[7] = in_geojson("f7", "[105.508, 21.0285]", "b");
  CHECK(send(f, header(), renamed).counts().updated() == 1);
  CHECK(f.geometry("f7") == transformed("POINT (105.508 21.0285)", 4326, 5897));
}

TEST_CASE("updates of some fields keep and use the source of the geometry") {
  Fixture f(GENERATE(true, false) ? exchange_config() : small_memory());
  const auto sent = in_geojson("a", "[105.8542, 21.0285]");
  must(f.publish(f.header_in(""), {sent}));
  f.nudge();
  const auto stored = f.geometry("a");
  must(f.publish(f.header_in(""), {change(R"({"op":"OPERATION_UPDATE","updateMask":["name"],"feature":{"id":"a",
                            "properties":{"name":"b"}}})")}));
  CHECK(f.with_source() == 1);
  CHECK(f.geometry("a") == stored);
  CHECK_FALSE(must(f.publish(f.header_in(""), {in_geojson("a", "[105.8542, 21.0285]", "b")})).changed());
  auto moved = change(R"({"op":"OPERATION_UPDATE","updateMask":["geometry"],"feature":{"id":"a",
                          "geojson":{"type":"Point","coordinates":[105.8542, 21.0285]}}})");
  CHECK_FALSE(must(f.publish(f.header_in(""), {moved})).changed());
  CHECK(f.geometry("a") == stored);
  (*moved.mutable_feature()->mutable_geojson()->mutable_fields())["coordinates"]
      .mutable_list_value()
      ->mutable_values(0)
      ->set_number_value(105.9);
  CHECK(must(f.publish(f.header_in(""), {moved})).counts().updated() == 1);
  CHECK(f.with_source() == 1);
  CHECK(f.geometry("a") == transformed("POINT (105.9 21.0285)", 4326, 5897));
}

TEST_CASE("a state that comes in the dataset's CRS has no source, nor has a geometry of another CRS or operation") {
  Fixture f;
  const auto sent = in_geojson("a", "[105.8542, 21.0285]");
  must(f.publish(f.header_in(""), {sent}));
  CHECK(f.with_source() == 1);
  f.nudge();
  const auto stored = f.geometry("a");
  // The same place from another system is another source.
  const auto from_utm = must(f.publish(f.header_in("EPSG:3405"), {in_wkt("a", "POINT (588565.3638 2325647.3383)")}));
  CHECK(from_utm.counts().updated() == 1);
  must(f.publish(f.header_in(""), {in_wkt("a", "POINT (588591.944 2326345.3117)")}));
  CHECK(f.with_source() == 0);
  CHECK(must(f.publish(f.header_in(""), {sent})).counts().updated() == 1);
  CHECK(f.with_source() == 1);
  CHECK_FALSE(f.geometry("a") == stored);
  // Without a geometry there is no source.
  auto without = in_wkt("a", "");
  without.mutable_feature()->clear_wkt();
  CHECK(must(f.publish(f.header_in("EPSG:3405"), {without})).datasets(0).transformations_size() == 0);
  CHECK(f.with_source() == 0);
}

TEST_CASE("a quarantined change keeps the CRS that it came in") {
  Fixture f;
  must(f.create_dataset(R"({"name":"test.multi","schema":{"crs":"EPSG:5897",
    "geometry":{"types":["GEOMETRY_TYPE_MULTIPOINT"]},"fields":[{"name":"name","type":"FIELD_TYPE_STRING"}]}})"));
  auto header = f.header_in("EPSG:3405", "test.multi");
  header.set_on_invalid(v1::INVALID_POLICY_QUARANTINE);
  const auto aside = must(f.publish(header, {in_wkt("a", "POINT (588565.3638 2325647.3383)")}));
  CHECK(aside.counts().quarantined() == 1);
  v1::ListQuarantineRequest list;
  list.set_dataset("test.multi");
  v1::ListQuarantineResponse listed;
  must(rpc::from_grpc_status(f.stub_->ListQuarantine(f.context().get(), list, &listed)));
  REQUIRE(listed.changes_size() == 1);
  CHECK(listed.changes(0).crs() == "EPSG:3405");
  CHECK(listed.changes(0).change().feature().wkt() == "POINT (588565.3638 2325647.3383)");
  v1::ReleaseQuarantineRequest release;
  release.set_dataset("test.multi");
  release.set_changeset_id(make_uuid7());
  release.add_repair(v1::REPAIR_PROMOTE_TO_MULTI);
  release.add_releases()->set_quarantine_id(listed.changes(0).quarantine_id());
  v1::ReleaseQuarantineResponse released;
  must(rpc::from_grpc_status(f.stub_->ReleaseQuarantine(f.context().get(), release, &released)));
  CHECK(released.receipt().counts().inserted() == 1);
  CHECK(released.receipt().datasets(0).transformations(0).source_crs() == "EPSG:3405");
  CHECK(std::abs(f.place("a", "test.multi").x - 588591.944) < 0.001);
}

TEST_CASE("a snapshot that was overtaken keeps the sources of what it restores") {
  Fixture f(small_memory());
  const auto header = f.header_in("", "test.shapes", v1::CHANGESET_KIND_SNAPSHOT);
  send(f, f.header_in("", "test.shapes", v1::CHANGESET_KIND_SNAPSHOT), export_of(600));
  // The snapshot again, while one of its features is changed by somebody else.
  const auto changes = export_of(600);
  const auto call = f.context();
  const auto stream = f.stub_->Publish(call.get());
  REQUIRE(stream->Write(request_of(header)));
  for (int batch = 0; batch < 12; ++batch) {
    REQUIRE(stream->Write(batch_of(batch + 1, {changes.begin() + batch * 50, changes.begin() + batch * 50 + 50})));
  }
  v1::PublishResponse response;
  std::int64_t received = 0;
  while (received < 600 && stream->Read(&response)) received = response.progress().received();
  must(f.publish(f.header_in(""), {in_wkt("f3", "POINT (500000 2000000)")}));
  CHECK(f.with_source() == 599);
  REQUIRE(stream->Write(end_of(600)));
  stream->WritesDone();
  v1::Receipt receipt;
  while (stream->Read(&response)) {
    if (response.has_receipt()) receipt = response.receipt();
  }
  must(rpc::from_grpc_status(stream->Finish()));
  CHECK(receipt.counts().updated() == 1);
  CHECK(f.with_source() == 600);
  f.nudge();
  CHECK_FALSE(send(f, f.header_in("", "test.shapes", v1::CHANGESET_KIND_SNAPSHOT), export_of(600)).changed());
}

TEST_CASE("PostGIS knows every VN-2000 system, and what was there stays") {
  Fixture f;
  CHECK(f.count("SELECT count(*) FROM spatial_ref_sys WHERE srid BETWEEN 9205 AND 9218") == 14);
  for (const auto& system : geo::vn2000_systems()) {
    INFO(system.epsg);
    CHECK(f.count("SELECT count(*) FROM spatial_ref_sys WHERE auth_name = 'EPSG' AND srid = " +
                  std::to_string(system.epsg)) == 1);
  }
  must(f.publish(f.header_in("EPSG:4326"), {in_wkt("a", "POINT (105.8542 21.0285)")}));
  const std::string table = "lienthong_data.feature_" + f.table_of("test.shapes");
  CHECK(f.count("SELECT ST_SRID(geom) FROM " + table) == 5897);
  CHECK(f.count("SELECT ST_SRID(ST_Transform(geom, 9210)) FROM " + table) == 9210);
  // Between two systems of the datum PostGIS agrees with what the exchange computes.
  const auto here = transformed("POINT (588591.944 2326345.3117)", 5897, 9210).box;
  CHECK(f.count("SELECT (abs(ST_X(p) - " + std::to_string(here.x1) + ") + abs(ST_Y(p) - " + std::to_string(here.y1) +
                ") < 0.001)::int FROM (SELECT ST_Transform(ST_SetSRID(ST_MakePoint(588591.944, 2326345.3117), 5897), "
                "9210) AS p) x") == 1);
  // A row that somebody else wrote is not touched by the next start, a missing one comes back.
  {
    auto connection = f.database_.connect();
    must(connection.execute("UPDATE spatial_ref_sys SET proj4text = 'mine' WHERE srid = 9210").status());
    must(connection.execute("DELETE FROM spatial_ref_sys WHERE srid = 9211").status());
  }
  f.exchange_.reset();
  auto config = exchange_config();
  config.database = f.database_.url();
  f.exchange_ = must(exchange::Exchange::start(config));
  CHECK(f.count("SELECT count(*) FROM spatial_ref_sys WHERE srid = 9210 AND proj4text = 'mine'") == 1);
  CHECK(f.count("SELECT count(*) FROM spatial_ref_sys WHERE srid = 9211") == 1);
}

}  // namespace
}  // namespace lt::test
