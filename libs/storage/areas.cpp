#include "storage/areas.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/fold.hpp"
#include "feature/provinces.hpp"
#include "feature/text.hpp"
#include "storage/acquire.hpp"
#include "storage/detail/area_import.hpp"
#include "storage/detail/area_row.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

// Polygons of all provinces in full detail, or of the communes that are in use.
constexpr std::size_t kMaxCachedBytes = std::size_t{128} << 20;
constexpr std::size_t kMaxCandidates = 10;
constexpr std::size_t kMaxReference = 256;

absl::Status ambiguous(std::string_view reference, const detail::Candidates& candidates) {
  return make_error(
      absl::StatusCode::kInvalidArgument, "AREA_AMBIGUOUS",
      fmt::format("\"{}\" does not say which list it is of, and codes and names change their meaning from list "
                  "to list; write one of: {}",
                  feature::cut(reference), candidates.text),
      {{"area", feature::cut(reference)}, {"candidates", candidates.references}});
}

absl::Status unknown(std::string_view reference, const detail::Candidates& candidates) {
  const std::string hint = candidates.text.empty() ? "ListAreas gives those there are" : "there is " + candidates.text;
  return make_error(absl::StatusCode::kNotFound, "AREA_UNKNOWN",
                    fmt::format("there is no area \"{}\"; {}", feature::cut(reference), hint),
                    {{"area", feature::cut(reference)}, {"candidates", candidates.references}});
}

// Why `reference` names no area.
absl::Status explain(pg::Connection& connection, std::string_view reference) {
  if (reference.size() > kMaxReference || !feature::check_text(reference).ok()) return unknown(reference, {});
  const auto colon = reference.find(':');
  const std::string_view name = colon == std::string_view::npos ? reference : reference.substr(colon + 1);
  LT_ASSIGN_OR_RETURN(const auto candidates, detail::match_areas(connection, name, kMaxCandidates));
  if (colon == std::string_view::npos && candidates.exact) return ambiguous(reference, candidates);
  return unknown(reference, candidates);
}

// Without its polygon; nothing when `reference` is not LIST:CODE of a unit.
absl::StatusOr<std::optional<detail::AreaRow>> find(pg::Connection& connection, std::string_view reference,
                                                    std::optional<std::int64_t> version) {
  const auto colon = reference.find(':');
  if (colon == std::string_view::npos || reference.size() > kMaxReference || !feature::check_text(reference).ok()) {
    return std::optional<detail::AreaRow>();
  }
  return detail::find_area(connection, reference.substr(0, colon), reference.substr(colon + 1), version);
}

absl::Status without_polygon(const Area& area) {
  return make_error(absl::StatusCode::kFailedPrecondition, "AREA_WITHOUT_POLYGON",
                    fmt::format("area {} {} has no polygon yet; the operator imports it: lienthong area import {} FILE "
                                "--code-field FIELD",
                                area.reference(), area.name, area.list),
                    {{"area", area.reference()}});
}

absl::Status unknown_version(const detail::AreaRow& row, std::int64_t version) {
  return make_error(absl::StatusCode::kNotFound, "AREA_VERSION_UNKNOWN",
                    fmt::format("area {} has no version {} of its polygon; the newest is {}", row.area.reference(),
                                version, row.newest),
                    {{"area", row.area.reference()}, {"version", std::to_string(version)}});
}

bool same_words(const Area& a, const Area& b) {
  return a.name == b.name && a.kind == b.kind && a.level == b.level && a.valid_from == b.valid_from &&
         a.valid_to == b.valid_to && a.predecessors == b.predecessors && a.successors == b.successors;
}

absl::StatusOr<geo::Geometry> read_polygon(pg::Connection& connection, const detail::AreaRow& row) {
  LT_ASSIGN_OR_RETURN(
      const auto result,
      connection.execute(sql::kFindAreaPolygon, pg::Params().add(std::int32_t{row.id}).add(row.area.version)));
  if (result.rows() == 0) return unknown_version(row, row.area.version);
  return geo::read_canonical_wkb(result.get_bytes(0, 0));
}

}  // namespace

std::string describe_area(const Area& area) {
  std::string text = area.reference() + " " + area.name;
  if (area.valid_from && area.valid_to) {
    return text + " from " + format_date(*area.valid_from) + " to " + format_date(*area.valid_to);
  }
  if (area.valid_from) text += " since " + format_date(*area.valid_from);
  if (area.valid_to) text += " until " + format_date(*area.valid_to);
  return text;
}

