#include "rules/vertices.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/bytes.hpp"

namespace lt::rules {
namespace {

constexpr std::uint32_t kDimensionStep = 1000;  // ISO WKB: type code + 1000 Z, 2000 M, 3000 ZM

// Walks canonical WKB, which geo has checked: only its counts say how it goes on, so no recursion is needed.
class Walk {
 public:
  Walk(const geo::Geometry& geometry, const std::function<bool(double, double)>& wanted)
      : reader_(geometry.wkb), extra_(geo::ordinates(geometry.dimension) - 2), wanted_(wanted) {}

  std::optional<Vertex> run() {
    while (!found_ && reader_.remaining() > 0) {
      if (!geometry()) break;
    }
    return found_;
  }

 private:
  bool geometry() {
    const auto order = reader_.u8();
    const auto code = reader_.u32();
    if (!order || !code) return false;
    switch (static_cast<geo::GeometryType>(*code % kDimensionStep)) {
      case geo::GeometryType::kPoint: return vertices(1);
      case geo::GeometryType::kLineString: return counted_vertices();
      case geo::GeometryType::kPolygon: return rings();
      default: return reader_.u32().has_value();  // the members follow as geometries of their own
    }
  }

  bool rings() {
    const auto count = reader_.u32();
    for (std::uint32_t i = 0; count && i < *count; ++i) {
      if (!counted_vertices()) return false;
    }
    return count.has_value();
  }

  bool counted_vertices() {
    const auto count = reader_.u32();
    return count && vertices(*count);
  }

  // False when the walk is over: something was found or the bytes ended.
  bool vertices(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto x = ordinate();
      const auto y = ordinate();
      for (int skipped = 0; skipped < extra_; ++skipped) {
        if (!ordinate()) return false;
      }
      if (!x || !y) return false;
      if (std::isnan(*x)) continue;  // POINT EMPTY
      if (!wanted_(*x, *y)) continue;
      found_ = Vertex{*x, *y};
      return false;
    }
    return true;
  }

  std::optional<double> ordinate() {
    const auto bits = reader_.u64();
    if (!bits) return std::nullopt;
    double value = 0;
    std::memcpy(&value, &*bits, sizeof value);
    return value;
  }

  ByteReader reader_;
  int extra_;
  const std::function<bool(double, double)>& wanted_;
  std::optional<Vertex> found_;
};

}  // namespace

std::optional<Vertex> first_vertex(const geo::Geometry& geometry, const std::function<bool(double, double)>& wanted) {
  return Walk(geometry, wanted).run();
}

}  // namespace lt::rules
