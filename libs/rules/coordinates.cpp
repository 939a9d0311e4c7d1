#include "rules/coordinates.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "feature/schema.hpp"
#include "geo/vn2000.hpp"
#include "rules/decimal.hpp"
#include "rules/vertices.hpp"

namespace lt::rules {
namespace {

constexpr double kMaxLongitude = 180, kMaxLatitude = 90;
constexpr double kFalseEasting = 500'000;
// Northings within which every place of a plausible easting is within kVietnam.
constexpr double kCertainSouth = 520'000, kCertainNorth = 2'590'000;
// A degree of longitude is longer than this everywhere in kVietnam.
constexpr double kDegree = 100'000;
// The mainland ends at 109°28' E; east of it are the archipelagos, which grids of the mainland show far from their
// meridian.
constexpr double kSeaFrom = 109.5;

using Texts = std::pair<std::string, std::string>;  // Vietnamese, English

bool contains(const geo::Box& box, double x, double y) {
  return x >= box.x1 && x <= box.x2 && y >= box.y1 && y <= box.y2;
}

bool contains(const geo::Box& outer, const geo::Box& inner) {
  return contains(outer, inner.x1, inner.y1) && contains(outer, inner.x2, inner.y2);
}

const geo::Vn2000System* grid_of(const geo::Crs& crs) {
  const auto& systems = geo::vn2000_systems();
  const auto found = std::find_if(systems.begin(), systems.end(), [&](const geo::Vn2000System& system) {
    return system.epsg == crs.epsg && !system.geographic();
  });
  return found == systems.end() ? nullptr : &*found;
}

geo::Box certain_box(const geo::Crs& crs) {
  const geo::Vn2000System* const grid = grid_of(crs);
  if (grid == nullptr) return crs.plausible;
  geo::Box box = crs.plausible;
  box.x1 = std::max(box.x1, kFalseEasting - (grid->meridian - geo::kVietnam.x1) * kDegree);
  box.y1 = std::max(box.y1, kCertainSouth);
  box.y2 = std::min(box.y2, kCertainNorth);
  return box;
}

bool in_vietnam(int epsg, double x, double y) {
  const auto position = geo::vn2000_position(epsg, x, y);
  return position && contains(geo::kVietnam, position->longitude, position->latitude);
}

// Beyond the plausible eastings, and there only the sea. What would be on land with its axes swapped is taken for that.
bool in_eastern_sea(const geo::Crs& crs, double x, double y) {
  const bool beyond = x > crs.plausible.x2 && y >= crs.plausible.y1 && y <= crs.plausible.y2;
  if (grid_of(crs) == nullptr || !beyond || contains(crs.plausible, y, x)) return false;
  const auto position = geo::vn2000_position(crs.epsg, x, y);
  return position && position->longitude >= kSeaFrom &&
         contains(geo::kVietnam, position->longitude, position->latitude);
}

// The VN-2000 grid, nearest by meridian, that would put the vertex into Vietnam. Of the same kind first: TM-3 and UTM
// of one meridian differ too little to tell them apart.
const geo::Vn2000System* other_zone(const geo::Vn2000System& grid, const Vertex& vertex) {
  const geo::Vn2000System* best = nullptr;
  const auto distance = [&](const geo::Vn2000System& system) {
    constexpr double kOtherKind = 100;  // farther than all meridians
    return std::abs(system.meridian - grid.meridian) + (system.scale == grid.scale ? 0 : kOtherKind);
  };
  for (const auto& system : geo::vn2000_systems()) {
    if (system.geographic() || system.epsg == grid.epsg) continue;
    if (best != nullptr && distance(*best) <= distance(system)) continue;
    const auto crs = geo::find_crs(std::to_string(system.epsg));
    if (!crs.ok() || !contains(crs->plausible, vertex.x, vertex.y)) continue;
    if (in_vietnam(system.epsg, vertex.x, vertex.y)) best = &system;
  }
  return best;
}

std::optional<Texts> grid_hint(const geo::Crs& crs, const Vertex& vertex) {
  const geo::Vn2000System* const grid = grid_of(crs);
  if (grid == nullptr) return std::nullopt;
  const geo::Vn2000System* const other = other_zone(*grid, vertex);
  if (other != nullptr) {
    return Texts{
        fmt::format("có vẻ sai múi chiếu: trong EPSG:{} ({}) điểm này nằm trong lãnh thổ Việt Nam; hãy kiểm tra múi "
                    "chiếu của dữ liệu",
                    other->epsg, other->name),
        fmt::format("the zone looks wrong: in EPSG:{} ({}) this would be in Vietnam; check the zone of the data",
                    other->epsg, other->name)};
  }
  // The deprecated systems have the false easting as a false northing.
  if (contains(crs.plausible, vertex.x + kFalseEasting, vertex.y - kFalseEasting)) {
    return Texts{
        "có vẻ hằng số dịch gốc đông và bắc bị đổi chỗ, như trong EPSG:6956 đến 6959 đã bị hủy bỏ: xuất lại dữ "
        "liệu theo EPSG:5896 đến 5899",
        "false easting and northing look exchanged, as in the deprecated EPSG:6956 to 6959: export again in "
        "EPSG:5896 to 5899"};
  }
  return std::nullopt;
}

// What most likely went wrong.
Texts hint(const geo::Crs& crs, const geo::Box& box, const Vertex& vertex) {
  const bool degrees = std::abs(box.x1) <= kMaxLongitude && std::abs(box.x2) <= kMaxLongitude &&
                       std::abs(box.y1) <= kMaxLongitude && std::abs(box.y2) <= kMaxLongitude;
  if (contains(crs.plausible, geo::Box{box.y1, box.x1, box.y2, box.x2})) {
    return {"có vẻ hai trục bị đảo: gửi đông (kinh độ) trước, bắc (vĩ độ) sau",
            "the axes look swapped: send easting (longitude) first, northing (latitude) second"};
  }
  if (!crs.geographic && degrees) {
    return {
        "có vẻ là độ trong hệ tọa độ tính bằng mét: khai báo đúng hệ tọa độ của dữ liệu, hoặc chuyển đổi trước khi gửi",
        "these look like degrees in a metre CRS: name the CRS that the data is in, or transform it first"};
  }
  if (crs.geographic && (std::abs(vertex.x) > 2 * kMaxLongitude || std::abs(vertex.y) > 2 * kMaxLatitude)) {
    return {
        "có vẻ là mét trong hệ tọa độ tính bằng độ: khai báo đúng hệ tọa độ của dữ liệu, hoặc chuyển đổi trước khi gửi",
        "these look like metres in a degree CRS: name the CRS that the data is in, or transform it first"};
  }
  if (auto found = grid_hint(crs, vertex)) return *std::move(found);
  return {"hãy kiểm tra hệ tọa độ và múi chiếu của dữ liệu", "check the CRS and zone of the data"};
}

}  // namespace

CoordinateChecker::CoordinateChecker(geo::Crs crs) : crs_(std::move(crs)), certain_(certain_box(crs_)) {}

bool CoordinateChecker::is_outside(double x, double y) const {
  if (contains(certain_, x, y)) return false;
  if (!contains(crs_.plausible, x, y)) return !in_eastern_sea(crs_, x, y);
  return grid_of(crs_) != nullptr && !in_vietnam(crs_.epsg, x, y);
}

std::optional<feature::Finding> CoordinateChecker::check(std::string_view feature_id,
                                                         const geo::Geometry& geometry) const {
  if (geometry.empty || contains(certain_, geometry.box)) return std::nullopt;
  const auto vertex = first_vertex(geometry, [this](double x, double y) { return is_outside(x, y); });
  if (!vertex) return std::nullopt;
  const auto [vi, en] = hint(crs_, geometry.box, *vertex);
  const std::string place = fmt::format("POINT({} {})", shortest_decimal(vertex->x), shortest_decimal(vertex->y));
  return feature::Finding{
      "C02",
      feature::Severity::kError,
      "COORDINATES_IMPLAUSIBLE",
      std::string(feature_id),
      std::string(feature::kGeometryName),
      place,
      fmt::format("tọa độ {} nằm ngoài phạm vi hợp lý của {} ({}); {}", place, crs_.id(), crs_.name, vi),
      fmt::format("coordinates {} are outside the plausible range of {} ({}); {}", place, crs_.id(), crs_.name, en)};
}

}  // namespace lt::rules
