#include "sources/detail/sample_maker.hpp"

#include <bit>
#include <cmath>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "feature/provinces.hpp"
#include "geo/crs.hpp"

namespace lt::sources::detail {
namespace {

constexpr double kMmPerMetre = 1000.0;
constexpr double kUnitsPerDegree = 1e8;
// 1 mm is 0.8983 of 1e-8 degrees of latitude.
constexpr std::int64_t kUnitsNumerator = 8983;
constexpr std::int64_t kUnitsDenominator = 10'000;
constexpr std::int64_t kPerMille = 1000;
// An origin is rounded to 100 m, so that last bits of the C library's functions do not reach the sample.
constexpr double kOriginStep = 100.0;
constexpr double kPi = 3.14159265358979323846;
constexpr double kDegreesPerHalfTurn = 180.0;

/// cos() by its series: + − * / only, the same on every machine. Good to 1e-4 up to 25 degrees.
double cosine_of_degrees(double degrees) {
  const double a = degrees * kPi / kDegreesPerHalfTurn;
  const double square = a * a;
  return 1.0 - square / 2.0 + square * square / 24.0;
}

}  // namespace

absl::StatusOr<SampleGrid> SampleGrid::create(const SampleOptions& options, const std::string& crs) {
  const feature::Province* province = feature::find_province(options.province_code);
  if (province == nullptr) {
    return make_error(
        absl::StatusCode::kInvalidArgument, "PROVINCE_UNKNOWN",
        fmt::format("there is no province '{}' in ADM-2025: see deploy/data/provinces.csv", options.province_code));
  }
  LT_ASSIGN_OR_RETURN(const geo::Crs to, geo::find_crs(crs));
  SampleGrid grid;
  grid.degrees_ = to.geographic;
  if (to.geographic) {
    grid.origin_x_ = std::llround(province->inside_lon * kUnitsPerDegree);
    grid.origin_y_ = std::llround(province->inside_lat * kUnitsPerDegree);
    grid.per_mille_ = std::llround(static_cast<double>(kPerMille) / cosine_of_degrees(province->inside_lat));
    return grid;
  }
  LT_ASSIGN_OR_RETURN(const geo::Crs from, geo::find_crs("EPSG:4326"));
  LT_ASSIGN_OR_RETURN(const auto transformer, geo::Transformer::create(from, to));
  double x = province->inside_lon;
  double y = province->inside_lat;
  LT_RETURN_IF_ERROR(transformer.transform(x, y));
  const auto step_mm = static_cast<std::int64_t>(kOriginStep * kMmPerMetre);
  grid.origin_x_ = std::llround(x / kOriginStep) * step_mm;
  grid.origin_y_ = std::llround(y / kOriginStep) * step_mm;
  return grid;
}

double SampleGrid::x(const Vertex& v) const {
  if (!degrees_) return static_cast<double>(origin_x_ + v.x) / kMmPerMetre;
  const std::int64_t units = v.x * kUnitsNumerator / kUnitsDenominator * per_mille_ / kPerMille;
  return static_cast<double>(origin_x_ + units) / kUnitsPerDegree;
}

double SampleGrid::y(const Vertex& v) const {
  if (!degrees_) return static_cast<double>(origin_y_ + v.y) / kMmPerMetre;
  return static_cast<double>(origin_y_ + v.y * kUnitsNumerator / kUnitsDenominator) / kUnitsPerDegree;
}

absl::StatusOr<geo::Geometry> make_geometry(const SampleGrid& grid, geo::GeometryType type,
                                            const std::vector<Vertex>& vertices) {
  std::string wkb(1, '\x01');
  append_u32(wkb, static_cast<std::uint32_t>(type));
  if (type == geo::GeometryType::kPolygon) append_u32(wkb, 1);
  if (type != geo::GeometryType::kPoint) append_u32(wkb, static_cast<std::uint32_t>(vertices.size()));
  for (const auto& v : vertices) {
    append_u64(wkb, std::bit_cast<std::uint64_t>(grid.x(v)));
    append_u64(wkb, std::bit_cast<std::uint64_t>(grid.y(v)));
  }
  return geo::parse_wkb(wkb);
}

feature::Timestamp sample_time(Random& random, int version) {
  constexpr std::int32_t kFirstDay = 20'270;    // 2025-07-01
  constexpr std::int32_t kFirstEdits = 20'362;  // 2025-10-01
  constexpr std::int64_t kDays = 90;
  constexpr std::int64_t kSecondsPerDay = 86'400;
  constexpr std::int64_t kUsPerSecond = 1'000'000;
  constexpr std::int16_t kHanoi = 420;
  const std::int64_t day = version == 0 ? kFirstDay + random.below(kDays) : std::int64_t{kFirstEdits} + version;
  return {(day * kSecondsPerDay + random.below(kSecondsPerDay)) * kUsPerSecond, kHanoi};
}

feature::Field field(std::int32_t number, std::string name, feature::FieldType type, std::string title_vi,
                     std::string title_en) {
  feature::Field result;
  result.number = number;
  result.name = std::move(name);
  result.type = type;
  result.title_vi = std::move(title_vi);
  result.title_en = std::move(title_en);
  return result;
}

absl::StatusOr<std::unique_ptr<SampleMaker>> make_maker(std::string_view kind, std::uint64_t seed) {
  if (kind == "roads") return make_road_maker(seed);
  if (kind == "parcels") return make_parcel_maker(seed);
  if (kind == "stations") return make_station_maker(seed);
  return make_error(absl::StatusCode::kInvalidArgument, "SAMPLE_KIND_UNKNOWN",
                    fmt::format("there is no sample '{}', only roads, parcels and stations", kind));
}

}  // namespace lt::sources::detail
