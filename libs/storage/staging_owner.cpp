#include "storage/staging_owner.hpp"

#include <fmt/format.h>

#include "base/status.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

// First key of the two-part advisory lock that owns staging; the second is the owner's number.
constexpr std::int32_t kOwnerLockClass = 0x4c54;

}  // namespace

StagingOwner::StagingOwner(pg::ConnectOptions options, pg::Connection session, std::int64_t key)
    : options_(std::move(options)), key_(key), session_(std::move(session)) {}

absl::StatusOr<std::unique_ptr<StagingOwner>> StagingOwner::start(pg::ConnectOptions options) {
  options.purpose = "staging-owner";
  // The session is idle between sweeps, by design.
  options.idle_in_transaction_timeout = std::chrono::milliseconds(0);
  LT_ASSIGN_OR_RETURN(auto session, pg::Connection::open(options));
  LT_ASSIGN_OR_RETURN(const auto key, session.execute(sql::kNextStagingOwner));
  const std::int64_t number = key.get_int(0, 0);
  auto owner = std::unique_ptr<StagingOwner>(new StagingOwner(std::move(options), std::move(session), number));
  absl::MutexLock lock(&owner->mutex_);
  LT_RETURN_IF_ERROR(owner->is_ownerless(number).status());
  return owner;
}

std::string StagingOwner::next_prefix() { return fmt::format("staged_{}_{}", key_, next_.fetch_add(1)); }

void StagingOwner::begin_work(const std::string& attempt_id) {
  absl::MutexLock lock(&active_mutex_);
  active_.insert(attempt_id);
}

void StagingOwner::end_work(const std::string& attempt_id) {
  absl::MutexLock lock(&active_mutex_);
  const auto found = active_.find(attempt_id);
  if (found != active_.end()) active_.erase(found);
}

bool StagingOwner::is_worked_on(const std::string& attempt_id) {
  absl::MutexLock lock(&active_mutex_);
  return active_.contains(attempt_id);
}

absl::StatusOr<bool> StagingOwner::is_ownerless(std::int64_t owner) {
  LT_ASSIGN_OR_RETURN(const auto taken,
                      session_.execute("SELECT pg_try_advisory_lock($1, $2)",
                                       pg::Params().add(kOwnerLockClass).add(static_cast<std::int32_t>(owner))));
  return taken.get_bool(0, 0);
}

absl::Status StagingOwner::renew() {
  if (!session_.is_broken() && session_.execute("SELECT 1").ok()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(session_, pg::Connection::open(options_));
  return is_ownerless(key_).status();
}

absl::StatusOr<bool> StagingOwner::drop_attempt(const std::string& attempt_id, std::int64_t owner,
                                                std::chrono::milliseconds keep) {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(session_));
  LT_ASSIGN_OR_RETURN(const auto gone, session_.execute(sql::kDeleteOldAttempt,
                                                        pg::Params().add(attempt_id).add(owner).add(keep.count())));
  if (gone.rows() == 0) return false;
  LT_ASSIGN_OR_RETURN(const auto tables, session_.execute(sql::kListTablesOf, pg::Params().add(gone.get_text(0, 0))));
  for (int r = 0; r < tables.rows(); ++r) {
    LT_RETURN_IF_ERROR(session_.execute_script(fmt::format("DROP TABLE IF EXISTS {}", tables.get_text(r, 0))));
  }
  LT_RETURN_IF_ERROR(transaction.commit());
  return true;
}

absl::StatusOr<int> StagingOwner::sweep(std::chrono::milliseconds keep) {
  absl::MutexLock lock(&mutex_);
  LT_RETURN_IF_ERROR(renew());
  int dropped = 0;
  LT_ASSIGN_OR_RETURN(const auto attempts, session_.execute(sql::kListAttempts));
  for (int r = 0; r < attempts.rows(); ++r) {
    const std::string attempt(attempts.get_text(r, 0));
    const std::int64_t owner = attempts.get_int(r, 1);
    const bool own = owner == key_;
    if (own && is_worked_on(attempt)) continue;
    if (!own) {
      LT_ASSIGN_OR_RETURN(const bool ownerless, is_ownerless(owner));
      if (!ownerless) continue;
    }
    const auto gone = drop_attempt(attempt, owner, keep);
    if (!own) {
      LT_RETURN_IF_ERROR(session_
                             .execute("SELECT pg_advisory_unlock($1, $2)",
                                      pg::Params().add(kOwnerLockClass).add(static_cast<std::int32_t>(owner)))
                             .status());
    }
    LT_RETURN_IF_ERROR(gone.status());
    if (*gone) ++dropped;
  }
  LT_ASSIGN_OR_RETURN(const auto orphans, session_.execute(sql::kListStagedTables));
  for (int r = 0; r < orphans.rows(); ++r) {
    LT_RETURN_IF_ERROR(session_.execute_script(fmt::format("DROP TABLE IF EXISTS {}", orphans.get_text(r, 0))));
    ++dropped;
  }
  return dropped;
}

}  // namespace lt::storage
