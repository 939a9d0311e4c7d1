#include "geo/geometry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lt::geo {
namespace {

constexpr std::array<std::string_view, 18> kTypeNames = {"GEOMETRY",
                                                         "POINT",
                                                         "LINESTRING",
                                                         "POLYGON",
                                                         "MULTIPOINT",
                                                         "MULTILINESTRING",
                                                         "MULTIPOLYGON",
                                                         "GEOMETRYCOLLECTION",
                                                         "CIRCULARSTRING",
                                                         "COMPOUNDCURVE",
                                                         "CURVEPOLYGON",
                                                         "MULTICURVE",
                                                         "MULTISURFACE",
                                                         "CURVE",
                                                         "SURFACE",
                                                         "POLYHEDRALSURFACE",
                                                         "TIN",
                                                         "TRIANGLE"};
constexpr std::array<std::string_view, 4> kDimensionNames = {"XY", "XYZ", "XYM", "XYZM"};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return upper(x) == upper(y); });
}

template <typename Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (equal_ignoring_case(names[i], name)) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Converting a double beyond float's range is undefined, so that case is decided before.
float round_down(double value) {
  if (value > static_cast<double>(std::numeric_limits<float>::max())) return std::numeric_limits<float>::max();
  if (value < static_cast<double>(std::numeric_limits<float>::lowest())) return -kInfinity;
  const auto near = static_cast<float>(value);
  return static_cast<double>(near) <= value ? near : std::nextafter(near, -kInfinity);
}

}  // namespace

std::string_view to_string(GeometryType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

std::optional<GeometryType> geometry_type_from(std::string_view name) {
  return find_name<GeometryType>(kTypeNames, name);
}

std::string_view to_string(Dimension dimension) { return kDimensionNames[static_cast<std::size_t>(dimension)]; }

std::optional<Dimension> dimension_from(std::string_view name) { return find_name<Dimension>(kDimensionNames, name); }

void Box::extend(double x, double y) {
  if (empty()) {
    *this = {x, y, x, y};
    return;
  }
  x1 = std::min(x1, x);
  y1 = std::min(y1, y);
  x2 = std::max(x2, x);
  y2 = std::max(y2, y);
}

void Box::extend(const Box& other) {
  if (other.empty()) return;
  extend(other.x1, other.y1);
  extend(other.x2, other.y2);
}

std::optional<std::array<float, 4>> round_outwards(const Box& box) {
  if (box.empty()) return std::nullopt;
  return std::array<float, 4>{round_down(box.x1), round_down(box.y1), -round_down(-box.x2), -round_down(-box.y2)};
}

}  // namespace lt::geo
