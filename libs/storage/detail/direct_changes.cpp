#include "storage/detail/direct_changes.hpp"

#include <algorithm>
#include <bit>

#include "base/status.hpp"
#include "storage/detail/staged_row.hpp"
#include "storage/detail/touched.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

using pg::ElementType;

// Each takes some 400 bytes while it is taken apart. A larger changeset gains little.
constexpr std::int64_t kMostChanges = 5000;

// Columns of direct_effects.
enum FoundColumn { kHead, kEffect, kPrevVersion, kBaseVersion, kPx1, kPy1, kPx2, kPy2, kPrevOp, kSameSource };

absl::Status differs(const char* what) {
  return absl::InternalError(std::string(what) + " rows differ from the effects counted");
}

// The box of a staged row: reals in the form of the wire, nulls without geometry or state.
std::optional<geo::Box> staged_box(const pg::RawValue* staged) {
  if (!staged[kStagedX1]) return std::nullopt;
  const auto side = [staged](StagedColumn column) {
    std::uint32_t bits = 0;
    for (const char byte : *staged[column]) bits = bits << 8U | static_cast<unsigned char>(byte);
    return std::bit_cast<float>(bits);
  };
  return geo::Box{side(kStagedX1), side(kStagedY1), side(kStagedX2), side(kStagedY2)};
}

// One column of some changes as an array.
template <typename Changes, typename Value>
void add_column(pg::Params& params, ElementType type, const Changes& changes, const Value& value) {
  std::vector<pg::RawValue> column;
  column.reserve(changes.size());
  for (const auto& change : changes) column.push_back(value(change));
  params.add_raw_array(type, column);
}

template <typename Changes>
void add_staged(pg::Params& params, ElementType type, const Changes& changes, StagedColumn column) {
  add_column(params, type, changes, [column](const auto& change) { return change.staged[column]; });
}

template <typename Changes>
void add_boxes(pg::Params& params, const Changes& changes) {
  for (const auto column : {kStagedX1, kStagedY1, kStagedX2, kStagedY2}) {
    add_staged(params, ElementType::kReal, changes, column);
  }
}

}  // namespace

bool DirectChanges::fit(const PublishRequest& request, const StagedChangeset& staged) {
  const bool plain = staged.count() <= kMostChanges && request.header.kind == feature::ChangesetKind::kChanges &&
                     !request.scope && request.duplicates == 0 && request.findings == 0 &&
                     request.released_quarantine.empty();
  return plain && std::all_of(staged.parts().begin(), staged.parts().end(), [](const StagedChangeset::Part& part) {
           return part.changes > 0 && !part.in_table && !part.has_masks && !part.has_outside && !part.has_invalid;
         });
}

DirectChanges::DirectChanges(pg::Connection& connection, const StagedChangeset::Part& part)
    : connection_(connection), part_(part), values_(pg::values_of(part.rows.bytes())) {
  for (std::size_t at = 0; at + kStagedColumns <= values_.size(); at += kStagedColumns) {
    changes_.push_back({&values_[at], '=', 0});
  }
  std::sort(changes_.begin(), changes_.end(),
            [](const Change& a, const Change& b) { return a.staged[kStagedFid] < b.staged[kStagedFid]; });
  for (std::size_t i = 0; i < changes_.size(); ++i) changes_[i].place = static_cast<int>(i);
}

pg::RawValue DirectChanges::found(const Change& change, int column) const {
  return found_->get_optional_bytes(change.place, column);
}

