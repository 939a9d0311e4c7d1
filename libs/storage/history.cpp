#include "storage/history.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/status.hpp"
#include "storage/acquire.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

absl::StatusOr<FeatureChange> change_from(const pg::Row& row) {
  FeatureChange change;
  change.version = row.get_int(0);
  change.op = static_cast<feature::EntryOp>(row.get_char(1));
  change.record = row.get_bytes(2);
  change.before_version = row.get_int(3);
  change.before = row.get_bytes(4);
  LT_ASSIGN_OR_RETURN(change.receipt, feature::receipt_from_json(row.get_text(5)));
  return change;
}

}  // namespace

absl::StatusOr<std::int64_t> version_at(pg::Pool& pool, int dataset, std::int64_t time_us) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  pg::Params params;
  params.add(std::int32_t{dataset}).add_timestamp_us(time_us);
  LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql::kVersionAt, params));
  return result.empty() ? std::int64_t{0} : result.get_int(0, 0);
}

absl::StatusOr<FeatureHistoryPage> read_feature_history(pg::Pool& pool, int dataset, const std::string& id,
                                                        std::int64_t before, std::int64_t rows, std::int64_t bytes) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  pg::Params params;
  // One row more than asked for tells whether there are older ones.
  params.add(std::int32_t{dataset}).add(id).add(before).add(rows + 1).add(bytes);
  LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql_for(sql::kFeatureHistoryPage, dataset), params));
  FeatureHistoryPage page;
  const auto wanted = static_cast<int>(std::min<std::int64_t>(result.rows(), rows));
  for (int r = 0; r < wanted; ++r) {
    LT_ASSIGN_OR_RETURN(auto change, change_from(result.row(r)));
    page.changes.push_back(std::move(change));
  }
  page.more = !result.empty() && result.get_int(0, 6) > wanted;
  return page;
}

InverseReader::InverseReader(pg::Pool& pool, int dataset, std::int64_t version, PageLimits limits)
    : pool_(pool), sql_(sql_for(sql::kInversePage, dataset)), dataset_(dataset), version_(version), limits_(limits) {}

absl::StatusOr<bool> InverseReader::next(std::vector<InverseChange>& changes) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  pg::Params params;
  params.add(std::int32_t{dataset_}).add(version_).add(last_id_).add(limits_.rows).add(limits_.bytes);
  LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql_, params));
  if (result.empty()) return false;
  LT_RETURN_IF_ERROR(check_horizon(version_ - 1, result.get_int(0, 0)));
  if (result.is_null(0, 1)) return false;
  for (int r = 0; r < result.rows(); ++r) {
    const bool was_inserted = result.get_char(r, 2) == 'I';
    if (!was_inserted && result.is_null(r, 3)) {
      return make_error(
          absl::StatusCode::kDataLoss, "RECORD_MALFORMED",
          fmt::format("the stored state of feature '{}' before version {} is missing; verify the database",
                      result.get_text(r, 1), version_));
    }
    changes.push_back({std::string(result.get_text(r, 1)), std::string(result.get_bytes(r, 3))});
  }
  last_id_ = changes.back().id;
  return true;
}

}  // namespace lt::storage
