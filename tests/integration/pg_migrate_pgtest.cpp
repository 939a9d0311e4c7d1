#include "pg/migrate.hpp"

#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "support/status.hpp"
#include "support/temp_database.hpp"

namespace lt::pg {
namespace {

using test::must;
using test::TempDatabase;

const std::vector<Migration> kTwo{{1, "0001_first.sql", "CREATE TABLE a (id integer); INSERT INTO a VALUES (1)"},
                                  {2, "0002_second.sql", "ALTER TABLE a ADD name text"}};

std::int64_t applied(Connection& connection) {
  return must(connection.execute("SELECT count(*) FROM lienthong.schema_migration")).get_int(0, 0);
}

TEST_CASE("migrations are applied once, in order, and recorded") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_OK(migrate(connection, std::span(kTwo).first(1)));
  CHECK(applied(connection) == 1);
  REQUIRE_OK(migrate(connection, kTwo));
  REQUIRE_OK(migrate(connection, kTwo));
  CHECK(applied(connection) == 2);
  const auto row = must(connection.execute("SELECT id, name FROM a"));
  CHECK(row.rows() == 1);
  const auto names = must(connection.execute(
      "SELECT name, octet_length(sha256), applied_at <= now() FROM lienthong.schema_migration ORDER BY number"));
  CHECK(names.get_text(1, 0) == "0002_second.sql");
  CHECK(names.get_int(1, 1) == 32);
  CHECK(names.get_bool(1, 2));
}

TEST_CASE("an empty list of migrations prepares the table and nothing else") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_OK(migrate(connection, {}));
  CHECK(applied(connection) == 0);
}

TEST_CASE("a migration that was changed after it was applied is refused") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_OK(migrate(connection, kTwo));
  std::vector<Migration> changed = kTwo;
  changed[0].sql = "CREATE TABLE a (id bigint)";
  changed.push_back({3, "0003_third.sql", "CREATE TABLE b ()"});
  const absl::Status status = migrate(connection, changed);
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "MIGRATION_CHANGED");
  CHECK(message_of(status).find("0001_first.sql") != std::string::npos);
  CHECK(applied(connection) == 2);
}

TEST_CASE("a database that is newer than the program is refused with what to do") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_OK(migrate(connection, kTwo));
  const absl::Status status = migrate(connection, std::span(kTwo).first(1));
  REQUIRE_ERROR(status, absl::StatusCode::kFailedPrecondition, "DATABASE_NEWER");
  CHECK(message_of(status).find("install the newer program") != std::string::npos);
  CHECK(error_detail(status)->metadata.at("database_version") == "2");
}

TEST_CASE("a migration that fails leaves nothing of itself and keeps those before it") {
  const TempDatabase database;
  Connection connection = database.connect();
  std::vector<Migration> bad = kTwo;
  bad.push_back({3, "0003_bad.sql", "CREATE TABLE b (); SELECT 1 / 0"});
  const absl::Status status = migrate(connection, bad);
  REQUIRE_ERROR(status, absl::StatusCode::kInvalidArgument, "SQL_DATA_EXCEPTION");
  CHECK(message_of(status).find("migration 3 (0003_bad.sql)") == 0);
  CHECK(applied(connection) == 2);
  CHECK(must(connection.execute("SELECT to_regclass('b') IS NULL")).get_bool(0, 0));
  bad[2].sql = "CREATE TABLE b ()";
  REQUIRE_OK(migrate(connection, bad));
}

TEST_CASE("a migration may not end its transaction") {
  const TempDatabase database;
  Connection connection = database.connect();
  const std::vector<Migration> bad{{1, "0001_commit.sql", "CREATE TABLE a (); COMMIT"}};
  REQUIRE_ERROR(migrate(connection, bad), absl::StatusCode::kInternal, "MIGRATION_ENDED_TRANSACTION");
  CHECK(applied(connection) == 0);
}

TEST_CASE("a migration below the version of the database is refused") {
  const TempDatabase database;
  Connection connection = database.connect();
  const std::vector<Migration> later{{2, "0002.sql", "SELECT 1"}};
  REQUIRE_OK(migrate(connection, later));
  const std::vector<Migration> both{{1, "0001.sql", "SELECT 1"}, {2, "0002.sql", "SELECT 1"}};
  REQUIRE_ERROR(migrate(connection, both), absl::StatusCode::kFailedPrecondition, "MIGRATION_MISSING");
}

TEST_CASE("a list that does not ascend is refused") {
  const TempDatabase database;
  Connection connection = database.connect();
  for (const int second : {0, 1}) {
    const std::vector<Migration> bad{{1, "a.sql", "SELECT 1"}, {second, "b.sql", "SELECT 1"}};
    REQUIRE_ERROR(migrate(connection, bad), absl::StatusCode::kInvalidArgument, "MIGRATION_LIST_INVALID");
  }
}

TEST_CASE("programs that migrate at the same time wait for each other") {
  const TempDatabase database;
  std::vector<absl::Status> results(4);
  std::vector<std::thread> threads;
  for (absl::Status& result : results) {
    threads.emplace_back([&] {
      auto connection = Connection::open({.url = database.url(), .purpose = "migrate"});
      result = connection.ok() ? migrate(*connection, kTwo) : connection.status();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& result : results) REQUIRE_OK(result);
  Connection connection = database.connect();
  CHECK(applied(connection) == 2);
  CHECK(must(connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid "
                                "FROM pg_database WHERE datname = current_database())"))
            .get_int(0, 0) == 0);
}

}  // namespace
}  // namespace lt::pg
