// The shipped facts about provinces, and names as people type them.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>

#include "base/time.hpp"
#include "feature/fold.hpp"
#include "feature/provinces.hpp"
#include "geo/crs.hpp"

namespace lt::feature {
namespace {

template <typename T>
T must(absl::StatusOr<T> value) {
  INFO(value.status());
  REQUIRE(value.ok());
  return *std::move(value);
}

TEST_CASE("the table of provinces has all 34, the succession all 63, and the zones are EPSG's") {
  CHECK(provinces().size() == 34);
  CHECK(successions().size() == 63);
  for (const auto& province : provinces()) {
    CAPTURE(province.name);
    const auto crs = must(geo::find_crs("EPSG:" + std::to_string(province.epsg)));
    CHECK(crs.vn2000);
    CHECK(province.extent.x1 < province.inside_lon);
    CHECK(province.inside_lon < province.extent.x2);
    CHECK(province.extent.y1 < province.inside_lat);
    CHECK(province.inside_lat < province.extent.y2);
    // A TM-3 zone serves within two degrees of its meridian.
    CHECK(std::abs(province.inside_lon - std::stod(province.central_meridian)) < 2.0);
    // Its projection has that meridian at 500 km east.
    const auto t = must(geo::Transformer::create(must(geo::find_crs("EPSG:4756")), crs));
    double x = std::stod(province.central_meridian), y = province.inside_lat;
    REQUIRE(t.transform(x, y).ok());
    CHECK(x == Approx(500'000).margin(0.001));
  }
  std::set<std::string> reached;
  for (const auto& s : successions()) {
    CAPTURE(s.old_name);
    CHECK(find_province(s.new_code) != nullptr);
    CHECK(must(geo::find_crs("EPSG:" + std::to_string(s.old_epsg))).vn2000);
    reached.insert(s.new_code);
  }
  CHECK(reached.size() == 34);
  CHECK(find_province("02") == nullptr);
}

TEST_CASE("the list of 34 provinces begins the day after the list of 63 ends") {
  CHECK(format_date(kProvincesFrom) == "2025-07-01");
  CHECK(format_date(kFormerProvincesUntil) == "2025-06-30");
}

// provinces_63_34.csv at LIENTHONG_DATA was made apart from the tables shipped. Without it there is nothing to compare.
TEST_CASE("the shipped provinces are those of a table made by others") {
  const char* const folder = std::getenv("LIENTHONG_DATA");
  if (folder == nullptr) return;
  std::ifstream file(std::string(folder) + "/provinces_63_34.csv");
  REQUIRE(file);
  std::map<std::string, std::string> new_names;
  std::size_t row = 0;
  std::string line;
  const auto next_line = [&] {
    if (!std::getline(file, line)) return false;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return true;
  };
  REQUIRE(next_line());
  REQUIRE(line ==
          "old_code,old_name,old_tm3_epsg,old_central_meridian,new_code,new_name,new_tm3_epsg_tt24,"
          "new_central_meridian");
  for (; next_line(); ++row) {
    CAPTURE(line);
    std::vector<std::string> cells;
    std::stringstream cut(line);
    for (std::string cell; std::getline(cut, cell, ',');) cells.push_back(cell);
    REQUIRE(cells.size() == 8);
    REQUIRE(row < successions().size());
    const Succession& old = successions()[row];
    CHECK(old.old_code == cells[0]);
    CHECK(old.old_name == cells[1]);
    CHECK(std::to_string(old.old_epsg) == cells[2]);
    CHECK(old.old_central_meridian == cells[3]);
    CHECK(old.new_code == cells[4]);
    const Province* const now = find_province(cells[4]);
    REQUIRE(now != nullptr);
    CHECK(now->name == cells[5]);
    CHECK(std::to_string(now->epsg) == cells[6]);
    CHECK(now->central_meridian == cells[7]);
    new_names[cells[4]] = cells[5];
  }
  CHECK(row == 63);
  CHECK(new_names.size() == 34);
}

TEST_CASE("names are found whatever their case, accents and spaces") {
  CHECK(fold_name("Kiên Giang") == "kien giang");
  CHECK(fold_name("  KIEN \t GIANG ") == "kien giang");
  CHECK(fold_name("Đắk Lắk") == "dak lak");
  CHECK(fold_name("Đắk Lắk") == fold_name("Đa\u0306\u0301k La\u0306\u0301k"));  // the same, decomposed
  CHECK(fold_name("TP. Hồ Chí Minh") == "tp. ho chi minh");
  CHECK(fold_name("") == "");
  CHECK(fold_name(" \t") == "");
  CHECK(fold_name("\xff"
                  "a") ==
        "\uFFFD"
        "a");
}

}  // namespace
}  // namespace lt::feature
