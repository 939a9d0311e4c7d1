#include "chaos/database.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"

namespace lt::chaos {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRestarts = 2;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Field 4 of /proc/PID/stat; the name before it may hold anything but ends with the last ')'.
pid_t parent_of(const std::string& pid) {
  const std::string stat = text_of("/proc/" + pid + "/stat");
  const std::size_t end = stat.rfind(')');
  constexpr std::size_t kToParent = 4;  // ") S "
  constexpr int kDecimal = 10;
  return end == std::string::npos ? 0
                                  : static_cast<pid_t>(std::strtol(stat.c_str() + end + kToParent, nullptr, kDecimal));
}

struct Process {
  pid_t pid = 0;
  std::string title;
};

std::vector<Process> children_of(pid_t parent) {
  std::vector<Process> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos || parent_of(name) != parent) continue;
    found.push_back({static_cast<pid_t>(std::stol(name)), text_of(entry.path() / "cmdline")});
  }
  return found;
}

/// Sessions of the exchange: "postgres: lienthong lienthong 127.0.0.1(PORT) ...".
std::vector<Process> sessions_of(pid_t postmaster) {
  std::vector<Process> sessions = children_of(postmaster);
  std::erase_if(sessions, [](const Process& p) { return p.title.find(" 127.0.0.1(") == std::string::npos; });
  return sessions;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> Database::start(const std::string& directory, int port) {
  pg::ClusterOptions options;
  options.directory = directory;
  options.port = port;
  // Small, so that checkpoints happen while things are killed and recovery is quick. Durability is not touched.
  options.settings = {
      {"shared_buffers", "128MB"}, {"max_wal_size", "256MB"}, {"min_wal_size", "80MB"}, {"checkpoint_timeout", "30s"}};
  LT_ASSIGN_OR_RETURN(auto cluster, pg::Cluster::start(options));
  return std::unique_ptr<Database>(new Database(options, std::make_unique<pg::Cluster>(std::move(cluster))));
}

Database::Database(pg::ClusterOptions options, std::unique_ptr<pg::Cluster> cluster)
    : options_(std::move(options)), url_(cluster->url()), cluster_(std::move(cluster)) {}

std::string Database::url_through(int port) const {
  const std::string own = fmt::format(":{}/", options_.port);
  std::string url = url_;
  return url.replace(url.rfind(own), own.size(), fmt::format(":{}/", port));
}

pid_t Database::postmaster() const {
  const std::lock_guard lock(mutex_);
  return cluster_ ? cluster_->postmaster_pid() : 0;
}

bool Database::kill_postmaster() {
  const pid_t pid = postmaster();
  return pid != 0 && kill(pid, SIGKILL) == 0;
}

bool Database::kill_server() {
  const pid_t pid = postmaster();
  if (pid == 0) return false;
  // Stopped first, so that no child is missed.
  kill(pid, SIGSTOP);
  const std::vector<Process> children = children_of(pid);
  const bool killed = kill(pid, SIGKILL) == 0;
  for (const Process& child : children) kill(child.pid, SIGKILL);
  return killed;
}

bool Database::kill_backend(std::size_t choice, bool politely) {
  const pid_t pid = postmaster();
  if (pid == 0) return false;
  const std::vector<Process> sessions = sessions_of(pid);
  if (sessions.empty()) return false;
  return kill(sessions[choice % sessions.size()].pid, politely ? SIGTERM : SIGKILL) == 0;
}

bool Database::kill_backend_of(int client_port) {
  const pid_t pid = postmaster();
  if (pid == 0) return false;
  const std::string mark = fmt::format("127.0.0.1({})", client_port);
  for (const Process& session : sessions_of(pid)) {
    if (session.title.find(mark) != std::string::npos) return kill(session.pid, SIGKILL) == 0;
  }
  return false;
}

absl::Status Database::renew_if_tired() {
  std::unique_ptr<pg::Cluster> old;
  {
    const std::lock_guard lock(mutex_);
    if (cluster_ && cluster_->restarts() <= kMostRestarts) return absl::OkStatus();
    old = std::exchange(cluster_, nullptr);
  }
  if (old) LT_RETURN_IF_ERROR(old->stop(pg::Cluster::StopMode::kImmediate));
  old.reset();
  LT_ASSIGN_OR_RETURN(auto cluster, pg::Cluster::start(options_));
  const std::lock_guard lock(mutex_);
  cluster_ = std::make_unique<pg::Cluster>(std::move(cluster));
  return absl::OkStatus();
}

}  // namespace lt::chaos
