#include "feature/detail/filter_like.hpp"

#include <algorithm>
#include <cstring>

namespace lt::feature::detail {
namespace {

constexpr std::size_t kBits = 64;

// Bytes of the code point at the start of well-formed UTF-8.
std::size_t step(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(n, text.size());
}

// Where the last `n` code points start, if there are as many.
std::optional<std::size_t> last_signs(std::string_view text, std::size_t n) {
  std::size_t at = text.size();
  for (; n > 0; --n) {
    if (at == 0) return std::nullopt;
    --at;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) --at;
  }
  return at;
}

void set_bit(std::vector<std::uint64_t>& bits, std::size_t place) {
  bits[place / kBits] |= std::uint64_t{1} << (place % kBits);
}

}  // namespace

LikePattern::LikePattern(std::string_view pattern) : segments_(1) {
  while (!pattern.empty()) {
    const char c = pattern.front();
    if (c == '%' || c == '_' || c == '\\') pattern.remove_prefix(1);
    if (c == '%') {
      segments_.emplace_back();
    } else if (c == '_') {
      segments_.back().add_any();
    } else if (!pattern.empty()) {
      segments_.back().add(pattern.substr(0, step(pattern)));
      pattern.remove_prefix(step(pattern));
    }
  }
  for (Segment& segment : segments_) segment.close();
}

// Between the ends, what fits at the first place leaves the most for the rest.
bool LikePattern::matches(std::string_view text) const {
  const auto start = segments_.front().fit(text);
  if (!start) return false;
  text.remove_prefix(*start);
  if (segments_.size() == 1) return text.empty();
  const auto tail = last_signs(text, segments_.back().signs());
  if (!tail || !segments_.back().fit(text.substr(*tail))) return false;
  text = text.substr(0, *tail);
  for (std::size_t i = 1; i + 1 < segments_.size(); ++i) {
    const auto end = segments_[i].find_end(text);
    if (!end) return false;
    text.remove_prefix(*end);
  }
  return true;
}

void LikePattern::Segment::close() {
  const bool plain = std::none_of(signs_.begin(), signs_.end(), [](const std::string& s) { return s.empty(); });
  if (plain) {
    for (const std::string& sign : signs_) plain_ += sign;
    return;
  }
  any_.assign((signs_.size() + kBits - 1) / kBits, 0);
  for (const std::string& sign : signs_) {
    if (!sign.empty()) places_.emplace_back(sign, Bits(any_.size()));
  }
  std::sort(places_.begin(), places_.end());
  places_.erase(std::unique(places_.begin(), places_.end()), places_.end());
  for (std::size_t i = 0; i < signs_.size(); ++i) {
    if (signs_[i].empty()) set_bit(any_, i);
    for (auto& [sign, bits] : places_) {
      if (signs_[i].empty() || signs_[i] == sign) set_bit(bits, i);
    }
  }
}

std::optional<std::size_t> LikePattern::Segment::fit(std::string_view text) const {
  std::size_t at = 0;
  for (const std::string& sign : signs_) {
    if (at == text.size()) return std::nullopt;
    const std::string_view found = text.substr(at, step(text.substr(at)));
    if (!sign.empty() && found != sign) return std::nullopt;
    at += found.size();
  }
  return at;
}

std::optional<std::size_t> LikePattern::Segment::find_end(std::string_view text) const {
  if (!any_.empty()) return find_with_any(text);
  // Unlike std::string_view::find() it stays linear when text and pattern repeat themselves.
  const auto* found = static_cast<const char*>(::memmem(text.data(), text.size(), plain_.data(), plain_.size()));
  if (found == nullptr) return std::nullopt;
  return static_cast<std::size_t>(found - text.data()) + plain_.size();
}

const LikePattern::Bits& LikePattern::Segment::places_of(std::string_view sign) const {
  const auto found = std::lower_bound(places_.begin(), places_.end(), sign,
                                      [](const auto& place, std::string_view wanted) { return place.first < wanted; });
  return found != places_.end() && found->first == sign ? found->second : any_;
}

// Bit i of `state`: the first i + 1 signs fit the text that ends here. @source shift-and, Baeza-Yates and Gonnet 1992
std::optional<std::size_t> LikePattern::Segment::find_with_any(std::string_view text) const {
  Bits state(any_.size());
  const std::size_t last = signs_.size() - 1;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view sign = text.substr(at, step(text.substr(at)));
    const Bits& fits = places_of(sign);
    std::uint64_t carry = 1;
    for (std::size_t word = 0; word < state.size(); ++word) {
      const std::uint64_t shifted = (state[word] << 1U) | carry;
      carry = state[word] >> (kBits - 1);
      state[word] = shifted & fits[word];
    }
    at += sign.size();
    if ((state[last / kBits] >> (last % kBits)) & 1U) return at;
  }
  return std::nullopt;
}

}  // namespace lt::feature::detail
