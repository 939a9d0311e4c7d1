// Random numbers that are the same everywhere: std:: distributions and engines' seeding are not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lt::sources::detail {

/// @source SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  /// A generator that depends on all the numbers.
  template <typename... More>
  static Random of(std::uint64_t seed, More... more) {
    Random r(seed);
    ((r.state_ = r.next() ^ (static_cast<std::uint64_t>(more) * kOdd)), ...);
    return r;
  }

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }
  /// 0 .. n − 1; n > 0. The bias of the remainder is below n / 2^64.
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n)); }
  /// low .. high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
  /// True in `percent` of 100 cases.
  bool chance(int percent) {
    constexpr std::int64_t kHundred = 100;
    return below(kHundred) < percent;
  }
  template <typename T, std::size_t N>
  const T& pick(const std::array<T, N>& list) {
    return list[static_cast<std::size_t>(below(static_cast<std::int64_t>(N)))];
  }

 private:
  static constexpr std::uint64_t kOdd = 0xD1342543DE82EF95ULL;
  std::uint64_t state_;
};

}  // namespace lt::sources::detail
