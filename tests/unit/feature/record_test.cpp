#include "feature/record.hpp"

#include <catch2/catch.hpp>

#include <limits>

#include "base/status.hpp"
#include "feature/schema.hpp"
#include "generators.hpp"

namespace lt::feature {
namespace {

// Revision 1, format 1, then what the test wants.
std::string record_of(std::string_view body_hex) { return *from_hex("0100000001" + std::string(body_hex)); }

void check_refused(std::string_view body_hex) {
  const auto decoded = decode_record(record_of(body_hex));
  INFO("body " << body_hex);
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(decoded.status()) == "RECORD_MALFORMED");
}

void check_accepted(std::string_view body_hex) {
  const std::string record = record_of(body_hex);
  const auto decoded = decode_record(record);
  INFO("body " << body_hex << ": " << decoded.status());
  REQUIRE(decoded.ok());
  CHECK(encode_record(1, decoded->state) == record);
}

std::string hex_property(std::string_view tag_and_value) { return "000101" + std::string(tag_and_value); }

std::string hex_text(std::string_view text) {
  std::string bytes;
  append_bytes(bytes, text);
  return to_hex(bytes);
}

}  // namespace

TEST_CASE("any state reads back equal from its record, and its record is the only one") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  for (int run = 0; run < 3000; ++run) {
    INFO("run " << run);
    const State state = test::random_state(random);
    const auto revision = static_cast<std::int32_t>(random.between(1, std::numeric_limits<std::int32_t>::max()));
    const std::string record = encode_record(revision, state);
    const auto decoded = decode_record(record, geo::GeometryLimits{});
    REQUIRE(decoded.ok());
    REQUIRE(decoded->schema_revision == revision);
    REQUIRE(decoded->state == state);
    REQUIRE(encode_record(revision, decoded->state) == record);
  }
}

TEST_CASE("mutated records are refused with a reason or are canonical themselves") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  int accepted = 0;
  constexpr int kRuns = 30000;
  for (int run = 0; run < kRuns; ++run) {
    INFO("run " << run);
    const std::string bytes = test::mutate(encode_record(1, test::random_state(random)), random);
    const auto stored = decode_record(bytes);
    const auto sent = decode_record(bytes, geo::GeometryLimits{});
    REQUIRE(stored.ok() == sent.ok());
    if (!stored.ok()) {
      REQUIRE(error_reason(stored.status()) == "RECORD_MALFORMED");
      REQUIRE_FALSE(error_reason(sent.status()).empty());
      continue;
    }
    ++accepted;
    REQUIRE(encode_record(stored->schema_revision, stored->state) == bytes);
  }
  // The test means something only when both ways are taken.
  CHECK(accepted > kRuns / 100);
  CHECK(accepted < kRuns);
}

TEST_CASE("content_hash ignores the schema revision and sees everything else") {
  const State state{std::nullopt, {{1, std::string("a")}}};
  CHECK(content_hash(encode_record(1, state)) == content_hash(encode_record(2, state)));
  const State other{std::nullopt, {{1, Bytes{"a"}}}};
  CHECK(content_hash(encode_record(1, state)) != content_hash(encode_record(1, other)));
  const State empty_text{std::nullopt, {{1, std::string()}}};
  CHECK(content_hash(encode_record(1, empty_text)) != content_hash(encode_record(1, State{})));
}

TEST_CASE("every NaN becomes one NaN, while zeros keep their sign") {
  const auto record = [](double value) { return encode_record(1, {std::nullopt, {{1, value}}}); };
  CHECK(record(std::bit_cast<double>(0xFFF8000000000001ULL)) == record(std::numeric_limits<double>::quiet_NaN()));
  CHECK(record(0.0) != record(-0.0));
}

