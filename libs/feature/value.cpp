#include "feature/value.hpp"

#include <array>
#include <utility>

#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/detail/json_value.hpp"
#include "feature/text.hpp"

namespace lt::feature {
namespace {

constexpr std::array<std::pair<FieldType, std::string_view>, 10> kTypeNames{{
    {FieldType::kString, "string"},
    {FieldType::kInt64, "int64"},
    {FieldType::kDouble, "double"},
    {FieldType::kBool, "bool"},
    {FieldType::kDate, "date"},
    {FieldType::kTimestamp, "timestamp"},
    {FieldType::kDecimal, "decimal"},
    {FieldType::kBytes, "bytes"},
    {FieldType::kStringList, "string_list"},
    {FieldType::kJson, "json"},
}};
static_assert(std::variant_size_v<Value> == kTypeNames.size());

absl::Status invalid(std::string_view reason, const std::string& message) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const std::string_view digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

bool is_decimal(std::string_view text) {
  if (text.size() > kMaxDecimalChars) return false;
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const std::string_view whole = take_digits(text);
  if (whole.empty() || (whole.size() > 1 && whole.front() == '0')) return false;
  if (text.empty()) return true;
  if (text.front() != '.') return false;
  text.remove_prefix(1);
  return !take_digits(text).empty() && text.empty();
}

struct Check {
  absl::Status operator()(const std::string& text) const { return check_text(text); }
  absl::Status operator()(std::int64_t) const { return absl::OkStatus(); }
  absl::Status operator()(double) const { return absl::OkStatus(); }
  absl::Status operator()(bool) const { return absl::OkStatus(); }
  absl::Status operator()(Date date) const {
    if (date.days >= kMinDate && date.days <= kMaxDate) return absl::OkStatus();
    return invalid("VALUE_OUT_OF_RANGE", "date is outside the years 0001 to 9999");
  }
  absl::Status operator()(Timestamp value) const {
    if (is_valid(Rfc3339{value.us, value.offset_minutes})) return absl::OkStatus();
    return invalid("VALUE_OUT_OF_RANGE", "timestamp is outside the years 0001 to 9999 or its offset beyond ±18:00");
  }
  absl::Status operator()(const Decimal& value) const {
    if (is_decimal(value.text)) return absl::OkStatus();
    return invalid("VALUE_WRONG_TYPE", "\"" + cut(value.text) +
                                           "\" is not a decimal; write digits with an optional minus and one point, no "
                                           "exponent, no leading zeros, at most 1,000 characters: \"-12.50\"");
  }
  absl::Status operator()(const Bytes&) const { return absl::OkStatus(); }
  absl::Status operator()(const StringList& list) const {
    for (const std::string& item : list) LT_RETURN_IF_ERROR(check_text(item));
    return absl::OkStatus();
  }
  absl::Status operator()(const Json& json) const { return detail::check_json_text(json.text); }
};

}  // namespace

std::string_view to_string(FieldType type) {
  for (const auto& [known, name] : kTypeNames) {
    if (known == type) return name;
  }
  return "";
}

std::optional<FieldType> field_type_from(std::string_view name) {
  for (const auto& [type, known] : kTypeNames) {
    if (known == name) return type;
  }
  return std::nullopt;
}

FieldType type_of(const Value& value) { return static_cast<FieldType>(value.index() + 1); }

absl::Status check_value(const Value& value) { return std::visit(Check{}, value); }

}  // namespace lt::feature
