// Where the changes of a changeset wait until they are all there: in memory while they are few, else in an unlogged
// table filled in bounded pieces. Nothing staged is visible to readers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
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
  /// Start of the names of tables that no other staging has or had.
  [[nodiscard]] std::string next_prefix();
  /// While an attempt is worked on by this process it is not swept.
  void begin_work(const std::string& attempt_id);
  void end_work(const std::string& attempt_id);
  /// Renews the lock if the session broke, then drops staging that nobody works on and nobody went on with for `keep`,
  /// and what a server crash emptied. @return attempts and left-over tables dropped.
  [[nodiscard]] absl::StatusOr<int> sweep(std::chrono::milliseconds keep);

 private:
  StagingOwner(pg::ConnectOptions options, pg::Connection session, std::int64_t key);
  [[nodiscard]] absl::Status renew() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] bool is_worked_on(const std::string& attempt_id);
  [[nodiscard]] absl::StatusOr<bool> drop_attempt(const std::string& attempt_id, std::int64_t owner,
                                                  std::chrono::milliseconds keep) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] absl::StatusOr<bool> is_ownerless(std::int64_t owner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const pg::ConnectOptions options_;
  const std::int64_t key_;
  std::atomic<std::int64_t> next_{1};
  absl::Mutex active_mutex_;
  std::multiset<std::string> active_ ABSL_GUARDED_BY(active_mutex_);
  absl::Mutex mutex_;
  pg::Connection session_ ABSL_GUARDED_BY(mutex_);
};

struct StagingLimits {
  std::size_t memory_bytes = 3U << 20;  ///< A changeset up to this stays in memory.
  std::size_t piece_bytes = 4U << 20;   ///< A larger one goes to its tables in pieces of this.
};

/// How a staged change takes part in the publish transaction.
enum class StagedKind : char {
  kChange = ' ',
  kOutside = 'O',    ///< of a scoped snapshot: outside the scope, as sent
  kInvalid = 'Q',    ///< for the quarantine; the payload is the serialized message
  kDuplicate = 'R',  ///< for the quarantine; the payload is the record
};

/// A change that cannot be accepted and goes to the quarantine.
struct InvalidChange {
  std::int64_t sequence = 0;
  feature::ChangeOp op = feature::ChangeOp::kUpsert;
  std::string id;
  std::optional<std::int64_t> base_version;
  std::string sent;  ///< serialized lienthong.v1.Change
  Digest hash{};     ///< feature::invalid_change_hash()
};

/// What the staging of a changeset says when everything has come.
struct Sealed {
  Digest content{};  ///< docs/canonical.md
  struct Duplicate {
    std::size_t place = 0;  ///< of the dataset
    std::string id;
    std::int64_t first = 0, second = 0;  ///< sequences
  };
  std::vector<Duplicate> duplicates;  ///< the first of them
  std::int64_t duplicate_count = 0;   ///< repeats of an id
};

/// What an upload that broke off had staged.
struct Resumed {
  struct Part {
    std::string dataset;
    std::int32_t schema_revision = 0;
  };
  std::vector<Part> parts;  ///< to be given to add_dataset() in this order
  std::int64_t sequence = 0;
  std::int64_t findings = 0;
};

/// Staging of one changeset, over one or several datasets. One thread at a time. The destructor drops what was staged
/// unless suspend() kept it.
class StagedChangeset {
 public:
  struct Options {
    std::string attempt_id;
    std::string organisation;
    Digest header{};  ///< of the header: only the same may go on with the upload
    StagingLimits limits;
    bool hash_only = false;  ///< stage only what the content hash needs: the changeset_id is known already
  };
  StagedChangeset(pg::Pool& pool, StagingOwner& owner, Options options);
  ~StagedChangeset();
  StagedChangeset(const StagedChangeset&) = delete;
  StagedChangeset& operator=(const StagedChangeset&) = delete;

