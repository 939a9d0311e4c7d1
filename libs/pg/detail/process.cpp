#include "pg/detail/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include "base/status.hpp"

namespace lt::pg::detail {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kExecFailed = 127;
constexpr int kSignalBase = 128;
constexpr auto kPollInterval = std::chrono::milliseconds(20);

absl::Status start_failed(std::string_view program, int error) {
  return make_error(absl::StatusCode::kInternal, "PROCESS_START_FAILED",
                    fmt::format("cannot start {}: {}", program, std::strerror(error)));
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Everything a child needs, made before the fork: after it only async-signal-safe calls are allowed, since other
/// threads may hold the allocator's lock.
struct ChildPlan {
  explicit ChildPlan(const SpawnOptions& options)
      : environment{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/nonexistent"},
        argv(pointers(options.command)),
        envp(pointers(environment)),
        user(options.user),
        directory(options.working_directory.c_str()),
        die_with_thread(options.die_with_thread),
        parent(getpid()) {}

  std::vector<std::string> environment;
  std::vector<char*> argv;
  std::vector<char*> envp;
  const UserIdentity& user;
  const char* directory;
  bool die_with_thread;
  pid_t parent;
  int output = -1;
};

/// Async-signal-safe. The raw system calls: glibc's wrappers talk to other threads, of which a child has none.
bool become(const UserIdentity& user) {
  if (!user.change) return true;
  return syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 && syscall(SYS_setgid, user.gid) == 0 &&
         syscall(SYS_setuid, user.uid) == 0;
}

/// Async-signal-safe.
void reset_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const ChildPlan& plan) {
  reset_signals();
  setsid();
  const int null = open("/dev/null", O_RDONLY);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) _exit(kExecFailed);
  if (dup2(plan.output, STDOUT_FILENO) < 0 || dup2(plan.output, STDERR_FILENO) < 0) _exit(kExecFailed);
  syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  if (!become(plan.user) || chdir(plan.directory) != 0) _exit(kExecFailed);
  umask(S_IRWXG | S_IRWXO);
  if (plan.die_with_thread) {
    // After setuid, which clears it. If the parent died before this line there is nobody to send the signal.
    if (prctl(PR_SET_PDEATHSIG, SIGINT) != 0 || getppid() != plan.parent) _exit(kExecFailed);
  }
  execve(plan.argv[0], plan.argv.data(), plan.envp.data());
  _exit(kExecFailed);
}

/// Waits for a child until `end`. @return its wait status, or nothing in time.
absl::StatusOr<int> wait_child(pid_t pid, Clock::time_point end) {
  int status = 0;
  while (true) {
    const pid_t found = waitpid(pid, &status, WNOHANG);
    if (found == pid) return status;
    if (found < 0 && errno != EINTR) return start_failed("a program", errno);
    if (Clock::now() >= end) {
      return make_error(absl::StatusCode::kDeadlineExceeded, "PROCESS_TIMEOUT", "a program did not end in time");
    }
    std::this_thread::sleep_for(kPollInterval);
  }
}

absl::StatusOr<UserIdentity> find_user(const passwd* entry, const std::string& name) {
  if (entry == nullptr || entry->pw_uid == 0) {
    return make_error(absl::StatusCode::kFailedPrecondition, "DATABASE_USER_MISSING",
                      fmt::format("PostgreSQL refuses to run as root and there is no unprivileged user '{}'; make one "
                                  "(adduser --system --group {}), name another in LIENTHONG_PG_USER, or start this "
                                  "program as an ordinary user",
                                  name, name));
  }
  UserIdentity user{entry->pw_name, entry->pw_uid, entry->pw_gid, {}, true};
  int count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  getgrouplist(entry->pw_name, entry->pw_gid, user.groups.data(), &count);
  user.groups.resize(static_cast<std::size_t>(std::clamp(count, 0, 64)));
  return user;
}

bool is_server_of(const fs::path& process, const std::string& data_directory) {
  std::error_code error;
  if (fs::read_symlink(process / "cwd", error) != data_directory || error) return false;
  // An upgraded package leaves "…/postgres (deleted)".
  const std::string program = fs::read_symlink(process / "exe", error).filename().string();
  return !error && program.starts_with("postgres");
}

/// The postmaster as its pid file names it, if it is among `processes`.
pid_t find_postmaster(const std::string& data_directory, const std::vector<pid_t>& processes) {
  std::ifstream file(data_directory + "/postmaster.pid");
  pid_t pid = 0;
  file >> pid;
  return std::find(processes.begin(), processes.end(), pid) != processes.end() ? pid : 0;
}

}  // namespace

