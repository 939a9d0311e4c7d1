#include "wire/encoder.hpp"

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "feature/record.hpp"
#include "wire/change.hpp"
#include "wire/json.hpp"
#include "wire_support.hpp"

namespace {

namespace v1 = lienthong::v1;
using lt::wire::FeatureEncoder;
using lt::wire_test::every_type;

FeatureEncoder encoder(const std::string& crs, v1::FeatureForm form) {
  auto made = FeatureEncoder::create(every_type(crs), form);
  REQUIRE(made.ok());
  return *std::move(made);
}

lt::feature::State full_state(const std::string& wkt) {
  lt::feature::State state;
  if (!wkt.empty()) state.geometry = *lt::geo::parse_wkt(wkt);
  state.properties = {{1, std::string("Đường \"Láng\"")},
                      {2, std::numeric_limits<std::int64_t>::min()},
                      {3, 0.1},
                      {4, false},
                      {5, lt::feature::Date{-1}},
                      {6, lt::feature::Timestamp{1'795'000'000'123'456, std::int16_t{420}}},
                      {7, lt::feature::Decimal{"-0.100"}},
                      {8, lt::feature::Bytes{std::string("\0\xff", 2)}},
                      {9, lt::feature::StringList{"a", ""}},
                      {10, lt::feature::Json{R"({"a":[1,null,{"b":1000000000000000000}]})"}}};
  return state;
}

v1::Feature encode(const FeatureEncoder& with, const lt::feature::State& state) {
  v1::Feature out;
  const auto status = with.encode("7", 12, lt::feature::encode_record(3, state), &out);
  INFO(lt::message_of(status));
  REQUIRE(status.ok());
  return out;
}

// Sent back as it was read, over the wire.
lt::feature::State decode(const v1::Feature& feature, const std::string& crs) {
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  REQUIRE(change.mutable_feature()->ParseFromString(feature.SerializeAsString()));
  const auto found = lt::geo::find_crs(crs.empty() ? "EPSG:4326" : crs);
  REQUIRE(found.ok());
  const lt::wire::ChangeDecoder decoder(every_type(crs), crs.empty() ? nullptr : &*found);
  const auto read = decoder.decode(change);
  INFO(lt::message_of(read.status()));
  REQUIRE(read.ok());
  return read->state;
}

TEST_CASE("what is read can be sent back in every form and is the same") {
  const std::string wkt = GENERATE("", "POINT (105.80000000000001 21.1)", "POINT EMPTY",
                                   "LINESTRING ZM (1 2 3 4, 5 6 7 8)", "POLYGON ((0 0, 1 0, 1 1, 0 0))",
                                   "GEOMETRYCOLLECTION (POINT (1 2), MULTILINESTRING ((1 2, 3 4.5), EMPTY))");
  const auto form = GENERATE(v1::FEATURE_FORM_WKT, v1::FEATURE_FORM_WKB, v1::FEATURE_FORM_RECORD);
  const auto state = full_state(wkt);
  CHECK(decode(encode(encoder("EPSG:9210", form), state), "EPSG:9210") == state);
}

TEST_CASE("what is read as GeoJSON in EPSG:4326 can be sent back and is the same") {
  const std::string wkt = GENERATE("", "POINT (105.80000000000001 21.1)", "LINESTRING Z (1 2 3, -5 6 1e-9)",
                                   "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))");
  const auto state = full_state(wkt);
  const auto with = encoder("EPSG:4326", v1::FEATURE_FORM_GEOJSON);
  CHECK(with.crs() == "EPSG:4326");
  CHECK(with.operation() == "identity");
  CHECK(decode(encode(with, state), "EPSG:4326") == state);
}

TEST_CASE("a double that is not finite is a string in a Struct and the same again") {
  lt::feature::State state;
  state.properties = {{3, GENERATE(std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity())}};
  CHECK(decode(encode(encoder("EPSG:9210", v1::FEATURE_FORM_WKT), state), "EPSG:9210") == state);
  state.properties = {{3, std::nan("")}};
  const auto feature = encode(encoder("EPSG:9210", v1::FEATURE_FORM_WKT), state);
  CHECK(feature.properties().fields().at("width").string_value() == "NaN");
}

TEST_CASE("a dataset without geometry has no CRS and loses nothing") {
  const auto state = full_state("");
  const auto form = GENERATE(v1::FEATURE_FORM_UNSPECIFIED, v1::FEATURE_FORM_WKT);
  const auto with = encoder("", form);
  CHECK(with.crs().empty());
  CHECK(with.operation() == "identity");
  CHECK(decode(encode(with, state), "") == state);
}

TEST_CASE("the default form is GeoJSON, computed by a named operation") {
  const auto with = encoder("EPSG:9210", v1::FEATURE_FORM_UNSPECIFIED);
  CHECK(with.crs() == "EPSG:4326");
  CHECK(with.operation() == "EPSG:6960");
  lt::feature::State state;
  state.geometry = *lt::geo::parse_wkt("POINT (600000 1200000)");
  const auto feature = encode(with, state);
  CHECK(feature.id() == "7");
  CHECK(feature.version() == 12);
  REQUIRE(feature.has_geojson());
  const auto json = lt::wire::struct_to_json(feature.geojson());
  REQUIRE(json.ok());
  CHECK((*json)["type"] == "Point");
  double x = 600000;
  double y = 1200000;
  const auto transformer =
      lt::geo::Transformer::create(*lt::geo::find_crs("EPSG:9210"), *lt::geo::find_crs("EPSG:4326"));
  REQUIRE(transformer.ok());
  REQUIRE(transformer->transform(x, y).ok());
  CHECK((*json)["coordinates"][0].get<double>() == x);
  CHECK((*json)["coordinates"][1].get<double>() == y);
}

TEST_CASE("the other forms keep the dataset's CRS and bits") {
  lt::feature::State state;
  state.geometry = *lt::geo::parse_wkt("POINT (600000.1 1200000)");
  const auto wkt = encoder("EPSG:9210", v1::FEATURE_FORM_WKT);
  CHECK(wkt.crs() == "EPSG:9210");
  CHECK(wkt.operation() == "identity");
  CHECK(encode(wkt, state).wkt() == "POINT (600000.1 1200000)");
  CHECK(encode(encoder("EPSG:9210", v1::FEATURE_FORM_WKB), state).wkb() == state.geometry->wkb);
}

TEST_CASE("the record form is the record and nothing else") {
  const auto record = lt::feature::encode_record(2, full_state("POINT (1 2)"));
  v1::Feature out;
  out.set_wkt("left over");
  REQUIRE(encoder("EPSG:9210", v1::FEATURE_FORM_RECORD).encode("7", 12, record, &out).ok());
  CHECK(out.record() == record);
  CHECK(out.geometry_case() == v1::Feature::GEOMETRY_NOT_SET);
  CHECK_FALSE(out.has_properties());
}

TEST_CASE("without a record there are only id and version") {
  const auto form = GENERATE(v1::FEATURE_FORM_GEOJSON, v1::FEATURE_FORM_RECORD);
  v1::Feature out;
  out.set_wkt("left over");
  REQUIRE(encoder("EPSG:9210", form).encode("7", 12, "", &out).ok());
  v1::Feature expected;
  expected.set_id("7");
  expected.set_version(12);
  CHECK(google::protobuf::util::MessageDifferencer::Equals(out, expected));
}

TEST_CASE("a form of the future is refused") {
  const auto made = FeatureEncoder::create(every_type("EPSG:9210"), static_cast<v1::FeatureForm>(9));
  CHECK(made.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(made.status()) == "FORM_UNKNOWN");
}

TEST_CASE("stored bytes that are no record, or of another schema, are lost data") {
  lt::feature::State state;
  state.properties = {{11, std::string("x")}};
  const std::string record = GENERATE_COPY(std::string("nonsense"), lt::feature::encode_record(3, state));
  v1::Feature out;
  const auto status = encoder("EPSG:9210", v1::FEATURE_FORM_WKT).encode("7", 12, record, &out);
  CHECK(status.code() == absl::StatusCode::kDataLoss);
  CHECK(lt::error_reason(status) == "RECORD_MALFORMED");
  CHECK(lt::wire_test::metadata_of(status, "feature_id") == "7");
}

TEST_CASE("a vertex that cannot be transformed is told with the feature and another form") {
  lt::feature::State state;
  state.geometry = *lt::geo::parse_wkt("POINT (1e300 1e300)");
  v1::Feature out;
  const auto status =
      encoder("EPSG:9210", v1::FEATURE_FORM_GEOJSON).encode("7", 12, lt::feature::encode_record(3, state), &out);
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(lt::error_reason(status) == "TRANSFORM_FAILED");
  CHECK(lt::wire_test::metadata_of(status, "feature_id") == "7");
  CHECK(lt::wire_test::says(status, "FEATURE_FORM_WKT"));
}

TEST_CASE("a json value deeper than readers accept is told with another form") {
  std::string text = "1";
  for (int i = 0; i < lt::wire::kMaxPortableDepth; ++i) text = "[" + text + "]";
  lt::feature::State state;
  state.properties = {{10, lt::feature::Json{text}}};
  v1::Feature out;
  const auto status =
      encoder("EPSG:9210", v1::FEATURE_FORM_WKT).encode("7", 12, lt::feature::encode_record(3, state), &out);
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(lt::error_reason(status) == "JSON_TOO_DEEP");
  CHECK(lt::wire_test::says(status, "FEATURE_FORM_RECORD"));
}

}  // namespace
