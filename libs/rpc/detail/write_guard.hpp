// Cuts off a peer that takes no message for too long.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
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

  /// A write may take `timeout`, and longer by its size at `bytes_per_second`: gRPC does not tell how much of a
  /// message the peer has taken.
  WriteGuard(grpc::CallbackServerContext& context, std::chrono::milliseconds timeout, std::size_t bytes_per_second)
      : context_(&context), timeout_(timeout), bytes_per_second_(std::max<std::size_t>(bytes_per_second, 1)) {}

  void write_started(std::size_t bytes);
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
  const std::size_t bytes_per_second_;
  std::unique_ptr<grpc::Alarm> alarm_;
  Clock::time_point due_;
  bool armed_ = false;
  bool writing_ = false;
  bool expired_ = false;
};

}  // namespace lt::rpc::detail
