// Areas over the wire: imports, their refusals, references, answers.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "client/client.hpp"
#include "exchange_support.hpp"
#include "sources/sample_areas.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class AreasFixture : public ExchangeFixture {
 public:
  using ExchangeFixture::ExchangeFixture;

  absl::StatusOr<v1::ImportAreasResponse> import(const std::vector<v1::ImportAreasRequest>& requests,
                                                 const std::string& organisation = "operator") {
    v1::ImportAreasResponse response;
    const auto call = context(organisation);
    const auto stream = catalog_->ImportAreas(call.get(), &response);
    for (const auto& request : requests) {
      if (!stream->Write(request)) break;
    }
    stream->WritesDone();
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stream->Finish()));
    return response;
  }
  absl::StatusOr<v1::ImportAreasResponse> import(const std::string& header, const std::vector<std::string>& areas,
                                                 const std::string& organisation = "operator") {
    std::vector<v1::ImportAreasRequest> requests(1);
    *requests[0].mutable_header() = from_json<v1::ImportAreasHeader>(header);
    for (const auto& area : areas) {
      *requests.emplace_back().mutable_area() = from_json<v1::Area>(area);
    }
    return import(requests, organisation);
  }
  absl::StatusOr<v1::Area> area(const std::string& json) {
    v1::GetAreaResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        catalog_->GetArea(context("environment").get(), from_json<v1::GetAreaRequest>(json), &response)));
    return response.area();
  }
  absl::StatusOr<v1::ListAreasResponse> list(const std::string& json) {
    v1::ListAreasResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        catalog_->ListAreas(context("environment").get(), from_json<v1::ListAreasRequest>(json), &response)));
    return response;
  }
  std::string stored_areas() {
    auto connection = database_.connect();
    const auto result = must(connection.execute(
        "SELECT (SELECT string_agg(a::text, ' ' ORDER BY id) FROM lienthong.area a)"
        " || (SELECT string_agg(l::text, ' ' ORDER BY list) FROM lienthong.area_list l)"
        " || coalesce((SELECT string_agg(p::text, ' ' ORDER BY area_id, version) FROM lienthong.area_polygon p), '')"));
    return std::string(result.get_text(0, 0));
  }
};

constexpr char kHeader[] = R"j({"list":"ADM-2025","crs":"EPSG:4326"})j";
constexpr char kAnGiang[] = R"j({"code":"91","wkt":"POLYGON ((105 10,106 10,106 11,105 11,105 10))"})j";

/// A circle as WKT of so many vertices.
std::string circle(int vertices, double radius = 1) {
  std::string wkt = "POLYGON ((";
  for (int i = 0; i <= vertices; ++i) {
    const double a = 2 * 3.14159265358979323846 * (i % vertices) / vertices;
    char text[80];
    (void)std::snprintf(text, sizeof text, "%s%.12f %.12f", i == 0 ? "" : ",", 105 + radius * std::cos(a),
                        10 + radius * std::sin(a));
    wkt += text;
  }
  return wkt + "))";
}

TEST_CASE_METHOD(AreasFixture, "the exchange knows the provinces from its first start, and has them after the next") {
  v1::ListAreaListsResponse lists;
  must(rpc::from_grpc_status(catalog_->ListAreaLists(context("environment").get(), {}, &lists)));
  REQUIRE(lists.lists_size() == 2);
  CHECK(lists.lists(0).list() == "ADM-2004");
  CHECK(lists.lists(0).areas() == 63);
  CHECK(lists.lists(0).valid_to() == "2025-06-30");
  CHECK(lists.lists(1).areas() == 34);
  CHECK(lists.lists(1).current());
  const auto area_91 = must(area(R"j({"area":"ADM-2025:91"})j"));
  CHECK(area_91.name() == "An Giang");
  CHECK(area_91.kind() == "tỉnh");
  CHECK(area_91.level() == "province");
  CHECK(area_91.valid_from() == "2025-07-01");
  CHECK(area_91.valid_to().empty());
  CHECK(area_91.predecessors_size() == 2);
  CHECK(area_91.version() == 0);
  CHECK(area_91.crs().empty());
  const std::string before = stored_areas();
  exchange::Config config = exchange_config();
  config.database = database_.url();
  exchange_.reset();
  exchange_ = must(exchange::Exchange::start(config));
  CHECK(stored_areas() == before);
}

