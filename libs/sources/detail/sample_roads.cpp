// Roads: routes of twenty segments each; a segment starts exactly where the one before ends.
#include <array>
#include <utility>

#include <fmt/format.h>

#include "sources/detail/sample_maker.hpp"
#include "sources/detail/sample_words.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;

constexpr std::int64_t kSegmentsPerRoute = 20;
constexpr std::int64_t kStepsPerSegment = 12;
constexpr std::int64_t kStepMm = 50'000;
constexpr std::int64_t kSpreadMm = 20'000'000;  // routes start within 20 km of the origin
constexpr std::int64_t kStepsPerBend = 8;
constexpr std::int64_t kBendMm = 150'000;
constexpr std::int64_t kJitterMm = 2'000;
constexpr std::int64_t kPerMille = 1000;

// Sixteen directions, cosine and sine in thousandths.
constexpr std::array<std::pair<std::int64_t, std::int64_t>, 16> kDirections{{{1000, 0},
                                                                             {924, 383},
                                                                             {707, 707},
                                                                             {383, 924},
                                                                             {0, 1000},
                                                                             {-383, 924},
                                                                             {-707, 707},
                                                                             {-924, 383},
                                                                             {-1000, 0},
                                                                             {-924, -383},
                                                                             {-707, -707},
                                                                             {-383, -924},
                                                                             {0, -1000},
                                                                             {383, -924},
                                                                             {707, -707},
                                                                             {924, -383}}};

enum FieldNumber : std::int32_t {
  kCode = 1,
  kName,
  kManagement,
  kTechnical,
  kSurface,
  kLanes,
  kWidth,
  kKmFrom,
  kOneWay,
  kStatus,
  kBuilt,
  kUpdated,
};
// What each random stream is for.
enum Stream : std::uint64_t { kRouteStream = 11, kPlaceStream, kBendStream, kJitterStream, kValueStream, kEditStream };

constexpr std::array<std::string_view, 4> kSurfaces{"asphalt", "cement", "gravel", "earth"};
constexpr std::array<std::string_view, 6> kTechnicalClasses{"I", "II", "III", "IV", "V", "VI"};
constexpr std::array<std::string_view, 3> kStates{"in_use", "under_construction", "closed"};

struct Route {
  std::string management, code, name;
  int lanes = 2;
};

class RoadMaker final : public SampleMaker {
 public:
  using SampleMaker::SampleMaker;
  std::string_view id_prefix() const override { return "RD"; }
  feature::Schema schema() const override;
  Draft make(std::int64_t index) const override;
  void change(Draft& draft, std::int64_t index, int version) const override;

 private:
  [[nodiscard]] Route route(std::int64_t number) const;
  [[nodiscard]] Vertex vertex(std::int64_t route, std::int64_t step) const;
};

feature::Schema RoadMaker::schema() const {
  feature::Schema s;
  s.geometry.types = {geo::GeometryType::kLineString};
  s.fields = {field(kCode, "road_code", FieldType::kString, "Mã đường", "Road code"),
              field(kName, "name", FieldType::kString, "Tên đường", "Name"),
              field(kManagement, "mgmt_class", FieldType::kString, "Cấp quản lý", "Management class"),
              field(kTechnical, "tech_class", FieldType::kString, "Cấp kỹ thuật", "Technical class"),
              field(kSurface, "surface", FieldType::kString, "Loại mặt đường", "Surface"),
              field(kLanes, "lanes", FieldType::kInt64, "Số làn xe", "Lanes"),
              field(kWidth, "width_m", FieldType::kDouble, "Bề rộng mặt đường", "Width"),
              field(kKmFrom, "km_from", FieldType::kDecimal, "Lý trình đầu", "Kilometre post at the start"),
              field(kOneWay, "one_way", FieldType::kBool, "Đường một chiều", "One way"),
              field(kStatus, "status", FieldType::kString, "Tình trạng", "Status"),
              field(kBuilt, "built_year", FieldType::kInt64, "Năm xây dựng", "Year built"),
              field(kUpdated, "updated_at", FieldType::kTimestamp, "Ngày cập nhật", "Updated")};
  const auto at = [&](FieldNumber n) -> feature::Field& { return s.fields[static_cast<std::size_t>(n) - 1]; };
  at(kCode).required = true;
  at(kName).max_length = 200;
  at(kManagement).required = true;
  at(kManagement).allowed = {"QL", "ĐT", "ĐX", "ĐĐT"};
  at(kTechnical).allowed = {kTechnicalClasses.begin(), kTechnicalClasses.end()};
  at(kSurface).allowed = {kSurfaces.begin(), kSurfaces.end()};
  at(kStatus).allowed = {kStates.begin(), kStates.end()};
  at(kLanes).minimum = 1;
  at(kLanes).maximum = 12;
  at(kWidth).minimum = 0;
  at(kWidth).maximum = 100;
  at(kWidth).unit = "m";
  at(kKmFrom).minimum = 0;
  at(kKmFrom).unit = "km";
  at(kBuilt).minimum = 1900;
  at(kBuilt).maximum = 2100;
  return s;
}

