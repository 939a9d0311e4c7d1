// Whose staging is whose: a process's claim on its staging tables, and the sweeping of what nobody owns.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include "pg/connection.hpp"

namespace lt::storage {

/// This process's claim on its staging tables: an advisory lock in a session of its own. What no living process owns is
/// swept. Thread-safe.
class StagingOwner {
 public:
  /// Opens the session and takes the lock. Errors: those of the connection.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<StagingOwner>> start(pg::ConnectOptions options);

  [[nodiscard]] std::int64_t key() const { return key_; }
  /// Start of the names of tables that no other staging has or had.
  [[nodiscard]] std::string next_prefix();
  /// While an attempt is worked on by this process it is not swept.
  void begin_work(const std::string& attempt_id);
  void end_work(const std::string& attempt_id);
  /// Renews the lock if the session broke, then drops staging that nobody works on and nobody went on with for `keep`,
  /// and what a server crash emptied. @return attempts and left-over tables dropped.
  [[nodiscard]] absl::StatusOr<int> sweep(std::chrono::milliseconds keep);

 private:
  StagingOwner(pg::ConnectOptions options, pg::Connection session, std::int64_t key);
  [[nodiscard]] absl::Status renew() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] bool is_worked_on(const std::string& attempt_id);
  [[nodiscard]] absl::StatusOr<bool> drop_attempt(const std::string& attempt_id, std::int64_t owner,
                                                  std::chrono::milliseconds keep) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] absl::StatusOr<bool> is_ownerless(std::int64_t owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const pg::ConnectOptions options_;
  const std::int64_t key_;
  std::atomic<std::int64_t> next_{1};
  absl::Mutex active_mutex_;
  std::multiset<std::string> active_ ABSL_GUARDED_BY(active_mutex_);
  absl::Mutex mutex_;
  pg::Connection session_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lt::storage
