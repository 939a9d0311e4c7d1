#include <chrono>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "pg/connection.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"
#include "support/wait_until.hpp"

namespace lt::pg {
namespace {

using test::must;
using test::TempDatabase;

std::int64_t count_rows(Connection& connection) {
  return must(connection.execute("SELECT count(*) FROM t")).get_int(0, 0);
}

/// A table whose COMMIT waits for advisory lock 7: a deferred trigger takes it.
void make_slow_commit(Connection& connection) {
  must(
      connection.execute_script("CREATE TABLE t (id integer);"
                                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
                                "  $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;"
                                "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED "
                                "  FOR EACH ROW EXECUTE FUNCTION wait()"));
}

bool in_commit(Connection& observer, int pid, int milliseconds = 0) {
  return must(observer.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'advisory' "
                               "AND clock_timestamp() - query_start > $2 * interval '1 ms'",
                               Params().add(pid).add(milliseconds)))
             .get_int(0, 0) == 1;
}

TEST_CASE("a transaction is kept by commit and undone by rollback") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id integer)"));
  {
    Transaction transaction = must(Transaction::begin(connection));
    must(transaction.connection().execute("INSERT INTO t VALUES (1)"));
    CHECK(connection.in_transaction());
    REQUIRE_OK(transaction.commit());
    REQUIRE_ERROR(transaction.commit(), absl::StatusCode::kFailedPrecondition, "NO_TRANSACTION");
  }
  {
    Transaction transaction = must(Transaction::begin(connection));
    must(connection.execute("INSERT INTO t VALUES (2)"));
    REQUIRE_OK(transaction.rollback());
    REQUIRE_OK(transaction.rollback());
  }
  CHECK(count_rows(connection) == 1);
}

TEST_CASE("a transaction that goes out of scope is rolled back, also after an error and after a move") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id integer)"));
  {
    Transaction transaction = must(Transaction::begin(connection));
    Transaction moved = std::move(transaction);
    must(connection.execute("INSERT INTO t VALUES (1)"));
    CHECK_FALSE(connection.execute("SELECT 1 / 0").ok());
  }
  CHECK(connection.is_idle());
  CHECK(count_rows(connection) == 0);
}

TEST_CASE("a transaction with an open row stream of COPY is given up by its destructor") {
  const TempDatabase database;
  Connection connection = database.connect();
  auto transaction = std::make_unique<Transaction>(must(Transaction::begin(connection)));
  CopyOut copy = must(connection.copy_out("COPY (SELECT 1) TO STDOUT (FORMAT binary)"));
  transaction.reset();
  CHECK(connection.is_broken());
}

TEST_CASE("commit of a failed transaction is refused and rolls back") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id integer)"));
  REQUIRE_OK(connection.begin());
  must(connection.execute("INSERT INTO t VALUES (1)"));
  CHECK_FALSE(connection.execute("SELECT 1 / 0").ok());
  REQUIRE_ERROR(connection.execute("SELECT 1"), absl::StatusCode::kFailedPrecondition, "SQL_IN_FAILED_TRANSACTION");
  REQUIRE_ERROR(connection.commit(), absl::StatusCode::kFailedPrecondition, "TRANSACTION_FAILED");
  CHECK(connection.is_idle());
  CHECK(count_rows(connection) == 0);
}

TEST_CASE("begin inside a transaction and commit outside of one are refused") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_ERROR(connection.commit(), absl::StatusCode::kFailedPrecondition, "NO_TRANSACTION");
  REQUIRE_OK(connection.rollback());
  REQUIRE_OK(connection.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  REQUIRE_ERROR(connection.begin(), absl::StatusCode::kFailedPrecondition, "TRANSACTION_OPEN");
  REQUIRE_ERROR(connection.execute("CREATE TABLE t ()"), absl::StatusCode::kFailedPrecondition,
                "SQL_READ_ONLY_TRANSACTION");
}

TEST_CASE("a deferred constraint that fails COMMIT is the server's error and nothing is stored") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id integer UNIQUE DEFERRABLE INITIALLY DEFERRED)"));
  REQUIRE_OK(connection.begin());
  must(connection.execute("INSERT INTO t VALUES (1), (1)"));
  REQUIRE_ERROR(connection.commit(), absl::StatusCode::kAlreadyExists, "SQL_UNIQUE_VIOLATION");
  CHECK(connection.is_idle());
  CHECK(count_rows(connection) == 0);
}

TEST_CASE("a connection that breaks during COMMIT leaves the outcome unknown and says so") {
  const TempDatabase database;
  Connection connection = database.connect();
  Connection observer = database.connect();
  Connection holder = database.connect();
  make_slow_commit(connection);
  must(holder.execute("SELECT pg_advisory_lock(7)"));
  const int pid = connection.backend_pid();
  REQUIRE_OK(connection.begin());
  must(connection.execute("INSERT INTO t VALUES (1)"));
  absl::Status status;
  std::thread worker([&] { status = connection.commit(); });
  const bool reached = test::wait_until([&] { return in_commit(observer, pid); });
  must(observer.execute("SELECT pg_terminate_backend($1)", Params().add(pid)));
  worker.join();
  REQUIRE(reached);
  REQUIRE_ERROR(status, absl::StatusCode::kUnavailable, "COMMIT_UNKNOWN");
  CHECK(connection.is_broken());
}

TEST_CASE("a connection lost before COMMIT has certainly not committed") {
  const TempDatabase database;
  Connection connection = database.connect();
  Connection killer = database.connect();
  REQUIRE_OK(connection.begin());
  must(connection.execute("CREATE TABLE t ()"));
  must(killer.execute("SELECT pg_terminate_backend($1, 10000)", Params().add(connection.backend_pid())));
  REQUIRE_ERROR(connection.commit(), absl::StatusCode::kUnavailable, "CONNECTION_LOST");
  REQUIRE_ERROR(killer.execute("SELECT * FROM t"), absl::StatusCode::kInternal, "SQL_UNDEFINED_TABLE");
}

TEST_CASE("neither a cancel nor the statement timeout disturbs COMMIT") {
  const TempDatabase database;
  ConnectOptions options{.url = database.url(), .purpose = "commit"};
  constexpr int kTimeoutMs = 100;
  options.statement_timeout = std::chrono::milliseconds(kTimeoutMs);
  Connection connection = must(Connection::open(options));
  Connection observer = database.connect();
  Connection holder = database.connect();
  make_slow_commit(connection);
  must(holder.execute("SELECT pg_advisory_lock(7)"));
  const auto canceller = connection.canceller();
  const int pid = connection.backend_pid();
  REQUIRE_OK(connection.begin());
  must(connection.execute("INSERT INTO t VALUES (1)"));
  absl::Status status;
  std::thread worker([&] { status = connection.commit(); });
  const bool reached = test::wait_until([&] { return in_commit(observer, pid); });
  const absl::Status told = canceller->cancel();
  const bool overdue = test::wait_until([&] { return in_commit(observer, pid, 3 * kTimeoutMs); });
  must(holder.execute("SELECT pg_advisory_unlock(7)"));
  worker.join();
  REQUIRE(reached);
  REQUIRE(overdue);
  REQUIRE_OK(told);
  REQUIRE_OK(status);
  CHECK(count_rows(observer) == 1);
  // The cancel was not lost: it holds for what follows.
  REQUIRE_ERROR(connection.execute("SELECT 1"), absl::StatusCode::kCancelled, "CANCELLED");
}

}  // namespace
}  // namespace lt::pg
