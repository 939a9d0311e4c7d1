#include "storage/read.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "storage/acquire.hpp"
#include "storage/detail/pages.hpp"
#include "storage/detail/superseded.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr bool kPlanAnew = false;
constexpr bool kKeepPlan = true;

class DiffPages : public PageReader {
 public:
  DiffPages(const PageSource& source, int dataset, std::int64_t a, std::int64_t b, bool before, PageLimits limits,
            Position after)
      : pages_(source, dataset, a, b, oldest_of_diff(a, b), limits, std::move(after)),
        superseded_(pages_.source(), dataset, b, limits, pages_.position()),
        states_sql_(sql_for(sql::kStatesAt, dataset)),
        a_(a),
        oldest_(oldest_of_diff(a, b)),
        before_(before) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override;

 private:
  /// A row that is the last of its feature in the range.
  struct Candidate {
    int row = 0;
    bool asked = false;  ///< what was there at `a` is asked for
  };
  /// @param used rows that can be told; the others are for the next page.
  std::vector<Candidate> candidates(const pg::Result& page, int& used);
  [[nodiscard]] bool must_ask(const pg::Row& row) const;
  absl::StatusOr<pg::Result> states(const pg::Result& page, const std::vector<Candidate>& candidates) const;
  void add_entry(const pg::Row& row, const pg::Row* state, std::vector<feature::Entry>& entries) const;

  enum : int { kExisted = 1, kStateHash = 2, kStatePayload = 3 };
  LogPages pages_;
  Superseded superseded_;
  const std::string states_sql_;
  const std::int64_t a_, oldest_;
  const bool before_;
};

std::vector<DiffPages::Candidate> DiffPages::candidates(const pg::Result& page, int& used) {
  std::vector<Candidate> candidates;
  for (used = 0; used < page.rows(); ++used) {
    const pg::Row row = page.row(used);
    const auto superseded = superseded_.contains(row.get_int(LogPages::kVersion), row.get_text(LogPages::kId));
    if (!superseded) break;
    if (!*superseded) candidates.push_back({used, must_ask(row)});
  }
  return candidates;
}

// A change that replaced a state at `a` or before tells by its op whether there was one, and it changed it.
bool DiffPages::must_ask(const pg::Row& row) const {
  if (a_ == 0) return false;
  if (row.get_int(LogPages::kPreviousVersion) > a_) return true;
  return before_ && row.get_char(LogPages::kOp) != 'I';
}

absl::StatusOr<pg::Result> DiffPages::states(const pg::Result& page, const std::vector<Candidate>& candidates) const {
  std::vector<std::string> ids;
  for (const auto& one : candidates) {
    if (one.asked) ids.emplace_back(page.get_text(one.row, LogPages::kId));
  }
  if (ids.empty()) return pg::Result(nullptr);
  auto params = pg::Params().add_text_array(ids);
  params.add_int8_array(std::vector<std::int64_t>(ids.size(), a_)).add(before_).add(pages_.page_bytes());
  for (int side = 0; side < 4; ++side) params.add(std::optional<double>());
  LT_ASSIGN_OR_RETURN(auto states, query(pages_.source(), states_sql_, params, kPlanAnew));
  if (states.empty()) return absl::InternalError("what features were at a version was asked for and not answered");
  LT_RETURN_IF_ERROR(check_horizon(oldest_, states.get_int(0, LogPages::kHorizon)));
  return states;
}

void DiffPages::add_entry(const pg::Row& row, const pg::Row* state, std::vector<feature::Entry>& entries) const {
  const bool existed = state != nullptr ? state->get_bool(kExisted) : a_ > 0 && row.get_char(LogPages::kOp) != 'I';
  const bool exists = row.get_char(LogPages::kOp) != 'D';
  if (!existed && !exists) return;
  if (existed && exists && state != nullptr && row.get_bytes(LogPages::kHash) == state->get_bytes(kStateHash)) return;
  feature::Entry entry;
  entry.op = !existed ? feature::EntryOp::kInsert : exists ? feature::EntryOp::kUpdate : feature::EntryOp::kDelete;
  entry.version = row.get_int(LogPages::kVersion);
  entry.id = row.get_text(LogPages::kId);
  if (exists) entry.record = row.get_bytes(LogPages::kPayload);
  if (before_ && existed) entry.before = state->get_bytes(kStatePayload);
  entries.push_back(std::move(entry));
}

