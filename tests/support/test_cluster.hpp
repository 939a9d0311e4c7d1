// The PostgreSQL cluster that integration tests share.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::test {

/// Where the shared cluster lives: LT_TEST_CLUSTER, else the build's own.
[[nodiscard]] std::string cluster_directory();

/// URL of the shared cluster's database `postgres`, as superuser: LT_TEST_DATABASE_URL if set (a server that is there),
/// else the cluster of `directory`, which is started when it does not run. It outlives this process. Not durable
/// (fsync off): what these tests store is worth nothing after them, and crash safety is tested on clusters of their
/// own.
[[nodiscard]] absl::StatusOr<std::string> ensure_cluster(const std::string& directory);

/// Stops the cluster of `directory` and removes its files.
[[nodiscard]] absl::Status remove_cluster(const std::string& directory);

}  // namespace lt::test
