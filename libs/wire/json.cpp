#include "wire/json.hpp"

#include <cmath>
#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "wire/detail/json_value.hpp"

namespace lt::wire {
namespace {

using absl::StatusCode;

// Largest integer below which every integer is a binary64 (RFC 8259 §6).
constexpr double kMaxExact = 9007199254740991.0;
// Bounds that every int64 and uint64 lie within; 2^63 and 2^64 themselves do not fit back.
constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

absl::Status too_deep() {
  return make_error(StatusCode::kInvalidArgument, "JSON_TOO_DEEP",
                    "objects and lists are nested too deep for a message; flatten the value");
}

absl::Status not_finite() {
  return make_error(StatusCode::kInvalidArgument, "VALUE_NOT_FINITE",
                    "a number is NaN or infinite, which JSON does not have; send null or, for a double field, the "
                    "string \"NaN\", \"Infinity\" or \"-Infinity\"");
}

absl::Status check_utf8(std::string_view text) {
  if (is_utf8(text)) return absl::OkStatus();
  return make_error(StatusCode::kInvalidArgument, "TEXT_NOT_UTF8", "a text is not valid UTF-8; convert it to UTF-8");
}

absl::Status integer_to_value(const nlohmann::json& json, google::protobuf::Value* out) {
  bool exact = false;
  double number = 0;
  if (json.is_number_unsigned()) {
    const auto integer = json.get<std::uint64_t>();
    number = static_cast<double>(integer);
    exact = number < kTwo64 && static_cast<std::uint64_t>(number) == integer;
  } else {
    const auto integer = json.get<std::int64_t>();
    number = static_cast<double>(integer);
    exact = number < kTwo63 && static_cast<std::int64_t>(number) == integer;
  }
  if (!exact) {
    return make_error(StatusCode::kInvalidArgument, "VALUE_OUT_OF_RANGE",
                      fmt::format("integer {} has no exact binary64 form; send it as a string", json.dump()));
  }
  out->set_number_value(number);
  return absl::OkStatus();
}

absl::Status fill_value(const nlohmann::json& json, int depth_left, google::protobuf::Value* out);

absl::Status fill_struct(const nlohmann::json& json, int depth_left, google::protobuf::Struct* out) {
  if (depth_left == 0) return too_deep();
  auto& fields = *out->mutable_fields();
  for (auto it = json.begin(); it != json.end(); ++it) {
    LT_RETURN_IF_ERROR(check_utf8(it.key()));
    LT_RETURN_IF_ERROR(fill_value(it.value(), depth_left - 1, &fields[it.key()]));
  }
  return absl::OkStatus();
}

absl::Status fill_list(const nlohmann::json& json, int depth_left, google::protobuf::ListValue* out) {
  if (depth_left == 0) return too_deep();
  out->mutable_values()->Reserve(static_cast<int>(json.size()));
  for (const auto& item : json) LT_RETURN_IF_ERROR(fill_value(item, depth_left - 1, out->add_values()));
  return absl::OkStatus();
}

absl::Status fill_value(const nlohmann::json& json, int depth_left, google::protobuf::Value* out) {
  switch (json.type()) {
    case nlohmann::json::value_t::object: return fill_struct(json, depth_left, out->mutable_struct_value());
    case nlohmann::json::value_t::array: return fill_list(json, depth_left, out->mutable_list_value());
    case nlohmann::json::value_t::boolean: out->set_bool_value(json.get<bool>()); return absl::OkStatus();
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned: return integer_to_value(json, out);
    case nlohmann::json::value_t::number_float:
      if (!std::isfinite(json.get<double>())) return not_finite();
      out->set_number_value(json.get<double>());
      return absl::OkStatus();
    case nlohmann::json::value_t::string:
      LT_RETURN_IF_ERROR(check_utf8(json.get_ref<const std::string&>()));
      out->set_string_value(json.get_ref<const std::string&>());
      return absl::OkStatus();
    default: out->set_null_value(google::protobuf::NULL_VALUE); return absl::OkStatus();
  }
}

absl::StatusOr<nlohmann::json> number_to_json(double number) {
  if (!std::isfinite(number)) return not_finite();
  const bool integral = std::trunc(number) == number && std::abs(number) <= kMaxExact;
  const bool negative_zero = number == 0 && std::signbit(number);
  if (integral && !negative_zero) return nlohmann::json(static_cast<std::int64_t>(number));
  return nlohmann::json(number);
}

absl::StatusOr<nlohmann::json> read_value(const google::protobuf::Value& value, int depth_left);

absl::StatusOr<nlohmann::json> read_struct(const google::protobuf::Struct& value, int depth_left) {
  if (depth_left == 0) return too_deep();
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, member] : value.fields()) {
    LT_ASSIGN_OR_RETURN(json[name], read_value(member, depth_left - 1));
  }
  return json;
}

absl::StatusOr<nlohmann::json> read_list(const google::protobuf::ListValue& list, int depth_left) {
  if (depth_left == 0) return too_deep();
  nlohmann::json json = nlohmann::json::array();
  json.get_ref<nlohmann::json::array_t&>().reserve(static_cast<std::size_t>(list.values_size()));
  for (const auto& item : list.values()) {
    LT_ASSIGN_OR_RETURN(auto read, read_value(item, depth_left - 1));
    json.push_back(std::move(read));
  }
  return json;
}

absl::StatusOr<nlohmann::json> read_value(const google::protobuf::Value& value, int depth_left) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kNumberValue: return number_to_json(value.number_value());
    case google::protobuf::Value::kStringValue: return nlohmann::json(value.string_value());
    case google::protobuf::Value::kBoolValue: return nlohmann::json(value.bool_value());
    case google::protobuf::Value::kStructValue: return read_struct(value.struct_value(), depth_left);
    case google::protobuf::Value::kListValue: return read_list(value.list_value(), depth_left);
    default: return nlohmann::json(nullptr);
  }
}

}  // namespace

absl::Status json_to_struct(const nlohmann::json& json, google::protobuf::Struct* out, int max_depth) {
  out->Clear();
  if (!json.is_object()) {
    return make_error(StatusCode::kInvalidArgument, "JSON_NOT_OBJECT",
                      fmt::format("a JSON object is needed here, not {}", json.type_name()));
  }
  return fill_struct(json, max_depth, out);
}

absl::StatusOr<nlohmann::json> struct_to_json(const google::protobuf::Struct& value) {
  return read_struct(value, kMaxJsonDepth);
}

namespace detail {

absl::StatusOr<nlohmann::json> value_to_json(const google::protobuf::Value& value, int depth_left) {
  return read_value(value, depth_left);
}

}  // namespace detail

}  // namespace lt::wire
