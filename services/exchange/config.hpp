// Configuration of the exchange: defaults, and the YAML file of deploy/config/exchange.yaml that may change them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

namespace lt::exchange {

/// Sizes in bytes. Each member is described in deploy/config/exchange.yaml.
struct Config {
  std::string listen = "127.0.0.1:7461";
  std::string metrics_listen = "127.0.0.1:9461";
  int worker_threads = 8;
  int worker_queue = 1024;
  std::chrono::milliseconds write_stall{60'000};
  std::chrono::milliseconds shutdown_grace{10'000};

  std::string database = "postgresql:///lienthong";
  int database_connections = 16;

  std::int64_t max_feature_bytes = 16 << 20;
  std::int64_t publish_memory_bytes = 3 << 20;
  std::int64_t staging_piece_bytes = 4 << 20;
  std::chrono::milliseconds staging_sweep{60'000};
  std::int64_t stream_chunk_bytes = 192 << 10;

  std::string log_level = "info";
  std::string log_format = "text";
};

/// Defaults, then the file (empty path: none), then LIENTHONG_<SECTION>_<KEY> of the environment.
/// Errors: INVALID_ARGUMENT CONFIG_INVALID, CONFIG_UNKNOWN_KEY; NOT_FOUND CONFIG_NOT_FOUND.
[[nodiscard]] absl::StatusOr<Config> load_config(const std::string& path);

}  // namespace lt::exchange
