#include "rpc/detail/write_guard.hpp"

namespace lt::rpc::detail {

void WriteGuard::write_started(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  writing_ = true;
  due_ = Clock::now() + timeout_ + std::chrono::seconds(bytes / bytes_per_second_);
  if (!armed_ && context_ != nullptr) arm(timeout_);
}

void WriteGuard::write_done() {
  const std::lock_guard lock(mutex_);
  writing_ = false;
}

void WriteGuard::close() {
  std::unique_ptr<grpc::Alarm> alarm;  // cancelled without the lock
  {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    alarm = std::move(alarm_);
  }
}

bool WriteGuard::expired() const {
  const std::lock_guard lock(mutex_);
  return expired_;
}

void WriteGuard::arm(Clock::duration after) {
  armed_ = true;
  alarm_ = std::make_unique<grpc::Alarm>();
  const auto when =
      std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(after);
  alarm_->Set(when, [self = shared_from_this()](bool fired) {
    if (fired) self->fired();
  });
}

void WriteGuard::fired() {
  const std::lock_guard lock(mutex_);
  armed_ = false;
  if (context_ == nullptr || !writing_) return;
  const auto left = due_ - Clock::now();
  if (left > Clock::duration::zero()) return arm(left);
  expired_ = true;
  context_->TryCancel();
}

}  // namespace lt::rpc::detail
