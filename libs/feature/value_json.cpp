// Property values as JSON, both ways: the table in docs/canonical.md.
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/detail/json_value.hpp"
#include "feature/text.hpp"
#include "feature/value.hpp"

namespace lt::feature {
namespace {

constexpr std::int64_t kMaxExact = (std::int64_t{1} << 53) - 1;
constexpr std::string_view kNan = "NaN";
constexpr std::string_view kInfinity = "Infinity";
constexpr std::string_view kMinusInfinity = "-Infinity";

absl::Status invalid(std::string_view reason, const std::string& message) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message);
}

// The value as it can be shown in a message.
std::string shown(const nlohmann::json& json) {
  return cut(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

absl::Status wrong_type(const nlohmann::json& json, std::string_view expected) {
  return invalid("VALUE_WRONG_TYPE", shown(json) + " is not " + std::string(expected));
}

const std::string* text_of(const nlohmann::json& json) { return json.get_ptr<const std::string*>(); }

absl::Status beyond_exact(const nlohmann::json& json) {
  return invalid("VALUE_OUT_OF_RANGE",
                 "number " + shown(json) +
                     " is beyond ±(2^53 − 1), where JSON readers round; send the int64 as a decimal "
                     "string");
}

absl::StatusOr<Value> int64_from_text(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return invalid("VALUE_WRONG_TYPE", "\"" + cut(text) + "\" is not an int64; send a number or a string of digits");
  }
  if (error == std::errc::result_out_of_range) {
    return invalid("VALUE_OUT_OF_RANGE", "\"" + cut(text) + "\" does not fit into 64 bits");
  }
  return Value(value);
}

absl::StatusOr<Value> int64_from_double(const nlohmann::json& json) {
  const double number = json.get<double>();
  if (!std::isfinite(number)) return wrong_type(json, "an int64");
  if (std::abs(number) > static_cast<double>(kMaxExact)) return beyond_exact(json);
  if (number != std::trunc(number)) {
    return invalid("VALUE_WRONG_TYPE", "number " + shown(json) + " has a fraction, but the field is an int64");
  }
  return Value(static_cast<std::int64_t>(number));
}

absl::StatusOr<Value> int64_from_json(const nlohmann::json& json) {
  if (const std::string* text = text_of(json)) return int64_from_text(*text);
  if (json.is_number_float()) return int64_from_double(json);
  if (!json.is_number()) return wrong_type(json, "an int64; send a number or a string of digits");
  if (json.is_number_unsigned()) {
    const auto value = json.get<std::uint64_t>();
    if (value > static_cast<std::uint64_t>(kMaxExact)) return beyond_exact(json);
    return Value(static_cast<std::int64_t>(value));
  }
  const auto value = json.get<std::int64_t>();
  if (value > kMaxExact || value < -kMaxExact) return beyond_exact(json);
  return Value(value);
}

absl::StatusOr<Value> double_from_json(const nlohmann::json& json) {
  if (json.is_number()) return Value(json.get<double>());
  const std::string* text = text_of(json);
  if (text && *text == kNan) return Value(std::numeric_limits<double>::quiet_NaN());
  if (text && *text == kInfinity) return Value(std::numeric_limits<double>::infinity());
  if (text && *text == kMinusInfinity) return Value(-std::numeric_limits<double>::infinity());
  return wrong_type(json, "a double; send a number (or \"NaN\", \"Infinity\", \"-Infinity\" as a string)");
}

absl::StatusOr<Value> date_from_json(const nlohmann::json& json) {
  const std::string* text = text_of(json);
  if (!text) return wrong_type(json, "a date; send a string YYYY-MM-DD");
  const auto days = parse_date(*text);
  if (!days.ok()) return invalid("VALUE_WRONG_TYPE", message_of(days.status()));
  return Value(Date{*days});
}

absl::StatusOr<Value> timestamp_from_json(const nlohmann::json& json) {
  const std::string* text = text_of(json);
  if (!text) return wrong_type(json, "a timestamp; send an RFC 3339 string");
  const auto parsed = parse_rfc3339(*text);
  if (!parsed.ok()) return invalid("VALUE_WRONG_TYPE", message_of(parsed.status()));
  return Value(Timestamp{parsed->us, parsed->offset_minutes});
}

absl::StatusOr<Value> bytes_from_json(const nlohmann::json& json) {
  const std::string* text = text_of(json);
  if (!text) return wrong_type(json, "bytes; send a base64 string");
  auto bytes = from_base64(*text);
  if (!bytes) return invalid("VALUE_WRONG_TYPE", "\"" + cut(*text) + "\" is not base64");
  return Value(Bytes{*std::move(bytes)});
}

absl::StatusOr<Value> list_from_json(const nlohmann::json& json) {
  if (!json.is_array()) return wrong_type(json, "a list of strings");
  StringList list;
  list.reserve(json.size());
  for (const auto& item : json) {
    const std::string* text = text_of(item);
    if (!text) return wrong_type(item, "a string, as every item of a string_list is");
    list.push_back(*text);
  }
  return Value(std::move(list));
}

absl::StatusOr<Value> unchecked_from_json(FieldType type, const nlohmann::json& json) {
  const std::string* text = text_of(json);
  switch (type) {
    case FieldType::kString: return text ? absl::StatusOr<Value>(Value(*text)) : wrong_type(json, "a string");
    case FieldType::kInt64: return int64_from_json(json);
    case FieldType::kDouble: return double_from_json(json);
    case FieldType::kBool:
      return json.is_boolean() ? absl::StatusOr<Value>(Value(json.get<bool>())) : wrong_type(json, "true or false");
    case FieldType::kDate: return date_from_json(json);
    case FieldType::kTimestamp: return timestamp_from_json(json);
    case FieldType::kDecimal:
      return text ? absl::StatusOr<Value>(Value(Decimal{*text}))
                  : wrong_type(json, "a decimal; send it as a string, so that every digit is kept");
    case FieldType::kBytes: return bytes_from_json(json);
    case FieldType::kStringList: return list_from_json(json);
    case FieldType::kJson: break;
  }
  LT_ASSIGN_OR_RETURN(std::string canonical, detail::canonical_json_value(json));
  return Value(Json{std::move(canonical)});
}

struct ToJson {
  nlohmann::json operator()(const std::string& text) const { return text; }
  nlohmann::json operator()(std::int64_t value) const {
    if (value > kMaxExact || value < -kMaxExact) return std::to_string(value);
    return value;
  }
  nlohmann::json operator()(double value) const {
    if (std::isnan(value)) return kNan;
    if (std::isinf(value)) return value > 0 ? kInfinity : kMinusInfinity;
    return value;
  }
  nlohmann::json operator()(bool value) const { return value; }
  nlohmann::json operator()(Date date) const { return format_date(date.days); }
  nlohmann::json operator()(Timestamp value) const { return format_rfc3339({value.us, value.offset_minutes}); }
  nlohmann::json operator()(const Decimal& value) const { return value.text; }
  nlohmann::json operator()(const Bytes& value) const { return to_base64(value.bytes); }
  nlohmann::json operator()(const StringList& list) const { return list; }
  nlohmann::json operator()(const Json& json) const { return nlohmann::json::parse(json.text, nullptr, false); }
};

void append_quoted(std::string& out, std::string_view text) {
  constexpr unsigned char kFirstPrintable = 0x20;
  out += '"';
  std::size_t plain = 0;  // start of what needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= kFirstPrintable && c != '"' && c != '\\') continue;
    out.append(text, plain, i - plain);
    plain = i + 1;
    if (c >= kFirstPrintable) {
      out += {'\\', text[i]};
    } else {
      out += fmt::format("\\u{:04x}", c);
    }
  }
  out.append(text, plain);
  out += '"';
}

