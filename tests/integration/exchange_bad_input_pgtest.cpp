// What the exchange refuses: each case by code, reason and, where one is to blame, feature and field; nothing is kept.
#include <cstring>
#include <limits>

#include "base/bytes.hpp"
#include "exchange_support.hpp"
#include "feature/receipt.hpp"
#include "geo/geometry.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;
constexpr Code kInvalid = Code::kInvalidArgument;

struct BadChange {
  const char* what;
  std::string json;  ///< of a Change
  const char* reason;
  const char* field = "";
  const char* feature_id = "f1";
  Code code = kInvalid;
};

std::string with_wkt(const std::string& wkt) {
  return R"({"op":"OPERATION_UPSERT","feature":{"id":"f1","wkt":")" + wkt + R"("}})";
}
std::string with_geojson(const std::string& geojson) {
  return R"({"op":"OPERATION_UPSERT","feature":{"id":"f1","geojson":)" + geojson + "}}";
}
std::string with_wkb(const std::string& hex) {
  return R"({"op":"OPERATION_UPSERT","feature":{"id":"f1","wkb":")" + to_base64(from_hex(hex).value()) + R"("}})";
}
/// A valid point with these properties.
std::string with_properties(const std::string& properties, const std::string& id = "f1") {
  return R"({"op":"OPERATION_UPSERT","feature":{"id":")" + id + R"j(","wkt":"POINT (500000 2000000)","properties":)j" +
         properties + "}}";
}

