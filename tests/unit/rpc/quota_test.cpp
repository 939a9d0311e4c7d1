#include "rpc/quota.hpp"

#include <optional>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace {

using lt::rpc::Quota;

Quota::Limits limits(std::uint64_t total, std::uint64_t each) { return {total, each, std::chrono::milliseconds(250)}; }

std::string reason_of(const absl::StatusOr<Quota::Share>& share) { return lt::error_reason(share.status()); }

}  // namespace

TEST_CASE("an organisation gets its part and no more, the others the rest and no more") {
  Quota quota("things", limits(10, 6));
  auto a = quota.take("a", 6);
  REQUIRE(a.ok());
  CHECK(reason_of(quota.take("a", 1)) == "ORGANISATION_BUSY");
  auto b = quota.take("b", 4);
  REQUIRE(b.ok());
  CHECK(reason_of(quota.take("b", 1)) == "SERVER_BUSY");
  CHECK(quota.taken() == 10);
  a->release();
  CHECK(quota.taken() == 4);
  CHECK(quota.take("b", 2).ok());
}

TEST_CASE("a refusal says when to come back and changes nothing") {
  Quota quota("bytes in memory", limits(10, 10));
  auto share = quota.take("a", 10);
  const auto refused = share->grow(1);
  CHECK(refused.code() == absl::StatusCode::kResourceExhausted);
  const auto detail = lt::error_detail(refused);
  REQUIRE(detail);
  CHECK(detail->metadata.at("retry_after_ms") == "250");
  CHECK(detail->metadata.at("limit") == "10");
  CHECK(lt::message_of(refused).find("bytes in memory") != std::string::npos);
  CHECK(share->amount() == 10);
  CHECK(quota.taken() == 10);
}

TEST_CASE("amounts near the largest number do not wrap") {
  Quota quota("things", {});
  auto share = quota.take("a", Quota::kUnlimited);
  REQUIRE(share.ok());
  CHECK_FALSE(share->grow(1).ok());
  CHECK_FALSE(quota.take("b", 1).ok());
  CHECK(quota.take("b", 0).ok());
}

TEST_CASE("a share moves with what it holds and gives it back once") {
  Quota quota("things", limits(10, 10));
  std::optional<Quota::Share> kept;
  {
    auto share = quota.take("a", 3);
    Quota::Share other = *std::move(share);
    CHECK(share->amount() == 0);
    kept = std::move(other);
  }
  CHECK(quota.taken() == 3);
  auto second = quota.take("b", 2);
  *kept = *std::move(second);  // what it held before goes back
  CHECK(quota.taken() == 2);
  kept.reset();
  CHECK(quota.taken() == 0);
}

TEST_CASE("threads that take and give back leave nothing taken and pass no limit") {
  Quota quota("things", limits(8, 4));
  std::vector<std::thread> threads;
  for (const char* name : {"a", "a", "b", "b"}) {
    threads.emplace_back([&quota, name] {
      constexpr int kRounds = 2000;
      for (int i = 0; i < kRounds; ++i) {
        auto share = quota.take(name, static_cast<std::uint64_t>(i % 5));
        if (share.ok()) (void)share->grow(1);
      }
    });
  }
  std::uint64_t most = 0;
  for (int i = 0; i < 2000; ++i) most = std::max(most, quota.taken());
  for (auto& thread : threads) thread.join();
  CHECK(most <= 8);
  CHECK(quota.taken() == 0);
}
