// What publishers send and what readers get.
#pragma once

#include <cstdint>
#include <map>
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

/// Numbers of the fields that an UPDATE changes, ascending, 0 = the geometry.
using FieldMask = std::vector<std::int32_t>;
inline constexpr std::int32_t kGeometryField = 0;
/// "0,3,7", and back. The text comes from this program: what does not fit is left out.
[[nodiscard]] std::string to_string(const FieldMask& mask);
[[nodiscard]] FieldMask mask_from_string(std::string_view text);
/// `stored` with the fields of `mask` as they are in `partial` (absent there = null).
[[nodiscard]] State apply_mask(State stored, const State& partial, const FieldMask& mask);

/// One change of one feature, checked and in canonical form, ready to be staged.
struct Change {
  std::int64_t sequence = 0;  ///< place in the changeset, from 1
  ChangeOp op = ChangeOp::kUpsert;
  std::string id;
  std::optional<std::int64_t> base_version;  ///< absent = unchecked, 0 = must not exist
  std::string record;                        ///< empty for DELETE; only the fields of `mask` when there is one
  FieldMask mask;                            ///< UPDATE only; empty = the whole state
  std::optional<Digest> source_hash = {};    ///< source_hash() when the geometry was transformed, else none
};

enum class ChangesetKind : char { kChanges = 'C', kSnapshot = 'S' };
enum class ConflictPolicy : char { kReject = 'R', kSkipAndList = 'S' };
enum class InvalidPolicy : char { kReject = 'R', kQuarantine = 'Q' };
/// What may be changed in what was sent; the values are part of the content hash.
enum class Repair : std::uint8_t { kNfc = 1, kPromoteToMulti = 2 };

/// Options of a changeset that belong to its content: the same id with others is another changeset.
struct ChangesetHeader {
  std::string changeset_id;
  std::string dataset;
  ChangesetKind kind = ChangesetKind::kChanges;
  std::string crs;  ///< of the geometries as sent; "" = each dataset's own
  std::optional<std::int64_t> base_version;
  bool allow_mass_delete = false;
  std::string message;                                ///< not part of the content
  bool dry_run = false;                               ///< not part of the content
  std::map<std::string, std::int64_t> base_versions;  ///< as base_version, for other datasets by name
  std::string scope_wkt;                              ///< SNAPSHOT only: the area that the changes are the whole of
  std::string scope_filter;                           ///< SNAPSHOT only: what of it (of everything without an area)
  ConflictPolicy on_conflict = ConflictPolicy::kReject;
  InvalidPolicy on_invalid = InvalidPolicy::kReject;
  std::vector<Repair> repairs;     ///< ascending, each once
  bool collapse_repeated = false;  ///< a feature is taken as it stands last
  std::string resume_attempt_id;   ///< not part of the content

  [[nodiscard]] bool has_scope() const { return !scope_wkt.empty() || !scope_filter.empty(); }
  /// base_version for the changes of a dataset.
  [[nodiscard]] std::optional<std::int64_t> base_version_of(const std::string& name) const;
};

/// 1..128 of [A-Za-z0-9._:/-]. Errors: INVALID_ARGUMENT CHANGESET_ID_INVALID.
[[nodiscard]] absl::Status check_changeset_id(std::string_view id);

/// Hash of one change as it takes part in the content hash of its changeset (docs/canonical.md, "Content of a
/// changeset").
[[nodiscard]] Digest change_hash(std::string_view dataset, const Change& change);
/// The same with content_hash(change.record) where that is known; it is not looked at for a change without a record.
/// @param crs "EPSG:n" that the geometry was sent in where that is not the dataset's CRS, else empty. The record is
/// then the one with the geometry as sent.
[[nodiscard]] Digest change_hash(std::string_view dataset, const Change& change, const Digest& content,
                                 std::string_view crs = {});
/// The same for a change that cannot be read, `sent` being its serialized message with sorted maps.
[[nodiscard]] Digest invalid_change_hash(std::string_view dataset, std::string_view id, std::string_view sent);

/// Identity of a geometry that was transformed when it came: the same source, by the same operation, is the same stored
/// geometry, also where another release of PROJ computes other last bits.
/// @param crs "EPSG:n" of the source. @param operation geo::Transformer::operation(). @param wkb canonical.
[[nodiscard]] Digest source_hash(std::string_view crs, std::string_view operation, std::string_view wkb);

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
