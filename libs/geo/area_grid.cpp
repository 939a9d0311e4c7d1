#include "geo/area_grid.hpp"

#include <algorithm>
#include <cmath>

#include "geo/detail/wkb_scanner.hpp"

namespace lt::geo {
namespace {

// Calls `edge(x1, y1, x2, y2)` for each edge of each ring.
template <typename Edge>
class EdgeHandler {
 public:
  explicit EdgeHandler(Edge edge) : edge_(std::move(edge)) {}
  [[nodiscard]] absl::Status begin(GeometryType, Dimension, std::uint32_t) { return absl::OkStatus(); }
  [[nodiscard]] absl::Status end() { return absl::OkStatus(); }
  [[nodiscard]] absl::Status begin_ring(std::uint32_t) {
    first_ = true;
    return absl::OkStatus();
  }
  [[nodiscard]] absl::Status end_ring() { return absl::OkStatus(); }
  [[nodiscard]] absl::Status vertex(const double* values) {
    if (!first_) edge_(x_, y_, values[0], values[1]);
    first_ = false;
    x_ = values[0];
    y_ = values[1];
    return absl::OkStatus();
  }
  [[nodiscard]] absl::Status empty_point() { return absl::OkStatus(); }

 private:
  Edge edge_;
  bool first_ = true;
  double x_ = 0, y_ = 0;
};

template <typename Edge>
void for_each_edge(const Geometry& area, Edge edge) {
  EdgeHandler<Edge> handler(std::move(edge));
  (void)detail::WkbScanner(area.wkb, 0, handler).run();  // canonical bytes were checked when they were made
}

}  // namespace

struct AreaGrid::Builder {
  const AreaGrid& grid;
  std::size_t count = grid.cells_;
  std::vector<std::uint8_t> cells = std::vector<std::uint8_t>(count * count, kOut);
  std::vector<std::vector<double>> crossings = std::vector<std::vector<double>>(count);

  [[nodiscard]] double middle_of_row(std::size_t row) const {
    return grid.box_.y1 + (static_cast<double>(row) + 0.5) * grid.height_;
  }
  [[nodiscard]] double middle_of_column(std::size_t column) const {
    return grid.box_.x1 + (static_cast<double>(column) + 0.5) * grid.width_;
  }

  void mark_border(std::size_t c1, std::size_t c2, std::size_t row) {
    // A cell more on each side: rounding never makes a cell of the border look decided.
    const std::size_t first_row = row == 0 ? 0 : row - 1;
    const std::size_t last_row = std::min(row + 1, count - 1);
    const std::size_t first = c1 == 0 ? 0 : c1 - 1;
    const std::size_t last = std::min(c2 + 1, count - 1);
    for (std::size_t r = first_row; r <= last_row; ++r) {
      std::fill(cells.begin() + static_cast<std::ptrdiff_t>(r * count + first),
                cells.begin() + static_cast<std::ptrdiff_t>(r * count + last + 1), std::uint8_t{kBorder});
    }
  }

  /// The cells that an edge passes, row by row.
  void add(double x1, double y1, double x2, double y2) {
    if (y1 > y2) {
      std::swap(x1, x2);
      std::swap(y1, y2);
    }
    const auto x_at = [&](double y) { return y2 == y1 ? x1 : x1 + (x2 - x1) * ((y - y1) / (y2 - y1)); };
    const std::size_t last = grid.row(y2);
    for (std::size_t r = grid.row(y1); r <= last; ++r) {
      const double bottom = std::clamp(middle_of_row(r) - grid.height_ / 2, y1, y2);
      const double top = std::clamp(middle_of_row(r) + grid.height_ / 2, y1, y2);
      const bool level = y1 == y2;
      const auto [left, right] = std::minmax({level ? x1 : x_at(bottom), level ? x2 : x_at(top)});
      mark_border(grid.column(left), grid.column(right), r);
      const double middle = middle_of_row(r);
      if (y1 <= middle && middle < y2) crossings[r].push_back(x_at(middle));
    }
  }

