#include "storage/detail/first_load.hpp"

#include <future>

#include <fmt/format.h>

#include "base/status.hpp"
#include "storage/acquire.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {

absl::StatusOr<bool> FirstLoad::fits(pg::Pool& pool, const PublishRequest& request, const StagedChangeset& staged) {
  const auto& parts = staged.parts();
  if (parts.size() != 1 || request.duplicates > 0) return false;
  const auto& part = parts.front();
  if (!part.loading || !part.all_new || request.header.base_version_of(part.dataset.name).value_or(0) > 0) return false;
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  const auto dataset = pg::Params().add(std::int32_t{part.dataset.id});
  LT_ASSIGN_OR_RETURN(const auto head, connection->execute(sql::kReadHead, dataset));
  LT_ASSIGN_OR_RETURN(const auto waiting, connection->execute(sql::kHasQuarantine, dataset));
  return head.get_int(0, 0) == 0 && !waiting.get_bool(0, 0);
}

absl::Status FirstLoad::finish_one(std::string_view fill, std::string_view index, const char* suffix) const {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  {
    LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(*connection));
    for (const auto sql : {fill, index}) {
      LT_RETURN_IF_ERROR(connection->execute_script(sql_for(sql, part_.dataset.id, part_.relation)));
    }
    LT_RETURN_IF_ERROR(transaction.commit());
  }
  // Frozen and with its visibility map: the first reads are index-only, and no later vacuum writes all of it again.
  return connection->execute_script(fmt::format("VACUUM (FREEZE, ANALYZE) {}{}", part_.relation, suffix));
}

absl::Status FirstLoad::finish() const {
  auto log = std::async(std::launch::async, [&] { return finish_one(sql::kLoadLog, sql::kIndexLog, "_log"); });
  const absl::Status feature = finish_one(sql::kLoadFeature, sql::kIndexFeature, "_feature");
  LT_RETURN_IF_ERROR(log.get());
  return feature;
}

absl::Status FirstLoad::lock_tables(pg::Connection& connection) const {
  return connection.execute_script(sql_for(sql::kLockLoad, part_.dataset.id));
}

absl::Status FirstLoad::put_in_place(pg::Connection& connection) const {
  return connection.execute_script(sql_for(sql::kPutLoadInPlace, part_.dataset.id, part_.relation));
}

}  // namespace lt::storage
