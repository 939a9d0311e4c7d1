#include "storage/retention.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "base/status.hpp"
#include "storage/acquire.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

// First key of the two-part advisory lock of compaction; the second is the dataset's number.
constexpr std::int32_t kCompactionLockClass = 0x4c55;

struct Progress {
  std::int64_t head = 0;
  std::int64_t horizon = 0;
  std::int64_t compacted = 0;
};

absl::StatusOr<Progress> find_progress(pg::Connection& connection, int dataset) {
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection.execute(sql::kFindCompaction, pg::Params().add(std::int32_t{dataset})));
  if (result.rows() == 0) return absl::InternalError("the dataset has no head");
  return Progress{result.get_int(0, 0), result.get_int(0, 1), result.get_int(0, 2)};
}

absl::StatusOr<Progress> move_horizon(pg::Pool& pool, int dataset, std::int64_t horizon) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  pg::Params params;
  params.add(std::int32_t{dataset}).add(horizon);
  LT_RETURN_IF_ERROR(connection->execute(sql::kMoveHorizon, params).status());
  LT_ASSIGN_OR_RETURN(const auto progress, find_progress(*connection, dataset));
  if (horizon >= 0 && horizon <= progress.head) return progress;
  return make_error(absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
                    fmt::format("horizon {} is not a version up to the head {}", horizon, progress.head),
                    {{"version", std::to_string(horizon)}, {"head", std::to_string(progress.head)}});
}

// Walks the changes in (compacted, horizon] once, by (version, id).
class Walk {
 public:
  Walk(pg::Pool& pool, int dataset, const Progress& progress, std::int64_t batch_rows)
      : pool_(pool),
        sql_(sql_for(sql::kCompactBatch, dataset)),
        dataset_(dataset),
        horizon_(progress.horizon),
        batch_rows_(batch_rows),
        version_(progress.compacted + 1) {}

  /// One transaction. @return false when there is nothing more.
  absl::StatusOr<bool> next(std::int64_t& removed) {
    LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
    LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(*connection));
    pg::Params lock;
    lock.add(kCompactionLockClass).add(std::int32_t{dataset_});
    // The batch has to see what a compaction at the same time removed: a statement of its own, after the lock.
    LT_RETURN_IF_ERROR(connection->execute("SELECT pg_advisory_xact_lock($1, $2)", lock).status());
    pg::Params params;
    params.add(horizon_).add(version_).add(id_).add(batch_rows_);
    constexpr bool kKeepPlan = false;
    LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql_, params, kKeepPlan));
    LT_RETURN_IF_ERROR(transaction.commit());
    removed += result.get_int(0, 1);
    if (result.get_int(0, 0) < batch_rows_) return false;
    version_ = result.get_int(0, 2);
    id_ = result.get_text(0, 3);
    return true;
  }

 private:
  pg::Pool& pool_;
  const std::string sql_;
  const int dataset_;
  const std::int64_t horizon_;
  const std::int64_t batch_rows_;
  std::int64_t version_;
  std::string id_;  // ids are never empty: it starts before every id of the version
};

absl::Status finish(pg::Pool& pool, int dataset, std::int64_t horizon) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  pg::Params params;
  params.add(std::int32_t{dataset}).add(horizon);
  return connection->execute(sql::kFinishCompaction, params).status();
}

}  // namespace

absl::StatusOr<Compaction> compact(pg::Pool& pool, int dataset, std::int64_t horizon, const std::function<bool()>& stop,
                                   std::int64_t batch_rows) {
  LT_ASSIGN_OR_RETURN(const auto progress, move_horizon(pool, dataset, horizon));
  Compaction done;
  done.horizon = progress.horizon;
  if (progress.compacted >= progress.horizon) return done;
  Walk walk(pool, dataset, progress, std::max<std::int64_t>(batch_rows, 1));
  for (bool more = true; more;) {
    if (stop && stop()) {
      done.complete = false;
      return done;
    }
    LT_ASSIGN_OR_RETURN(more, walk.next(done.removed));
  }
  LT_RETURN_IF_ERROR(finish(pool, dataset, progress.horizon));
  return done;
}

absl::StatusOr<std::optional<std::int64_t>> version_older_than(pg::Pool& pool, int dataset,
                                                               std::chrono::milliseconds age) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  pg::Params params;
  params.add(std::int32_t{dataset}).add(std::int64_t{age.count()});
  LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql::kVersionOlderThan, params));
  if (result.empty()) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(result.get_int(0, 0));
}

}  // namespace lt::storage
