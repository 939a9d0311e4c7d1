#include "rpc/detail/read_guard.hpp"

#include <utility>

namespace lt::rpc::detail {

std::uint64_t ReadGuard::read_starting() {
  const std::lock_guard lock(mutex_);
  return ++read_;
}

void ReadGuard::read_started(std::uint64_t read) {
  const std::lock_guard lock(mutex_);
  if (read != read_) return;  // done already
  watching_ = true;
  due_ = Clock::now() + timeout_;
  if (!armed_ && !closed_) arm(timeout_);
}

bool ReadGuard::read_done() {
  const std::lock_guard lock(mutex_);
  ++read_;
  watching_ = false;
  return !expired_;
}

void ReadGuard::close() {
  std::unique_ptr<grpc::Alarm> alarm;  // cancelled without the lock
  std::function<void()> stalled;
  const std::lock_guard lock(mutex_);
  closed_ = true;
  alarm = std::move(alarm_);
  stalled = std::move(stalled_);
}

void ReadGuard::arm(Clock::duration after) {
  armed_ = true;
  alarm_ = std::make_unique<grpc::Alarm>();
  const auto when =
      std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(after);
  alarm_->Set(when, [self = shared_from_this()](bool in_time) {
    if (in_time) self->fired();
  });
}

void ReadGuard::fired() {
  std::unique_lock lock(mutex_);
  armed_ = false;
  if (closed_ || !watching_) return;
  const auto left = due_ - Clock::now();
  if (left > Clock::duration::zero()) return arm(left);
  expired_ = true;
  const std::function<void()> stalled = std::move(stalled_);
  lock.unlock();
  stalled();
}

}  // namespace lt::rpc::detail
