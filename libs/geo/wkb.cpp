#include <utility>

#include "base/status.hpp"
#include "geo/detail/wkb_scanner.hpp"
#include "geo/detail/wkb_writer.hpp"
#include "geo/geometry.hpp"

namespace lt::geo {

absl::StatusOr<Geometry> parse_wkb(std::string_view bytes, int srid, const GeometryLimits& limits) {
  if (bytes.size() > limits.max_bytes) return detail::too_large("bytes", limits.max_bytes);
  detail::WkbWriter writer(limits);
  writer.reserve(bytes.size());
  detail::BulkHandler handler(writer);
  LT_RETURN_IF_ERROR(detail::WkbScanner(bytes, srid, handler).run());
  return std::move(writer).finish();
}

std::string to_ewkb(const Geometry& geometry, int srid) {
  if (geometry.dimension == Dimension::kXY && srid != 0 && !geometry.wkb.empty()) {
    return detail::ewkb_of_xy(geometry, srid);
  }
  detail::WkbWriter writer(detail::kNoLimits, srid);
  detail::BulkHandler handler(writer);
  if (!detail::WkbScanner(geometry.wkb, 0, handler).run().ok()) return {};
  return std::move(writer).finish().wkb;
}

absl::StatusOr<Geometry> read_canonical_wkb(std::string_view bytes) {
  constexpr auto kCode = absl::StatusCode::kDataLoss;
  absl::StatusOr<Geometry> geometry = parse_wkb(bytes, 0, detail::kNoLimits);
  if (!geometry.ok()) {
    return make_error(kCode, "RECORD_MALFORMED", "stored geometry cannot be read: " + message_of(geometry.status()));
  }
  if (geometry->wkb != bytes) {
    return make_error(kCode, "RECORD_MALFORMED", "stored geometry is not canonical WKB");
  }
  return geometry;
}

}  // namespace lt::geo
