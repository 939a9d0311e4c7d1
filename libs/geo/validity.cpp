#include "geo/validity.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>
#include <geos_c.h>

#include "base/status.hpp"
#include "geo/detail/wkb_scanner.hpp"

namespace lt::geo {
namespace {

// Frees with the context that made the object.
struct GeosDeleter {
  GEOSContextHandle_t context = nullptr;
  void operator()(GEOSGeometry* geometry) const { GEOSGeom_destroy_r(context, geometry); }
  void operator()(const GEOSPreparedGeometry* prepared) const { GEOSPreparedGeom_destroy_r(context, prepared); }
  void operator()(GEOSWKBReader* reader) const { GEOSWKBReader_destroy_r(context, reader); }
  void operator()(char* text) const { GEOSFree_r(context, text); }
};
template <typename T>
using GeosOwned = std::unique_ptr<T, GeosDeleter>;
using GeosGeometry = GeosOwned<GEOSGeometry>;

constexpr char kException = 2;  // what GEOS's predicates return instead of 0 or 1

// XY only: GEOS 3.11 cannot read M, and validity and relations are planar anyway.
class FlatHandler : public detail::WriterHandler {
 public:
  using WriterHandler::WriterHandler;
  [[nodiscard]] absl::Status begin(GeometryType type, Dimension, std::uint32_t) {
    return writer_.begin(type, Dimension::kXY);
  }
};

absl::StatusOr<std::string> flat_wkb(const Geometry& geometry) {
  if (geometry.dimension == Dimension::kXY) return geometry.wkb;
  detail::WkbWriter writer(detail::kNoLimits);
  FlatHandler handler(writer);
  LT_RETURN_IF_ERROR(detail::WkbScanner(geometry.wkb, 0, handler).run());
  return std::move(writer).finish().wkb;
}

bool is_point(int geos_type) { return geos_type == GEOS_POINT || geos_type == GEOS_MULTIPOINT; }

}  // namespace

struct Geos::Impl {
  struct ContextDeleter {
    void operator()(GEOSContextHandle_HS* owned) const { GEOS_finish_r(owned); }
  };
  // The area of the last question: views ask about one area many times.
  struct Area {
    std::string wkb;
    GeosGeometry geometry;
    GeosOwned<const GEOSPreparedGeometry> prepared;  // refers to `geometry`, so it is declared after it
  };

  std::string last_error;
  std::unique_ptr<GEOSContextHandle_HS, ContextDeleter> context{GEOS_init_r()};
  Area area;

  Impl() {
    GEOSContext_setErrorMessageHandler_r(context.get(), &Impl::keep_message, this);
    GEOSContext_setNoticeMessageHandler_r(
        context.get(), [](const char*, void*) {}, nullptr);
  }

  static void keep_message(const char* message, void* self) { static_cast<Impl*>(self)->last_error = message; }

  template <typename T>
  GeosOwned<T> own(T* object) const {
    return GeosOwned<T>(object, GeosDeleter{context.get()});
  }

  absl::Status failed(std::string_view what) const {
    return make_error(absl::StatusCode::kInternal, "GEOS_FAILED", fmt::format("{}: {}", what, last_error));
  }

