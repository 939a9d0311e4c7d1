#include "pg/cluster.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "pg/connection.hpp"
#include "pg/detail/cluster_settings.hpp"
#include "pg/detail/postmaster.hpp"
#include "pg/detail/process.hpp"
#include "pg/sql_state.hpp"

namespace lt::pg {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using detail::ClusterPaths;
using detail::SpawnOptions;
using detail::UserIdentity;

constexpr std::string_view kVersion = "15";
constexpr std::string_view kName = "lienthong";  // superuser and database
constexpr std::string_view kDefaultPrograms = "/usr/lib/postgresql/15/bin";
/// Unix socket paths have 107 bytes at most, so the sockets cannot live in DIR.
constexpr std::string_view kSocketPrefix = "/tmp/lt-";
constexpr std::size_t kPasswordBytes = 24;
constexpr std::size_t kKeptLogs = 10;
/// A port that was free may be taken before the server binds it. A port that was asked for is tried twice all the same:
/// recovery that meets an unlogged table created and dropped since the last checkpoint ("could not create file ...:
/// File exists") ends the server once and succeeds at the next start (PostgreSQL bug 17731).
constexpr int kAttemptsAnyPort = 3;
constexpr int kAttemptsOnePort = 2;
constexpr mode_t kSecretMode = 0600;
constexpr mode_t kReadableMode = 0644;
constexpr mode_t kPrivateDirectory = 0700;
constexpr std::chrono::minutes kInitLimit{10};
constexpr std::chrono::seconds kStopLimit{60};
constexpr std::chrono::seconds kKillLimit{10};
constexpr std::chrono::seconds kLeftoverLimit{120};
constexpr std::chrono::milliseconds kReadyPoll{50};
constexpr std::chrono::seconds kProgressInterval{5};

absl::Status system_error(std::string_view what, const std::string& path) {
  return make_error(absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY_INVALID",
                    fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

/// An open descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

/// Replaces a file as a whole. DIR belongs to this process's user, so nobody else can put a link in the way.
absl::Status write_file(const std::string& path, std::string_view content, mode_t mode) {
  const std::string temporary = path + ".tmp";
  const Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (file.get() < 0 || fchmod(file.get(), mode) != 0) return system_error("write", temporary);
  const ssize_t written = write(file.get(), content.data(), content.size());
  if (written != static_cast<ssize_t>(content.size()) || fsync(file.get()) != 0) {
    return system_error("write", temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return system_error("write", path);
  return absl::OkStatus();
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

/// Makes a directory of the server's user.
absl::Status make_owned_directory(const std::string& path, const UserIdentity& user) {
  if (mkdir(path.c_str(), kPrivateDirectory) != 0 && errno != EEXIST) return system_error("make directory", path);
  if (user.change && lchown(path.c_str(), user.uid, user.gid) != 0) return system_error("give away directory", path);
  return absl::OkStatus();
}

absl::StatusOr<std::string> real_directory(const std::string& given) {
  if (given.empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "DATA_DIRECTORY_INVALID", "no data directory is given");
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(given, error).lexically_normal();
  fs::path made;
  for (const fs::path& part : absolute) {
    made /= part;
    if (part.empty() || fs::exists(made, error)) continue;
    constexpr mode_t kReachable = 0755;
    if (mkdir(made.c_str(), kReachable) != 0 && errno != EEXIST) return system_error("make directory", made.string());
    // Whatever the umask is: the server's user must get through.
    if (chmod(made.c_str(), kReachable) != 0) return system_error("open directory", made.string());
  }
  const fs::path real = fs::canonical(absolute, error);
  if (error || !fs::is_directory(real, error)) {
    return make_error(absl::StatusCode::kInvalidArgument, "DATA_DIRECTORY_INVALID",
                      fmt::format("{} is not a directory", absolute.string()));
  }
  return real.string();
}

/// DIR itself is ours to open for passing through (its secrets have modes of their own); its parents are not.
absl::Status make_reachable(const std::string& directory, const UserIdentity& user) {
  struct stat info {};
  if (user.change && stat(directory.c_str(), &info) == 0 && info.st_uid == geteuid()) {
    chmod(directory.c_str(), info.st_mode | S_IXOTH | S_IXGRP);
  }
  LT_ASSIGN_OR_RETURN(const std::string blocked, detail::first_unreachable(user, directory));
  if (blocked.empty()) return absl::OkStatus();
  return make_error(absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY_UNREACHABLE",
                    fmt::format("the database runs as user '{}', who may not enter {}; choose another data directory "
                                "(such as /var/lib/lienthong) or allow it: chmod o+x {}",
                                user.name, blocked, blocked),
                    {{"directory", blocked}, {"user", user.name}});
}

absl::StatusOr<Descriptor> lock_directory(const ClusterPaths& paths) {
  Descriptor lock(open(paths.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kSecretMode));
  if (lock.get() < 0) return system_error("open", paths.lock);
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  return make_error(absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY_IN_USE",
                    fmt::format("another program is running on {}; stop it (lienthong down --data {}) or choose "
                                "another data directory",
                                paths.directory, paths.directory));
}

absl::StatusOr<std::string> program_directory() {
  const char* chosen = std::getenv("LIENTHONG_PG_BIN");
  std::string directory(chosen != nullptr && *chosen != '\0' ? chosen : kDefaultPrograms);
  for (const char* name : {"postgres", "initdb"}) {
    if (access((directory + "/" + name).c_str(), X_OK) == 0) continue;
    return make_error(absl::StatusCode::kFailedPrecondition, "POSTGRES_NOT_INSTALLED",
                      fmt::format("there is no {} in {}; install postgresql-15 and postgresql-15-postgis-3, or name "
                                  "the directory of PostgreSQL 15's programs in LIENTHONG_PG_BIN",
                                  name, directory));
  }
  return directory;
}

absl::StatusOr<std::string> random_password() {
  std::array<char, kPasswordBytes> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return system_error("make a password for", "the database");
  }
  return to_base64url({bytes.data(), bytes.size()});
}

void remove_socket_directory(const ClusterPaths& paths) {
  const std::string recorded = read_file(paths.socket_record);
  std::error_code error;
  // The record is ours, but a slip here would delete something else's files.
  if (recorded.starts_with(kSocketPrefix) && recorded.find('/', kSocketPrefix.size()) == std::string::npos) {
    fs::remove_all(recorded, error);
  }
  fs::remove(paths.socket_record, error);
}

absl::StatusOr<std::string> make_socket_directory(const ClusterPaths& paths, const UserIdentity& user) {
  std::string directory = std::string(kSocketPrefix) + "XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) return system_error("make directory", directory);
  if (user.change && lchown(directory.c_str(), user.uid, user.gid) != 0) {
    return system_error("give away directory", directory);
  }
  LT_RETURN_IF_ERROR(write_file(paths.socket_record, directory, kSecretMode));
  return directory;
}

absl::StatusOr<int> free_port() {
  const Descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (probe.get() < 0 || bind(probe.get(), generic, size) != 0 || getsockname(probe.get(), generic, &size) != 0) {
    return system_error("find a free port on", "127.0.0.1");
  }
  return ntohs(address.sin_port);
}

std::vector<std::string> log_files(const ClusterPaths& paths) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(paths.log, error)) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());  // their names are times
  return files;
}

void prune_logs(const ClusterPaths& paths) {
  std::vector<std::string> files = log_files(paths);
  std::error_code error;
  for (std::size_t i = 0; i + kKeptLogs < files.size(); ++i) fs::remove(files[i], error);
}

/// What the server said last: before its log collector ran, and after.
std::string server_words(const ClusterPaths& paths) {
  const std::vector<std::string> files = log_files(paths);
  const std::string early = detail::last_words(paths.startup_log);
  return files.empty() ? early : early + " ... " + detail::last_words(files.back());
}

/// A directory made ready, with nothing running on it.
struct Prepared {
  ClusterPaths paths;
  UserIdentity user;
  std::string programs;
  std::string password;
  Descriptor lock;
};

absl::Status run_initdb(const Prepared& prepared, bool for_tests) {
  const ClusterPaths& paths = prepared.paths;
  std::error_code error;
  fs::remove_all(paths.unfinished, error);
  LT_RETURN_IF_ERROR(make_owned_directory(paths.unfinished, prepared.user));
  LT_RETURN_IF_ERROR(write_file(paths.init_password, prepared.password, kSecretMode));
  if (prepared.user.change && lchown(paths.init_password.c_str(), prepared.user.uid, prepared.user.gid) != 0) {
    return system_error("give away", paths.init_password);
  }
  SpawnOptions options;
  options.command = {prepared.programs + "/initdb",
                     "--pgdata=" + paths.unfinished,
                     "--username=" + std::string(kName),
                     "--auth=scram-sha-256",
                     "--pwfile=" + paths.init_password,
                     "--encoding=UTF8",
                     "--locale=C.UTF-8",
                     "--data-checksums"};
  if (for_tests) options.command.emplace_back("--no-sync");
  options.user = prepared.user;
  options.output_file = paths.directory + "/initdb.log";
  const absl::StatusOr<int> exit = detail::run(options, kInitLimit);
  fs::remove(paths.init_password, error);
  LT_RETURN_IF_ERROR(exit.status());
  if (*exit != 0) {
    return make_error(absl::StatusCode::kInternal, "CLUSTER_INIT_FAILED",
                      fmt::format("initdb ended with status {}: {}", *exit, detail::last_words(options.output_file)));
  }
  if (rename(paths.unfinished.c_str(), paths.data.c_str()) != 0) return system_error("rename to", paths.data);
  return absl::OkStatus();
}

absl::Status ensure_initialised(Prepared& prepared, bool for_tests) {
  const ClusterPaths& paths = prepared.paths;
  const std::string version = read_file(paths.data + "/PG_VERSION");
  if (version.empty()) {
    spdlog::info("event=pg_init directory={}", paths.data);
    LT_ASSIGN_OR_RETURN(prepared.password, random_password());
    LT_RETURN_IF_ERROR(write_file(paths.password, prepared.password, kSecretMode));
    return run_initdb(prepared, for_tests);
  }
  if (version != kVersion) {
    return make_error(absl::StatusCode::kFailedPrecondition, "CLUSTER_VERSION",
                      fmt::format("the data directory was made by PostgreSQL {} but this program runs {}; dump it with "
                                  "the old one, or upgrade it with pg_upgrade",
                                  version, kVersion));
  }
  prepared.password = read_file(paths.password);
  if (!prepared.password.empty()) return absl::OkStatus();
  return make_error(absl::StatusCode::kFailedPrecondition, "CLUSTER_PASSWORD_MISSING",
                    fmt::format("{} is missing; restore it, or set a new password for role {} with single-user "
                                "postgres and write it there",
                                paths.password, kName));
}

absl::StatusOr<Prepared> prepare(const ClusterOptions& options) {
  LT_ASSIGN_OR_RETURN(const std::string directory, real_directory(options.directory));
  Prepared prepared{ClusterPaths(directory), {}, {}, {}, Descriptor()};
  const ClusterPaths& paths = prepared.paths;
  LT_ASSIGN_OR_RETURN(prepared.user, detail::server_user(paths.data));
  LT_RETURN_IF_ERROR(make_reachable(directory, prepared.user));
  LT_ASSIGN_OR_RETURN(prepared.programs, program_directory());
  LT_ASSIGN_OR_RETURN(prepared.lock, lock_directory(paths));
  // We hold the lock, so whatever runs here was left by a program that was killed.
  LT_RETURN_IF_ERROR(detail::end_server_processes(paths.data, SIGINT, kLeftoverLimit));
  remove_socket_directory(paths);
  std::error_code error;
  // Nothing runs; but if its number now belongs to a stranger the server would believe it and refuse to start.
  fs::remove(paths.data + "/postmaster.pid", error);
  LT_RETURN_IF_ERROR(ensure_initialised(prepared, options.for_tests));
  LT_RETURN_IF_ERROR(make_owned_directory(paths.log, prepared.user));
  prune_logs(paths);
  return prepared;
}

/// Where a server is to be found, and how it is started.
struct Launch {
  int port = 0;
  std::string socket_directory;
  SpawnOptions spawn;

  [[nodiscard]] std::string url(const std::string& password, std::string_view database) const {
    return fmt::format("postgresql://{}:{}@127.0.0.1:{}/{}", kName, password, port, database);
  }
  [[nodiscard]] std::string socket_url(const std::string& password, std::string_view database) const {
    return fmt::format("postgresql://{}:{}@%2Ftmp%2F{}:{}/{}", kName, password,
                       fs::path(socket_directory).filename().string(), port, database);
  }
};

absl::StatusOr<Launch> configure(const Prepared& prepared, const ClusterOptions& options) {
  const ClusterPaths& paths = prepared.paths;
  Launch launch;
  launch.port = options.port;
  if (launch.port == 0) {
    LT_ASSIGN_OR_RETURN(launch.port, free_port());
  }
  LT_ASSIGN_OR_RETURN(launch.socket_directory, make_socket_directory(paths, prepared.user));
  detail::Settings settings = detail::memory_settings(detail::usable_memory());
  for (auto& [name, value] : detail::base_settings(options.for_tests)) settings[name] = value;
  for (const auto& [name, value] : options.settings) settings[name] = value;
  settings["listen_addresses"] = "127.0.0.1";
  settings["port"] = std::to_string(launch.port);
  settings["unix_socket_directories"] = launch.socket_directory;
  settings["unix_socket_permissions"] = "0700";
  settings["data_directory"] = paths.data;
  settings["hba_file"] = paths.hba;
  settings["ident_file"] = paths.data + "/pg_ident.conf";
  settings["log_directory"] = paths.log;
  LT_RETURN_IF_ERROR(write_file(paths.config, detail::render_config(settings), kReadableMode));
  LT_RETURN_IF_ERROR(write_file(paths.hba, detail::hba_config(), kReadableMode));
  launch.spawn.command = {prepared.programs + "/postgres", "-D", paths.data, "-c", "config_file=" + paths.config};
  launch.spawn.user = prepared.user;
  launch.spawn.output_file = paths.startup_log;
  return launch;
}

/// The log collector outlives the postmaster by the time it takes to write what the others said.
void wait_for_collector(const ClusterPaths& paths) {
  const absl::Status status = detail::end_server_processes(paths.data, SIGQUIT, kKillLimit);
  if (!status.ok()) spdlog::warn("event=pg_orphans message=\"{}\"", message_of(status));
}

absl::Status start_failed(const ClusterPaths& paths) {
  wait_for_collector(paths);
  return make_error(absl::StatusCode::kInternal, "CLUSTER_START_FAILED",
                    fmt::format("the database server ended while starting: {}", server_words(paths)));
}

/// Waits until the server lets somebody in. `ended` tells that it is no use waiting.
absl::Status wait_ready(const ClusterPaths& paths, const std::string& url, std::chrono::milliseconds limit,
                        const std::function<bool()>& ended) {
  const Clock::time_point started = Clock::now();
  Clock::time_point next_report = started + kProgressInterval;
  while (true) {
    const absl::Status status = Connection::open({.url = url, .purpose = "start"}).status();
    if (status.ok()) return status;
    const bool starting = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
    if (!starting) return annotate(status, "the new database server");
    if (ended()) return start_failed(paths);
    const auto waited = Clock::now() - started;
    if (waited > limit) {
      return make_error(
          absl::StatusCode::kDeadlineExceeded, "CLUSTER_START_TIMEOUT",
          fmt::format("the database server does not answer after {} s: {}",
                      std::chrono::duration_cast<std::chrono::seconds>(waited).count(), server_words(paths)));
    }
    if (Clock::now() >= next_report) {
      spdlog::info("event=pg_waiting seconds={} message=\"{}\"",
                   std::chrono::duration_cast<std::chrono::seconds>(waited).count(), message_of(status));
      next_report += kProgressInterval;
    }
    std::this_thread::sleep_for(kReadyPoll);
  }
}

absl::Status try_start(const ClusterOptions& options, const std::function<absl::Status()>& start) {
  const int attempts = options.port == 0 ? kAttemptsAnyPort : kAttemptsOnePort;
  absl::Status status;
  for (int attempt = 1; attempt <= attempts; ++attempt) {
    status = start();
    if (error_reason(status) != "CLUSTER_START_FAILED") break;
    spdlog::warn("event=pg_start_failed attempt={} of={} message=\"{}\"", attempt, attempts, message_of(status));
  }
  return status;
}

absl::Status ensure_database(const std::string& admin_url, const std::string& url) {
  LT_ASSIGN_OR_RETURN(Connection admin, Connection::open({.url = admin_url, .purpose = "start"}));
  LT_ASSIGN_OR_RETURN(const Result recovery, admin.execute("SELECT pg_is_in_recovery()"));
  if (recovery.get_bool(0, 0)) return absl::OkStatus();  // a standby has what its primary has
  LT_ASSIGN_OR_RETURN(const Result found,
                      admin.execute("SELECT FROM pg_database WHERE datname = $1", Params().add(kName)));
  if (found.empty()) LT_RETURN_IF_ERROR(admin.execute_script("CREATE DATABASE lienthong"));
  LT_ASSIGN_OR_RETURN(Connection own, Connection::open({.url = url, .purpose = "start"}));
  const absl::Status status = own.execute_script("CREATE EXTENSION IF NOT EXISTS postgis");
  if (sqlstate_of(status) != "0A000" && sqlstate_of(status) != "58P01") return status;
  return make_error(absl::StatusCode::kFailedPrecondition, "POSTGIS_NOT_INSTALLED",
                    "PostGIS is not installed for PostgreSQL 15; install postgresql-15-postgis-3");
}

/// One attempt; `url` is set where it succeeds, and nothing is left running where it does not.
absl::Status launch_detached(const Prepared& prepared, const ClusterOptions& options, std::string& url) {
  LT_ASSIGN_OR_RETURN(const Launch launch, configure(prepared, options));
  LT_ASSIGN_OR_RETURN(const pid_t pid, detail::spawn(launch.spawn));
  const auto ended = [pid] { return waitpid(pid, nullptr, WNOHANG) != 0; };
  const std::string admin_url = launch.socket_url(prepared.password, "postgres");
  url = launch.url(prepared.password, kName);
  absl::Status status = wait_ready(prepared.paths, admin_url, options.start_timeout, ended);
  if (status.ok()) status = ensure_database(admin_url, url);
  if (status.ok()) return status;
  const absl::Status cleaned = detail::end_server_processes(prepared.paths.data, SIGQUIT, kLeftoverLimit);
  if (!cleaned.ok()) spdlog::warn("event=pg_cleanup_failed message=\"{}\"", message_of(cleaned));
  remove_socket_directory(prepared.paths);
  return status;
}

int signal_of(Cluster::StopMode mode) { return mode == Cluster::StopMode::kFast ? SIGINT : SIGQUIT; }

}  // namespace

struct Cluster::Impl {
  Prepared prepared;
  Launch launch;
  std::string url;
  std::string socket_url;
  std::unique_ptr<detail::Postmaster> postmaster;

