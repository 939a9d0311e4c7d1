#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "pg/connection.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"

namespace lt::pg {
namespace {

using test::must;
using test::TempDatabase;

std::int64_t count_rows(Connection& connection) {
  return must(connection.execute("SELECT count(*) FROM t")).get_int(0, 0);
}

TEST_CASE("COPY takes every type in and gives it out again") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script(
      "CREATE TABLE t (a smallint, b integer, c bigint, d real, e double precision, f boolean, g text, h bytea, "
      "i \"char\", j timestamptz, k jsonb, l bigint[], m text[], n text)"));
  const std::vector<std::int64_t> numbers{1, -2};
  const std::vector<std::string> texts{"một", ""};
  {
    CopyIn copy = must(connection.copy_in("COPY t FROM STDIN (FORMAT binary)"));
    copy.begin_row(14).add(std::int16_t{-1}).add(std::int32_t{2}).add(std::int64_t{3}).add(0.5F).add(0.25).add(true);
    copy.add("chữ").add_bytes(std::string_view("\0\1", 2)).add_char('D').add_timestamp_us(1'000'001);
    copy.add_jsonb(R"({"k": [1]})").add_int8_array(numbers).add_text_array(texts).add_null();
    REQUIRE_OK(copy.end_row());
    CHECK(must(copy.finish()) == 1);
  }
  CHECK(must(connection.execute("SELECT k->'k'->>0, l[2], m[1], cardinality(m) FROM t")).get_text(0, 2) == "một");

  CopyOut copy =
      must(connection.copy_out("COPY (SELECT a, b, c, d, e, f, g, h, i, j, n FROM t) TO STDOUT (FORMAT binary)"));
  const Row* row = must(copy.next());
  REQUIRE(row != nullptr);
  REQUIRE(row->columns() == 11);
  CHECK(row->get_int(0) == -1);
  CHECK(row->get_int(1) == 2);
  CHECK(row->get_int(2) == 3);
  CHECK(row->get_float(3) == 0.5F);
  CHECK(row->get_double(4) == 0.25);
  CHECK(row->get_bool(5));
  CHECK(row->get_text(6) == "chữ");
  CHECK(row->get_bytes(7) == std::string_view("\0\1", 2));
  CHECK(row->get_char(8) == 'D');
  CHECK(row->get_timestamp_us(9) == 1'000'001);
  CHECK(row->is_null(10));
  CHECK(must(copy.next()) == nullptr);
  CHECK(must(copy.next()) == nullptr);
  CHECK(connection.is_idle());
}

TEST_CASE("COPY of no rows, one row, and more than a buffer full arrives complete") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id bigint PRIMARY KEY, s text)"));
  const std::int64_t rows = GENERATE(0, 1, 100'000);
  CopyIn copy = must(connection.copy_in("COPY t (id, s) FROM STDIN (FORMAT binary)"));
  for (std::int64_t id = 0; id < rows; ++id) {
    copy.begin_row(2).add(id).add("feature-" + std::to_string(id));
    REQUIRE_OK(copy.end_row());
  }
  CHECK(must(copy.finish()) == rows);
  REQUIRE_ERROR(copy.finish(), absl::StatusCode::kFailedPrecondition, "COPY_CLOSED");

  CopyOut out = must(connection.copy_out("COPY (SELECT id, s FROM t ORDER BY id) TO STDOUT (FORMAT binary)"));
  std::int64_t seen = 0;
  for (const Row* row = must(out.next()); row != nullptr; row = must(out.next())) {
    REQUIRE(row->get_int(0) == seen);
    REQUIRE(row->get_text(1) == "feature-" + std::to_string(seen));
    ++seen;
  }
  CHECK(seen == rows);
}

TEST_CASE("rows encoded elsewhere are copied after those before them") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id bigint)"));
  CopyEncoder encoder;
  for (std::int64_t id = 0; id < 1000; ++id) encoder.begin_row(1).add(id);
  CopyIn copy = must(connection.copy_in("COPY t FROM STDIN (FORMAT binary)"));
  copy.begin_row(1).add(std::int64_t{-1});
  REQUIRE_OK(copy.end_row());
  REQUIRE_OK(copy.write_raw(encoder.take()));
  CHECK(must(copy.finish()) == 1001);
  const auto sum = must(connection.execute("SELECT sum(id)::bigint FROM t"));
  CHECK(sum.get_int(0, 0) == 999 * 1000 / 2 - 1);
}

