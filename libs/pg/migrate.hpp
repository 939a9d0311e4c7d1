// Numbered, forward-only migrations of the database schema.
#pragma once

#include <span>
#include <string_view>

#include <absl/status/status.h>

#include "pg/connection.hpp"

namespace lt::pg {

/// One migration file. Immutable once it has been applied anywhere: its SHA-256 is recorded.
struct Migration {
  int number;             ///< From 1, ascending.
  std::string_view name;  ///< File name, for people.
  std::string_view sql;   ///< Statements without transaction control; they run in one transaction.
};

/// Brings the database to the last of `migrations`. What was applied before is skipped; programs that start at the
/// same time wait for each other (session advisory lock). Makes schema `lienthong` and the table
/// `lienthong.schema_migration (number, name, sha256, applied_at)` itself. Each migration is a transaction of its own:
/// after a failure the ones before it stay.
/// Errors: INVALID_ARGUMENT MIGRATION_LIST_INVALID numbers not ascending from 1; FAILED_PRECONDITION MIGRATION_CHANGED
/// an applied one has another checksum, MIGRATION_MISSING one below the database's version was never applied,
/// DATABASE_NEWER the database has a migration that this program does not know; INTERNAL MIGRATION_ENDED_TRANSACTION;
/// those of the server, naming the migration.
[[nodiscard]] absl::Status migrate(Connection& connection, std::span<const Migration> migrations);

}  // namespace lt::pg