TEST_CASE("a record is refused when its frame is wrong") {
  check_accepted("0000");
  CHECK(error_reason(decode_record("").status()) == "RECORD_MALFORMED");
  CHECK(error_reason(decode_record(*from_hex("010000")).status()) == "RECORD_MALFORMED");
  CHECK(error_reason(decode_record(*from_hex("01000000")).status()) == "RECORD_MALFORMED");
  CHECK(error_reason(decode_record(*from_hex("00000000010000")).status()) == "RECORD_MALFORMED");  // revision 0
  CHECK(error_reason(decode_record(*from_hex("00000080010000")).status()) == "RECORD_MALFORMED");  // revision 2^31
  CHECK(decode_record(*from_hex("ffffff7f010000")).ok());                                          // revision 2^31 - 1
  CHECK(error_reason(decode_record(*from_hex("01000000020000")).status()) == "RECORD_MALFORMED");  // format 2
  check_refused("");
  check_refused("00");
  check_refused("000000");    // trailing byte
  check_refused("800000");    // overlong geometry length
  check_refused("008000");    // overlong count
  check_refused("0001");      // property missing
  check_refused("05010100");  // geometry cut off
}

TEST_CASE("properties must be ascending, with known numbers and types") {
  check_accepted("0002010400020401");
  check_refused("0002020401010400");  // descending
  check_refused("0002010401010400");  // twice
  check_refused("0001000401");        // number 0
  check_refused("000181000401");      // overlong number
  check_accepted("0001904e0401");     // number 10,000
  check_refused("0001914e0401");      // number 10,001
  check_refused("0001010001");        // tag 0
  check_refused("0001010b01");        // tag 11
}

TEST_CASE("a record has at most 10,000 properties") {
  State state;
  for (std::int32_t number = 1; number <= kMaxFieldNumber; ++number) state.properties.emplace(number, true);
  CHECK(decode_record(encode_record(1, state)).ok());
  state.properties.emplace(kMaxFieldNumber + 1, true);
  CHECK(error_reason(decode_record(encode_record(1, state)).status()) == "RECORD_MALFORMED");
}

TEST_CASE("each type accepts only its canonical bytes") {
  check_refused(hex_property("01" + hex_text("\xC3")));                       // not UTF-8
  check_refused(hex_property("01" + hex_text(std::string_view("a\0b", 3))));  // U+0000
  check_refused(hex_property("0105616263"));                                  // text cut off
  check_refused(hex_property("0200"));                                        // int64 cut off
  check_accepted(hex_property("03000000000000f87f"));                         // the NaN
  check_refused(hex_property("03010000000000f87f"));                          // another NaN
  check_refused(hex_property("03000000000000f8ff"));                          // negative NaN
  check_accepted(hex_property("03000000000000f07f"));                         // infinity
  check_refused(hex_property("0402"));                                        // bool 2
  check_accepted(hex_property("05a0c02c00"));                                 // 9999-12-31
  check_refused(hex_property("05a1c02c00"));                                  // the day after
  check_refused(hex_property("05c506f5ff"));                                  // the day before 0001-01-01
  check_accepted(hex_property("0600000000000000003804"));                     // offset 1080
  check_refused(hex_property("0600000000000000003904"));                      // offset 1081
  check_refused(hex_property("060000000000000080ff7f"));                      // microseconds far out
  check_refused(
      hex_property("06000000000000008000"
                   "00"));
  check_refused(hex_property("090161"));                                   // item cut off
  check_refused(hex_property("09ffffffffffffffffff01"));                   // hostile item count
  check_refused(hex_property("0902" + hex_text("a") + hex_text("\xFF")));  // item not UTF-8
}

TEST_CASE("decimals in records have one syntax") {
  for (const char* good : {"0", "-0", "1.50", "-12.5", "10", "0.000"})
    check_accepted(hex_property("07" + hex_text(good)));
  for (const char* bad : {"", "-", "+1", "01", ".5", "5.", "1e5", "1,5", " 1", "1.5.1", "NaN", "--1"}) {
    check_refused(hex_property("07" + hex_text(bad)));
  }
  check_accepted(hex_property("07" + hex_text(std::string(kMaxDecimalChars, '9'))));
  check_refused(hex_property("07" + hex_text(std::string(kMaxDecimalChars + 1, '9'))));
}

