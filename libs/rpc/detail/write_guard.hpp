// Cuts off a peer that takes no message for too long.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

namespace lt::rpc::detail {

/// Watches the writes of one call with one alarm at a time, armed at most once per timeout however many writes there
/// are. Shared with the alarm, which may fire when the call is already gone. Its functions must not be called with
/// another lock held: TryCancel() may run reactions of the call in the thread of the alarm.
class WriteGuard : public std::enable_shared_from_this<WriteGuard> {
 public:
  using Clock = std::chrono::steady_clock;

  WriteGuard(grpc::CallbackServerContext& context, std::chrono::milliseconds timeout)
      : context_(&context), timeout_(timeout) {}

  void write_started();
  void write_done();
  /// Forgets the call. Afterwards the guard touches nothing of it.
  void close();
  /// True when it has cut the peer off.
  [[nodiscard]] bool expired() const;

 private:
  void arm(Clock::duration after);
  void fired();

  // Recursive because reactions that TryCancel() runs inline come back here.
  mutable std::recursive_mutex mutex_;
  grpc::CallbackServerContext* context_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<grpc::Alarm> alarm_;
  Clock::time_point due_;
  bool armed_ = false;
  bool writing_ = false;
  bool expired_ = false;
};

}  // namespace lt::rpc::detail
