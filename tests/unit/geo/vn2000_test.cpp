#include "geo/vn2000.hpp"

#include <cmath>

#include "geo/crs.hpp"
#include "geo_support.hpp"

namespace lt::geo {
namespace {

TEST_CASE("the VN-2000 systems and EPSG:6960 are those of PROJ's database") {
  const auto checked = check_vn2000_systems();
  INFO(message_of(checked));
  CHECK(checked.ok());
}

TEST_CASE("a grid's central meridian is at its false easting") {
  for (const auto& system : vn2000_systems()) {
    INFO(system.epsg);
    if (system.geographic()) continue;
    const auto position = vn2000_position(system.epsg, 500'000, 1'400'000);
    REQUIRE(position);
    CHECK(std::abs(position->longitude - system.meridian) < 1e-11);
    CHECK(std::abs(position->latitude - 12.66) < 0.01);
  }
  CHECK_FALSE(vn2000_position(32648, 500'000, 1'400'000));
  CHECK(vn2000_position(4756, 105.5, 21)->longitude == 105.5);
}

TEST_CASE("rows for spatial_ref_sys carry EPSG:6960 in PROJ's sign convention") {
  for (const auto& system : vn2000_systems()) {
    INFO(system.epsg);
    const auto row = spatial_reference(system);
    REQUIRE(row.ok());
    CHECK(row->srid == system.epsg);
    CHECK(row->wkt.find("AUTHORITY[\"EPSG\",\"" + std::to_string(system.epsg) + "\"]") != std::string::npos);
    CHECK(row->wkt.size() < 2048);
    CHECK(row->proj4.find("0.00928836,-0.01975479,0.00427372,0.252906278") != std::string::npos);
  }
  CHECK(spatial_reference(vn2000_systems().back())->proj4.find("+lon_0=108.5 +k=0.9999 ") != std::string::npos);
}

}  // namespace
}  // namespace lt::geo
