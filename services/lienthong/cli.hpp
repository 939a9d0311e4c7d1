// The frame of the command line: what every verb shares.
#pragma once

#include <functional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "lienthong/output.hpp"

namespace CLI {
class App;
}

namespace lt::client {
class Client;
}

namespace lt::cli {

/// Exit codes of the program: scripts depend on them (docs/cli.md).
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

inline constexpr const char* kDefaultEndpoint = "127.0.0.1:7460";

/// One run of the program. A verb's add_*() function declares its options on a CLI11 subcommand, whose callback puts
/// what is to be done into `run`; main() calls that once parsing has succeeded.
struct Cli {
  std::string endpoint = kDefaultEndpoint;  ///< "HOST:PORT" of the exchange
  std::string organisation;                 ///< who calls; empty = not said
  Output output;
  std::function<absl::Status()> run;
  std::string error_members;  ///< a JSON object: with --json the error object gets its members too; empty = none
};

/// A connection as the organisation of `cli`.
/// Errors: INVALID_ARGUMENT ORGANISATION_MISSING when none was named (wrong usage).
[[nodiscard]] absl::StatusOr<client::Client> connect(const Cli& cli);

/// True for errors that are a wrong use of the program, not a refusal by the exchange: reasons USAGE and
/// ORGANISATION_MISSING.
[[nodiscard]] bool is_usage_error(const absl::Status& status);

/// INVALID_ARGUMENT USAGE: what was wrong with the arguments.
[[nodiscard]] absl::Status usage_error(const std::string& message);

}  // namespace lt::cli
