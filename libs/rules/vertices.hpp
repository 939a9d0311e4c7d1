// Finds a vertex of a geometry for the place of a finding.
#pragma once

#include <functional>
#include <optional>

#include "geo/geometry.hpp"

namespace lt::rules {

struct Vertex {
  double x = 0, y = 0;
};

/// The first vertex of canonical WKB, in order of storage, for which `wanted`(x, y) is true; nothing when there is
/// none.
[[nodiscard]] std::optional<Vertex> first_vertex(const geo::Geometry& geometry,
                                                 const std::function<bool(double, double)>& wanted);

}  // namespace lt::rules