absl::StatusOr<bool> DiffPages::next(std::vector<feature::Entry>& entries) {
  LT_RETURN_IF_ERROR(superseded_.prepare());
  LT_ASSIGN_OR_RETURN(const auto page, pages_.next());
  if (page.empty()) return false;
  int used = 0;
  const auto candidates = this->candidates(page, used);
  if (used == 0) return true;
  LT_ASSIGN_OR_RETURN(const auto states, this->states(page, candidates));
  bool cut = false;  // the states before filled the page
  int state = 0;
  for (const auto& [r, asked] : candidates) {
    cut = asked && state == states.rows();
    if (cut) used = r;
    if (cut) break;
    const auto before = asked ? std::optional(states.row(state++)) : std::nullopt;
    add_entry(page.row(r), before ? &*before : nullptr, entries);
  }
  std::int64_t bytes = 0;
  for (int r = 0; r < used; ++r) bytes += static_cast<std::int64_t>(page.get_bytes(r, LogPages::kPayload).size());
  const bool more = pages_.stand_after(page.row(used - 1), used, bytes);
  if (cut) superseded_.rewind();
  return more || used < page.rows();
}

class ChangesPages : public PageReader {
 public:
  ChangesPages(const PageSource& source, int dataset, std::int64_t a, std::int64_t b, PageLimits limits, Position after)
      : pages_(source, dataset, a, b, a, limits, std::move(after)) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override {
    LT_ASSIGN_OR_RETURN(const auto page, pages_.next());
    if (page.empty()) return false;
    std::int64_t bytes = 0;
    for (int r = 0; r < page.rows(); ++r) {
      feature::Entry entry;
      entry.op = static_cast<feature::EntryOp>(page.get_char(r, LogPages::kOp));
      entry.version = page.get_int(r, LogPages::kVersion);
      entry.id = page.get_text(r, LogPages::kId);
      entry.record = page.get_bytes(r, LogPages::kPayload);
      bytes += static_cast<std::int64_t>(entry.record.size());
      entries.push_back(std::move(entry));
    }
    return pages_.stand_after(page.row(page.rows() - 1), page.rows(), bytes);
  }

 private:
  LogPages pages_;
};

class SnapshotPages : public PageReader {
 public:
  SnapshotPages(PageSource source, int dataset, std::int64_t version, PageLimits limits, Position after)
      : source_(std::move(source)),
        sql_(sql_for(sql::kSnapshotPage, dataset)),
        size_(limits),
        version_(version),
        last_id_(std::move(after.id)) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override {
    enum : int { kHorizon, kVersion, kId, kPayload };
    const auto params = pg::Params().add(version_).add(last_id_).add(size_.rows()).add(size_.bytes());
    LT_ASSIGN_OR_RETURN(const auto page, query(source_, sql_, params, kPlanAnew));
    if (page.empty()) return absl::InternalError("a page without its horizon: the dataset has no head");
    LT_RETURN_IF_ERROR(check_horizon(version_, page.get_int(0, kHorizon)));
    const int last = page.rows() - 1;
    if (page.is_null(last, kId)) return false;
    std::int64_t bytes = 0;
    for (int r = 0; r <= last; ++r) {
      if (page.is_null(r, kVersion)) continue;
      feature::Entry entry;
      entry.version = page.get_int(r, kVersion);
      entry.id = page.get_text(r, kId);
      entry.record = page.get_bytes(r, kPayload);
      bytes += static_cast<std::int64_t>(entry.record.size());
      entries.push_back(std::move(entry));
    }
    last_id_ = page.get_text(last, kId);
    return size_.came(page.rows(), bytes);
  }

 private:
  const PageSource source_;
  const std::string sql_;
  PageSize size_;
  const std::int64_t version_;
  std::string last_id_;
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
  enum : int { kHorizon, kVersion, kOp, kPayload };
  LT_ASSIGN_OR_RETURN(const auto result,
                      query(source, sql_for(sql::kFeatureAt, dataset), pg::Params().add(id).add(version), kKeepPlan));
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
