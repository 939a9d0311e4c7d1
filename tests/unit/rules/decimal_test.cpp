#include "rules/decimal.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace lt::rules {

TEST_CASE("decimals are compared by value and without rounding") {
  const char* ascending[] = {"-10",
                             "-9.5",
                             "-1.01",
                             "-1",
                             "-0.001",
                             "0",
                             "0.001",
                             "0.1",
                             "0.10000000000000000000000001",
                             "1",
                             "9",
                             "10",
                             "9007199254740992",
                             "9007199254740993",
                             "100000000000000000000000"};
  constexpr int kCount = 15;
  for (int i = 0; i < kCount; ++i) {
    for (int j = 0; j < kCount; ++j) {
      INFO(ascending[i] << " and " << ascending[j]);
      const int order = compare_decimal(ascending[i], ascending[j]);
      CHECK((order < 0) == (i < j));
      CHECK((order > 0) == (i > j));
    }
  }
}

TEST_CASE("signs of zero and trailing zeros do not matter") {
  CHECK(compare_decimal("-0", "0") == 0);
  CHECK(compare_decimal("0.00", "-0.0") == 0);
  CHECK(compare_decimal("1.50", "1.5") == 0);
  CHECK(compare_decimal("-1.50", "-1.5") == 0);
}

TEST_CASE("comparing int64 as decimals is comparing int64") {
  constexpr std::uint64_t kSeed = 20240506;
  INFO("seed " << kSeed);
  std::mt19937_64 random(kSeed);
  for (int run = 0; run < 5000; ++run) {
    const auto a = static_cast<std::int64_t>(random()) >> (random() % 64);
    const auto b = run % 3 == 0 ? a + 1 : static_cast<std::int64_t>(random()) >> (random() % 64);
    INFO(a << " and " << b);
    const int order = compare_decimal(std::to_string(a), std::to_string(b));
    REQUIRE((order < 0) == (a < b));
    REQUIRE((order > 0) == (a > b));
  }
}

TEST_CASE("a limit is written with the digits that a person wrote") {
  CHECK(shortest_decimal(0.1) == "0.1");
  CHECK(shortest_decimal(-16) == "-16");
  CHECK(shortest_decimal(1e21) == "1000000000000000000000");
  CHECK(shortest_decimal(1e-7) == "0.0000001");
  CHECK(std::strtod(shortest_decimal(std::numeric_limits<double>::denorm_min()).c_str(), nullptr) ==
        std::numeric_limits<double>::denorm_min());
  CHECK(std::strtod(shortest_decimal(-std::numeric_limits<double>::max()).c_str(), nullptr) ==
        -std::numeric_limits<double>::max());
}

}  // namespace lt::rules
