#include "exchange/config.hpp"

#include "base/config.hpp"
#include "base/status.hpp"

namespace lt::exchange {

absl::StatusOr<Config> load_config(const std::string& path) {
  Config config;
  ConfigFields fields;
  fields.add("server", "listen", config.listen);
  fields.add("server", "metrics_listen", config.metrics_listen);
  fields.add("server", "worker_threads", config.worker_threads, 1, 256);
  fields.add("server", "worker_queue", config.worker_queue, 0, 1'000'000);
  fields.add("server", "write_stall", config.write_stall);
  fields.add("server", "shutdown_grace", config.shutdown_grace);
  fields.add("database", "url", config.database);
  fields.add("database", "connections", config.database_connections, 2, 1000);
  fields.add("publish", "max_feature_bytes", config.max_feature_bytes, 1024, 256 << 20);
  fields.add("publish", "memory_bytes", config.publish_memory_bytes, 0, 64 << 20);
  fields.add("publish", "piece_bytes", config.staging_piece_bytes, 64 << 10, 64 << 20);
  fields.add("publish", "sweep_interval", config.staging_sweep);
  fields.add("read", "chunk_bytes", config.stream_chunk_bytes, 1 << 10, 1 << 20);
  fields.add("log", "level", config.log_level);
  fields.add("log", "format", config.log_format);
  LT_RETURN_IF_ERROR(fields.load_file(path));
  if (config.log_format != "text" && config.log_format != "json") {
    return make_error(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID", "log.format is neither text nor json");
  }
  return config;
}

}  // namespace lt::exchange
