#include "base/time.hpp"

#include <chrono>

#include <fmt/format.h>

#include "base/status.hpp"

namespace lt {
namespace {

constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerMinute = 60;
constexpr std::int64_t kMinutesPerHour = 60;
constexpr std::int64_t kUsPerMinute = kSecondsPerMinute * kUsPerSecond;
constexpr std::int64_t kUsPerDay = 86'400 * kUsPerSecond;
constexpr int kMaxOffsetMinutes = 18 * 60;
constexpr std::size_t kMaxFractionDigits = 6;
constexpr int kMaxEcho = 64;  // bytes of refused text repeated in a message

// Takes `count` decimal digits off the front of `text`.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take_one_of(std::string_view& text, std::string_view allowed) {
  if (text.empty() || allowed.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int32_t> take_date(std::string_view& text) {
  const auto year = take_digits(text, 4);
  if (!year || *year < 1 || !take_one_of(text, "-")) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take_one_of(text, "-")) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return static_cast<std::int32_t>(std::chrono::sys_days{date}.time_since_epoch().count());
}

std::optional<std::int64_t> take_fraction_us(std::string_view& text) {
  if (!take_one_of(text, ".")) return 0;
  std::int64_t us = 0;
  std::size_t digits = 0;
  while (const auto digit = take_digits(text, 1)) {
    if (++digits > kMaxFractionDigits) return std::nullopt;
    us = us * 10 + *digit;
  }
  if (digits == 0) return std::nullopt;
  for (; digits < kMaxFractionDigits; ++digits) us *= 10;
  return us;
}

// Microseconds into the day.
std::optional<std::int64_t> take_clock(std::string_view& text) {
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take_one_of(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take_one_of(text, ":")) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction = take_fraction_us(text);
  if (!fraction) return std::nullopt;
  return ((*hour * kMinutesPerHour + *minute) * kSecondsPerMinute + *second) * kUsPerSecond + *fraction;
}

std::optional<std::int16_t> take_offset(std::string_view& text) {
  if (take_one_of(text, "Zz")) return std::int16_t{0};
  const int sign = text.front() == '-' ? -1 : 1;
  if (!take_one_of(text, "+-")) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take_one_of(text, ":")) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  const int total = *hour * static_cast<int>(kMinutesPerHour) + *minute;
  if (total > kMaxOffsetMinutes) return std::nullopt;
  return static_cast<std::int16_t>(sign * total);
}

std::optional<Rfc3339> take_timestamp(std::string_view& text) {
  const auto date = take_date(text);
  if (!date || !take_one_of(text, "Tt ")) return std::nullopt;
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  Rfc3339 value{*date * kUsPerDay + *clock, std::nullopt};
  if (text.empty()) return value;
  value.offset_minutes = take_offset(text);
  if (!value.offset_minutes) return std::nullopt;
  value.us -= *value.offset_minutes * kUsPerMinute;
  return value;
}

std::string quoted(std::string_view text) {
  return fmt::format("\"{:.{}}{}\"", text, kMaxEcho, text.size() > static_cast<std::size_t>(kMaxEcho) ? "..." : "");
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

absl::StatusOr<Rfc3339> parse_rfc3339(std::string_view text) {
  std::string_view rest = text;
  const auto value = take_timestamp(rest);
  if (value && rest.empty()) return *value;
  return make_error(absl::StatusCode::kInvalidArgument, "TIMESTAMP_INVALID",
                    quoted(text) +
                        " is not a timestamp; write YYYY-MM-DDThh:mm:ss, a fraction of up to 6 digits if needed, and "
                        "Z or an offset within +-18:00, such as 2024-05-06T07:08:09.123456+07:00");
}

bool is_valid(const Rfc3339& value) {
  const std::int64_t offset = value.offset_minutes.value_or(0);
  if (offset < -kMaxOffsetMinutes || offset > kMaxOffsetMinutes) return false;
  // Compared without adding the offset to us, which could overflow.
  return value.us >= kMinDate * kUsPerDay - offset * kUsPerMinute &&
         value.us < (std::int64_t{kMaxDate} + 1) * kUsPerDay - offset * kUsPerMinute;
}

std::string format_rfc3339(const Rfc3339& value) {
  const int offset = value.offset_minutes.value_or(0);
  const std::int64_t local = value.us + offset * kUsPerMinute;
  const std::int64_t days = floor_div(local, kUsPerDay);
  std::int64_t rest = local - days * kUsPerDay;
  const std::int64_t fraction = rest % kUsPerSecond;
  rest /= kUsPerSecond;
  std::string out = fmt::format("{}T{:02}:{:02}:{:02}", format_date(static_cast<std::int32_t>(days)),
                                rest / (kMinutesPerHour * kSecondsPerMinute),
                                rest / kSecondsPerMinute % kMinutesPerHour, rest % kSecondsPerMinute);
  if (fraction != 0) {
    out += fmt::format(".{:06}", fraction);
    while (out.back() == '0') out.pop_back();
  }
  if (!value.offset_minutes) return out;
  if (offset == 0) return out + "Z";
  const int magnitude = offset < 0 ? -offset : offset;
  return out + fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', magnitude / 60, magnitude % 60);
}

std::string format_utc(std::int64_t us) { return format_rfc3339({us, std::int16_t{0}}); }

absl::StatusOr<std::int32_t> parse_date(std::string_view text) {
  std::string_view rest = text;
  const auto days = take_date(rest);
  if (days && rest.empty()) return *days;
  return make_error(absl::StatusCode::kInvalidArgument, "DATE_INVALID",
                    quoted(text) + " is not a date; write YYYY-MM-DD, such as 2024-05-06");
}

std::string format_date(std::int32_t days) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

}  // namespace lt