absl::Status DirectChanges::count(char op) {
  switch (op) {
    case 'I': ++counts_.inserted; break;
    case 'U': ++counts_.updated; break;
    case 'D': ++counts_.deleted; break;
    case '=': ++counts_.unchanged; break;
    case '!': ++counts_.conflicts; break;
    default: return absl::InternalError("an effect that there is not");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> DirectChanges::find_effects(std::optional<std::int64_t> base_version) {
  pg::Params params;
  add_staged(params, ElementType::kText, changes_, kStagedFid);
  add_staged(params, ElementType::kChar, changes_, kStagedOp);
  add_staged(params, ElementType::kBigint, changes_, kStagedBaseVersion);
  add_staged(params, ElementType::kBytea, changes_, kStagedContentHash);
  add_staged(params, ElementType::kBytea, changes_, kStagedSourceHash);
  params.add(base_version);
  LT_ASSIGN_OR_RETURN(found_, connection_.execute(sql(sql::kDirectEffects), params));
  if (changes_.empty() || static_cast<std::size_t>(found_->rows()) != changes_.size()) return differs("staged");
  counts_ = {};
  largest_base_version_ = 0;
  same_source_ = false;
  for (Change& change : changes_) {
    change.op = found_->get_char(change.place, kEffect);
    LT_RETURN_IF_ERROR(count(change.op));
    largest_base_version_ =
        std::max(largest_base_version_, found_->get_optional_int(change.place, kBaseVersion).value_or(0));
    same_source_ |= found_->get_bool(change.place, kSameSource);
  }
  return found_->get_int(0, kHead);
}

std::vector<DirectChanges::Change> DirectChanges::with_effect(std::string_view ops) const {
  std::vector<Change> some;
  std::copy_if(changes_.begin(), changes_.end(), std::back_inserter(some),
               [ops](const Change& change) { return ops.find(change.op) != std::string_view::npos; });
  return some;
}

absl::Status DirectChanges::add_touched(Impact& impact) const {
  if (impact.complete()) return absl::OkStatus();
  StatesBefore before(connection_, part_.dataset.id);
  for (const Change& change : with_effect("IUD")) {
    const auto box_after = staged_box(change.staged);
    if (box_after && impact.add(*box_after)) LT_RETURN_IF_ERROR(add_record(*change.staged[kStagedPayload], impact));
    const auto row = found_->row(change.place);
    if (row.is_null(kPx1)) continue;
    const geo::Box box{row.get_float(kPx1), row.get_float(kPy1), row.get_float(kPx2), row.get_float(kPy2)};
    if (impact.add(box)) before.ask(*change.staged[kStagedFid], row.get_int(kPrevVersion));
    if (impact.complete()) return absl::OkStatus();
  }
  return before.add_to(impact);
}

absl::Status DirectChanges::write_log(std::int64_t version) {
  const auto effective = with_effect("IUD");
  const auto add_found = [&](pg::Params& params, ElementType type, int column) {
    add_column(params, type, effective, [&](const Change& change) { return found(change, column); });
  };
  pg::Params params = pg::Params().add(version);
  add_found(params, ElementType::kBigint, kPrevVersion);
  add_boxes(params, effective);
  for (const int column : {kPx1, kPy1, kPx2, kPy2}) add_found(params, ElementType::kReal, column);
  add_found(params, ElementType::kChar, kEffect);
  add_found(params, ElementType::kChar, kPrevOp);
  add_staged(params, ElementType::kText, effective, kStagedFid);
  add_staged(params, ElementType::kBytea, effective, kStagedContentHash);
  add_staged(params, ElementType::kBytea, effective, kStagedPayload);
  LT_ASSIGN_OR_RETURN(const auto logged, connection_.execute(sql(sql::kDirectLog), params));
  return logged.affected() == counts_.changes() ? absl::OkStatus() : differs("log");
}

absl::Status DirectChanges::write_features(std::string_view text, std::int64_t version,
                                           const std::vector<Change>& some) {
  if (some.empty()) return absl::OkStatus();
  pg::Params params = pg::Params().add(version);
  add_staged(params, ElementType::kText, some, kStagedFid);
  add_boxes(params, some);
  add_staged(params, ElementType::kBytea, some, kStagedContentHash);
  add_staged(params, ElementType::kBytea, some, kStagedSourceHash);
  add_staged(params, ElementType::kBytea, some, kStagedGeom);
  add_staged(params, ElementType::kJsonb, some, kStagedProps);
  LT_ASSIGN_OR_RETURN(const auto written, connection_.execute(sql(text), params));
  return written.affected() == static_cast<std::int64_t>(some.size()) ? absl::OkStatus() : differs("written");
}

absl::Status DirectChanges::remove_features(std::int64_t version) {
  if (counts_.deleted == 0) return absl::OkStatus();
  pg::Params params = pg::Params().add(version);
  add_staged(params, ElementType::kText, with_effect("D"), kStagedFid);
  LT_ASSIGN_OR_RETURN(const auto deleted, connection_.execute(sql(sql::kDirectDelete), params));
  return deleted.affected() == counts_.deleted ? absl::OkStatus() : differs("deleted");
}

absl::Status DirectChanges::merge(std::int64_t version) {
  LT_RETURN_IF_ERROR(write_log(version));
  LT_RETURN_IF_ERROR(write_features(sql::kDirectUpdate, version, with_effect("U")));
  LT_RETURN_IF_ERROR(write_features(sql::kDirectInsert, version, with_effect("I")));
  return remove_features(version);
}

}  // namespace lt::storage
