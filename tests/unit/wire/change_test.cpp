#include "wire/change.hpp"

#include <cmath>
#include <limits>

#include "wire/json.hpp"
#include "wire_support.hpp"

namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;
using lt::feature::ChangeOp;
using lt::wire::ChangeDecoder;
using lt::wire::IncomingChange;
using lt::wire_test::every_type;
using lt::wire_test::from_text;
using lt::wire_test::metadata_of;
using lt::wire_test::says;

constexpr char kDataset[] = "EPSG:9210";

ChangeDecoder decoder_for(const std::string& crs) {
  if (crs.empty()) return {every_type(""), nullptr, {}};
  const auto found = lt::geo::find_crs(crs);
  REQUIRE(found.ok());
  return {every_type(crs), &*found, {}};
}

absl::StatusOr<IncomingChange> decode(const std::string& change, const std::string& crs = kDataset) {
  return decoder_for(crs).decode(from_text<v1::Change>(change));
}

// An UPSERT of feature "7" with these properties.
absl::StatusOr<IncomingChange> decode_properties(const std::string& properties) {
  return decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","properties":)j" + properties + "}}");
}

absl::StatusOr<IncomingChange> decode_record(const std::string& record, const std::string& crs = kDataset) {
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id("7");
  change.mutable_feature()->set_record(record);
  return decoder_for(crs).decode(change);
}

void check_error(const absl::Status& status, const std::string& reason, const std::string& id,
                 const std::string& field = "(absent)", StatusCode code = StatusCode::kInvalidArgument) {
  INFO(lt::message_of(status));
  CHECK(status.code() == code);
  CHECK(lt::error_reason(status) == reason);
  CHECK(metadata_of(status, "feature_id") == id);
  CHECK(metadata_of(status, "field") == field);
  const auto detail = lt::error_detail(status);
  REQUIRE(detail);
  REQUIRE(detail->violations.size() == 1);
  CHECK(says(status, detail->violations[0].description));
}

TEST_CASE("a change in WKT with properties is read by the schema") {
  const auto change = decode(R"j({"op":"OPERATION_UPDATE","baseVersion":"5","feature":{"id":"QL1-7","version":"99",
      "wkt":"POINT (500000 1200000)","properties":{"name":"Quốc lộ 1","lanes":4,"open":null}}})j");
  REQUIRE(change.ok());
  CHECK(change->op == ChangeOp::kUpdate);
  CHECK(change->id == "QL1-7");
  CHECK(change->base_version == 5);
  CHECK(change->state.geometry == lt::geo::parse_wkt("POINT (500000 1200000)").value());
  CHECK(change->state.properties ==
        std::map<std::int32_t, lt::feature::Value>{{1, std::string("Quốc lộ 1")}, {2, std::int64_t{4}}});
}

TEST_CASE("a change in WKB may carry the SRID of the dataset") {
  const auto point = lt::geo::parse_wkt("POINT Z (1 2 3)");
  v1::Change change;
  change.set_op(v1::OPERATION_INSERT);
  change.mutable_feature()->set_id("1");
  change.mutable_feature()->set_wkb(lt::geo::to_ewkb(*point, 9210));
  const auto read = decoder_for(kDataset).decode(change);
  REQUIRE(read.ok());
  CHECK(*read->state.geometry == *point);
  CHECK_FALSE(read->base_version.has_value());
}

TEST_CASE("a dataset in EPSG:4326 takes GeoJSON, longitude first, with every bit") {
  const auto read = decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"1",
      "geojson":{"type":"LineString","coordinates":[[105.80000000000001,21.1,5],[106,-0.1,1e-7]]}}})j",
                           "EPSG:4326");
  REQUIRE(read.ok());
  CHECK(*read->state.geometry == *lt::geo::parse_wkt("LINESTRING Z (105.80000000000001 21.1 5, 106 -0.1 1e-7)"));
}

TEST_CASE("a change without geometry and properties is a state of nulls") {
  const auto read = decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"1"}})j");
  REQUIRE(read.ok());
  CHECK(read->state == lt::feature::State());
}

