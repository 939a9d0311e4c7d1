// Where the changes of a changeset wait until they are all there: in memory while they are few, else in an unlogged
// table filled in bounded pieces. Nothing staged is visible to readers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include "base/status.hpp"
#include "feature/change.hpp"
#include "feature/schema.hpp"
#include "pg/copy.hpp"
#include "pg/pool.hpp"
#include "storage/catalog.hpp"

namespace lt::storage {

/// This process's claim on its staging tables: an advisory lock in a session of its own. What no living process owns is
/// swept. Thread-safe.
class StagingOwner {
 public:
  /// Opens the session and takes the lock. Errors: those of the connection.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<StagingOwner>> start(pg::ConnectOptions options);

  [[nodiscard]] std::int64_t key() const { return key_; }
  /// A name that no other staging has or had.
  [[nodiscard]] std::string next_table();
  /// Renews the lock if the session broke, then drops staging whose owner is gone or that a server crash emptied.
  /// @return tables dropped.
  [[nodiscard]] absl::StatusOr<int> sweep();

 private:
  StagingOwner(pg::ConnectOptions options, pg::Connection session, std::int64_t key);
  [[nodiscard]] absl::Status renew() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] absl::StatusOr<bool> is_ownerless(std::int64_t owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const pg::ConnectOptions options_;
  const std::int64_t key_;
  std::atomic<std::int64_t> next_{1};
  absl::Mutex mutex_;
  pg::Connection session_ ABSL_GUARDED_BY(mutex_);
};

struct StagingLimits {
  std::size_t memory_bytes = 3U << 20;  ///< A changeset up to this stays in memory.
  std::size_t piece_bytes = 4U << 20;   ///< A larger one goes to its table in pieces of this.
};

/// Staging of one changeset of one dataset. One thread at a time. The destructor drops what was staged.
class StagedChanges {
 public:
  /// @param hash_only stage only what the content hash needs: the changeset_id is known already.
  StagedChanges(pg::Pool& pool, StagingOwner& owner, const Dataset& dataset, int srid, std::string attempt_id,
                StagingLimits limits, bool hash_only);
  ~StagedChanges();
  StagedChanges(const StagedChanges&) = delete;
  StagedChanges& operator=(const StagedChanges&) = delete;

  /// Adds one checked change; its sequence must be the last one's plus 1. `state` is what `change.record` encodes,
  /// null for a DELETE. Errors: those of the database; ABORTED STAGING_LOST.
  [[nodiscard]] absl::Status add(const feature::Change& change, const feature::State* state);

  /// Ends the staging. Errors: INVALID_ARGUMENT DUPLICATE_ID with the first ids that came twice and both their
  /// sequences; ABORTED STAGING_LOST when a crash of the database took what was staged.
  /// @return the content hash (docs/canonical.md).
  [[nodiscard]] absl::StatusOr<Digest> seal(const feature::ChangesetHeader& header);

  /// In the publish transaction: makes the temporary tables, copies changes that are in memory and gathers statistics.
  [[nodiscard]] absl::Status provide(pg::Connection& connection);
  /// Relation that holds the staged rows after provide().
  [[nodiscard]] std::string_view relation() const;
  [[nodiscard]] std::int64_t count() const { return count_; }
  /// Changes whose loss would now be noticed: those in the table.
  [[nodiscard]] std::int64_t staged() const { return staged_; }

 private:
  struct Key {
    std::string id;
    std::int64_t sequence;
    Digest hash;
  };

  [[nodiscard]] absl::Status flush();
  [[nodiscard]] absl::Status create_table(pg::Connection& connection);
  [[nodiscard]] absl::Status check_not_lost(pg::Connection& connection);
  [[nodiscard]] absl::Status hash_memory(feature::ContentHasher& hasher, std::vector<FieldViolation>& duplicates);
  [[nodiscard]] absl::Status hash_table(feature::ContentHasher& hasher, std::vector<FieldViolation>& duplicates);
  void drop_table() noexcept;

  pg::Pool& pool_;
  StagingOwner& owner_;
  const Dataset dataset_;
  const int srid_;
  const std::string attempt_id_;
  const StagingLimits limits_;
  const bool hash_only_;

  pg::CopyEncoder rows_;   ///< not yet in the table
  std::vector<Key> keys_;  ///< of all changes, only while everything is in memory
  std::string table_;      ///< empty: in memory
  std::int64_t count_ = 0;
  std::int64_t staged_ = 0;
  std::int64_t piece_ = 0;
  Digest running_hash_{};
};

}  // namespace lt::storage
