// DIR/endpoints.json: where the services of a running `lienthong up` are.
#pragma once

#include <sys/types.h>

#include <string>

#include <absl/status/status.h>
#include <nlohmann/json_fwd.hpp>

namespace lt::cli {

/// Addresses are "HOST:PORT"; an empty one is a service that does not run, null in JSON.
struct Endpoints {
  std::string exchange;
  std::string validation;
  std::string sync;
  std::string connector;
  std::string database;  ///< "postgresql://..." for psql; may hold a password
  std::string metrics;
  pid_t pid = 0;
};

[[nodiscard]] nlohmann::ordered_json endpoints_to_json(const Endpoints& endpoints);

[[nodiscard]] std::string endpoints_path(const std::string& directory);

/// Writes the file as a whole or not at all, readable by its owner only.
/// Errors: UNAVAILABLE DATA_DIRECTORY.
[[nodiscard]] absl::Status write_endpoints(const std::string& directory, const Endpoints& endpoints);

/// Removes the file; it need not exist.
void remove_endpoints(const std::string& directory);

}  // namespace lt::cli