TEST_CASE_METHOD(AreasFixture, "an import gives polygons, the same again is unchanged, another is the next version") {
  const auto first = must(import(kHeader, {kAnGiang, R"j({"code":"01"})j"}));
  CHECK(first.created() == 0);
  CHECK(first.changed() == 1);
  CHECK(first.unchanged() == 1);
  REQUIRE(first.areas_size() == 2);
  CHECK(first.areas(0).area() == "ADM-2025:91");
  CHECK(first.areas(0).version() == 1);
  CHECK(first.areas(0).outcome() == v1::AREA_OUTCOME_CHANGED);
  CHECK(first.areas(1).version() == 0);
  const std::string before = stored_areas();
  const auto again = must(import(kHeader, {kAnGiang}));
  CHECK(again.unchanged() == 1);
  CHECK(stored_areas() == before);
  // The same polygon in another form is the same.
  CHECK(must(import(kHeader, {R"j({"code":"91","geojson":{"type":"Polygon","coordinates":
      [[[105,10],[106,10],[106,11],[105,11],[105,10]]]}})j"}))
            .unchanged() == 1);
  CHECK(stored_areas() == before);
  const auto changed =
      must(import(kHeader, {R"j({"code":"91","wkt":"POLYGON ((105 10,107 10,106 11,105 11,105 10))"})j"}));
  CHECK(changed.changed() == 1);
  CHECK(changed.areas(0).version() == 2);
  CHECK(must(area(R"j({"area":"ADM-2025:91","version":"1","polygon":"POLYGON_FORM_WKT"})j")).wkt() ==
        "POLYGON ((105 10, 106 10, 106 11, 105 11, 105 10))");
  const auto newest = must(area(R"j({"area":"ADM-2025:91","polygon":"POLYGON_FORM_WKT"})j"));
  CHECK(newest.wkt() == "POLYGON ((105 10, 107 10, 106 11, 105 11, 105 10))");
  CHECK(newest.version() == 2);
  CHECK(newest.crs() == "EPSG:4326");
}

TEST_CASE_METHOD(AreasFixture, "a polygon comes back to the bit in its CRS, and as GeoJSON in WGS 84") {
  must(import(
      R"j({"list":"ADM-2025","crs":"EPSG:9210"})j",
      {R"j({"code":"79","wkt":"SRID=9210;POLYGON ((600000.1 1190000.7,610000 1190000,610000 1200000,600000.1 1190000.7))"})j"}));
  const auto wkb = must(area(R"j({"area":"ADM-2025:79","polygon":"POLYGON_FORM_WKB"})j"));
  CHECK(wkb.crs() == "EPSG:9210");
  CHECK(must(geo::parse_wkb(wkb.wkb())) ==
        must(geo::parse_wkt("POLYGON ((600000.1 1190000.7,610000 1190000,610000 1200000,600000.1 1190000.7))")));
  const auto geojson = must(area(R"j({"area":"ADM-2025:79","polygon":"POLYGON_FORM_GEOJSON"})j"));
  CHECK(geojson.geojson().fields().at("type").string_value() == "Polygon");
  const auto& corner =
      geojson.geojson().fields().at("coordinates").list_value().values(0).list_value().values(0).list_value();
  CHECK(corner.values(0).number_value() == Approx(106.665).margin(0.01));
  CHECK(corner.values(1).number_value() == Approx(10.76).margin(0.01));
}

