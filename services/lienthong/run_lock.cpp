#include "lienthong/run_lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/status.hpp"

namespace lt::cli {
namespace {

constexpr mode_t kLockMode = 0644;

std::string lock_path(const std::string& directory) { return directory + "/lienthong.lock"; }

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

absl::Status no_lock_file(const std::string& directory, int error) {
  const auto code =
      error == EACCES || error == EROFS ? absl::StatusCode::kPermissionDenied : absl::StatusCode::kUnavailable;
  return make_error(code, "DATA_DIRECTORY",
                    "cannot write to the data directory " + directory + " (" + std::generic_category().message(error) +
                        "): name one that this user may write with --data");
}

}  // namespace

absl::StatusOr<RunLock> RunLock::acquire(const std::string& directory) {
  const int file = open(lock_path(directory).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kLockMode);
  if (file < 0) return no_lock_file(directory, errno);
  RunLock held(file);
  struct flock lock = whole_file();
  if (fcntl(file, F_SETLK, &lock) == 0) return held;
  const int error = errno;
  if (error != EACCES && error != EAGAIN) return no_lock_file(directory, error);
  lock = whole_file();
  const bool known = fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  const std::string pid = known ? std::to_string(lock.l_pid) : "unknown";
  return make_error(absl::StatusCode::kFailedPrecondition, "ALREADY_RUNNING",
                    "process " + pid + " already serves " + directory + ": stop it with `lienthong down --data " +
                        directory + "` or use another directory",
                    {{"pid", pid}, {"data", directory}});
}

std::optional<pid_t> RunLock::holder(const std::string& directory) {
  const int file = open(lock_path(directory).c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  struct flock lock = whole_file();
  const bool asked = fcntl(file, F_GETLK, &lock) == 0;
  close(file);
  if (!asked || lock.l_type == F_UNLCK) return std::nullopt;
  return lock.l_pid;
}

RunLock::RunLock(RunLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

RunLock::~RunLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace lt::cli
