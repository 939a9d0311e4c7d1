// Numbers and small pieces that the text forms (WKT, GeoJSON) share.
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include <absl/status/status.h>

#include "geo/detail/wkb_writer.hpp"

namespace lt::geo::detail {

[[nodiscard]] constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Reads a decimal number at `at` and moves `at` behind it. A number that a double cannot hold (1e400, 1e-400) is
/// refused rather than rounded to infinity or zero.
[[nodiscard]] inline absl::Status read_decimal(std::string_view text, std::size_t& at, double& value) {
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    return refuse("GEOMETRY_NOT_FINITE", "number is outside the range of a 64-bit float");
  }
  if (error != std::errc()) return refuse("GEOMETRY_MALFORMED", "expected a number");
  at = static_cast<std::size_t>(end - text.data());
  return absl::OkStatus();
}

/// Shortest digits that read back to the same bits, without an exponent where ECMAScript uses none: "500000", not
/// "5e+05".
/// "-0" for negative zero.
inline void append_decimal(std::string& out, double value) {
  constexpr double kFixedFrom = 1e-6;
  constexpr double kFixedBelow = 1e21;
  const double size = std::abs(value);
  const bool fixed = size == 0 || (size >= kFixedFrom && size < kFixedBelow);
  char raw[32];
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(raw, raw + sizeof raw, value, format).ptr;
  out.append(raw, static_cast<std::size_t>(end - raw));
}

}  // namespace lt::geo::detail