TEST_CASE_METHOD(AreasFixture, "references say what is wrong with them") {
  const auto both = area(R"j({"area":"91"})j").status();
  REQUIRE_ERROR(both, Code::kInvalidArgument, "AREA_AMBIGUOUS");
  CHECK(contains(message_of(both), "ADM-2025:91 An Giang since 2025-07-01"));
  CHECK(contains(message_of(both), "ADM-2004:91 Kiên Giang until 2025-06-30"));
  REQUIRE_ERROR(area(R"j({"area":"Kien Giang"})j"), Code::kInvalidArgument, "AREA_AMBIGUOUS");
  REQUIRE_ERROR(area(R"j({"area":"ADM-2025:89"})j"), Code::kNotFound, "AREA_UNKNOWN");
  REQUIRE_ERROR(area(R"j({"area":""})j"), Code::kNotFound, "AREA_UNKNOWN");
  REQUIRE_ERROR(area(R"j({"area":"ADM-2025:91","polygon":"POLYGON_FORM_WKT"})j"), Code::kFailedPrecondition,
                "AREA_WITHOUT_POLYGON");
  must(import(kHeader, {kAnGiang}));
  REQUIRE_ERROR(area(R"j({"area":"ADM-2025:91","version":"2"})j"), Code::kNotFound, "AREA_VERSION_UNKNOWN");
  REQUIRE_ERROR(area(R"j({"area":"ADM-2025:91","version":"-1"})j"), Code::kNotFound, "AREA_VERSION_UNKNOWN");
  REQUIRE_ERROR(area(R"j({"area":"ADM-2025:91","polygon":9})j"), Code::kInvalidArgument, "POLYGON_FORM_UNKNOWN");
  REQUIRE_ERROR(list(R"j({"list":"ADM-2025","polygon":9})j"), Code::kInvalidArgument, "POLYGON_FORM_UNKNOWN");
  REQUIRE_ERROR(list(R"j({"list":"x"})j"), Code::kNotFound, "AREA_LIST_UNKNOWN");
}

