// How much one message of an answer holds, by how fast its reader takes them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace lt::exchange {

/// What waits for a slow reader is memory, and the larger a message, the later it shows that nobody takes it
/// (server.write_stall). Messages therefore start small, grow while they are taken at once, and shrink when they are
/// not. They do not grow before the reader has taken more than transports buffer without it.
class ChunkPace {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kSmallest = 4U << 10;
  static constexpr std::size_t kFirst = 8U << 10;
  /// An HTTP/2 window, what gRPC takes beyond it, and half as much again.
  static constexpr std::size_t kBufferedAhead = 192U << 10;
  static constexpr std::chrono::milliseconds kFast{100};
  static constexpr std::chrono::milliseconds kSlow{1'000};

  explicit ChunkPace(std::size_t largest) : largest_(largest), bytes_(std::min(kFirst, largest)) {}

  /// Bytes that the next message is filled up to. To be called when the message before it has been taken.
  [[nodiscard]] std::size_t next(Clock::time_point now) {
    if (last_ != Clock::time_point{}) adapt(now - last_);
    return bytes_;
  }
  /// The message is ready and goes out now.
  void sent(std::size_t bytes, Clock::time_point now) {
    sent_ += bytes;
    last_ = now;
  }

 private:
  void adapt(Clock::duration took) {
    if (took >= kSlow) {
      bytes_ = std::max(bytes_ / 2, std::min(kSmallest, largest_));
    } else if (took < kFast && sent_ > kBufferedAhead) {
      bytes_ = std::min(bytes_ * 2, largest_);
    }
  }

  std::size_t largest_;
  std::size_t bytes_;
  std::size_t sent_ = 0;
  Clock::time_point last_;
};

}  // namespace lt::exchange
