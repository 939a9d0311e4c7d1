#include "feature/view.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/record.hpp"

namespace lt::feature {
namespace {

using Verdict = geo::AreaGrid::Verdict;

absl::StatusOr<DecodedRecord> read_stored(std::string_view record) {
  auto decoded = decode_record(record);
  if (decoded.ok()) return decoded;
  return make_error(
      absl::StatusCode::kDataLoss, "RECORD_MALFORMED",
      fmt::format("the stored record cannot be read: {}; verify the database", message_of(decoded.status())));
}

}  // namespace

ViewLens::ViewLens(std::shared_ptr<const View> view) : view_(std::move(view)) {
  if (view_->filter) filter_.emplace(*view_->filter);
}

absl::StatusOr<bool> ViewLens::is_inside(std::string_view record, const std::optional<geo::Box>& box) {
  auto verdict = Verdict::kInside;
  if (view_->area) verdict = box ? view_->grid->test(*box) : Verdict::kOutside;
  if (verdict == Verdict::kOutside) return false;
  if (verdict == Verdict::kInside && !filter_) return true;
  LT_ASSIGN_OR_RETURN(const auto decoded, read_stored(record));
  if (filter_) {
    LT_ASSIGN_OR_RETURN(const bool matches, filter_->matches(decoded.state));
    if (!matches || verdict == Verdict::kInside) return matches;
  }
  if (!decoded.state.geometry) return false;
  return geos_.is_inside(*decoded.state.geometry, *view_->area);
}

absl::StatusOr<std::string> ViewLens::project(std::string_view record) const {
  if (view_->columns.empty()) return std::string(record);
  LT_ASSIGN_OR_RETURN(auto decoded, read_stored(record));
  std::erase_if(decoded.state.properties, [this](const auto& property) {
    return !std::binary_search(view_->columns.begin(), view_->columns.end(), property.first);
  });
  return encode_record(decoded.schema_revision, decoded.state);
}

std::optional<EntryOp> entry_op(const Ends& ends) {
  const bool was = ends.existed && ends.was_inside;
  const bool is = ends.exists && ends.is_inside;
  if (was && is) return ends.equal ? std::nullopt : std::optional(EntryOp::kUpdate);
  if (is) return ends.existed ? EntryOp::kEnter : EntryOp::kInsert;
  if (was) return ends.exists ? EntryOp::kLeave : EntryOp::kDelete;
  return std::nullopt;
}

}  // namespace lt::feature
