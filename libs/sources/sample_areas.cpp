#include "sources/sample_areas.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "feature/provinces.hpp"
#include "sources/detail/sample_maker.hpp"

namespace lt::sources {
namespace {

constexpr geo::Box kCountry{102.0, 4.5, 118.0, 23.5};
// Vertices are rounded so that all the cells that meet in one have the same: 1e-6 degrees is a tenth of a metre.
constexpr double kUnitsPerDegree = 1e6;

struct Site {
  std::string code;
  double x = 0, y = 0;
};

// Archipelagos and islands that are nearer to another province than to their own.
std::vector<Site> islands() {
  return {{"48", 112.0, 16.5},    // Hoàng Sa
          {"56", 114.0, 9.5},     // Trường Sa
          {"68", 108.95, 10.53},  // Phú Quý
          {"79", 106.6, 8.69},    // Côn Đảo
          {"91", 104.0, 10.2}};   // Phú Quốc, Thổ Chu
}

using Place = std::pair<double, double>;
using Cell = std::vector<Place>;

// What of the convex `cell` is as near to `own` as to `other`. @source Sutherland and Hodgman 1974
Cell cut_off(const Cell& cell, const Site& own, const Site& other) {
  const double nx = other.x - own.x, ny = other.y - own.y;
  const double middle = (nx * (own.x + other.x) + ny * (own.y + other.y)) / 2;
  const auto beyond = [&](const Place& p) { return p.first * nx + p.second * ny - middle; };
  Cell kept;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const Place& from = cell[i];
    const Place& to = cell[(i + 1) % cell.size()];
    const double a = beyond(from), b = beyond(to);
    if (a <= 0) kept.push_back(from);
    if ((a < 0 && b > 0) || (a > 0 && b < 0)) {
      const double share = a / (a - b);
      kept.emplace_back(from.first + (to.first - from.first) * share, from.second + (to.second - from.second) * share);
    }
  }
  return kept;
}

using Corner = std::pair<std::int64_t, std::int64_t>;  ///< in 1e-6 degrees

// The corners of a site's cell, counter-clockwise.
std::vector<Corner> cell_of(const Site& own, const std::vector<Site>& sites) {
  Cell cell{
      {kCountry.x1, kCountry.y1}, {kCountry.x2, kCountry.y1}, {kCountry.x2, kCountry.y2}, {kCountry.x1, kCountry.y2}};
  for (const Site& other : sites) {
    if (other.x != own.x || other.y != own.y) cell = cut_off(cell, own, other);
  }
  std::vector<Corner> corners;
  for (const Place& place : cell) {
    const Corner corner{std::llround(place.first * kUnitsPerDegree), std::llround(place.second * kUnitsPerDegree)};
    if (corners.empty() || corners.back() != corner) corners.push_back(corner);
  }
  while (corners.size() > 1 && corners.front() == corners.back()) corners.pop_back();
  return corners;
}

// Border of several cells: the edges that no two of them share, as rings.
std::vector<std::vector<Corner>> border_of(const std::vector<std::vector<Corner>>& cells) {
  std::set<std::pair<Corner, Corner>> edges;
  for (const auto& cell : cells) {
    for (std::size_t i = 0; i < cell.size(); ++i) {
      const Corner& from = cell[i];
      const Corner& to = cell[(i + 1) % cell.size()];
      if (edges.erase({to, from}) == 0) edges.emplace(from, to);
    }
  }
  std::map<Corner, Corner> next(edges.begin(), edges.end());
  std::vector<std::vector<Corner>> rings;
  while (!next.empty()) {
    std::vector<Corner>& ring = rings.emplace_back();
    for (auto at = next.begin(); at != next.end(); at = next.find(ring.back())) {
      if (ring.empty()) ring.push_back(at->first);
      ring.push_back(at->second);
      next.erase(at);
    }
  }
  return rings;
}

geo::Geometry polygon_of(const std::vector<std::vector<Corner>>& rings) {
  std::string parts;
  for (const auto& ring : rings) {
    std::string corners;
    for (const auto& [x, y] : ring) {
      corners += fmt::format("{}{} {}", corners.empty() ? "" : ",", static_cast<double>(x) / kUnitsPerDegree,
                             static_cast<double>(y) / kUnitsPerDegree);
    }
    parts += fmt::format("{}(({}))", parts.empty() ? "" : ",", corners);
  }
  // The cells are closed rings of finite numbers, which cannot be refused.
  return geo::parse_wkt(fmt::format("MULTIPOLYGON ({})", parts)).value_or(geo::Geometry());
}

}  // namespace

std::vector<SampleArea> sample_areas() {
  std::vector<Site> sites = islands();
  for (const auto& province : feature::provinces()) {
    sites.push_back({province.code, province.inside_lon, province.inside_lat});
  }
  std::map<std::string, std::vector<std::vector<Corner>>> cells;
  for (const Site& site : sites) cells[site.code].push_back(cell_of(site, sites));
  std::vector<SampleArea> areas;
  for (const auto& province : feature::provinces()) {
    areas.push_back({province.code, province.name, polygon_of(border_of(cells[province.code]))});
  }
  return areas;
}

feature::Schema sample_area_schema() {
  feature::Schema schema;
  schema.crs = "EPSG:4326";
  schema.geometry.types = {geo::GeometryType::kMultiPolygon};
  schema.fields = {detail::field(1, "code", feature::FieldType::kString, "Mã", "Code"),
                   detail::field(2, "name", feature::FieldType::kString, "Tên", "Name")};
  return schema;
}

}  // namespace lt::sources
