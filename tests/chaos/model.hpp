// What a dataset must hold after the changesets that were accepted, in the order of their versions.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "base/bytes.hpp"
#include "chaos/content.hpp"
#include "client/entry_reader.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"

namespace lt::chaos {

/// One feature as a reader may know it.
struct Kept {
  std::int64_t version = 0;
  std::string hash;  ///< hex content hash
  bool operator==(const Kept&) const = default;
};

/// Features by id, in byte order as the exchange sends them.
using Copy = std::map<std::string, Kept>;

/// What one change of a version was.
struct Effect {
  feature::EntryOp op = feature::EntryOp::kInsert;
  std::string id;
  Kept after;  ///< hash empty for a delete
};

struct Applied {
  std::vector<Effect> effects;  ///< by id
  feature::Counts counts;
};

/// Applies a changeset that was accepted as this version of this dataset; does nothing when it has no changes for it.
/// Errors: DATA_LOSS CHAOS_VIOLATION it holds an INSERT of what is there: it was applied before.
[[nodiscard]] absl::StatusOr<Applied> apply(const ChangesetContent& content, const std::string& dataset,
                                            std::int64_t version, Copy& copy);

/// Applies an entry of a diff. Errors: DATA_LOSS CHAOS_VIOLATION it does not fit the copy (an INSERT of what is there,
/// an UPDATE or DELETE of what is not, a version outside (after, to]).
[[nodiscard]] absl::Status apply(const feature::Entry& entry, std::int64_t after, std::int64_t to, Copy& copy);

/// Reads a snapshot, or a diff from nothing, to its end.
[[nodiscard]] absl::StatusOr<Copy> read_copy(client::EntryReader& reader);

/// "" when equal, else the first differences. `left` and `right` say what is compared.
[[nodiscard]] std::string difference(std::string_view left, const Copy& a, std::string_view right, const Copy& b);

}  // namespace lt::chaos
