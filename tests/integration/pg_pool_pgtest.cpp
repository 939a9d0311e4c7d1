#include "pg/pool.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "support/status.hpp"
#include "support/temp_database.hpp"
#include "support/wait_until.hpp"

namespace lt::pg {
namespace {

using std::chrono::milliseconds;
using test::must;
using test::TempDatabase;

TEST_CASE("a pool lends as many connections as it may and then refuses at the deadline") {
  const TempDatabase database;
  Pool pool({.url = database.url(), .purpose = "pool"}, 2);
  PooledConnection first = must(pool.acquire());
  std::optional<PooledConnection> second = must(pool.acquire());
  CHECK(pool.in_use() == 2);
  REQUIRE_ERROR(pool.acquire(milliseconds(20)), absl::StatusCode::kResourceExhausted, "POOL_EXHAUSTED");
  REQUIRE_ERROR(pool.acquire(milliseconds(-1)), absl::StatusCode::kResourceExhausted, "POOL_EXHAUSTED");
  second.reset();
  CHECK(pool.idle() == 1);
  REQUIRE_OK(pool.acquire(milliseconds(0)));
}

TEST_CASE("a returned connection is used again and a waiting thread gets it") {
  const TempDatabase database;
  Pool pool({.url = database.url(), .purpose = "pool"}, 1);
  std::optional<PooledConnection> held = must(pool.acquire());
  const int pid = (*held)->backend_pid();
  int found = 0;
  std::thread waiter([&] {
    auto mine = pool.acquire(std::chrono::steady_clock::now() + std::chrono::minutes(1));
    if (mine.ok()) found = (*mine)->backend_pid();
  });
  held.reset();
  waiter.join();
  CHECK(found == pid);
}

TEST_CASE("many threads never hold more connections than the pool has") {
  const TempDatabase database;
  constexpr int kMax = 3;
  Pool pool({.url = database.url(), .purpose = "pool"}, kMax);
  std::atomic<int> holding = 0;
  std::atomic<int> most = 0;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n) {
        auto mine = pool.acquire(std::chrono::system_clock::now() + std::chrono::minutes(1));
        if (!mine.ok()) continue;
        const int now = ++holding;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        if ((*mine)->execute("SELECT 1").ok()) ++done;
        --holding;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(done == 200);
  CHECK(most <= kMax);
  CHECK(pool.in_use() == 0);
  CHECK(pool.idle() <= kMax);
}

TEST_CASE("connections that the server closed while idle are replaced unseen") {
  const TempDatabase database;
  Pool pool({.url = database.url(), .purpose = "pool"}, 2);
  Connection killer = database.connect();
  int pid = 0;
  {
    PooledConnection one = must(pool.acquire());
    pid = one->backend_pid();
  }
  must(killer.execute("SELECT pg_terminate_backend($1, 10000)", Params().add(pid)));
  PooledConnection next = must(pool.acquire());
  CHECK(next->backend_pid() != pid);
  REQUIRE_OK(next->execute("SELECT 1"));
}

TEST_CASE("a connection that breaks or is left in a transaction is not lent again") {
  const TempDatabase database;
  Pool pool({.url = database.url(), .purpose = "pool"}, 1);
  const bool breaks = GENERATE(true, false);
  int pid = 0;
  {
    PooledConnection one = must(pool.acquire());
    pid = one->backend_pid();
    must(one->begin());
    if (breaks) CHECK_FALSE(one->execute("SELECT pg_terminate_backend(pg_backend_pid())").ok());
  }
  CHECK(pool.idle() == 0);
  CHECK(pool.in_use() == 0);
  PooledConnection next = must(pool.acquire());
  CHECK(next->backend_pid() != pid);
  CHECK_FALSE(next->in_transaction());
}

TEST_CASE("a canceller of an earlier loan cannot disturb the next one") {
  const TempDatabase database;
  Pool pool({.url = database.url(), .purpose = "pool"}, 1);
  std::shared_ptr<Canceller> stale;
  {
    PooledConnection one = must(pool.acquire());
    stale = one->canceller();
  }
  PooledConnection next = must(pool.acquire());
  REQUIRE_OK(stale->cancel());
  REQUIRE_OK(next->execute("SELECT 1"));
}

TEST_CASE("a cancelled loan comes back clean") {
  const TempDatabase database;
  Pool pool({.url = database.url(), .purpose = "pool"}, 1);
  {
    PooledConnection one = must(pool.acquire());
    must(one->canceller()->cancel());
  }
  REQUIRE_OK(must(pool.acquire())->execute("SELECT 1"));
}

TEST_CASE("a failed attempt to connect gives its place back") {
  Pool pool({.url = "postgresql://u@127.0.0.1:1/x", .purpose = "pool"}, 1);
  for (int i = 0; i < 3; ++i) {
    REQUIRE_ERROR(pool.acquire(), absl::StatusCode::kUnavailable, "CONNECTION_FAILED");
  }
  CHECK(pool.in_use() == 0);
}

TEST_CASE("a loan may outlive its pool") {
  const TempDatabase database;
  auto pool = std::make_unique<Pool>(ConnectOptions{.url = database.url(), .purpose = "pool"}, 1);
  PooledConnection loan = must(pool->acquire());
  pool.reset();
  REQUIRE_OK(loan->execute("SELECT 1"));
}

}  // namespace
}  // namespace lt::pg
