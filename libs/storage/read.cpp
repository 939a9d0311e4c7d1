#include "storage/read.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/status.hpp"
#include "storage/acquire.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr std::int64_t kFirstRows = 256;
constexpr std::int64_t kFewestRows = 16;

// Columns that all pages begin with.
enum : int { kHorizon = 0, kVersion = 1, kId = 2 };

// One statement, at the server that the source chooses.
absl::StatusOr<pg::Result> query(const PageSource& source, std::string_view sql, const pg::Params& params,
                                 bool keep_plan = true) {
  std::optional<pg::Result> result;
  LT_RETURN_IF_ERROR(source.run([&](pg::Connection& connection) -> absl::Status {
    LT_ASSIGN_OR_RETURN(result, connection.execute(sql, params, keep_plan));
    return absl::OkStatus();
  }));
  return *std::move(result);
}

// What the three readings share: position, horizon, and a number of rows per page that follows the size of the records,
// so that a page of large records does not read thousands of rows to use a few.
class LogPages : public PageReader {
 public:
  LogPages(PageSource source, std::string sql, PageLimits limits, std::int64_t oldest, Position after)
      : last_(std::move(after)), source_(std::move(source)), sql_(std::move(sql)), limits_(limits), oldest_(oldest) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override {
    // Planned anew for each page: a plan made while the tables were small must not be used when they are large.
    constexpr bool kKeepPlan = false;
    LT_ASSIGN_OR_RETURN(const auto result, query(source_, sql_, page_params(), kKeepPlan));
    if (result.rows() == 0) return absl::InternalError("a page without its horizon: the dataset has no head");
    LT_RETURN_IF_ERROR(check_horizon(oldest_, result.get_int(0, kHorizon)));
    const int last = result.rows() - 1;
    if (result.is_null(last, kId)) return false;
    std::int64_t bytes = 0;
    for (int r = 0; r <= last; ++r) bytes += take(result.row(r), entries);
    last_ = {result.get_int(last, kVersion), std::string(result.get_text(last, kId))};
    const bool cut_by_bytes = bytes >= limits_.bytes;
    const bool full = result.rows() >= rows_;
    rows_ = next_rows(result.rows(), bytes);
    return cut_by_bytes || full;
  }

 private:
  // As many as this page would have needed to be full, and some more; at most twice as many as were asked for.
  [[nodiscard]] std::int64_t next_rows(std::int64_t rows, std::int64_t bytes) const {
    const std::int64_t full = bytes > 0 ? rows * limits_.bytes / bytes : limits_.rows;
    return std::min({std::max(kFewestRows, full + full / 8), rows_ * 2, limits_.rows});
  }

 protected:
  [[nodiscard]] virtual pg::Params page_params() const = 0;
  /// Turns a row into an entry, or into nothing. @return bytes that it counted against the page.
  virtual std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) = 0;

  // Before the first id of a version, since ids are never empty.
  static Position start_of(std::int64_t version, Position after) {
    return after.id.empty() ? Position{version, {}} : std::move(after);
  }

  Position last_;
  std::int64_t rows_ = kFirstRows;
  const PageSource source_;
  const std::string sql_;
  const PageLimits limits_;
  const std::int64_t oldest_;
};

class DiffPages : public LogPages {
 public:
  DiffPages(const PageSource& source, int dataset, std::int64_t a, std::int64_t b, bool before, PageLimits limits,
            Position after)
      : LogPages(source, sql_for(sql::kDiffPage, dataset), limits, oldest_of_diff(a, b),
                 start_of(a + 1, std::move(after))),
        a_(a),
        b_(b),
        before_(before) {}

 private:
  pg::Params page_params() const override {
    return pg::Params().add(a_).add(b_).add(last_.version).add(last_.id).add(rows_).add(limits_.bytes).add(before_);
  }

  std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) override {
    enum : int { kOp = 3, kPayload = 4, kExisted = 5, kSame = 6, kBefore = 7 };
    if (row.is_null(kExisted)) return 0;
    const auto bytes = static_cast<std::int64_t>(row.get_bytes(kPayload).size() + row.get_bytes(kBefore).size());
    const bool existed = row.get_bool(kExisted);
    const bool exists = row.get_char(kOp) != 'D';
    if (!existed && !exists) return bytes;
    if (existed && exists && row.get_bool(kSame)) return bytes;
    feature::Entry entry;
    entry.op = !existed ? feature::EntryOp::kInsert : exists ? feature::EntryOp::kUpdate : feature::EntryOp::kDelete;
    entry.version = row.get_int(kVersion);
    entry.id = row.get_text(kId);
    if (exists) entry.record = row.get_bytes(kPayload);
    if (before_ && existed) entry.before = row.get_bytes(kBefore);
    entries.push_back(std::move(entry));
    return bytes;
  }

  const std::int64_t a_, b_;
  const bool before_;
};

class ChangesPages : public LogPages {
 public:
  ChangesPages(const PageSource& source, int dataset, std::int64_t a, std::int64_t b, PageLimits limits, Position after)
      : LogPages(source, sql_for(sql::kChangesPage, dataset), limits, a, start_of(a + 1, std::move(after))), b_(b) {}

 private:
  pg::Params page_params() const override {
    return pg::Params().add(b_).add(last_.version).add(last_.id).add(rows_).add(limits_.bytes);
  }

