#include "storage/view_read.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.hpp"
#include "storage/detail/pages.hpp"
#include "storage/detail/superseded.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr bool kPlanAnew = false;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
/// Rows of the log that one statement looks at, so that it ends soon also where nothing concerns the view.
constexpr std::int64_t kRowsLookedAt = 50'000;
/// Ids that one statement looks at where most are outside.
constexpr std::int64_t kIdsLookedAt = 32'768;

void add_box(pg::Params& params, const feature::View& view) {
  const bool everywhere = !view.area;
  const geo::Box box = everywhere ? geo::Box{} : view.grid->box();
  for (const double side : {box.x1, box.y1, box.x2, box.y2}) {
    params.add(everywhere ? std::optional<double>() : std::optional(side));
  }
}

// Of the four columns from `first`; nothing without geometry.
std::optional<geo::Box> box_of(const pg::Row& row, int first) {
  if (row.is_null(first)) return std::nullopt;
  return geo::Box{row.get_float(first), row.get_float(first + 1), row.get_float(first + 2), row.get_float(first + 3)};
}

/// A state as a page has it: without payload when the view cannot show it.
struct Side {
  bool exists = false;
  std::string_view hash, payload;
  std::optional<geo::Box> box;
};

/// What the reader gets of a state.
struct Shown {
  bool inside = false;
  std::string record;  ///< with the view's columns
};

absl::StatusOr<Shown> look(feature::ViewLens& lens, const Side& side) {
  if (!side.exists || side.payload.empty()) return Shown();
  LT_ASSIGN_OR_RETURN(const bool inside, lens.is_inside(side.payload, side.box));
  if (!inside) return Shown();
  LT_ASSIGN_OR_RETURN(auto record, lens.project(side.payload));
  return Shown{true, std::move(record)};
}

// The schema revision before the hashed part says nothing of the content.
bool same_content(std::string_view a, std::string_view b) {
  return a.substr(feature::kRecordPrefixBytes) == b.substr(feature::kRecordPrefixBytes);
}

/// Makes the entry of a feature, if there is one. Both lenses may be the same.
class EntryMaker {
 public:
  EntryMaker(feature::ViewLens& before, feature::ViewLens& after, bool include_before)
      : before_(before), after_(after), include_before_(include_before) {
    const auto& a = before.view();
    const auto& b = after.view();
    comparable_ = a.columns == b.columns && a.crs == b.crs;
    by_hash_ = a.columns.empty();
  }

  absl::Status add(std::string_view id, std::int64_t version, const Side& then, const Side& now,
                   std::vector<feature::Entry>& entries) const {
    auto seen_then = look(before_, then);
    auto seen_now = look(after_, now);
    for (const auto& seen : {seen_then.status(), seen_now.status()}) {
      if (!seen.ok()) return with_metadata(seen, "feature_id", std::string(id));
    }
    Shown& shown_then = *seen_then;
    Shown& shown_now = *seen_now;
    feature::Ends ends{then.exists, now.exists, shown_then.inside, shown_now.inside, false};
    if (shown_then.inside && shown_now.inside && comparable_) {
      ends.equal = by_hash_ ? then.hash == now.hash : same_content(shown_then.record, shown_now.record);
    }
    const auto op = feature::entry_op(ends);
    if (!op) return absl::OkStatus();
    feature::Entry entry;
    entry.op = *op;
    entry.id = id;
    entry.version = version;
    entry.record = std::move(shown_now.record);
    if (include_before_) entry.before = std::move(shown_then.record);
    entries.push_back(std::move(entry));
    return absl::OkStatus();
  }

 private:
  feature::ViewLens& before_;
  feature::ViewLens& after_;
  bool include_before_;
  bool comparable_ = false;
  bool by_hash_ = false;
};

enum class Kind { kNet, kEach };

