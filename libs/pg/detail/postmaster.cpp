#include "pg/detail/postmaster.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/status.hpp"

namespace lt::pg::detail {
namespace {

constexpr std::chrono::seconds kKillLimit{10};
constexpr std::chrono::milliseconds kFirstPause{200};
constexpr std::chrono::milliseconds kLongestPause{30'000};
constexpr std::chrono::seconds kOrphanLimit{60};
/// A server that ran for this long was healthy: the pauses start anew.
constexpr std::chrono::seconds kHealthy{60};

}  // namespace

Postmaster::Postmaster(SpawnOptions options, std::string data_directory)
    : options_(std::move(options)), data_directory_(std::move(data_directory)) {
  thread_ = std::jthread([this] { loop(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return pid_ != 0 || ended_; });
}

Postmaster::~Postmaster() {
  if (!stop(SIGQUIT, kKillLimit)) stop(SIGKILL, kKillLimit);
}

void Postmaster::loop() {
  std::chrono::milliseconds pause = kFirstPause;
  while (true) {
    const auto started = std::chrono::steady_clock::now();
    const absl::StatusOr<pid_t> pid = spawn(options_);
    {
      const std::lock_guard lock(mutex_);
      start_status_ = pid.status();
      if (pid.ok()) pid_ = *pid;
      // stop() may have come between the decision to restart and this line, when there was nobody to signal.
      if (pid.ok() && stopping_) kill(*pid, SIGQUIT);
    }
    changed_.notify_all();
    if (pid.ok()) wait_for_end(*pid);
    if (std::chrono::steady_clock::now() - started > kHealthy) pause = kFirstPause;
    std::unique_lock lock(mutex_);
    if (!keep_alive_ || stopping_) break;
    spdlog::error("event=pg_server_died action=restart pause_ms={} message=\"{}\"", pause.count(),
                  last_words(options_.output_file));
    changed_.wait_for(lock, pause, [&] { return stopping_; });
    if (stopping_) break;
    lock.unlock();
    pause = std::min(pause * 2, kLongestPause);
    // Children of a dead postmaster still hold its shared memory; a new one would refuse to start.
    const absl::Status status = end_server_processes(data_directory_, SIGQUIT, kOrphanLimit);
    if (!status.ok()) spdlog::error("event=pg_orphans message=\"{}\"", message_of(status));
    lock.lock();
    ++restarts_;
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void Postmaster::wait_for_end(pid_t pid) {
  // First without reaping: until pid_ is cleared the number must not be given to another process, or stop() could
  // signal a stranger.
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  {
    const std::lock_guard lock(mutex_);
    pid_ = 0;
  }
  waitpid(pid, nullptr, 0);
  changed_.notify_all();
}

void Postmaster::keep_alive() {
  const std::lock_guard lock(mutex_);
  keep_alive_ = true;
}

bool Postmaster::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

bool Postmaster::stop(int signal, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  if (pid_ != 0) kill(pid_, signal);
  return changed_.wait_for(lock, timeout, [&] { return ended_; });
}

pid_t Postmaster::pid() const {
  const std::lock_guard lock(mutex_);
  return pid_;
}

int Postmaster::restarts() const {
  const std::lock_guard lock(mutex_);
  return restarts_;
}

absl::Status Postmaster::start_status() const {
  const std::lock_guard lock(mutex_);
  return start_status_;
}

}  // namespace lt::pg::detail
