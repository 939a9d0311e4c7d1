#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/crs.hpp"
#include "geo/detail/proj.hpp"
#include "geo/detail/wkb_scanner.hpp"

namespace lt::geo {
namespace {

using detail::ProjObject;

constexpr int kVn2000 = 4756;
constexpr int kWgs84 = 4326;
// The only VN-2000 to WGS 84 operation in use: Decision 05/2007/QĐ-BTNMT. PROJ's own choice would switch to EPSG:5194
// in the Mekong delta and tear the data by 0.8 m at 11.04° N.
constexpr char kDatumOperation[] = "6960";
constexpr std::string_view kDatumOperationName = "EPSG:6960";
constexpr std::string_view kVn2000Projection = "VN-2000 projection";

absl::Status no_operation(int from, int to) {
  return make_error(
      absl::StatusCode::kFailedPrecondition, "NO_OPERATION",
      fmt::format("no transformation with known accuracy from EPSG:{} to EPSG:{}; choose another CRS", from, to));
}

struct Step {
  ProjObject operation;
  PJ_DIRECTION direction = PJ_FWD;
};

// An operation with x = longitude or easting on both sides.
ProjObject normalised(PJ_CONTEXT* context, const ProjObject& operation) {
  return ProjObject(proj_normalize_for_visualization(context, operation.get()));
}

// "WGS 84 to X (2) (EPSG:1234)"
std::string describe(const PJ* operation) {
  const char* name = proj_get_name(operation);
  const char* id_authority = proj_get_id_auth_name(operation, 0);
  const char* code = proj_get_id_code(operation, 0);
  std::string out = name != nullptr ? name : "unnamed operation";
  if (id_authority == nullptr || code == nullptr) return out;
  std::string_view authority = id_authority;
  constexpr std::string_view kInverse = "INVERSE(";  // PROJ's mark; the name already says "Inverse of"
  if (authority.starts_with(kInverse) && authority.ends_with(')')) {
    authority = authority.substr(kInverse.size(), authority.size() - kInverse.size() - 1);
  }
  return out + fmt::format(" ({}:{})", authority, code);
}

// PROJ's best operation whose area lies within both CRSs' (or touches them), whose grids are here.
ProjObject best_operation(PJ_CONTEXT* context, const PJ* from, const PJ* to, PROJ_SPATIAL_CRITERION criterion) {
  const detail::ProjFactory factory(proj_create_operation_factory_context(context, nullptr));
  if (!factory) return nullptr;
  proj_operation_factory_context_set_spatial_criterion(context, factory.get(), criterion);
  // A ballpark operation ignores the datum: hundreds of metres of silent error.
  proj_operation_factory_context_set_allow_ballpark_transformations(context, factory.get(), 0);
  const detail::ProjList list(proj_create_operations(context, from, to, factory.get()));
  for (int i = 0; list && i < proj_list_get_count(list.get()); ++i) {
    ProjObject operation(proj_list_get(context, list.get(), i));
    if (!operation || proj_coordoperation_is_instantiable(context, operation.get()) == 0) continue;
    if (proj_coordoperation_has_ballpark_transformation(context, operation.get()) == 0) return operation;
  }
  return nullptr;
}

bool is_projection_only(const PJ* operation) { return proj_get_type(operation) == PJ_TYPE_CONVERSION; }

}  // namespace

struct Transformer::Impl {
  detail::ProjContext context = detail::make_proj_context();  // its own, so that it can move between threads
  std::vector<Step> steps;
  std::string operation = "identity";

  // Appends the one operation from..to; nothing when they are the same. Operations that are more than a projection add
  // their name to `names`; a projection only becomes the name so far.
  absl::Status add_best(int from, int to, std::vector<std::string>& names) {
    if (from == to) return absl::OkStatus();
    const ProjObject source = detail::make_crs(context.get(), from);
    const ProjObject target = detail::make_crs(context.get(), to);
    if (!source || !target) {
      return make_error(absl::StatusCode::kInvalidArgument, "CRS_UNKNOWN",
                        fmt::format("EPSG:{} is not a CRS of the EPSG registry", source ? to : from));
    }
    ProjObject best =
        best_operation(context.get(), source.get(), target.get(), PROJ_SPATIAL_CRITERION_STRICT_CONTAINMENT);
    if (!best) {
      best = best_operation(context.get(), source.get(), target.get(), PROJ_SPATIAL_CRITERION_PARTIAL_INTERSECTION);
    }
    ProjObject step = best ? normalised(context.get(), best) : nullptr;
    if (!step) return no_operation(from, to);
    if (is_projection_only(best.get())) {
      operation = describe(best.get());
    } else {
      names.push_back(describe(best.get()));
    }
    steps.push_back({std::move(step), PJ_FWD});
    return absl::OkStatus();
  }

  absl::Status add_datum(PJ_DIRECTION direction) {
    const ProjObject datum(proj_create_from_database(context.get(), "EPSG", kDatumOperation,
                                                     PJ_CATEGORY_COORDINATE_OPERATION, 0, nullptr));
    ProjObject step = datum ? normalised(context.get(), datum) : nullptr;
    if (!step) return no_operation(kVn2000, kWgs84);
    steps.push_back({std::move(step), direction});
    return absl::OkStatus();
  }