/// Diffs and changes of one view.
class LogThroughView : public PageReader {
 public:
  LogThroughView(const PageSource& source, int dataset, std::int64_t a, std::int64_t b, ViewPtr view, Kind kind,
                 bool include_before, PageLimits limits, Position after)
      : source_(source),
        sql_(sql_for(sql::kViewLogPage, dataset)),
        states_sql_(sql_for(sql::kStatesAt, dataset)),
        a_(a),
        b_(b),
        oldest_(kind == Kind::kNet ? oldest_of_diff(a, b) : a),
        kind_(kind),
        lens_(std::move(view)),
        maker_(lens_, lens_, include_before),
        size_(limits),
        last_(after.id.empty() ? Position{a + 1, {}} : std::move(after)),
        superseded_(source_, dataset, b, limits, last_) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override;

 private:
  enum : int {
    kHorizon,
    kEndVersion,
    kEndId,
    kVersion,
    kId,
    kOp,
    kPayload,
    kPreviousVersion,
    kPreviousOp,
    kHash,
    kBox
  };
  enum : int { kExisted = 1, kStateHash = 2, kStatePayload = 3, kStateBox = 4 };
  /// A row whose entry may show.
  struct Candidate {
    int row = 0;
    std::int64_t asked = 0;  ///< the state at this version is asked for; 0: there was none
  };

  [[nodiscard]] absl::StatusOr<pg::Result> read_page() const;
  [[nodiscard]] std::int64_t asked_version(const pg::Row& row) const;
  [[nodiscard]] std::vector<Candidate> candidates(const pg::Result& page, int& used);
  [[nodiscard]] absl::StatusOr<pg::Result> states(const pg::Result& page, const std::vector<Candidate>& candidates);
  [[nodiscard]] absl::StatusOr<bool> go_on(const pg::Result& page, int used, bool cut);

  const PageSource source_;
  const std::string sql_, states_sql_;
  const std::int64_t a_, b_, oldest_;
  const Kind kind_;
  feature::ViewLens lens_;
  EntryMaker maker_;
  PageSize size_;
  Position last_;
  Superseded superseded_;
};

absl::StatusOr<pg::Result> LogThroughView::read_page() const {
  auto params = pg::Params().add(b_).add(last_.version).add(last_.id).add(size_.rows()).add(size_.bytes());
  add_box(params, lens_.view());
  params.add(kind_ == Kind::kNet && a_ > 0 ? a_ : kNever).add(kRowsLookedAt);
  LT_ASSIGN_OR_RETURN(auto page, query(source_, sql_, params, kPlanAnew));
  if (page.empty()) return absl::InternalError("the dataset has no head");
  LT_RETURN_IF_ERROR(check_horizon(oldest_, page.get_int(0, kHorizon)));
  return page;
}

// A change that replaced a state at `a` or before tells by itself whether there was one.
std::int64_t LogThroughView::asked_version(const pg::Row& row) const {
  const std::int64_t previous = row.get_int(kPreviousVersion);
  const bool replaced = !row.is_null(kPreviousOp) && row.get_char(kPreviousOp) != 'D';
  if (kind_ == Kind::kEach) return replaced ? previous : 0;
  return previous > a_ || replaced ? a_ : 0;
}

std::vector<LogThroughView::Candidate> LogThroughView::candidates(const pg::Result& page, int& used) {
  std::vector<Candidate> candidates;
  for (used = 0; used < page.rows() && !page.is_null(used, kId); ++used) {
    const pg::Row row = page.row(used);
    if (kind_ == Kind::kNet) {
      const auto superseded = superseded_.contains(row.get_int(kVersion), row.get_text(kId));
      if (!superseded) break;
      if (*superseded) continue;
    }
    candidates.push_back({used, asked_version(row)});
  }
  return candidates;
}

absl::StatusOr<pg::Result> LogThroughView::states(const pg::Result& page, const std::vector<Candidate>& candidates) {
  std::vector<std::string> ids;
  std::vector<std::int64_t> versions;
  for (const auto& one : candidates) {
    if (one.asked == 0) continue;
    ids.emplace_back(page.get_text(one.row, kId));
    versions.push_back(one.asked);
  }
  if (ids.empty()) return pg::Result(nullptr);
  // The states before are about as large as those after: with room to spare, few pages end with them.
  auto params = pg::Params().add_text_array(ids).add_int8_array(versions).add(true).add(2 * size_.bytes());
  add_box(params, lens_.view());
  LT_ASSIGN_OR_RETURN(auto states, query(source_, states_sql_, params, kPlanAnew));
  if (states.empty()) return absl::InternalError("what features were at a version was asked for and not answered");
  LT_RETURN_IF_ERROR(check_horizon(oldest_, states.get_int(0, 0)));
  return states;
}

