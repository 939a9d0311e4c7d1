#include "storage/views.hpp"

#include <cstdint>

#include "base/status.hpp"
#include "storage_sql.hpp"

namespace lt::storage {

absl::StatusOr<std::optional<std::string>> find_view(pg::Connection& connection, int dataset,
                                                     const std::string& revision) {
  LT_ASSIGN_OR_RETURN(const auto found,
                      connection.execute(sql::kFindView, pg::Params().add(revision).add(std::int32_t{dataset})));
  if (found.empty()) return std::optional<std::string>();
  return std::optional(std::string(found.get_text(0, 0)));
}

absl::Status keep_view(pg::Connection& connection, int dataset, const std::string& revision, const std::string& body) {
  return connection.execute(sql::kInsertView, pg::Params().add(revision).add(std::int32_t{dataset}).add(body)).status();
}

}  // namespace lt::storage