TEST_CASE("a change in record form gives the state of the record") {
  lt::feature::State state;
  state.geometry = *lt::geo::parse_wkt("POINT (1 2)");
  state.properties = {{2, std::int64_t{1} << 60}, {3, -0.0}};
  const auto read = decode_record(lt::feature::encode_record(2, state));
  REQUIRE(read.ok());
  CHECK(read->state == state);
  CHECK(std::signbit(std::get<double>(read->state.properties.at(3))));
}

TEST_CASE("of a delete only the id and the base version are read") {
  const auto read = decode(R"j({"op":"OPERATION_DELETE","baseVersion":"0","feature":{"id":"1","wkt":"NONSENSE",
      "record":"AAAA","properties":{"unknown":1}}})j");
  REQUIRE(read.ok());
  CHECK(read->op == ChangeOp::kDelete);
  CHECK(read->base_version == 0);
  CHECK(read->state == lt::feature::State());
}

TEST_CASE("a change without a known operation is refused") {
  check_error(decode(R"j({"feature":{"id":"7"}})j").status(), "OPERATION_MISSING", "7");
  check_error(decode(R"j({"op":17,"feature":{"id":"7"}})j").status(), "OPERATION_MISSING", "7");
}

TEST_CASE("a change without a feature is refused") {
  check_error(decode(R"j({"op":"OPERATION_DELETE"})j").status(), "FEATURE_MISSING", "");
}

TEST_CASE("a bad id keeps its own reason") {
  check_error(decode(R"j({"op":"OPERATION_DELETE","feature":{}})j").status(), "FEATURE_ID_MISSING", "");
  check_error(decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"a\tb"}})j").status(), "FEATURE_ID_INVALID", "a?b");
  const std::string longest(128, 'x');
  CHECK(decode(R"j({"op":"OPERATION_DELETE","feature":{"id":")j" + longest + R"j("}})j").ok());
  check_error(decode(R"j({"op":"OPERATION_DELETE","feature":{"id":")j" + longest + R"j(x"}})j").status(),
              "FEATURE_ID_TOO_LONG", longest + "…");
}

TEST_CASE("a negative base version is refused") {
  check_error(decode(R"j({"op":"OPERATION_DELETE","baseVersion":"-1","feature":{"id":"7"}})j").status(),
              "BASE_VERSION_INVALID", "7");
}

TEST_CASE("a record together with a geometry or properties is refused") {
  const std::string rest =
      GENERATE(R"j("wkt":"POINT EMPTY")j", R"j("wkb":"AA==")j", R"j("geojson":{})j", R"j("properties":{})j");
  check_error(decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","record":"AAAA",)j" + rest + "}}").status(),
              "FEATURE_FORM_MIXED", "7");
}

TEST_CASE("a geometry stays as it was sent and says its CRS") {
  const auto geojson = from_text<v1::Change>(
      R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","geojson":{"type":"Point","coordinates":[105,21]}}})j");
  const auto wkt =
      from_text<v1::Change>(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","wkt":"SRID=3405;POINT (1 2)"}})j");
  const ChangeDecoder decoder = decoder_for(kDataset);
  CHECK(decoder.decode(geojson)->epsg == 4326);
  CHECK(decoder.decode(geojson)->state.geometry == lt::geo::parse_wkt("POINT (105 21)").value());
  CHECK(decoder.in_crs(4326).decode(geojson)->epsg == 4326);
  CHECK(decoder.in_crs(3405).decode(wkt)->epsg == 3405);
  CHECK(decoder.in_crs(3405).decode(wkt)->state.geometry == lt::geo::parse_wkt("POINT (1 2)").value());
  check_error(decoder.decode(wkt).status(), "SRID_MISMATCH", "7", "geometry");
  CHECK(decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7"}})j")->epsg == 0);
  lt::feature::State state;
  state.geometry = *lt::geo::parse_wkt("POINT (1 2)");
  CHECK(decode_record(lt::feature::encode_record(1, state))->epsg == 9210);
}

