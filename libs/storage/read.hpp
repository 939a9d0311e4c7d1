// Reading history in pages: each page is one statement, so no transaction waits for a reader. What the log says of a
// version that can be read never changes, so pages agree with each other; each reads the horizon of compacted history
// in its own statement, so that none is wrong when history is compacted meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "pg/pool.hpp"
#include "storage/catalog.hpp"
#include "storage/page_source.hpp"

namespace lt::storage {

/// How much one page holds: it ends after `bytes` of records, so it is at most that and one record more.
struct PageLimits {
  std::int64_t bytes = 1 << 20;
  std::int64_t rows = 4096;
};

/// What a reading of history needs to be there still: versions from the horizon on, and what leads from nothing to
/// them.
[[nodiscard]] constexpr std::int64_t oldest_of_diff(std::int64_t a, std::int64_t b) { return a == 0 ? b : a; }
/// Errors: OUT_OF_RANGE HISTORY_COMPACTED when `oldest` is before the horizon; metadata `version`, `horizon`.
[[nodiscard]] absl::Status check_horizon(std::int64_t oldest, std::int64_t horizon);

/// An entry that was read: reading can go on after it. Without an id it is the beginning.
struct Position {
  std::int64_t version = 0;  ///< of the entry; a snapshot goes by id alone
  std::string id;
};

/// Where a reading stands.
class PageReader {
 public:
  virtual ~PageReader() = default;
  /// The next entries, possibly none although there are more. Errors: those of check_horizon(), at any page.
  /// @return false when there are no more.
  [[nodiscard]] virtual absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) = 0;
};

/// Net change in (a, b] by version and id. 0 <= a <= b <= head, checked by the caller. Needs oldest_of_diff(a, b).
[[nodiscard]] std::unique_ptr<PageReader> read_diff(const PageSource& source, int dataset, std::int64_t a,
                                                    std::int64_t b, bool include_before, PageLimits limits = {},
                                                    Position after = {});
/// Every change in (a, b] by version and id. Needs version a.
[[nodiscard]] std::unique_ptr<PageReader> read_changes(const PageSource& source, int dataset, std::int64_t a,
                                                       std::int64_t b, PageLimits limits = {}, Position after = {});
/// The features of a version by id, as INSERT entries. Its cost follows the ids that exist or ever did, not the
/// changes.
[[nodiscard]] std::unique_ptr<PageReader> read_snapshot(const PageSource& source, int dataset, std::int64_t version,
                                                        PageLimits limits = {}, Position after = {});

/// One feature at a version; nothing when it does not exist there. Errors: those of check_horizon().
[[nodiscard]] absl::StatusOr<std::optional<feature::Entry>> read_feature(const PageSource& source, int dataset,
                                                                         const std::string& id, std::int64_t version);

/// Hex digest of the receipt of a version; empty for version 0. Errors: NOT_FOUND CHANGESET_UNKNOWN.
[[nodiscard]] absl::StatusOr<std::string> read_digest(const PageSource& source, int dataset, std::int64_t version);

/// The same on a connection; empty also when the version is not there. Equal digests mean equal history up to there,
/// since each receipt names the one before it.
[[nodiscard]] absl::StatusOr<std::string> find_digest(pg::Connection& connection, int dataset, std::int64_t version);

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
