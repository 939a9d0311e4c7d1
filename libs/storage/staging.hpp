// Where the changes of a changeset wait until they are all there: in memory while they are few, else in an unlogged
// table filled in bounded pieces. Nothing staged is visible to readers.
//
// The states of what may become the first version of a dataset go straight into tables that can become the dataset's
// (detail/first_load.hpp); the staged table then holds the rest of each row.
//
// Of a snapshot, what has the content that is stored already is staged without its state, in a table of its own
// (detail/comparison.hpp): most of a snapshot is what was there before.
#pragma once

#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/bytes.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "pg/copy.hpp"
#include "pg/pool.hpp"
#include "storage/catalog.hpp"
#include "storage/detail/comparison.hpp"
#include "storage/staging_owner.hpp"

namespace lt::storage {

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

/// Staging of one changeset, over one or several datasets. One thread at a time; a piece is written to the database
/// while the next is gathered. The destructor drops what was staged unless suspend() kept it.
class StagedChangeset {
 public:
  struct Options {
    std::string attempt_id;
    std::string organisation;
    Digest header{};  ///< of the header: only the same may go on with the upload
    StagingLimits limits;
    bool hash_only = false;  ///< stage only what the content hash needs: the changeset_id is known already
    bool may_load = false;   ///< what fits may go the way of a first load
    bool compare = false;    ///< what is as it is stored may be staged without its state
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
  /// null for a DELETE; `findings` feature::findings_to_json() of what was repaired, or empty; `content`
  /// feature::content_hash(change.record) if it is known.
  void add(std::size_t place, feature::Change change, const feature::State* state, const Digest& hash,
           StagedKind kind = StagedKind::kChange, std::string_view findings = {}, const Digest* content = nullptr);
  /// Geometries of this dataset came in another CRS: what the receipt says of it.
  void note_transformation(std::size_t place, const feature::Transformation& transformation);
  /// Adds one that goes to the quarantine, with its findings as a JSON list.
  void add_invalid(std::size_t place, const InvalidChange& change, std::string_view findings);
  /// Ends batch `sequence`. Only here is memory emptied into tables, so that staged batches are whole.
  /// @param findings made so far, kept for a resumption. Errors, of this piece or of the one before: those of the
  /// database; ABORTED STAGING_LOST, STAGING_TAKEN.
  [[nodiscard]] absl::Status end_batch(std::int64_t sequence, std::int64_t findings);

  /// Waits for the piece that is on its way to its tables. Errors: as end_batch().
  [[nodiscard]] absl::Status settle();

  /// Ends the staging. Errors: those of the database; ABORTED STAGING_LOST when a crash of the database took what was
  /// staged, STAGING_TAKEN.
  [[nodiscard]] absl::StatusOr<Sealed> seal(const feature::ChangesetHeader& header);

  /// In the publish transaction: makes the temporary tables and copies changes that are in memory.
  [[nodiscard]] absl::Status provide(pg::Connection& connection);
  /// Brings states that were meant for a first load back into the staged tables, for the ordinary way.
  [[nodiscard]] absl::Status unload();
  /// Keeps what is in tables for a resumption. @return false when there is nothing.
  bool suspend();

  struct Part {
    Dataset dataset;
    int srid = 0;
    std::int64_t changes = 0;
    bool has_masks = false;
    bool has_outside = false;
    bool has_invalid = false;
    bool all_new = true;   ///< nothing but whole features, none of which is said to exist
    bool loading = false;  ///< states go to relation_feature and relation_log
    std::string relation;  ///< that holds its staged rows after provide()
    std::string effect;    ///< temporary table for its effects
    bool in_table = false;
    /// Set: relation_same holds what was as stored when it was staged, not before the dataset had this head.
    std::optional<std::int64_t> compared_from;
    bool comparing = false;                              ///< what comes next is compared
    std::map<std::string, std::string> transformations;  ///< operations by source CRS; some rows have a source_hash
    pg::CopyEncoder rows;                                ///< not yet in its table
    pg::CopyEncoder feature_rows, log_rows;
    Candidates candidates;  ///< not yet compared
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

  struct Piece;
  using Places = std::vector<std::size_t>;

  void note(std::size_t place, std::string_view id, std::int64_t sequence, const Digest& hash);
  [[nodiscard]] std::size_t buffered_bytes() const;
  [[nodiscard]] std::string state_json(std::int64_t findings) const;
  [[nodiscard]] absl::Status flush(std::int64_t findings);
  [[nodiscard]] Piece take_piece(std::int64_t findings);
  [[nodiscard]] absl::StatusOr<Places> write_piece(Piece& piece) const;
  [[nodiscard]] absl::Status write_tables(pg::Connection& connection, Piece& piece, Places& differing) const;
  [[nodiscard]] absl::Status check_not_lost(pg::Connection& connection);
  [[nodiscard]] std::vector<std::size_t> by_name() const;
  [[nodiscard]] absl::Status hash_memory(feature::ContentHasher& hasher, Sealed& sealed);
  [[nodiscard]] absl::Status hash_tables(feature::ContentHasher& hasher, Sealed& sealed);
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
  std::future<absl::StatusOr<Places>> writing_;  ///< the piece on its way; places that are not worth comparing
  std::int64_t writing_sequence_ = 0;
};

}  // namespace lt::storage
