#include "storage/detail/pages.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/status.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr std::int64_t kFewestRows = 16;

// Before the first id of a version, since ids are never empty.
Position start_of(std::int64_t version, Position after) {
  return after.id.empty() ? Position{version, {}} : std::move(after);
}

}  // namespace

absl::StatusOr<pg::Result> query(const PageSource& source, std::string_view sql, const pg::Params& params,
                                 bool keep_plan) {
  std::optional<pg::Result> result;
  LT_RETURN_IF_ERROR(source.run([&](pg::Connection& connection) -> absl::Status {
    LT_ASSIGN_OR_RETURN(result, connection.execute(sql, params, keep_plan));
    return absl::OkStatus();
  }));
  return *std::move(result);
}

bool PageSize::came(std::int64_t rows, std::int64_t bytes) {
  const bool full = rows >= rows_ || bytes >= limits_.bytes;
  // As many as this page would have needed to be full, and some more; at most twice as many as were asked for.
  const std::int64_t fit = bytes > 0 ? rows * limits_.bytes / bytes : limits_.rows;
  rows_ = std::min({std::max(kFewestRows, fit + fit / 8), rows_ * 2, limits_.rows});
  return full;
}

LogPages::LogPages(PageSource source, int dataset, std::int64_t a, std::int64_t b, std::int64_t oldest,
                   PageLimits limits, Position after)
    : source_(std::move(source)),
      sql_(sql_for(sql::kLogPage, dataset)),
      horizon_sql_(sql_for(sql::kReadHorizon, dataset)),
      b_(b),
      oldest_(oldest),
      size_(limits),
      last_(start_of(a + 1, std::move(after))) {}

absl::StatusOr<pg::Result> LogPages::next() {
  const auto params = pg::Params().add(b_).add(last_.version).add(last_.id).add(size_.rows()).add(size_.bytes());
  LT_ASSIGN_OR_RETURN(auto page, query(source_, sql_, params, false));
  if (page.rows() > 0) {
    LT_RETURN_IF_ERROR(check_horizon(oldest_, page.get_int(0, kHorizon)));
    return page;
  }
  // Nothing is there, or nothing is left: a horizon that is read afterwards knows.
  LT_ASSIGN_OR_RETURN(const auto head, query(source_, horizon_sql_, {}, true));
  if (head.empty()) return absl::InternalError("the dataset has no head");
  LT_RETURN_IF_ERROR(check_horizon(oldest_, head.get_int(0, 0)));
  return page;
}

bool LogPages::stand_after(const pg::Row& row, std::int64_t used, std::int64_t bytes) {
  last_ = {row.get_int(kVersion), std::string(row.get_text(kId))};
  return size_.came(used, bytes);
}

}  // namespace lt::storage
