// WKB and EWKB as a publisher, a database or a file may send them.
#include "geo/geometry.hpp"
#include "geo/validity.hpp"
#include "support.hpp"

namespace {
constexpr int kSrid = 4326;
constexpr std::uint32_t kMaxForGeos = 64;  // vertices; GEOS is not what is tested, only that we survive it
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lt;
  const std::string_view bytes = fuzz::text_of(data, size);
  fuzz::require_parser([&](const geo::GeometryLimits& limits) { return geo::parse_wkb(bytes, 0, limits); });
  fuzz::require_parser([&](const geo::GeometryLimits& limits) { return geo::parse_wkb(bytes, kSrid, limits); });
  const auto stored = geo::read_canonical_wkb(bytes);
  if (stored.ok()) fuzz::require(stored->wkb == bytes, "stored bytes are kept");
  const auto geometry = geo::parse_wkb(bytes, kSrid);
  if (!geometry.ok() || geometry->vertices > kMaxForGeos) return 0;
  static const geo::Geos geos;
  const auto invalid = geos.check_validity(*geometry);
  if (invalid.ok() && *invalid) fuzz::require(!(*invalid)->reason.empty(), "what is not valid has a reason");
  return 0;
}
