// Reading history in pages: each page is one statement, so no transaction waits for a reader; the log never changes, so
// pages agree with each other.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "pg/pool.hpp"
#include "storage/catalog.hpp"

namespace lt::storage {

/// How much one page holds: it ends after `bytes` of records, so it is at most that and one record more.
struct PageLimits {
  std::int64_t bytes = 1 << 20;
  std::int64_t rows = 4096;
};

/// Where a reading stands; the next page goes on after (version, id).
class PageReader {
 public:
  virtual ~PageReader() = default;
  /// The next entries, possibly none although there are more. @return false when there are no more.
  [[nodiscard]] virtual absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) = 0;
};

/// Net change in (a, b] by version and id. 0 <= a <= b <= head, checked by the caller.
[[nodiscard]] std::unique_ptr<PageReader> read_diff(pg::Pool& pool, int dataset, std::int64_t a, std::int64_t b,
                                                    bool include_before, PageLimits limits = {});
/// Every change in (a, b] by version and id.
[[nodiscard]] std::unique_ptr<PageReader> read_changes(pg::Pool& pool, int dataset, std::int64_t a, std::int64_t b,
                                                       PageLimits limits = {});
/// The features of a version by id, as INSERT entries.
[[nodiscard]] std::unique_ptr<PageReader> read_snapshot(pg::Pool& pool, int dataset, std::int64_t version,
                                                        PageLimits limits = {});

/// One feature at a version; nothing when it does not exist there.
[[nodiscard]] absl::StatusOr<std::optional<feature::Entry>> read_feature(pg::Pool& pool, int dataset,
                                                                         const std::string& id, std::int64_t version);

/// Receipt of a version. Errors: NOT_FOUND CHANGESET_UNKNOWN.
[[nodiscard]] absl::StatusOr<feature::Receipt> read_version(pg::Pool& pool, int dataset, std::int64_t version);
struct VersionReceipt {
  std::int64_t version = 0;
  feature::Receipt receipt;
};
/// Up to `limit` versions before `before`, newest first.
[[nodiscard]] absl::StatusOr<std::vector<VersionReceipt>> list_versions(pg::Pool& pool, int dataset,
                                                                        std::int64_t before, int limit);

}  // namespace lt::storage
