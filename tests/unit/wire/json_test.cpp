#include "wire/json.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

#include <nlohmann/json.hpp>

#include "wire_support.hpp"

namespace {

using google::protobuf::Struct;
using lt::wire::json_to_struct;
using lt::wire::struct_to_json;
using nlohmann::json;

json nested(int levels) {
  json value = 1;
  for (int i = 0; i < levels; ++i) value = i % 2 == 0 ? json::array({value}) : json{{"a", value}};
  return value.is_object() ? value : json{{"a", value}};
}

Struct nested_struct(int levels) {
  Struct value;
  for (int i = 1; i < levels; ++i) {
    Struct outer;
    (*outer.mutable_fields())["a"].mutable_struct_value()->Swap(&value);
    value.Swap(&outer);
  }
  return value;
}

TEST_CASE("a JSON object becomes a Struct and is the same again") {
  const auto document = json::parse(R"({"n":null,"t":true,"f":false,"i":-7,"max":9007199254740991,"d":0.1,"big":1e300,
      "s":"Đường \u0000 \"quoted\"","l":[1,"two",[],{}],"o":{"k":{"v":[null]}},"":"empty name"})");
  Struct value;
  REQUIRE(json_to_struct(document, &value).ok());
  const auto back = struct_to_json(value);
  REQUIRE(back.ok());
  CHECK(*back == document);
  CHECK((*back)["i"].is_number_integer());
}

TEST_CASE("an empty object is an empty Struct both ways") {
  Struct value;
  (*value.mutable_fields())["left over"].set_bool_value(true);
  REQUIRE(json_to_struct(json::object(), &value).ok());
  CHECK(value.fields().empty());
  CHECK(*struct_to_json(value) == json::object());
}

TEST_CASE("minus zero keeps its sign") {
  Struct value;
  (*value.mutable_fields())["z"].set_number_value(-0.0);
  const auto read = struct_to_json(value);
  REQUIRE(read.ok());
  CHECK(std::signbit((*read)["z"].get<double>()));
}

TEST_CASE("a Value without a kind is null") {
  Struct value;
  (*value.mutable_fields())["x"];
  CHECK(*struct_to_json(value) == json{{"x", nullptr}});
}

TEST_CASE("NaN and infinities are refused both ways") {
  const double bad = GENERATE(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                              -std::numeric_limits<double>::infinity());
  Struct value;
  const auto written = json_to_struct(json{{"l", {bad}}}, &value);
  CHECK(written.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(written) == "VALUE_NOT_FINITE");
  Struct hostile;
  (*hostile.mutable_fields())["x"].mutable_list_value()->add_values()->set_number_value(bad);
  const auto read = struct_to_json(hostile);
  CHECK(read.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(read.status()) == "VALUE_NOT_FINITE");
}

TEST_CASE("only an object becomes a Struct") {
  Struct value;
  const auto status = json_to_struct(json::array(), &value);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == "JSON_NOT_OBJECT");
}

TEST_CASE("an integer that binary64 cannot hold is refused instead of rounded") {
  Struct value;
  CHECK(json_to_struct(json{{"x", std::int64_t{1} << 62}}, &value).ok());
  CHECK(json_to_struct(json{{"x", std::uint64_t{1} << 63}}, &value).ok());
  CHECK(json_to_struct(json{{"x", std::numeric_limits<std::int64_t>::min()}}, &value).ok());
  const json bad = GENERATE(json((std::int64_t{1} << 53) + 1), json(std::numeric_limits<std::int64_t>::max()),
                            json(std::numeric_limits<std::uint64_t>::max()));
  const auto status = json_to_struct(json{{"x", bad}}, &value);
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == "VALUE_OUT_OF_RANGE");
}

TEST_CASE("text that is not UTF-8 is refused as name and as value") {
  Struct value;
  const auto as_value = json_to_struct(json{{"x", "\xff"}}, &value);
  CHECK(lt::error_reason(as_value) == "TEXT_NOT_UTF8");
  const auto as_name = json_to_struct(json{{"\xff", 1}}, &value);
  CHECK(lt::error_reason(as_name) == "TEXT_NOT_UTF8");
}

TEST_CASE("nesting is followed up to the limit and refused beyond") {
  Struct value;
  CHECK(json_to_struct(nested(lt::wire::kMaxJsonDepth), &value).ok());
  CHECK(struct_to_json(value).ok());
  const auto written = json_to_struct(nested(lt::wire::kMaxJsonDepth + 2), &value);
  CHECK(written.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(written) == "JSON_TOO_DEEP");

  CHECK(struct_to_json(nested_struct(lt::wire::kMaxJsonDepth)).ok());
  const auto read = struct_to_json(nested_struct(lt::wire::kMaxJsonDepth + 1));
  CHECK(read.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(read.status()) == "JSON_TOO_DEEP");
}

TEST_CASE("objects up to the portable depth can be parsed again by protobuf") {
  json document = json::object();
  for (int i = 1; i < lt::wire::kMaxPortableDepth; ++i) document = json{{"a", document}};
  Struct value;
  REQUIRE(json_to_struct(document, &value, lt::wire::kMaxPortableDepth).ok());
  Struct parsed;
  REQUIRE(parsed.ParseFromString(value.SerializeAsString()));
  CHECK(*struct_to_json(parsed) == document);
  const auto deeper = json_to_struct(json{{"a", document}}, &value, lt::wire::kMaxPortableDepth);
  CHECK(lt::error_reason(deeper) == "JSON_TOO_DEEP");
}

}  // namespace
