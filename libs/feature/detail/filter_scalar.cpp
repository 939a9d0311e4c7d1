#include "feature/detail/filter_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace lt::feature::detail {
namespace {

struct ToScalar {
  Scalar operator()(const std::string& text) const { return std::string_view(text); }
  Scalar operator()(std::int64_t value) const { return value; }
  Scalar operator()(double value) const { return value; }
  Scalar operator()(bool value) const { return value; }
  Scalar operator()(Date value) const { return value; }
  Scalar operator()(const Timestamp& value) const { return UtcTime{value.us}; }
  Scalar operator()(const Decimal& value) const { return DecimalText{value.text}; }
  template <typename Other>
  Scalar operator()(const Other&) const {
    return Null{};
  }
};

struct ToValue {
  std::optional<Value> operator()(Null) const { return std::nullopt; }
  std::optional<Value> operator()(std::string_view text) const { return Value(std::string(text)); }
  std::optional<Value> operator()(DecimalText value) const { return Value(Decimal{std::string(value.text)}); }
  std::optional<Value> operator()(UtcTime time) const { return Value(Timestamp{time.us, 0}); }
  template <typename Other>
  std::optional<Value> operator()(const Other& value) const {
    return Value(value);
  }
};

template <typename T>
int order_of(const T& left, const T& right) {
  return left < right ? -1 : right < left ? 1 : 0;
}

int compare_doubles(double left, double right) {
  if (std::isnan(left) || std::isnan(right)) return order_of(std::isnan(left), std::isnan(right));
  return order_of(left, right);
}

double as_double(const Scalar& scalar) {
  const auto* whole = std::get_if<std::int64_t>(&scalar);
  return whole ? static_cast<double>(*whole) : std::get<double>(scalar);
}

// Sign, digits before and after the point, without zeros that say nothing.
struct DecimalParts {
  int sign = 0;
  std::string_view whole, fraction;
};

DecimalParts parts_of(std::string_view text) {
  DecimalParts parts{1, {}, {}};
  if (text.starts_with('-')) {
    parts.sign = -1;
    text.remove_prefix(1);
  }
  const std::size_t point = std::min(text.find('.'), text.size());
  parts.whole = text.substr(0, point);
  parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
  parts.fraction = text.substr(std::min(point + 1, text.size()));
  parts.fraction = parts.fraction.substr(0, parts.fraction.find_last_not_of('0') + 1);
  if (parts.whole.empty() && parts.fraction.empty()) parts.sign = 0;
  return parts;
}

int compare_decimals(std::string_view left, std::string_view right) {
  const DecimalParts a = parts_of(left), b = parts_of(right);
  if (a.sign != b.sign) return order_of(a.sign, b.sign);
  int size = order_of(a.whole.size(), b.whole.size());
  if (size == 0) size = a.whole.compare(b.whole);
  if (size == 0) size = a.fraction.compare(b.fraction);
  return a.sign * order_of(size, 0);
}

// Text of a decimal or an int64; an int64 is written to `room`.
std::string_view decimal_text(const Scalar& scalar, char (&room)[24]) {
  if (const auto* decimal = std::get_if<DecimalText>(&scalar)) return decimal->text;
  const auto end = std::to_chars(room, room + sizeof room, std::get<std::int64_t>(scalar)).ptr;
  return {room, static_cast<std::size_t>(end - room)};
}

std::optional<Scalar> compute_whole(Operator op, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Operator::kAdd: overflow = __builtin_add_overflow(left, right, &result); break;
    case Operator::kSubtract: overflow = __builtin_sub_overflow(left, right, &result); break;
    case Operator::kMultiply: overflow = __builtin_mul_overflow(left, right, &result); break;
    default:
      if (right == 0) return Null{};
      if (right == -1) return negate(left);
      result = left / right;
  }
  if (overflow) return std::nullopt;
  return result;
}

// PostgreSQL refuses a result that became infinite, and a product or quotient that became zero, from operands that
// were not.
std::optional<Scalar> compute_double(Operator op, double left, double right) {
  if (op == Operator::kDivide && right == 0) return Null{};
  const double result = op == Operator::kAdd        ? left + right
                        : op == Operator::kSubtract ? left - right
                        : op == Operator::kMultiply ? left * right
                                                    : left / right;
  const bool divides = op == Operator::kDivide;
  if (std::isinf(result) && !std::isinf(left) && (divides || !std::isinf(right))) return std::nullopt;
  const bool scales = divides || op == Operator::kMultiply;
  const bool vanished = scales && result == 0 && left != 0 && (divides ? !std::isinf(right) : right != 0);
  if (vanished) return std::nullopt;
  return result;
}

// Bytes of the code point at the start of well-formed UTF-8.
std::size_t step(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(n, text.size());
}

