#include "base/executor.hpp"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

namespace lt {
namespace {

constexpr std::size_t kMaxThreadName = 15;  // what the kernel keeps

void run_guarded(const Executor::Job& job, const std::string& name) {
  try {
    job();
  } catch (const std::exception& e) {
    spdlog::error("executor={} event=job_threw error=\"{}\"", name, e.what());
  } catch (...) {
    spdlog::error("executor={} event=job_threw", name);
  }
}

}  // namespace

Executor::Executor(int threads, int max_queue, std::string name)
    : name_(std::move(name)), max_queue_(static_cast<std::size_t>(std::max(0, max_queue))) {
  threads_count_ = static_cast<std::size_t>(std::max(1, threads));
  threads_.reserve(threads_count_);
  for (std::size_t i = 0; i < threads_count_; ++i) threads_.emplace_back([this] { work(); });
}

Executor::~Executor() { shutdown(); }

bool Executor::try_post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t idle = threads_count_ - running_;
    if (stopping_ || queue_.size() >= max_queue_ + idle) return false;
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

bool Executor::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    queue_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void Executor::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  const std::lock_guard lock(join_mutex_);
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

std::size_t Executor::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::size_t Executor::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

void Executor::work() {
  pthread_setname_np(pthread_self(), name_.substr(0, kMaxThreadName).c_str());
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    run_guarded(job, name_);
    job = nullptr;  // what it captured goes before the job counts as done
    lock.lock();
    --running_;
  }
}

}  // namespace lt