  absl::Status launch_once(const ClusterOptions& options) {
    LT_ASSIGN_OR_RETURN(launch, configure(prepared, options));
    launch.spawn.die_with_thread = true;
    url = launch.url(prepared.password, kName);
    socket_url = launch.socket_url(prepared.password, kName);
    postmaster = std::make_unique<detail::Postmaster>(launch.spawn, prepared.paths.data);
    LT_RETURN_IF_ERROR(postmaster->start_status());
    // Over the socket, where nobody but our server can answer.
    const std::string admin_url = launch.socket_url(prepared.password, "postgres");
    LT_RETURN_IF_ERROR(
        wait_ready(prepared.paths, admin_url, options.start_timeout, [&] { return postmaster->ended(); }));
    postmaster->keep_alive();
    return ensure_database(admin_url, url);
  }

  absl::Status stop(StopMode mode) {
    if (!postmaster) return absl::OkStatus();
    const bool stopped = postmaster->stop(signal_of(mode), kStopLimit) || postmaster->stop(SIGQUIT, kKillLimit);
    if (!stopped) {
      return make_error(absl::StatusCode::kInternal, "CLUSTER_STOP_FAILED",
                        fmt::format("the database server (process {}) does not end", postmaster->pid()));
    }
    postmaster.reset();
    wait_for_collector(prepared.paths);
    remove_socket_directory(prepared.paths);
    prepared.lock = Descriptor();
    return absl::OkStatus();
  }
};

absl::StatusOr<Cluster> Cluster::start(const ClusterOptions& options) {
  LT_ASSIGN_OR_RETURN(Prepared prepared, prepare(options));
  auto impl = std::make_unique<Impl>(Impl{std::move(prepared), {}, {}, {}, nullptr});
  const absl::Status status = try_start(options, [&] {
    impl->postmaster.reset();
    remove_socket_directory(impl->prepared.paths);
    return impl->launch_once(options);
  });
  Cluster cluster(std::move(impl));
  LT_RETURN_IF_ERROR(status);
  spdlog::info("event=pg_started port={} pid={} user={}", cluster.port(), cluster.postmaster_pid(),
               cluster.impl_->prepared.user.name);
  return cluster;
}

absl::StatusOr<std::string> Cluster::start_detached(const ClusterOptions& options) {
  LT_ASSIGN_OR_RETURN(const Prepared prepared, prepare(options));
  std::string url;
  const absl::Status status = try_start(options, [&] { return launch_detached(prepared, options, url); });
  if (!status.ok()) return status;
  return url;
}

absl::Status Cluster::stop_detached(const std::string& directory, StopMode mode) {
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  if (error) return absl::OkStatus();  // no directory, no server
  const ClusterPaths paths(real.string());
  LT_ASSIGN_OR_RETURN(const Descriptor lock, lock_directory(paths));
  LT_RETURN_IF_ERROR(detail::end_server_processes(paths.data, signal_of(mode), kLeftoverLimit));
  remove_socket_directory(paths);
  return absl::OkStatus();
}

Cluster::Cluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cluster::Cluster(Cluster&&) noexcept = default;

Cluster& Cluster::operator=(Cluster&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}

Cluster::~Cluster() {
  if (!impl_) return;
  const absl::Status status = impl_->stop(StopMode::kFast);
  if (!status.ok()) spdlog::error("event=pg_stop_failed message=\"{}\"", message_of(status));
}

const std::string& Cluster::url() const { return impl_->url; }
const std::string& Cluster::socket_url() const { return impl_->socket_url; }
int Cluster::port() const { return impl_->launch.port; }
pid_t Cluster::postmaster_pid() const { return impl_->postmaster ? impl_->postmaster->pid() : 0; }
int Cluster::restarts() const { return impl_->postmaster ? impl_->postmaster->restarts() : 0; }
absl::Status Cluster::stop(StopMode mode) { return impl_->stop(mode); }

}  // namespace lt::pg