std::string repeated(const std::string& piece, int times) {
  std::string out;
  out.reserve(piece.size() * static_cast<std::size_t>(times));
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

std::string hex_of(double value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return to_hex(bytes);
}

/// Requires that each change alone is refused as said and that nothing is stored.
void require_refused(ExchangeFixture& exchange, const std::string& dataset, const std::vector<BadChange>& cases) {
  for (const auto& bad : cases) {
    INFO(bad.what);
    const std::string before = exchange.stored();
    const auto receipt = exchange.publish(exchange.header(dataset), {change(bad.json)});
    REQUIRE_ERROR(receipt, bad.code, bad.reason);
    CHECK(metadata_of(receipt.status(), "feature_id") == bad.feature_id);
    CHECK(metadata_of(receipt.status(), "field") == bad.field);
    CHECK_FALSE(metadata_of(receipt.status(), "attempt_id").empty());
    CHECK(exchange.stored() == before);
  }
}

TEST_CASE("properties that do not fit the schema are refused with feature and field") {
  ExchangeFixture exchange;
  require_refused(
      exchange, "test.points",
      {{"unknown field", with_properties(R"({"name":"a","lane":2})"), "UNKNOWN_FIELD", "lane"},
       {"text for a number", with_properties(R"({"name":"a","lanes":"two"})"), "VALUE_WRONG_TYPE", "lanes"},
       {"number for a text", with_properties(R"({"name":7})"), "VALUE_WRONG_TYPE", "name"},
       {"text for a list", with_properties(R"({"name":"a","tags":"a"})"), "VALUE_WRONG_TYPE", "tags"},
       {"required and absent", with_properties(R"({"lanes":2})"), "FIELD_REQUIRED", "name"},
       {"required and null", with_properties(R"({"name":null})"), "FIELD_REQUIRED", "name"},
       {"not in the code list", with_properties(R"({"name":"a","kind":"A"})"), "VALUE_NOT_ALLOWED", "kind"},
       {"item not in the code list", with_properties(R"({"name":"a","tags":["a","c"]})"), "VALUE_NOT_ALLOWED", "tags"},
       {"below the range", with_properties(R"({"name":"a","lanes":0})"), "VALUE_OUT_OF_RANGE", "lanes"},
       {"above the range", with_properties(R"({"name":"a","lanes":17})"), "VALUE_OUT_OF_RANGE", "lanes"},
       {"too long by one", with_properties(R"({"name":")" + std::string(21, 'x') + R"("})"), "VALUE_TOO_LONG", "name"},
       {"a fraction for an int64", with_properties(R"({"name":"a","big":1.5})"), "VALUE_WRONG_TYPE", "big"},
       {"2^53 as a number", with_properties(R"({"name":"a","big":9007199254740992})"), "VALUE_OUT_OF_RANGE", "big"},
       {"-2^53 as a number", with_properties(R"({"name":"a","big":-9007199254740992})"), "VALUE_OUT_OF_RANGE", "big"},
       {"2^63 as text", with_properties(R"({"name":"a","big":"9223372036854775808"})"), "VALUE_OUT_OF_RANGE", "big"},
       {"U+0000 in a text", with_properties(R"({"name":"a\u0000b"})"), "TEXT_HAS_NUL", "name"}});
  auto nan = upsert_point("f1", 0);
  (*nan.mutable_feature()->mutable_properties()->mutable_fields())["width"].set_number_value(
      std::numeric_limits<double>::quiet_NaN());
  const auto refused = exchange.publish({nan});
  REQUIRE_ERROR(refused, kInvalid, "VALUE_NOT_FINITE");
  CHECK(metadata_of(refused.status(), "field") == "width");
}

TEST_CASE("values at their limits are accepted") {
  ExchangeFixture exchange;
  const auto receipt = must(exchange.publish(
      {change(with_properties(R"({"name":")" + std::string(20, 'x') + R"(","lanes":16,"big":9007199254740991})")),
       change(with_properties(R"({"name":"","lanes":1,"big":"-9223372036854775808"})", std::string(128, 'i')))}));
  CHECK(receipt.counts().inserted() == 2);
}

TEST_CASE("ids that are missing, repeated, too long or unprintable are refused") {
  ExchangeFixture exchange;
  const std::string long_id(129, 'i');
  const std::string cut_id = std::string(128, 'i') + "…";  // metadata is cut
  require_refused(
      exchange, "test.points",
      {{"no id", with_properties(R"({"name":"a"})", ""), "FEATURE_ID_MISSING", "", ""},
       {"129 bytes", with_properties(R"({"name":"a"})", long_id), "FEATURE_ID_TOO_LONG", "", cut_id.c_str()},
       {"a control character", with_properties(R"({"name":"a"})", "a\\u0007"), "FEATURE_ID_INVALID", "", "a?"},
       {"no feature", R"({"op":"OPERATION_UPSERT"})", "FEATURE_MISSING", "", ""},
       {"no operation", R"({"feature":{"id":"f1"}})", "OPERATION_MISSING"},
       {"negative base_version", R"({"op":"OPERATION_DELETE","baseVersion":"-1","feature":{"id":"f1"}})",
        "BASE_VERSION_INVALID"}});
  const auto twice = exchange.publish({upsert_point("f1", 0), upsert_point("f2", 0), delete_of("f1")});
  REQUIRE_ERROR(twice, kInvalid, "DUPLICATE_ID");
  CHECK(message_of(twice.status()).find("'f1'") != std::string::npos);
  CHECK(must(exchange.dataset()).head() == 0);
}

TEST_CASE("geometries that are malformed, open, not finite or curved are refused in every form") {
  ExchangeFixture exchange;
  const std::string nan = hex_of(std::numeric_limits<double>::quiet_NaN());
  const std::string zero = hex_of(0);
  require_refused(
      exchange, "test.shapes",
      {{"WKB of nothing but its head", with_wkb("0101000000"), "GEOMETRY_MALFORMED", "geometry"},
       {"WKB with bytes after it", with_wkb("0101000000" + zero + zero + "00"), "GEOMETRY_MALFORMED", "geometry"},
       {"WKB that announces four billion vertices", with_wkb("0102000000ffffffff"), "GEOMETRY_MALFORMED", "geometry"},
       {"WKB with a NaN", with_wkb("0101000000" + zero + nan), "GEOMETRY_NOT_FINITE", "geometry"},
       {"WKB line of one vertex", with_wkb("010200000001000000" + zero + zero), "GEOMETRY_TOO_FEW_POINTS", "geometry"},
       {"WKB with another SRID", with_wkb("0101000020e6100000" + hex_of(500000) + hex_of(2000000)), "SRID_MISMATCH",
        "geometry"},
       {"WKB curve",
        with_wkb("0108000000"
                 "00000000"),
        "GEOMETRY_CURVE", "geometry"},
       {"WKT that is none", with_wkt("POINT (1"), "GEOMETRY_MALFORMED", "geometry"},
       {"empty WKT", with_wkt(""), "GEOMETRY_MALFORMED", "geometry"},
       {"WKT with a NaN", with_wkt("POINT (NaN 1)"), "GEOMETRY_NOT_FINITE", "geometry"},
       {"WKT beyond a double", with_wkt("POINT (1e400 1)"), "GEOMETRY_NOT_FINITE", "geometry"},
       {"WKT ring that is open", with_wkt("POLYGON ((0 0, 1 0, 1 1, 0 1))"), "GEOMETRY_NOT_CLOSED", "geometry"},
       {"WKT with another SRID", with_wkt("SRID=4326;POINT (500000 2000000)"), "SRID_MISMATCH", "geometry"},
       {"WKT curve", with_wkt("CIRCULARSTRING (0 0, 1 1, 2 0)"), "GEOMETRY_CURVE", "geometry"},
       {"WKT with mixed dimensions", with_wkt("LINESTRING (0 0, 1 1 1)"), "GEOMETRY_MIXED_DIMENSION", "geometry"},
       {"GeoJSON with latitude first to a dataset in VN-2000",
        with_geojson(R"({"type":"Point","coordinates":[21,105]})"), "COORDINATES_IMPLAUSIBLE", "geometry"}});
  require_refused(
      exchange, "test.world",
      {{"GeoJSON without coordinates", with_geojson(R"({"type":"Point"})"), "GEOMETRY_MALFORMED", "geometry"},
       {"GeoJSON of another type", with_geojson(R"({"type":"Feature","coordinates":[1,2]})"), "GEOMETRY_MALFORMED",
        "geometry"},
       {"GeoJSON with text for a number", with_geojson(R"({"type":"Point","coordinates":["1",2]})"),
        "GEOMETRY_MALFORMED", "geometry"},
       {"GeoJSON ring that is open", with_geojson(R"({"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]})"),
        "GEOMETRY_NOT_CLOSED", "geometry"},
       {"coordinates off the Earth", with_wkt("POINT (21 105)"), "COORDINATES_IMPLAUSIBLE", "geometry"}});
  auto nan_json = change(with_geojson(R"({"type":"Point","coordinates":[105,21]})"));
  auto& coordinates = (*nan_json.mutable_feature()->mutable_geojson()->mutable_fields())["coordinates"];
  coordinates.mutable_list_value()->mutable_values(0)->set_number_value(std::numeric_limits<double>::infinity());
  const auto refused = exchange.publish(exchange.header("test.world"), {nan_json});
  REQUIRE_ERROR(refused, kInvalid, "VALUE_NOT_FINITE");
  CHECK(metadata_of(refused.status(), "field") == "geometry");
}

