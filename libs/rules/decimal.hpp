// Decimal numbers as text, compared without rounding.
#pragma once

#include <string>
#include <string_view>

namespace lt::rules {

/// Negative, zero or positive as `a` is less than, equal to or greater than `b`. Both are -?digits(.digits)?; "-0" and
/// "0.0" equal "0".
[[nodiscard]] int compare_decimal(std::string_view a, std::string_view b);

/// The shortest decimal text without exponent that reads back to a finite `value`: 0.1 gives "0.1".
[[nodiscard]] std::string shortest_decimal(double value);

}  // namespace lt::rules
