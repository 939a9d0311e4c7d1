#include "lienthong/command_down.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

// Debian 12's glibc declares these without C linkage for C++.
extern "C" {
#include <sys/pidfd.h>
}

#include "base/status.hpp"
#include "lienthong/endpoints.hpp"
#include "lienthong/run_lock.hpp"
#include "pg/cluster.hpp"

namespace lt::cli {
namespace {

// The database writes everything to disk before it ends.
constexpr std::chrono::milliseconds kStopLimit = std::chrono::minutes(2);

absl::Status stop_failed(pid_t pid, absl::StatusCode code, const std::string& why) {
  return make_error(code, "STOP_FAILED", fmt::format("process {} could not be stopped: {}", pid, why),
                    {{"pid", std::to_string(pid)}});
}

// Ends the process and waits until it is gone. A descriptor, unlike a number, cannot come to mean another process.
absl::Status stop_process(const std::string& directory, pid_t pid) {
  const int process = pidfd_open(pid, 0);
  if (process < 0 && errno == ESRCH) return absl::OkStatus();
  if (process < 0) {
    return stop_failed(pid, absl::StatusCode::kUnavailable, std::generic_category().message(errno));
  }
  absl::Status status;
  // Asked again with the descriptor in hand: it still is the one that serves this directory.
  if (RunLock::holder(directory) == pid && pidfd_send_signal(process, SIGTERM, nullptr, 0) != 0 && errno != ESRCH) {
    status = stop_failed(pid, absl::StatusCode::kPermissionDenied,
                         std::generic_category().message(errno) + "; call down as the user who called up");
  }
  struct pollfd ended {
    process, POLLIN, 0
  };
  while (status.ok() && ended.revents == 0) {
    const int found = poll(&ended, 1, static_cast<int>(kStopLimit.count()));
    if (found == 0) {
      status = stop_failed(pid, absl::StatusCode::kDeadlineExceeded, "it is still stopping; call down again");
    } else if (found < 0 && errno != EINTR) {
      status = stop_failed(pid, absl::StatusCode::kInternal, std::generic_category().message(errno));
    }
  }
  close(process);
  return status;
}

void print_result(const Cli& cli, std::optional<pid_t> pid, const std::string& directory) {
  if (cli.output.json) {
    nlohmann::ordered_json json{{"stopped", pid.has_value()}, {"pid", nullptr}};
    if (pid) json["pid"] = *pid;
    cli.output.print_json(json);
  } else {
    cli.output.print(pid ? fmt::format("stopped process {}", *pid) : "nothing runs on " + directory);
  }
}

absl::Status down(const Cli& cli, const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    return make_error(absl::StatusCode::kNotFound, "DATA_DIRECTORY", "there is no directory " + directory,
                      {{"data", directory}});
  }
  const auto pid = RunLock::holder(directory);
  if (pid) LT_RETURN_IF_ERROR(stop_process(directory, *pid));
  if (!pid) remove_endpoints(directory);
  // What a killed `up` may have left of its database.
  if (!pid && std::filesystem::exists(directory + "/pg", error)) {
    LT_RETURN_IF_ERROR(pg::Cluster::stop_detached(directory));
  }
  print_result(cli, pid, directory);
  return absl::OkStatus();
}

}  // namespace

void add_down(CLI::App& app, Cli& cli) {
  const auto data = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("down", "stop what `up` runs on a data directory");
  verb->add_option("--data", *data, "directory given to up")->required();
  verb->callback([&cli, data] { cli.run = [&cli, data] { return down(cli, *data); }; });
}

}  // namespace lt::cli
