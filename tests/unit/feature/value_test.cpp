#include "feature/value.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "feature/text.hpp"
#include "generators.hpp"

namespace lt::feature {
namespace {

using nlohmann::json;

std::string reason(FieldType type, const json& value) {
  const auto result = value_from_json(type, value);
  if (result.ok()) return "OK";
  CHECK(result.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK_FALSE(message_of(result.status()).empty());
  return error_reason(result.status());
}

Value read(FieldType type, const json& value) {
  const auto result = value_from_json(type, value);
  INFO(value.dump() << ": " << result.status());
  REQUIRE(result.ok());
  return *result;
}

constexpr std::int64_t kExact = (std::int64_t{1} << 53) - 1;

}  // namespace

TEST_CASE("every value survives JSON text") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  for (int run = 0; run < 20000; ++run) {
    const Value value = test::random_value(test::random_type(random), random);
    const std::string text = value_to_json(value).dump();
    std::string appended;
    append_json(appended, value);
    INFO(appended);
    CHECK(value_from_json(type_of(value), json::parse(appended)).value() == value);
    INFO("run " << run << " " << to_string(type_of(value)) << " " << text);
    REQUIRE(check_value(value).ok());
    const auto back = value_from_json(type_of(value), json::parse(text));
    REQUIRE(back.ok());
    REQUIRE(*back == value);
    if (const double* number = std::get_if<double>(&value))
      REQUIRE(std::signbit(*number) == std::signbit(std::get<double>(*back)));
  }
}

TEST_CASE("every value survives JSON whose numbers are all doubles, as in google.protobuf.Struct") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  for (int run = 0; run < 5000; ++run) {
    const Value value = test::random_value(test::random_type(random), random);
    json form = value_to_json(value);
    if (form.is_number()) form = form.get<double>();
    INFO("run " << run << " " << form.dump());
    REQUIRE(read(type_of(value), form) == value);
  }
}

TEST_CASE("type names are known both ways") {
  for (int number = 1; number <= 10; ++number) {
    const auto type = static_cast<FieldType>(number);
    CHECK(field_type_from(to_string(type)) == type);
  }
  CHECK_FALSE(field_type_from("text"));
  CHECK_FALSE(field_type_from(""));
}

TEST_CASE("an int64 is read exactly or refused") {
  CHECK(read(FieldType::kInt64, 4) == Value(std::int64_t{4}));
  CHECK(read(FieldType::kInt64, 4.0) == Value(std::int64_t{4}));
  CHECK(read(FieldType::kInt64, -0.0) == Value(std::int64_t{0}));
  CHECK(read(FieldType::kInt64, kExact) == Value(kExact));
  CHECK(read(FieldType::kInt64, -kExact) == Value(-kExact));
  CHECK(read(FieldType::kInt64, static_cast<double>(kExact)) == Value(kExact));
  CHECK(read(FieldType::kInt64, "-9223372036854775808") == Value(std::numeric_limits<std::int64_t>::min()));
  CHECK(read(FieldType::kInt64, "9223372036854775807") == Value(std::numeric_limits<std::int64_t>::max()));

  CHECK(reason(FieldType::kInt64, 4.5) == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kInt64, kExact + 1) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kInt64, -kExact - 1) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kInt64, static_cast<double>(kExact + 1)) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kInt64, std::numeric_limits<std::uint64_t>::max()) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kInt64, std::numeric_limits<std::int64_t>::min()) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kInt64, 1e300) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kInt64, std::numeric_limits<double>::quiet_NaN()) == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kInt64, "9223372036854775808") == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kInt64, "-9223372036854775809") == "VALUE_OUT_OF_RANGE");
  for (const char* text : {"", "-", "+1", "1.0", "1e3", " 1", "1 ", "0x10", "một"}) {
    CHECK(reason(FieldType::kInt64, text) == "VALUE_WRONG_TYPE");
  }
  CHECK(reason(FieldType::kInt64, true) == "VALUE_WRONG_TYPE");
}

TEST_CASE("the refusal of a wide int64 says to send a decimal string") {
  const auto result = value_from_json(FieldType::kInt64, kExact + 1);
  CHECK_THAT(message_of(result.status()), Catch::Contains("9007199254740992") && Catch::Contains("decimal string"));
}

TEST_CASE("an int64 beyond 2^53 - 1 is written as a string") {
  CHECK(value_to_json(kExact) == json(kExact));
  CHECK(value_to_json(kExact + 1) == json("9007199254740992"));
  CHECK(value_to_json(-kExact - 1) == json("-9007199254740992"));
}

TEST_CASE("a double is a number or one of three names") {
  CHECK(read(FieldType::kDouble, 4) == Value(4.0));
  CHECK(read(FieldType::kDouble, "-Infinity") == Value(-std::numeric_limits<double>::infinity()));
  CHECK(std::isnan(std::get<double>(read(FieldType::kDouble, "NaN"))));
  CHECK(value_to_json(std::nan("")) == json("NaN"));
  for (const char* text : {"1.5", "nan", "inf", ""}) CHECK(reason(FieldType::kDouble, text) == "VALUE_WRONG_TYPE");
}

