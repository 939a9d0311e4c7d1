#include "pg/sql_state.hpp"

#include <array>
#include <map>
#include <string_view>

#include <libpq-fe.h>

#include "base/status.hpp"

namespace lt::pg {
namespace {

using Code = absl::StatusCode;

struct Mapping {
  std::string_view sqlstate;
  Code code;
  std::string_view reason;
};

// The conditions that a caller may want to tell apart.
constexpr std::array kConditions{
    Mapping{"08P01", Code::kInternal, "SQL_PROTOCOL_VIOLATION"},
    Mapping{"22001", Code::kInvalidArgument, "SQL_STRING_TOO_LONG"},
    Mapping{"22003", Code::kInvalidArgument, "SQL_NUMBER_OUT_OF_RANGE"},
    Mapping{"22021", Code::kInvalidArgument, "SQL_CHARACTER_NOT_IN_REPERTOIRE"},
    Mapping{"22P02", Code::kInvalidArgument, "SQL_INVALID_TEXT"},
    Mapping{"22P03", Code::kInvalidArgument, "SQL_INVALID_BINARY"},
    Mapping{"22P04", Code::kInvalidArgument, "SQL_BAD_COPY_FORMAT"},
    Mapping{"23502", Code::kFailedPrecondition, "SQL_NOT_NULL_VIOLATION"},
    Mapping{"23503", Code::kFailedPrecondition, "SQL_FOREIGN_KEY_VIOLATION"},
    Mapping{"23505", Code::kAlreadyExists, "SQL_UNIQUE_VIOLATION"},
    Mapping{"23514", Code::kFailedPrecondition, "SQL_CHECK_VIOLATION"},
    Mapping{"23P01", Code::kFailedPrecondition, "SQL_EXCLUSION_VIOLATION"},
    Mapping{"25006", Code::kFailedPrecondition, "SQL_READ_ONLY_TRANSACTION"},
    Mapping{"25P02", Code::kFailedPrecondition, "SQL_IN_FAILED_TRANSACTION"},
    Mapping{"25P03", Code::kUnavailable, "SQL_IDLE_IN_TRANSACTION_TIMEOUT"},
    Mapping{"26000", Code::kAborted, "SQL_STALE_STATEMENT"},
    Mapping{"28P01", Code::kFailedPrecondition, "SQL_INVALID_PASSWORD"},
    Mapping{"3D000", Code::kFailedPrecondition, "SQL_NO_SUCH_DATABASE"},
    Mapping{"40001", Code::kAborted, "SQL_SERIALIZATION_FAILURE"},
    Mapping{"40003", Code::kUnavailable, "SQL_COMPLETION_UNKNOWN"},
    Mapping{"40P01", Code::kAborted, "SQL_DEADLOCK"},
    Mapping{"42501", Code::kPermissionDenied, "SQL_INSUFFICIENT_PRIVILEGE"},
    Mapping{"42601", Code::kInternal, "SQL_SYNTAX_ERROR"},
    Mapping{"42703", Code::kInternal, "SQL_UNDEFINED_COLUMN"},
    Mapping{"42P01", Code::kInternal, "SQL_UNDEFINED_TABLE"},
    Mapping{"42P07", Code::kAlreadyExists, "SQL_DUPLICATE_TABLE"},
    Mapping{"53100", Code::kResourceExhausted, "SQL_DISK_FULL"},
    Mapping{"53200", Code::kResourceExhausted, "SQL_OUT_OF_MEMORY"},
    Mapping{"53300", Code::kResourceExhausted, "SQL_TOO_MANY_CONNECTIONS"},
    Mapping{"55P03", Code::kAborted, "SQL_LOCK_NOT_AVAILABLE"},
    Mapping{"57014", Code::kCancelled, "SQL_QUERY_CANCELED"},
    Mapping{"57P01", Code::kUnavailable, "SQL_ADMIN_SHUTDOWN"},
    Mapping{"57P02", Code::kUnavailable, "SQL_CRASH_SHUTDOWN"},
    Mapping{"57P03", Code::kUnavailable, "SQL_CANNOT_CONNECT_NOW"},
    Mapping{"57P04", Code::kUnavailable, "SQL_DATABASE_DROPPED"},
    Mapping{"XX001", Code::kDataLoss, "SQL_DATA_CORRUPTED"},
    Mapping{"XX002", Code::kDataLoss, "SQL_INDEX_CORRUPTED"},
};

// The first two characters decide for the rest.
constexpr std::array kClasses{
    Mapping{"08", Code::kUnavailable, "SQL_CONNECTION_EXCEPTION"},
    Mapping{"22", Code::kInvalidArgument, "SQL_DATA_EXCEPTION"},
    Mapping{"23", Code::kFailedPrecondition, "SQL_INTEGRITY_VIOLATION"},
    Mapping{"25", Code::kFailedPrecondition, "SQL_INVALID_TRANSACTION_STATE"},
    Mapping{"28", Code::kFailedPrecondition, "SQL_INVALID_AUTHORIZATION"},
    Mapping{"40", Code::kAborted, "SQL_TRANSACTION_ROLLBACK"},
    Mapping{"53", Code::kResourceExhausted, "SQL_INSUFFICIENT_RESOURCES"},
    Mapping{"54", Code::kResourceExhausted, "SQL_LIMIT_EXCEEDED"},
    Mapping{"55", Code::kFailedPrecondition, "SQL_OBJECT_STATE"},
    Mapping{"57", Code::kUnavailable, "SQL_OPERATOR_INTERVENTION"},
};

Mapping find_mapping(std::string_view sqlstate) {
  for (const Mapping& mapping : kConditions) {
    if (mapping.sqlstate == sqlstate) return mapping;
  }
  for (const Mapping& mapping : kClasses) {
    if (sqlstate.starts_with(mapping.sqlstate)) return mapping;
  }
  return {sqlstate, Code::kInternal, "SQL_ERROR"};
}

// 57014 and 0A000 each stand for two conditions that callers treat differently.
Mapping refine(Mapping mapping, const SqlError& error) {
  if (error.sqlstate == "57014" && error.message.find("statement timeout") != std::string::npos) {
    return {mapping.sqlstate, Code::kDeadlineExceeded, "SQL_STATEMENT_TIMEOUT"};
  }
  if (error.sqlstate == "0A000" && error.function == "RevalidateCachedQuery") {
    return {mapping.sqlstate, Code::kAborted, "SQL_STALE_STATEMENT"};
  }
  return mapping;
}

std::string text_of(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

absl::Status to_status(const SqlError& error) {
  const Mapping mapping = refine(find_mapping(error.sqlstate), error);
  std::map<std::string, std::string> metadata{{"sqlstate", error.sqlstate}};
  if (!error.constraint.empty()) metadata["constraint"] = error.constraint;
  return make_error(mapping.code, mapping.reason, "database: " + error.message, std::move(metadata));
}

std::string sqlstate_of(const absl::Status& status) {
  const auto found = error_detail(status);
  if (!found) return {};
  const auto it = found->metadata.find("sqlstate");
  return it == found->metadata.end() ? std::string() : it->second;
}

namespace detail {

SqlError read_sql_error(const pg_result* result) {
  return {text_of(PQresultErrorField(result, PG_DIAG_SQLSTATE)),
          text_of(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)),
          text_of(PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME)),
          text_of(PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION)),
          text_of(PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED))};
}

}  // namespace detail

}  // namespace lt::pg
