// GeoJSON geometry text.
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "geo/geometry.hpp"
#include "support.hpp"

namespace {
constexpr int kDepth = 128;  // beyond what the geometry parser follows
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lt;
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::require_parser([&](const geo::GeometryLimits& limits) { return geo::parse_geojson(text, limits); });
  const auto geometry = geo::parse_geojson(text);
  if (!geometry.ok()) return 0;
  fuzz::require(parse_json(text, kDepth).ok(), "what is read as a geometry is well-formed JSON to the other parser");
  const std::string written = geo::to_geojson(*geometry);
  const auto json = parse_json(written, kDepth);
  fuzz::require(json.ok(), "what is written is well-formed JSON");
  const auto again = geo::parse_geojson(json->dump());
  fuzz::require(again.ok() && again->wkb == geometry->wkb, "a JSON document in between changes nothing");
  fuzz::require(geo::to_geojson(*again) == written, "there is one GeoJSON of a geometry");
  return 0;
}
