// The embedded cluster: each test runs servers of its own in a directory of its own.
#include "pg/cluster.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "pg/connection.hpp"
#include "pg/detail/process.hpp"
#include "support/status.hpp"
#include "support/temp_directory.hpp"
#include "support/wait_until.hpp"

namespace lt::pg {
namespace {

namespace fs = std::filesystem;
using test::must;
using test::TempDirectory;

ClusterOptions quick(const std::string& directory) {
  ClusterOptions options;
  options.directory = directory;
  options.for_tests = true;
  return options;
}

Connection connect(const std::string& url) { return must(Connection::open({.url = url, .purpose = "test"})); }

void store_row(const std::string& url) {
  must(connect(url).execute_script("CREATE TABLE IF NOT EXISTS t (id integer); INSERT INTO t VALUES (1)"));
}

std::int64_t stored_rows(const std::string& url) {
  Connection connection = connect(url);
  return must(connection.execute("SELECT count(*) FROM t")).get_int(0, 0);
}

std::string setting(Connection& connection, std::string_view name) {
  const auto result = must(connection.execute("SELECT current_setting($1)", Params().add(name)));
  return std::string(result.get_text(0, 0));
}

bool nothing_runs(const std::string& directory) {
  return detail::server_processes(fs::canonical(directory).string() + "/pg").empty();
}

bool words_in_logs(const std::string& directory, std::string_view words) {
  for (const auto& entry : fs::directory_iterator(directory + "/log")) {
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);) {
      if (line.find(words) != std::string::npos) return true;
    }
  }
  return false;
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

/// Another process that owns a cluster: "test_cluster hold", which runs until its standard input ends. Here that is a
/// pipe that stays open.
class Owner {
 public:
  Owner(const std::string& directory, const std::string& data) : output_(directory + "/output") {
    const std::string command =
        std::string("exec '") + LT_TEST_CLUSTER_PROGRAM + "' hold '" + data + "' > '" + output_ + "'";
    REQUIRE(pipe(input_) == 0);
    pid_ = fork();
    if (pid_ != 0) return;
    dup2(input_[0], STDIN_FILENO);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  ~Owner() {
    kill();
    close(input_[0]);
    close(input_[1]);
  }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  bool ready() {
    return test::wait_until([&] {
      std::string word;
      std::ifstream in(output_);
      return in >> word >> server_ >> url_ && word == "ready";
    });
  }
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] pid_t server() const { return server_; }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  std::string output_;
  int input_[2] = {};
  pid_t pid_ = 0;
  pid_t server_ = 0;
  std::string url_;
};

TEST_CASE("a new cluster is durable, UTF-8, checksummed, private and has PostGIS") {
  const TempDirectory directory;
  ClusterOptions options;
  options.directory = directory.path() + "/made/by/start";
  options.settings = {{"log_min_duration_statement", "7s"}};
  Cluster cluster = must(Cluster::start(options));
  Connection connection = connect(cluster.url());
  CHECK(setting(connection, "fsync") == "on");
  CHECK(setting(connection, "synchronous_commit") == "on");
  CHECK(setting(connection, "full_page_writes") == "on");
  CHECK(setting(connection, "data_checksums") == "on");
  CHECK(setting(connection, "server_encoding") == "UTF8");
  CHECK(setting(connection, "lc_collate") == "C.UTF-8");
  CHECK(setting(connection, "listen_addresses") == "127.0.0.1");
  CHECK(setting(connection, "jit") == "off");
  CHECK(setting(connection, "log_min_duration_statement") == "7s");
  const auto postgis = must(connection.execute("SELECT postgis_lib_version(), current_database()"));
  CHECK(postgis.get_text(0, 0).starts_with("3."));
  CHECK(postgis.get_text(0, 1) == "lienthong");
  CHECK(mode_of(options.directory + "/password") == 0600);
  CHECK(mode_of(options.directory + "/pg") == 0700);
  CHECK(mode_of(options.directory + "/log") == 0700);
  CHECK(must(connect(cluster.socket_url()).execute("SELECT 1")).get_int(0, 0) == 1);
  const std::string socket_directory = setting(connection, "unix_socket_directories");
  CHECK(mode_of(socket_directory) == 0700);
  struct stat process {};
  REQUIRE(stat(("/proc/" + std::to_string(cluster.postmaster_pid())).c_str(), &process) == 0);
  CHECK(process.st_uid != 0);

  REQUIRE_OK(cluster.stop());
  REQUIRE_OK(cluster.stop());
  CHECK(nothing_runs(options.directory));
  CHECK_FALSE(fs::exists(socket_directory));
}

TEST_CASE("nobody gets in without the password") {
  const TempDirectory directory;
  const Cluster cluster = must(Cluster::start(quick(directory.path())));
  const std::string host = "127.0.0.1:" + std::to_string(cluster.port());
  CHECK_FALSE(Connection::open({.url = "postgresql://lienthong@" + host + "/lienthong"}).ok());
  REQUIRE_ERROR(Connection::open({.url = "postgresql://lienthong:x@" + host + "/lienthong"}),
                absl::StatusCode::kFailedPrecondition, "SQL_INVALID_PASSWORD");
}

TEST_CASE("a cluster that was stopped has its data, its password and what was set by hand at the next start") {
  const TempDirectory directory;
  {
    Cluster cluster = must(Cluster::start(quick(directory.path())));
    store_row(cluster.url());
    must(connect(cluster.url()).execute_script("ALTER SYSTEM SET work_mem = '5MB'"));
  }
  CHECK(nothing_runs(directory.path()));
  Cluster cluster = must(Cluster::start(quick(directory.path())));
  CHECK(stored_rows(cluster.url()) == 1);
  Connection connection = connect(cluster.url());
  CHECK(setting(connection, "work_mem") == "5MB");
}

TEST_CASE("a stop like a power cut is recovered from") {
  const TempDirectory directory;
  ClusterOptions durable;
  durable.directory = directory.path();
  {
    Cluster cluster = must(Cluster::start(durable));
    store_row(cluster.url());
    REQUIRE_OK(cluster.stop(Cluster::StopMode::kImmediate));
  }
  Cluster cluster = must(Cluster::start(durable));
  CHECK(stored_rows(cluster.url()) == 1);
}

// PostgreSQL bug 17731: when an unlogged table was created and dropped since the last checkpoint, its emptied main file
// may still be there at the crash without its init file; replay makes the init file anew, then cannot copy it over the
// main one.
TEST_CASE("recovery that trips over an unlogged table, as PostgreSQL's does once, is tried again") {
  const TempDirectory directory;
  ClusterOptions options = quick(directory.path());
  options.port = must(Cluster::start(options)).port();
  std::string file;
  {
    Cluster cluster = must(Cluster::start(options));
    Connection connection = connect(cluster.url());
    must(
        connection.execute_script("CHECKPOINT; CREATE UNLOGGED TABLE staged (id integer); CREATE TABLE t AS SELECT 1"));
    const auto path = must(connection.execute("SELECT pg_relation_filepath('staged')"));
    file = options.directory + "/pg/" + std::string(path.get_text(0, 0));
    REQUIRE_OK(cluster.stop(Cluster::StopMode::kImmediate));
  }
  REQUIRE(fs::exists(file));
  const bool detached = GENERATE(false, true);
  REQUIRE(fs::remove(file + "_init"));
  if (detached) {
    const std::string url = must(Cluster::start_detached(options));
    CHECK(stored_rows(url) == 1);
    REQUIRE_OK(Cluster::stop_detached(options.directory));
  } else {
    Cluster cluster = must(Cluster::start(options));
    CHECK(stored_rows(cluster.url()) == 1);
  }
  // The trap was there: the server ended once before it came up.
  CHECK(words_in_logs(options.directory, "File exists"));
}

TEST_CASE("a second start on the same directory is refused and does not disturb the first") {
  const TempDirectory directory;
  Cluster cluster = must(Cluster::start(quick(directory.path())));
  const pid_t pid = cluster.postmaster_pid();
  REQUIRE_ERROR(Cluster::start(quick(directory.path())), absl::StatusCode::kFailedPrecondition,
                "DATA_DIRECTORY_IN_USE");
  REQUIRE_ERROR(Cluster::stop_detached(directory.path()), absl::StatusCode::kFailedPrecondition,
                "DATA_DIRECTORY_IN_USE");
  CHECK(cluster.postmaster_pid() == pid);
  store_row(cluster.url());
}

TEST_CASE("a server that is killed is started again on the same port with all that was committed") {
  const TempDirectory directory;
  ClusterOptions durable;
  durable.directory = directory.path();
  Cluster cluster = must(Cluster::start(durable));
  store_row(cluster.url());
  Connection bystander = connect(cluster.url());
  const pid_t killed = cluster.postmaster_pid();
  REQUIRE(kill(killed, SIGKILL) == 0);
  REQUIRE(test::wait_until(
      [&] { return cluster.restarts() == 1 && Connection::open({.url = cluster.url(), .purpose = "test"}).ok(); }));
  CHECK(cluster.postmaster_pid() != killed);
  CHECK(stored_rows(cluster.url()) == 1);
  CHECK_FALSE(bystander.execute("SELECT 1").ok());
}

TEST_CASE("a killed owner leaves no server behind and its successor takes over") {
  const TempDirectory directory;
  const std::string data = directory.path() + "/data";
  Owner owner(directory.path(), data);
  REQUIRE(owner.ready());
  store_row(owner.url());
  owner.kill();
  // At once, while the old server may still be shutting down.
  ClusterOptions durable;
  durable.directory = data;
  {
    Cluster cluster = must(Cluster::start(durable));
    CHECK(cluster.postmaster_pid() != owner.server());
    CHECK(stored_rows(cluster.url()) == 1);
  }
  CHECK(nothing_runs(data));
}

TEST_CASE("the kernel ends the server of a killed owner without any successor") {
  const TempDirectory directory;
  const std::string data = directory.path() + "/data";
  Owner owner(directory.path(), data);
  REQUIRE(owner.ready());
  owner.kill();
  REQUIRE(test::wait_until([&] { return nothing_runs(data); }));
  REQUIRE_OK(Cluster::stop_detached(data));  // removes its socket directory
}

TEST_CASE("a server left running by a predecessor is ended and taken over") {
  const TempDirectory directory;
  const std::string url = must(Cluster::start_detached(quick(directory.path())));
  store_row(url);
  Cluster cluster = must(Cluster::start(quick(directory.path())));
  CHECK_FALSE(Connection::open({.url = url}).ok());
  CHECK(stored_rows(cluster.url()) == 1);
}

TEST_CASE("a detached server runs until it is stopped") {
  const TempDirectory directory;
  const std::string url = must(Cluster::start_detached(quick(directory.path())));
  store_row(url);
  REQUIRE_OK(Cluster::stop_detached(directory.path()));
  CHECK(nothing_runs(directory.path()));
  REQUIRE_OK(Cluster::stop_detached(directory.path()));
  REQUIRE_OK(Cluster::stop_detached(directory.path() + "/absent"));
}

TEST_CASE("a stale pid file that names a stranger's process is no obstacle") {
  const TempDirectory directory;
  must(Cluster::start(quick(directory.path()))).stop().IgnoreError();
  // A living process of the same user as the server: another PostgreSQL.
  const TempDirectory other_directory;
  const Cluster other = must(Cluster::start(quick(other_directory.path())));
  std::ofstream(directory.path() + "/pg/postmaster.pid") << other.postmaster_pid() << "\n"
                                                         << directory.path() << "/pg\n";
  const Cluster cluster = must(Cluster::start(quick(directory.path())));
  CHECK(connect(cluster.url()).is_usable());
  CHECK(connect(other.url()).is_usable());
  CHECK(other.restarts() == 0);
}

TEST_CASE("an initialisation that was cut short starts over") {
  const TempDirectory directory;
  fs::create_directories(directory.path() + "/pg.new/base");
  std::ofstream(directory.path() + "/pg.new/PG_VERSION") << "15\n";
  const Cluster cluster = must(Cluster::start(quick(directory.path())));
  CHECK(connect(cluster.url()).is_usable());
  CHECK_FALSE(fs::exists(directory.path() + "/pg.new"));
}

TEST_CASE("a directory that the server's user cannot reach is refused with what to do") {
  if (geteuid() != 0) return;  // only root switches users
  const TempDirectory directory;
  REQUIRE(chmod(directory.path().c_str(), 0700) == 0);
  const absl::Status status = Cluster::start(quick(directory.path() + "/data")).status();
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY_UNREACHABLE");
  CHECK(message_of(status).find("chmod o+x " + directory.path()) != std::string::npos);
  CHECK(error_detail(status)->metadata.at("directory") == directory.path());
  // The data directory itself is opened for passing through: mktemp -d makes it 0700.
  const TempDirectory own;
  REQUIRE(chmod(own.path().c_str(), 0700) == 0);
  REQUIRE_OK(Cluster::start(quick(own.path())));
}

TEST_CASE("a data directory of another PostgreSQL version is refused") {
  const TempDirectory directory;
  fs::create_directories(directory.path() + "/pg");
  std::ofstream(directory.path() + "/pg/PG_VERSION") << "14\n";
  REQUIRE_ERROR(Cluster::start(quick(directory.path())), absl::StatusCode::kFailedPrecondition, "CLUSTER_VERSION");
}

TEST_CASE("a missing password file, missing programs and a file as directory are refused") {
  const TempDirectory directory;
  REQUIRE_ERROR(Cluster::start(quick("")), absl::StatusCode::kInvalidArgument, "DATA_DIRECTORY_INVALID");
  std::ofstream(directory.path() + "/file") << "x";
  REQUIRE_ERROR(Cluster::start(quick(directory.path() + "/file")), absl::StatusCode::kInvalidArgument,
                "DATA_DIRECTORY_INVALID");
  fs::create_directories(directory.path() + "/pg");
  std::ofstream(directory.path() + "/pg/PG_VERSION") << "15\n";
  REQUIRE_ERROR(Cluster::start(quick(directory.path())), absl::StatusCode::kFailedPrecondition,
                "CLUSTER_PASSWORD_MISSING");
  REQUIRE(setenv("LIENTHONG_PG_BIN", "/nonexistent", 1) == 0);
  const absl::Status status = Cluster::start(quick(directory.path())).status();
  unsetenv("LIENTHONG_PG_BIN");
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "POSTGRES_NOT_INSTALLED");
}

