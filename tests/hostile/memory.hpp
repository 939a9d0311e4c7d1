// What processes occupy, from /proc.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace lt::test {

inline constexpr std::int64_t kKiB = 1;
inline constexpr std::int64_t kMiB = 1024;

/// A field of /proc/PID/status in KiB ("VmHWM", "VmRSS", "RssAnon", "RssShmem"); 0 when the process is gone.
[[nodiscard]] std::int64_t status_kib(pid_t pid, const std::string& field);

/// VmHWM starts again from what is resident now.
void reset_peak(pid_t pid);

[[nodiscard]] std::vector<pid_t> children_of(pid_t pid);

/// Open files of a process.
[[nodiscard]] int open_files(pid_t pid);

/// Looks at all processes of a PostgreSQL server every few milliseconds. VmHWM of a backend counts the shared buffers
/// that it touched, and the kernel keeps no peak of RssAnon alone: for that the peaks here are of samples.
class ServerWatch {
 public:
  explicit ServerWatch(pid_t postmaster);
  [[nodiscard]] std::int64_t largest_kib() const { return largest_; }    ///< of one process
  [[nodiscard]] std::int64_t together_kib() const { return together_; }  ///< of all at one time
  [[nodiscard]] std::int64_t peak_kib() const { return peak_; }          ///< highest VmHWM, shared buffers included
  [[nodiscard]] int processes() const { return processes_; }             ///< most at one time

 private:
  void look();

  const pid_t postmaster_;
  std::atomic<std::int64_t> largest_{0};
  std::atomic<std::int64_t> together_{0};
  std::atomic<std::int64_t> peak_{0};
  std::atomic<int> processes_{0};
  std::jthread thread_;
};

}  // namespace lt::test