TEST_CASE("no type is guessed from the look of a value") {
  CHECK(reason(FieldType::kString, 5) == "VALUE_WRONG_TYPE");
  CHECK(read(FieldType::kString, "2024-05-06") == Value(std::string("2024-05-06")));
  CHECK(reason(FieldType::kBool, 1) == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kBool, "true") == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kDecimal, 1.5) == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kStringList, "a") == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kStringList, {"a", 1}) == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kBytes, "?") == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kBytes, 7) == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kDate, 19849) == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kTimestamp, 0) == "VALUE_WRONG_TYPE");
}

TEST_CASE("null is no value of any type") {
  for (int type = 1; type <= 10; ++type) CHECK(reason(static_cast<FieldType>(type), nullptr) == "VALUE_WRONG_TYPE");
}

TEST_CASE("dates and timestamps keep what was written") {
  CHECK(read(FieldType::kDate, "2024-05-06") == Value(Date{19849}));
  CHECK(reason(FieldType::kDate, "06/05/2024") == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kDate, "2023-02-29") == "VALUE_WRONG_TYPE");
  CHECK(read(FieldType::kTimestamp, "1970-01-01T07:00:00+07:00") == Value(Timestamp{0, std::int16_t{420}}));
  CHECK(read(FieldType::kTimestamp, "1970-01-01T00:00:00") == Value(Timestamp{0, std::nullopt}));
  CHECK(value_to_json(Timestamp{0, std::nullopt}) == json("1970-01-01T00:00:00"));
  CHECK(value_to_json(Timestamp{0, std::int16_t{0}}) == json("1970-01-01T00:00:00Z"));
  CHECK(reason(FieldType::kTimestamp, "1970-01-01T00:00:00.1234567Z") == "VALUE_WRONG_TYPE");
  CHECK(reason(FieldType::kTimestamp, "1970-01-01") == "VALUE_WRONG_TYPE");
}

TEST_CASE("text that is not UTF-8 or has U+0000 is refused wherever it stands") {
  const std::string bad_utf8 = "a\xC3(";
  const std::string nul("a\0b", 3);
  for (const FieldType type : {FieldType::kString, FieldType::kJson}) {
    CHECK(reason(type, bad_utf8) == "TEXT_NOT_UTF8");
    CHECK(reason(type, nul) == "TEXT_HAS_NUL");
  }
  CHECK(reason(FieldType::kStringList, json::array({"a", nul})) == "TEXT_HAS_NUL");
  CHECK(reason(FieldType::kStringList, json::array({bad_utf8})) == "TEXT_NOT_UTF8");
  CHECK(reason(FieldType::kJson, json{{"a", {nul}}}) == "TEXT_HAS_NUL");
  CHECK(reason(FieldType::kJson, json{{nul, 1}}) == "TEXT_HAS_NUL");
}

TEST_CASE("json is kept in its canonical form and never rounded") {
  const auto text = [](const json& value) { return std::get<Json>(read(FieldType::kJson, value)).text; };
  CHECK(text(json::parse(R"({"b": 1.0, "a": [null, true]})")) == R"({"a":[null,true],"b":1})");
  CHECK(text(9007199254740992.0) == "9007199254740992");
  CHECK(text(9007199254740992) == "9007199254740992");
  CHECK(text(json::array({1e17, json{{"n", -9223372036854775808.0}}})) ==
        R"([100000000000000000,{"n":-9223372036854776000}])");
  CHECK(reason(FieldType::kJson, 9007199254740993) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kJson, json::array({std::numeric_limits<std::int64_t>::min()})) == "VALUE_OUT_OF_RANGE");
  CHECK(reason(FieldType::kJson, std::numeric_limits<double>::infinity()) == "VALUE_OUT_OF_RANGE");
  json deep = 1;
  for (int depth = 0; depth < kMaxJsonDepth; ++depth) deep = json::array({deep});
  CHECK(reason(FieldType::kJson, deep) == "OK");
  CHECK(reason(FieldType::kJson, json::array({deep})) == "VALUE_OUT_OF_RANGE");
}

TEST_CASE("values made in other ways are checked by the same rules") {
  CHECK(check_value(Date{kMaxDate}).ok());
  CHECK(error_reason(check_value(Date{kMaxDate + 1})) == "VALUE_OUT_OF_RANGE");
  CHECK(error_reason(check_value(Timestamp{std::numeric_limits<std::int64_t>::max(), std::nullopt})) ==
        "VALUE_OUT_OF_RANGE");
  CHECK(error_reason(check_value(Timestamp{0, std::int16_t{1081}})) == "VALUE_OUT_OF_RANGE");
  CHECK(error_reason(check_value(Decimal{"1,5"})) == "VALUE_WRONG_TYPE");
  CHECK(error_reason(check_value(Json{"{ }"})) == "VALUE_WRONG_TYPE");
  CHECK(error_reason(check_value(std::string("\xFF"))) == "TEXT_NOT_UTF8");
}

TEST_CASE("values in messages are cut to 64 characters and made printable") {
  std::string long_text;
  for (int i = 0; i < 100; ++i) long_text += "đ";
  CHECK(cut(long_text).size() == 64 * 2 + 3);
  CHECK(cut("a\nb\xC3(") == "a?b?(");
  CHECK(cut("") == "");
  CHECK(cut(std::string(64, 'x')) == std::string(64, 'x'));
  const auto result = value_from_json(FieldType::kDate, std::string(5000, 'x'));
  CHECK(message_of(result.status()).size() < 300);
}

}  // namespace lt::feature