  absl::Status build(const Crs& from, const Crs& to);
};

absl::Status Transformer::Impl::build(const Crs& from, const Crs& to) {
  if (from.epsg == to.epsg) return absl::OkStatus();
  std::vector<std::string> names;
  if (from.vn2000 && to.vn2000) {
    LT_RETURN_IF_ERROR(add_best(from.epsg, kVn2000, names));
    LT_RETURN_IF_ERROR(add_best(kVn2000, to.epsg, names));
    operation = kVn2000Projection;
  } else if (from.vn2000) {
    LT_RETURN_IF_ERROR(add_best(from.epsg, kVn2000, names));
    names.emplace_back(kDatumOperationName);
    LT_RETURN_IF_ERROR(add_datum(PJ_FWD));
    LT_RETURN_IF_ERROR(add_best(kWgs84, to.epsg, names));
  } else if (to.vn2000) {
    LT_RETURN_IF_ERROR(add_best(from.epsg, kWgs84, names));
    names.emplace_back(kDatumOperationName);
    LT_RETURN_IF_ERROR(add_datum(PJ_INV));
    LT_RETURN_IF_ERROR(add_best(kVn2000, to.epsg, names));
  } else {
    LT_RETURN_IF_ERROR(add_best(from.epsg, to.epsg, names));
  }
  if (!names.empty()) operation = fmt::format("{}", fmt::join(names, " + "));
  return absl::OkStatus();
}

Transformer::Transformer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Transformer::Transformer(Transformer&&) noexcept = default;
Transformer& Transformer::operator=(Transformer&&) noexcept = default;
Transformer::~Transformer() = default;

absl::StatusOr<Transformer> Transformer::create(const Crs& from, const Crs& to) {
  auto impl = std::make_unique<Impl>();
  LT_RETURN_IF_ERROR(impl->build(from, to));
  return Transformer(std::move(impl));
}

const std::string& Transformer::operation() const { return impl_->operation; }

bool Transformer::is_identity() const { return impl_->steps.empty(); }

absl::Status Transformer::transform(double& x, double& y) const {
  PJ_COORD coordinate = proj_coord(x, y, 0, HUGE_VAL);
  for (const Step& step : impl_->steps) {
    proj_errno_reset(step.operation.get());
    coordinate = proj_trans(step.operation.get(), step.direction, coordinate);
    coordinate.xyzt.z = 0;  // heights never take part: docs/data-model.md
    if (proj_errno(step.operation.get()) != 0 || !std::isfinite(coordinate.xy.x) || !std::isfinite(coordinate.xy.y)) {
      return make_error(
          absl::StatusCode::kOutOfRange, "TRANSFORM_FAILED",
          fmt::format("({}, {}) is outside what {} can transform; check the CRS and the order x = easting or "
                      "longitude, y = northing or latitude",
                      x, y, impl_->operation));
    }
  }
  x = coordinate.xy.x;
  y = coordinate.xy.y;
  return absl::OkStatus();
}

namespace {

// x and y of many vertices, `stride` doubles apart. Z and M take no part. @return false when one cannot be transformed.
bool transform_all(const std::vector<Step>& steps, double* first, std::size_t stride, std::size_t count) {
  const std::size_t bytes = stride * sizeof(double);
  for (const Step& step : steps) {
    proj_errno_reset(step.operation.get());
    proj_trans_generic(step.operation.get(), step.direction, first, bytes, count, first + 1, bytes, count, nullptr, 0,
                       0, nullptr, 0, 0);
    for (const double* at = first; at != first + stride * count; at += stride) {
      if (!std::isfinite(at[0]) || !std::isfinite(at[1])) return false;
    }
  }
  return true;
}

// Writes what is scanned with other x and y.
class TransformHandler : public detail::WriterHandler {
 public:
  TransformHandler(detail::WkbWriter& writer, const Transformer& transformer, const std::vector<Step>& steps,
                   int ordinate_count)
      : WriterHandler(writer),
        transformer_(transformer),
        steps_(steps),
        ordinates_(static_cast<std::size_t>(ordinate_count)) {}
  // What fails here fails again by vertex(), which says where.
  [[nodiscard]] bool vertices(std::string_view raw, std::uint32_t count) {
    if constexpr (std::endian::native != std::endian::little) return false;
    if (count == 0) return true;
    values_.resize(count * ordinates_);
    std::memcpy(values_.data(), raw.data(), raw.size());
    if (!transform_all(steps_, values_.data(), ordinates_, count)) return false;
    return writer_.append_sound({reinterpret_cast<const char*>(values_.data()), raw.size()}, count);
  }
  [[nodiscard]] absl::Status vertex(const double* values) {
    std::array<double, detail::kMaxOrdinates> moved{};
    std::copy_n(values, ordinates_, moved.begin());
    LT_RETURN_IF_ERROR(transformer_.transform(moved[0], moved[1]));
    return writer_.vertex(moved.data());
  }

 private:
  const Transformer& transformer_;
  const std::vector<Step>& steps_;
  std::size_t ordinates_;
  std::vector<double> values_;
};

}  // namespace

absl::StatusOr<Geometry> Transformer::transform(const Geometry& geometry) const {
  if (is_identity()) return geometry;
  detail::WkbWriter writer(detail::kNoLimits);
  writer.reserve(geometry.wkb.size());
  TransformHandler handler(writer, *this, impl_->steps, ordinates(geometry.dimension));
  LT_RETURN_IF_ERROR(detail::WkbScanner(geometry.wkb, 0, handler).run());
  return std::move(writer).finish();
}

}  // namespace lt::geo
