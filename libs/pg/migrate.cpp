#include "pg/migrate.hpp"

#include <map>
#include <string>

#include <spdlog/fmt/fmt.h>
#include <spdlog/spdlog.h>

#include "base/bytes.hpp"
#include "base/status.hpp"

namespace lt::pg {
namespace {

/// Any fixed number that nothing else in the database locks: "lt_migra" in ASCII.
constexpr std::int64_t kLockKey = 0x6c745f6d69677261;

constexpr std::string_view kCreateTable =
    "CREATE SCHEMA IF NOT EXISTS lienthong; "
    "CREATE TABLE IF NOT EXISTS lienthong.schema_migration ("
    "  number integer PRIMARY KEY, name text NOT NULL, sha256 bytea NOT NULL,"
    "  applied_at timestamptz NOT NULL DEFAULT clock_timestamp())";
constexpr std::string_view kSelectApplied = "SELECT number, sha256 FROM lienthong.schema_migration ORDER BY number";
constexpr std::string_view kInsertApplied =
    "INSERT INTO lienthong.schema_migration (number, name, sha256) VALUES ($1, $2, $3)";

/// The session lock that lets one program migrate at a time.
class MigrationLock {
 public:
  static absl::StatusOr<MigrationLock> take(Connection& connection) {
    LT_RETURN_IF_ERROR(connection.execute("SELECT pg_advisory_lock($1)", Params().add(kLockKey), false).status());
    return MigrationLock(connection);
  }
  ~MigrationLock() {
    if (connection_ == nullptr) return;
    const auto status = connection_->execute("SELECT pg_advisory_unlock($1)", Params().add(kLockKey), false).status();
    if (!status.ok()) spdlog::warn("event=migration_unlock_failed message=\"{}\"", message_of(status));
  }
  MigrationLock(MigrationLock&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  MigrationLock& operator=(MigrationLock&&) = delete;

 private:
  explicit MigrationLock(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

using Applied = std::map<int, std::string>;  // number -> sha256

absl::StatusOr<Applied> read_applied(Connection& connection) {
  LT_ASSIGN_OR_RETURN(const Result result, connection.execute(kSelectApplied, {}, false));
  Applied applied;
  for (int i = 0; i < result.rows(); ++i) {
    applied.emplace(static_cast<int>(result.get_int(i, 0)), std::string(result.get_bytes(i, 1)));
  }
  return applied;
}

absl::Status check_list(std::span<const Migration> migrations) {
  int last = 0;
  for (const Migration& migration : migrations) {
    if (migration.number <= last) {
      return make_error(absl::StatusCode::kInvalidArgument, "MIGRATION_LIST_INVALID",
                        fmt::format("migration {} ({}) does not follow {}; numbers ascend from 1", migration.number,
                                    migration.name, last));
    }
    last = migration.number;
  }
  return absl::OkStatus();
}

absl::Status check_not_newer(std::span<const Migration> migrations, const Applied& applied) {
  const int known = migrations.empty() ? 0 : migrations.back().number;
  const int found = applied.empty() ? 0 : applied.rbegin()->first;
  if (found <= known) return absl::OkStatus();
  return make_error(absl::StatusCode::kFailedPrecondition, "DATABASE_NEWER",
                    fmt::format("the database is at version {} but this program knows only {}; install the newer "
                                "program, or restore a backup made before the upgrade",
                                found, known),
                    {{"database_version", std::to_string(found)}, {"program_version", std::to_string(known)}});
}

/// Whether `migration` is to be applied.
absl::StatusOr<bool> is_pending(const Migration& migration, const Applied& applied) {
  const auto found = applied.find(migration.number);
  if (found == applied.end()) {
    if (applied.empty() || applied.rbegin()->first < migration.number) return true;
    return make_error(absl::StatusCode::kFailedPrecondition, "MIGRATION_MISSING",
                      fmt::format("migration {} ({}) was never applied but later ones were; give it a number above {}",
                                  migration.number, migration.name, applied.rbegin()->first));
  }
  if (found->second == view(sha256(migration.sql))) return false;
  return make_error(absl::StatusCode::kFailedPrecondition, "MIGRATION_CHANGED",
                    fmt::format("migration {} ({}) was changed after it had been applied; use the program that fits "
                                "the database, and put changes into a new migration",
                                migration.number, migration.name),
                    {{"migration", std::to_string(migration.number)}});
}

absl::Status apply(Connection& connection, const Migration& migration) {
  LT_ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(connection));
  LT_RETURN_IF_ERROR(connection.execute_script(migration.sql));
  if (!connection.in_transaction()) {
    return make_error(absl::StatusCode::kInternal, "MIGRATION_ENDED_TRANSACTION",
                      "a migration must not contain COMMIT or ROLLBACK");
  }
  const Digest digest = sha256(migration.sql);
  const Params params = Params().add(migration.number).add(migration.name).add_bytes(view(digest));
  LT_RETURN_IF_ERROR(connection.execute(kInsertApplied, params, false).status());
  return transaction.commit();
}

}  // namespace

absl::Status migrate(Connection& connection, std::span<const Migration> migrations) {
  LT_RETURN_IF_ERROR(check_list(migrations));
  LT_ASSIGN_OR_RETURN(const MigrationLock lock, MigrationLock::take(connection));
  LT_RETURN_IF_ERROR(connection.execute_script(kCreateTable));
  LT_ASSIGN_OR_RETURN(const Applied applied, read_applied(connection));
  LT_RETURN_IF_ERROR(check_not_newer(migrations, applied));
  // All of them are checked before the first is applied.
  std::vector<const Migration*> pending;
  for (const Migration& migration : migrations) {
    LT_ASSIGN_OR_RETURN(const bool wanted, is_pending(migration, applied));
    if (wanted) pending.push_back(&migration);
  }
  for (const Migration* migration : pending) {
    const absl::Status status = apply(connection, *migration);
    if (!status.ok()) {
      return annotate(status, fmt::format("migration {} ({})", migration->number, migration->name));
    }
    spdlog::info("event=migrated number={} name={}", migration->number, migration->name);
  }
  return absl::OkStatus();
}

}  // namespace lt::pg