TEST_CASE("geometries beyond a limit are refused in every form") {
  ExchangeFixture exchange;
  constexpr int kTooManyParts = (1 << 18) + 1;
  constexpr Code kTooMuch = Code::kResourceExhausted;
  const auto nested = [](const std::string& open, const std::string& inner, const std::string& close, int depth) {
    return repeated(open, depth) + inner + repeated(close, depth);
  };
  std::string many_wkb =
      "0107000000"
      "01000400";  // a collection of 2^18 + 1
  many_wkb += repeated("010200000000000000", kTooManyParts);
  require_refused(
      exchange, "test.shapes",
      {{"WKB with too many parts", with_wkb(many_wkb), "GEOMETRY_TOO_LARGE", "geometry", "f1", kTooMuch},
       {"WKB nested nine deep", with_wkb(nested("010700000001000000", "010200000000000000", "", 9)),
        "GEOMETRY_TOO_LARGE", "geometry", "f1", kTooMuch},
       {"WKT with too many parts", with_wkt("MULTIPOINT (EMPTY" + repeated(",EMPTY", kTooManyParts - 1) + ")"),
        "GEOMETRY_TOO_LARGE", "geometry", "f1", kTooMuch},
       {"WKT nested nine deep", with_wkt(nested("GEOMETRYCOLLECTION(", "POINT(0 0)", ")", 9)), "GEOMETRY_TOO_LARGE",
        "geometry", "f1", kTooMuch}});
  require_refused(
      exchange, "test.world",
      {{"GeoJSON with too many parts",
        with_geojson(R"({"type":"MultiPoint","coordinates":[[])" + repeated(",[]", kTooManyParts - 1) + "]}"),
        "GEOMETRY_TOO_LARGE", "geometry", "f1", kTooMuch},
       {"GeoJSON nested nine deep",
        with_geojson(nested(R"({"type":"GeometryCollection","geometries":[)", R"({"type":"Point","coordinates":[0,0]})",
                            "]}", 9)),
        "GEOMETRY_TOO_LARGE", "geometry", "f1", kTooMuch}});

  // 2^20 + 1 vertices travel only in parts.
  const std::string wkt = "LINESTRING(0 0" + repeated(",0 0", 1 << 20) + ")";
  std::vector<v1::PublishRequest> messages{request_of(exchange.header("test.shapes"))};
  for (const auto& part : wire::split_into_parts(change(with_wkt(wkt)).SerializeAsString(), 1)) {
    messages.push_back(request_of(part));
  }
  REQUIRE_ERROR(exchange.publish_stream(messages), kTooMuch, "GEOMETRY_TOO_LARGE");
  CHECK(must(exchange.dataset("test.shapes")).head() == 0);
}

TEST_CASE("nesting at the limit is accepted") {
  ExchangeFixture exchange;
  const std::string wkt = repeated("GEOMETRYCOLLECTION(", 8) + "POINT(500000 2000000)" + repeated(")", 8);
  CHECK(must(exchange.publish(exchange.header("test.shapes"), {change(with_wkt(wkt))})).changed());
}

TEST_CASE("geometries of another type, dimension or place than the schema's are refused") {
  ExchangeFixture exchange;
  const auto named = [](const std::string& wkt) {
    return R"({"op":"OPERATION_UPSERT","feature":{"id":"f1","wkt":")" + wkt + R"(","properties":{"name":"a"}}})";
  };
  require_refused(
      exchange, "test.points",
      {{"a line", named("LINESTRING (500000 2000000, 500001 2000000)"), "GEOMETRY_WRONG_TYPE", "geometry"},
       {"with heights", named("POINT Z (500000 2000000 7)"), "GEOMETRY_WRONG_DIMENSION", "geometry"},
       {"none", R"({"op":"OPERATION_UPSERT","feature":{"id":"f1","properties":{"name":"a"}}})", "GEOMETRY_REQUIRED",
        "geometry"},
       {"swapped axes", named("POINT (2000000 500000)"), "COORDINATES_IMPLAUSIBLE", "geometry"},
       {"degrees", named("POINT (105 21)"), "COORDINATES_IMPLAUSIBLE", "geometry"},
       {"a record and a geometry",
        R"j({"op":"OPERATION_UPSERT","feature":{"id":"f1","wkt":"POINT (1 1)","record":"AQAAAAEAAA=="}})j",
        "FEATURE_FORM_MIXED"},
       {"a record that is none", R"({"op":"OPERATION_UPSERT","feature":{"id":"f1","record":"AQAAAAEA"}})",
        "RECORD_MALFORMED"},
       {"a record of a later schema", R"({"op":"OPERATION_UPSERT","feature":{"id":"f1","record":"AgAAAAEAAA=="}})",
        "SCHEMA_REVISION_UNKNOWN"}});
}

