// What a handler knows of the call it serves. No gRPC here, so that domain code and tests can use it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>

namespace lt::rpc {

/// Who calls. Made by the identity resolver of the runtime, from metadata now and from certificates later.
struct CallerIdentity {
  std::string organisation;
  bool is_operator = false;
};

namespace detail {
class CallState;
}

/// Withdraws a callback of CallContext::scoped_on_cancel(): after its destructor the callback neither runs nor will
/// run (a run in progress is waited for, except from within the callback itself).
class CancelScope {
 public:
  CancelScope() = default;
  ~CancelScope();
  CancelScope(CancelScope&& other) noexcept;
  CancelScope& operator=(CancelScope&& other) noexcept;

 private:
  friend class CallContext;
  CancelScope(std::shared_ptr<detail::CallState> state, std::uint64_t id);
  std::shared_ptr<detail::CallState> state_;
  std::uint64_t id_ = 0;
};

/// One call: who, what, until when, and whether somebody still waits for it. Thread-safe. A reference given to a
/// handler, opener, producer or session stays valid until that object is destroyed.
class CallContext {
 public:
  using TimePoint = std::chrono::system_clock::time_point;
  static constexpr TimePoint kNoDeadline = TimePoint::max();

  /// A call from inside the process, or of a test; cancel() belongs to its maker and runs callbacks in its thread.
  CallContext(CallerIdentity identity, std::string method, TimePoint deadline = kNoDeadline);
  /// For the runtime.
  explicit CallContext(std::shared_ptr<detail::CallState> state);

  [[nodiscard]] const CallerIdentity& identity() const;
  /// "lienthong.v1.ExchangeService/GetFeature".
  [[nodiscard]] const std::string& method() const;
  /// UUID version 7; also in the log and, as metadata "lienthong-request-id", with the caller.
  [[nodiscard]] const std::string& request_id() const;
  /// The caller's deadline, for unary calls at most Limits::unary_timeout away; kNoDeadline when there is none.
  [[nodiscard]] TimePoint deadline() const;

  /// True once the caller has gone, cancelled or run out of time. Never becomes false again.
  [[nodiscard]] bool cancelled() const;
  /// OK, or why to stop. Errors: CANCELLED CALL_CANCELLED; DEADLINE_EXCEEDED CALL_DEADLINE.
  [[nodiscard]] absl::Status check() const;
  /// True once the server is about to stop: a stream without an end should finish at its next convenience.
  [[nodiscard]] bool draining() const;

  /// Runs `callback` once when the call is cancelled (at once when it already is), on a thread kept for that, at the
  /// same time as the handler. It may block shortly (PQcancel). Dropped when the call ends, so it must own, by value
  /// or shared_ptr, what it uses; where it cannot, use scoped_on_cancel().
  void on_cancel(std::function<void()> callback);
  [[nodiscard]] CancelScope scoped_on_cancel(std::function<void()> callback);

  /// A function that makes the runtime call Producer::next() again after Produced::idle(). Callable from any thread,
  /// any number of times, also after the call has ended (then without effect).
  [[nodiscard]] std::function<void()> waker() const;

  /// Cancels: for the runtime and the maker.
  void cancel();

 private:
  std::shared_ptr<detail::CallState> state_;
};

}  // namespace lt::rpc