TEST_CASE("GeoJSON and records do not go with another CRS in the header") {
  const auto geojson = from_text<v1::Change>(
      R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","geojson":{"type":"Point","coordinates":[105,21]}}})j");
  const auto status = decoder_for(kDataset).in_crs(9210).decode(geojson).status();
  check_error(status, "GEOJSON_NEEDS_WGS84", "7", "geometry");
  CHECK(says(status, "send wkt or wkb in EPSG:9210"));
  check_error(decoder_for("EPSG:4326").in_crs(3405).decode(geojson).status(), "GEOJSON_NEEDS_WGS84", "7", "geometry");
  v1::Change record;
  record.set_op(v1::OPERATION_UPSERT);
  record.mutable_feature()->set_id("7");
  record.mutable_feature()->set_record(lt::feature::encode_record(1, {}));
  check_error(decoder_for(kDataset).in_crs(3405).decode(record).status(), "RECORD_IN_OTHER_CRS", "7");
  CHECK(decoder_for(kDataset).in_crs(9210).decode(record).ok());
}

TEST_CASE("a geometry for a dataset without one is refused in every form") {
  check_error(decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","wkt":"POINT (1 2)"}})j", "").status(),
              "GEOMETRY_NOT_ALLOWED", "7", "geometry");
  lt::feature::State state;
  state.geometry = *lt::geo::parse_wkt("POINT (1 2)");
  check_error(decode_record(lt::feature::encode_record(1, state), "").status(), "GEOMETRY_NOT_ALLOWED", "7",
              "geometry");
}

TEST_CASE("a bad geometry keeps its own reason") {
  const auto wkt = [](const std::string& text) {
    return decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","wkt":")j" + text + "\"}}").status();
  };
  check_error(wkt("PUNKT (1 2)"), "GEOMETRY_MALFORMED", "7", "geometry");
  check_error(wkt("POLYGON ((0 0, 1 0, 1 1, 0 1))"), "GEOMETRY_NOT_CLOSED", "7", "geometry");
  check_error(wkt("POINT (nan 1)"), "GEOMETRY_NOT_FINITE", "7", "geometry");
  check_error(wkt("CIRCULARSTRING (0 0, 1 1, 2 0)"), "GEOMETRY_CURVE", "7", "geometry");
  check_error(wkt("SRID=4326;POINT (1 2)"), "SRID_MISMATCH", "7", "geometry");
  check_error(decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","wkb":"AAEC"}})j").status(), "GEOMETRY_MALFORMED",
              "7", "geometry");
  check_error(
      decode(R"j({"op":"OPERATION_UPSERT","feature":{"id":"7","geojson":{"type":"Point"}}})j", "EPSG:4326").status(),
      "GEOMETRY_MALFORMED", "7", "geometry");
}

TEST_CASE("GeoJSON with a number that is not finite is refused") {
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id("7");
  auto& members = *change.mutable_feature()->mutable_geojson()->mutable_fields();
  members["type"].set_string_value("Point");
  members["coordinates"].mutable_list_value()->add_values()->set_number_value(std::nan(""));
  check_error(decoder_for("EPSG:4326").decode(change).status(), "VALUE_NOT_FINITE", "7", "geometry");
}

TEST_CASE("the limits of geometries hold in every form") {
  const auto crs = lt::geo::find_crs(kDataset);
  REQUIRE(crs.ok());
  lt::geo::GeometryLimits limits;
  limits.max_vertices = 2;
  const ChangeDecoder decoder(every_type(kDataset), &*crs, limits);
  for (const bool as_record : {false, true}) {
    v1::Change change;
    change.set_op(v1::OPERATION_UPSERT);
    change.mutable_feature()->set_id("7");
    const auto set = [&](const std::string& wkt) {
      lt::feature::State state;
      state.geometry = *lt::geo::parse_wkt(wkt);
      if (as_record) change.mutable_feature()->set_record(lt::feature::encode_record(1, state));
      if (!as_record) change.mutable_feature()->set_wkt(wkt);
    };
    set("LINESTRING (0 0, 1 1)");
    CHECK(decoder.decode(change).ok());
    set("LINESTRING (0 0, 1 1, 2 2)");
    check_error(decoder.decode(change).status(), "GEOMETRY_TOO_LARGE", "7", "geometry", StatusCode::kResourceExhausted);
  }
}

TEST_CASE("an unknown property is refused and the nearest known one is named") {
  const auto status = decode_properties(R"j({"name":"x","lane":4})j").status();
  check_error(status, "UNKNOWN_FIELD", "7", "lane");
  CHECK(says(status, "'lanes'"));
  CHECK(says(status, "revision 3"));
}

