// Points in time and dates as numbers, and their RFC 3339 text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace lt {

/// Microseconds since 1970-01-01T00:00:00Z, now.
[[nodiscard]] std::int64_t now_us();

/// A timestamp as it was written: with the offset it named, or without one.
struct Rfc3339 {
  std::int64_t us = 0;  ///< Since 1970-01-01T00:00:00: in UTC with an offset, of the local clock without one.
  std::optional<std::int16_t> offset_minutes;  ///< East of UTC, -1080..1080; none = the text named none.
  friend bool operator==(const Rfc3339&, const Rfc3339&) = default;
};

/// Parses "2024-05-06T07:08:09[.ffffff][Z|±hh:mm]". 'T' may be 't' or a space, 'Z' may be 'z'. Years 0001..9999 as
/// written. "-00:00" is offset 0.
/// Errors: INVALID_ARGUMENT TIMESTAMP_INVALID: any other form, a day or hour that does not exist, second 60, hour 24,
/// more than 6 fraction digits (nothing is rounded), an offset beyond ±18:00.
/// @source RFC 3339 §5.6.
[[nodiscard]] absl::StatusOr<Rfc3339> parse_rfc3339(std::string_view text);

/// True when format_rfc3339() gives text that parse_rfc3339() reads back: offset within ±18:00 and the year, at that
/// offset, in 0001..9999. For values from outside.
[[nodiscard]] bool is_valid(const Rfc3339& value);

/// Text of a valid value: at its offset ("Z" for 0, nothing for none); a fraction only when there is one, without
/// trailing zeros.
[[nodiscard]] std::string format_rfc3339(const Rfc3339& value);

/// The point in time as UTC text: format_rfc3339({us, 0}).
[[nodiscard]] std::string format_utc(std::int64_t us);

/// Days since 1970-01-01 of "YYYY-MM-DD", proleptic Gregorian, years 0001..9999.
/// Errors: INVALID_ARGUMENT DATE_INVALID any other form or a day that does not exist.
[[nodiscard]] absl::StatusOr<std::int32_t> parse_date(std::string_view text);

/// First and last day that parse_date() gives: 0001-01-01 and 9999-12-31.
inline constexpr std::int32_t kMinDate = -719162;
inline constexpr std::int32_t kMaxDate = 2932896;

/// "YYYY-MM-DD" of a day within kMinDate..kMaxDate.
[[nodiscard]] std::string format_date(std::int32_t days);

}  // namespace lt
