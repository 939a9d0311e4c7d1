// A bounded pool of threads for work that may block.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lt {

/// Runs jobs on a fixed number of threads, first come first served. Thread-safe. An exception that leaves a job is
/// logged and goes no further. The destructor is shutdown().
class Executor {
 public:
  using Job = std::function<void()>;

  /// @param threads   at least 1.
  /// @param max_queue jobs that may wait beyond those that run; 0 = each try_post() needs an idle thread.
  /// @param name      shown as thread name (first 15 bytes).
  Executor(int threads, int max_queue, std::string name);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Queues new work. False, and the job is not taken, when the queue is full or after shutdown().
  [[nodiscard]] bool try_post(Job job);

  /// Queues the continuation of work that was admitted before: never refused for a full queue, so that admitted work
  /// can end. The caller bounds how much of it there is. False only after shutdown().
  [[nodiscard]] bool post(Job job);

  /// Refuses new jobs, runs what is queued, joins the threads. Repeatable. Must not be called by a job.
  void shutdown();

  /// Jobs that wait, and jobs that run, now.
  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::size_t running() const;

 private:
  void work();

  const std::string name_;
  const std::size_t max_queue_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> queue_;
  std::size_t running_ = 0;
  std::size_t threads_count_ = 0;
  bool stopping_ = false;
  std::mutex join_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace lt
