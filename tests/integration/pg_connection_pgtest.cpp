#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "pg/connection.hpp"
#include "pg/sql_state.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"
#include "support/wait_until.hpp"

namespace lt::pg {
namespace {

using test::must;
using test::TempDatabase;

bool is_waiting(Connection& observer, int pid, std::string_view event) {
  const auto result = must(
      observer.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND wait_event = $2",
                       Params().add(pid).add(event)));
  return result.get_int(0, 0) == 1;
}

TEST_CASE("every parameter type comes back as it was sent") {
  const TempDatabase database;
  Connection connection = database.connect();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  const std::string bytes("\0\xff'\\", 4);
  Params params;
  params.add(std::int16_t{-7}).add(std::int32_t{-8}).add(kLeast).add(-0.0).add(0.1F).add(true).add("Đường \"QL1\"");
  params.add_bytes(bytes).add_char('U').add_timestamp_us(-1).add_jsonb(R"({"a": 1})");
  const auto result = must(connection.execute("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11", params));
  REQUIRE(result.rows() == 1);
  REQUIRE(result.columns() == 11);
  CHECK(result.get_int(0, 0) == -7);
  CHECK(result.get_int(0, 1) == -8);
  CHECK(result.get_int(0, 2) == kLeast);
  CHECK(std::signbit(result.get_double(0, 3)));
  CHECK(result.get_float(0, 4) == 0.1F);
  CHECK(result.get_bool(0, 5));
  CHECK(result.get_text(0, 6) == "Đường \"QL1\"");
  CHECK(result.get_bytes(0, 7) == bytes);
  CHECK(result.get_char(0, 8) == 'U');
  CHECK(result.get_timestamp_us(0, 9) == -1);
  CHECK(result.get_text(0, 10) == R"({"a": 1})");
}

TEST_CASE("NULL parameters come back as NULL, typed and untyped") {
  const TempDatabase database;
  Connection connection = database.connect();
  const auto params = Params().add(std::optional<std::int64_t>()).add_null();
  const auto result = must(connection.execute("SELECT $1, $2::text", params));
  CHECK(result.is_null(0, 0));
  CHECK(result.get_optional_int(0, 0) == std::nullopt);
  CHECK(result.get_optional_text(0, 1) == std::nullopt);
  CHECK(result.get_text(0, 1).empty());
}

TEST_CASE("arrays of no, one and many elements arrive as arrays") {
  const TempDatabase database;
  Connection connection = database.connect();
  const auto count = GENERATE(0, 1, 10'000);
  std::vector<std::int64_t> numbers;
  std::vector<std::string> texts;
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) {
    numbers.push_back(i);
    texts.push_back("ố" + std::to_string(i));
    sum += i;
  }
  const auto result = must(connection.execute(
      "SELECT cardinality($1), (SELECT coalesce(sum(n), 0)::bigint FROM unnest($1) n), cardinality($2), $2[1]",
      Params().add_int8_array(numbers).add_text_array(texts)));
  CHECK(result.get_int(0, 0) == count);
  CHECK(result.get_int(0, 1) == sum);
  CHECK(result.get_int(0, 2) == count);
  CHECK(result.get_optional_text(0, 3).value_or("") == (count == 0 ? "" : "ố0"));
}

TEST_CASE("columns of rows encoded for COPY arrive as arrays of their types, with NULLs") {
  const TempDatabase database;
  Connection connection = database.connect();
  CopyEncoder rows;
  rows.begin_row(6)
      .add(std::int64_t{-7})
      .add(0.5F)
      .add_char('D')
      .add("ố")
      .add_bytes({"\0\1", 2})
      .add_jsonb(R"({"k":1})");
  rows.begin_row(6).add_null().add_null().add_null().add_null().add_null().add_null();
  const auto values = values_of(rows.bytes());
  REQUIRE(values.size() == 12);
  Params params;
  std::size_t column = 0;
  for (const auto type : {ElementType::kBigint, ElementType::kReal, ElementType::kChar, ElementType::kText,
                          ElementType::kBytea, ElementType::kJsonb}) {
    params.add_raw_array(type, std::vector<RawValue>{values[column], values[column + 6]});
    ++column;
  }
  const auto result = must(connection.execute(
      "SELECT u.* FROM unnest($1::int8[], $2::float4[], $3::\"char\"[], $4::text[], $5::bytea[], $6::jsonb[]) u",
      params));
  REQUIRE(result.rows() == 2);
  CHECK(result.get_int(0, 0) == -7);
  CHECK(result.get_float(0, 1) == 0.5F);
  CHECK(result.get_char(0, 2) == 'D');
  CHECK(result.get_text(0, 3) == "ố");
  CHECK(result.get_bytes(0, 4) == std::string_view("\0\1", 2));
  CHECK(result.get_text(0, 5) == R"({"k": 1})");
  for (int c = 0; c < 6; ++c) CHECK(result.is_null(1, c));
  CHECK(values_of("").empty());
}

TEST_CASE("a timestamp is the same instant for client and server") {
  const TempDatabase database;
  Connection connection = database.connect();
  const auto result = must(connection.execute(
      "SELECT $1 = timestamptz '2024-05-06 07:08:09.000001+07', timestamptz 'infinity', timestamptz '-infinity'",
      Params().add_timestamp_us(1'714'954'089'000'001)));
  CHECK(result.get_bool(0, 0));
  CHECK(result.get_timestamp_us(0, 1) == std::numeric_limits<std::int64_t>::max());
  CHECK(result.get_timestamp_us(0, 2) == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("the session is set up as promised") {
  const TempDatabase database;
  ConnectOptions options{.url = database.url(), .purpose = "settings"};
  options.statement_timeout = std::chrono::milliseconds(1234);
  Connection connection = must(Connection::open(options));
  const auto result = must(connection.execute(
      "SELECT current_setting('application_name'), current_setting('client_encoding'), current_setting('timezone'), "
      "current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout'), "
      "pg_backend_pid()"));
  CHECK(result.get_text(0, 0) == "lienthong/settings");
  CHECK(result.get_text(0, 1) == "UTF8");
  CHECK(result.get_text(0, 2) == "UTC");
  CHECK(result.get_text(0, 3) == "1234ms");
  CHECK(result.get_text(0, 4) == "1min");
  CHECK(result.get_int(0, 5) == connection.backend_pid());
}

TEST_CASE("synchronous_commit is raised to on but a stricter setting stays") {
  const TempDatabase database;
  const auto setting = [&](const std::string& value) {
    Connection admin = database.connect();
    must(admin.execute_script("ALTER DATABASE " + database.name() + " SET synchronous_commit = " + value));
    Connection connection = database.connect();
    return std::string(must(connection.execute("SHOW synchronous_commit")).get_text(0, 0));
  };
  CHECK(setting("off") == "on");
  CHECK(setting("local") == "on");
  CHECK(setting("remote_apply") == "remote_apply");
}

TEST_CASE("errors of the server carry code, reason and constraint but no data") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id integer CONSTRAINT t_key PRIMARY KEY, s text)"));
  const auto insert = [&] { return connection.execute("INSERT INTO t VALUES (1, 'bí mật')"); };
  REQUIRE(must(insert()).affected() == 1);
  const absl::Status status = insert().status();
  REQUIRE_ERROR(status, absl::StatusCode::kAlreadyExists, "SQL_UNIQUE_VIOLATION");
  CHECK(sqlstate_of(status) == "23505");
  CHECK(error_detail(status)->metadata.at("constraint") == "t_key");
  CHECK(message_of(status).find("INSERT") == std::string::npos);
  CHECK(message_of(status).find("bí mật") == std::string::npos);
  REQUIRE_ERROR(connection.execute("SELECT * FROM absent"), absl::StatusCode::kInternal, "SQL_UNDEFINED_TABLE");
  REQUIRE_ERROR(connection.execute("SELECT $1", Params().add(std::string_view("a\0b", 3))),
                absl::StatusCode::kInvalidArgument, "SQL_CHARACTER_NOT_IN_REPERTOIRE");
  CHECK(connection.is_idle());
}

TEST_CASE("a statement is prepared from its second use on and never more than 256 are kept") {
  const TempDatabase database;
  Connection connection = database.connect();
  const auto prepared = [&] {
    return must(connection.execute("SELECT count(*) FROM pg_prepared_statements", {}, false)).get_int(0, 0);
  };
  must(connection.execute("SELECT 1"));
  CHECK(prepared() == 0);
  must(connection.execute("SELECT 1"));
  CHECK(prepared() == 1);
  must(connection.execute("SELECT 1"));
  CHECK(prepared() == 1);
  for (int i = 0; i < 600; ++i) {
    const std::string sql = "SELECT " + std::to_string(i + 2);
    must(connection.execute(sql));
    REQUIRE(must(connection.execute(sql)).get_int(0, 0) == i + 2);
  }
  CHECK(prepared() <= 257);  // an evicted one goes with the next PREPARE
  CHECK(prepared() >= 250);
}

TEST_CASE("the same text with other parameter types is another statement") {
  const TempDatabase database;
  Connection connection = database.connect();
  for (int i = 0; i < 3; ++i) {
    CHECK(must(connection.execute("SELECT pg_typeof($1)::text", Params().add(1))).get_text(0, 0) == "integer");
    CHECK(must(connection.execute("SELECT pg_typeof($1)::text", Params().add("1"))).get_text(0, 0) == "text");
  }
}

TEST_CASE("a prepared statement whose table changes is run again, or restarts the transaction") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)"));
  for (int i = 0; i < 3; ++i) must(connection.execute("SELECT * FROM t"));
  must(connection.execute_script("ALTER TABLE t ADD b integer DEFAULT 2"));
  CHECK(must(connection.execute("SELECT * FROM t")).columns() == 2);

  for (int i = 0; i < 3; ++i) must(connection.execute("SELECT * FROM t"));
  must(connection.execute_script("ALTER TABLE t ADD c integer"));
  must(connection.begin());
  REQUIRE_ERROR(connection.execute("SELECT * FROM t"), absl::StatusCode::kAborted, "SQL_STALE_STATEMENT");
  must(connection.rollback());
  must(connection.begin());
  CHECK(must(connection.execute("SELECT * FROM t")).columns() == 3);
  must(connection.commit());
}

TEST_CASE("statements that somebody deallocated are prepared again") {
  const TempDatabase database;
  Connection connection = database.connect();
  for (int i = 0; i < 3; ++i) must(connection.execute("SELECT 42"));
  must(connection.execute_script("DEALLOCATE ALL"));
  CHECK(must(connection.execute("SELECT 42")).get_int(0, 0) == 42);
}

TEST_CASE("a row stream holds one row at a time and can be stopped in the middle") {
  const TempDatabase database;
  Connection connection = database.connect();
  std::int64_t seen = 0;
  // 10^12 rows: gathered in memory or run to the end this would never come back. (In FROM the server would gather.)
  const absl::Status status =
      connection.for_each_row("SELECT generate_series(1, $1), repeat('x', 1000)",
                              Params().add(std::int64_t{1'000'000'000'000}), [&](const Row& row) {
                                if (row.get_int(0) != seen + 1 || row.get_text(1).size() != 1000)
                                  return absl::DataLossError("wrong row");
                                ++seen;
                                return seen == 100'000 ? absl::OutOfRangeError("enough") : absl::OkStatus();
                              });
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(seen == 100'000);
  CHECK_FALSE(connection.is_broken());
  CHECK(must(connection.execute("SELECT 1")).get_int(0, 0) == 1);
}

TEST_CASE("a row stream of no rows calls nobody and an error in the middle is reported") {
  const TempDatabase database;
  Connection connection = database.connect();
  int seen = 0;
  const auto count = [&](const Row&) {
    ++seen;
    return absl::OkStatus();
  };
  REQUIRE_OK(connection.for_each_row("SELECT 1 WHERE false", {}, count));
  CHECK(seen == 0);
  REQUIRE_ERROR(connection.for_each_row("SELECT 1 / (3 - n) FROM generate_series(1, 5) n", {}, count),
                absl::StatusCode::kInvalidArgument, "SQL_DATA_EXCEPTION");
  CHECK(seen == 2);
  CHECK(connection.is_idle());
}

TEST_CASE("a script runs all its statements as one or none") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_OK(connection.execute_script("CREATE TABLE t (a integer); INSERT INTO t VALUES (1), (2)"));
  REQUIRE_OK(connection.execute_script(""));
  REQUIRE_ERROR(connection.execute_script("INSERT INTO t VALUES (3); SELECT 1 / 0"), absl::StatusCode::kInvalidArgument,
                "SQL_DATA_EXCEPTION");
  CHECK(must(connection.execute("SELECT count(*) FROM t")).get_int(0, 0) == 2);
}

TEST_CASE("identifiers are quoted, and refused where the server would cut or reject them") {
  const TempDatabase database;
  Connection connection = database.connect();
  CHECK(must(connection.quote_identifier("a\"b; đ")) == "\"a\"\"b; đ\"");
  CHECK(must(connection.quote_identifier(std::string(63, 'x'))).size() == 65);
  for (const std::string& bad : {std::string(), std::string(64, 'x'), std::string("a\0b", 3), std::string("\xff")}) {
    REQUIRE_ERROR(connection.quote_identifier(bad), absl::StatusCode::kInvalidArgument, "IDENTIFIER_INVALID");
  }
}

TEST_CASE("another thread cancels a running statement and later ones are refused until rollback") {
  const TempDatabase database;
  Connection connection = database.connect();
  Connection observer = database.connect();
  const auto canceller = connection.canceller();
  const int pid = connection.backend_pid();
  absl::Status status;
  std::thread worker([&] { status = connection.execute("SELECT pg_sleep(3600)").status(); });
  const bool waited = test::wait_until([&] { return is_waiting(observer, pid, "PgSleep"); });
  const absl::Status told = canceller->cancel();
  worker.join();
  REQUIRE(waited);
  REQUIRE_OK(told);
  REQUIRE_ERROR(status, absl::StatusCode::kCancelled, "SQL_QUERY_CANCELED");
  REQUIRE_ERROR(connection.execute("SELECT 1"), absl::StatusCode::kCancelled, "CANCELLED");
  REQUIRE_ERROR(connection.begin(), absl::StatusCode::kCancelled, "CANCELLED");
  REQUIRE_OK(connection.rollback());
  REQUIRE_OK(connection.execute("SELECT 1"));
}

TEST_CASE("a cancel between two statements is not lost") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_OK(connection.begin());
  REQUIRE_OK(connection.canceller()->cancel());
  REQUIRE_ERROR(connection.execute("SELECT 1"), absl::StatusCode::kCancelled, "CANCELLED");
  REQUIRE_OK(connection.rollback());
  CHECK(connection.is_idle());
}

TEST_CASE("a revoked canceller does nothing and a canceller outlives its connection") {
  const TempDatabase database;
  std::shared_ptr<Canceller> last;
  {
    Connection connection = database.connect();
    const auto old = connection.canceller();
    connection.revoke_canceller();
    REQUIRE_OK(old->cancel());
    REQUIRE_OK(connection.execute("SELECT 1"));
    last = connection.canceller();
    CHECK(last != old);
  }
  REQUIRE_OK(last->cancel());
}

TEST_CASE("a statement timeout ends the statement with its own reason") {
  const TempDatabase database;
  ConnectOptions options{.url = database.url(), .purpose = "timeout"};
  options.statement_timeout = std::chrono::milliseconds(20);
  Connection connection = must(Connection::open(options));
  REQUIRE_ERROR(connection.execute("SELECT pg_sleep(3600)"), absl::StatusCode::kDeadlineExceeded,
                "SQL_STATEMENT_TIMEOUT");
}

TEST_CASE("a terminated session is broken and says so from then on") {
  const TempDatabase database;
  Connection connection = database.connect();
  Connection killer = database.connect();
  const auto killed =
      must(killer.execute("SELECT pg_terminate_backend($1, 10000)", Params().add(connection.backend_pid())));
  REQUIRE(killed.get_bool(0, 0));
  const absl::Status first = connection.execute("SELECT 1").status();
  CHECK(first.code() == absl::StatusCode::kUnavailable);
  CHECK(connection.is_broken());
  CHECK_FALSE(connection.is_usable());
  REQUIRE_ERROR(connection.execute("SELECT 1"), absl::StatusCode::kUnavailable, "CONNECTION_LOST");
  REQUIRE_ERROR(connection.rollback(), absl::StatusCode::kUnavailable, "CONNECTION_LOST");
}

TEST_CASE("a database that is not there and a wrong password have reasons of their own") {
  const TempDatabase database;
  const std::string absent = must(with_database(database.url(), "absent"));
  REQUIRE_ERROR(Connection::open({.url = absent}), absl::StatusCode::kFailedPrecondition, "SQL_NO_SUCH_DATABASE");
  const std::size_t colon = database.url().find(':', database.url().find("//"));
  std::string wrong = database.url();
  wrong.insert(colon + 1, "x");
  REQUIRE_ERROR(Connection::open({.url = wrong}), absl::StatusCode::kFailedPrecondition, "SQL_INVALID_PASSWORD");
}

TEST_CASE("COPY by execute is refused and closes the connection instead of hanging it") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_ERROR(connection.execute_script("COPY (SELECT 1) TO STDOUT"), absl::StatusCode::kInternal,
                "COPY_NOT_EXPECTED");
  CHECK(connection.is_broken());
}

}  // namespace
}  // namespace lt::pg