  std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) override {
    enum : int { kOp = 3, kPayload = 4 };
    feature::Entry entry;
    entry.op = static_cast<feature::EntryOp>(row.get_char(kOp));
    entry.version = row.get_int(kVersion);
    entry.id = row.get_text(kId);
    entry.record = row.get_bytes(kPayload);
    const auto bytes = static_cast<std::int64_t>(entry.record.size());
    entries.push_back(std::move(entry));
    return bytes;
  }

  const std::int64_t b_;
};

class SnapshotPages : public LogPages {
 public:
  SnapshotPages(const PageSource& source, int dataset, std::int64_t version, PageLimits limits, Position after)
      : LogPages(source, sql_for(sql::kSnapshotPage, dataset), limits, version, std::move(after)), version_(version) {}

 private:
  pg::Params page_params() const override {
    return pg::Params().add(version_).add(last_.id).add(rows_).add(limits_.bytes);
  }

  std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) override {
    enum : int { kPayload = 3 };
    if (row.is_null(kVersion)) return 0;
    feature::Entry entry;
    entry.version = row.get_int(kVersion);
    entry.id = row.get_text(kId);
    entry.record = row.get_bytes(kPayload);
    const auto bytes = static_cast<std::int64_t>(entry.record.size());
    entries.push_back(std::move(entry));
    return bytes;
  }

  const std::int64_t version_;
};

}  // namespace

absl::Status check_horizon(std::int64_t oldest, std::int64_t horizon) {
  if (oldest >= horizon) return absl::OkStatus();
  return make_error(
      absl::StatusCode::kOutOfRange, "HISTORY_COMPACTED",
      fmt::format("version {} can no longer be read, nor what changed since: history was compacted up to version {}; "
                  "read a snapshot, or the diff from version 0, of version {} or later and compare",
                  oldest, horizon, horizon),
      {{"version", std::to_string(oldest)}, {"horizon", std::to_string(horizon)}});
}

std::unique_ptr<PageReader> read_diff(const PageSource& source, int dataset, std::int64_t a, std::int64_t b,
                                      bool include_before, PageLimits limits, Position after) {
  return std::make_unique<DiffPages>(source, dataset, a, b, include_before, limits, std::move(after));
}

std::unique_ptr<PageReader> read_changes(const PageSource& source, int dataset, std::int64_t a, std::int64_t b,
                                         PageLimits limits, Position after) {
  return std::make_unique<ChangesPages>(source, dataset, a, b, limits, std::move(after));
}

std::unique_ptr<PageReader> read_snapshot(const PageSource& source, int dataset, std::int64_t version,
                                          PageLimits limits, Position after) {
  return std::make_unique<SnapshotPages>(source, dataset, version, limits, std::move(after));
}

absl::StatusOr<std::optional<feature::Entry>> read_feature(const PageSource& source, int dataset, const std::string& id,
                                                           std::int64_t version) {
  enum : int { kOp = 2, kPayload = 3 };
  LT_ASSIGN_OR_RETURN(const auto result,
                      query(source, sql_for(sql::kFeatureAt, dataset), pg::Params().add(id).add(version)));
  if (result.rows() == 0) return absl::InternalError("the dataset has no head");
  LT_RETURN_IF_ERROR(check_horizon(version, result.get_int(0, kHorizon)));
  if (result.is_null(0, kVersion) || result.get_char(0, kOp) == 'D') return std::nullopt;
  feature::Entry entry;
  entry.id = id;
  entry.version = result.get_int(0, kVersion);
  entry.record = result.get_bytes(0, kPayload);
  return entry;
}

namespace {

absl::Status version_unknown(std::int64_t version) {
  return make_error(absl::StatusCode::kNotFound, "CHANGESET_UNKNOWN", fmt::format("there is no version {}", version),
                    {{"version", std::to_string(version)}});
}

}  // namespace

absl::StatusOr<std::string> read_digest(const PageSource& source, int dataset, std::int64_t version) {
  if (version == 0) return std::string();
  std::string digest;
  LT_RETURN_IF_ERROR(source.run([&](pg::Connection& connection) -> absl::Status {
    LT_ASSIGN_OR_RETURN(digest, find_digest(connection, dataset, version));
    return absl::OkStatus();
  }));
  if (digest.empty()) return version_unknown(version);
  return digest;
}

absl::StatusOr<std::string> find_digest(pg::Connection& connection, int dataset, std::int64_t version) {
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection.execute(sql::kFindDigest, pg::Params().add(std::int32_t{dataset}).add(version)));
  return result.rows() == 0 ? std::string() : std::string(result.get_text(0, 0));
}

absl::StatusOr<feature::Receipt> read_version(pg::Pool& pool, int dataset, std::int64_t version) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kFindVersion, pg::Params().add(std::int32_t{dataset}).add(version)));
  if (result.rows() == 0) return version_unknown(version);
  return feature::receipt_from_json(result.get_text(0, 1));
}

absl::StatusOr<std::vector<VersionReceipt>> list_versions(pg::Pool& pool, int dataset, std::int64_t before, int limit) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  pg::Params params;
  params.add(std::int32_t{dataset}).add(before).add(std::int64_t{limit});
  LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql::kListVersions, params));
  std::vector<VersionReceipt> versions;
  for (int r = 0; r < result.rows(); ++r) {
    LT_ASSIGN_OR_RETURN(auto receipt, feature::receipt_from_json(result.get_text(r, 1)));
    versions.push_back({result.get_int(r, 0), std::move(receipt)});
  }
  return versions;
}

}  // namespace lt::storage
