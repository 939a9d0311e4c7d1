// What a consumer sees of a dataset: the part inside an area and a filter, and some of the columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "feature/filter.hpp"
#include "geo/area_grid.hpp"
#include "geo/geometry.hpp"
#include "geo/validity.hpp"

namespace lt::feature {

/// One immutable view of one dataset. May be shared between threads.
struct View {
  std::string revision;               ///< its name for ever; empty: the whole dataset
  std::optional<geo::Geometry> area;  ///< valid POLYGON or MULTIPOLYGON in the dataset's CRS
  std::optional<geo::AreaGrid> grid;  ///< of `area`, there when it is
  std::optional<Filter> filter;
  FieldMask columns;  ///< numbers of the properties that are seen, ascending; empty: all. Geometry always is.
  std::string crs;    ///< of the geometries a consumer gets; empty: the dataset's

  /// False: every feature is inside.
  [[nodiscard]] bool selects() const { return area.has_value() || filter.has_value(); }
  /// True when a consumer gets every state as it is stored.
  [[nodiscard]] bool is_whole() const { return !selects() && columns.empty() && crs.empty(); }
};

/// Looks at stored states through a view. Not thread-safe: one per thread.
class ViewLens {
 public:
  explicit ViewLens(std::shared_ptr<const View> view);

  [[nodiscard]] const View& view() const { return *view_; }
  /// Inside the area (geo::Geos::is_inside()) and the filter true.
  /// @param box not smaller than the geometry's, nothing when there is none. Where it decides, nothing else is looked
  /// at. Errors: DATA_LOSS RECORD_MALFORMED; OUT_OF_RANGE FILTER_OVERFLOW; INTERNAL GEOS_FAILED.
  [[nodiscard]] absl::StatusOr<bool> is_inside(std::string_view record, const std::optional<geo::Box>& box);
  /// The record with the view's columns only. Errors: DATA_LOSS RECORD_MALFORMED.
  [[nodiscard]] absl::StatusOr<std::string> project(std::string_view record) const;

 private:
  std::shared_ptr<const View> view_;
  geo::Geos geos_;
  std::optional<FilterEvaluator> filter_;
};

/// A feature at the two ends of a reading.
struct Ends {
  bool existed = false, exists = false;
  bool was_inside = false, is_inside = false;  ///< only where it exists
  bool equal = false;                          ///< the reader would get the same state at both ends
};

/// What the reader of a view gets of it; nothing where there is no difference to see.
[[nodiscard]] std::optional<EntryOp> entry_op(const Ends& ends);

}  // namespace lt::feature
