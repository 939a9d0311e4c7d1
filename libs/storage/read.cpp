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

// What the three readings share: position, and a number of rows per page that follows the size of the records, so that
// a page of large records does not read thousands of rows to use a few.
class LogPages : public PageReader {
 public:
  LogPages(pg::Pool& pool, std::string sql, PageLimits limits) : pool_(pool), sql_(std::move(sql)), limits_(limits) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override {
    LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
    LT_ASSIGN_OR_RETURN(const auto result, connection->execute(sql_, page_params()));
    std::int64_t bytes = 0;
    for (int r = 0; r < result.rows(); ++r) {
      const auto row = result.row(r);
      bytes += take(row, entries);
    }
    if (result.rows() == 0) return false;
    last_version_ = result.get_int(result.rows() - 1, 0);
    last_id_ = result.get_text(result.rows() - 1, 1);
    const bool cut_by_bytes = bytes >= limits_.bytes;
    const bool full = result.rows() >= rows_;
    rows_ = cut_by_bytes ? std::max(kFewestRows, std::int64_t{result.rows()} * 2) : rows_ * 2;
    rows_ = std::min(rows_, limits_.rows);
    return cut_by_bytes || full;
  }

 protected:
  [[nodiscard]] virtual pg::Params page_params() const = 0;
  /// Turns a row into an entry, or into nothing. @return bytes that it counted against the page.
  virtual std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) = 0;

  std::int64_t last_version_ = 0;
  std::string last_id_;
  std::int64_t rows_ = kFirstRows;
  pg::Pool& pool_;
  const std::string sql_;
  const PageLimits limits_;
};

class DiffPages : public LogPages {
 public:
  DiffPages(pg::Pool& pool, int dataset, std::int64_t a, std::int64_t b, bool before, PageLimits limits)
      : LogPages(pool, sql_for(sql::kDiffPage, dataset), limits), a_(a), b_(b), before_(before) {
    last_version_ = a + 1;  // ids are never empty: this is before every id of version a + 1
  }

 private:
  pg::Params page_params() const override {
    return pg::Params().add(a_).add(b_).add(last_version_).add(last_id_).add(rows_).add(limits_.bytes).add(before_);
  }

  std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) override {
    if (row.is_null(4)) return 0;
    const auto bytes = static_cast<std::int64_t>(row.get_bytes(3).size() + row.get_bytes(6).size());
    const bool existed = row.get_bool(4);
    const bool exists = row.get_char(2) != 'D';
    if (!existed && !exists) return bytes;
    if (existed && exists && row.get_bool(5)) return bytes;
    feature::Entry entry;
    entry.op = !existed ? feature::EntryOp::kInsert : exists ? feature::EntryOp::kUpdate : feature::EntryOp::kDelete;
    entry.version = row.get_int(0);
    entry.id = row.get_text(1);
    if (exists) entry.record = row.get_bytes(3);
    if (before_ && existed) entry.before = row.get_bytes(6);
    entries.push_back(std::move(entry));
    return bytes;
  }

  const std::int64_t a_, b_;
  const bool before_;
};

class ChangesPages : public LogPages {
 public:
  ChangesPages(pg::Pool& pool, int dataset, std::int64_t a, std::int64_t b, PageLimits limits)
      : LogPages(pool, sql_for(sql::kChangesPage, dataset), limits), b_(b) {
    last_version_ = a + 1;  // ids are never empty: this is before every id of version a + 1
  }

 private:
  pg::Params page_params() const override {
    return pg::Params().add(b_).add(last_version_).add(last_id_).add(rows_).add(limits_.bytes);
  }

  std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) override {
    feature::Entry entry;
    entry.op = static_cast<feature::EntryOp>(row.get_char(2));
    entry.version = row.get_int(0);
    entry.id = row.get_text(1);
    entry.record = row.get_bytes(3);
    const auto bytes = static_cast<std::int64_t>(entry.record.size());
    entries.push_back(std::move(entry));
    return bytes;
  }

  const std::int64_t b_;
};

class SnapshotPages : public LogPages {
 public:
  SnapshotPages(pg::Pool& pool, int dataset, std::int64_t version, PageLimits limits)
      : LogPages(pool, sql_for(sql::kSnapshotPage, dataset), limits), version_(version) {}

 private:
  pg::Params page_params() const override {
    return pg::Params().add(version_).add(last_id_).add(rows_).add(limits_.bytes);
  }

  std::int64_t take(const pg::Row& row, std::vector<feature::Entry>& entries) override {
    if (row.get_char(2) == 'D') return 0;
    feature::Entry entry;
    entry.version = row.get_int(0);
    entry.id = row.get_text(1);
    entry.record = row.get_bytes(3);
    const auto bytes = static_cast<std::int64_t>(entry.record.size());
    entries.push_back(std::move(entry));
    return bytes;
  }

  const std::int64_t version_;
};

}  // namespace

std::unique_ptr<PageReader> read_diff(pg::Pool& pool, int dataset, std::int64_t a, std::int64_t b, bool include_before,
                                      PageLimits limits) {
  return std::make_unique<DiffPages>(pool, dataset, a, b, include_before, limits);
}

std::unique_ptr<PageReader> read_changes(pg::Pool& pool, int dataset, std::int64_t a, std::int64_t b,
                                         PageLimits limits) {
  return std::make_unique<ChangesPages>(pool, dataset, a, b, limits);
}

std::unique_ptr<PageReader> read_snapshot(pg::Pool& pool, int dataset, std::int64_t version, PageLimits limits) {
  return std::make_unique<SnapshotPages>(pool, dataset, version, limits);
}

absl::StatusOr<std::optional<feature::Entry>> read_feature(pg::Pool& pool, int dataset, const std::string& id,
                                                           std::int64_t version) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql_for(sql::kFeatureAt, dataset), pg::Params().add(id).add(version)));
  if (result.rows() == 0 || result.get_char(0, 1) == 'D') return std::nullopt;
  feature::Entry entry;
  entry.id = id;
  entry.version = result.get_int(0, 0);
  entry.record = result.get_bytes(0, 2);
  return entry;
}

absl::StatusOr<feature::Receipt> read_version(pg::Pool& pool, int dataset, std::int64_t version) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kFindVersion, pg::Params().add(std::int32_t{dataset}).add(version)));
  if (result.rows() == 0) {
    return make_error(absl::StatusCode::kNotFound, "CHANGESET_UNKNOWN", fmt::format("there is no version {}", version),
                      {{"version", std::to_string(version)}});
  }
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