  /// Takes over what an upload of this attempt staged; an older stream of it can add nothing more (STAGING_TAKEN).
  /// Before anything else. Errors: NOT_FOUND ATTEMPT_UNKNOWN nothing is staged under this id by this organisation with
  /// this header.
  [[nodiscard]] absl::StatusOr<Resumed> adopt();
  /// Changes of this dataset may follow. @return its place, from 0.
  std::size_t add_dataset(const Dataset& dataset, int srid);

  /// Adds one checked change; its sequence must be the last one's plus 1. `state` is what `change.record` encodes,
  /// null for a DELETE; `findings` feature::findings_to_json() of what was repaired, or empty.
  void add(std::size_t place, const feature::Change& change, const feature::State* state, const Digest& hash,
           StagedKind kind = StagedKind::kChange, std::string_view findings = {});
  /// Adds one that goes to the quarantine, with its findings as a JSON list.
  void add_invalid(std::size_t place, const InvalidChange& change, std::string_view findings);
  /// Ends batch `sequence`. Only here is memory emptied into tables, so that staged batches are whole.
  /// @param findings made so far, kept for a resumption. Errors: those of the database; ABORTED STAGING_LOST,
  /// STAGING_TAKEN.
  [[nodiscard]] absl::Status end_batch(std::int64_t sequence, std::int64_t findings);

  /// Ends the staging. Errors: those of the database; ABORTED STAGING_LOST when a crash of the database took what was
  /// staged, STAGING_TAKEN.
  [[nodiscard]] absl::StatusOr<Sealed> seal(const feature::ChangesetHeader& header);

  /// In the publish transaction: makes the temporary tables, copies changes that are in memory, gathers statistics.
  [[nodiscard]] absl::Status provide(pg::Connection& connection);
  /// Keeps what is in tables for a resumption. @return false when there is nothing.
  bool suspend();

  struct Part {
    Dataset dataset;
    int srid = 0;
    std::int64_t changes = 0;
    bool has_masks = false;
    bool has_outside = false;
    bool has_invalid = false;
    std::string relation;  ///< that holds its staged rows after provide()
    std::string effect;    ///< temporary table for its effects
    pg::CopyEncoder rows;  ///< not yet in its table
    bool in_table = false;
  };
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  /// Of all datasets.
  [[nodiscard]] std::int64_t count() const { return count_; }
  /// Last batch that is staged whole.
  [[nodiscard]] std::int64_t staged_sequence() const { return staged_sequence_; }

 private:
  struct Key {
    std::size_t place;
    std::string id;
    std::int64_t sequence;
    Digest hash;
  };

  void note(std::size_t place, std::string_view id, std::int64_t sequence, const Digest& hash);
  [[nodiscard]] std::size_t buffered_bytes() const;
  [[nodiscard]] std::string state_json(std::int64_t findings) const;
  [[nodiscard]] absl::Status flush(std::int64_t findings);
  [[nodiscard]] absl::Status write_piece(pg::Connection& connection, std::int64_t findings);
  [[nodiscard]] absl::Status check_not_lost(pg::Connection& connection);
  [[nodiscard]] std::vector<std::size_t> by_name() const;
  [[nodiscard]] absl::Status hash_memory(feature::ContentHasher& hasher, Sealed& sealed);
  [[nodiscard]] absl::Status hash_tables(feature::ContentHasher& hasher, Sealed& sealed);
  [[nodiscard]] absl::Status copy_memory(pg::Connection& connection, Part& part);
  void drop() noexcept;

  pg::Pool& pool_;
  StagingOwner& owner_;
  const Options options_;

  std::vector<Part> parts_;
  std::vector<Part> resumed_;  ///< still to be given to add_dataset(), in this order
  std::vector<Key> keys_;      ///< of all changes, only while everything is in memory
  std::string prefix_;         ///< of the tables; empty: in memory
  bool suspended_ = false;
  std::int64_t count_ = 0;
  std::int64_t sequence_ = 0;
  std::int64_t staged_sequence_ = 0;
  std::int64_t epoch_ = 1;
  std::int64_t piece_ = 0;
  Digest running_hash_{};
};

}  // namespace lt::storage
