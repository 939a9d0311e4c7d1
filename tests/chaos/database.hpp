// The PostgreSQL server that the chaos test kills.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/cluster.hpp"

namespace lt::chaos {

/// A durable cluster on a fixed port. The functions that kill may be called from any thread, the rest from one.
class Database {
 public:
  /// Errors: those of pg::Cluster::start().
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Database>> start(const std::string& directory, int port);

  /// URL with this port instead of the server's: through a proxy.
  [[nodiscard]] std::string url_through(int port) const;
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] int port() const { return options_.port; }

  /// kill -9 of the postmaster alone; its children end when they notice. @return false when none runs.
  bool kill_postmaster();
  /// kill -9 of the postmaster and all its children at once.
  bool kill_server();
  /// kill -9 (or, if `politely`, what pg_terminate_backend() does) of the `choice`-th session modulo their number.
  bool kill_backend(std::size_t choice, bool politely);
  /// kill -9 of the session whose client talks from this local port.
  bool kill_backend_of(int client_port);

  /// The cluster starts a server that died by itself, after longer and longer pauses; from the third time on it is
  /// replaced by a new one so that the pauses stay short.
  [[nodiscard]] absl::Status renew_if_tired();

 private:
  Database(pg::ClusterOptions options, std::unique_ptr<pg::Cluster> cluster);
  [[nodiscard]] pid_t postmaster() const;

  const pg::ClusterOptions options_;
  const std::string url_;
  mutable std::mutex mutex_;
  std::unique_ptr<pg::Cluster> cluster_;  // guarded by mutex_; null while it is replaced
};

}  // namespace lt::chaos
