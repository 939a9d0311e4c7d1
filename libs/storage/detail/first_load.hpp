// The first version of a dataset, loaded beside its empty tables and put in their place: without the cost of merging
// row by row into indexes, and without a lock while it is indexed.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/pool.hpp"
#include "storage/publish.hpp"
#include "storage/staging.hpp"

namespace lt::storage {

/// finish(), then in the publish transaction lock_tables() before the dataset's row is locked, and put_in_place(). What
/// is not put in place is dropped with the staging.
class FirstLoad {
 public:
  /// Whether what is staged can become a first version so: nothing but new features of one dataset that had no version
  /// a moment ago.
  [[nodiscard]] static absl::StatusOr<bool> fits(pg::Pool& pool, const PublishRequest& request,
                                                 const StagedChangeset& staged);

  /// `part` must outlive this.
  FirstLoad(pg::Pool& pool, const StagedChangeset::Part& part) : pool_(pool), part_(part) {}

  /// Completes and indexes both tables, on two connections at once.
  [[nodiscard]] absl::Status finish() const;
  /// Waits for those who read the empty tables. Errors: ABORTED SQL_LOCK_NOT_AVAILABLE somebody reads for long.
  [[nodiscard]] absl::Status lock_tables(pg::Connection& connection) const;
  /// Afterwards the dataset's tables hold version 1, once the transaction commits.
  [[nodiscard]] absl::Status put_in_place(pg::Connection& connection) const;

 private:
  [[nodiscard]] absl::Status finish_one(std::string_view fill, std::string_view index, const char* suffix) const;

  pg::Pool& pool_;
  const StagedChangeset::Part& part_;
};

}  // namespace lt::storage
