// One `lienthong up` per data directory, and how `lienthong down` finds it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include <absl/status/statusor.h>

namespace lt::cli {

/// A lock on DIR/lienthong.lock that the system itself ends with the process, also after kill -9.
/// POSIX record lock: it tells who holds it, children do not inherit it, and this process must open the file once only.
class RunLock {
 public:
  /// Errors: FAILED_PRECONDITION ALREADY_RUNNING (metadata pid); PERMISSION_DENIED or UNAVAILABLE DATA_DIRECTORY when
  /// the file cannot be made.
  [[nodiscard]] static absl::StatusOr<RunLock> acquire(const std::string& directory);
  /// The process that holds the lock now; nothing when nobody does.
  [[nodiscard]] static std::optional<pid_t> holder(const std::string& directory);

  RunLock(RunLock&& other) noexcept;
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock();

 private:
  explicit RunLock(int file) : file_(file) {}
  int file_;
};

}  // namespace lt::cli