TEST_CASE("an unknown property far from every known one gets the list") {
  const auto status = decode_properties(R"j({"zzzzzz":4})j").status();
  check_error(status, "UNKNOWN_FIELD", "7", "zzzzzz");
  CHECK(says(status, "known fields are 'name', 'lanes'"));
  CHECK(says(status, "and 2 more"));
}

TEST_CASE("of several unknown properties always the same one is named") {
  check_error(decode_properties(R"j({"y":1,"x":1,"z":1})j").status(), "UNKNOWN_FIELD", "7", "x");
}

TEST_CASE("an unknown property of any length is answered with a short error") {
  const auto status = decode_properties("{\"" + std::string(1'000'000, 'n') + "\":4}").status();
  CHECK(lt::error_reason(status) == "UNKNOWN_FIELD");
  CHECK(metadata_of(status, "field").size() < 200);
  CHECK(lt::message_of(status).size() < 1000);
}

TEST_CASE("a value of the wrong type keeps its reason and names its field") {
  check_error(decode_properties(R"j({"name":1})j").status(), "VALUE_WRONG_TYPE", "7", "name");
  check_error(decode_properties(R"j({"lanes":1.5})j").status(), "VALUE_WRONG_TYPE", "7", "lanes");
  check_error(decode_properties(R"j({"lanes":"four"})j").status(), "VALUE_WRONG_TYPE", "7", "lanes");
  check_error(decode_properties(R"j({"price":1})j").status(), "VALUE_WRONG_TYPE", "7", "price");
  check_error(decode_properties(R"j({"aliases":["a",1]})j").status(), "VALUE_WRONG_TYPE", "7", "aliases");
  check_error(decode_properties(R"j({"built":"yesterday"})j").status(), "VALUE_WRONG_TYPE", "7", "built");
}

TEST_CASE("an int64 sent as a number must be exact") {
  CHECK(decode_properties(R"j({"lanes":9007199254740991})j").ok());
  check_error(decode_properties(R"j({"lanes":9007199254740992})j").status(), "VALUE_OUT_OF_RANGE", "7", "lanes");
  const auto text = decode_properties(R"j({"lanes":"9223372036854775807"})j");
  REQUIRE(text.ok());
  CHECK(text->state.properties.at(2) == lt::feature::Value(std::numeric_limits<std::int64_t>::max()));
}

TEST_CASE("text with U+0000 is refused") {
  check_error(decode_properties(R"j({"name":"a\u0000b"})j").status(), "TEXT_HAS_NUL", "7", "name");
}

TEST_CASE("a number that is not finite is refused") {
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id("7");
  (*change.mutable_feature()->mutable_properties()->mutable_fields())["width"].set_number_value(std::nan(""));
  check_error(decoder_for(kDataset).decode(change).status(), "VALUE_NOT_FINITE", "7", "width");
}

TEST_CASE("a value nested too deep is refused") {
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id("7");
  auto* value = &(*change.mutable_feature()->mutable_properties()->mutable_fields())["extra"];
  for (int i = 0; i <= lt::wire::kMaxJsonDepth; ++i) value = value->mutable_list_value()->add_values();
  check_error(decoder_for(kDataset).decode(change).status(), "JSON_TOO_DEEP", "7", "extra");
}

TEST_CASE("a record that is no record is refused") {
  check_error(decode_record("x").status(), "RECORD_MALFORMED", "7");
  auto record = lt::feature::encode_record(1, {});
  check_error(decode_record(record + "x").status(), "RECORD_MALFORMED", "7");
}

TEST_CASE("a record of a revision that the dataset does not have is refused") {
  CHECK(decode_record(lt::feature::encode_record(3, {})).ok());
  check_error(decode_record(lt::feature::encode_record(4, {})).status(), "SCHEMA_REVISION_UNKNOWN", "7");
}

TEST_CASE("a record with a field that the schema does not have is refused") {
  lt::feature::State state;
  state.properties = {{11, std::string("x")}};
  check_error(decode_record(lt::feature::encode_record(1, state)).status(), "UNKNOWN_FIELD", "7", "#11");
}

TEST_CASE("a record with a value of another type than the schema's is refused") {
  lt::feature::State state;
  state.properties = {{2, std::string("4")}};
  check_error(decode_record(lt::feature::encode_record(1, state)).status(), "VALUE_WRONG_TYPE", "7", "lanes");
}

