// Compacting history: forgetting the states that no version from a horizon on has.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include <absl/status/statusor.h>

#include "pg/pool.hpp"

namespace lt::storage {

struct Compaction {
  std::int64_t horizon = 0;  ///< now
  std::int64_t removed = 0;  ///< log rows removed by this call
  bool complete = true;      ///< false: `stop` ended it; the next call goes on
};

/// Moves the horizon of a dataset to `horizon` (never back) and commits that; then removes, in short transactions of at
/// most `batch_rows` changes each, the log rows that a later one up to the horizon superseded, and deletes up to it.
///
/// Afterwards as before, to the byte: snapshots of versions from the horizon on, diffs (a, b] with a = 0 or a from the
/// horizon on and b from the horizon on, changes (a, b] with a from the horizon on. Receipts and tombstones stay.
///
/// Repeatable: a call that was interrupted at any point is finished by the next one, of any horizon. Several at once
/// share the work. Publishes wait only for the horizon's own update of one row. Readers never wait.
/// Errors: OUT_OF_RANGE VERSION_OUT_OF_RANGE (below 0 or beyond the head).
[[nodiscard]] absl::StatusOr<Compaction> compact(pg::Pool& pool, int dataset, std::int64_t horizon,
                                                 const std::function<bool()>& stop = {},
                                                 std::int64_t batch_rows = 1000);

/// The last version that was committed longer ago than `age`, by the database's clock: compacted to it, every state of
/// the time since can still be read. Nothing: none is so old.
[[nodiscard]] absl::StatusOr<std::optional<std::int64_t>> version_older_than(pg::Pool& pool, int dataset,
                                                                             std::chrono::milliseconds age);

}  // namespace lt::storage
