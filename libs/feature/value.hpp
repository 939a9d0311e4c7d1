// Typed property values, and their form as JSON (the table in docs/canonical.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

namespace lt::feature {

enum class FieldType : std::uint8_t {
  kString = 1,  ///< UTF-8 without U+0000
  kInt64 = 2,
  kDouble = 3,  ///< IEEE 754 binary64, bits kept; NaN and infinities only where the field allows them
  kBool = 4,
  kDate = 5,       ///< proleptic Gregorian, 0001-01-01 to 9999-12-31
  kTimestamp = 6,  ///< microseconds, offset kept; without an offset a local wall-clock time
  kDecimal = 7,    ///< decimal text, kept digit by digit
  kBytes = 8,
  kStringList = 9,
  kJson = 10,  ///< RFC 8785 text
};
/// "string", "int64", "double", "bool", "date", "timestamp", "decimal", "bytes", "string_list", "json".
[[nodiscard]] std::string_view to_string(FieldType type);
[[nodiscard]] std::optional<FieldType> field_type_from(std::string_view name);

inline constexpr std::size_t kMaxDecimalChars = 1000;
inline constexpr int kMaxJsonDepth = 64;

struct Date {
  std::int32_t days = 0;  ///< since 1970-01-01
  bool operator==(const Date&) const = default;
};
struct Timestamp {
  std::int64_t us = 0;  ///< since 1970-01-01T00:00:00, UTC with an offset, local wall clock without one
  std::optional<std::int16_t> offset_minutes;
  bool operator==(const Timestamp&) const = default;
};
struct Decimal {
  std::string text;  ///< -?(0|[1-9][0-9]*)(\.[0-9]+)?, at most 1,000 characters
  bool operator==(const Decimal&) const = default;
};
struct Bytes {
  std::string bytes;
  bool operator==(const Bytes&) const = default;
};
struct Json {
  std::string text;  ///< canonical by RFC 8785, nested at most kMaxJsonDepth deep; never "null": that is absence
  bool operator==(const Json&) const = default;
};
using StringList = std::vector<std::string>;

/// One value; null is the absence of a value and has no form here. Order of alternatives = FieldType.
using Value = std::variant<std::string, std::int64_t, double, bool, Date, Timestamp, Decimal, Bytes, StringList, Json>;

[[nodiscard]] FieldType type_of(const Value& value);

/// Checks that a value can stand in a record: UTF-8 without U+0000, days and times in years 0001..9999, decimal syntax,
/// canonical JSON. Every Value that reaches encode_record() has passed this or comes from value_from_json().
/// Errors: INVALID_ARGUMENT VALUE_WRONG_TYPE, VALUE_OUT_OF_RANGE, TEXT_NOT_UTF8, TEXT_HAS_NUL.
[[nodiscard]] absl::Status check_value(const Value& value);

/// Reads a JSON value as `type`; never guesses from the value. JSON null is the absence of a value and refused here.
/// int64: number without fraction up to ±(2^53 − 1), or decimal string of the whole range. double: number, or "NaN",
/// "Infinity", "-Infinity". decimal: string. date, timestamp: RFC 3339 string. bytes: base64 string. json: any value.
/// Errors: INVALID_ARGUMENT VALUE_WRONG_TYPE, VALUE_OUT_OF_RANGE, TEXT_NOT_UTF8, TEXT_HAS_NUL.
[[nodiscard]] absl::StatusOr<Value> value_from_json(FieldType type, const nlohmann::json& json);

/// The inverse: value_from_json(type_of(v), value_to_json(v)) == v for every value. int64 beyond ±(2^53 − 1) becomes a
/// string so that no JSON reader rounds it.
[[nodiscard]] nlohmann::json value_to_json(const Value& value);
/// Appends the text of value_to_json(value), or one that reads back as the same, without making it first.
void append_json(std::string& out, const Value& value);

}  // namespace lt::feature
