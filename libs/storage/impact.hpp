// Which areas a changeset touches.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "geo/area_grid.hpp"
#include "geo/geometry.hpp"
#include "geo/validity.hpp"

namespace lt::storage {

/// An area in the CRS of a dataset, ready for many questions.
struct ReadyArea {
  std::string reference;  ///< LIST:CODE
  geo::Geometry polygon;
  geo::AreaGrid grid;
};
/// Immutable; shared between changesets.
using ReadyAreas = std::shared_ptr<const std::vector<ReadyArea>>;

/// Is told geometries, and knows the areas that one of them at least is inside of (geo::Geos::is_inside()). An area
/// that is touched is not asked for again, so that many geometries cost little more than the first ones. Not
/// thread-safe.
class Impact {
 public:
  /// @param areas null: none.
  explicit Impact(ReadyAreas areas);

  /// Nothing that comes can add to it.
  [[nodiscard]] bool complete() const { return left_ == 0; }
  /// @param box of a geometry that is not empty. @return whether the geometry itself has to be looked at.
  [[nodiscard]] bool add(const geo::Box& box);
  /// Looks at the geometry. Errors: INTERNAL GEOS_FAILED.
  [[nodiscard]] absl::Status add(const geo::Geometry& geometry);

  /// LIST:CODE of each area touched, in the order of the areas.
  [[nodiscard]] std::vector<std::string> touched() const;

 private:
  struct State {
    bool touched = false;
    std::unique_ptr<geo::Geos> geos;  ///< keeps the area prepared; made when it is first needed
  };
  void touch(std::size_t at);

  ReadyAreas areas_;
  std::vector<State> states_;
  std::size_t left_ = 0;
};

}  // namespace lt::storage