Route RoadMaker::route(std::int64_t number) const {
  constexpr int kNational = 5, kProvincial = 25, kCommunal = 60;  // per cent, added up
  Random r = Random::of(seed(), kRouteStream, number);
  const auto share = r.below(100);
  if (share < kNational) {
    const auto road = r.pick(words::kNationalRoads);
    return {"QL", fmt::format("QL{}", road), fmt::format("Quốc lộ {}", road), 4};
  }
  if (share < kProvincial) {
    const auto road = r.between(601, 699);
    return {"ĐT", fmt::format("ĐT.{}", road), fmt::format("Đường tỉnh {}", road), 2};
  }
  if (share < kCommunal) {
    return {"ĐX", fmt::format("ĐX.{:02}", r.between(1, 60)), fmt::format("Đường xã {}", r.pick(words::kPlaces)), 1};
  }
  return {"ĐĐT", fmt::format("ĐĐT.{:03}", r.between(1, 400)), fmt::format("Đường {}", r.pick(words::kStreets)), 2};
}

Vertex RoadMaker::vertex(std::int64_t route, std::int64_t step) const {
  Random place = Random::of(seed(), kPlaceStream, route);
  const Vertex start{place.between(-kSpreadMm, kSpreadMm), place.between(-kSpreadMm, kSpreadMm)};
  const auto [along_x, along_y] = place.pick(kDirections);
  // A wavy line: offsets at every eighth step, straight between them.
  const std::int64_t bend = step / kStepsPerBend;
  const std::int64_t part = step % kStepsPerBend;
  const std::int64_t before = Random::of(seed(), kBendStream, route, bend).between(-kBendMm, kBendMm);
  const std::int64_t after = Random::of(seed(), kBendStream, route, bend + 1).between(-kBendMm, kBendMm);
  const std::int64_t aside = before + (after - before) * part / kStepsPerBend;
  Random jitter = Random::of(seed(), kJitterStream, route, step);
  const std::int64_t along = step * kStepMm;
  return {start.x + (along * along_x - aside * along_y) / kPerMille + jitter.between(-kJitterMm, kJitterMm),
          start.y + (along * along_y + aside * along_x) / kPerMille + jitter.between(-kJitterMm, kJitterMm)};
}

Draft RoadMaker::make(std::int64_t index) const {
  const std::int64_t number = index / kSegmentsPerRoute;
  const std::int64_t segment = index % kSegmentsPerRoute;
  const Route road = route(number);
  Draft draft;
  for (std::int64_t i = 0; i <= kStepsPerSegment; ++i) {
    draft.vertices.push_back(vertex(number, segment * kStepsPerSegment + i));
  }
  Random r = Random::of(seed(), kValueStream, index);
  auto& p = draft.state.properties;
  p[kCode] = road.code;
  p[kName] = road.name;
  p[kManagement] = road.management;
  p[kTechnical] = std::string(r.pick(kTechnicalClasses));
  p[kSurface] = std::string(road.lanes > 1 ? kSurfaces[0] : r.pick(kSurfaces));
  p[kLanes] = std::int64_t{road.lanes};
  p[kWidth] = static_cast<double>(road.lanes * 35 + r.below(20)) / 10.0;
  p[kKmFrom] = feature::Decimal{fmt::format("{}.{}", segment * kStepsPerSegment * kStepMm / 1'000'000,
                                            segment * kStepsPerSegment * kStepMm / 100'000 % 10)};
  p[kOneWay] = road.management == "ĐĐT" && r.chance(15);
  p[kStatus] = std::string(r.chance(95) ? kStates[0] : r.pick(kStates));
  if (r.chance(70)) p[kBuilt] = r.between(1975, 2025);
  p[kUpdated] = sample_time(r, 0);
  return draft;
}

void RoadMaker::change(Draft& draft, std::int64_t index, int version) const {
  constexpr std::int64_t kMoveMm = 5'000;
  Random r = Random::of(seed(), kEditStream, index, version);
  auto& p = draft.state.properties;
  p[kUpdated] = sample_time(r, version);
  switch (r.below(4)) {
    case 0: p[kSurface] = std::string(r.pick(kSurfaces)); break;
    case 1: p[kStatus] = std::string(r.pick(kStates)); break;
    case 2:
      p[kLanes] = r.between(1, 6);
      p[kWidth] = static_cast<double>(r.between(35, 250)) / 10.0;
      break;
    default: {
      // Not the ends, where other segments meet.
      auto& v = draft.vertices[static_cast<std::size_t>(r.between(1, kStepsPerSegment - 1))];
      v.x += r.between(1, kMoveMm);
      v.y += r.between(-kMoveMm, kMoveMm);
    }
  }
}

}  // namespace

std::unique_ptr<SampleMaker> make_road_maker(std::uint64_t seed) { return std::make_unique<RoadMaker>(seed); }

}  // namespace lt::sources::detail
