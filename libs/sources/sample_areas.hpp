// Polygons for provinces where no real ones are at hand: for the demo and tests.
#pragma once

#include <string>
#include <vector>

#include "feature/schema.hpp"
#include "geo/geometry.hpp"

namespace lt::sources {

/// One of the 34 provinces of ADM-2025 with an INVENTED border.
struct SampleArea {
  std::string code;
  std::string name;
  geo::Geometry polygon;  ///< EPSG:4326, longitude first
};

/// A partition of 102..118° E, 4.5..23.5° N, sea and islands included: each place belongs to the province whose place
/// (feature/provinces.hpp) is nearest in degrees, or one of its islands. Neighbours share their edges to the bit. No
/// border in it is a real one. The same on every machine; by code.
[[nodiscard]] std::vector<SampleArea> sample_areas();

/// code and name; MULTIPOLYGON in EPSG:4326.
[[nodiscard]] feature::Schema sample_area_schema();

}  // namespace lt::sources
