// Reading through views over a real exchange: areas, filters, columns and coordinates, cursors and resuming.
#include <algorithm>

#include <fmt/format.h>

#include "exchange_support.hpp"
#include "feature/record.hpp"
#include "feature/token.hpp"
#include "geo/geometry.hpp"
#include "storage/areas.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;

// Points of test.points stand at 500000 + x, 2000000.
constexpr char kWest[] =
    R"j("area_wkt":"POLYGON ((500000 1999000, 500100 1999000, 500100 2001000, 500000 2001000, 500000 1999000))")j";

std::string ops_of(const Answer<v1::DiffEntry>& answer) {
  std::string text;
  for (const auto& entry : answer.entries) {
    text += fmt::format("{} {}; ", v1::EntryOp_Name(entry.op()).substr(std::string("ENTRY_OP_").size()),
                        entry.feature().id());
  }
  return text;
}

std::string diff_json(const std::string& rest) { return R"({"dataset":"test.points",)" + rest + "}"; }

/// The polygon of an area that is in the list already.
void import_area(ExchangeFixture& exchange, const std::string& code, const std::string& wkt, int epsg) {
  pg::ConnectOptions options;
  options.url = exchange.database_.url();
  pg::Pool pool(options, 1);
  storage::AreaDraft draft;
  draft.code = code;
  draft.polygon = must(geo::parse_wkt(wkt));
  storage::AreaImport import;
  import.organisation = "operator";
  import.list = "ADM-2025";
  import.epsg = epsg;
  import.areas = {draft};
  must(storage::Areas(pool).put_areas(import));
}

TEST_CASE("a diff through an area tells what entered, changed, left, came and went") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("stays", 10), upsert_point("leaves", 20), upsert_point("enters", 900),
                         upsert_point("goes", 30), upsert_point("outside", 901), upsert_point("same", 40)}));
  must(exchange.publish({upsert_point("stays", 11), upsert_point("leaves", 902), upsert_point("enters", 21),
                         delete_of("goes"), upsert_point("comes", 50), upsert_point("outside", 903)}));
  const auto answer = must(exchange.diff(diff_json(
      R"("from_version":1,"include_before":true,"form":"FEATURE_FORM_WKT","view":{)" + std::string(kWest) + "}")));
  CHECK(ops_of(answer) == "INSERT comes; ENTER enters; DELETE goes; LEAVE leaves; UPDATE stays; ");
  CHECK_FALSE(answer.header.view_revision().empty());
  for (const auto& entry : answer.entries) {
    INFO(entry.feature().id());
    const bool gone = entry.op() == v1::ENTRY_OP_LEAVE || entry.op() == v1::ENTRY_OP_DELETE;
    CHECK(entry.feature().wkt().empty() == gone);  // the state outside is never sent
    const bool was = gone || entry.op() == v1::ENTRY_OP_UPDATE;
    CHECK(entry.before().wkt().empty() != was);
  }
  const auto changes = must(exchange.changes(diff_json(R"("view":{)" + std::string(kWest) + "}")));
  CHECK(changes.entries.size() == 4 + 5);
  const auto snapshot = must(exchange.snapshot(diff_json(R"("version":2,"view":{)" + std::string(kWest) + "}")));
  CHECK(snapshot.entries.size() == 4);
}

TEST_CASE("a cursor keeps its view, and leads to another one when the request names it") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 10, 1), upsert_point("b", 20, 5), upsert_point("c", 900, 5)}));
  const auto first = must(exchange.diff(diff_json(R"("view":{"filter":"lanes > 3"})")));
  CHECK(ops_of(first) == "INSERT b; INSERT c; ");
  must(exchange.publish({upsert_point("a", 10, 7), upsert_point("b", 20, 2)}));

  const auto next = must(exchange.diff(diff_json(R"("cursor":")" + first.end.cursor() + R"(")")));
  CHECK(ops_of(next) == "ENTER a; LEAVE b; ");
  CHECK(next.header.view_revision() == first.header.view_revision());
  CHECK(next.header.from_view_revision().empty());

  const auto other =
      must(exchange.diff(diff_json(R"("cursor":")" + next.end.cursor() + R"(","view":{)" + kWest + "}")));
  CHECK(ops_of(other) == "ENTER b; LEAVE c; ");  // a is in both
  CHECK(other.header.from_view_revision() == first.header.view_revision());

  const auto everything = must(exchange.diff(diff_json(R"("cursor":")" + other.end.cursor() + R"(","view":{})")));
  CHECK(ops_of(everything) == "ENTER c; ");
  CHECK(everything.header.view_revision().empty());

  const auto refused = exchange.changes(diff_json(R"("cursor":")" + other.end.cursor() + R"(","view":{})"));
  CHECK(error_reason(refused.status()) == "CURSOR_OTHER_VIEW");
}

