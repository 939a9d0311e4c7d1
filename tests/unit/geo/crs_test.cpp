#include "geo/crs.hpp"

#include <thread>

#include "geo_support.hpp"

namespace lt::geo {
namespace {

using test::refused;
using test::says;

TEST_CASE("find_crs takes a code, a number and a URN of any letter case") {
  for (const char* id :
       {"EPSG:9210", "epsg:9210", "9210", "urn:ogc:def:crs:EPSG::9210", "URN:OGC:DEF:CRS:epsg::9210"}) {
    INFO(id);
    const auto crs = find_crs(id);
    REQUIRE(crs.ok());
    CHECK(crs->epsg == 9210);
    CHECK(crs->id() == "EPSG:9210");
    CHECK(crs->name == "VN-2000 / TM-3 105-45");
    CHECK_FALSE(crs->geographic);
    CHECK(crs->vn2000);
  }
}

TEST_CASE("find_crs knows geographic systems and the datum") {
  const Crs wgs84 = find_crs("EPSG:4326").value();
  CHECK(wgs84.geographic);
  CHECK_FALSE(wgs84.vn2000);
  CHECK(wgs84.plausible == Box{-180, -90, 180, 90});
  const Crs vn2000 = find_crs("EPSG:4756").value();
  CHECK(vn2000.geographic);
  CHECK(vn2000.vn2000);
  CHECK_FALSE(find_crs("EPSG:32648")->vn2000);
  CHECK_FALSE(find_crs("EPSG:4147")->vn2000);
}

TEST_CASE("every VN-2000 system of the list is one, and the plausible range fits its kind") {
  CHECK(vn2000_codes().size() == 21);
  for (const int code : vn2000_codes()) {
    INFO(code);
    const auto crs = find_crs(std::to_string(code));
    REQUIRE(crs.ok());
    CHECK(crs->vn2000);
    CHECK(crs->geographic == (code == 4756));
    const double west = code == 4756 ? 102 : code < 3500 ? 160'000 : 200'000;
    CHECK(crs->plausible.x1 == west);
  }
  CHECK(find_crs("9210")->plausible == Box{200'000, 480'000, 800'000, 2'650'000});
  CHECK(find_crs("3405")->plausible == Box{160'000, 480'000, 840'000, 2'650'000});
}

TEST_CASE("find_crs refuses what names no horizontal CRS") {
  for (const char* id : {"", "EPSG:", "EPSG:x", "EPSG:-1", "EPSG:4326 ", " EPSG:4326", "VN-2000", "EPSG:99999",
                         "EPSG:0", "EPSG:99999999999999999999", "EPSG::4326", "OGC:CRS84", "EPSG:6960", "EPSG:5727",
                         "EPSG:4979", "EPSG:4978", "EPSG:9707"}) {
    INFO(id);
    CHECK(refused(find_crs(id), "CRS_UNKNOWN"));
  }
}

TEST_CASE("find_crs refuses systems whose axes are not easting and northing in degrees or lengths") {
  CHECK(refused(find_crs("EPSG:2053"), "CRS_UNKNOWN"));  // westing, southing
  CHECK(refused(find_crs("EPSG:4807"), "CRS_UNKNOWN"));  // grads
  CHECK(find_crs("EPSG:3031").ok());                     // polar: both axes point north
  CHECK(find_crs("EPSG:3857").ok());
}

TEST_CASE("find_crs refuses the swapped TM-3 codes and names the right ones") {
  for (int code = 6956; code <= 6959; ++code) {
    const auto crs = find_crs("EPSG:" + std::to_string(code));
    CHECK(refused(crs, "CRS_DEPRECATED"));
    CHECK(says(crs, "EPSG:" + std::to_string(code - 6956 + 5896)));
    CHECK(error_detail(crs.status())->metadata.at("crs") == "EPSG:" + std::to_string(code));
  }
}

TEST_CASE("find_crs refuses other deprecated codes with their replacement") {
  const auto crs = find_crs("EPSG:4268");  // NAD27 Michigan, deprecated
  CHECK(refused(crs, "CRS_DEPRECATED"));
}

TEST_CASE("find_crs answers many threads at once") {
  std::vector<std::jthread> threads;
  std::array<int, 4> right{};
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&right, t] {
      for (const int code : vn2000_codes()) right[t] += find_crs(std::to_string(code)).ok() ? 1 : 0;
    });
  }
  threads.clear();
  for (const int count : right) CHECK(count == static_cast<int>(vn2000_codes().size()));
}

}  // namespace
}  // namespace lt::geo