absl::Status seed_areas(pg::Connection& connection) {
  using Texts = std::vector<std::string>;
  constexpr char kLevel[] = "province";
  const std::string now(feature::kProvinceList), before(feature::kFormerProvinceList);
  const std::string from = format_date(feature::kProvincesFrom), until = format_date(feature::kFormerProvincesUntil);
  pg::Params lists;
  lists.add_text_array(Texts{before, now})
      .add_text_array(Texts{"63 provinces until 2025-06-30 (Decision 124/2004/QĐ-TTg)",
                            "34 provinces since 2025-07-01 (Decision 19/2025/QĐ-TTg)"})
      .add_text_array(Texts{"", from})
      .add_text_array(Texts{until, ""})
      .add_text_array(Texts{now});
  Texts ids, list, codes, names, search, kinds, levels, first, last, predecessors, successors;
  const auto add = [&](const std::string& of, const std::string& code, const std::string& name,
                       const std::string& kind) {
    ids.push_back(detail::unit_id_of(of, code));
    list.push_back(of);
    codes.push_back(code);
    names.push_back(name);
    search.push_back(feature::fold_name(name));
    kinds.push_back(kind);
    levels.emplace_back(kLevel);
    first.push_back(of == now ? from : "");
    last.push_back(of == now ? "" : until);
  };
  for (const auto& province : feature::provinces()) add(now, province.code, province.name, province.kind);
  for (const auto& old : feature::successions()) {
    add(before, old.old_code, old.old_name, "");
    predecessors.push_back(detail::unit_id_of(before, old.old_code));
    successors.push_back(detail::unit_id_of(now, old.new_code));
  }
  pg::Params units;
  for (const Texts* column : {&ids, &list, &codes, &names, &search, &kinds, &levels, &first, &last}) {
    units.add_text_array(*column);
  }
  pg::Params relations;
  relations.add_text_array(predecessors).add_text_array(successors);
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(connection));
  LT_RETURN_IF_ERROR(connection.execute(sql::kSeedAreaLists, lists).status());
  LT_RETURN_IF_ERROR(connection.execute(sql::kSeedAreas, units).status());
  LT_RETURN_IF_ERROR(connection.execute(sql::kRelateAreas, relations).status());
  return transaction.commit();
}

absl::StatusOr<std::shared_ptr<const Area>> Areas::get_area(std::string_view reference,
                                                            std::optional<std::int64_t> version) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(auto row, find(*connection, reference, version));
  if (!row) return explain(*connection, reference);
  if (row->newest == 0) return without_polygon(row->area);
  if (row->area.version == 0) return unknown_version(*row, *version);
  const auto known = cached({row->area.unit_id, row->area.version});
  if (known && same_words(*known, row->area)) return known;
  if (known) {
    row->area.polygon = known->polygon;
  } else {
    LT_ASSIGN_OR_RETURN(row->area.polygon, read_polygon(*connection, *row));
  }
  auto area = std::make_shared<const Area>(std::move(row->area));
  remember(area);
  return area;
}

absl::StatusOr<Area> Areas::find_area(std::string_view reference) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(auto row, find(*connection, reference, std::nullopt));
  if (!row) return explain(*connection, reference);
  return std::move(row->area);
}

absl::StatusOr<std::vector<AreaList>> Areas::list_area_lists(const std::string& after, int limit) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kListAreaLists, pg::Params().add(after).add(std::int64_t{limit})));
  std::vector<AreaList> lists;
  for (int r = 0; r < result.rows(); ++r) {
    const pg::Row row = result.row(r);
    lists.push_back({std::string(row.get_text(0)), std::string(row.get_text(1)), detail::date_from(row, 2),
                     detail::date_from(row, 3), row.get_bool(4), row.get_int(5), row.get_int(6)});
  }
  return lists;
}

absl::StatusOr<std::vector<Area>> Areas::list_areas(const std::string& list, const std::string& after, int limit) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_RETURN_IF_ERROR(detail::check_list(*connection, list));
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection->execute(sql::kListAreas, pg::Params().add(list).add(after).add(std::int64_t{limit})));
  std::vector<Area> areas;
  for (int r = 0; r < result.rows(); ++r)
    areas.push_back(std::move(detail::area_from(result.row(r), std::nullopt).area));
  return areas;
}

absl::StatusOr<std::vector<ImportedArea>> Areas::put_areas(const AreaImport& import) {
  LT_RETURN_IF_ERROR(detail::check_import(import));
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  return detail::run_import(*connection, import);
}

std::shared_ptr<const Area> Areas::cached(const Key& key) {
  absl::MutexLock lock(&mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return *found->second;
}

void Areas::remember(std::shared_ptr<const Area> area) {
  const std::size_t bytes = area->polygon.wkb.size();
  if (bytes > kMaxCachedBytes) return;
  const Key key{area->unit_id, area->version};
  absl::MutexLock lock(&mutex_);
  const auto drop = [this](std::map<Key, Recent::iterator>::iterator place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    cached_bytes_ -= (*place->second)->polygon.wkb.size();
    recent_.erase(place->second);
    places_.erase(place);
  };
  if (const auto old = places_.find(key); old != places_.end()) drop(old);
  while (cached_bytes_ + bytes > kMaxCachedBytes) {
    drop(places_.find({recent_.back()->unit_id, recent_.back()->version}));
  }
  recent_.push_front(std::move(area));
  places_[key] = recent_.begin();
  cached_bytes_ += bytes;
}

}  // namespace lt::storage
