// The shared state behind CallContext.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "rpc/call_context.hpp"

namespace lt::rpc::detail {

/// Thread-safe. Shared: wakers and cancel scopes may outlive the call.
class CallState {
 public:
  /// Hands a job to the thread that runs cancel callbacks; false when it takes none any more.
  using Post = std::function<bool(std::function<void()>)>;

  CallState(std::string method, CallContext::TimePoint deadline, Post post);

  CallerIdentity identity;  ///< Set once, before any handler code runs.
  const std::string method;
  const std::string request_id;
  const CallContext::TimePoint deadline;

  [[nodiscard]] bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  [[nodiscard]] bool draining() const { return draining_.load(std::memory_order_acquire); }

  std::uint64_t add(std::function<void()> callback);
  void remove(std::uint64_t id);
  static void cancel(const std::shared_ptr<CallState>& self);
  void run_callbacks_posted(const std::shared_ptr<CallState>& self);

  void set_wake_hook(std::function<void()> hook);
  void wake();
  void drain();

  /// The call is over: forgets hook and callbacks, waits for one that runs. Nothing of the call runs afterwards.
  void close();

 private:
  void run_callbacks();

  const Post post_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> draining_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<std::uint64_t, std::function<void()>>> callbacks_;
  std::uint64_t next_id_ = 1;
  std::uint64_t running_id_ = 0;
  std::thread::id running_thread_;
  bool loop_active_ = false;
  bool closed_ = false;

  std::mutex wake_mutex_;
  std::function<void()> wake_hook_;
};

}  // namespace lt::rpc::detail
