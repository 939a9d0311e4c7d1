// Synchronous standbys: what is committed here and what has arrived there.
#include "pg/replication.hpp"

#include <chrono>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "pg/cluster.hpp"
#include "pg/connection.hpp"
#include "support/standby.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"
#include "support/temp_directory.hpp"
#include "support/wait_until.hpp"

namespace lt::pg {
namespace {

using test::must;
using test::set_server_setting;
using test::Standby;
using test::TempDatabase;
using test::TempDirectory;
using test::wait_until;
using Clock = std::chrono::steady_clock;

constexpr char kNames[] = "synchronous_standby_names";

Connection connect(const std::string& url) { return must(Connection::open({.url = url, .purpose = "test"})); }

Clock::time_point in(std::chrono::milliseconds wait) { return Clock::now() + wait; }

/// Inserts a row into t; the wait of its COMMIT for a standby is cancelled.
absl::Status commit_cut_short(const std::string& url) {
  Connection connection = connect(url);
  Connection other = connect(url);
  must(connection.begin());
  must(connection.execute("INSERT INTO t VALUES (1)"));
  const auto pid = Params().add(std::int32_t{connection.backend_pid()});
  absl::Status status;
  std::thread committer([&] { status = connection.commit(); });
  const bool waits = wait_until([&] {
    const auto found =
        must(other.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'SyncRep'", pid));
    return found.get_int(0, 0) == 1;
  });
  must(other.execute("SELECT pg_cancel_backend($1)", pid));
  committer.join();
  if (!waits) throw std::runtime_error("the COMMIT did not wait");
  return status;
}

TEST_CASE("without synchronous standbys everything is replicated at once") {
  const TempDatabase database;
  Connection connection = database.connect();
  CHECK(must(is_replicated(connection)));
  REQUIRE_OK(wait_until_replicated(connection, Clock::now()));
}

TEST_CASE("a commit that a synchronous standby has not confirmed is unconfirmed until it has") {
  const TempDirectory directory;
  ClusterOptions options;
  options.directory = directory.path();
  options.for_tests = true;
  const Cluster primary = must(Cluster::start(options));
  must(connect(primary.url()).execute_script("CREATE TABLE t (id integer)"));
  Standby standby(primary, "one");
  set_server_setting(primary.url(), kNames, "one");
  Connection connection = connect(primary.url());
  must(connection.execute_script("INSERT INTO t VALUES (0)"));
  CHECK(must(is_replicated(connection)));

  standby.stop(Cluster::StopMode::kImmediate);
  REQUIRE_ERROR(commit_cut_short(primary.url()), absl::StatusCode::kUnavailable, "COMMIT_UNCONFIRMED");
  CHECK(must(connection.execute("SELECT count(*) FROM t")).get_int(0, 0) == 2);
  CHECK_FALSE(must(is_replicated(connection)));
  REQUIRE_ERROR(wait_until_replicated(connection, in(std::chrono::milliseconds(50))), absl::StatusCode::kUnavailable,
                "COMMIT_UNCONFIRMED");

  SECTION("the standby comes back while it is waited for") {
    absl::Status waited = absl::UnknownError("not yet");
    std::thread waiter([&] { waited = wait_until_replicated(connection, in(std::chrono::minutes(1))); });
    standby.restart();
    waiter.join();
    REQUIRE_OK(waited);
    CHECK(must(is_replicated(connection)));
    Connection reader = connect(standby.url());
    CHECK(wait_until([&] { return must(reader.execute("SELECT count(*) FROM t")).get_int(0, 0) == 2; }));
    REQUIRE(absl::IsFailedPrecondition(is_replicated(reader).status()));  // has nothing of its own to replicate
  }
  SECTION("two standbys are asked for and one is there") {
    standby.restart();
    set_server_setting(primary.url(), kNames, "ANY 1 (one, two)");
    REQUIRE_OK(wait_until_replicated(connection, in(std::chrono::minutes(1))));
    for (const char* names : {"ANY 2 (one, two)", "FIRST 2 (one, two)", "2 (one, two)", "two"}) {
      set_server_setting(primary.url(), kNames, names);
      // The walsender takes its new priority a moment later.
      CHECK(wait_until([&] { return !must(is_replicated(connection)); }));
    }
    set_server_setting(primary.url(), kNames, "*");
    REQUIRE_OK(wait_until_replicated(connection, in(std::chrono::minutes(1))));
  }
  SECTION("the operator goes on without it") {
    set_server_setting(primary.url(), kNames, "");
    REQUIRE_OK(wait_until_replicated(connection, Clock::now()));
  }
}

}  // namespace
}  // namespace lt::pg