TEST_CASE("only the columns of a view are sent, and changes of others do not show") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 10, 1, "old"), upsert_point("b", 20, 1, "old")}));
  must(exchange.publish({upsert_point("a", 10, 1, "new"), upsert_point("b", 20, 2, "new")}));
  const auto answer = must(exchange.diff(diff_json(R"("from_version":1,"view":{"columns":["lanes"]})")));
  REQUIRE(ops_of(answer) == "UPDATE b; ");
  const auto& properties = answer.entries[0].feature().properties().fields();
  CHECK(properties.size() == 1);
  CHECK(properties.contains("lanes"));
  const auto record =
      must(exchange.snapshot(diff_json(R"("form":"FEATURE_FORM_RECORD","view":{"columns":["lanes"]})")));
  CHECK(must(feature::decode_record(record.entries[0].record())).state.properties.size() == 1);
}

TEST_CASE("geometries come in the CRS that was asked for, by one operation that the header names") {
  ExchangeFixture exchange;
  must(exchange.publish(
      exchange.header("test.world"),
      {change(R"j({"op":"OPERATION_UPSERT","feature":{"id":"hcm","wkt":"POINT (106.7009 10.7769)"}})j")}));
  const auto answer =
      must(exchange.snapshot(R"({"dataset":"test.world","form":"FEATURE_FORM_WKT","view":{"crs":"EPSG:9210"}})"));
  CHECK(answer.header.crs() == "EPSG:9210");
  CHECK(answer.header.operation() == "EPSG:6960");
  const auto place = must(geo::parse_wkt(answer.entries[0].wkt()));
  CHECK(place.box.x1 == Approx(603797.2607).margin(0.001));
  CHECK(place.box.y1 == Approx(1191942.3050).margin(0.001));
  const auto exact =
      must(exchange.snapshot(R"({"dataset":"test.world","form":"FEATURE_FORM_RECORD","view":{"crs":"EPSG:9210"}})"));
  CHECK(must(feature::decode_record(exact.entries[0].record())).state.geometry->wkb == place.wkb);
  const auto one =
      must(exchange.feature(R"({"dataset":"test.world","id":"hcm","form":"FEATURE_FORM_WKT","crs":"EPSG:9210"})"));
  CHECK(one.feature().wkt() == answer.entries[0].wkt());
  CHECK(one.crs() == "EPSG:9210");
  const auto refused = exchange.snapshot(R"({"dataset":"test.world","view":{"crs":"EPSG:9210"}})");
  CHECK(error_reason(refused.status()) == "FORM_NEEDS_WGS84");
}

TEST_CASE("an area of the catalog is seen in the version that it had when an answer began") {
  ExchangeFixture exchange;
  import_area(exchange, "91", "POLYGON ((105 10, 106 10, 106 11, 105 11, 105 10))", 4326);
  std::vector<v1::Change> changes;
  for (int i = 0; i < 40; ++i) {
    changes.push_back(change(fmt::format(
        R"j({{"op":"OPERATION_UPSERT","feature":{{"id":"f{:02}","wkt":"POINT ({} 10.5)"}}}})j", i, 105 + i * 0.05)));
  }
  must(exchange.publish(exchange.header("test.world"), changes));
  const std::string request = R"({"dataset":"test.world","view":{"area":"ADM-2025:91"})";
  const auto first = must(exchange.diff(request + "}"));
  CHECK(first.header.area_version() == 1);
  CHECK(first.entries.size() == 21);  // the borders belong to it

  import_area(exchange, "91", "POLYGON ((105.5 10, 106.5 10, 106.5 11, 105.5 11, 105.5 10))", 4326);
  // The cursor's view is what it was; the same reference now is another polygon, so a change of view.
  const auto same = must(exchange.diff(R"({"dataset":"test.world","cursor":")" + first.end.cursor() + R"("})"));
  CHECK(same.entries.empty());
  CHECK(same.header.area_version() == 1);
  const auto moved = must(exchange.diff(request + R"(,"cursor":")" + first.end.cursor() + R"("})"));
  CHECK(moved.header.area_version() == 2);
  CHECK(std::count_if(moved.entries.begin(), moved.entries.end(),
                      [](const auto& e) { return e.op() == v1::ENTRY_OP_ENTER; }) == 10);
  CHECK(std::count_if(moved.entries.begin(), moved.entries.end(),
                      [](const auto& e) { return e.op() == v1::ENTRY_OP_LEAVE; }) == 10);
}

