#include "exchange/config.hpp"

#include "base/config.hpp"
#include "base/status.hpp"

namespace lt::exchange {

namespace {

absl::Status invalid(std::string_view message) {
  return make_error(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID", message);
}

absl::Status check_retention(const Config& config) {
  constexpr std::chrono::milliseconds kShortest{1'000};
  if (config.retention_interval >= kShortest) return absl::OkStatus();
  return invalid("retention.interval is 1s or longer");
}

// Those whose smallest value no range of the field can say.
absl::Status check_peer_limits(const Config& config) {
  constexpr std::chrono::milliseconds kShortest{100};
  for (const auto limit : {config.unary_timeout, config.write_stall, config.read_stall, config.keepalive_time,
                           config.keepalive_timeout, config.connection_idle}) {
    if (limit < kShortest) {
      return invalid(
          "server.unary_timeout, write_stall, read_stall, keepalive_time, keepalive_timeout and connection_idle are "
          "100ms or longer");
    }
  }
  if (config.pieces_bytes / 2 < config.max_feature_bytes) {
    return invalid(
        "server.pieces_bytes is less than twice publish.max_feature_bytes, so that the half of it that one "
        "organisation gets would not hold its largest feature");
  }
  return absl::OkStatus();
}

absl::Status check_standby(const Config& config) {
  constexpr std::chrono::milliseconds kLeastPoll{10};
  constexpr std::chrono::minutes kMost{1};
  if (config.heads_poll < kLeastPoll || config.heads_poll > kMost) return invalid("heads.poll_interval is 10ms to 1m");
  if (config.replica_wait.count() < 0 || config.replica_wait > kMost) {
    return invalid("database.replica_wait is 0s to 1m");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Config> load_config(const std::string& path) {
  Config config;
  ConfigFields fields;
  fields.add("server", "listen", config.listen);
  fields.add("server", "metrics_listen", config.metrics_listen);
  fields.add("server", "worker_threads", config.worker_threads, 1, 256);
  fields.add("server", "worker_queue", config.worker_queue, 0, 1'000'000);
  fields.add("server", "unary_timeout", config.unary_timeout);
  fields.add("server", "write_stall", config.write_stall);
  fields.add("server", "slowest_reader", config.slowest_reader, 1, 1 << 30);
  fields.add("server", "read_stall", config.read_stall);
  fields.add("server", "keepalive_time", config.keepalive_time);
  fields.add("server", "keepalive_timeout", config.keepalive_timeout);
  fields.add("server", "connection_idle", config.connection_idle);
  fields.add("server", "max_calls", config.max_calls, 1, 1'000'000);
  fields.add("server", "max_calls_per_organisation", config.max_calls_per_organisation, 1, 1'000'000);
  fields.add("server", "max_streams_per_connection", config.max_streams_per_connection, 1, 1'000'000);
  fields.add("server", "max_metadata_bytes", config.max_metadata_bytes, 4096, 64 << 10);
  fields.add("server", "buffer_bytes", config.buffer_bytes, 16 << 20, std::int64_t{64} << 30);
  fields.add("server", "pieces_bytes", config.pieces_bytes, 2 << 10, std::int64_t{64} << 30);
  fields.add("server", "shutdown_grace", config.shutdown_grace);
  fields.add("database", "url", config.database);
  fields.add("database", "connections", config.database_connections, 2, 1000);
  fields.add("database", "read_url", config.database_read);
  fields.add("database", "replica_wait", config.replica_wait);
  fields.add("heads", "poll_interval", config.heads_poll);
  fields.add("publish", "max_streams", config.max_publishes, 1, 100'000);
  fields.add("publish", "max_streams_per_organisation", config.max_publishes_per_organisation, 1, 100'000);
  fields.add("publish", "max_feature_bytes", config.max_feature_bytes, 1024, 256 << 20);
  fields.add("publish", "memory_bytes", config.publish_memory_bytes, 0, 64 << 20);
  fields.add("publish", "piece_bytes", config.staging_piece_bytes, 64 << 10, 64 << 20);
  fields.add("publish", "sweep_interval", config.staging_sweep);
  fields.add("publish", "resume_keep", config.resume_keep);
  fields.add("publish", "kept_findings", config.kept_findings, 1, 1'000'000);
  fields.add("read", "chunk_bytes", config.stream_chunk_bytes, 1 << 10, 1 << 20);
  fields.add("read", "page_bytes", config.stream_page_bytes, 1 << 10, 64 << 20);
  fields.add("retention", "attempts", config.attempts_kept);
  fields.add("retention", "history", config.history_kept);
  fields.add("retention", "interval", config.retention_interval);
  fields.add("log", "level", config.log_level);
  fields.add("log", "format", config.log_format);
  LT_RETURN_IF_ERROR(fields.load_file(path));
  LT_RETURN_IF_ERROR(check_peer_limits(config));
  LT_RETURN_IF_ERROR(check_standby(config));
  LT_RETURN_IF_ERROR(check_retention(config));
  if (config.log_format != "text" && config.log_format != "json") {
    return make_error(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID", "log.format is neither text nor json");
  }
  return config;
}

}  // namespace lt::exchange
