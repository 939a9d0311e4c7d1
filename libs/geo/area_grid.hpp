// Which boxes lie wholly inside or wholly outside of an area, told by a grid: so that geometries are looked at only
// near its border.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "geo/geometry.hpp"

namespace lt::geo {

/// Cells over the box of one area. Immutable; may be shared between threads. 8 bytes a cell: 528 KiB by default.
class AreaGrid {
 public:
  enum class Verdict : std::uint8_t { kOutside, kInside, kUndecided };

  static constexpr std::size_t kFine = 256;
  static constexpr std::size_t kCoarse = 64;  ///< 34 KiB

  /// @param area a valid POLYGON or MULTIPOLYGON; of another geometry no box is ever decided.
  /// @param cells in each direction, at least 1.
  explicit AreaGrid(const Geometry& area, std::size_t cells = kFine);

  /// @param box of a geometry in the area's CRS, x = easting or longitude; not smaller than the geometry.
  /// kOutside: no point of the box is in the area or on its border. kInside: all are, and none on the border, so any
  /// geometry that is not empty and has this box is inside in every sense. An empty box is outside.
  [[nodiscard]] Verdict test(const Box& box) const;

  /// Of the area.
  [[nodiscard]] const Box& box() const { return box_; }

 private:
  enum : std::uint8_t { kOut = 0, kIn = 1, kBorder = 2 };
  struct Builder;

  [[nodiscard]] std::size_t column(double x) const;
  [[nodiscard]] std::size_t row(double y) const;
  void count(const std::vector<std::uint8_t>& cells);
  [[nodiscard]] std::uint32_t sum(const std::vector<std::uint32_t>& sums, std::size_t c1, std::size_t r1,
                                  std::size_t c2, std::size_t r2) const;

  std::size_t cells_;  ///< in each direction
  Box box_;
  double width_ = 0, height_ = 0;  ///< of a cell
  // Cells below and left of each corner, so that those of a rectangle are four look-ups.
  std::vector<std::uint32_t> inside_, not_outside_;
};

}  // namespace lt::geo
