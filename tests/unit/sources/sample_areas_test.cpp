// The invented borders of provinces.
#include <map>
#include <set>

#include "feature/provinces.hpp"
#include "geo/validity.hpp"
#include "sources/sample_areas.hpp"
#include "support.hpp"

namespace lt::sources::test {
namespace {

geo::Geometry point(double x, double y) {
  return take(geo::parse_wkt("POINT (" + std::to_string(x) + " " + std::to_string(y) + ")"));
}

/// Codes of the areas that a place is inside of.
std::set<std::string> owners(const std::vector<SampleArea>& areas, const geo::Geometry& place) {
  const geo::Geos geos;
  std::set<std::string> codes;
  for (const auto& area : areas) {
    if (take(geos.is_inside(place, area.polygon))) codes.insert(area.code);
  }
  return codes;
}

TEST_CASE("each of the 34 provinces gets a valid area around its place, and its islands") {
  const auto areas = sample_areas();
  REQUIRE(areas.size() == feature::provinces().size());
  const geo::Geos geos;
  for (const auto& area : areas) {
    CAPTURE(area.code, area.name);
    CHECK_FALSE(area.polygon.empty);
    CHECK_FALSE(take(geos.check_validity(area.polygon)).has_value());
    const feature::Province* const province = feature::find_province(area.code);
    REQUIRE(province != nullptr);
    CHECK(area.name == province->name);
    CHECK(owners(areas, point(province->inside_lon, province->inside_lat)) == std::set<std::string>{area.code});
  }
  CHECK(owners(areas, point(111.608, 16.534)) == std::set<std::string>{"48"});  // Hoàng Sa
  CHECK(owners(areas, point(111.919, 8.644)) == std::set<std::string>{"56"});   // Trường Sa
  CHECK(owners(areas, point(115.8, 7.9)) == std::set<std::string>{"56"});       // its east
  CHECK(owners(areas, point(103.98, 10.22)) == std::set<std::string>{"91"});    // Phú Quốc
  CHECK(owners(areas, point(103.47, 9.3)) == std::set<std::string>{"91"});      // Thổ Chu
  CHECK(owners(areas, point(106.6, 8.69)) == std::set<std::string>{"79"});      // Côn Đảo
  CHECK(owners(areas, point(108.95, 10.53)) == std::set<std::string>{"68"});    // Phú Quý
}

TEST_CASE("the areas are a partition: every edge within the country is shared by two, the other way round") {
  std::map<std::string, int> edges;
  double area = 0;
  for (const auto& sample : sample_areas()) {
    std::string text = geo::to_wkt(sample.polygon);
    for (std::size_t at = text.find_first_of("0123456789"); at != std::string::npos;) {
      const std::string ring = text.substr(at, text.find(')', at) - at);
      std::vector<std::pair<double, double>> corners;
      const char* c = ring.c_str();
      while (*c != 0) {
        char* end = nullptr;
        const double x = std::strtod(c, &end);
        const double y = std::strtod(end, &end);
        corners.emplace_back(x, y);
        c = *end == ',' ? end + 1 : end;
      }
      for (std::size_t i = 1; i < corners.size(); ++i) {
        const auto [x1, y1] = corners[i - 1];
        const auto [x2, y2] = corners[i];
        area += (x1 * y2 - x2 * y1) / 2;
        const bool outer = (x1 == x2 && (x1 == 102 || x1 == 118)) || (y1 == y2 && (y1 == 4.5 || y1 == 23.5));
        if (outer) continue;
        const std::string a = std::to_string(x1) + " " + std::to_string(y1);
        const std::string b = std::to_string(x2) + " " + std::to_string(y2);
        edges[a < b ? a + "," + b : b + "," + a] += a < b ? 1 : 1000;
      }
      at = text.find_first_of("0123456789", at + ring.size());
    }
  }
  CHECK(edges.size() > 80);
  for (const auto& [edge, uses] : edges) {
    CAPTURE(edge);
    CHECK(uses == 1001);
  }
  CHECK(area == Approx(16.0 * 19.0).epsilon(1e-9));
}

}  // namespace
}  // namespace lt::sources::test