TEST_CASE("an error names each bad feature of a batch and keeps none of the good ones") {
  ExchangeFixture exchange;
  const auto refused =
      exchange.publish({upsert_point("good", 0), upsert_point("bad-1", 0, 0), upsert_point("bad-2", 0, 99)});
  REQUIRE_ERROR(refused, kInvalid, "VALUE_OUT_OF_RANGE");
  CHECK(metadata_of(refused.status(), "feature_id") == "bad-1");
  const auto violations = error_detail(refused.status())->violations;
  REQUIRE(violations.size() == 2);
  CHECK(violations[0].field == "feature 'bad-1': lanes");
  CHECK(violations[1].field == "feature 'bad-2': lanes");
  CHECK(must(exchange.dataset()).head() == 0);
}

TEST_CASE("callers that are missing, unknown or not allowed are refused") {
  ExchangeFixture exchange;
  const std::string before = exchange.stored();
  REQUIRE_ERROR(exchange.publish(exchange.header(), {upsert_point("a", 0)}, ""), Code::kUnauthenticated,
                "IDENTITY_MISSING");
  REQUIRE_ERROR(exchange.publish(exchange.header(), {upsert_point("a", 0)}, "nobody"), Code::kUnauthenticated,
                "ORGANISATION_UNKNOWN");
  REQUIRE_ERROR(exchange.dataset("test.points", ""), Code::kUnauthenticated, "IDENTITY_MISSING");
  const auto foreign = exchange.publish(exchange.header(), {upsert_point("a", 0)}, "environment");
  REQUIRE_ERROR(foreign, Code::kPermissionDenied, "NOT_OWNER");
  CHECK(metadata_of(foreign.status(), "owner") == "transport");
  const auto call = ExchangeFixture::context("transport");
  rpc::set_identity(*call, "environment");
  v1::ListDatasetsResponse ignored;
  REQUIRE_ERROR(rpc::from_grpc_status(exchange.catalog_->ListDatasets(call.get(), {}, &ignored)),
                Code::kUnauthenticated, "IDENTITY_AMBIGUOUS");
  v1::CreateOrganisationRequest organisation;
  organisation.mutable_organisation()->set_name("province-51");
  v1::CreateOrganisationResponse created;
  REQUIRE_ERROR(rpc::from_grpc_status(exchange.catalog_->CreateOrganisation(ExchangeFixture::context("transport").get(),
                                                                            organisation, &created)),
                Code::kPermissionDenied, "OPERATOR_ONLY");
  REQUIRE_ERROR(exchange.create_dataset(R"({"name":"a.b","owner":"environment","schema":{}})"), Code::kPermissionDenied,
                "OPERATOR_ONLY");
  CHECK(exchange.stored() == before);
}

TEST_CASE("the catalog refuses bad names, schemas and CRSs") {
  ExchangeFixture exchange;
  const std::string before = exchange.stored();
  const auto with_crs = [](const std::string& crs) {
    return R"({"name":"a.b","schema":{"crs":")" + crs + R"(","geometry":{"types":["GEOMETRY_TYPE_POINT"]}}})";
  };
  for (const int code : {6956, 6957, 6958, 6959}) {
    const std::string id = "EPSG:" + std::to_string(code);
    const auto refused = exchange.create_dataset(with_crs(id));
    REQUIRE_ERROR(refused, kInvalid, "CRS_DEPRECATED");
    CHECK(message_of(refused).find("EPSG:" + std::to_string(code - 1060)) != std::string::npos);
    auto header = exchange.header();
    header.set_crs(id);
    REQUIRE_ERROR(exchange.publish(header, {upsert_point("a", 0)}), kInvalid, "CRS_DEPRECATED");
  }
  REQUIRE_ERROR(exchange.create_dataset(with_crs("EPSG:999999")), kInvalid, "CRS_UNKNOWN");
  REQUIRE_ERROR(exchange.create_dataset(with_crs("EPSG:4979")), kInvalid, "CRS_UNKNOWN");  // three-dimensional
  REQUIRE_ERROR(exchange.create_dataset(with_crs("")), kInvalid, "SCHEMA_INVALID");
  REQUIRE_ERROR(exchange.create_dataset(R"({"name":"a.b","schema":{"fields":[{"name":"a"}]}})"), kInvalid,
                "SCHEMA_INVALID");
  REQUIRE_ERROR(exchange.create_dataset(R"({"name":"A b","schema":{}})"), kInvalid, "NAME_INVALID");
  REQUIRE_ERROR(exchange.create_dataset(R"({"name":"a.b","title":"a\u0000","schema":{}})"), kInvalid, "TITLE_INVALID");
  REQUIRE_ERROR(exchange.create_dataset(R"({"name":"test.points","schema":{}})"), Code::kAlreadyExists,
                "DATASET_EXISTS");
  REQUIRE_ERROR(exchange.create_dataset(R"({"name":"a.b","owner":"nobody","schema":{}})", "operator"), Code::kNotFound,
                "ORGANISATION_UNKNOWN");
  REQUIRE_ERROR(exchange.dataset("no.such"), Code::kNotFound, "DATASET_UNKNOWN");
  v1::GetSchemaResponse ignored;
  REQUIRE_ERROR(rpc::from_grpc_status(exchange.catalog_->GetSchema(
                    ExchangeFixture::context().get(),
                    from_json<v1::GetSchemaRequest>(R"({"dataset":"test.points","revision":2})"), &ignored)),
                Code::kNotFound, "SCHEMA_REVISION_UNKNOWN");
  CHECK(exchange.stored() == before);
}

