#include "chaos/child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): unistd.h has it only for GNU sources

namespace lt::chaos {
namespace {

constexpr int kCannotExecute = 127;
constexpr mode_t kLogMode = 0644;

/// What exec wants, made before the fork: after it only async-signal-safe calls are allowed.
class Pointers {
 public:
  explicit Pointers(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (auto& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& own) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!own.contains(text.substr(0, text.find('=')))) all.push_back(text);
  }
  for (const auto& [name, value] : own) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

[[noreturn]] void become(char* const* command, char* const* environment, int log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kCannotExecute);  // it died before the line above
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execve(command[0], command, environment);
  _exit(kCannotExecute);
}

}  // namespace

Child::Child(std::string name, std::vector<std::string> command, std::map<std::string, std::string> environment,
             std::string log)
    : name_(std::move(name)),
      command_(std::move(command)),
      environment_(std::move(environment)),
      log_(std::move(log)) {}

Child::~Child() {
  const std::lock_guard lock(mutex_);
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

absl::Status Child::start() {
  const Pointers command(command_);
  const Pointers environment(merged_environment(environment_));
  const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kLogMode);
  const std::lock_guard lock(mutex_);
  const pid_t parent = getpid();
  // A child starts with SIGTERM blocked, so that one which comes before it has a handler is not lost and does not end
  // it.
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  const pid_t pid = log < 0 ? -1 : fork();
  if (pid == 0) become(command.get(), environment.get(), log, parent);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (log >= 0) close(log);
  if (pid < 0) {
    return make_error(absl::StatusCode::kInternal, "PROCESS_START_FAILED",
                      fmt::format("cannot start {}: {}", command_.front(), std::strerror(error)));
  }
  pid_ = pid;
  killed_ = false;
  return absl::OkStatus();
}

bool Child::running() const {
  const std::lock_guard lock(mutex_);
  return pid_ != 0;
}

bool Child::signal(int number) {
  const std::lock_guard lock(mutex_);
  if (pid_ == 0 || ::kill(pid_, number) != 0) return false;
  if (number == SIGKILL) killed_ = true;
  return true;
}

bool Child::kill9() { return signal(SIGKILL); }
void Child::terminate() { signal(SIGTERM); }

std::optional<Ending> Child::reap() {
  const std::lock_guard lock(mutex_);
  int status = 0;
  if (pid_ == 0 || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = 0;
  return Ending{WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0, killed_};
}

}  // namespace lt::chaos
