// A real server on a loopback port whose handlers each test gives.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <catch2/catch.hpp>

#include "base/log.hpp"
#include "base/status.hpp"
#include "echo.grpc.pb.h"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"
#include "rpc/reactor.hpp"
#include "rpc/server.hpp"

namespace lt::test {

using namespace lienthong::test;
using Counted = rpc::Producer<CountResponse>;
using Chatting = rpc::Session<ChatRequest, ChatResponse>;
using Gathering = rpc::Collector<GatherRequest, GatherResponse>;
using ChatReplies = rpc::Replies<ChatResponse>;

inline constexpr auto kPatience = std::chrono::seconds(60);  // only a failing test waits so long

/// Something that a test waits for, and a state that threads share.
class Signal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return set_; });
  }
  [[nodiscard]] bool is_set() const {
    const std::lock_guard lock(mutex_);
    return set_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

/// CHECK for threads other than the test's own, where Catch2 must not be used: counted, and checked by ~Harness().
inline std::atomic<int> failures_elsewhere{0};
inline void expect(bool condition) { failures_elsewhere += condition ? 0 : 1; }

/// Waits until `condition` holds.
inline bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

using EchoCallbacks = EchoService::WithRawCallbackMethod_Echo<EchoService::WithRawCallbackMethod_Count<
    EchoService::WithRawCallbackMethod_Chat<EchoService::WithRawCallbackMethod_Gather<EchoService::Service>>>>;

class EchoServiceImpl final : public EchoCallbacks {
 public:
  explicit EchoServiceImpl(rpc::Runtime& runtime) : runtime_(runtime) {}

  std::function<absl::Status(rpc::CallContext&, const EchoRequest&, EchoResponse&)> echo =
      [](rpc::CallContext&, const EchoRequest& request, EchoResponse& response) {
        response.set_text(request.text());
        return absl::OkStatus();
      };
  std::function<absl::StatusOr<std::unique_ptr<Counted>>(rpc::CallContext&, const CountRequest&)> count;
  std::function<absl::StatusOr<std::unique_ptr<Chatting>>(rpc::CallContext&)> chat;
  std::function<absl::StatusOr<std::unique_ptr<Gathering>>(rpc::CallContext&)> gather;

  grpc::ServerUnaryReactor* Echo(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                 grpc::ByteBuffer* response) override {
    return rpc::unary<EchoRequest, EchoResponse>(runtime_, context, "lienthong.test.EchoService/Echo", request,
                                                 response, echo);
  }
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Count(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request) override {
    return rpc::server_stream<CountRequest, CountResponse>(runtime_, context, "lienthong.test.EchoService/Count",
                                                           request, count);
  }
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Chat(grpc::CallbackServerContext* context) override {
    return rpc::server_bidi<ChatRequest, ChatResponse>(runtime_, context, "lienthong.test.EchoService/Chat", chat);
  }
  grpc::ServerReadReactor<grpc::ByteBuffer>* Gather(grpc::CallbackServerContext* context,
                                                    grpc::ByteBuffer* response) override {
    return rpc::client_stream<GatherRequest, GatherResponse>(runtime_, context, "lienthong.test.EchoService/Gather",
                                                             response, gather);
  }

 private:
  rpc::Runtime& runtime_;
};

struct HarnessOptions {
  int threads = 4;
  int max_queue = 64;
  rpc::Limits limits = [] {
    rpc::Limits made;
    made.slowest_reader = std::size_t{1} << 30;  // a write timeout is what it says, whatever the size of the message
    return made;
  }();
};

class Harness {
 public:
  explicit Harness(const HarnessOptions& options = {})
      : executor(options.threads, options.max_queue, "test"),
        runtime(executor, resolve, metrics, options.limits),
        service(runtime),
        server(runtime, {}) {
    expect(init_logging({.level = "off"}).ok());
    server.add<EchoService>(service);
    const auto port = server.start();
    REQUIRE(port.ok());
    endpoint = "127.0.0.1:" + std::to_string(*port);
    channel = rpc::make_channel(endpoint);
    stub = EchoService::NewStub(channel);
  }
  ~Harness() {
    server.shutdown(std::chrono::milliseconds(0));
    executor.shutdown();
    CHECK(failures_elsewhere.exchange(0) == 0);
  }
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  static absl::StatusOr<rpc::CallerIdentity> resolve(const std::string& organisation) {
    if (organisation == "operator") return rpc::CallerIdentity{organisation, true};
    if (organisation == "transport") return rpc::CallerIdentity{organisation, false};
    if (organisation == "broken") return make_error(absl::StatusCode::kUnavailable, "DATABASE_DOWN", "no database");
    return absl::NotFoundError("no row");
  }

  static std::unique_ptr<grpc::ClientContext> make_context(const std::string& organisation = "transport") {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(std::chrono::system_clock::now() + kPatience);
    if (!organisation.empty()) rpc::set_identity(*context, organisation);
    return context;
  }

  absl::Status call_echo(const std::string& text, const std::string& organisation = "transport",
                         EchoResponse* response = nullptr) {
    const auto context = make_context(organisation);
    EchoRequest request;
    request.set_text(text);
    EchoResponse ignored;
    return rpc::from_grpc_status(stub->Echo(context.get(), request, response == nullptr ? &ignored : response));
  }

  /// Waits until `progress` no longer moves although the executor has run many jobs in between: with one executor
  /// thread, each call here passes through its queue.
  bool stalled(const std::function<std::int64_t()>& progress) {
    constexpr int kCallsWithoutProgress = 200;
    std::int64_t last = -1;
    const auto until = std::chrono::steady_clock::now() + kPatience;
    for (int same = 0; same < kCallsWithoutProgress; ++same) {
      if (!call_echo("tick").ok() || std::chrono::steady_clock::now() > until) return false;
      const std::int64_t now = progress();
      if (now != last) same = 0;
      last = now;
    }
    return true;
  }

  double ended(const std::string& method, const std::string& code) {
    return metrics
        .counter("lienthong_rpc_total", "calls ended, by code",
                 {{"method", "lienthong.test.EchoService/" + method}, {"code", code}})
        .value();
  }

  Executor executor;
  Metrics metrics;
  rpc::Runtime runtime;
  EchoServiceImpl service;
  rpc::Server server;
  std::string endpoint;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<EchoService::Stub> stub;
};

inline void check_error(const absl::Status& status, absl::StatusCode code, const std::string& reason) {
  INFO(status.ToString());
  CHECK(status.code() == code);
  CHECK(error_reason(status) == reason);
}

}  // namespace lt::test
