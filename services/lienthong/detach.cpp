#include "lienthong/detach.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <nlohmann/json.hpp>

#include "base/status.hpp"

namespace lt::cli {
namespace {

constexpr int kReadyFd = 3;  // the first after the standard three
constexpr mode_t kLogMode = 0640;
constexpr int kExecFailed = 127;
constexpr std::size_t kReadBytes = 4096;

absl::Status start_failed(const std::string& what) {
  return make_error(absl::StatusCode::kUnavailable, "START_FAILED", what);
}

std::string last_error() { return std::generic_category().message(errno); }

// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become_child(char* const* argv, int log_file, int ready_file) {
  setsid();
  const int nothing = open("/dev/null", O_RDONLY);
  const bool redirected =
      dup2(nothing, STDIN_FILENO) >= 0 && dup2(log_file, STDOUT_FILENO) >= 0 && dup2(log_file, STDERR_FILENO) >= 0;
  // dup2 to the same number would keep close-on-exec set.
  const bool passed = ready_file == kReadyFd ? fcntl(kReadyFd, F_SETFD, 0) == 0 : dup2(ready_file, kReadyFd) >= 0;
  close_range(kReadyFd + 1, ~0U, 0);
  if (redirected && passed) execv("/proc/self/exe", argv);
  _exit(kExecFailed);
}

std::string read_to_end(int file) {
  std::string text;
  char buffer[kReadBytes];
  while (true) {
    const ssize_t got = read(file, buffer, sizeof buffer);
    if (got > 0) {
      text.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      return text;
    }
  }
}

absl::Status failure_from_json(const nlohmann::json& failure) {
  std::vector<FieldViolation> violations;
  for (const auto& violation : failure.at("violations")) {
    violations.push_back({violation.at("field").get<std::string>(), violation.at("description").get<std::string>()});
  }
  return make_error(static_cast<absl::StatusCode>(failure.at("code").get<int>()),
                    failure.at("reason").get<std::string>(), failure.at("message").get<std::string>(),
                    failure.at("metadata").get<std::map<std::string, std::string>>(), std::move(violations));
}

// What the child wrote: {"ready":text} or {"failure":{...}}.
absl::StatusOr<std::string> result_of(const std::string& report, const std::string& log_path) {
  const auto json = nlohmann::json::parse(report, nullptr, false);
  if (json.is_discarded()) {
    return start_failed("the background process ended before it was ready: its last words are in " + log_path);
  }
  if (json.contains("ready")) return json["ready"].get<std::string>();
  return failure_from_json(json.at("failure"));
}

void send(int ready_fd, const nlohmann::json& report) {
  if (ready_fd < 0) return;
  const std::string text = report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  // A parent that is gone does not matter: nobody waits then.
  const ssize_t written = write(ready_fd, text.data(), text.size());
  static_cast<void>(written);
  close(ready_fd);
}

}  // namespace

absl::StatusOr<std::string> start_in_background(const std::vector<std::string>& arguments,
                                                const std::string& log_path) {
  const int log_file = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kLogMode);
  if (log_file < 0) return start_failed("cannot write the log " + log_path + ": " + last_error());
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return start_failed("cannot make a pipe: " + last_error());
  std::vector<std::string> all{"lienthong"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  all.insert(all.end(), {"--ready-fd", std::to_string(kReadyFd)});
  std::vector<char*> argv;
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) become_child(argv.data(), log_file, ends[1]);
  close(log_file);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return start_failed("cannot start a process: " + last_error());
  }
  const std::string report = read_to_end(ends[0]);
  close(ends[0]);
  auto result = result_of(report, log_path);
  if (!result.ok()) waitpid(child, nullptr, 0);
  return result;
}

void report_ready(int ready_fd, const std::string& text) { send(ready_fd, {{"ready", text}}); }

void report_failure(int ready_fd, const absl::Status& error) {
  const auto detail = error_detail(error).value_or(ErrorDetail{});
  nlohmann::json violations = nlohmann::json::array();
  for (const auto& [field, description] : detail.violations) {
    violations.push_back({{"field", field}, {"description", description}});
  }
  send(ready_fd, {{"failure",
                   {{"code", static_cast<int>(error.code())},
                    {"reason", detail.reason},
                    {"message", message_of(error)},
                    {"metadata", detail.metadata},
                    {"violations", std::move(violations)}}}});
}

}  // namespace lt::cli
