#include "rpc/call_context.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace {

using lt::rpc::CallContext;

CallContext make_call() { return {{"transport", false}, "test.Service/Method"}; }

}  // namespace

TEST_CASE("a call knows who makes it, its method and an id of its own") {
  const CallContext call = make_call();
  CHECK(call.identity().organisation == "transport");
  CHECK(call.method() == "test.Service/Method");
  CHECK(call.request_id().size() == 36);
  CHECK(call.request_id() != make_call().request_id());
  CHECK(call.deadline() == CallContext::kNoDeadline);
  CHECK_FALSE(call.cancelled());
  CHECK(call.check().ok());
}

TEST_CASE("a cancelled call says so and stays so") {
  CallContext call = make_call();
  call.cancel();
  call.cancel();
  CHECK(call.cancelled());
  CHECK(call.check().code() == absl::StatusCode::kCancelled);
  CHECK(lt::error_reason(call.check()) == "CALL_CANCELLED");
}

TEST_CASE("a call past its deadline counts as cancelled") {
  const CallContext call({"transport", false}, "m", std::chrono::system_clock::now() - std::chrono::milliseconds(1));
  CHECK(call.cancelled());
  CHECK(call.check().code() == absl::StatusCode::kDeadlineExceeded);
  CHECK(lt::error_reason(call.check()) == "CALL_DEADLINE");
}

TEST_CASE("cancel callbacks run once each, also those added after the cancel") {
  CallContext call = make_call();
  int first = 0;
  int late = 0;
  call.on_cancel([&] { ++first; });
  call.on_cancel([] { throw std::runtime_error("a callback that throws stops no other"); });
  call.on_cancel([&] { ++first; });
  CHECK(first == 0);
  call.cancel();
  call.cancel();
  CHECK(first == 2);
  call.on_cancel([&] { ++late; });
  CHECK(late == 1);
  CHECK(first == 2);
}

TEST_CASE("a scoped cancel callback does not run after its scope") {
  CallContext call = make_call();
  int runs = 0;
  {
    const auto scope = call.scoped_on_cancel([&] { ++runs; });
  }
  call.cancel();
  CHECK(runs == 0);
  auto scope = call.scoped_on_cancel([&] { ++runs; });
  CHECK(runs == 1);
  scope = {};
  CHECK(runs == 1);
}

TEST_CASE("the end of a scope waits for its callback that runs") {
  for (int round = 0; round < 200; ++round) {
    CallContext call = make_call();
    std::atomic<bool> alive{true};
    std::atomic<bool> used_after_end{false};
    std::thread canceller;
    {
      const auto scope = call.scoped_on_cancel([&] { used_after_end = used_after_end || !alive; });
      canceller = std::thread([&] { call.cancel(); });
    }
    alive = false;
    canceller.join();
    CHECK_FALSE(used_after_end);
  }
}

TEST_CASE("a callback may end its own scope") {
  CallContext call = make_call();
  lt::rpc::CancelScope scope;
  scope = call.scoped_on_cancel([&] { scope = {}; });
  call.cancel();
  CHECK(call.cancelled());
}

TEST_CASE("a waker may be called when nothing waits") {
  std::function<void()> wake;
  {
    const CallContext call = make_call();
    wake = call.waker();
    wake();
  }
  wake();
  SUCCEED("no use after the end");
}