TEST_CASE("json in records is in its RFC 8785 form") {
  for (const char* good : {"{}", "[1,2]", "\"a\"", "1e+21", "9007199254740992", "-9223372036854776000", "[null]"}) {
    check_accepted(hex_property("0a" + hex_text(good)));
  }
  for (const char* bad : {"", "null", "{ }", "1.0", "-0", "[1, 2]", R"({"b":1,"a":2})", R"({"a":1,"a":1})", "1e21",
                          "9007199254740993", "9223372036854775807", "-9223372036854775808", "\"\\u0000\"",
                          "\"\\u0041\"", "{\"\\u0000\":1}", "\"\xFF\"", "1 ", "\xEF\xBB\xBF{}"}) {
    check_refused(hex_property("0a" + hex_text(bad)));
  }
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  check_accepted(hex_property("0a" + hex_text(nested(kMaxJsonDepth))));
  check_refused(hex_property("0a" + hex_text(nested(kMaxJsonDepth + 1))));
}

TEST_CASE("the geometry of a record is canonical WKB") {
  const std::string point =
      "0101000000"
      "0000000000000040"
      "0000000000000840";
  check_accepted("15" + point + "00");
  check_refused(
      "15"
      "0000000001"
      "4000000000000000"
      "4008000000000000"
      "00");  // big-endian
  check_refused(
      "19"
      "0101000020"
      "e6100000"
      "0000000000000040"
      "0000000000000840"
      "00");  // EWKB with an SRID
  check_refused(
      "15"
      "0101000000"
      "000000000000f87f"
      "0000000000000840"
      "00");  // half empty
  check_refused("16" + point +
                "00"
                "00");  // bytes after the geometry
}

TEST_CASE("a sent record names the reason of its geometry and keeps to the limits") {
  const auto reason = [](std::string_view wkb_hex, const geo::GeometryLimits& limits) {
    std::string body;
    append_bytes(body, *from_hex(wkb_hex));
    const auto decoded = decode_record(record_of(to_hex(body) + "00"), limits);
    return decoded.ok() ? std::string("OK") : error_reason(decoded.status());
  };
  const std::string nan =
      "0101000000"
      "000000000000f87f"
      "0000000000000840";
  CHECK(reason(nan, {}) == "GEOMETRY_NOT_FINITE");
  CHECK(reason("0000000001"
               "4000000000000000"
               "4008000000000000",
               {}) == "RECORD_MALFORMED");
  const std::string line = to_hex(geo::parse_wkt("LINESTRING (0 0, 1 1, 2 2)").value().wkb);
  geo::GeometryLimits limits;
  limits.max_vertices = 3;
  CHECK(reason(line, limits) == "OK");
  limits.max_vertices = 2;
  CHECK(reason(line, limits) == "GEOMETRY_TOO_LARGE");
}

TEST_CASE("a feature id is 1 to 128 bytes of UTF-8 without control characters") {
  const auto reason = [](std::string_view id) {
    const absl::Status status = check_feature_id(id);
    CHECK((status.ok() || status.code() == absl::StatusCode::kInvalidArgument));
    return status.ok() ? std::string("OK") : error_reason(status);
  };
  CHECK(reason("a") == "OK");
  CHECK(reason("Đường số 7 / 'x'") == "OK");
  CHECK(reason(std::string(kMaxFeatureIdBytes, 'x')) == "OK");
  CHECK(reason(std::string(kMaxFeatureIdBytes + 1, 'x')) == "FEATURE_ID_TOO_LONG");
  CHECK(reason("") == "FEATURE_ID_MISSING");
  CHECK(reason("a\nb") == "FEATURE_ID_INVALID");
  CHECK(reason("a\x7F") == "FEATURE_ID_INVALID");
  CHECK(reason(std::string_view("a\0b", 3)) == "FEATURE_ID_INVALID");
  CHECK(reason("\xC3(") == "FEATURE_ID_INVALID");
}

}  // namespace lt::feature
