#include "base/json.hpp"

#include <bit>
#include <cstdint>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"

namespace {

std::string canonical(const std::string& text) {
  const auto value = lt::parse_json(text);
  REQUIRE(value.ok());
  const auto out = lt::canonical_json(*value);
  REQUIRE(out.ok());
  return *out;
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("canonical_number gives the samples of RFC 8785 appendix B") {
  const std::pair<std::uint64_t, const char*> samples[] = {
      {0x0000000000000000, "0"},
      {0x8000000000000000, "0"},
      {0x0000000000000001, "5e-324"},
      {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"},
      {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"},
      {0xc340000000000000, "-9007199254740992"},
      {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"},
      {0x44b52d02c7e14af6, "1e+23"},
      {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"},
      {0x444b1ae4d6e2ef4f, "999999999999999900000"},
      {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
      {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"},
      {0x41b3de4355555554, "333333333.33333325"},
      {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"},
      {0x41b3de4355555557, "333333333.33333343"},
      {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"},
  };
  for (const auto& [bits, text] : samples) CHECK(lt::canonical_number(std::bit_cast<double>(bits)) == text);
}

TEST_CASE("canonical_json gives the sample of RFC 8785 section 3.2.2") {
  CHECK(canonical(R"({"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                      "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]})") ==
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
        "\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
}

TEST_CASE("canonical_json sorts members by UTF-16 code units as in RFC 8785 section 3.2.3") {
  CHECK(canonical(R"({"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
                      "\ud83d\ude00":"Emoji","\u0080":"Control","\u00f6":"Latin"})") ==
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xC2\x80\":\"Control\",\"ö\":\"Latin\",\"€\":\"Euro Sign\","
        "\"😀\":\"Emoji\",\"\xEF\xAC\xB3\":\"Hebrew Letter Dalet With Dagesh\"}");
}

TEST_CASE("canonical_json of canonical text is the same text") {
  for (const char* text : {"{}", "[]", "null", "\"\"", "0", "-1", "9007199254740991", "-9007199254740991", "1.5",
                           R"({"a":{"b":[1,{"c":"đ"}]}})", "\"\x7f\""}) {
    CHECK(canonical(text) == text);
  }
  CHECK(canonical("-0") == "0");
  CHECK(canonical("-0.0") == "0");
  CHECK(canonical("1.0") == "1");
}

TEST_CASE("canonical_json refuses numbers without an exact form") {
  for (const nlohmann::json& value :
       {nlohmann::json(9007199254740992), nlohmann::json(-9007199254740992), nlohmann::json(UINT64_MAX),
        nlohmann::json(INT64_MIN), nlohmann::json(INFINITY), nlohmann::json(NAN)}) {
    const auto out = lt::canonical_json(nlohmann::json::array({value}));
    REQUIRE_FALSE(out.ok());
    CHECK(out.status().code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("parse_json refuses malformed text") {
  for (const char* text : {"",    " ",       "{",           "[1,]",     "{\"a\":1,}",       "nul",   "01",
                           "+1",  ".5",      "1.",          "'a'",      "\"\\x\"",          "[1] 2", "\"\n\"",
                           "NaN", "// c\n1", "\"\\ud800\"", "\"\xff\"", "\"\xed\xa0\x80\"", "1e999"}) {
    INFO(text);
    const auto value = lt::parse_json(text);
    REQUIRE_FALSE(value.ok());
    CHECK(value.status().code() == absl::StatusCode::kInvalidArgument);
  }
}

TEST_CASE("parse_json refuses a member name twice in one object") {
  CHECK_FALSE(lt::parse_json(R"({"a":1,"a":2})").ok());
  CHECK_FALSE(lt::parse_json(R"({"a":1,"\u0061":2})").ok());
  CHECK_FALSE(lt::parse_json(R"([{"x":{"a":1,"b":{"a":0},"a":2}}])").ok());
  CHECK(lt::parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})").ok());
}

TEST_CASE("parse_json takes nesting up to the limit") {
  CHECK(lt::parse_json(nested(64)).ok());
  CHECK_FALSE(lt::parse_json(nested(65)).ok());
  CHECK(lt::parse_json(nested(2), 2).ok());
  CHECK_FALSE(lt::parse_json(R"([{"a":[]}])", 2).ok());
  CHECK_FALSE(lt::parse_json(std::string(1'000'000, '[')).ok());
  CHECK(lt::parse_json("[[],[],{},{}]", 2).ok());
}
