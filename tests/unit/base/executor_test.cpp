#include "base/executor.hpp"

#include <atomic>
#include <future>
#include <stdexcept>
#include <vector>

#include <catch2/catch.hpp>

namespace {

using lt::Executor;

// Holds executor threads until opened.
class Gate {
 public:
  void wait() const { opened_.wait(); }
  void open() { promise_.set_value(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> opened_ = promise_.get_future().share();
};

}  // namespace

TEST_CASE("an executor runs every job that it took") {
  std::atomic<int> done{0};
  int taken = 0;
  {
    Executor executor(3, 1000, "test");
    for (int i = 0; i < 500; ++i) taken += executor.try_post([&] { ++done; }) ? 1 : 0;
    executor.shutdown();
  }
  CHECK(taken == 500);
  CHECK(done == 500);
}

TEST_CASE("try_post takes threads plus max_queue jobs and refuses the next") {
  Gate gate;
  Executor executor(2, 3, "test");
  std::atomic<int> done{0};
  for (int i = 0; i < 5; ++i)
    REQUIRE(executor.try_post([&] {
      gate.wait();
      ++done;
    }));
  CHECK_FALSE(executor.try_post([&] { ++done; }));
  gate.open();
  executor.shutdown();
  CHECK(done == 5);
}

TEST_CASE("an executor without queue takes one job per thread") {
  Gate gate;
  Executor executor(1, 0, "test");
  REQUIRE(executor.try_post([&] { gate.wait(); }));
  CHECK_FALSE(executor.try_post([] {}));
  gate.open();
}

TEST_CASE("post takes a continuation although the queue is full") {
  Gate gate;
  std::atomic<bool> ran{false};
  Executor executor(1, 0, "test");
  REQUIRE(executor.try_post([&] { gate.wait(); }));
  REQUIRE_FALSE(executor.try_post([] {}));
  CHECK(executor.post([&] { ran = true; }));
  gate.open();
  executor.shutdown();
  CHECK(ran);
}

TEST_CASE("shutdown drains the queue, refuses later jobs and may be repeated") {
  Gate gate;
  std::atomic<int> done{0};
  Executor executor(1, 10, "test");
  REQUIRE(executor.try_post([&] { gate.wait(); }));
  for (int i = 0; i < 10; ++i) REQUIRE(executor.try_post([&] { ++done; }));
  gate.open();
  executor.shutdown();
  CHECK(done == 10);
  CHECK_FALSE(executor.try_post([&] { ++done; }));
  CHECK_FALSE(executor.post([&] { ++done; }));
  executor.shutdown();
  CHECK(done == 10);
}

TEST_CASE("a job that throws leaves its thread working") {
  std::promise<void> after;
  Executor executor(1, 10, "test");
  REQUIRE(executor.try_post([] { throw std::runtime_error("bug"); }));
  REQUIRE(executor.try_post([] { throw 7; }));
  REQUIRE(executor.try_post([&] { after.set_value(); }));
  CHECK(after.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
}

TEST_CASE("an executor counts what waits and what runs") {
  Gate gate;
  std::promise<void> started;
  Executor executor(1, 10, "test");
  REQUIRE(executor.try_post([&] {
    started.set_value();
    gate.wait();
  }));
  started.get_future().wait();
  REQUIRE(executor.try_post([] {}));
  CHECK(executor.running() == 1);
  CHECK(executor.queued() == 1);
  gate.open();
  executor.shutdown();
  CHECK(executor.running() == 0);
  CHECK(executor.queued() == 0);
}

TEST_CASE("many threads post to one executor") {
  std::atomic<int> done{0};
  std::atomic<int> taken{0};
  Executor executor(4, 64, "test");
  std::vector<std::thread> posters;
  for (int t = 0; t < 4; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) taken += executor.try_post([&] { ++done; }) ? 1 : 0;
    });
  }
  for (auto& poster : posters) poster.join();
  executor.shutdown();
  CHECK(taken > 0);
  CHECK(done == taken);
}