  /// What is not border is inside or outside as a whole: by the parity of the crossings left of its middle.
  void fill() {
    for (std::size_t r = 0; r < count; ++r) {
      auto& xs = crossings[r];
      std::sort(xs.begin(), xs.end());
      std::size_t passed = 0;
      for (std::size_t c = 0; c < count; ++c) {
        while (passed < xs.size() && xs[passed] < middle_of_column(c)) ++passed;
        auto& cell = cells[r * count + c];
        if (cell != kBorder && passed % 2 == 1) cell = kIn;
      }
    }
  }
};

AreaGrid::AreaGrid(const Geometry& area, std::size_t cells) : cells_(cells), box_(area.box) {
  const bool polygon = area.type == GeometryType::kPolygon || area.type == GeometryType::kMultiPolygon;
  width_ = (box_.x2 - box_.x1) / static_cast<double>(cells_);
  height_ = (box_.y2 - box_.y1) / static_cast<double>(cells_);
  Builder builder{*this};
  if (!box_.empty() && polygon && width_ > 0 && height_ > 0) {
    for_each_edge(area, [&](double x1, double y1, double x2, double y2) { builder.add(x1, y1, x2, y2); });
    builder.fill();
  } else {
    std::fill(builder.cells.begin(), builder.cells.end(), std::uint8_t{kBorder});
  }
  count(builder.cells);
}

void AreaGrid::count(const std::vector<std::uint8_t>& cells) {
  const std::size_t corners = cells_ + 1;
  inside_.assign(corners * corners, 0);
  not_outside_.assign(corners * corners, 0);
  for (std::size_t r = 0; r < cells_; ++r) {
    for (std::size_t c = 0; c < cells_; ++c) {
      const std::uint8_t cell = cells[r * cells_ + c];
      const std::size_t here = (r + 1) * corners + c + 1;
      for (auto* const sums : {&inside_, &not_outside_}) {
        (*sums)[here] = (*sums)[here - 1] + (*sums)[here - corners] - (*sums)[here - corners - 1];
      }
      if (cell == kIn) ++inside_[here];
      if (cell != kOut) ++not_outside_[here];
    }
  }
}

std::size_t AreaGrid::column(double x) const {
  const double cell = (x - box_.x1) / width_;
  return cell > 0 ? std::min(static_cast<std::size_t>(cell), cells_ - 1) : 0;
}

std::size_t AreaGrid::row(double y) const {
  const double cell = (y - box_.y1) / height_;
  return cell > 0 ? std::min(static_cast<std::size_t>(cell), cells_ - 1) : 0;
}

std::uint32_t AreaGrid::sum(const std::vector<std::uint32_t>& sums, std::size_t c1, std::size_t r1, std::size_t c2,
                            std::size_t r2) const {
  const std::size_t corners = cells_ + 1;
  return sums[(r2 + 1) * corners + c2 + 1] - sums[r1 * corners + c2 + 1] - sums[(r2 + 1) * corners + c1] +
         sums[r1 * corners + c1];
}

AreaGrid::Verdict AreaGrid::test(const Box& box) const {
  if (box.empty() || box_.empty()) return Verdict::kOutside;
  if (box.x1 > box_.x2 || box.x2 < box_.x1 || box.y1 > box_.y2 || box.y2 < box_.y1) return Verdict::kOutside;
  if (!(width_ > 0) || !(height_ > 0)) return Verdict::kUndecided;
  const std::size_t c1 = column(std::max(box.x1, box_.x1)), c2 = column(std::min(box.x2, box_.x2));
  const std::size_t r1 = row(std::max(box.y1, box_.y1)), r2 = row(std::min(box.y2, box_.y2));
  if (sum(not_outside_, c1, r1, c2, r2) == 0) return Verdict::kOutside;
  const bool contained = box.x1 >= box_.x1 && box.x2 <= box_.x2 && box.y1 >= box_.y1 && box.y2 <= box_.y2;
  const auto cells = static_cast<std::uint32_t>((c2 - c1 + 1) * (r2 - r1 + 1));
  return contained && sum(inside_, c1, r1, c2, r2) == cells ? Verdict::kInside : Verdict::kUndecided;
}

}  // namespace lt::geo