template <typename Number>
void append_number(std::string& out, Number number) {
  char digits[32];  // the longest double has 24 characters
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

// Those that are frequent; value_to_json() does the others.
struct AppendJson {
  std::string& out;
  void operator()(const std::string& text) const { append_quoted(out, text); }
  void operator()(const Decimal& value) const { append_quoted(out, value.text); }
  void operator()(const Json& json) const { out += json.text; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(std::int64_t value) const {
    const bool exact = value <= kMaxExact && value >= -kMaxExact;
    if (!exact) out += '"';
    append_number(out, value);
    if (!exact) out += '"';
  }
  void operator()(double value) const {
    if (std::isfinite(value)) return append_number(out, value);
    out += ToJson{}(value).dump();
  }
  template <typename Other>
  void operator()(const Other& value) const {
    out += ToJson{}(value).dump();
  }
};

}  // namespace

absl::StatusOr<Value> value_from_json(FieldType type, const nlohmann::json& json) {
  if (json.is_null()) return invalid("VALUE_WRONG_TYPE", "null is the absence of a value; leave the property out");
  LT_ASSIGN_OR_RETURN(Value value, unchecked_from_json(type, json));
  // JSON was checked while it was made canonical; parsing it again would double the cost.
  if (type != FieldType::kJson) LT_RETURN_IF_ERROR(check_value(value));
  return value;
}

nlohmann::json value_to_json(const Value& value) { return std::visit(ToJson{}, value); }

void append_json(std::string& out, const Value& value) { std::visit(AppendJson{out}, value); }

}  // namespace lt::feature
