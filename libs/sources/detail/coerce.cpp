#include "sources/detail/coerce.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/status.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;
using feature::Value;
using Result = absl::StatusOr<std::optional<Value>>;

constexpr double kMaxExactInteger = 9007199254740991.0;  // 2^53 − 1
constexpr int kHexBase = 16;
constexpr std::size_t kHexDigitsOfDouble = 16;

absl::Status wrong_type(FieldType from, FieldType to) {
  return make_error(
      absl::StatusCode::kInvalidArgument, "VALUE_WRONG_TYPE",
      fmt::format("the file holds {}, the schema wants {}", feature::to_string(from), feature::to_string(to)));
}

absl::Status not_exact(FieldType to) {
  return make_error(absl::StatusCode::kInvalidArgument, "VALUE_OUT_OF_RANGE",
                    fmt::format("the number cannot become {} without loss", feature::to_string(to)));
}

absl::Status bad_text(std::string_view text, FieldType to) {
  constexpr std::size_t kShown = 60;
  return make_error(absl::StatusCode::kInvalidArgument, "VALUE_WRONG_TYPE",
                    fmt::format("'{}' is not {}", text.substr(0, kShown), feature::to_string(to)));
}

Result wrap(absl::StatusOr<Value> value) {
  if (!value.ok()) return value.status();
  return std::optional<Value>(*std::move(value));
}

Result double_of(const std::string& text) {
  double number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  // from_chars also takes "nan" and "inf": only the spelling of docs/canonical.md is ours.
  if (error == std::errc() && at == end && std::isfinite(number)) return std::optional<Value>(number);
  return wrap(feature::value_from_json(FieldType::kDouble, nlohmann::json(text)));
}

Result from_text(const std::string& text, FieldType type) {
  if (!is_utf8(text)) {
    return make_error(
        absl::StatusCode::kInvalidArgument, "TEXT_NOT_UTF8",
        "the text is not UTF-8: declare the encoding of the file (a Shapefile's in its .cpg) or convert it");
  }
  if (text.empty()) return std::optional<Value>();
  switch (type) {
    case FieldType::kDouble: return double_of(text);
    case FieldType::kBool:
      if (text == "true" || text == "false") return std::optional<Value>(text == "true");
      return bad_text(text, type);
    case FieldType::kStringList:
    case FieldType::kJson: {
      const auto json = parse_json(text);
      if (!json.ok()) return bad_text(text, type);
      if (json->is_null()) return std::optional<Value>();
      return wrap(feature::value_from_json(type, *json));
    }
    default: return wrap(feature::value_from_json(type, nlohmann::json(text)));
  }
}

Result from_int(std::int64_t value, FieldType type) {
  switch (type) {
    case FieldType::kDouble:
      if (std::abs(static_cast<double>(value)) > kMaxExactInteger) return not_exact(type);
      return std::optional<Value>(static_cast<double>(value));
    case FieldType::kDecimal: return std::optional<Value>(feature::Decimal{std::to_string(value)});
    case FieldType::kJson: return wrap(feature::value_from_json(type, nlohmann::json(value)));
    default: return wrong_type(FieldType::kInt64, type);
  }
}

Result from_double(double value, FieldType type) {
  if (type == FieldType::kJson && std::isfinite(value)) {
    return wrap(feature::value_from_json(type, nlohmann::json(value)));
  }
  if (type != FieldType::kInt64) return wrong_type(FieldType::kDouble, type);
  if (std::trunc(value) != value || std::abs(value) > kMaxExactInteger) return not_exact(type);
  return std::optional<Value>(static_cast<std::int64_t>(value));
}

}  // namespace

absl::StatusOr<std::optional<Value>> coerce(Value value, FieldType type) {
  const FieldType from = feature::type_of(value);
  if (from == FieldType::kString && (type != from || !is_utf8(std::get<std::string>(value)))) {
    return from_text(std::get<std::string>(value), type);
  }
  if (from == type) return std::optional<Value>(std::move(value));
  switch (from) {
    case FieldType::kInt64: return from_int(std::get<std::int64_t>(value), type);
    case FieldType::kDouble: return from_double(std::get<double>(value), type);
    case FieldType::kBool:
    case FieldType::kStringList:
      if (type != FieldType::kJson) return wrong_type(from, type);
      return wrap(feature::value_from_json(type, feature::value_to_json(value)));
    case FieldType::kJson: {
      const auto json = parse_json(std::get<feature::Json>(value).text);
      if (!json.ok() || type != FieldType::kStringList) return wrong_type(from, type);
      return wrap(feature::value_from_json(type, *json));
    }
    default: return wrong_type(from, type);
  }
}

absl::StatusOr<Value> from_file_json(FieldType type, const nlohmann::json& json) {
  if (type == FieldType::kInt64 && json.is_number_integer()) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() <= kMax) return Value(json.get<std::int64_t>());
  }
  return feature::value_from_json(type, json);
}

std::string double_bits(double value) { return fmt::format("{:016x}", std::bit_cast<std::uint64_t>(value)); }

std::optional<double> double_from_bits(std::string_view hex) {
  std::uint64_t bits = 0;
  const auto [at, error] = std::from_chars(hex.data(), hex.data() + hex.size(), bits, kHexBase);
  if (error != std::errc() || at != hex.data() + hex.size() || hex.size() != kHexDigitsOfDouble) return std::nullopt;
  return std::bit_cast<double>(bits);
}

}  // namespace lt::sources::detail
