// What the readings of history share: where they stand, and how many rows a page asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "pg/connection.hpp"
#include "storage/page_source.hpp"
#include "storage/read.hpp"

namespace lt::storage {

/// One statement, at the server that the source chooses.
/// @param keep_plan false: planned anew, because a plan made while tables were small must not be used when they are
/// large.
[[nodiscard]] absl::StatusOr<pg::Result> query(const PageSource& source, std::string_view sql, const pg::Params& params,
                                               bool keep_plan);

/// A number of rows per page that follows the size of the records, so that a page of large records does not read
/// thousands of rows to use a few.
class PageSize {
 public:
  explicit PageSize(PageLimits limits) : limits_(limits) {}
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t bytes() const { return limits_.bytes; }
  /// A page of that many rows and bytes came. @return whether it was full, so that there may be more.
  bool came(std::int64_t rows, std::int64_t bytes);

 private:
  PageLimits limits_;
  std::int64_t rows_ = kFirstRows;
  static constexpr std::int64_t kFirstRows = 256;
};

/// Pages of the log by version and id.
class LogPages {
 public:
  // Columns of a page.
  enum : int { kHorizon, kVersion, kId, kOp, kPayload, kPreviousVersion, kHash };

  /// @param a, b (a, b] is read. @param oldest what must be there: HISTORY_COMPACTED when it is before the horizon.
  LogPages(PageSource source, int dataset, std::int64_t a, std::int64_t b, std::int64_t oldest, PageLimits limits,
           Position after);

  /// The rows after the position; none: the end.
  [[nodiscard]] absl::StatusOr<pg::Result> next();
  /// Reading goes on after this row, the last that was used of `used` rows with that many bytes of payload.
  /// @return whether there may be more.
  bool stand_after(const pg::Row& row, std::int64_t used, std::int64_t bytes);

  [[nodiscard]] const PageSource& source() const { return source_; }
  [[nodiscard]] const Position& position() const { return last_; }
  [[nodiscard]] std::int64_t page_bytes() const { return size_.bytes(); }

 private:
  PageSource source_;
  std::string sql_, horizon_sql_;
  std::int64_t b_, oldest_;
  PageSize size_;
  Position last_;
};

}  // namespace lt::storage
