// A bounded set of connections that threads share.
#pragma once

#include <chrono>
#include <memory>

#include <absl/status/statusor.h>

#include "pg/connection.hpp"

namespace lt::pg {

class Pool;

/// A connection on loan; the destructor gives it back. Move-only; used by one thread at a time; may outlive the Pool.
/// One that is broken or not idle (open transaction, open COPY) is closed instead of reused. Session settings must be
/// left as found: use SET LOCAL; prepared statements stay.
class PooledConnection {
 public:
  ~PooledConnection();
  PooledConnection(PooledConnection&&) noexcept;
  PooledConnection& operator=(PooledConnection&&) noexcept;

  Connection& operator*() { return *connection_; }
  Connection* operator->() { return connection_.get(); }

 private:
  friend class Pool;
  struct Shared;
  PooledConnection(std::shared_ptr<Shared> shared, std::unique_ptr<Connection> connection);
  void give_back();

  std::shared_ptr<Shared> shared_;  ///< Shared: loans may outlive the Pool object.
  std::unique_ptr<Connection> connection_;
};

/// Thread-safe. Opens connections when they are needed, keeps them open, and notices when the server has closed one.
class Pool {
 public:
  /// @param max_connections at least 1; together with other programs it must fit the server's max_connections.
  Pool(ConnectOptions options, int max_connections);
  /// Closes idle connections; those on loan are closed when they come back.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// A connection, waiting for one until `deadline` at most.
  /// Errors: RESOURCE_EXHAUSTED POOL_EXHAUSTED all were in use until then; those of Connection::open.
  absl::StatusOr<PooledConnection> acquire(std::chrono::steady_clock::time_point deadline);
  absl::StatusOr<PooledConnection> acquire(std::chrono::system_clock::time_point deadline);
  absl::StatusOr<PooledConnection> acquire(std::chrono::milliseconds wait = std::chrono::seconds(10));

  /// For metrics: connections on loan, and open but idle.
  [[nodiscard]] int in_use() const;
  [[nodiscard]] int idle() const;

 private:
  absl::StatusOr<PooledConnection> open_one(std::chrono::steady_clock::time_point deadline);

  ConnectOptions options_;
  std::shared_ptr<PooledConnection::Shared> shared_;
};

}  // namespace lt::pg
