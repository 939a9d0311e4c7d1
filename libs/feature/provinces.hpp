// Vietnam's provinces as a table of facts (deploy/data/provinces.csv, provinces_succession.csv, embedded).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "geo/geometry.hpp"

namespace lt::feature {

/// Code lists of administrative units: the one in force since 2025-07-01, and the one before.
inline constexpr std::string_view kProvinceList = "ADM-2025";
inline constexpr std::string_view kFormerProvinceList = "ADM-2004";
/// Days since 1970-01-01: the first day of ADM-2025 (2025-07-01), the last of ADM-2004 (2025-06-30).
inline constexpr std::int32_t kProvincesFrom = 20'270;
inline constexpr std::int32_t kFormerProvincesUntil = kProvincesFrom - 1;

/// One of the 34 provinces since 2025-07-01.
struct Province {
  std::string code;  ///< ADM-2025: two digits
  std::string name;
  std::string kind;                       ///< "tỉnh" or "thành phố"
  int epsg = 0;                           ///< VN-2000 TM-3 zone of its administrative map
  std::string central_meridian;           ///< degrees, two decimals
  geo::Box extent;                        ///< WGS 84, longitude first; approximate, mainland only
  double inside_lon = 0, inside_lat = 0;  ///< WGS 84; a place well inside
};

/// What one of the 63 provinces until 2025-06-30 became.
struct Succession {
  std::string old_code;  ///< ADM-2004
  std::string old_name;
  int old_epsg = 0;  ///< VN-2000 TM-3 zone that its data used
  std::string old_central_meridian;
  std::string new_code;  ///< ADM-2025
};

/// By code.
[[nodiscard]] const std::vector<Province>& provinces();
[[nodiscard]] const Province* find_province(std::string_view code);
/// By old code.
[[nodiscard]] const std::vector<Succession>& successions();

}  // namespace lt::feature