// One sign of the pattern against one code point: how much of each it takes, nothing when they differ.
struct Match {
  std::size_t pattern = 0, text = 0;
};
Match match_one(std::string_view text, std::string_view pattern) {
  if (text.empty() || pattern.empty()) return {};
  if (pattern.front() == '_') return {1, step(text)};
  const std::size_t escape = pattern.front() == '\\' ? 1 : 0;
  const std::string_view wanted = pattern.substr(escape);
  if (wanted.empty()) return {};
  const std::size_t n = step(wanted);
  if (text.substr(0, n) != wanted.substr(0, n)) return {};
  return {escape + n, n};
}

}  // namespace

Scalar scalar_of(const Value& value) { return std::visit(ToScalar{}, value); }

std::optional<Value> value_of(const Scalar& scalar) { return std::visit(ToValue{}, scalar); }

int compare(const Scalar& left, const Scalar& right, TermType as) {
  switch (as) {
    case TermType::kBool: return order_of(std::get<bool>(left), std::get<bool>(right));
    case TermType::kInt: return order_of(std::get<std::int64_t>(left), std::get<std::int64_t>(right));
    case TermType::kDouble: return compare_doubles(as_double(left), as_double(right));
    case TermType::kDate: return order_of(std::get<Date>(left).days, std::get<Date>(right).days);
    case TermType::kTime: return order_of(std::get<UtcTime>(left).us, std::get<UtcTime>(right).us);
    case TermType::kDecimal: {
      char room_left[24], room_right[24];
      return compare_decimals(decimal_text(left, room_left), decimal_text(right, room_right));
    }
    default: return std::get<std::string_view>(left).compare(std::get<std::string_view>(right));
  }
}

bool holds(Operator op, int order) {
  switch (op) {
    case Operator::kEqual: return order == 0;
    case Operator::kNotEqual: return order != 0;
    case Operator::kLess: return order < 0;
    case Operator::kLessEqual: return order <= 0;
    case Operator::kGreater: return order > 0;
    default: return order >= 0;
  }
}

bool is_in_list(const Scalar& scalar, const std::vector<Value>& list, TermType as) {
  const auto less = [as](const Value& item, const Scalar& wanted) { return compare(scalar_of(item), wanted, as) < 0; };
  const auto found = std::lower_bound(list.begin(), list.end(), scalar, less);
  return found != list.end() && compare(scalar_of(*found), scalar, as) == 0;
}

std::optional<Scalar> compute(Operator op, const Scalar& left, const Scalar& right, TermType as) {
  if (is_null(left) || is_null(right)) return Null{};
  if (as == TermType::kDouble) return compute_double(op, as_double(left), as_double(right));
  return compute_whole(op, std::get<std::int64_t>(left), std::get<std::int64_t>(right));
}

std::optional<Scalar> negate(const Scalar& operand) {
  if (is_null(operand)) return Null{};
  if (const auto* real = std::get_if<double>(&operand)) return -*real;
  std::int64_t result = 0;
  if (__builtin_sub_overflow(std::int64_t{0}, std::get<std::int64_t>(operand), &result)) return std::nullopt;
  return result;
}

std::string plain_decimal(std::string_view digits) {
  const std::size_t mark = std::min(digits.find_first_of("eE"), digits.size());
  // Of zero any exponent may be written; that of another number is as large as a double's.
  if (digits.substr(0, mark).find_first_of("123456789") == std::string_view::npos) return "0";
  int exponent = 0;
  std::string_view power = digits.substr(std::min(mark + 1, digits.size()));
  if (power.starts_with('+')) power.remove_prefix(1);
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  std::string_view mantissa = digits.substr(0, mark);
  const bool negative = mantissa.starts_with('-');
  if (negative) mantissa.remove_prefix(1);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  std::string whole(mantissa.substr(0, point));
  std::string fraction(mantissa.substr(std::min(point + 1, mantissa.size())));
  const auto moved = static_cast<std::size_t>(std::abs(exponent));
  if (exponent > 0) {
    if (fraction.size() < moved) fraction.append(moved - fraction.size(), '0');
    whole.append(fraction, 0, moved);
    fraction.erase(0, moved);
  } else if (exponent < 0) {
    if (whole.size() < moved) whole.insert(0, moved - whole.size(), '0');
    fraction.insert(0, whole, whole.size() - moved);
    whole.erase(whole.size() - moved);
  }
  if (whole.empty()) whole = "0";
  return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

// After the last % everything is tried from one place further on each time it fails; earlier ones never need it.
bool is_like(std::string_view text, std::string_view pattern) {
  std::optional<std::string_view> retry_text;
  std::string_view retry_pattern;
  for (;;) {
    if (pattern.starts_with('%')) {
      pattern.remove_prefix(1);
      retry_text = text;
      retry_pattern = pattern;
      continue;
    }
    if (text.empty() && pattern.empty()) return true;
    Match match = match_one(text, pattern);
    if (match.pattern == 0) {
      if (!retry_text || retry_text->empty()) return false;
      retry_text->remove_prefix(step(*retry_text));
      text = *retry_text;
      pattern = retry_pattern;
      continue;
    }
    text.remove_prefix(match.text);
    pattern.remove_prefix(match.pattern);
  }
}

}  // namespace lt::feature::detail