TEST_CASE_METHOD(AreasFixture, "units are listed by code, page by page, with polygons on request") {
  std::vector<std::string> codes;
  std::string token;
  int pages = 0;
  do {
    const auto page = must(list(R"j({"list":"ADM-2004","pageSize":20,"pageToken":")j" + token + "\"}"));
    for (const auto& unit : page.areas()) codes.push_back(unit.code());
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  CHECK(pages == 4);
  CHECK(codes.size() == 63);
  CHECK(std::is_sorted(codes.begin(), codes.end()));
  // Three polygons of 2.9 MiB do not fit into one answer.
  std::vector<v1::ImportAreasRequest> large(1);
  *large[0].mutable_header() = from_json<v1::ImportAreasHeader>(kHeader);
  for (const std::string code : {"01", "04", "08"}) {
    v1::Area* const made = large.emplace_back().mutable_area();
    made->set_code(code);
    made->set_wkb(must(geo::parse_wkt(circle(190'000))).wkb);
  }
  must(import(large));
  const auto first = must(list(R"j({"list":"ADM-2025","polygon":"POLYGON_FORM_WKB"})j"));
  REQUIRE(first.areas_size() == 1);
  CHECK(first.areas(0).wkb() == large[1].area().wkb());
  const auto second = must(
      list(R"j({"list":"ADM-2025","polygon":"POLYGON_FORM_WKB","pageToken":")j" + first.next_page_token() + "\"}"));
  REQUIRE(second.areas_size() >= 1);
  CHECK(second.areas(0).code() == "04");
  CHECK(must(list(R"j({"list":"ADM-2025"})j")).areas_size() == 34);
  // Nor does one of them as text.
  REQUIRE_ERROR(area(R"j({"area":"ADM-2025:01","polygon":"POLYGON_FORM_GEOJSON"})j"), Code::kOutOfRange,
                "AREA_TOO_LARGE");
  REQUIRE_ERROR(area(R"j({"area":"ADM-2025:01","polygon":"POLYGON_FORM_WKT"})j"), Code::kOutOfRange, "AREA_TOO_LARGE");
}

TEST_CASE_METHOD(AreasFixture, "only the operator imports") {
  const std::string before = stored_areas();
  REQUIRE_ERROR(import(kHeader, {kAnGiang}, "transport"), Code::kPermissionDenied, "OPERATOR_ONLY");
  REQUIRE_ERROR(import(kHeader, {kAnGiang}, ""), Code::kUnauthenticated, "IDENTITY_MISSING");
  CHECK(stored_areas() == before);
}

TEST_CASE_METHOD(AreasFixture, "a dry run tells and keeps nothing") {
  const std::string before = stored_areas();
  const auto told = must(import(R"j({"list":"ADM-2025","crs":"EPSG:4326","level":"commune","dryRun":true})j",
                                {R"j({"code":"30355","name":"Xã A"})j", R"j({"code":"91","level":"province"})j"}));
  CHECK(told.dry_run());
  CHECK(told.created() == 1);
  CHECK(told.unchanged() == 1);
  CHECK(stored_areas() == before);
}

TEST_CASE_METHOD(AreasFixture, "one wrong area refuses the whole import, with its code and what is wrong") {
  must(import(kHeader, {kAnGiang}));
  const std::string before = stored_areas();
  const struct {
    std::string area;
    Code code;
    std::string reason;
  } cases[] = {
      {R"j({"code":"99","wkt":"POLYGON ((1 1,2 1,2 2,1 1))"})j", Code::kNotFound, "AREA_UNKNOWN"},
      {kAnGiang, Code::kInvalidArgument, "AREA_REPEATED"},
      {R"j({"code":"01","wkt":"POINT (105 10)"})j", Code::kInvalidArgument, "GEOMETRY_WRONG_TYPE"},
      {R"j({"code":"01","wkt":"LINESTRING (105 10,106 11)"})j", Code::kInvalidArgument, "GEOMETRY_WRONG_TYPE"},
      {R"j({"code":"01","wkt":"GEOMETRYCOLLECTION (POLYGON ((1 1,2 1,2 2,1 1)))"})j", Code::kInvalidArgument,
       "GEOMETRY_WRONG_TYPE"},
      {R"j({"code":"01","wkt":"POLYGON EMPTY"})j", Code::kInvalidArgument, "GEOMETRY_NOT_VALID"},
      {R"j({"code":"01","wkt":"MULTIPOLYGON EMPTY"})j", Code::kInvalidArgument, "GEOMETRY_NOT_VALID"},
      {R"j({"code":"01","wkt":"POLYGON ((0 0,2 2,2 0,0 2,0 0))"})j", Code::kInvalidArgument, "GEOMETRY_NOT_VALID"},
      {R"j({"code":"01","wkt":"MULTIPOLYGON (((0 0,2 0,2 2,0 0)),((1 0,3 0,3 2,1 0)))"})j", Code::kInvalidArgument,
       "GEOMETRY_NOT_VALID"},
      {R"j({"code":"01","wkt":"POLYGON ((10 105,11 105,11 106,10 105))"})j", Code::kInvalidArgument,
       "COORDINATES_IMPLAUSIBLE"},
      {R"j({"code":"01","wkt":"POLYGON ((0 0,1 0,1 1,0 1))"})j", Code::kInvalidArgument, "GEOMETRY_NOT_CLOSED"},
      {R"j({"code":"01","wkt":"POLYGON ((0 0,1 0,0 0))"})j", Code::kInvalidArgument, "GEOMETRY_TOO_FEW_POINTS"},
      {R"j({"code":"01","wkt":"SRID=9210;POLYGON ((0 0,1 0,1 1,0 0))"})j", Code::kInvalidArgument, "SRID_MISMATCH"},
      {R"j({"code":"01","wkt":"POLYGON ((0 0,1 nan,1 1,0 0))"})j", Code::kInvalidArgument, "GEOMETRY_NOT_FINITE"},
      {R"j({"code":"01","wkt":"POLYGON ((0 0,1e400 0,1 1,0 0))"})j", Code::kInvalidArgument, "GEOMETRY_NOT_FINITE"},
      {R"j({"code":"01","wkb":"AAAA"})j", Code::kInvalidArgument, "GEOMETRY_MALFORMED"},
      {R"j({"code":"01","geojson":{"type":"Polygon"}})j", Code::kInvalidArgument, "GEOMETRY_MALFORMED"},
      {R"j({"code":"","wkt":"POLYGON ((1 1,2 1,2 2,1 1))"})j", Code::kInvalidArgument, "AREA_INVALID"},
      {R"j({"code":"01","validTo":"2025-02-30"})j", Code::kInvalidArgument, "DATE_INVALID"},
      {R"j({"code":"01","level":"commune"})j", Code::kInvalidArgument, "AREA_INVALID"},
      {R"j({"code":"01","successors":["ADM-2025:77"]})j", Code::kNotFound, "AREA_UNKNOWN"},
      {R"j({"code":"01","predecessors":["'; DROP TABLE lienthong.area"]})j", Code::kNotFound, "AREA_UNKNOWN"},
  };
  for (const auto& [wrong, code, reason] : cases) {
    CAPTURE(wrong);
    REQUIRE_ERROR(import(kHeader, {R"j({"code":"91","name":"X","wkt":"POLYGON ((1 1,2 1,2 2,1 1))"})j", wrong}), code,
                  reason);
    CHECK(stored_areas() == before);
  }
  const auto crossed = import(kHeader, {R"j({"code":"01","wkt":"POLYGON ((0 0,2 2,2 0,0 2,0 0))"})j"}).status();
  CHECK(contains(message_of(crossed), "area ADM-2025:01: Self-intersection at 1 1"));
  REQUIRE_ERROR(import(R"j({"list":"ADM-2025"})j", {kAnGiang}), Code::kInvalidArgument, "CRS_UNKNOWN");
  REQUIRE_ERROR(import(R"j({"list":"ADM-2025","crs":"EPSG:6957"})j", {kAnGiang}), Code::kInvalidArgument,
                "CRS_DEPRECATED");
  REQUIRE_ERROR(import(R"j({"list":"ADM-2025","crs":"EPSG:9210"})j",
                       {R"j({"code":"01","geojson":{"type":"Polygon","coordinates":[]}})j"}),
                Code::kInvalidArgument, "GEOJSON_NEEDS_WGS84");
  REQUIRE_ERROR(import(R"j({"list":"ADM-2025","crs":"EPSG:9210"})j", {kAnGiang}), Code::kInvalidArgument,
                "COORDINATES_IMPLAUSIBLE");
  REQUIRE_ERROR(import(R"j({"list":"NONE","crs":"EPSG:4326"})j", {kAnGiang}), Code::kNotFound, "AREA_LIST_UNKNOWN");
  REQUIRE_ERROR(import(kHeader, {}), Code::kInvalidArgument, "AREA_INVALID");
  CHECK(stored_areas() == before);
}

TEST_CASE_METHOD(AreasFixture, "an import out of order, too large or cut off has no effect") {
  const std::string before = stored_areas();
  v1::ImportAreasRequest header, one, nothing;
  *header.mutable_header() = from_json<v1::ImportAreasHeader>(kHeader);
  *one.mutable_area() = from_json<v1::Area>(kAnGiang);
  REQUIRE_ERROR(import(std::vector<v1::ImportAreasRequest>{}), Code::kInvalidArgument, "PART_MISSING");
  REQUIRE_ERROR(import({one}), Code::kInvalidArgument, "PART_MISSING");
  REQUIRE_ERROR(import({header, header}), Code::kInvalidArgument, "PART_MISSING");
  REQUIRE_ERROR(import({header, nothing, one}), Code::kInvalidArgument, "PART_MISSING");
  v1::ImportAreasRequest large;
  large.mutable_area()->set_code("01");
  large.mutable_area()->set_wkb(must(geo::parse_wkt(circle(200'000))).wkb);
  REQUIRE_ERROR(import({header, large}), Code::kResourceExhausted, "GEOMETRY_TOO_LARGE");
  // 30 of 2.4 MiB are over 64 MiB.
  std::vector<v1::ImportAreasRequest> many{header};
  large.mutable_area()->set_wkb(must(geo::parse_wkt(circle(150'000))).wkb);
  for (int i = 0; i < 30; ++i) {
    large.mutable_area()->set_code(std::to_string(i));
    many.push_back(large);
  }
  REQUIRE_ERROR(import(many), Code::kResourceExhausted, "AREA_IMPORT_TOO_LARGE");
  {
    v1::ImportAreasResponse response;
    const auto call = context("operator");
    const auto stream = catalog_->ImportAreas(call.get(), &response);
    CHECK(stream->Write(header));
    CHECK(stream->Write(one));
    call->TryCancel();
    CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  }
  CHECK(must(import({header, one})).changed() == 1);
  CHECK(stored_areas() != before);
  CHECK(count("SELECT count(*) FROM lienthong.area_polygon") == 1);
}

TEST_CASE_METHOD(AreasFixture, "communes of another list come with level, validity and what they were") {
  const auto made = must(
      import(R"j({"list":"COMMUNES","crs":"EPSG:4326","level":"commune"})j",
             {R"j({"code":"30355","name":"Xã A","kind":"xã","validTo":"2025-06-30","successors":["COMMUNES:30400"]})j",
              R"j({"code":"30358","name":"Xã B","kind":"xã","validTo":"2025-06-30","successors":["COMMUNES:30400"]})j",
              R"j({"code":"30400","name":"Xã C","validFrom":"2025-07-01","predecessors":["ADM-2004:89"],
           "wkt":"POLYGON Z ((105 10 1,106 10 2,106 11 3,105 10 1))"})j"}));
  CHECK(made.created() == 3);
  CHECK(made.areas(2).version() == 1);
  const auto unit = must(area(R"j({"area":"COMMUNES:30400","polygon":"POLYGON_FORM_WKT"})j"));
  CHECK(unit.level() == "commune");
  CHECK(unit.valid_from() == "2025-07-01");
  REQUIRE(unit.predecessors_size() == 3);
  CHECK(unit.predecessors(0) == "ADM-2004:89");
  CHECK(unit.predecessors(2) == "COMMUNES:30358");
  CHECK(unit.wkt() == "POLYGON Z ((105 10 1, 106 10 2, 106 11 3, 105 10 1))");
}

TEST_CASE_METHOD(AreasFixture, "the generated areas are imported as they are, by the client") {
  const auto client = must(client::Client::connect({.endpoint = exchange_->address(), .organisation = "operator"}));
  const auto samples = sources::sample_areas();
  std::size_t at = 0;
  const auto next = [&](v1::Area& out) -> absl::StatusOr<bool> {
    if (at == samples.size()) return false;
    out.set_code(samples[at].code);
    out.set_name(samples[at].name);
    out.set_wkb(samples[at].polygon.wkb);
    ++at;
    return true;
  };
  const auto imported = must(client.import_areas(from_json<v1::ImportAreasHeader>(kHeader), next));
  CHECK(imported.changed() == 34);
  for (const auto& sample : samples) {
    v1::GetAreaRequest request;
    request.set_area("ADM-2025:" + sample.code);
    request.set_polygon(v1::POLYGON_FORM_WKB);
    CHECK(must(client.get_area(request)).wkb() == sample.polygon.wkb);
  }
  // An error of the source ends the import, and nothing of it is kept.
  const std::string before = stored_areas();
  int given = 0;
  const auto broken = client.import_areas(from_json<v1::ImportAreasHeader>(kHeader), [&](v1::Area& out) {
    out = from_json<v1::Area>(kAnGiang);
    return ++given < 2 ? absl::StatusOr<bool>(true) : absl::DataLossError("the file is cut off");
  });
  CHECK(broken.status().code() == Code::kDataLoss);
  CHECK(stored_areas() == before);
  int listed = 0;
  must(client.list_areas("ADM-2025", [&](const v1::Area& unit) { return ++listed < 40 && unit.version() == 1; }));
  CHECK(listed == 34);
  CHECK(must(client.list_area_lists()).size() == 2);
}

}  // namespace
}  // namespace lt::test
