// Finds a vertex of a geometry for the place of a finding.
#pragma once

#include <optional>

#include "geo/geometry.hpp"

namespace lt::rules {

struct Vertex {
  double x = 0, y = 0;
};

/// The first vertex of canonical WKB, in order of storage, that is outside `box`; nothing when all are inside.
[[nodiscard]] std::optional<Vertex> first_vertex_outside(const geo::Geometry& geometry, const geo::Box& box);

}  // namespace lt::rules
