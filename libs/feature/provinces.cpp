#include "feature/provinces.hpp"

#include <algorithm>
#include <charconv>

#include "feature_data.hpp"

namespace lt::feature {
namespace {

using Row = std::vector<std::string_view>;

constexpr std::size_t kProvinceColumns = 11;
constexpr std::size_t kSuccessionColumns = 5;

Row split(std::string_view text, char separator) {
  Row parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

/// Rows of a table without its comments and header. Our tables have no quoted fields.
std::vector<Row> rows_of(std::string_view csv, std::size_t columns) {
  std::vector<Row> rows;
  bool header = true;
  for (const auto line : split(csv, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    Row row = split(line, ',');
    if (!header && row.size() == columns) rows.push_back(std::move(row));
    header = false;
  }
  return rows;
}

template <typename Number>
Number number(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<Province> read_provinces() {
  std::vector<Province> result;
  for (const auto& row : rows_of(data::kProvinces, kProvinceColumns)) {
    std::size_t at = 0;
    const auto text = [&] { return std::string(row[at++]); };
    const auto real = [&] { return number<double>(row[at++]); };
    Province p;
    p.code = text();
    p.name = text();
    p.kind = text();
    p.epsg = number<int>(row[at++]);
    p.central_meridian = text();
    p.extent.x1 = real();
    p.extent.y1 = real();
    p.extent.x2 = real();
    p.extent.y2 = real();
    p.inside_lon = real();
    p.inside_lat = real();
    result.push_back(std::move(p));
  }
  return result;
}

std::vector<Succession> read_successions() {
  std::vector<Succession> result;
  for (const auto& row : rows_of(data::kProvincesSuccession, kSuccessionColumns)) {
    result.push_back(
        {std::string(row[0]), std::string(row[1]), number<int>(row[2]), std::string(row[3]), std::string(row[4])});
  }
  return result;
}

}  // namespace

const std::vector<Province>& provinces() {
  static const std::vector<Province> table = read_provinces();
  return table;
}

const Province* find_province(std::string_view code) {
  const auto& table = provinces();
  const auto it = std::find_if(table.begin(), table.end(), [&](const Province& p) { return p.code == code; });
  return it == table.end() ? nullptr : &*it;
}

const std::vector<Succession>& successions() {
  static const std::vector<Succession> table = read_successions();
  return table;
}

}  // namespace lt::feature
