#include "support/standby.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <spdlog/fmt/fmt.h>

#include "pg/connection.hpp"
#include "pg/detail/process.hpp"
#include "support/status.hpp"
#include "support/wait_until.hpp"

namespace lt::test {
namespace {

constexpr std::chrono::minutes kBackupLimit{2};
constexpr mode_t kPrivate = 0700;

pg::Connection connect(const std::string& url) { return must(pg::Connection::open({.url = url, .purpose = "test"})); }

std::string program(const char* name) {
  const char* chosen = std::getenv("LIENTHONG_PG_BIN");
  return std::string(chosen != nullptr && *chosen != '\0' ? chosen : "/usr/lib/postgresql/15/bin") + "/" + name;
}

// What stands between "//user:" and "@" of the cluster's URL.
std::string password_of(const std::string& url) {
  const auto begin = url.find(':', url.find("//") + 2) + 1;
  return url.substr(begin, url.find('@') - begin);
}

void take_base_backup(const pg::Cluster& primary, const std::string& name, const std::string& directory) {
  const std::string data = directory + "/pg";
  pg::detail::SpawnOptions options;
  options.user = must(pg::detail::server_user(data));
  if (mkdir(data.c_str(), kPrivate) != 0) throw std::runtime_error("cannot make " + data);
  if (options.user.change && chown(data.c_str(), options.user.uid, options.user.gid) != 0) {
    throw std::runtime_error("cannot give away " + data);
  }
  options.command = {program("pg_basebackup"),
                     "--dbname=" + primary.url() + "?application_name=" + name,
                     "--pgdata=" + data,
                     "--write-recovery-conf",
                     "--create-slot",
                     "--slot=" + name,
                     "--wal-method=stream",
                     "--checkpoint=fast",
                     "--no-sync"};
  options.output_file = directory + "/basebackup.log";
  const int exit = must(pg::detail::run(options, kBackupLimit));
  if (exit != 0) throw std::runtime_error("pg_basebackup: " + pg::detail::last_words(options.output_file));
  std::ofstream(directory + "/password") << password_of(primary.url());
}

pg::Cluster start_server(const std::string& directory, bool alone = false) {
  if (alone) std::ofstream(directory + "/pg/postgresql.auto.conf", std::ios::app) << "primary_conninfo = ''\n";
  pg::ClusterOptions options;
  options.directory = directory;
  options.for_tests = true;
  options.settings["wal_receiver_status_interval"] = "1s";
  return must(pg::Cluster::start(options));
}

pg::Cluster start_standby(const pg::Cluster& primary, const std::string& name, const std::string& directory) {
  take_base_backup(primary, name, directory);
  return start_server(directory);
}

}  // namespace

Standby::Standby(const pg::Cluster& primary, const std::string& name)
    : cluster_(start_standby(primary, name, directory_.path())) {}

std::string Standby::url(const std::string& database) const {
  return must(pg::with_database(cluster_.url(), database));
}

void Standby::pause_replay() {
  auto connection = connect(cluster_.url());
  must(connection.execute("SELECT pg_wal_replay_pause()"));
  const auto paused = [&] {
    return must(connection.execute("SELECT pg_get_wal_replay_pause_state()")).get_text(0, 0) == "paused";
  };
  if (!wait_until(paused)) throw std::runtime_error("the replay does not pause");
}

void Standby::resume_replay() { must(connect(cluster_.url()).execute("SELECT pg_wal_replay_resume()")); }

void Standby::catch_up(const pg::Cluster& primary) {
  auto source = connect(primary.url());
  const auto position = must(source.execute("SELECT pg_current_wal_flush_lsn()::text"));
  auto target = connect(cluster_.url());
  const auto reached = [&] {
    return must(target.execute("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn",
                               pg::Params().add(position.get_text(0, 0))))
        .get_bool(0, 0);
  };
  if (!wait_until(reached)) throw std::runtime_error("the standby does not catch up");
}

void Standby::promote() {
  if (!must(connect(cluster_.url()).execute("SELECT pg_promote(true, 60)")).get_bool(0, 0)) {
    throw std::runtime_error("the standby is not promoted");
  }
}

void Standby::stop(pg::Cluster::StopMode mode) { must(cluster_.stop(mode)); }

void Standby::restart() { cluster_ = start_server(directory_.path()); }

void Standby::restart_alone() { cluster_ = start_server(directory_.path(), true); }

void set_server_setting(const std::string& url, const std::string& name, const std::string& value) {
  auto connection = connect(url);
  must(connection.execute_script(fmt::format("ALTER SYSTEM SET {} = '{}'", name, value)));
  must(connection.execute("SELECT pg_reload_conf()"));
  const auto seen = [&] {
    return must(connection.execute("SELECT current_setting($1)", pg::Params().add(name))).get_text(0, 0) == value;
  };
  if (!wait_until(seen)) throw std::runtime_error("the server does not take " + name);
}

}  // namespace lt::test
