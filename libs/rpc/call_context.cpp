#include "rpc/call_context.hpp"

#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "rpc/detail/call_state.hpp"

namespace lt::rpc {
namespace detail {

CallState::CallState(std::string method_name, CallContext::TimePoint until, Post post)
    : method(std::move(method_name)), request_id(make_uuid7()), deadline(until), post_(std::move(post)) {}

std::uint64_t CallState::add(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  if (closed_) return 0;
  callbacks_.emplace_back(next_id_, std::move(callback));
  return next_id_++;
}

void CallState::remove(std::uint64_t id) {
  std::function<void()> dropped;  // destroyed without the lock
  std::unique_lock lock(mutex_);
  for (auto it = callbacks_.begin(); it != callbacks_.end(); ++it) {
    if (it->first != id) continue;
    dropped = std::move(it->second);
    callbacks_.erase(it);
    return;
  }
  if (running_thread_ == std::this_thread::get_id()) return;
  changed_.wait(lock, [&] { return running_id_ != id; });
}

void CallState::cancel(const std::shared_ptr<CallState>& self) {
  if (self->cancelled_.exchange(true)) return;
  self->run_callbacks_posted(self);
}

void CallState::run_callbacks_posted(const std::shared_ptr<CallState>& self) {
  {
    const std::lock_guard lock(mutex_);
    if (callbacks_.empty()) return;
  }
  if (!post_ || !post_([self] { self->run_callbacks(); })) run_callbacks();
}

void CallState::run_callbacks() {
  std::unique_lock lock(mutex_);
  if (loop_active_) return;  // that loop takes what was added
  loop_active_ = true;
  while (!callbacks_.empty()) {
    auto [id, callback] = std::move(callbacks_.front());
    callbacks_.pop_front();
    running_id_ = id;
    running_thread_ = std::this_thread::get_id();
    lock.unlock();
    try {
      callback();
    } catch (const std::exception& e) {
      spdlog::error("event=on_cancel_threw method={} error=\"{}\"", method, e.what());
    } catch (...) {
      spdlog::error("event=on_cancel_threw method={}", method);
    }
    callback = nullptr;
    lock.lock();
    running_id_ = 0;
    running_thread_ = {};
    changed_.notify_all();
  }
  loop_active_ = false;
}

void CallState::set_wake_hook(std::function<void()> hook) {
  const std::lock_guard lock(wake_mutex_);
  wake_hook_ = std::move(hook);
}

void CallState::wake() {
  const std::lock_guard lock(wake_mutex_);
  if (wake_hook_) wake_hook_();
}

void CallState::drain() {
  draining_.store(true, std::memory_order_release);
  wake();
}

void CallState::close() {
  set_wake_hook(nullptr);
  std::deque<std::pair<std::uint64_t, std::function<void()>>> dropped;
  std::unique_lock lock(mutex_);
  closed_ = true;
  dropped.swap(callbacks_);
  if (running_thread_ == std::this_thread::get_id()) return;
  changed_.wait(lock, [&] { return running_id_ == 0; });
}

}  // namespace detail

CancelScope::CancelScope(std::shared_ptr<detail::CallState> state, std::uint64_t id)
    : state_(std::move(state)), id_(id) {}

CancelScope::~CancelScope() {
  if (state_) state_->remove(id_);
}

CancelScope::CancelScope(CancelScope&& other) noexcept : state_(std::move(other.state_)), id_(other.id_) {}

CancelScope& CancelScope::operator=(CancelScope&& other) noexcept {
  if (this == &other) return *this;
  if (state_) state_->remove(id_);
  state_ = std::move(other.state_);
  id_ = other.id_;
  return *this;
}

CallContext::CallContext(CallerIdentity identity, std::string method, TimePoint deadline)
    : state_(std::make_shared<detail::CallState>(std::move(method), deadline, nullptr)) {
  state_->identity = std::move(identity);
}

CallContext::CallContext(std::shared_ptr<detail::CallState> state) : state_(std::move(state)) {}

const CallerIdentity& CallContext::identity() const { return state_->identity; }
const std::string& CallContext::method() const { return state_->method; }
const std::string& CallContext::request_id() const { return state_->request_id; }
CallContext::TimePoint CallContext::deadline() const { return state_->deadline; }
bool CallContext::draining() const { return state_->draining(); }

bool CallContext::cancelled() const {
  if (state_->cancelled()) return true;
  return state_->deadline != kNoDeadline && std::chrono::system_clock::now() >= state_->deadline;
}

absl::Status CallContext::check() const {
  if (!cancelled()) return absl::OkStatus();
  const bool late = state_->deadline != kNoDeadline && std::chrono::system_clock::now() >= state_->deadline;
  if (late) {
    return make_error(absl::StatusCode::kDeadlineExceeded, "CALL_DEADLINE",
                      "the call did not end within its deadline; allow more time or ask for less");
  }
  return make_error(absl::StatusCode::kCancelled, "CALL_CANCELLED", "the caller has cancelled or gone away");
}

void CallContext::on_cancel(std::function<void()> callback) {
  state_->add(std::move(callback));
  if (state_->cancelled()) state_->run_callbacks_posted(state_);
}

CancelScope CallContext::scoped_on_cancel(std::function<void()> callback) {
  const std::uint64_t id = state_->add(std::move(callback));
  if (state_->cancelled()) state_->run_callbacks_posted(state_);
  return {state_, id};
}

std::function<void()> CallContext::waker() const {
  return [state = state_] { state->wake(); };
}

void CallContext::cancel() { detail::CallState::cancel(state_); }

}  // namespace lt::rpc