TEST_CASE("a COPY that is dropped before its end stores nothing and frees the connection") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id bigint)"));
  {
    CopyIn copy = must(connection.copy_in("COPY t FROM STDIN (FORMAT binary)"));
    for (std::int64_t id = 0; id < 50'000; ++id) {
      copy.begin_row(1).add(id);
      REQUIRE_OK(copy.end_row());
    }
    REQUIRE_ERROR(connection.execute("SELECT 1"), absl::StatusCode::kFailedPrecondition, "CONNECTION_BUSY");
  }
  CHECK(connection.is_idle());
  CHECK(count_rows(connection) == 0);
}

TEST_CASE("a row with too few values is refused before it is sent") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (a bigint, b bigint)"));
  CopyIn copy = must(connection.copy_in("COPY t FROM STDIN (FORMAT binary)"));
  copy.begin_row(2).add(std::int64_t{1});
  REQUIRE_ERROR(copy.end_row(), absl::StatusCode::kInternal, "COPY_ROW_INCOMPLETE");
  REQUIRE_ERROR(copy.finish(), absl::StatusCode::kInternal, "COPY_ROW_INCOMPLETE");
  CHECK(count_rows(connection) == 0);
}

TEST_CASE("what the server finds wrong in a COPY is reported at its end") {
  const TempDatabase database;
  Connection connection = database.connect();
  must(connection.execute_script("CREATE TABLE t (id bigint CONSTRAINT t_key PRIMARY KEY)"));
  CopyIn copy = must(connection.copy_in("COPY t FROM STDIN (FORMAT binary)"));
  for (int i = 0; i < 2; ++i) copy.begin_row(1).add(std::int64_t{7});
  REQUIRE_ERROR(copy.finish(), absl::StatusCode::kAlreadyExists, "SQL_UNIQUE_VIOLATION");
  CopyIn wrong_type = must(connection.copy_in("COPY t FROM STDIN (FORMAT binary)"));
  wrong_type.begin_row(1).add(std::int32_t{7});
  CHECK_FALSE(wrong_type.finish().ok());
  CHECK(connection.is_idle());
  CHECK(count_rows(connection) == 0);
}

TEST_CASE("a COPY out holds one row at a time, and stopping early gives the connection up") {
  const TempDatabase database;
  Connection connection = database.connect();
  {
    CopyOut copy =
        must(connection.copy_out("COPY (SELECT generate_series(1, 1000000000000)) TO STDOUT (FORMAT binary)"));
    for (std::int64_t n = 1; n <= 100'000; ++n) {
      const Row* row = must(copy.next());
      REQUIRE(row != nullptr);
      REQUIRE(row->get_int(0) == n);
    }
  }
  CHECK(connection.is_broken());
}

TEST_CASE("an error in the middle of a COPY out is reported after the rows before it") {
  const TempDatabase database;
  Connection connection = database.connect();
  CopyOut copy =
      must(connection.copy_out("COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT (FORMAT binary)"));
  CHECK(must(copy.next()) != nullptr);
  CHECK(must(copy.next()) != nullptr);
  REQUIRE_ERROR(copy.next(), absl::StatusCode::kInvalidArgument, "SQL_DATA_EXCEPTION");
  CHECK(connection.is_idle());
}

TEST_CASE("a COPY that cannot start leaves the connection usable, one in text format does not") {
  const TempDatabase database;
  Connection connection = database.connect();
  REQUIRE_ERROR(connection.copy_in("COPY absent FROM STDIN (FORMAT binary)"), absl::StatusCode::kInternal,
                "SQL_UNDEFINED_TABLE");
  CHECK(connection.is_idle());
  REQUIRE_ERROR(connection.copy_out("COPY (SELECT 1) TO STDOUT"), absl::StatusCode::kInvalidArgument,
                "COPY_NOT_BINARY");
  CHECK(connection.is_broken());
}

}  // namespace
}  // namespace lt::pg
