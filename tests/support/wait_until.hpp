// Waiting for a condition instead of sleeping.
#pragma once

#include <chrono>
#include <thread>

namespace lt::test {

/// Polls until `condition` holds. @return false when it did not within `limit`.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(60)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace lt::test