TEST_CASE("headers that say too little or something false are refused") {
  ExchangeFixture exchange;
  const std::string before = exchange.stored();
  const auto refused = [&](const std::string& json, Code code, const char* reason) {
    INFO(json);
    REQUIRE_ERROR(exchange.publish(from_json<v1::PublishHeader>(json), {upsert_point("a", 0)}), code, reason);
  };
  refused("{}", kInvalid, "DATASET_MISSING");
  refused(R"({"dataset":"no.such","changesetId":"1"})", Code::kNotFound, "DATASET_UNKNOWN");
  refused(R"({"dataset":"test.points"})", kInvalid, "CHANGESET_ID_INVALID");
  refused(R"({"dataset":"test.points","changesetId":"a b"})", kInvalid, "CHANGESET_ID_INVALID");
  refused(R"({"dataset":"test.points","changesetId":")" + std::string(129, 'a') + "\"}", kInvalid,
          "CHANGESET_ID_INVALID");
  refused(R"({"dataset":"test.points","changesetId":"1","kind":9})", kInvalid, "KIND_UNKNOWN");
  refused(R"({"dataset":"test.points","changesetId":"1","baseVersion":"-1"})", kInvalid, "BASE_VERSION_INVALID");
  refused(R"({"dataset":"test.points","changesetId":"1","message":"a\u0000"})", kInvalid, "TEXT_HAS_NUL");
  refused(R"({"dataset":"test.points","changesetId":"1","message":")" + std::string(4097, 'a') + "\"}", kInvalid,
          "MESSAGE_TOO_LONG");
  refused(R"({"dataset":"test.points","changesetId":"1","crs":"VN-2000"})", kInvalid, "CRS_UNKNOWN");
  refused(R"({"dataset":"test.points","changesetId":"1","crs":"EPSG:6957"})", kInvalid, "CRS_DEPRECATED");
  refused(R"({"dataset":"test.points","changesetId":"1","crs":"EPSG:4809"})", Code::kFailedPrecondition,
          "NO_OPERATION");
  refused(R"({"dataset":"test.points","changesetId":"1","contentSha256":"abc"})", kInvalid, "CONTENT_HASH_INVALID");
  refused(R"({"dataset":"test.points","changesetId":"1","contentSha256":")" + std::string(64, '0') + "\"}", kInvalid,
          "CONTENT_HASH_MISMATCH");
  v1::PublishChangesetResponse ignored;
  REQUIRE_ERROR(rpc::from_grpc_status(exchange.stub_->PublishChangeset(ExchangeFixture::context().get(), {}, &ignored)),
                kInvalid, "HEADER_MISSING");
  CHECK(exchange.stored() == before);
}

TEST_CASE("a header with its dataset's own CRS is accepted") {
  ExchangeFixture exchange;
  auto header = exchange.header();
  header.set_crs("EPSG:5897");
  CHECK(must(exchange.publish(header, {upsert_point("a", 0)})).changed());
}

