// Notices a peer that sends nothing for too long.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include <grpcpp/alarm.h>

namespace lt::rpc::detail {

/// Watches the reads of one call with one alarm at a time, armed at most once per timeout however many reads there
/// are. Shared with the alarm, which may fire when the call is already gone.
class ReadGuard : public std::enable_shared_from_this<ReadGuard> {
 public:
  using Clock = std::chrono::steady_clock;

  /// `stalled` runs at most once, on a thread of gRPC, and never after close(); from then on read_done() is false.
  ReadGuard(std::chrono::milliseconds timeout, std::function<void()> stalled)
      : timeout_(timeout), stalled_(std::move(stalled)) {}

  /// Around the start of each read: before it, and after it with what the first returned. A read is watched from the
  /// second on, when `stalled` may end the call: the call may be gone by then, so the caller holds the guard itself.
  [[nodiscard]] std::uint64_t read_starting();
  void read_started(std::uint64_t read);
  /// False when `stalled` has been told of this read: whoever did that ends the call.
  [[nodiscard]] bool read_done();
  void close();

 private:
  void arm(Clock::duration after);
  void fired();

  std::mutex mutex_;
  const std::chrono::milliseconds timeout_;
  std::function<void()> stalled_;
  std::unique_ptr<grpc::Alarm> alarm_;
  Clock::time_point due_;
  std::uint64_t read_ = 0;  // counts starts and ends, so that a start reported late is not taken for the next read's
  bool armed_ = false;
  bool watching_ = false;  // the read that was started last
  bool expired_ = false;
  bool closed_ = false;
};

}  // namespace lt::rpc::detail
