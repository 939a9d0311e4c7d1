// WKT and EWKT as a publisher may write them.
#include "geo/geometry.hpp"
#include "support.hpp"

namespace {
constexpr int kSrid = 4326;
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lt;
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::require_parser([&](const geo::GeometryLimits& limits) { return geo::parse_wkt(text, kSrid, limits); });
  const auto without_srid = geo::parse_wkt(text);
  const auto with_srid = geo::parse_wkt(text, kSrid);
  if (without_srid.ok()) fuzz::require(with_srid.ok(), "text that names no SRID fits any");
  if (!with_srid.ok() || without_srid.ok()) return 0;
  // Only the prefix makes the difference.
  fuzz::require(geo::parse_wkt("SRID=4326;" + geo::to_wkt(*with_srid), kSrid).ok(), "the SRID that fits is accepted");
  return 0;
}