TEST_CASE("changes that conflict with what is stored are refused") {
  ExchangeFixture exchange;
  const auto first = exchange.header();
  must(exchange.publish(first, {upsert_point("a", 0), upsert_point("b", 0)}));
  must(exchange.publish({upsert_point("a", 1)}));
  const std::string before = exchange.stored();
  const auto refused = [&](const std::vector<v1::Change>& changes, Code code, const char* reason) {
    const auto receipt = exchange.publish(changes);
    REQUIRE_ERROR(receipt, code, reason);
    return receipt.status();
  };

  const auto reused = exchange.publish(first, {upsert_point("a", 9)});
  REQUIRE_ERROR(reused, Code::kAlreadyExists, "CHANGESET_ID_REUSED");
  CHECK(metadata_of(reused.status(), "changeset_id") == first.changeset_id());

  auto stale = upsert_point("a", 2);
  stale.set_base_version(1);
  const auto conflict = refused({stale, upsert_point("c", 0)}, Code::kFailedPrecondition, "VERSION_CONFLICT");
  CHECK(metadata_of(conflict, "feature_id") == "a");
  CHECK(metadata_of(conflict, "expected_version") == "1");
  CHECK(metadata_of(conflict, "found_version") == "2");
  auto must_not_exist = upsert_point("b", 2);
  must_not_exist.set_base_version(0);
  CHECK(metadata_of(refused({must_not_exist}, Code::kFailedPrecondition, "VERSION_CONFLICT"), "feature_id") == "b");
  auto beyond = upsert_point("a", 2);
  beyond.set_base_version(3);
  CHECK(metadata_of(refused({beyond}, Code::kOutOfRange, "VERSION_OUT_OF_RANGE"), "head") == "2");
  auto stale_header = exchange.header();
  stale_header.set_base_version(1);
  REQUIRE_ERROR(exchange.publish(stale_header, {upsert_point("a", 3)}), Code::kFailedPrecondition, "VERSION_CONFLICT");

  auto insert = upsert_point("a", 5);
  insert.set_op(v1::OPERATION_INSERT);
  CHECK(metadata_of(refused({insert}, Code::kAlreadyExists, "FEATURE_EXISTS"), "feature_id") == "a");
  auto update = upsert_point("missing", 5);
  update.set_op(v1::OPERATION_UPDATE);
  CHECK(metadata_of(refused({update}, Code::kFailedPrecondition, "FEATURE_NOT_FOUND"), "feature_id") == "missing");
  CHECK(exchange.stored() == before);
}

TEST_CASE("snapshots that would delete too much or hold anything but upserts are refused") {
  ExchangeFixture exchange;
  std::vector<v1::Change> all;
  for (int i = 0; i < 20; ++i) all.push_back(upsert_point("f" + std::to_string(i), i));
  must(exchange.publish(all));
  const std::string before = exchange.stored();
  REQUIRE_ERROR(exchange.publish_snapshot({}), Code::kFailedPrecondition, "EMPTY_SNAPSHOT");
  const auto mass = exchange.publish_snapshot({all.begin(), all.begin() + 9});
  REQUIRE_ERROR(mass, Code::kFailedPrecondition, "MASS_DELETE");
  CHECK(metadata_of(mass.status(), "deletes") == "11");
  CHECK(metadata_of(mass.status(), "allowed") == "10");
  REQUIRE_ERROR(exchange.publish_snapshot({all[0], delete_of("f1")}), kInvalid, "SNAPSHOT_NEEDS_UPSERT");
  CHECK(exchange.stored() == before);
  CHECK(must(exchange.publish_snapshot({all.begin(), all.begin() + 10})).counts().deleted() == 10);  // just allowed
}

TEST_CASE("PublishChangeset takes a thousand changes and not one more") {
  ExchangeFixture exchange;
  std::vector<v1::Change> changes;
  for (int i = 0; i < 1001; ++i) changes.push_back(upsert_point("f" + std::to_string(i), i));
  REQUIRE_ERROR(exchange.publish(changes), kInvalid, "CHANGESET_TOO_LARGE");
  CHECK(must(exchange.dataset()).head() == 0);
  changes.pop_back();
  CHECK(must(exchange.publish(changes)).counts().inserted() == 1000);
}

TEST_CASE("messages over their size are refused") {
  ExchangeFixture exchange;
  const auto of_bytes = [](std::size_t size) {
    auto made = upsert_point("f1", 0);
    (*made.mutable_feature()->mutable_properties()->mutable_fields())["name"].set_string_value(std::string(size, 'x'));
    return made;
  };
  REQUIRE_ERROR(exchange.publish({of_bytes((3U << 20) + 1)}), kInvalid, "CHANGESET_TOO_LARGE");
  REQUIRE_ERROR(exchange.publish({of_bytes((4U << 20) + 1)}), Code::kResourceExhausted, "MESSAGE_TOO_LARGE");
  REQUIRE_ERROR(exchange.publish_stream({request_of(exchange.header()), batch_of(1, {of_bytes((4U << 20) + 1)})}),
                Code::kResourceExhausted, "MESSAGE_TOO_LARGE");
  CHECK(must(exchange.dataset()).head() == 0);
  CHECK(must(exchange.publish({upsert_point("f1", 0)})).changed());  // the server serves on
}

TEST_CASE("a publish stream out of order is refused") {
  ExchangeFixture exchange;
  const auto a = upsert_point("a", 0);
  const auto b = upsert_point("b", 0);
  const auto header = [&] { return request_of(exchange.header()); };
  const std::string before = exchange.stored();
  const auto refused = [&](const std::vector<v1::PublishRequest>& messages, const char* reason) {
    INFO(reason);
    const auto receipt = exchange.publish_exactly(messages);
    REQUIRE_ERROR(receipt, kInvalid, reason);
    CHECK(exchange.stored() == before);
  };
  refused({}, "HEADER_MISSING");
  refused({batch_of(1, {a})}, "HEADER_MISSING");
  refused({header(), header()}, "HEADER_TWICE");
  refused({header(), batch_of(1, {a}), header()}, "HEADER_TWICE");
  refused({header(), batch_of(2, {a})}, "BATCH_OUT_OF_ORDER");
  refused({header(), batch_of(1, {a}), batch_of(3, {b})}, "BATCH_OUT_OF_ORDER");
  refused({header(), batch_of(1, {a}), batch_of(1, {b})}, "BATCH_OUT_OF_ORDER");
  refused({header(), batch_of(1, {})}, "BATCH_EMPTY");
  refused({header(), {}}, "PART_MISSING");
  refused({header(), batch_of(1, {a}), batch_of(2, {a}), end_of(2)}, "DUPLICATE_ID");
}

