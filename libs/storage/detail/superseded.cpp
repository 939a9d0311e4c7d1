#include "storage/detail/superseded.hpp"

#include <tuple>

#include "base/status.hpp"
#include "storage/detail/pages.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

/// Each page looks at the whole rest of the range, in the index; so few, large ones, of as many rows as so many pages
/// of changes. 65,536 ids of 12 bytes take 1.6 MB.
constexpr std::int64_t kPagesOfChanges = 16;

}  // namespace

Superseded::Superseded(const PageSource& source, int dataset, std::int64_t b, PageLimits limits, const Position& start)
    : source_(source),
      sql_(sql_for(sql::kSupersededPage, dataset)),
      b_(b),
      rows_(limits.rows * kPagesOfChanges),
      last_(start),
      more_(start.version < b_) {}  // what the last version holds, nothing in the range can replace

absl::Status Superseded::prepare() {
  if (place_ < versions_.size() || !more_) return absl::OkStatus();
  const auto params = pg::Params().add(b_).add(last_.version).add(last_.id).add(rows_);
  LT_ASSIGN_OR_RETURN(const auto page, query(source_, sql_, params, false));
  place_ = 0;
  versions_.clear();
  ends_.clear();
  ids_.clear();
  for (int r = 0; r < page.rows(); ++r) {
    versions_.push_back(page.get_int(r, 0));
    ids_ += page.get_text(r, 1);
    ends_.push_back(static_cast<std::uint32_t>(ids_.size()));
  }
  more_ = page.rows() == rows_;
  if (more_) last_ = {versions_.back(), std::string(id_at(versions_.size() - 1))};
  return absl::OkStatus();
}

std::string_view Superseded::id_at(std::size_t place) const {
  const std::size_t begin = place == 0 ? 0 : ends_[place - 1];
  return std::string_view(ids_).substr(begin, ends_[place] - begin);
}

std::optional<bool> Superseded::contains(std::int64_t version, std::string_view id) {
  const auto asked = std::tuple(version, id);
  for (; place_ < versions_.size(); ++place_) {
    const auto here = std::tuple(versions_[place_], id_at(place_));
    if (here >= asked) return here == asked;
  }
  if (more_) return std::nullopt;
  return false;
}

}  // namespace lt::storage
