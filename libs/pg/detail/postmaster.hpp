// The thread that starts the server process, watches it, and starts it again.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include <absl/status/status.h>

#include "pg/detail/process.hpp"

namespace lt::pg::detail {

/// One server process, kept alive. The thread lives as long as the server because the kernel ties the server to it
/// (SpawnOptions::die_with_thread). Thread-safe.
class Postmaster {
 public:
  /// @param data_directory real path; for finding orphans before a restart.
  Postmaster(SpawnOptions options, std::string data_directory);
  /// Kills what still runs: call stop() first for an orderly end.
  ~Postmaster();
  Postmaster(const Postmaster&) = delete;
  Postmaster& operator=(const Postmaster&) = delete;

  /// From now on a server that dies is started again.
  void keep_alive();
  /// True once the server has ended and is not going to be started again.
  [[nodiscard]] bool ended() const;
  /// Sends `signal`, waits for the end. False: it still runs.
  bool stop(int signal, std::chrono::milliseconds timeout);
  [[nodiscard]] pid_t pid() const;
  [[nodiscard]] int restarts() const;
  /// Why the process could not be started at all.
  [[nodiscard]] absl::Status start_status() const;

 private:
  void loop();
  void wait_for_end(pid_t pid);

  const SpawnOptions options_;
  const std::string data_directory_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // All guarded by mutex_.
  pid_t pid_ = 0;  ///< 0 while none runs.
  bool keep_alive_ = false;
  bool stopping_ = false;
  bool ended_ = false;
  int restarts_ = 0;
  absl::Status start_status_;
  std::jthread thread_;  ///< Last: it uses everything above.
};

}  // namespace lt::pg::detail
