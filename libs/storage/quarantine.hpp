// Changes set aside as invalid, as stored. They are written, superseded and released inside the publish transaction
// (publish.hpp); here they are read and given up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "feature/finding.hpp"
#include "pg/pool.hpp"

namespace lt::storage {

enum class QuarantineState : char { kHeld = 'H', kReleased = 'R', kDiscarded = 'D', kSuperseded = 'S' };

/// What QuarantineItem::payload holds.
enum class QuarantineForm : char {
  kChange = 'C',  ///< a serialized lienthong.v1.Change, as it was sent
  kRecord = 'R',  ///< the canonical record; empty for a delete; with `mask` only its fields
};

struct QuarantineItem {
  std::int64_t id = 0;
  std::string feature_id;
  std::string attempt_id;
  std::string organisation;   ///< who sent it
  std::int64_t sequence = 0;  ///< place in its changeset
  char op = 'P';              ///< feature::ChangeOp, of form R
  std::optional<std::int64_t> base_version;
  QuarantineForm form = QuarantineForm::kChange;
  feature::FieldMask mask;         ///< of form R
  std::string crs;                 ///< of form C: "EPSG:n" of its wkt or wkb; empty = the dataset's
  std::string payload;             ///< empty when it was left out
  std::int64_t payload_bytes = 0;  ///< of the whole payload
  std::int64_t found_version = 0;  ///< the feature's last change at that time; 0: it did not exist
  std::vector<feature::Finding> findings;
  QuarantineState state = QuarantineState::kHeld;
  std::int64_t quarantined_us = 0;
  std::optional<std::int64_t> decided_us;
  std::string decided_by;
  std::string note;
};

/// Empty or absent members allow any.
struct QuarantineFilter {
  std::optional<QuarantineState> state;
  std::string feature_id;
};

/// How much one page holds.
struct QuarantineLimits {
  int rows = 100;
  std::int64_t payload_bytes = 1 << 20;  ///< a larger payload is left out
  std::int64_t bytes = 3 << 20;          ///< payloads and findings together; a page has one item at least
};

struct QuarantinePage {
  std::vector<QuarantineItem> items;
  bool more = false;
};

/// Items of a dataset with an id greater than `after`, oldest first.
[[nodiscard]] absl::StatusOr<QuarantinePage> list_quarantine(pg::Connection& connection, int dataset,
                                                             const QuarantineFilter& filter, std::int64_t after,
                                                             const QuarantineLimits& limits);

/// One item with its whole payload. Errors: NOT_FOUND QUARANTINE_UNKNOWN (also for an item of another dataset).
[[nodiscard]] absl::StatusOr<QuarantineItem> find_quarantined(pg::Connection& connection, int dataset, std::int64_t id);

/// Checks that all items exist and are held, without locking them.
/// Errors: NOT_FOUND QUARANTINE_UNKNOWN; FAILED_PRECONDITION QUARANTINE_DECIDED (metadata quarantine_id, state).
[[nodiscard]] absl::Status check_held(pg::Connection& connection, int dataset, const std::vector<std::int64_t>& ids);

/// Gives items up, all or none, in a transaction of its own.
/// @param ids each once. Errors: those of check_held().
[[nodiscard]] absl::Status discard_quarantined(pg::Connection& connection, int dataset,
                                               const std::vector<std::int64_t>& ids, const std::string& organisation,
                                               const std::string& note);

}  // namespace lt::storage
