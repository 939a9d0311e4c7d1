// A private PostgreSQL 15 cluster as a child of this program.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::pg {

struct ClusterOptions {
  /// DIR, made if absent. DIR/pg: the data directory; DIR/log: server logs; DIR/password: mode 0600;
  /// DIR/postgresql.conf and DIR/pg_hba.conf: written anew at each start (lasting changes: ALTER SYSTEM).
  std::string directory;
  /// TCP port on 127.0.0.1; 0 = a free one is chosen at each start.
  int port = 0;
  /// Gives up durability (fsync, full_page_writes) for speed. Only for data that may be lost.
  bool for_tests = false;
  /// Server settings by name, over the built-in ones.
  std::map<std::string, std::string> settings;
  /// How long the server may take until it answers. Crash recovery replays up to max_wal_size.
  std::chrono::milliseconds start_timeout = std::chrono::minutes(15);
};

/// A running cluster: UTF-8, C.UTF-8, data checksums, durable settings sized to the machine's memory, PostGIS in the
/// database `lienthong`. It listens on 127.0.0.1 and on a socket in a private directory, both with the password of
/// DIR/password (SCRAM). When this program runs as root the server runs as the owner of DIR/pg, else as the user named
/// by LIENTHONG_PG_USER, else as `postgres`. Programs are taken from LIENTHONG_PG_BIN, else /usr/lib/postgresql/15/bin.
///
/// Nothing is left behind: when this process ends in whatever way, the kernel sends the server SIGINT (fast shutdown).
/// A server that dies is started again on the same port by a thread of this object, which is also the thread that the
/// kernel ties the server to, so start() may be called from any thread. It forks: call it before gRPC is initialised.
///
/// Not thread-safe, except that url() and the like may be read from any thread after start(). Move-only.
class Cluster {
 public:
  enum class StopMode {
    kFast,       ///< Sessions are ended, a checkpoint is written.
    kImmediate,  ///< As after a power cut; the next start recovers.
  };

  /// Makes the cluster if DIR holds none, ends what a killed predecessor left running, starts the server, waits until
  /// it answers, and makes database and extension. A DIR whose data are a base backup with standby.signal becomes a
  /// standby, in which nothing is made.
  /// Errors: FAILED_PRECONDITION DATA_DIRECTORY_IN_USE another program runs on DIR; DATA_DIRECTORY_UNREACHABLE the
  /// server's user cannot get to DIR; POSTGRES_NOT_INSTALLED; DATABASE_USER_MISSING started as root and there is no
  /// user for the server; CLUSTER_VERSION made by another PostgreSQL; CLUSTER_PASSWORD_MISSING; INTERNAL
  /// CLUSTER_INIT_FAILED, CLUSTER_START_FAILED with the server's last words; DEADLINE_EXCEEDED CLUSTER_START_TIMEOUT;
  /// INVALID_ARGUMENT DATA_DIRECTORY_INVALID.
  [[nodiscard]] static absl::StatusOr<Cluster> start(const ClusterOptions& options);

  /// As start(), but the server outlives this process and is not watched; end it with stop_detached().
  /// @return its URL.
  [[nodiscard]] static absl::StatusOr<std::string> start_detached(const ClusterOptions& options);
  /// Ends a detached server of `directory`, and whatever a killed program left of it. OK when none runs.
  [[nodiscard]] static absl::Status stop_detached(const std::string& directory, StopMode mode = StopMode::kFast);

  /// Stops the server (fast).
  ~Cluster();
  Cluster(Cluster&&) noexcept;
  Cluster& operator=(Cluster&&) noexcept;

  /// postgresql://lienthong:PASSWORD@127.0.0.1:PORT/lienthong. Secret.
  [[nodiscard]] const std::string& url() const;
  /// The same over the Unix socket: faster for bulk data, for use on this machine by root and the server's user.
  [[nodiscard]] const std::string& socket_url() const;
  [[nodiscard]] int port() const;
  /// Process id of the server; changes when it is started again.
  [[nodiscard]] pid_t postmaster_pid() const;
  /// How often the server has died and was started again.
  [[nodiscard]] int restarts() const;

  /// Errors: INTERNAL CLUSTER_STOP_FAILED it is still running.
  absl::Status stop(StopMode mode = StopMode::kFast);

 private:
  struct Impl;
  explicit Cluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::pg