TEST_CASE("an answer through a view is resumed as it was, also when its area has a newer polygon") {
  auto config = exchange_config();
  config.stream_chunk_bytes = 1;  // one entry a message, so that each has a token
  ExchangeFixture exchange(config);
  import_area(exchange, "91", "POLYGON ((105 10, 106 10, 106 11, 105 11, 105 10))", 4326);
  std::vector<v1::Change> changes;
  for (int i = 0; i < 8; ++i) {
    changes.push_back(change(fmt::format(
        R"j({{"op":"OPERATION_UPSERT","feature":{{"id":"f{}","wkt":"POINT ({} 10.5)"}}}})j", i, 105.1 + i * 0.1)));
  }
  must(exchange.publish(exchange.header("test.world"), changes));
  auto request = from_json<v1::StreamDiffRequest>(R"({"dataset":"test.world","view":{"area":"ADM-2025:91"}})");
  std::vector<std::string> tokens;
  {
    const auto call = ExchangeFixture::context("environment");
    const auto reader = exchange.stub_->StreamDiff(call.get(), request);
    v1::StreamDiffResponse response;
    while (reader->Read(&response)) {
      if (response.has_entries()) tokens.push_back(response.entries().resume_token());
    }
    REQUIRE(reader->Finish().ok());
  }
  REQUIRE(tokens.size() == 8);
  import_area(exchange, "91", "POLYGON ((1 1, 2 1, 2 2, 1 1))", 4326);
  request.set_resume_token(tokens[2]);
  const auto rest = must(exchange.diff(request));
  CHECK(rest.entries.size() == 5);
  CHECK(rest.header.area_version() == 1);
  request.mutable_view()->set_filter("number > 1");
  CHECK(error_reason(exchange.diff(request).status()) == "TOKEN_OTHER_REQUEST");
  request.clear_view();
  CHECK(error_reason(exchange.diff(request).status()) == "TOKEN_OTHER_REQUEST");
}

TEST_CASE("a view that cannot be is refused with what to do") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 10, 1)}));
  const auto reason = [&](const std::string& view) {
    const auto answer = exchange.diff(diff_json(R"("view":{)" + view + "}"));
    INFO(view << ": " << answer.status().ToString());
    CHECK(answer.status().code() != Code::kInternal);
    return error_reason(answer.status());
  };
  CHECK(reason(R"("area":"91")") == "AREA_AMBIGUOUS");
  CHECK(reason(R"("area":"An Giang")") == "AREA_AMBIGUOUS");
  CHECK(reason(R"("area":"ADM-2025:00")") == "AREA_UNKNOWN");
  CHECK(reason(R"("area":"ADM-2025:91")") == "AREA_WITHOUT_POLYGON");
  CHECK(reason(R"("area":"ADM-2025:91","area_wkt":"POLYGON EMPTY")") == "VIEW_AREA_INVALID");
  CHECK(reason(R"("area_wkt":"POLYGON EMPTY")") == "VIEW_AREA_INVALID");
  CHECK(reason(R"j("area_wkt":"POINT (1 1)")j") == "VIEW_AREA_INVALID");
  CHECK(reason(R"j("area_wkt":"POLYGON ((0 0, 2 2, 2 0, 0 2, 0 0))")j") == "VIEW_AREA_INVALID");
  CHECK(reason(R"j("area_wkt":"SRID=1;POLYGON ((0 0, 2 0, 2 2, 0 0))")j") == "CRS_UNKNOWN");
  CHECK(reason(R"("filter":"lane > 1")") == "FILTER_UNKNOWN_PROPERTY");
  CHECK(reason(R"("filter":"lanes >")") == "FILTER_SYNTAX");
  CHECK(reason(R"("columns":["lane"])") == "UNKNOWN_FIELD");
  CHECK(reason(R"("crs":"EPSG:6957")") == "CRS_DEPRECATED");
  const auto overflow = exchange.diff(diff_json(R"("view":{"filter":"lanes * 9223372036854775807 * 3 > 1"})"));
  CHECK(error_reason(overflow.status()) == "FILTER_OVERFLOW");
}

TEST_CASE("a filter with Vietnamese text, and an area in WGS 84 over a dataset in VN-2000") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 10, 1, "Đường số 1"), upsert_point("b", 20, 1, "Dương")}));
  const auto named = must(exchange.diff(diff_json(R"("view":{"filter":"name LIKE 'Đường%'"})")));
  CHECK(ops_of(named) == "INSERT a; ");
  // EPSG:5897 500000 2000000 is near 105° E, 18.08° N.
  const auto placed = must(exchange.diff(diff_json(
      R"j("view":{"area_wkt":"SRID=4326;POLYGON ((104.9 18, 105.1 18, 105.1 18.2, 104.9 18.2, 104.9 18))"})j")));
  CHECK(placed.entries.size() == 2);
  const auto elsewhere = must(exchange.diff(diff_json(
      R"j("view":{"area_wkt":"SRID=4326;POLYGON ((105.1 18, 105.3 18, 105.3 18.2, 105.1 18.2, 105.1 18))"})j")));
  CHECK(elsewhere.entries.empty());
}

}  // namespace
}  // namespace lt::test
