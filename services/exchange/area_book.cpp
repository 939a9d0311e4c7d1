#include "exchange/area_book.hpp"

#include <memory>
#include <utility>

#include "base/log.hpp"
#include "base/status.hpp"
#include "geo/area.hpp"
#include "geo/crs.hpp"

namespace lt::exchange {
namespace {

constexpr std::chrono::seconds kFresh{5};
constexpr int kPage = 1'000;
// Each CRS takes some MB; there are seldom more than two or three.
constexpr std::size_t kMostSystems = 8;

}  // namespace

absl::StatusOr<storage::ReadyAreas> AreaBook::ready(const std::string& crs) {
  if (crs.empty()) return storage::ReadyAreas();
  const absl::MutexLock lock(&mutex_);
  if (Clock::now() - kFresh >= looked_) LT_RETURN_IF_ERROR(look());
  if (versions_.empty()) return storage::ReadyAreas();
  const auto found = ready_.find(crs);
  if (found != ready_.end()) return found->second;
  LT_ASSIGN_OR_RETURN(auto made, make_ready(crs));
  if (ready_.size() == kMostSystems) ready_.clear();
  return ready_.emplace(crs, std::move(made)).first->second;
}

absl::Status AreaBook::add_versions(const std::string& list, Versions& versions) {
  std::string after;
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto page, areas_.list_areas(list, after, kPage));
    for (const auto& area : page) {
      if (area.version > 0) versions.emplace_back(area.reference(), area.version);
    }
    if (page.size() < kPage) return absl::OkStatus();
    after = page.back().code;
  }
}

absl::Status AreaBook::look() {
  Versions versions;
  std::string after;
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto lists, areas_.list_area_lists(after, kPage));
    for (const auto& list : lists) {
      if (list.current && list.with_polygon > 0) LT_RETURN_IF_ERROR(add_versions(list.list, versions));
    }
    if (lists.size() < kPage) break;
    after = lists.back().list;
  }
  looked_ = Clock::now();
  if (versions == versions_) return absl::OkStatus();
  versions_ = std::move(versions);
  ready_.clear();
  return absl::OkStatus();
}

absl::StatusOr<storage::ReadyAreas> AreaBook::make_ready(const std::string& crs) {
  LT_ASSIGN_OR_RETURN(const auto to, geo::find_crs(crs));
  auto all = std::make_shared<std::vector<storage::ReadyArea>>();
  for (const auto& [reference, version] : versions_) {
    LT_ASSIGN_OR_RETURN(const auto area, areas_.get_area(reference, version));
    LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs(std::to_string(area->epsg)));
    auto polygon = geo::transform_area(area->polygon, from, to);
    if (!polygon.ok()) {
      log_event(spdlog::level::warn, "area_left_out",
                {{"area", reference}, {"crs", crs}, {"error", message_of(polygon.status())}});
      continue;
    }
    geo::AreaGrid grid(*polygon, geo::AreaGrid::kCoarse);
    all->push_back({reference, *std::move(polygon), std::move(grid)});
  }
  return storage::ReadyAreas(std::move(all));
}

}  // namespace lt::exchange
