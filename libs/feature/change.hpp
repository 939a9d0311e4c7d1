// What publishers send and what readers get.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "base/bytes.hpp"
#include "feature/record.hpp"

namespace lt::feature {

/// What a publisher asks for. The effective operation is decided by the exchange against stored state.
enum class ChangeOp : char { kInsert = 'I', kUpdate = 'U', kUpsert = 'P', kDelete = 'D' };
[[nodiscard]] std::string_view to_string(ChangeOp op);  ///< "INSERT", "UPDATE", "UPSERT", "DELETE"

/// What a reader sees of a feature between two versions. ENTER and LEAVE: into and out of the reader's view.
enum class EntryOp : char { kInsert = 'I', kEnter = 'E', kUpdate = 'U', kLeave = 'L', kDelete = 'D' };
[[nodiscard]] std::string_view to_string(EntryOp op);  ///< "INSERT", "ENTER", "UPDATE", "LEAVE", "DELETE"

/// One change of one feature, checked and in canonical form, ready to be staged.
struct Change {
  std::int64_t sequence = 0;  ///< place in the changeset, from 1
  ChangeOp op = ChangeOp::kUpsert;
  std::string id;
  std::optional<std::int64_t> base_version;  ///< absent = unchecked, 0 = must not exist
  std::string record;                        ///< empty for DELETE
};

enum class ChangesetKind : char { kChanges = 'C', kSnapshot = 'S' };

/// Options of a changeset that belong to its content: the same id with others is another changeset.
struct ChangesetHeader {
  std::string changeset_id;
  std::string dataset;
  ChangesetKind kind = ChangesetKind::kChanges;
  std::string crs;  ///< "" = the dataset's own
  std::optional<std::int64_t> base_version;
  bool allow_mass_delete = false;
  std::string message;   ///< not part of the content
  bool dry_run = false;  ///< not part of the content
};

/// 1..128 of [A-Za-z0-9._:/-]. Errors: INVALID_ARGUMENT CHANGESET_ID_INVALID.
[[nodiscard]] absl::Status check_changeset_id(std::string_view id);

/// Hash of one change as it takes part in the content hash of its changeset (docs/canonical.md, "Content of a
/// changeset").
[[nodiscard]] Digest change_hash(std::string_view dataset, const Change& change);

/// SHA-256 over the options, then every change_hash() ordered by (dataset, id bytes, sequence). Feed hashes in order.
class ContentHasher {
 public:
  explicit ContentHasher(const ChangesetHeader& header);
  void add(const Digest& change_hash) { sha_.update(view(change_hash)); }
  [[nodiscard]] Digest finish() { return sha_.finish(); }

 private:
  Sha256 sha_;
};

/// One feature of a diff, of a list of changes, or of a snapshot.
struct Entry {
  EntryOp op = EntryOp::kInsert;
  std::string id;
  std::int64_t version = 0;  ///< version that made this state (for DELETE: that deleted it)
  std::string record;        ///< state after; empty for DELETE and LEAVE
  std::string before;        ///< state before, on request; empty when there was none
};

}  // namespace lt::feature
