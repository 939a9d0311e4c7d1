// Arithmetic and order of filters, the same at reading and at evaluation, and the same as PostgreSQL's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "feature/detail/filter_tree.hpp"

namespace lt::feature::detail {

/// Digits of a decimal, without exponent.
struct DecimalText {
  std::string_view text;
};
struct Null {};

/// A value while it is computed; text belongs to the state or the filter. A timestamp is its UTC microseconds.
using Scalar = std::variant<Null, bool, std::int64_t, double, std::string_view, DecimalText, Date, UtcTime>;

[[nodiscard]] inline bool is_null(const Scalar& scalar) { return scalar.index() == 0; }
/// Null for bytes, lists and json.
[[nodiscard]] Scalar scalar_of(const Value& value);
/// The same as a value of its own.
[[nodiscard]] std::optional<Value> value_of(const Scalar& scalar);

/// <0, 0, >0. Neither is null; both are of type `as`, or int64 where it is another number. NaN equals NaN and is above
/// every number.
[[nodiscard]] int compare(const Scalar& left, const Scalar& right, TermType as);
[[nodiscard]] bool holds(Operator op, int order);
/// @param list ascending by compare().
[[nodiscard]] bool is_in_list(const Scalar& scalar, const std::vector<Value>& list, TermType as);

/// `left op right` as int64 or double. Null when one is null or the divisor 0; nothing when the result does not fit.
[[nodiscard]] std::optional<Scalar> compute(Operator op, const Scalar& left, const Scalar& right, TermType as);
/// Nothing when it does not fit.
[[nodiscard]] std::optional<Scalar> negate(const Scalar& operand);

/// A number as the filter writes it ("-1.5e3", "1.", ".5") without its exponent: "-1500.0".
[[nodiscard]] std::string plain_decimal(std::string_view digits);

/// SQL's LIKE: % any text, _ one code point, backslash takes the next sign as it is. `pattern` ends in no lone
/// backslash.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern);

}  // namespace lt::feature::detail
