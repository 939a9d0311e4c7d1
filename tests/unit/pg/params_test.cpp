#include "pg/params.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "pg/copy.hpp"
#include "pg/detail/binary.hpp"

namespace lt::pg {
namespace {

std::string hex_of(const Params& params, std::size_t index) {
  const auto value = params.value(index);
  return value ? to_hex(*value) : "NULL";
}

TEST_CASE("params are encoded big-endian with the type of their C++ type") {
  Params params;
  params.add(std::int16_t{-2}).add(std::int32_t{258}).add(std::int64_t{-1}).add(1.5).add(1.5F).add(true).add("bé");
  REQUIRE(params.size() == 7);
  CHECK(hex_of(params, 0) == "fffe");
  CHECK(params.type(0) == detail::kInt2Oid);
  CHECK(hex_of(params, 1) == "00000102");
  CHECK(params.type(1) == detail::kInt4Oid);
  CHECK(hex_of(params, 2) == "ffffffffffffffff");
  CHECK(params.type(2) == detail::kInt8Oid);
  CHECK(hex_of(params, 3) == "3ff8000000000000");
  CHECK(params.type(3) == detail::kFloat8Oid);
  CHECK(hex_of(params, 4) == "3fc00000");
  CHECK(params.type(4) == detail::kFloat4Oid);
  CHECK(hex_of(params, 5) == "01");
  CHECK(params.type(5) == detail::kBoolOid);
  CHECK(hex_of(params, 6) == "62c3a9");
  CHECK(params.type(6) == detail::kTextOid);
}

TEST_CASE("a string literal is text and not a boolean") {
  const auto params = Params().add("x");
  CHECK(params.type(0) == detail::kTextOid);
}

TEST_CASE("an absent optional is a NULL that keeps its type, and what follows is not disturbed") {
  Params params;
  params.add(std::optional<std::int64_t>()).add(std::optional<std::string>("a")).add_null();
  CHECK(hex_of(params, 0) == "NULL");
  CHECK(params.type(0) == detail::kInt8Oid);
  CHECK(hex_of(params, 1) == "61");
  CHECK(hex_of(params, 2) == "NULL");
  CHECK(params.type(2) == detail::kUnknownOid);
}

TEST_CASE("an empty text and empty bytes are not NULL") {
  const auto params = Params().add("").add_bytes("");
  CHECK(hex_of(params, 0).empty());
  CHECK(hex_of(params, 1).empty());
}

TEST_CASE("an empty array has no dimension and one element has lower bound one") {
  const std::vector<std::int64_t> none;
  const std::vector<std::int64_t> one{7};
  const std::vector<std::string> text{"ab"};
  const auto params = Params().add_int8_array(none).add_int8_array(one).add_text_array(text);
  CHECK(hex_of(params, 0) == "000000000000000000000014");
  CHECK(hex_of(params, 1) == "0000000100000000000000140000000100000001000000080000000000000007");
  CHECK(hex_of(params, 2) == "0000000100000000000000190000000100000001000000026162");
}

TEST_CASE("an array of raw values says that it has NULLs, and only then") {
  const std::vector<RawValue> with{"a", std::nullopt};
  const std::vector<RawValue> without{"a"};
  const auto params = Params().add_raw_array(ElementType::kText, with).add_raw_array(ElementType::kBytea, without);
  CHECK(hex_of(params, 0) ==
        "000000010000000100000019000000020000000100000001"
        "61"
        "ffffffff");
  CHECK(hex_of(params, 1) ==
        "0000000100000000000000110000000100000001"
        "00000001"
        "61");
  CHECK(params.type(0) == detail::kTextArrayOid);
  CHECK(params.type(1) == detail::kByteaArrayOid);
}

TEST_CASE("timestamps count from the year 2000 and the ends of the range stay finite") {
  CHECK(detail::to_postgres_us(detail::kPostgresEpochUs) == 0);
  CHECK(detail::to_postgres_us(0) == -detail::kPostgresEpochUs);
  CHECK(detail::to_postgres_us(std::numeric_limits<std::int64_t>::min()) ==
        std::numeric_limits<std::int64_t>::min() + 1);
}

TEST_CASE("cleared params start anew") {
  Params params;
  params.add(1).clear();
  CHECK(params.size() == 0);
  params.add(2);
  CHECK(hex_of(params, 0) == "00000002");
}

TEST_CASE("the copy encoder writes count, length and value") {
  CopyEncoder encoder;
  encoder.begin_row(3).add(std::int32_t{1}).add_null().add("ab");
  CHECK(encoder.row_complete());
  CHECK(to_hex(encoder.bytes()) ==
        "0003"
        "0000000400000001"
        "ffffffff"
        "000000026162");
}

TEST_CASE("the copy encoder knows a row with too few or too many values") {
  CopyEncoder encoder;
  encoder.begin_row(2).add(true);
  CHECK_FALSE(encoder.row_complete());
  encoder.add(false);
  CHECK(encoder.row_complete());
  encoder.add(false);
  CHECK_FALSE(encoder.row_complete());
}

TEST_CASE("the copy encoder hands its rows over and is empty afterwards") {
  CopyEncoder encoder;
  encoder.begin_row(1).add_jsonb("{}");
  CHECK(to_hex(encoder.take()) ==
        "0001"
        "00000003017b7d");
  CHECK(encoder.size() == 0);
}

TEST_CASE("a row of loose fields reads integers by their length") {
  const std::string two("\xff\xfe", 2);
  const std::string eight("\0\0\0\1\0\0\0\0", 8);
  const std::vector<Field> fields{{two.data(), 2, 0}, {eight.data(), 8, 0}, {nullptr, -1, 0}};
  const Row row(fields.data(), 3);
  CHECK(row.columns() == 3);
  CHECK(row.get_int(0) == -2);
  CHECK(row.get_int(1) == 4294967296);
  CHECK(row.is_null(2));
  CHECK(row.get_int(2) == 0);
  CHECK(row.get_optional_int(2) == std::nullopt);
}

}  // namespace
}  // namespace lt::pg
