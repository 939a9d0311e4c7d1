// Land parcels: a bent chequerboard whose corners depend on their place only, so that neighbours share them.
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "sources/detail/sample_maker.hpp"
#include "sources/detail/sample_words.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;

constexpr std::int64_t kSide = 10;  // a map sheet has 10 x 10 parcels
constexpr std::int64_t kPerSheet = kSide * kSide;
constexpr std::int64_t kCellX = 25'000, kCellY = 20'000;    // millimetres
constexpr std::int64_t kJitterX = 4'000, kJitterY = 3'000;  // small enough that every parcel stays simple

enum FieldNumber : std::int32_t {
  kSheet = 1,
  kParcel,
  kLandType,
  kArea,
  kAddress,
  kLandUser,
  kCertificate,
  kRegistered,
  kUpdated,
};
enum Stream : std::uint64_t { kCornerStream = 21, kValueStream, kEditStream };

constexpr std::array<std::string_view, 11> kLandTypes{"ONT", "ODT", "LUC", "LUK", "BHK", "CLN",
                                                      "NTS", "RSX", "DGT", "TMD", "SKC"};

struct Cell {
  std::int64_t x = 0, y = 0;
};

/// Sheet `n` of a square spiral around (0, 0).
Cell spiral(std::int64_t n) {
  if (n == 0) return {0, 0};
  auto ring = static_cast<std::int64_t>((std::sqrt(static_cast<double>(n)) + 1) / 2);
  while ((2 * ring - 1) * (2 * ring - 1) > n) --ring;
  while ((2 * ring + 1) * (2 * ring + 1) <= n) ++ring;
  const std::int64_t at = n - (2 * ring - 1) * (2 * ring - 1);
  const std::int64_t step = at % (2 * ring);
  switch (at / (2 * ring)) {
    case 0: return {ring, -ring + 1 + step};
    case 1: return {ring - 1 - step, ring};
    case 2: return {-ring, ring - 1 - step};
    default: return {-ring + 1 + step, -ring};
  }
}

std::string person(Random& r) {
  const auto family = r.pick(words::kFamilyNames);
  const auto middle = r.pick(words::kMiddleNames);
  return fmt::format("{} {} {}", family, middle, r.pick(words::kGivenNames));
}

/// Of a closed or open ring of whole millimetres.
double area_m2(const std::vector<Vertex>& ring) {
  constexpr double kSquareMmPerDm2 = 10'000.0;
  std::int64_t twice = 0;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Vertex& a = ring[i];
    const Vertex& b = ring[(i + 1) % ring.size()];
    // Around the first corner, so that the products stay small.
    twice += (a.x - ring[0].x) * (b.y - ring[0].y) - (b.x - ring[0].x) * (a.y - ring[0].y);
  }
  return std::floor(static_cast<double>(twice / 2) / (kSquareMmPerDm2 * 10.0)) / 10.0;
}

class ParcelMaker final : public SampleMaker {
 public:
  using SampleMaker::SampleMaker;
  std::string_view id_prefix() const override { return "LP"; }
  feature::Schema schema() const override;
  Draft make(std::int64_t index) const override;
  void change(Draft& draft, std::int64_t index, int version) const override;

 private:
  [[nodiscard]] Vertex corner(std::int64_t column, std::int64_t row) const {
    Random r = Random::of(seed(), kCornerStream, column, row);
    return {column * kCellX + r.between(-kJitterX, kJitterX), row * kCellY + r.between(-kJitterY, kJitterY)};
  }
};

feature::Schema ParcelMaker::schema() const {
  feature::Schema s;
  s.geometry.types = {geo::GeometryType::kPolygon};
  s.fields = {field(kSheet, "sheet_no", FieldType::kInt64, "Số tờ bản đồ", "Map sheet"),
              field(kParcel, "parcel_no", FieldType::kInt64, "Số thửa", "Parcel number"),
              field(kLandType, "land_type", FieldType::kString, "Loại đất", "Land type"),
              field(kArea, "area_m2", FieldType::kDouble, "Diện tích", "Area"),
              field(kAddress, "address", FieldType::kString, "Địa chỉ thửa đất", "Address"),
              field(kLandUser, "land_user", FieldType::kString, "Người sử dụng đất", "Land user"),
              field(kCertificate, "certificate_no", FieldType::kString, "Số giấy chứng nhận", "Certificate number"),
              field(kRegistered, "registered_on", FieldType::kDate, "Ngày đăng ký", "Registered"),
              field(kUpdated, "updated_at", FieldType::kTimestamp, "Ngày cập nhật", "Updated")};
  const auto at = [&](FieldNumber n) -> feature::Field& { return s.fields[static_cast<std::size_t>(n) - 1]; };
  at(kSheet).required = at(kParcel).required = at(kLandType).required = true;
  at(kSheet).minimum = at(kParcel).minimum = 1;
  at(kLandType).allowed = {kLandTypes.begin(), kLandTypes.end()};
  at(kArea).minimum = 0;
  at(kArea).unit = "m²";
  at(kAddress).max_length = 300;
  return s;
}

Draft ParcelMaker::make(std::int64_t index) const {
  const std::int64_t sheet = index / kPerSheet;
  const std::int64_t parcel = index % kPerSheet;
  const Cell at = spiral(sheet);
  const std::int64_t column = at.x * kSide + parcel % kSide;
  const std::int64_t row = at.y * kSide + parcel / kSide;
  Draft draft;
  draft.vertices = {corner(column, row), corner(column + 1, row), corner(column + 1, row + 1), corner(column, row + 1)};
  Random r = Random::of(seed(), kValueStream, index);
  auto& p = draft.state.properties;
  p[kSheet] = sheet + 1;
  p[kParcel] = parcel + 1;
  p[kLandType] = std::string(r.pick(kLandTypes));
  p[kArea] = area_m2(draft.vertices);
  const auto house = r.between(1, 250);
  const auto street = r.pick(words::kStreets);
  p[kAddress] = fmt::format("Số {} đường {}, {}", house, street, r.pick(words::kPlaces));
  p[kLandUser] = person(r);
  if (r.chance(80)) p[kCertificate] = fmt::format("CS {:08}", r.below(100'000'000));
  p[kRegistered] = feature::Date{static_cast<std::int32_t>(r.between(12'784, 20'269))};  // 2005-01-01 to 2025-06-30
  p[kUpdated] = sample_time(r, 0);
  draft.vertices.push_back(draft.vertices.front());
  return draft;
}

void ParcelMaker::change(Draft& draft, std::int64_t index, int version) const {
  // Never the corners: neighbours share them.
  Random r = Random::of(seed(), kEditStream, index, version);
  auto& p = draft.state.properties;
  p[kUpdated] = sample_time(r, version);
  switch (r.below(3)) {
    case 0: p[kLandType] = std::string(r.pick(kLandTypes)); break;
    case 1: p[kLandUser] = person(r); break;
    default: p[kCertificate] = fmt::format("CS {:08}", r.below(100'000'000));
  }
}

}  // namespace

std::unique_ptr<SampleMaker> make_parcel_maker(std::uint64_t seed) { return std::make_unique<ParcelMaker>(seed); }

}  // namespace lt::sources::detail