TEST_CASE("every operation and entry operation is the same after a round trip") {
  for (const auto op : {ChangeOp::kInsert, ChangeOp::kUpdate, ChangeOp::kUpsert, ChangeOp::kDelete}) {
    CHECK(*lt::wire::operation_from_proto(lt::wire::operation_to_proto(op)) == op);
  }
  using lt::feature::EntryOp;
  for (const auto op : {EntryOp::kInsert, EntryOp::kEnter, EntryOp::kUpdate, EntryOp::kLeave, EntryOp::kDelete}) {
    CHECK(*lt::wire::entry_op_from_proto(lt::wire::entry_op_to_proto(op)) == op);
  }
  const auto unknown = lt::wire::entry_op_from_proto(v1::ENTRY_OP_UNSPECIFIED);
  CHECK(unknown.status().code() == StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(unknown.status()) == "ENTRY_OP_UNKNOWN");
}

v1::PublishHeader full_header() {
  return from_text<v1::PublishHeader>(R"j({"dataset":"transport.road_segment","changesetId":"2026/11.1:a_b-c",
      "kind":"CHANGESET_KIND_SNAPSHOT","crs":"EPSG:9210","message":"Đợt 1","baseVersion":"0","allowMassDelete":true,
      "dryRun":true})j");
}

TEST_CASE("a header is the same after a round trip") {
  const auto header = lt::wire::header_from_proto(full_header());
  REQUIRE(header.ok());
  CHECK(header->kind == lt::feature::ChangesetKind::kSnapshot);
  CHECK(header->base_version == 0);
  CHECK(header->message == "Đợt 1");
  v1::PublishHeader back;
  lt::wire::header_to_proto(*header, &back);
  CHECK(google::protobuf::util::MessageDifferencer::Equals(back, full_header()));
}

TEST_CASE("a header needs only a dataset and a changeset id") {
  const auto header =
      lt::wire::header_from_proto(from_text<v1::PublishHeader>(R"j({"dataset":"a.b","changesetId":"1"})j"));
  REQUIRE(header.ok());
  CHECK(header->kind == lt::feature::ChangesetKind::kChanges);
  CHECK_FALSE(header->base_version.has_value());
  CHECK_FALSE(header->dry_run);
}

TEST_CASE("a header that is wrong is refused with its reason") {
  auto proto = full_header();
  std::string reason;
  SECTION("no dataset") {
    proto.clear_dataset();
    reason = "DATASET_MISSING";
  }
  SECTION("no changeset id") {
    proto.clear_changeset_id();
    reason = "CHANGESET_ID_INVALID";
  }
  SECTION("a changeset id with a space") {
    proto.set_changeset_id("a b");
    reason = "CHANGESET_ID_INVALID";
  }
  SECTION("a kind of the future") {
    proto.set_kind(static_cast<v1::ChangesetKind>(9));
    reason = "KIND_UNKNOWN";
  }
  SECTION("a message one byte too long") {
    proto.set_message(std::string(lt::wire::kMaxMessageBytes + 1, 'm'));
    reason = "MESSAGE_TOO_LONG";
  }
  SECTION("a message that is not UTF-8") {
    proto.set_message("\xff");
    reason = "TEXT_NOT_UTF8";
  }
  SECTION("a message with U+0000") {
    proto.set_message(std::string("a\0b", 3));
    reason = "TEXT_HAS_NUL";
  }
  SECTION("a negative base version") {
    proto.set_base_version(-1);
    reason = "BASE_VERSION_INVALID";
  }
  SECTION("a content hash that is none") {
    proto.set_content_sha256(std::string(64, 'g'));
    reason = "CONTENT_HASH_INVALID";
  }
  SECTION("a content hash cut short") {
    proto.set_content_sha256(std::string(62, 'a'));
    reason = "CONTENT_HASH_INVALID";
  }
  const auto header = lt::wire::header_from_proto(proto);
  CHECK(header.status().code() == StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(header.status()) == reason);
}

TEST_CASE("the longest message and a content hash pass") {
  auto proto = full_header();
  proto.set_message(std::string(lt::wire::kMaxMessageBytes, 'm'));
  proto.set_content_sha256(std::string(64, 'a'));
  CHECK(lt::wire::header_from_proto(proto).ok());
}

}  // namespace