absl::StatusOr<bool> LogThroughView::next(std::vector<feature::Entry>& entries) {
  if (kind_ == Kind::kNet) LT_RETURN_IF_ERROR(superseded_.prepare());
  LT_ASSIGN_OR_RETURN(const auto page, read_page());
  int used = 0;
  const auto candidates = this->candidates(page, used);
  if (used == 0 && !page.is_null(0, kId)) return true;  // the names of what was superseded go on first
  LT_ASSIGN_OR_RETURN(const auto states, this->states(page, candidates));
  bool cut = false;  // the states before filled the page
  int state = 0;
  for (const auto& [r, asked] : candidates) {
    cut = asked > 0 && state == states.rows();
    if (cut) used = r;
    if (cut) break;
    const pg::Row row = page.row(r);
    Side then;
    if (asked > 0) {
      const pg::Row found = states.row(state++);
      then = {found.get_bool(kExisted), found.get_bytes(kStateHash), found.get_bytes(kStatePayload),
              box_of(found, kStateBox)};
    }
    const Side now{row.get_char(kOp) != 'D', row.get_bytes(kHash), row.get_bytes(kPayload), box_of(row, kBox)};
    LT_RETURN_IF_ERROR(maker_.add(row.get_text(kId), row.get_int(kVersion), then, now, entries));
  }
  return go_on(page, used, cut);
}

absl::StatusOr<bool> LogThroughView::go_on(const pg::Result& page, int used, bool cut) {
  std::int64_t bytes = 0;
  for (int r = 0; r < used; ++r) bytes += static_cast<std::int64_t>(page.get_bytes(r, kPayload).size());
  const bool whole = used == page.rows() || page.is_null(0, kId);
  const bool full = used > 0 && size_.came(used, bytes);
  if (whole && !full) {  // up to where the statement looked
    if (page.is_null(0, kEndVersion)) return false;
    last_ = {page.get_int(0, kEndVersion), std::string(page.get_text(0, kEndId))};
    return true;
  }
  last_ = {page.get_int(used - 1, kVersion), std::string(page.get_text(used - 1, kId))};
  if (cut) superseded_.rewind();
  return true;
}

class SnapshotThroughView : public PageReader {
 public:
  SnapshotThroughView(PageSource source, int dataset, std::int64_t version, ViewPtr view, PageLimits limits,
                      Position after)
      : source_(std::move(source)),
        sql_(sql_for(sql::kViewSnapshotPage, dataset)),
        lens_(std::move(view)),
        maker_(lens_, lens_, false),
        size_(limits),
        version_(version),
        last_id_(std::move(after.id)) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override {
    enum : int { kHorizon, kVersion, kId, kPayload, kBox };
    auto params = pg::Params().add(version_).add(last_id_).add(size_.rows()).add(size_.bytes());
    add_box(params, lens_.view());
    LT_ASSIGN_OR_RETURN(const auto page, query(source_, sql_, params, kPlanAnew));
    if (page.empty()) return absl::InternalError("a page without its horizon: the dataset has no head");
    LT_RETURN_IF_ERROR(check_horizon(version_, page.get_int(0, kHorizon)));
    const int last = page.rows() - 1;
    if (page.is_null(last, kId)) return false;
    std::int64_t bytes = 0;
    for (int r = 0; r <= last; ++r) {
      if (page.is_null(r, kVersion)) continue;
      const pg::Row row = page.row(r);
      const Side now{true, {}, row.get_bytes(kPayload), box_of(row, kBox)};
      bytes += static_cast<std::int64_t>(now.payload.size());
      LT_RETURN_IF_ERROR(maker_.add(row.get_text(kId), row.get_int(kVersion), {}, now, entries));
    }
    last_id_ = page.get_text(last, kId);
    return size_.came(page.rows(), bytes);
  }

