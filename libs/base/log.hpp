// Logging set-up: one event per line on standard error, as key=value or as JSON.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <spdlog/common.h>
#include <spdlog/spdlog.h>

namespace lt {

struct LogOptions {
  std::string level = "info";  ///< trace, debug, info, warn, error, critical or off.
  bool json = false;           ///< One JSON object per line instead of key=value.
  std::string service{};       ///< Value of the key "service".
  spdlog::sink_ptr sink{};     ///< Where lines go; null = standard error.
};

/// Sets the default logger of the process: spdlog::info("started port={}", port) and log_event() go through it.
/// A line is `time=2024-05-06T07:08:09.123456Z level=info service=exchange message...`, control characters escaped, or
/// `{"time":...,"level":...,"service":...,"message":...}`. Call at start, before threads log.
/// Errors: INVALID_ARGUMENT LOG_LEVEL_UNKNOWN.
[[nodiscard]] absl::Status init_logging(const LogOptions& options);

using LogFields = std::vector<std::pair<std::string_view, std::string>>;

/// Logs `event` with its fields: `event=rpc method=... code=OK` (values quoted where needed), or members of the JSON
/// object. Field values are text; names are our own identifiers. Costs nothing when the level is off.
void log_event(spdlog::level::level_enum level, std::string_view event, const LogFields& fields);

}  // namespace lt
