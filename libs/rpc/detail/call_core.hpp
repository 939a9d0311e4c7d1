// What the reactors of all kinds have in common: admission, identity, end, log, metrics.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include "rpc/call_context.hpp"
#include "rpc/detail/call_state.hpp"
#include "rpc/detail/write_guard.hpp"
#include "rpc/runtime.hpp"

namespace lt::rpc::detail {

/// Owned by a reactor. Reactors drive it from one strand: jobs on the executor that never overlap, so that the end of
/// the call is reached exactly once.
class CallCore {
 public:
  /// @param max_time bound of the deadline that the handler sees; 0 = the caller's own.
  CallCore(Runtime& runtime, grpc::CallbackServerContext& context, const char* method,
           std::chrono::milliseconds max_time);
  ~CallCore() = default;
  CallCore(const CallCore&) = delete;
  CallCore& operator=(const CallCore&) = delete;

  /// Counts the call in and queues its first job; false when the server is busy.
  [[nodiscard]] bool admit(Executor::Job first);
  [[nodiscard]] absl::Status busy() const;

  /// Resolves the caller and counts the call as its. On the executor: it may ask the database.
  [[nodiscard]] absl::Status identify();

  [[nodiscard]] CallContext& context() { return context_; }
  [[nodiscard]] CallState& state() { return *state_; }
  [[nodiscard]] WriteGuard& writes() { return *writes_; }
  [[nodiscard]] const Limits& limits() const { return runtime_.limits(); }

  /// True when nobody waits for the call any more.
  [[nodiscard]] bool gone() const { return context_.cancelled() || server_context_.IsCancelled(); }
  [[nodiscard]] absl::Status gone_status() const;
  [[nodiscard]] static absl::Status stopping_status();
  void cancel() { CallState::cancel(state_); }

  /// Queues the next job of the strand; when the executor has stopped it runs here and now, so that the call can end.
  void run(const Executor::Job& job);
  [[nodiscard]] bool post(Executor::Job job) { return runtime_.executor().post(std::move(job)); }

  /// Of a message to send. Errors: RESOURCE_EXHAUSTED MESSAGE_TOO_LARGE: the peer would refuse it and lose our reason.
  [[nodiscard]] absl::Status check_size(std::size_t bytes) const;
  /// Of a message received. Errors: RESOURCE_EXHAUSTED MESSAGE_TOO_LARGE. Much larger ones are refused by gRPC itself.
  [[nodiscard]] absl::Status check_received(std::size_t bytes) const;
  [[nodiscard]] absl::Status read_stalled_status() const;

  /// Ends the book-keeping: callbacks, log, metrics. Once, right before Finish() with what it returns.
  [[nodiscard]] grpc::Status close(absl::Status status);

  /// Calls `body`; what it throws becomes INTERNAL. An exception that reached gRPC would leave the call hanging.
  template <class Body>
  [[nodiscard]] absl::Status guarded(const Body& body) noexcept {
    try {
      return body();
    } catch (const std::exception& e) {
      return thrown(e.what());
    } catch (...) {
      return thrown("an object that is no std::exception");
    }
  }

 private:
  [[nodiscard]] absl::Status thrown(const char* what) const;
  void record(const absl::Status& status) const;

  Runtime& runtime_;
  grpc::CallbackServerContext& server_context_;
  std::shared_ptr<CallState> state_;
  CallContext context_;
  std::shared_ptr<WriteGuard> writes_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  Quota::Share organisation_share_;
  bool entered_ = false;
};

}  // namespace lt::rpc::detail
