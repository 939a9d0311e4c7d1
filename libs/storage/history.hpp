// The life of one feature, what undoes a version, and versions by time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "pg/pool.hpp"
#include "storage/read.hpp"

namespace lt::storage {

/// The last version that was committed at or before a time (microseconds since 1970 UTC); 0 before the first.
[[nodiscard]] absl::StatusOr<std::int64_t> version_at(pg::Pool& pool, int dataset, std::int64_t time_us);

/// One change in the life of a feature.
struct FeatureChange {
  feature::EntryOp op = feature::EntryOp::kInsert;  ///< INSERT, UPDATE or DELETE
  std::int64_t version = 0;
  std::string record;               ///< state after; empty for DELETE
  std::int64_t before_version = 0;  ///< version that had made the state before; 0 without one
  std::string before;        ///< state before; empty for INSERT, and when history before the horizon was compacted
  feature::Receipt receipt;  ///< of the changeset
};

struct FeatureHistoryPage {
  std::vector<FeatureChange> changes;  ///< newest first
  bool more = false;                   ///< there are older ones
};

/// Changes of a feature in versions before `before`, newest first, also when it does not exist now. The page ends after
/// `rows` changes or `bytes` of states, so it is at most that and the two states of one change more.
/// @param rows at least 1.
[[nodiscard]] absl::StatusOr<FeatureHistoryPage> read_feature_history(pg::Pool& pool, int dataset,
                                                                      const std::string& id, std::int64_t before,
                                                                      std::int64_t rows, std::int64_t bytes);

/// What undoes the change of one feature.
struct InverseChange {
  std::string id;
  std::string record;  ///< state to bring back; empty = the feature did not exist and is to be deleted
};

/// Reads what undoes a version, page by page, by id. One thread at a time.
class InverseReader {
 public:
  InverseReader(pg::Pool& pool, int dataset, std::int64_t version, PageLimits limits = {});

  /// The next changes. Errors: those of check_horizon(), at any page: the states before are gone.
  /// @return false when there are no more.
  [[nodiscard]] absl::StatusOr<bool> next(std::vector<InverseChange>& changes);

 private:
  pg::Pool& pool_;
  const std::string sql_;
  const int dataset_;
  const std::int64_t version_;
  const PageLimits limits_;
  std::string last_id_;
};

}  // namespace lt::storage