absl::StatusOr<UserIdentity> server_user(const std::string& data_directory) {
  if (geteuid() != 0) return UserIdentity{"", geteuid(), getegid(), {}, false};
  struct stat info {};
  if (stat(data_directory.c_str(), &info) == 0 && info.st_uid != 0) {
    return find_user(getpwuid(info.st_uid), "#" + std::to_string(info.st_uid));
  }
  const char* chosen = std::getenv("LIENTHONG_PG_USER");
  const std::string name = chosen != nullptr && *chosen != '\0' ? chosen : "postgres";
  return find_user(getpwnam(name.c_str()), name);
}

absl::StatusOr<pid_t> spawn(const SpawnOptions& options) {
  ChildPlan plan(options);
  constexpr mode_t kOutputMode = 0600;
  plan.output = open(options.output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kOutputMode);
  if (plan.output < 0) return start_failed(options.command.front(), errno);
  const pid_t pid = fork();
  if (pid == 0) run_child(plan);
  const int error = errno;
  close(plan.output);
  if (pid < 0) return start_failed(options.command.front(), error);
  return pid;
}

absl::StatusOr<int> run(const SpawnOptions& options, std::chrono::milliseconds timeout) {
  LT_ASSIGN_OR_RETURN(const pid_t pid, spawn(options));
  const auto status = wait_child(pid, Clock::now() + timeout);
  if (!status.ok()) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return status.status();
  }
  return WIFEXITED(*status) ? WEXITSTATUS(*status) : kSignalBase + WTERMSIG(*status);
}

absl::StatusOr<std::string> first_unreachable(const UserIdentity& user, const std::string& path) {
  if (!user.change) return std::string();
  std::vector<std::string> parents;
  for (fs::path at = path; at != at.root_path(); at = at.parent_path()) parents.insert(parents.begin(), at.string());
  // Asked as that user, so that access lists and the like count too. The exit status is the index, from 1.
  const pid_t pid = fork();
  if (pid < 0) return start_failed("a check", errno);
  if (pid == 0) {
    if (!become(user)) _exit(kExecFailed);
    int index = 0;
    for (const std::string& parent : parents) {
      ++index;
      if (faccessat(AT_FDCWD, parent.c_str(), X_OK, AT_EACCESS) != 0) _exit(index);
    }
    _exit(0);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  const auto index = static_cast<std::size_t>(WIFEXITED(status) ? WEXITSTATUS(status) : kExecFailed);
  if (index == 0) return std::string();
  return index <= parents.size() ? parents[index - 1] : path;
}

std::vector<pid_t> server_processes(const std::string& data_directory) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (is_server_of(entry.path(), data_directory)) found.push_back(std::stoi(name));
  }
  return found;
}

absl::Status end_server_processes(const std::string& data_directory, int signal, std::chrono::milliseconds timeout) {
  std::vector<pid_t> processes = server_processes(data_directory);
  if (processes.empty()) return absl::OkStatus();
  const pid_t postmaster = find_postmaster(data_directory, processes);
  if (postmaster != 0) {
    spdlog::info("event=pg_ending_leftover processes={} postmaster={}", processes.size(), postmaster);
    kill(postmaster, signal);
  }
  const Clock::time_point end = Clock::now() + timeout;
  // Past half of the time, or without a postmaster that would care for them, each is told to leave at once.
  const Clock::time_point patience = postmaster != 0 ? Clock::now() + timeout / 2 : Clock::now();
  while (!processes.empty() && Clock::now() < end) {
    if (Clock::now() >= patience) {
      for (const pid_t pid : processes) kill(pid, SIGQUIT);
    }
    std::this_thread::sleep_for(kPollInterval);
    processes = server_processes(data_directory);
  }
  if (processes.empty()) return absl::OkStatus();
  return make_error(absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY_IN_USE",
                    fmt::format("a PostgreSQL server (process {}) is still running on the data directory and does not "
                                "end; stop it",
                                processes.front()));
}

std::string last_words(const std::string& file) {
  constexpr std::size_t kMost = 600;
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.size() > kMost) text.erase(0, text.size() - kMost);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace lt::pg::detail
