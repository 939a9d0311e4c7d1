// PostgreSQL's error codes as absl::Status. The only place where an SQLSTATE becomes a status code.
#pragma once

#include <string>

#include <absl/status/status.h>

struct pg_result;

namespace lt::pg {

/// What the server said about an error, without its DETAIL, CONTEXT and QUERY: those hold data and SQL text.
struct SqlError {
  std::string sqlstate;    ///< Five characters.
  std::string message;     ///< The primary message.
  std::string constraint;  ///< The violated constraint, or "".
  std::string function;    ///< The server function that raised it, or ""; unlike the message it is not translated.
  std::string severity;    ///< "ERROR", "FATAL", "WARNING", ..., not translated; "" if unknown.
};

/// The status of an error of the server.
/// Codes: 23505 ALREADY_EXISTS; rest of class 23 FAILED_PRECONDITION; 40001, 40P01, 55P03 and stale plans ABORTED
/// (restart the transaction); 57014 DEADLINE_EXCEEDED for statement_timeout, else CANCELLED; 53xxx and 54xxx
/// RESOURCE_EXHAUSTED; 08xxx, 57P0x, 25P03, 40003 UNAVAILABLE; 22xxx INVALID_ARGUMENT; 42501 PERMISSION_DENIED; 25xxx,
/// 28xxx, 3D000, 55xxx FAILED_PRECONDITION; XX001, XX002 DATA_LOSS; others INTERNAL.
/// Reason: "SQL_" and the condition's name where callers tell conditions apart (SQL_UNIQUE_VIOLATION), else
/// "SQL_ERROR". Metadata: sqlstate, and constraint if there is one.
/// @source PostgreSQL 15 manual, appendix A.
[[nodiscard]] absl::Status to_status(const SqlError& error);

/// The five characters of a status made by to_status(), or "".
[[nodiscard]] std::string sqlstate_of(const absl::Status& status);

namespace detail {
/// The error fields of a failed result.
[[nodiscard]] SqlError read_sql_error(const pg_result* result);
}  // namespace detail

}  // namespace lt::pg
