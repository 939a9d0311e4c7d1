#include <iostream>

#include <catch2/catch.hpp>

#include "support/status.hpp"
#include "world.hpp"

using namespace lt::test;

TEST_CASE("a large changeset costs neither the exchange nor its database memory that grows with it") {
  auto& world = World::get();
  const auto exchange = world.start_exchange();
  constexpr std::int64_t kExchangeBound = 160 * kMiB, kBackendBound = 64 * kMiB, kBackendPeakBound = 112 * kMiB;
  const std::int64_t bytes_kib = std::int64_t{World::large_count()} * (World::kFeatureBytes >> 10);
  REQUIRE(bytes_kib > kExchangeBound);  // else the bound shows nothing
  exchange->mark();
  const ServerWatch server(world.postmaster());
  REQUIRE_OK(publish_large(*exchange, World::large_count()));
  std::cout << "  pushed: " << bytes_kib / kMiB << " MiB\n";
  report("VmHWM of the exchange", exchange->peak_kib(), kExchangeBound);
  report("RssAnon of the largest backend", server.largest_kib(), kBackendBound);
  report("RssAnon of all server processes", server.together_kib(), 2 * kBackendBound);
  report("VmHWM of the largest backend, shared buffers included", server.peak_kib(), kBackendPeakBound);
  CHECK(exchange->peak_kib() < kExchangeBound);
  CHECK(server.largest_kib() < kBackendBound);
  CHECK(server.together_kib() < 2 * kBackendBound);
  CHECK(server.peak_kib() < kBackendPeakBound);
  CHECK(world.staged_tables() == 0);
}
