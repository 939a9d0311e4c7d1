#include "storage/detail/area_import.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/fold.hpp"
#include "feature/text.hpp"
#include "storage/detail/area_row.hpp"
#include "storage_sql.hpp"

namespace lt::storage::detail {
namespace {

constexpr std::size_t kMaxList = 64, kMaxCode = 32, kMaxName = 256, kMaxKind = 64, kMaxLevel = 32;
constexpr std::size_t kMaxRelations = 1000;

absl::Status invalid(const std::string& area, std::string_view what) {
  return make_error(absl::StatusCode::kInvalidArgument, "AREA_INVALID", fmt::format("area {}: {}", area, what),
                    {{"area", area}});
}

bool is_word(std::string_view text, std::size_t max) {
  const auto fits = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), fits);
}

bool is_line(std::string_view text, std::size_t max) {
  return text.size() <= max && feature::check_text(text).ok() && !feature::has_control_character(text);
}

absl::Status check_draft(const std::string& list, const AreaDraft& draft) {
  const std::string reference = list + ":" + feature::cut(draft.code);
  if (!is_word(draft.code, kMaxCode)) return invalid(reference, "a code is 1 to 32 of [A-Za-z0-9._-]");
  if (!draft.level.empty() && !is_word(draft.level, kMaxLevel)) {
    return invalid(reference, "a level is 1 to 32 of [A-Za-z0-9._-], such as province or commune");
  }
  if (!is_line(draft.name, kMaxName)) return invalid(reference, "a name is at most 256 bytes of UTF-8 on one line");
  if (!is_line(draft.kind, kMaxKind)) return invalid(reference, "a kind is at most 64 bytes of UTF-8 on one line");
  for (const auto& date : {draft.valid_from, draft.valid_to}) {
    if (date && (*date < kMinDate || *date > kMaxDate)) return invalid(reference, "a date is in the years 1 to 9999");
  }
  if (draft.predecessors.size() + draft.successors.size() > kMaxRelations) {
    return invalid(reference, "more than 1,000 predecessors and successors");
  }
  return absl::OkStatus();
}

std::string date_text(std::optional<std::int32_t> days) { return days ? format_date(*days) : std::string(); }

// One import within its transaction.
class Importer {
 public:
  Importer(pg::Connection& connection, const AreaImport& import) : connection_(connection), import_(import) {}

  absl::StatusOr<std::vector<ImportedArea>> run() {
    LT_RETURN_IF_ERROR(connection_.execute(sql::kLockAreas).status());
    LT_RETURN_IF_ERROR(provide_list());
    for (const AreaDraft& draft : import_.areas) LT_RETURN_IF_ERROR(put(draft));
    for (std::size_t i = 0; i < import_.areas.size(); ++i) LT_RETURN_IF_ERROR(relate(import_.areas[i], done_[i]));
    return std::move(done_);
  }

 private:
  absl::Status provide_list() {
    const bool creates =
        std::any_of(import_.areas.begin(), import_.areas.end(), [](const AreaDraft& d) { return !d.level.empty(); });
    if (!creates) return check_list(connection_, import_.list);
    return connection_.execute(sql::kInsertAreaList, pg::Params().add(import_.list)).status();
  }