TEST_CASE("a publish stream without its end, or with one that does not fit, is refused") {
  ExchangeFixture exchange;
  const auto a = upsert_point("a", 0);
  const auto b = upsert_point("b", 0);
  const auto header = [&] { return request_of(exchange.header()); };
  const std::string before = exchange.stored();
  const auto refused = [&](const std::vector<v1::PublishRequest>& messages, const char* reason) {
    INFO(reason);
    const auto receipt = exchange.publish_exactly(messages);
    REQUIRE_ERROR(receipt, kInvalid, reason);
    CHECK(exchange.stored() == before);
  };
  refused({header(), batch_of(1, {a})}, "END_MISSING");
  refused({header(), batch_of(1, {a}), end_of(2)}, "END_MISMATCH");
  refused({header(), batch_of(1, {a, b}), end_of(1)}, "END_MISMATCH");
  refused({end_of(0)}, "HEADER_MISSING");
  refused({header(), batch_of(1, {a}), end_of(1), batch_of(2, {b})}, "END_NOT_LAST");
  refused({header(), batch_of(1, {a}), end_of(1), end_of(1)}, "END_NOT_LAST");
}

TEST_CASE("feature parts with gaps, a wrong hash or too many bytes are refused") {
  auto config = exchange_config();
  config.max_feature_bytes = 1 << 20;
  ExchangeFixture exchange(config);
  const std::string before = exchange.stored();
  const auto parts = wire::split_into_parts(upsert_point("a", 0).SerializeAsString(), 1, 20);
  REQUIRE(parts.size() > 2);
  const auto refused = [&](std::vector<v1::FeaturePart> pieces, Code code, const char* reason,
                           bool then_batch = false) {
    INFO(reason);
    std::vector<v1::PublishRequest> messages{request_of(exchange.header())};
    for (const auto& piece : pieces) messages.push_back(request_of(piece));
    if (then_batch) messages.push_back(batch_of(2, {upsert_point("b", 0)}));
    REQUIRE_ERROR(exchange.publish_stream(messages), code, reason);
    CHECK(exchange.stored() == before);
  };
  auto gap = parts;
  gap.erase(gap.begin() + 1);
  refused(gap, kInvalid, "PART_OUT_OF_ORDER");
  auto incomplete = parts;
  incomplete.pop_back();
  refused(incomplete, kInvalid, "PART_OUT_OF_ORDER");
  refused(incomplete, kInvalid, "PART_OUT_OF_ORDER", true);
  auto wrong_hash = parts;
  wrong_hash.back().mutable_sha256()->front() ^= 1;
  refused(wrong_hash, kInvalid, "PART_HASH_MISMATCH");
  auto no_hash = parts;
  no_hash.back().clear_sha256();
  refused(no_hash, kInvalid, "PART_HASH_MISMATCH");
  auto late = parts;
  for (auto& part : late) part.set_sequence(2);
  refused(late, kInvalid, "BATCH_OUT_OF_ORDER");
  auto too_large = parts;
  too_large[0].set_total((1 << 20) + 1);
  refused({too_large[0]}, Code::kResourceExhausted, "FEATURE_TOO_LARGE");
  auto empty = parts[0];
  empty.clear_bytes();
  refused({empty}, kInvalid, "PART_MALFORMED");
  refused(wire::split_into_parts("\xff\xff\xff", 1), kInvalid, "PART_MALFORMED");  // no serialized Change
}

TEST_CASE("versions that do not exist are refused by every reader") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 0)}));
  const Code code = Code::kOutOfRange;
  const char* const reason = "VERSION_OUT_OF_RANGE";
  REQUIRE_ERROR(exchange.diff(R"({"dataset":"test.points","toVersion":"2"})"), code, reason);
  REQUIRE_ERROR(exchange.diff(R"({"dataset":"test.points","fromVersion":"2"})"), code, reason);
  REQUIRE_ERROR(exchange.diff(R"({"dataset":"test.points","fromVersion":"-1"})"), code, reason);
  REQUIRE_ERROR(exchange.diff(R"({"dataset":"test.points","fromVersion":"1","toVersion":"0"})"), code, reason);
  REQUIRE_ERROR(exchange.changes(R"({"dataset":"test.points","toVersion":"2"})"), code, reason);
  REQUIRE_ERROR(exchange.snapshot(R"({"dataset":"test.points","version":"2"})"), code, reason);
  REQUIRE_ERROR(exchange.snapshot(R"({"dataset":"test.points","version":"-1"})"), code, reason);
  const auto feature = exchange.feature(R"({"dataset":"test.points","id":"a","version":"2"})");
  REQUIRE_ERROR(feature, code, reason);
  CHECK(metadata_of(feature.status(), "head") == "1");
}

