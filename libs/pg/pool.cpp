#include "pg/pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "base/status.hpp"

namespace lt::pg {

using SteadyClock = std::chrono::steady_clock;

// std::mutex, not absl::Mutex: Debian's absl is not instrumented, so TSan would see nothing of it.
struct PooledConnection::Shared {
  std::mutex mutex;
  std::condition_variable returned;
  std::vector<std::unique_ptr<Connection>> idle;  // guarded by mutex; the back was used last
  int in_use = 0;                                 // guarded by mutex
  int max = 0;
  bool closed = false;  // guarded by mutex; the Pool is gone
};

namespace {

/// A connection is not even tried with less time than this; it would only fail for a misleading reason.
constexpr std::chrono::milliseconds kLeastConnectTime{100};

absl::Status exhausted(int max) {
  return make_error(absl::StatusCode::kResourceExhausted, "POOL_EXHAUSTED",
                    "all " + std::to_string(max) + " database connections were in use until the deadline; retry later",
                    {{"max_connections", std::to_string(max)}});
}

}  // namespace

PooledConnection::PooledConnection(std::shared_ptr<Shared> shared, std::unique_ptr<Connection> connection)
    : shared_(std::move(shared)), connection_(std::move(connection)) {}

PooledConnection::PooledConnection(PooledConnection&&) noexcept = default;

PooledConnection& PooledConnection::operator=(PooledConnection&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  shared_ = std::move(other.shared_);
  connection_ = std::move(other.connection_);
  return *this;
}

PooledConnection::~PooledConnection() { give_back(); }

void PooledConnection::give_back() {
  if (!connection_) return;
  connection_->revoke_canceller();
  const bool reusable = connection_->is_idle();
  std::unique_ptr<Connection> dropped;  // closed after the lock is released
  {
    const std::lock_guard lock(shared_->mutex);
    --shared_->in_use;
    if (reusable && !shared_->closed) {
      shared_->idle.push_back(std::move(connection_));
    } else {
      dropped = std::move(connection_);
    }
  }
  shared_->returned.notify_one();
}

Pool::Pool(ConnectOptions options, int max_connections)
    : options_(std::move(options)), shared_(std::make_shared<PooledConnection::Shared>()) {
  shared_->max = std::max(1, max_connections);
}

Pool::~Pool() {
  std::vector<std::unique_ptr<Connection>> dropped;
  const std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
  dropped.swap(shared_->idle);
}

absl::StatusOr<PooledConnection> Pool::acquire(SteadyClock::time_point deadline) {
  std::vector<std::unique_ptr<Connection>> dead;  // closed after the lock is released
  std::unique_lock lock(shared_->mutex);
  const auto available = [&] { return shared_->in_use < shared_->max; };
  if (!shared_->returned.wait_until(lock, deadline, available)) return exhausted(shared_->max);
  ++shared_->in_use;
  while (!shared_->idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(shared_->idle.back());
    shared_->idle.pop_back();
    if (connection->is_usable()) return PooledConnection(shared_, std::move(connection));
    dead.push_back(std::move(connection));
  }
  lock.unlock();
  return open_one(deadline);
}

absl::StatusOr<PooledConnection> Pool::open_one(SteadyClock::time_point deadline) {
  ConnectOptions options = options_;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
  options.connect_timeout = std::clamp(left, kLeastConnectTime, std::max(kLeastConnectTime, options.connect_timeout));
  auto connection = Connection::open(options);
  if (connection.ok()) {
    return PooledConnection(shared_, std::make_unique<Connection>(std::move(connection).value()));
  }
  {
    const std::lock_guard lock(shared_->mutex);
    --shared_->in_use;
  }
  shared_->returned.notify_one();
  return connection.status();
}

absl::StatusOr<PooledConnection> Pool::acquire(std::chrono::system_clock::time_point deadline) {
  const auto wait = deadline - std::chrono::system_clock::now();
  // "No deadline" is a far future that would overflow the other clock.
  constexpr std::chrono::hours kFar{24};
  return acquire(SteadyClock::now() + std::min<std::chrono::system_clock::duration>(wait, kFar));
}

absl::StatusOr<PooledConnection> Pool::acquire(std::chrono::milliseconds wait) {
  return acquire(SteadyClock::now() + wait);
}

int Pool::in_use() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->in_use;
}

int Pool::idle() const {
  const std::lock_guard lock(shared_->mutex);
  return static_cast<int>(shared_->idle.size());
}

}  // namespace lt::pg