TEST_CASE("a port that is taken is reported with the server's own words") {
  const TempDirectory first_directory;
  const TempDirectory directory;
  const Cluster first = must(Cluster::start(quick(first_directory.path())));
  ClusterOptions options = quick(directory.path());
  options.port = first.port();
  const absl::Status status = Cluster::start(options).status();
  REQUIRE_ERROR(status, absl::StatusCode::kInternal, "CLUSTER_START_FAILED");
  CHECK(message_of(status).find("Address already in use") != std::string::npos);
  CHECK(nothing_runs(directory.path()));
  CHECK(connect(first.url()).is_usable());
}

TEST_CASE("a setting that the server refuses is reported with its own words") {
  const TempDirectory directory;
  ClusterOptions options = quick(directory.path());
  options.settings = {{"no_such_setting", "1"}};
  const absl::Status status = Cluster::start(options).status();
  REQUIRE_ERROR(status, absl::StatusCode::kInternal, "CLUSTER_START_FAILED");
  CHECK(message_of(status).find("no_such_setting") != std::string::npos);
}

TEST_CASE("a commit whose wait for a synchronous standby is cut short is not confirmed") {
  const TempDirectory directory;
  Cluster cluster = must(Cluster::start(quick(directory.path())));
  Connection connection = connect(cluster.url());
  Connection observer = connect(cluster.url());
  must(connection.execute_script("CREATE TABLE t (id integer)"));
  must(observer.execute_script("ALTER SYSTEM SET synchronous_standby_names = 'nobody'"));
  must(observer.execute("SELECT pg_reload_conf()"));
  REQUIRE(test::wait_until([&] { return setting(connection, "synchronous_standby_names") == "nobody"; }));
  REQUIRE_OK(connection.begin());
  must(connection.execute("INSERT INTO t VALUES (1)"));
  const int pid = connection.backend_pid();
  absl::Status status;
  std::thread worker([&] { status = connection.commit(); });
  const bool reached = test::wait_until([&] {
    const auto found = must(observer.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'", Params().add(pid)));
    return found.get_int(0, 0) == 1;
  });
  must(observer.execute("SELECT pg_cancel_backend($1)", Params().add(pid)));
  worker.join();
  REQUIRE(reached);
  REQUIRE_ERROR(status, absl::StatusCode::kUnavailable, "COMMIT_UNCONFIRMED");
  CHECK(connection.is_idle());
  CHECK(must(observer.execute("SELECT count(*) FROM t")).get_int(0, 0) == 1);
}

}  // namespace
}  // namespace lt::pg
