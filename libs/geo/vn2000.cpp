#include "geo/vn2000.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/crs.hpp"
#include "geo/detail/proj.hpp"

namespace lt::geo {
namespace {

using detail::ProjObject;

constexpr int kGeographic = 4756;
constexpr double kFalseEasting = 500'000;
constexpr double kTm3 = 0.9999;
constexpr double kUtm = 0.9996;
constexpr double kTolerance = 1e-12;

struct Parameter {
  const char* name;
  double value;  // in metres, arc-seconds, parts per million
};
// EPSG:6960: Decision 05/2007/QĐ-BTNMT, in the coordinate frame convention; k = 1.000000252906278.
constexpr char kOperation[] = "6960";
constexpr Parameter kOperationParameters[] = {
    {"X-axis translation", -191.90441429}, {"Y-axis translation", -39.30318279}, {"Z-axis translation", -111.45032835},
    {"X-axis rotation", -0.00928836},      {"Y-axis rotation", 0.01975479},      {"Z-axis rotation", -0.00427372},
    {"Scale difference", 0.252906278}};
// The same as seven parameters of PROJ, whose rotations have the other sign.
constexpr char kToWgs84[] =
    "+towgs84=-191.90441429,-39.30318279,-111.45032835,0.00928836,-0.01975479,0.00427372,0.252906278";

absl::Status differs(std::string_view what) {
  return make_error(absl::StatusCode::kFailedPrecondition, "CRS_DATABASE_DIFFERS",
                    fmt::format("PROJ's database and the VN-2000 systems of this program disagree: {}; install the "
                                "proj.db of this PROJ release, unset PROJ_DATA and PROJ_LIB if they lead to another",
                                what));
}

bool is_close(double a, double b) { return std::abs(a - b) <= kTolerance * std::max(1.0, std::abs(b)); }

// The value as the database has it, in the unit of EPSG (degrees, metres, arc-seconds, parts per million).
std::optional<double> parameter(PJ_CONTEXT* context, const PJ* operation, const char* name) {
  const int at = proj_coordoperation_get_param_index(context, operation, name);
  double value = 0;
  if (at < 0) return std::nullopt;
  const int found = proj_coordoperation_get_param(context, operation, at, nullptr, nullptr, nullptr, &value, nullptr,
                                                  nullptr, nullptr, nullptr, nullptr, nullptr);
  return found != 0 ? std::optional(value) : std::nullopt;
}

absl::Status check_parameters(PJ_CONTEXT* context, const PJ* operation, std::string_view what,
                              const std::vector<Parameter>& expected) {
  for (const auto& [name, value] : expected) {
    const auto found = parameter(context, operation, name);
    if (found && is_close(*found, value)) continue;
    return differs(
        fmt::format("{}: {} is {}, not {}", what, name, found ? fmt::format("{}", *found) : "missing", value));
  }
  return absl::OkStatus();
}

absl::Status check_system(PJ_CONTEXT* context, const Vn2000System& system) {
  LT_ASSIGN_OR_RETURN(const Crs crs, find_crs(std::to_string(system.epsg)));
  if (crs.name != system.name || !crs.vn2000 || crs.geographic != system.geographic()) {
    return differs(fmt::format("EPSG:{} is \"{}\", not \"{}\"", system.epsg, crs.name, system.name));
  }
  if (system.geographic()) return absl::OkStatus();
  const ProjObject object = detail::make_crs(context, system.epsg);
  const ProjObject projection(proj_crs_get_coordoperation(context, object.get()));
  if (!projection) return differs(fmt::format("EPSG:{} has no projection", system.epsg));
  return check_parameters(context, projection.get(), crs.id(),
                          {{"Latitude of natural origin", 0},
                           {"Longitude of natural origin", system.meridian},
                           {"Scale factor at natural origin", system.scale},
                           {"False easting", kFalseEasting},
                           {"False northing", 0}});
}

// Transformers to EPSG:4756, for the life of the process: one for each system at most.
struct Positions {
  std::mutex mutex;
  std::map<int, Transformer> to_geographic;
};

const Transformer* find_transformer(Positions& positions, int epsg) {
  if (const auto found = positions.to_geographic.find(epsg); found != positions.to_geographic.end()) {
    return &found->second;
  }
  const auto from = find_crs(std::to_string(epsg));
  const auto to = find_crs(std::to_string(kGeographic));
  if (!from.ok() || !to.ok() || !from->vn2000) return nullptr;
  auto made = Transformer::create(*from, *to);
  return made.ok() ? &positions.to_geographic.emplace(epsg, *std::move(made)).first->second : nullptr;
}

}  // namespace

const std::vector<Vn2000System>& vn2000_systems() {
  static const std::vector<Vn2000System> systems = {{kGeographic, "VN-2000", 0, 0},
                                                    {3405, "VN-2000 / UTM zone 48N", 105, kUtm},
                                                    {3406, "VN-2000 / UTM zone 49N", 111, kUtm},
                                                    {5896, "VN-2000 / TM-3 zone 481", 102, kTm3},
                                                    {5897, "VN-2000 / TM-3 zone 482", 105, kTm3},
                                                    {5898, "VN-2000 / TM-3 zone 491", 108, kTm3},
                                                    {5899, "VN-2000 / TM-3 107-45", 107.75, kTm3},
                                                    {9205, "VN-2000 / TM-3 103-00", 103, kTm3},
                                                    {9206, "VN-2000 / TM-3 104-00", 104, kTm3},
                                                    {9207, "VN-2000 / TM-3 104-30", 104.5, kTm3},
                                                    {9208, "VN-2000 / TM-3 104-45", 104.75, kTm3},
                                                    {9209, "VN-2000 / TM-3 105-30", 105.5, kTm3},
                                                    {9210, "VN-2000 / TM-3 105-45", 105.75, kTm3},
                                                    {9211, "VN-2000 / TM-3 106-00", 106, kTm3},
                                                    {9212, "VN-2000 / TM-3 106-15", 106.25, kTm3},
                                                    {9213, "VN-2000 / TM-3 106-30", 106.5, kTm3},
                                                    {9214, "VN-2000 / TM-3 107-00", 107, kTm3},
                                                    {9215, "VN-2000 / TM-3 107-15", 107.25, kTm3},
                                                    {9216, "VN-2000 / TM-3 107-30", 107.5, kTm3},
                                                    {9217, "VN-2000 / TM-3 108-15", 108.25, kTm3},
                                                    {9218, "VN-2000 / TM-3 108-30", 108.5, kTm3}};
  return systems;
}

absl::Status check_vn2000_systems() {
  const detail::ProjContext context = detail::make_proj_context();
  for (const Vn2000System& system : vn2000_systems()) {
    const absl::Status checked = check_system(context.get(), system);
    if (error_reason(checked) == "CRS_DATABASE_DIFFERS") return checked;
    if (!checked.ok()) return differs(message_of(checked));
  }
  const ProjObject operation(
      proj_create_from_database(context.get(), "EPSG", kOperation, PJ_CATEGORY_COORDINATE_OPERATION, 0, nullptr));
  if (!operation) return differs(fmt::format("operation EPSG:{} is missing", kOperation));
  const std::vector<Parameter> expected(std::begin(kOperationParameters), std::end(kOperationParameters));
  return check_parameters(context.get(), operation.get(), fmt::format("operation EPSG:{}", kOperation), expected);
}

absl::StatusOr<SpatialReference> spatial_reference(const Vn2000System& system) {
  const detail::ProjContext context = detail::make_proj_context();
  const ProjObject object = detail::make_crs(context.get(), system.epsg);
  const char* wkt = object ? proj_as_wkt(context.get(), object.get(), PJ_WKT1_GDAL, nullptr) : nullptr;
  if (wkt == nullptr) return differs(fmt::format("EPSG:{} is missing", system.epsg));
  SpatialReference row{system.epsg, wkt, {}};
  row.proj4 = system.geographic()
                  ? fmt::format("+proj=longlat +ellps=WGS84 {} +no_defs", kToWgs84)
                  : fmt::format(
                        "+proj=tmerc +lat_0=0 +lon_0={} +k={} +x_0=500000 +y_0=0 +ellps=WGS84 {} +units=m "
                        "+no_defs",
                        system.meridian, system.scale, kToWgs84);
  return row;
}

std::optional<Position> vn2000_position(int epsg, double x, double y) {
  static Positions positions;
  const std::lock_guard lock(positions.mutex);
  const Transformer* const transformer = find_transformer(positions, epsg);
  if (transformer == nullptr || !transformer->transform(x, y).ok()) return std::nullopt;
  return Position{x, y};
}

}  // namespace lt::geo
