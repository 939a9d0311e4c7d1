#include "geo/area.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/detail/wkb_scanner.hpp"

namespace lt::geo {
namespace {

// Longest edges that are at most 100 m on the ground, with 1 % to spare for the scale of projections. A degree is at
// most 111,694 m, of latitude at the poles. Grids in feet get shorter edges, which does no harm.
constexpr double kMetreStep = 99.0;
constexpr double kDegreeStep = kMetreStep / 111'700.0;

constexpr GeometryLimits kDensifiedLimits{UINT32_MAX, kMaxDensifiedVertices, UINT32_MAX, detail::kMaxDepth};

using Vertex = std::array<double, detail::kMaxOrdinates>;

// Writes what is scanned with more vertices.
class DensifyHandler : public detail::WriterHandler {
 public:
  DensifyHandler(detail::WkbWriter& writer, double max_step, int ordinate_count)
      : WriterHandler(writer), max_step_(max_step), ordinates_(static_cast<std::size_t>(ordinate_count)) {}

  [[nodiscard]] absl::Status begin(GeometryType type, Dimension dimension, std::uint32_t count) {
    first_ = true;
    is_point_ = type == GeometryType::kPoint;
    return WriterHandler::begin(type, dimension, count);
  }
  [[nodiscard]] absl::Status begin_ring(std::uint32_t count) {
    first_ = true;
    return WriterHandler::begin_ring(count);
  }
  [[nodiscard]] absl::Status vertex(const double* values) {
    Vertex next{};
    std::copy_n(values, ordinates_, next.begin());
    if (!first_ && !is_point_) LT_RETURN_IF_ERROR(add_between(previous_, next));
    first_ = false;
    previous_ = next;
    return writer_.vertex(values);
  }

 private:
  absl::Status add_between(const Vertex& from, const Vertex& to) {
    const double pieces = std::ceil(std::hypot(to[0] - from[0], to[1] - from[1]) / max_step_);
    if (pieces > kMaxDensifiedVertices) return detail::too_large("vertices after densifying", kMaxDensifiedVertices);
    // The same sums whichever end comes first.
    const bool forward = from < to;
    const Vertex& start = forward ? from : to;
    const Vertex& end = forward ? to : from;
    for (double i = 1; i < pieces; ++i) {
      const double share = (forward ? i : pieces - i) / pieces;
      Vertex between{};
      for (std::size_t o = 0; o < ordinates_; ++o) between[o] = start[o] + (end[o] - start[o]) * share;
      LT_RETURN_IF_ERROR(writer_.vertex(between.data()));
    }
    return absl::OkStatus();
  }

  double max_step_;
  std::size_t ordinates_;
  bool first_ = true;
  bool is_point_ = false;
  Vertex previous_{};
};

}  // namespace

absl::StatusOr<Geometry> densified(const Geometry& geometry, double max_step) {
  detail::WkbWriter writer(kDensifiedLimits);
  DensifyHandler handler(writer, max_step, ordinates(geometry.dimension));
  LT_RETURN_IF_ERROR(detail::WkbScanner(geometry.wkb, 0, handler).run());
  return std::move(writer).finish();
}

absl::StatusOr<Geometry> transform_area(const Geometry& polygon, const Crs& from, const Crs& to) {
  if (polygon.type != GeometryType::kPolygon && polygon.type != GeometryType::kMultiPolygon) {
    return make_error(absl::StatusCode::kInvalidArgument, "AREA_NOT_POLYGON",
                      fmt::format("an area is a POLYGON or MULTIPOLYGON, not a {}", to_string(polygon.type)));
  }
  if (from.epsg == to.epsg) return polygon;
  LT_ASSIGN_OR_RETURN(const auto transformer, Transformer::create(from, to));
  LT_ASSIGN_OR_RETURN(const Geometry dense, densified(polygon, from.geographic ? kDegreeStep : kMetreStep));
  return transformer.transform(dense);
}

}  // namespace lt::geo
