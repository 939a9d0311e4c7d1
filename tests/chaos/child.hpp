// A child process of the driver that is killed and started again.
#pragma once

#include <sys/types.h>

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>

namespace lt::chaos {

/// How a process ended.
struct Ending {
  int exit_code = 0;
  int signal = 0;       ///< that ended it; 0: it ended by itself
  bool killed = false;  ///< by kill9() of its Child
};

/// One program, started again as often as wanted. The kernel kills it when the thread that started it ends, so that
/// nothing outlives the driver. kill9() and running() may be called from any thread, the rest from one.
class Child {
 public:
  /// @param command program and arguments. @param log standard output and error are appended to it.
  Child(std::string name, std::vector<std::string> command, std::map<std::string, std::string> environment,
        std::string log);
  /// Kills it.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Errors: INTERNAL PROCESS_START_FAILED.
  [[nodiscard]] absl::Status start();
  [[nodiscard]] bool running() const;
  /// SIGKILL. @return false when it does not run.
  bool kill9();
  void terminate();
  /// How it ended, once, if it has ended since it was started.
  [[nodiscard]] std::optional<Ending> reap();

 private:
  bool signal(int number);

  const std::string name_;
  const std::vector<std::string> command_;
  const std::map<std::string, std::string> environment_;
  const std::string log_;
  mutable std::mutex mutex_;  // so that no signal goes to a number that was reaped meanwhile
  pid_t pid_ = 0;             // guarded by mutex_
  bool killed_ = false;       // guarded by mutex_
};

}  // namespace lt::chaos
