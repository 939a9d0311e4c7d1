// LISTEN and NOTIFY, and a wait for them that another thread can end.
#pragma once

#include <chrono>
#include <string>

namespace lt::pg {

/// What Connection::wait_for_notification() received.
struct Notification {
  std::string channel;
  std::string payload;  ///< up to 8,000 bytes; a hint and nothing more: notifications are lost with the connection
  int backend_pid = 0;  ///< of the session that sent it
};

/// Ends a wait from another thread. A wake() that comes while nobody waits ends the next wait, so none is lost.
/// Thread-safe, except that one thread at a time waits.
class Waker {
 public:
  Waker();
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Never blocks.
  void wake() noexcept;
  /// Waits for wake() alone. @return true when woken, false at the deadline.
  bool wait_until(std::chrono::steady_clock::time_point deadline);

 private:
  friend class Connection;
  /// Takes back the wakes so far. @return whether there was one.
  bool clear() noexcept;

  int descriptor_;
};

}  // namespace lt::pg
