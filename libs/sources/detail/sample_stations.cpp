// Monitoring stations: points in groups of twenty around a place.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sources/detail/sample_maker.hpp"
#include "sources/detail/sample_words.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;

constexpr std::int64_t kPerGroup = 20;
constexpr std::int64_t kSpreadMm = 30'000'000;  // groups lie within 30 km of the origin
constexpr std::int64_t kGroupMm = 1'500'000;

enum FieldNumber : std::int32_t {
  kCode = 1,
  kName,
  kMedium,
  kMode,
  kParameters,
  kOwner,
  kStarted,
  kStatus,
  kElevation,
  kDevice,
  kUpdated,
};
enum Stream : std::uint64_t { kGroupStream = 31, kPlaceStream, kValueStream, kEditStream };

constexpr std::array<std::string_view, 3> kStates{"active", "maintenance", "stopped"};

/// A medium, its code in station codes, its name and what is measured in it.
struct Medium {
  std::string_view name, code, title;
  std::array<std::string_view, 6> parameters;
};
constexpr std::array<Medium, 6> kMedia{{
    {"air", "KK", "không khí", {"PM2.5", "PM10", "SO2", "NO2", "CO", "O3"}},
    {"surface_water", "NM", "nước mặt", {"pH", "DO", "COD", "BOD5", "TSS", "NH4+"}},
    {"groundwater", "ND", "nước dưới đất", {"pH", "As", "Fe", "Mn", "NO3-", "Cl-"}},
    {"sea", "NB", "nước biển", {"pH", "DO", "salinity", "TSS", "NH4+", "oil"}},
    {"waste_water", "NT", "nước thải", {"pH", "COD", "TSS", "flow", "NH4+", "colour"}},
    {"noise", "TO", "tiếng ồn", {"LAeq", "LAmax", "L10", "L50", "L90", "Lden"}},
}};

class StationMaker final : public SampleMaker {
 public:
  using SampleMaker::SampleMaker;
  std::string_view id_prefix() const override { return "ST"; }
  feature::Schema schema() const override;
  Draft make(std::int64_t index) const override;
  void change(Draft& draft, std::int64_t index, int version) const override;
};

feature::StringList some_parameters(const Medium& medium, Random& r) {
  feature::StringList list;
  for (const auto parameter : medium.parameters) {
    if (list.empty() || r.chance(60)) list.emplace_back(parameter);
  }
  return list;
}

feature::Schema StationMaker::schema() const {
  feature::Schema s;
  s.geometry.types = {geo::GeometryType::kPoint};
  s.fields = {field(kCode, "station_code", FieldType::kString, "Mã trạm", "Station code"),
              field(kName, "name", FieldType::kString, "Tên trạm", "Name"),
              field(kMedium, "medium", FieldType::kString, "Thành phần môi trường", "Medium"),
              field(kMode, "mode", FieldType::kString, "Hình thức quan trắc", "Mode"),
              field(kParameters, "parameters", FieldType::kStringList, "Thông số quan trắc", "Parameters"),
              field(kOwner, "owner", FieldType::kString, "Đơn vị quản lý", "Owner"),
              field(kStarted, "start_date", FieldType::kDate, "Ngày vận hành", "Start of operation"),
              field(kStatus, "status", FieldType::kString, "Tình trạng", "Status"),
              field(kElevation, "elevation_m", FieldType::kDouble, "Cao độ", "Elevation"),
              field(kDevice, "device", FieldType::kJson, "Thiết bị", "Device"),
              field(kUpdated, "updated_at", FieldType::kTimestamp, "Ngày cập nhật", "Updated")};
  const auto at = [&](FieldNumber n) -> feature::Field& { return s.fields[static_cast<std::size_t>(n) - 1]; };
  at(kCode).required = at(kName).required = at(kMedium).required = true;
  for (const auto& medium : kMedia) at(kMedium).allowed.emplace_back(medium.name);
  at(kMode).allowed = {"automatic", "periodic"};
  at(kStatus).allowed = {kStates.begin(), kStates.end()};
  at(kElevation).minimum = -50;
  at(kElevation).maximum = 3500;
  at(kElevation).unit = "m";
  return s;
}

Draft StationMaker::make(std::int64_t index) const {
  Random group = Random::of(seed(), kGroupStream, index / kPerGroup);
  Random place = Random::of(seed(), kPlaceStream, index);
  Draft draft;
  draft.vertices = {{group.between(-kSpreadMm, kSpreadMm) + place.between(-kGroupMm, kGroupMm),
                     group.between(-kSpreadMm, kSpreadMm) + place.between(-kGroupMm, kGroupMm)}};
  const auto town = group.pick(words::kPlaces);
  Random r = Random::of(seed(), kValueStream, index);
  const Medium& medium = r.pick(kMedia);
  auto& p = draft.state.properties;
  p[kCode] = fmt::format("{}-{:06}", medium.code, index + 1);
  p[kName] = fmt::format("Trạm quan trắc {} {} {}", medium.title, town, index % kPerGroup + 1);
  p[kMedium] = std::string(medium.name);
  p[kMode] = std::string(r.chance(40) ? "automatic" : "periodic");
  p[kParameters] = some_parameters(medium, r);
  p[kOwner] = std::string(r.pick(words::kOwners));
  p[kStarted] = feature::Date{static_cast<std::int32_t>(r.between(10'957, 20'269))};  // 2000-01-01 to 2025-06-30
  p[kStatus] = std::string(r.chance(90) ? kStates[0] : r.pick(kStates));
  if (r.chance(85)) p[kElevation] = static_cast<double>(r.between(-20, 12'000)) / 10.0;
  const auto channels = r.between(1, 8);
  p[kDevice] = feature::Json{fmt::format(R"({{"channels":{},"serial":"TB{:07}"}})", channels, r.below(10'000'000))};
  p[kUpdated] = sample_time(r, 0);
  return draft;
}

void StationMaker::change(Draft& draft, std::int64_t index, int version) const {
  constexpr std::int64_t kMoveMm = 30'000;
  Random r = Random::of(seed(), kEditStream, index, version);
  auto& p = draft.state.properties;
  p[kUpdated] = sample_time(r, version);
  switch (r.below(4)) {
    case 0: p[kStatus] = std::string(r.pick(kStates)); break;
    case 1: {
      const auto& name = std::get<std::string>(p[kMedium]);
      const auto* medium = std::find_if(kMedia.begin(), kMedia.end(), [&](const Medium& m) { return m.name == name; });
      p[kParameters] = some_parameters(*medium, r);
      break;
    }
    case 2: p[kOwner] = std::string(r.pick(words::kOwners)); break;
    default: draft.vertices[0].x += r.between(1, kMoveMm); draft.vertices[0].y += r.between(-kMoveMm, kMoveMm);
  }
}

}  // namespace

std::unique_ptr<SampleMaker> make_station_maker(std::uint64_t seed) { return std::make_unique<StationMaker>(seed); }

}  // namespace lt::sources::detail