TEST_CASE("readers of what is not there are told so") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 0)}));
  REQUIRE_ERROR(exchange.diff(R"({"dataset":"no.such"})"), Code::kNotFound, "DATASET_UNKNOWN");
  REQUIRE_ERROR(exchange.changes(R"({"dataset":"no.such"})"), Code::kNotFound, "DATASET_UNKNOWN");
  REQUIRE_ERROR(exchange.snapshot(R"({"dataset":"no.such"})"), Code::kNotFound, "DATASET_UNKNOWN");
  REQUIRE_ERROR(exchange.list_changesets(R"({"dataset":"no.such"})"), Code::kNotFound, "DATASET_UNKNOWN");
  const auto missing = exchange.feature(R"({"dataset":"test.points","id":"b"})");
  REQUIRE_ERROR(missing, Code::kNotFound, "FEATURE_NOT_FOUND");
  CHECK(metadata_of(missing.status(), "feature_id") == "b");
  REQUIRE_ERROR(exchange.feature(R"({"dataset":"test.points"})"), kInvalid, "FEATURE_ID_MISSING");
  REQUIRE_ERROR(exchange.changeset(R"({"changesetId":"none"})"), Code::kNotFound, "CHANGESET_UNKNOWN");
  REQUIRE_ERROR(exchange.changeset(R"({"dataset":"test.points","version":"2"})"), Code::kNotFound, "CHANGESET_UNKNOWN");
  REQUIRE_ERROR(exchange.changeset("{}"), kInvalid, "KEY_MISSING");
  REQUIRE_ERROR(exchange.snapshot(R"({"dataset":"test.points","form":99})"), kInvalid, "FORM_UNKNOWN");
}

TEST_CASE("page sizes and tokens that no answer gave are refused") {
  ExchangeFixture exchange;
  REQUIRE_ERROR(exchange.list_changesets(R"({"dataset":"test.points","pageSize":-1})"), kInvalid, "PAGE_SIZE_INVALID");
  REQUIRE_ERROR(exchange.list_changesets(R"({"dataset":"test.points","pageToken":"!"})"), kInvalid,
                "PAGE_TOKEN_MALFORMED");
  v1::ListDatasetsRequest request;
  request.set_page_size(-1);
  v1::ListDatasetsResponse response;
  REQUIRE_ERROR(
      rpc::from_grpc_status(exchange.catalog_->ListDatasets(ExchangeFixture::context().get(), request, &response)),
      kInvalid, "PAGE_SIZE_INVALID");
  request.set_page_size(2);
  must(rpc::from_grpc_status(exchange.catalog_->ListDatasets(ExchangeFixture::context().get(), request, &response)));
  REQUIRE_FALSE(response.next_page_token().empty());
  // A token of one list is none of another.
  v1::ListChangesetsRequest other;
  other.set_dataset("test.points");
  other.set_page_token(response.next_page_token());
  v1::ListChangesetsResponse ignored;
  REQUIRE_ERROR(
      rpc::from_grpc_status(exchange.stub_->ListChangesets(ExchangeFixture::context().get(), other, &ignored)),
      kInvalid, "PAGE_TOKEN_MALFORMED");
  request.set_page_token("%%%");
  REQUIRE_ERROR(
      rpc::from_grpc_status(exchange.catalog_->ListDatasets(ExchangeFixture::context().get(), request, &response)),
      kInvalid, "PAGE_TOKEN_MALFORMED");
}

TEST_CASE("cursors that are malformed, of another dataset or of another history are refused") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 0)}));
  const std::string cursor = must(exchange.diff(R"({"dataset":"test.points"})")).end.cursor();
  v1::StreamDiffRequest request;
  request.set_dataset("test.points");
  request.set_cursor("nonsense");
  REQUIRE_ERROR(exchange.diff(request), kInvalid, "CURSOR_MALFORMED");
  request.set_cursor(cursor);
  request.set_dataset("test.world");
  REQUIRE_ERROR(exchange.diff(request), kInvalid, "CURSOR_OTHER_DATASET");

  // A cursor ahead of the head, as after a restore from an older backup.
  request.set_dataset("test.points");
  auto ahead = must(feature::decode_cursor(cursor));
  ahead.positions.front().version = 2;
  request.set_cursor(feature::encode_cursor(ahead));
  REQUIRE_ERROR(exchange.diff(request), Code::kFailedPrecondition, "HISTORY_FORKED");

  // The same version with another digest: the history went on differently after a restore.
  request.set_cursor(cursor);
  REQUIRE_OK(exchange.diff(request));
  auto connection = exchange.database_.connect();
  must(connection.execute_script("UPDATE lienthong.dataset_head SET digest = repeat('0', 64) WHERE head = 1"));
  const auto forked = exchange.diff(request);
  REQUIRE_ERROR(forked, Code::kFailedPrecondition, "HISTORY_FORKED");
  CHECK(metadata_of(forked.status(), "version") == "1");
}

}  // namespace
}  // namespace lt::test
