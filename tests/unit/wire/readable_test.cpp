#include "wire/readable.hpp"

#include <cmath>
#include <limits>

#include "wire/change.hpp"
#include "wire_support.hpp"

namespace {

namespace v1 = lienthong::v1;
using lt::feature::State;

TEST_CASE("a state sent in the readable form is read as the same, bit for bit") {
  auto schema = lt::wire_test::every_type("EPSG:9210");
  State state;
  state.geometry = *lt::geo::parse_wkt("LINESTRING Z (105.8542 21.0285 -0.0, 105.86 21.03 4)");
  state.properties = {{1, std::string("Cầu \"Sài Gòn\"\n")},
                      {2, std::numeric_limits<std::int64_t>::min()},
                      {3, -0.0},
                      {4, false},
                      {5, lt::feature::Date{-1}},
                      {6, lt::feature::Timestamp{1'714'953'600'123'456, 420}},
                      {7, lt::feature::Decimal{"-12.50"}},
                      {8, lt::feature::Bytes{std::string("\0\xff", 2)}},
                      {9, lt::feature::StringList{"pH", ""}},
                      {10, lt::feature::Json{R"({"a":[1,null,true]})"}}};
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id("7");
  REQUIRE(lt::wire::state_to_readable(schema, state, change.mutable_feature()).ok());
  CHECK(change.feature().record().empty());
  const auto crs = lt::geo::find_crs("EPSG:9210");
  const auto read = lt::wire::ChangeDecoder(schema, &*crs).in_crs(4326).decode(change);
  INFO(lt::message_of(read.status()));
  REQUIRE(read.ok());
  CHECK(read->epsg == 4326);
  CHECK(lt::feature::encode_record(3, read->state) == lt::feature::encode_record(3, state));
}

TEST_CASE("a property that the schema does not have cannot be sent") {
  v1::Feature out;
  const auto status =
      lt::wire::state_to_readable(lt::wire_test::every_type(""), State{std::nullopt, {{99, true}}}, &out);
  CHECK(lt::error_reason(status) == "UNKNOWN_FIELD");
}

}  // namespace
