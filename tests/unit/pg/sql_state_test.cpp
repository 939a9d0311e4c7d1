#include "pg/sql_state.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace lt::pg {
namespace {

struct Expected {
  std::string sqlstate;
  absl::StatusCode code;
  std::string reason;
};

TEST_CASE("an SQLSTATE decides code and reason") {
  const Expected expected = GENERATE(values<Expected>({
      {"23505", absl::StatusCode::kAlreadyExists, "SQL_UNIQUE_VIOLATION"},
      {"23503", absl::StatusCode::kFailedPrecondition, "SQL_FOREIGN_KEY_VIOLATION"},
      {"23999", absl::StatusCode::kFailedPrecondition, "SQL_INTEGRITY_VIOLATION"},
      {"40001", absl::StatusCode::kAborted, "SQL_SERIALIZATION_FAILURE"},
      {"40P01", absl::StatusCode::kAborted, "SQL_DEADLOCK"},
      {"55P03", absl::StatusCode::kAborted, "SQL_LOCK_NOT_AVAILABLE"},
      {"57014", absl::StatusCode::kCancelled, "SQL_QUERY_CANCELED"},
      {"53300", absl::StatusCode::kResourceExhausted, "SQL_TOO_MANY_CONNECTIONS"},
      {"54000", absl::StatusCode::kResourceExhausted, "SQL_LIMIT_EXCEEDED"},
      {"08006", absl::StatusCode::kUnavailable, "SQL_CONNECTION_EXCEPTION"},
      {"57P01", absl::StatusCode::kUnavailable, "SQL_ADMIN_SHUTDOWN"},
      {"25P03", absl::StatusCode::kUnavailable, "SQL_IDLE_IN_TRANSACTION_TIMEOUT"},
      {"22012", absl::StatusCode::kInvalidArgument, "SQL_DATA_EXCEPTION"},
      {"42501", absl::StatusCode::kPermissionDenied, "SQL_INSUFFICIENT_PRIVILEGE"},
      {"42P01", absl::StatusCode::kInternal, "SQL_UNDEFINED_TABLE"},
      {"XX001", absl::StatusCode::kDataLoss, "SQL_DATA_CORRUPTED"},
      {"XX000", absl::StatusCode::kInternal, "SQL_ERROR"},
      {"0A000", absl::StatusCode::kInternal, "SQL_ERROR"},
  }));
  const absl::Status status = to_status({expected.sqlstate, "m", "", "", ""});
  INFO(expected.sqlstate);
  CHECK(status.code() == expected.code);
  CHECK(error_reason(status) == expected.reason);
  CHECK(sqlstate_of(status) == expected.sqlstate);
}

TEST_CASE("a statement timeout is told from a cancel") {
  const absl::Status status = to_status({"57014", "canceling statement due to statement timeout", "", "", ""});
  CHECK(status.code() == absl::StatusCode::kDeadlineExceeded);
  CHECK(error_reason(status) == "SQL_STATEMENT_TIMEOUT");
}

TEST_CASE("a stale prepared statement is told from other things not supported") {
  const absl::Status status =
      to_status({"0A000", "cached plan must not change result type", "", "RevalidateCachedQuery", ""});
  CHECK(status.code() == absl::StatusCode::kAborted);
  CHECK(error_reason(status) == "SQL_STALE_STATEMENT");
}

TEST_CASE("the violated constraint is in the metadata") {
  const auto detail = error_detail(to_status({"23505", "m", "pk_feature", "", ""}));
  REQUIRE(detail.has_value());
  CHECK(detail->metadata.at("constraint") == "pk_feature");
}

TEST_CASE("a status that is not from SQL has no SQLSTATE") {
  CHECK(sqlstate_of(absl::OkStatus()).empty());
  CHECK(sqlstate_of(make_error(absl::StatusCode::kInternal, "X", "y")).empty());
}

}  // namespace
}  // namespace lt::pg