 private:
  const PageSource source_;
  const std::string sql_;
  feature::ViewLens lens_;
  EntryMaker maker_;
  PageSize size_;
  const std::int64_t version_;
  std::string last_id_;
};

class ViewChange : public PageReader {
 public:
  ViewChange(PageSource source, int dataset, std::int64_t a, ViewPtr before, std::int64_t b, ViewPtr after,
             bool include_before, PageLimits limits, Position position)
      : source_(std::move(source)),
        sql_(sql_for(sql::kViewChangePage, dataset)),
        before_(std::move(before)),
        after_(std::move(after)),
        maker_(before_, after_, include_before),
        size_(limits),
        a_(a),
        b_(b),
        last_id_(std::move(position.id)) {}

  absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override {
    enum : int { kHorizon, kId, kNow, kThen = kNow + 8 };
    auto params = pg::Params().add(a_).add(b_).add(last_id_).add(size_.rows()).add(size_.bytes());
    add_box(params, before_.view());
    add_box(params, after_.view());
    LT_ASSIGN_OR_RETURN(const auto page, query(source_, sql_, params, kPlanAnew));
    if (page.empty()) return absl::InternalError("a page without its horizon: the dataset has no head");
    LT_RETURN_IF_ERROR(check_horizon(oldest_of_diff(a_, b_), page.get_int(0, kHorizon)));
    if (page.is_null(0, kId)) return false;
    std::int64_t bytes = 0;
    for (int r = 0; r < page.rows(); ++r) {
      const pg::Row row = page.row(r);
      const Side now = side_of(row, kNow);
      const Side then = side_of(row, kThen);
      bytes += static_cast<std::int64_t>(now.payload.size() + then.payload.size());
      LT_RETURN_IF_ERROR(maker_.add(row.get_text(kId), row.get_int(kNow), then, now, entries));
    }
    last_id_ = page.get_text(page.rows() - 1, kId);
    return size_.came(page.rows(), bytes);
  }

 private:
  static Side side_of(const pg::Row& row, int first) {
    return {row.get_bool(first + 1), row.get_bytes(first + 2), row.get_bytes(first + 3), box_of(row, first + 4)};
  }

  const PageSource source_;
  const std::string sql_;
  feature::ViewLens before_, after_;
  EntryMaker maker_;
  PageSize size_;
  const std::int64_t a_, b_;
  std::string last_id_;
};

PageLimits by_id(PageLimits limits) {
  limits.rows = std::max(limits.rows, kIdsLookedAt);
  return limits;
}

}  // namespace

std::unique_ptr<PageReader> read_diff(const PageSource& source, int dataset, std::int64_t a, std::int64_t b,
                                      ViewPtr view, bool include_before, PageLimits limits, Position after) {
  return std::make_unique<LogThroughView>(source, dataset, a, b, std::move(view), Kind::kNet, include_before, limits,
                                          std::move(after));
}

std::unique_ptr<PageReader> read_changes(const PageSource& source, int dataset, std::int64_t a, std::int64_t b,
                                         ViewPtr view, PageLimits limits, Position after) {
  return std::make_unique<LogThroughView>(source, dataset, a, b, std::move(view), Kind::kEach, false, limits,
                                          std::move(after));
}

std::unique_ptr<PageReader> read_snapshot(const PageSource& source, int dataset, std::int64_t version, ViewPtr view,
                                          PageLimits limits, Position after) {
  return std::make_unique<SnapshotThroughView>(source, dataset, version, std::move(view), by_id(limits),
                                               std::move(after));
}

std::unique_ptr<PageReader> read_view_change(const PageSource& source, int dataset, std::int64_t a, ViewPtr before,
                                             std::int64_t b, ViewPtr after, bool include_before, PageLimits limits,
                                             Position position) {
  return std::make_unique<ViewChange>(source, dataset, a, std::move(before), b, std::move(after), include_before,
                                      by_id(limits), std::move(position));
}

}  // namespace lt::storage
