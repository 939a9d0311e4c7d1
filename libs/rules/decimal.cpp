#include "rules/decimal.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace lt::rules {
namespace {

// A number without sign, leading zeros and trailing zeros of the fraction.
struct Magnitude {
  std::string_view whole;
  std::string_view fraction;
  [[nodiscard]] bool zero() const { return whole.empty() && fraction.empty(); }
};

Magnitude magnitude_of(std::string_view digits) {
  const std::size_t point = std::min(digits.find('.'), digits.size());
  Magnitude m{digits.substr(0, point), digits.substr(std::min(point + 1, digits.size()))};
  m.whole.remove_prefix(std::min(m.whole.find_first_not_of('0'), m.whole.size()));
  while (!m.fraction.empty() && m.fraction.back() == '0') m.fraction.remove_suffix(1);
  return m;
}

int compare_magnitude(const Magnitude& a, const Magnitude& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  return whole != 0 ? whole : a.fraction.compare(b.fraction);
}

bool take_minus(std::string_view& text) {
  if (text.empty() || text.front() != '-') return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

int compare_decimal(std::string_view a, std::string_view b) {
  bool minus_a = take_minus(a);
  bool minus_b = take_minus(b);
  const Magnitude ma = magnitude_of(a);
  const Magnitude mb = magnitude_of(b);
  minus_a = minus_a && !ma.zero();
  minus_b = minus_b && !mb.zero();
  if (minus_a != minus_b) return minus_a ? -1 : 1;
  return minus_a ? compare_magnitude(mb, ma) : compare_magnitude(ma, mb);
}

std::string shortest_decimal(double value) {
  constexpr std::size_t kLongest = 400;  // the smallest double needs 326 characters
  std::array<char, kLongest> text{};
  const auto result = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return {text.data(), result.ptr};
}

}  // namespace lt::rules
