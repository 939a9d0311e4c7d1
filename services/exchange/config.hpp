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
  std::chrono::milliseconds unary_timeout{30'000};
  std::chrono::milliseconds write_stall{60'000};
  std::int64_t slowest_reader = 512;  ///< Bytes a second.
  std::chrono::milliseconds read_stall{60'000};
  std::chrono::milliseconds keepalive_time{60'000};
  std::chrono::milliseconds keepalive_timeout{20'000};
  std::chrono::milliseconds connection_idle{900'000};
  int max_calls = 4096;
  int max_calls_per_organisation = 1024;
  int max_streams_per_connection = 2000;
  int max_metadata_bytes = 8192;
  std::int64_t buffer_bytes = 256 << 20;
  std::int64_t pieces_bytes = 128 << 20;
  std::chrono::milliseconds shutdown_grace{10'000};

  std::string database = "postgresql:///lienthong";
  int database_connections = 16;
  std::string database_read;  ///< Empty: no standby.
  std::chrono::milliseconds replica_wait{500};
  std::chrono::milliseconds heads_poll{1'000};

  int max_publishes = 64;
  int max_publishes_per_organisation = 32;
  std::int64_t max_feature_bytes = 16 << 20;
  std::int64_t publish_memory_bytes = 3 << 20;
  std::int64_t staging_piece_bytes = 4 << 20;
  std::chrono::milliseconds staging_sweep{60'000};
  std::chrono::milliseconds resume_keep{15 * 60'000};
  std::int64_t kept_findings = 10'000;
  std::int64_t stream_chunk_bytes = 192 << 10;
  std::int64_t stream_page_bytes = 256 << 10;

  std::chrono::milliseconds attempts_kept{std::chrono::hours(720)};
  std::chrono::milliseconds history_kept{0};  ///< 0: for ever
  std::chrono::milliseconds retention_interval{3'600'000};

  bool operator==(const Config&) const = default;

  std::string log_level = "info";
  std::string log_format = "text";
};

/// Defaults, then the file (empty path: none), then LIENTHONG_<SECTION>_<KEY> of the environment.
/// Errors: INVALID_ARGUMENT CONFIG_INVALID, CONFIG_UNKNOWN_KEY; NOT_FOUND CONFIG_NOT_FOUND.
[[nodiscard]] absl::StatusOr<Config> load_config(const std::string& path);

}  // namespace lt::exchange