  absl::Status put(const AreaDraft& draft) {
    LT_ASSIGN_OR_RETURN(auto row, find_area(connection_, import_.list, draft.code, std::nullopt));
    ImportedArea done{import_.list + ":" + draft.code, "", 0, AreaOutcome::kUnchanged};
    if (row) {
      LT_RETURN_IF_ERROR(update(*row, draft, done));
    } else {
      LT_ASSIGN_OR_RETURN(row, create(draft));
      done.outcome = AreaOutcome::kCreated;
    }
    done.unit_id = row->area.unit_id;
    done.version = row->newest;
    if (draft.polygon) LT_RETURN_IF_ERROR(put_polygon(*row, *draft.polygon, done));
    done_.push_back(std::move(done));
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<AreaRow>> create(const AreaDraft& draft) {
    const std::string reference = import_.list + ":" + draft.code;
    if (draft.level.empty()) {
      LT_ASSIGN_OR_RETURN(const auto candidates,
                          match_areas(connection_, draft.name.empty() ? draft.code : draft.name, 3));
      return make_error(
          absl::StatusCode::kNotFound, "AREA_UNKNOWN",
          fmt::format("list {} has no area \"{}\"{}; correct the code, or say of which level new areas are",
                      import_.list, draft.code, candidates.text.empty() ? "" : " (there is " + candidates.text + ")"),
          {{"area", reference}, {"candidates", candidates.references}});
    }
    if (draft.name.empty()) return invalid(reference, "a new area needs a name");
    if (draft.valid_from && draft.valid_to && *draft.valid_from > *draft.valid_to) {
      return invalid(reference, "it ends before it begins");
    }
    pg::Params params;
    params.add(unit_id_of(import_.list, draft.code)).add(import_.list).add(draft.code).add(draft.name);
    params.add(feature::fold_name(draft.name)).add(draft.kind).add(draft.level);
    params.add(date_text(draft.valid_from)).add(date_text(draft.valid_to));
    LT_RETURN_IF_ERROR(connection_.execute(sql::kInsertArea, params).status());
    return find_area(connection_, import_.list, draft.code, std::nullopt);
  }

  absl::Status update(const AreaRow& row, const AreaDraft& draft, ImportedArea& done) {
    Area next = row.area;
    if (!draft.level.empty() && draft.level != next.level) {
      return invalid(done.reference,
                     fmt::format("it is of level {}, not {}; a level never changes", next.level, draft.level));
    }
    if (!draft.name.empty()) next.name = draft.name;
    if (!draft.kind.empty()) next.kind = draft.kind;
    if (draft.valid_from) next.valid_from = draft.valid_from;
    if (draft.valid_to) next.valid_to = draft.valid_to;
    if (next.valid_from && next.valid_to && *next.valid_from > *next.valid_to) {
      return invalid(done.reference, "it ends before it begins");
    }
    const Area& now = row.area;
    if (next.name == now.name && next.kind == now.kind && next.valid_from == now.valid_from &&
        next.valid_to == now.valid_to) {
      return absl::OkStatus();
    }
    done.outcome = AreaOutcome::kChanged;
    pg::Params params;
    params.add(std::int32_t{row.id}).add(next.name).add(feature::fold_name(next.name)).add(next.kind);
    params.add(date_text(next.valid_from)).add(date_text(next.valid_to));
    return connection_.execute(sql::kUpdateArea, params).status();
  }

  absl::Status put_polygon(const AreaRow& row, const geo::Geometry& polygon, ImportedArea& done) {
    const Digest digest = sha256(polygon.wkb);
    if (row.newest > 0 && row.area.epsg == import_.epsg && row.area.sha256 == to_hex(view(digest))) {
      return absl::OkStatus();
    }
    done.version = row.newest + 1;
    if (done.outcome == AreaOutcome::kUnchanged) done.outcome = AreaOutcome::kChanged;
    pg::Params params;
    params.add(std::int32_t{row.id}).add(done.version).add(std::int32_t{import_.epsg}).add_bytes(view(digest));
    params.add_bytes(polygon.wkb).add(import_.organisation);
    return connection_.execute(sql::kInsertAreaPolygon, params).status();
  }

  absl::StatusOr<std::string> unit_of(const std::string& reference) {
    const auto colon = reference.find(':');
    std::optional<AreaRow> row;
    if (colon != std::string::npos && is_line(reference, kMaxList + kMaxCode + 1)) {
      LT_ASSIGN_OR_RETURN(
          row, find_area(connection_, reference.substr(0, colon), reference.substr(colon + 1), std::nullopt));
    }
    if (row) return row->area.unit_id;
    return make_error(absl::StatusCode::kNotFound, "AREA_UNKNOWN",
                      fmt::format("there is no area \"{}\"; predecessors and successors are named LIST:CODE and exist "
                                  "or come with the same import",
                                  feature::cut(reference)),
                      {{"area", feature::cut(reference)}});
  }

  absl::Status relate(const AreaDraft& draft, ImportedArea& done) {
    std::vector<std::string> before, after;
    for (const auto& reference : draft.predecessors) {
      LT_ASSIGN_OR_RETURN(before.emplace_back(), unit_of(reference));
      after.push_back(done.unit_id);
    }
    for (const auto& reference : draft.successors) {
      before.push_back(done.unit_id);
      LT_ASSIGN_OR_RETURN(after.emplace_back(), unit_of(reference));
    }
    if (before.empty()) return absl::OkStatus();
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (before[i] == after[i]) return invalid(done.reference, "it cannot be its own predecessor or successor");
    }
    LT_ASSIGN_OR_RETURN(
        const auto added,
        connection_.execute(sql::kRelateAreas, pg::Params().add_text_array(before).add_text_array(after)));
    if (added.affected() > 0 && done.outcome == AreaOutcome::kUnchanged) done.outcome = AreaOutcome::kChanged;
    return absl::OkStatus();
  }

  pg::Connection& connection_;
  const AreaImport& import_;
  std::vector<ImportedArea> done_;
};

}  // namespace

absl::Status check_import(const AreaImport& import) {
  if (!is_word(import.list, kMaxList)) {
    return make_error(absl::StatusCode::kInvalidArgument, "AREA_INVALID",
                      fmt::format("list \"{}\" is not 1 to 64 of [A-Za-z0-9._-]", feature::cut(import.list)));
  }
  if (import.areas.empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "AREA_INVALID", "the import has no areas");
  }
  std::set<std::string_view> seen;
  for (const AreaDraft& draft : import.areas) {
    LT_RETURN_IF_ERROR(check_draft(import.list, draft));
    if (seen.insert(draft.code).second) continue;
    const std::string reference = import.list + ":" + draft.code;
    return make_error(absl::StatusCode::kInvalidArgument, "AREA_REPEATED",
                      fmt::format("area {} stands twice in the import; send one area with all its parts", reference),
                      {{"area", reference}});
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ImportedArea>> run_import(pg::Connection& connection, const AreaImport& import) {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(connection));
  LT_ASSIGN_OR_RETURN(auto done, Importer(connection, import).run());
  if (import.dry_run) {
    LT_RETURN_IF_ERROR(transaction.rollback());
  } else {
    LT_RETURN_IF_ERROR(transaction.commit());
  }
  return done;
}

}  // namespace lt::storage::detail
