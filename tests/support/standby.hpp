// A streaming standby of a cluster, for tests.
#pragma once

#include <string>

#include "pg/cluster.hpp"
#include "support/temp_directory.hpp"

namespace lt::test {

/// A hot standby in a directory of its own: a base backup that streams from `primary` through a replication slot of the
/// same name. Throws std::runtime_error when it cannot be made.
class Standby {
 public:
  /// @param name [a-z0-9_]; also the application_name that synchronous_standby_names may list.
  Standby(const pg::Cluster& primary, const std::string& name);

  /// Of `database` there, as superuser, over TCP.
  [[nodiscard]] std::string url(const std::string& database = "lienthong") const;
  [[nodiscard]] pg::Cluster& cluster() { return cluster_; }

  /// Stops replaying what arrives, and goes on.
  void pause_replay();
  void resume_replay();
  /// Waits until everything that is on the primary's disk now can be read here.
  void catch_up(const pg::Cluster& primary);
  /// Makes it a primary; returns when it takes writes.
  void promote();
  void stop(pg::Cluster::StopMode mode = pg::Cluster::StopMode::kFast);
  /// After stop(); the port is another one.
  void restart();
  /// The same, but it no longer asks its primary for anything.
  void restart_alone();

 private:
  TempDirectory directory_;
  pg::Cluster cluster_;
};

/// Sets a server setting by ALTER SYSTEM and waits until new sessions see it.
void set_server_setting(const std::string& url, const std::string& name, const std::string& value);

}  // namespace lt::test
