// Check points: docs/data-model.md. Tolerances are the printed precision: 1e-9 degrees (0.1 mm), 1e-4 m.
#include <cmath>
#include <limits>
#include <thread>

#include <fmt/format.h>

#include "geo/crs.hpp"
#include "geo_support.hpp"

namespace lt::geo {
namespace {

constexpr double kDegrees = 1e-9;
constexpr double kMetres = 1e-4;

Crs crs(int code) { return find_crs(std::to_string(code)).value(); }

Transformer between(int from, int to) {
  auto transformer = Transformer::create(crs(from), crs(to));
  INFO("EPSG:" << from << " to EPSG:" << to);
  REQUIRE(transformer.ok());
  return std::move(transformer).value();
}

struct Xy {
  double x, y;
};
Xy moved(const Transformer& transformer, Xy p) {
  const absl::Status status = transformer.transform(p.x, p.y);
  INFO(status.ToString());
  REQUIRE(status.ok());
  return p;
}

struct DatumPoint {
  const char* place;
  double lat, lon, wgs84_lat, wgs84_lon;
};
constexpr DatumPoint kDatumPoints[] = {
    {"Hà Nội", 21.0285, 105.8542, 21.027513982, 105.856082643},
    {"Đà Nẵng", 16.0471, 108.2068, 16.046076284, 108.208621218},
    {"TP.HCM", 10.7769, 106.7009, 10.775881490, 106.702686225},
    {"Cần Thơ", 10.0452, 105.7469, 10.044186334, 105.748684403},
    {"Cà Mau", 9.1768, 105.1524, 9.175788647, 105.154181020},
    {"just north of 11.04", 11.0405, 106.7009, 11.039481669, 106.702687826},
    {"just south of 11.04", 11.0395, 106.7009, 11.038481668, 106.702687820},
    {"Hải Phòng", 20.8449, 106.6881, 20.843903984, 106.689978094},
    {"Lào Cai", 22.4809, 103.9755, 22.479942835, 103.977405438},
    {"Nha Trang", 12.2388, 109.1967, 12.237766250, 109.198486914},
    {"Trường Sa Lớn", 8.6440, 111.9190, 8.642956284, 111.920752936},
    {"Hoàng Sa", 16.5340, 111.6080, 16.532947121, 111.609809988},
};

TEST_CASE("VN-2000 to WGS 84 goes by EPSG:6960 at every check point, also in the Mekong delta") {
  const Transformer transformer = between(4756, 4326);
  CHECK(transformer.operation() == "EPSG:6960");
  for (const DatumPoint& p : kDatumPoints) {
    INFO(p.place);
    const Xy got = moved(transformer, {p.lon, p.lat});
    CHECK(std::abs(got.x - p.wgs84_lon) <= kDegrees);
    CHECK(std::abs(got.y - p.wgs84_lat) <= kDegrees);
  }
}

TEST_CASE("VN-2000 to WGS 84 has no tear at 11.04 degrees north") {
  const Transformer transformer = between(4756, 4326);
  const double step = 1e-7;
  const Xy south = moved(transformer, {106.7009, 11.04 - step});
  const Xy north = moved(transformer, {106.7009, 11.04 + step});
  CHECK(std::abs(north.x - south.x) < kDegrees);
  CHECK(std::abs(north.y - south.y - 2 * step) < kDegrees);
}

TEST_CASE("WGS 84 to VN-2000 undoes EPSG:6960 to less than two millimetres") {
  const Transformer transformer = between(4326, 4756);
  CHECK(transformer.operation() == "EPSG:6960");
  // PROJ's inverse is not exact: about 1e-8 degrees of longitude.
  constexpr double kTwoMillimetres = 1.8e-8;
  for (const DatumPoint& p : kDatumPoints) {
    INFO(p.place);
    const Xy got = moved(transformer, {p.wgs84_lon, p.wgs84_lat});
    CHECK(std::abs(got.x - p.lon) <= kTwoMillimetres);
    CHECK(std::abs(got.y - p.lat) <= kTwoMillimetres);
  }
}

struct ProjectedPoint {
  const char* place;
  double lat, lon;
  int crs;
  double east, north;
};
constexpr ProjectedPoint kProjectedPoints[] = {
    {"Hà Nội", 21.0285, 105.8542, 5897, 588591.9440, 2326345.3117},
    {"Hà Nội", 21.0285, 105.8542, 3405, 588565.3638, 2325647.3383},
    {"Hà Nội", 21.0285, 105.8542, 9209, 536619.8872, 2326149.2446},
    {"Đà Nẵng", 16.0471, 108.2068, 5899, 548682.2674, 1774844.4884},
    {"Đà Nẵng", 16.0471, 108.2068, 3406, 200926.7882, 1776276.3113},
    {"TP.HCM", 10.7769, 106.7009, 9210, 603797.2607, 1191942.3050},
    {"TP.HCM", 10.7769, 106.7009, 3405, 685780.7747, 1191939.2002},
    {"Cần Thơ", 10.0452, 105.7469, 5897, 581676.4381, 1110947.9812},
    {"Hải Phòng", 20.8449, 106.6881, 9210, 597432.4421, 2306067.7730},
};

TEST_CASE("WGS 84 to VN-2000 grids meets every check point") {
  for (const ProjectedPoint& p : kProjectedPoints) {
    INFO(p.place << " in EPSG:" << p.crs);
    const Transformer transformer = between(4326, p.crs);
    CHECK(transformer.operation() == "EPSG:6960");
    const Xy got = moved(transformer, {p.lon, p.lat});
    CHECK(std::abs(got.x - p.east) <= kMetres);
    CHECK(std::abs(got.y - p.north) <= kMetres);
  }
}

struct GridPoint {
  int crs;
  double east, north;
  double lat, lon, wgs84_lat, wgs84_lon;
};
constexpr GridPoint kGridPoints[] = {
    {9210, 604000, 1192000, 10.778434388, 106.700969056, 10.777415879, 106.702755290},
    {5897, 588000, 2326000, 21.026395609, 105.846605283, 21.025409667, 105.848487918},
    {5899, 549000, 1775000, 16.049522789, 108.207951403, 16.048499067, 108.209772639},
    {9218, 500000, 1400000, 12.660389463, 108.5, 12.659360408, 108.501792618},
    {9207, 500000, 1015000, 9.179483497, 104.5, 9.178475427, 104.501782184},
};

TEST_CASE("VN-2000 grids to VN-2000 degrees and to WGS 84 meet every check point") {
  for (const GridPoint& p : kGridPoints) {
    INFO("EPSG:" << p.crs);
    const Transformer to_degrees = between(p.crs, 4756);
    CHECK(to_degrees.operation() == "VN-2000 projection");
    const Xy degrees = moved(to_degrees, {p.east, p.north});
    CHECK(std::abs(degrees.x - p.lon) <= kDegrees);
    CHECK(std::abs(degrees.y - p.lat) <= kDegrees);
    const Transformer to_wgs84 = between(p.crs, 4326);
    CHECK(to_wgs84.operation() == "EPSG:6960");
    const Xy wgs84 = moved(to_wgs84, {p.east, p.north});
    CHECK(std::abs(wgs84.x - p.wgs84_lon) <= kDegrees);
    CHECK(std::abs(wgs84.y - p.wgs84_lat) <= kDegrees);
  }
}

TEST_CASE("between VN-2000 zones there is no datum step and the way back is exact") {
  const Transformer there = between(5897, 9209);
  const Transformer back = between(9209, 5897);
  CHECK(there.operation() == "VN-2000 projection");
  const Xy start{588591.9440, 2326345.3117};
  const Xy middle = moved(there, start);
  CHECK(std::abs(middle.x - 536619.8872) <= 2 * kMetres);
  CHECK(std::abs(middle.y - 2326149.2446) <= 2 * kMetres);
  const Xy end = moved(back, middle);
  CHECK(std::abs(end.x - start.x) <= kMetres / 1000);
  CHECK(std::abs(end.y - start.y) <= kMetres / 1000);
}

TEST_CASE("every VN-2000 system reaches WGS 84 and comes back within a millimetre") {
  for (const int code : vn2000_codes()) {
    INFO("EPSG:" << code);
    const Transformer there = between(code, 4326);
    const Transformer back = between(4326, code);
    CHECK(there.operation() == "EPSG:6960");
    CHECK(back.operation() == "EPSG:6960");
    const bool degrees = code == 4756;
    const Xy start = degrees ? Xy{106.0, 16.0} : Xy{520'000, 1'700'000};
    const Xy end = moved(back, moved(there, start));
    const double tolerance = degrees ? 1e-8 : 1e-3;
    CHECK(std::abs(end.x - start.x) <= tolerance);
    CHECK(std::abs(end.y - start.y) <= tolerance);
  }
}

TEST_CASE("VN-2000 to a grid on WGS 84 goes by EPSG:6960 and its projection") {
  const Transformer direct = between(4756, 32648);
  CHECK(direct.operation() == "EPSG:6960");
  const Xy got = moved(direct, {105.8542, 21.0285});
  const Xy wanted = moved(between(4326, 32648), {105.856082643, 21.027513982});
  CHECK(std::abs(got.x - wanted.x) <= 2 * kMetres);
  CHECK(std::abs(got.y - wanted.y) <= 2 * kMetres);
}

TEST_CASE("VN-2000 to a third datum passes WGS 84 by EPSG:6960 and names both steps") {
  const Transformer there = between(4756, 4147);
  CHECK(there.operation().starts_with("EPSG:6960 + "));
  CHECK(there.operation().find("EPSG:1544") != std::string::npos);
  const Transformer back = between(4147, 9210);
  CHECK(back.operation().ends_with(" + EPSG:6960"));
}

TEST_CASE("other pairs use one named operation") {
  const Transformer grid = between(4326, 32648);
  CHECK(grid.operation() == "UTM zone 48N (EPSG:16048)");
  CHECK_FALSE(grid.is_identity());
  const Xy got = moved(grid, {105, 0});
  CHECK(std::abs(got.x - 500'000) <= kMetres);
  CHECK(std::abs(got.y) <= kMetres);
  CHECK(between(4147, 4326).operation().find("EPSG:1544") != std::string::npos);
}

TEST_CASE("the same CRS is the identity and changes no bit") {
  const Transformer same = between(9210, 9210);
  CHECK(same.is_identity());
  CHECK(same.operation() == "identity");
  double x = 0.1;
  double y = -0.0;
  REQUIRE(same.transform(x, y).ok());
  CHECK(x == 0.1);
  CHECK(std::signbit(y));
  const Geometry g = test::wkt("POINT ZM (1e300 2 3 4)");
  CHECK(same.transform(g)->wkb == g.wkb);
}

TEST_CASE("a CRS that does not exist and a pair without operation are refused") {
  Crs nowhere = crs(9210);
  nowhere.epsg = 99999;
  CHECK(test::refused(Transformer::create(nowhere, crs(4326)), "CRS_UNKNOWN"));
  // Belge 1950 (Brussels): EPSG knows no way from it to WGS 84, and a ballpark one would be silently wrong.
  CHECK(test::failed(Transformer::create(crs(4809), crs(4326)), absl::StatusCode::kFailedPrecondition, "NO_OPERATION"));
}

TEST_CASE("a point outside the operation fails and is left as it was") {
  const Transformer transformer = between(4326, 9210);
  for (const Xy p : {Xy{21.03, 105.85}, Xy{0, 91}, Xy{std::numeric_limits<double>::infinity(), 0},
                     Xy{std::numeric_limits<double>::quiet_NaN(), 0}}) {
    Xy got = p;
    const absl::Status status = transformer.transform(got.x, got.y);
    INFO(status.ToString());
    CHECK(status.code() == absl::StatusCode::kOutOfRange);
    CHECK(error_reason(status) == "TRANSFORM_FAILED");
    CHECK(std::bit_cast<std::uint64_t>(got.x) == std::bit_cast<std::uint64_t>(p.x));
    CHECK(got.y == p.y);
  }
}

TEST_CASE("a transformer works again after a failure") {
  const Transformer transformer = between(4326, 9210);
  double x = 0;
  double y = 91;
  REQUIRE_FALSE(transformer.transform(x, y).ok());
  const Xy got = moved(transformer, {106.7009, 10.7769});
  CHECK(std::abs(got.x - 603797.2607) <= kMetres);
}

TEST_CASE("a geometry keeps type, dimension, Z, M and empty parts") {
  const Transformer transformer = between(4756, 4326);
  const Geometry g = test::wkt(
      "GEOMETRYCOLLECTION ZM (POINT ZM (105.8542 21.0285 12.5 7), POINT ZM EMPTY, "
      "POLYGON ZM ((106 10 1 2, 107 10 1 2, 107 11 1 2, 106 10 1 2), EMPTY))");
  const auto result = transformer.transform(g);
  REQUIRE(result.ok());
  CHECK(result->dimension == Dimension::kXYZM);
  CHECK(result->vertices == g.vertices);
  CHECK(result->box.x1 > g.box.x1);
  CHECK(read_canonical_wkb(result->wkb).ok());
  const std::string text = to_wkt(*result);
  CHECK(text.find(" 12.5 7)") != std::string::npos);
  CHECK(text.find("POINT ZM EMPTY") != std::string::npos);
  CHECK(text.find(", EMPTY)") != std::string::npos);
}

TEST_CASE("the vertices of a line come out as each of them alone, bit for bit") {
  for (const auto& [from, to] : {std::pair{9210, 4326}, std::pair{4326, 9210}, std::pair{3405, 5897},
                                 std::pair{4756, 32648}, std::pair{4326, 3857}}) {
    INFO(from << " to " << to);
    const Transformer transformer = Transformer::create(crs(from), crs(to)).value();
    const bool degrees = crs(from).geographic;
    std::string line = "LINESTRING ZM (";
    std::string expected = "LINESTRING ZM (";
    for (int n = 0; n < 50; ++n) {
      double x = degrees ? 103 + n * 0.123456789 : 500'000 + n * 1234.56789;
      double y = degrees ? 9 + n * 0.23456789 : 1'000'000 + n * 23456.789;
      const auto vertex = [&] { return fmt::format("{}{} {} {} {}", n > 0 ? "," : "", x, y, n * 1.5, -n); };
      line += vertex();
      REQUIRE(transformer.transform(x, y).ok());
      expected += vertex();
    }
    const auto moved = transformer.transform(test::wkt(line + ")"));
    REQUIRE(moved.ok());
    CHECK(*moved == test::wkt(expected + ")"));
  }
}

TEST_CASE("a geometry with one point outside fails as a whole") {
  const auto result = between(4326, 9210).transform(test::wkt("LINESTRING (106 10, 106 95)"));
  CHECK(test::failed(result, absl::StatusCode::kOutOfRange, "TRANSFORM_FAILED"));
  CHECK(test::says(result, "95"));
}

TEST_CASE("a transformer outlives the thread that made it") {
  std::optional<Transformer> transformer;
  std::jthread([&] {
    auto made = Transformer::create(crs(4756), crs(4326));
    if (made.ok()) transformer = std::move(made).value();
  }).join();
  REQUIRE(transformer);
  const Xy got = moved(*transformer, {105.8542, 21.0285});
  CHECK(std::abs(got.y - 21.027513982) <= kDegrees);
}

}  // namespace
}  // namespace lt::geo