  absl::StatusOr<GeosGeometry> read(const Geometry& geometry);
  std::vector<const GEOSGeometry*> parts_of(const GEOSGeometry* whole) const;
  absl::Status prepare(const Geometry& new_area);
  absl::StatusOr<bool> is_part_inside(const GEOSGeometry* part);
  absl::StatusOr<bool> answer(char result, std::string_view what) const {
    if (result == kException) return failed(what);
    return result != 0;
  }
};

absl::StatusOr<GeosGeometry> Geos::Impl::read(const Geometry& geometry) {
  last_error.clear();
  LT_ASSIGN_OR_RETURN(const std::string wkb, flat_wkb(geometry));
  const auto reader = own(GEOSWKBReader_create_r(context.get()));
  const auto* bytes = reinterpret_cast<const unsigned char*>(wkb.data());
  GeosGeometry result = own(GEOSWKBReader_read_r(context.get(), reader.get(), bytes, wkb.size()));
  if (!result) return failed("geometry cannot be built");
  return result;
}

// Relations refuse collections, so each member answers for itself. Empty ones never do.
std::vector<const GEOSGeometry*> Geos::Impl::parts_of(const GEOSGeometry* whole) const {
  std::vector<const GEOSGeometry*> todo{whole}, parts;
  while (!todo.empty()) {
    const GEOSGeometry* part = todo.back();
    todo.pop_back();
    if (GEOSGeomTypeId_r(context.get(), part) != GEOS_GEOMETRYCOLLECTION) {
      if (GEOSisEmpty_r(context.get(), part) == 0) parts.push_back(part);
      continue;
    }
    for (int i = 0; i < GEOSGetNumGeometries_r(context.get(), part); ++i) {
      todo.push_back(GEOSGetGeometryN_r(context.get(), part, i));
    }
  }
  return parts;
}

absl::Status Geos::Impl::prepare(const Geometry& new_area) {
  if (area.geometry && area.wkb == new_area.wkb) return absl::OkStatus();
  area.prepared.reset();
  area.geometry.reset();
  LT_ASSIGN_OR_RETURN(area.geometry, read(new_area));
  area.prepared = own(GEOSPrepare_r(context.get(), area.geometry.get()));
  if (!area.prepared) {
    area.geometry.reset();
    return failed("area cannot be prepared");
  }
  area.wkb = new_area.wkb;
  return absl::OkStatus();
}

// The matrix is costly; the prepared predicates decide all parts but those at the border.
absl::StatusOr<bool> Geos::Impl::is_part_inside(const GEOSGeometry* part) {
  constexpr char kInteriorsIntersect[] = "T********";
  LT_ASSIGN_OR_RETURN(const bool touched, answer(GEOSPreparedIntersects_r(context.get(), area.prepared.get(), part),
                                                 "intersection with the area"));
  if (!touched || is_point(GEOSGeomTypeId_r(context.get(), part))) return touched;
  LT_ASSIGN_OR_RETURN(
      const bool within,
      answer(GEOSPreparedContainsProperly_r(context.get(), area.prepared.get(), part), "containment in the area"));
  if (within) return true;
  return answer(GEOSRelatePattern_r(context.get(), part, area.geometry.get(), kInteriorsIntersect),
                "relation to the area");
}

Geos::Geos() : impl_(std::make_unique<Impl>()) {}
Geos::~Geos() = default;
Geos::Geos(Geos&&) noexcept = default;
Geos& Geos::operator=(Geos&&) noexcept = default;

absl::StatusOr<std::optional<Invalidity>> Geos::check_validity(const Geometry& geometry) const {
  auto built = impl_->read(geometry);
  // Canonical WKB is well-formed, so what GEOS cannot build breaks its model, such as holes in an empty shell.
  if (!built.ok() && impl_->last_error.empty()) return built.status();
  if (!built.ok()) return std::optional<Invalidity>({impl_->last_error, geometry.box.x1, geometry.box.y1});
  const GEOSContextHandle_t context = impl_->context.get();
  char* reason = nullptr;
  GEOSGeometry* place = nullptr;
  const char valid = GEOSisValidDetail_r(context, built->get(), 0, &reason, &place);
  const auto owned_reason = impl_->own(reason);
  const auto owned_place = impl_->own(place);
  if (valid == kException) return impl_->failed("validity");
  if (valid != 0) return std::optional<Invalidity>();
  Invalidity invalid{reason != nullptr ? reason : "not valid", geometry.box.x1, geometry.box.y1};
  if (place != nullptr && GEOSisEmpty_r(context, place) == 0) {
    GEOSGeomGetX_r(context, place, &invalid.x);
    GEOSGeomGetY_r(context, place, &invalid.y);
  }
  return std::optional<Invalidity>(std::move(invalid));
}

absl::StatusOr<bool> Geos::is_inside(const Geometry& geometry, const Geometry& area) const {
  if (geometry.empty || area.empty) return false;
  if (area.type != GeometryType::kPolygon && area.type != GeometryType::kMultiPolygon) {
    return make_error(absl::StatusCode::kInvalidArgument, "AREA_NOT_POLYGON",
                      fmt::format("an area is a POLYGON or MULTIPOLYGON, not a {}", to_string(area.type)));
  }
  LT_RETURN_IF_ERROR(impl_->prepare(area));
  LT_ASSIGN_OR_RETURN(const GeosGeometry built, impl_->read(geometry));
  for (const GEOSGeometry* part : impl_->parts_of(built.get())) {
    LT_ASSIGN_OR_RETURN(const bool inside, impl_->is_part_inside(part));
    if (inside) return true;
  }
  return false;
}

absl::StatusOr<bool> Geos::intersects(const Geometry& geometry, const Geometry& shape) const {
  if (geometry.empty || shape.empty) return false;
  LT_RETURN_IF_ERROR(impl_->prepare(shape));
  LT_ASSIGN_OR_RETURN(const GeosGeometry built, impl_->read(geometry));
  const GEOSPreparedGeometry* prepared = impl_->area.prepared.get();
  for (const GEOSGeometry* part : impl_->parts_of(built.get())) {
    LT_ASSIGN_OR_RETURN(const bool meets, impl_->answer(GEOSPreparedIntersects_r(impl_->context.get(), prepared, part),
                                                        "intersection with the shape"));
    if (meets) return true;
  }
  return false;
}

absl::StatusOr<bool> Geos::is_within(const Geometry& geometry, const Geometry& shape) const {
  if (geometry.empty || shape.empty) return false;
  LT_RETURN_IF_ERROR(impl_->prepare(shape));
  LT_ASSIGN_OR_RETURN(const GeosGeometry built, impl_->read(geometry));
  const GEOSContextHandle_t context = impl_->context.get();
  const GEOSPreparedGeometry* prepared = impl_->area.prepared.get();
  bool within = false;
  for (const GEOSGeometry* part : impl_->parts_of(built.get())) {
    LT_ASSIGN_OR_RETURN(const bool covered,
                        impl_->answer(GEOSPreparedCovers_r(context, prepared, part), "cover by the shape"));
    if (!covered) return false;
    if (within) continue;
    LT_ASSIGN_OR_RETURN(within, impl_->answer(GEOSPreparedContains_r(context, prepared, part), "place in the shape"));
  }
  return within;
}

}  // namespace lt::geo
