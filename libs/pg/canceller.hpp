// Stopping a running statement from another thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include <absl/status/status.h>

struct pg_cancel;

namespace lt::pg {

namespace detail {
class Session;
}

/// Cancels what a Connection does. Thread-safe; may outlive the connection. Get one from Connection::canceller().
///
/// Cancelling sticks: the running statement is stopped and every later one is refused with CANCELLED until the
/// connection is rolled back, cleared (Connection::clear_cancel) or returned to its pool, so that a cancel that falls
/// between two statements is not lost. COMMIT and ROLLBACK are never disturbed (their outcome would become unknown).
/// A canceller of a connection that has gone back to its pool does nothing.
class Canceller {
 public:
  /// Blocks while it talks to the server (a network connection of its own): not for threads that must not wait.
  /// Errors: UNAVAILABLE CANCEL_FAILED the server could not be told; the mark stays set.
  absl::Status cancel();
  [[nodiscard]] bool is_cancelled() const { return cancelled_.load(); }

 private:
  friend class detail::Session;
  /// While one lives, cancel() only sets the mark. Its constructor waits for a cancel under way.
  class Shield {
   public:
    explicit Shield(Canceller& canceller);
    ~Shield();
    Shield(const Shield&) = delete;
    Shield& operator=(const Shield&) = delete;

   private:
    Canceller& canceller_;
  };
  struct Free {
    void operator()(pg_cancel* handle) const;
  };

  std::mutex mutex_;
  std::unique_ptr<pg_cancel, Free> handle_;  // guarded by mutex_; null once revoked
  bool shielded_ = false;                    // guarded by mutex_
  std::atomic<bool> cancelled_ = false;
};

}  // namespace lt::pg
