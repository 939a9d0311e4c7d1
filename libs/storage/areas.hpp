// Areas: named polygons of code lists, with what they were before and became, as stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include "geo/geometry.hpp"
#include "pg/pool.hpp"

namespace lt::storage {

/// A unit of a code list with one version of its polygon. Dates are days since 1970-01-01, both ends in force; absent =
/// not known or open.
struct Area {
  std::string unit_id;  ///< never changes, the same in every exchange
  std::string list;     ///< "ADM-2025"
  std::string code;     ///< "91"
  std::string name;     ///< "An Giang"
  std::string kind;     ///< "tỉnh"; "" = not known
  std::string level;    ///< "province"
  std::optional<std::int32_t> valid_from, valid_to;
  std::vector<std::string> predecessors, successors;  ///< LIST:CODE, ordered
  std::int64_t version = 0;                           ///< of the polygon; 0: none yet
  int epsg = 0;                                       ///< CRS of the polygon; 0 without one
  std::string sha256;                                 ///< hex, of the polygon's WKB; "" without one
  geo::Geometry polygon;                              ///< empty where it was not asked for

  [[nodiscard]] std::string reference() const { return list + ":" + code; }
};

/// A code list.
struct AreaList {
  std::string list;
  std::string title;
  std::optional<std::int32_t> valid_from, valid_to;  ///< as in Area
  bool current = false;                              ///< receipts name the areas of this list that a changeset touches
  std::int64_t areas = 0;
  std::int64_t with_polygon = 0;
};

/// What is to be known of one unit. What is empty or absent stays as it is stored.
struct AreaDraft {
  std::string code;  ///< required
  std::string name;  ///< required of a new unit
  std::string kind;
  std::string level;  ///< of a new unit; "" = a code that is not in the list is refused
  std::optional<std::int32_t> valid_from, valid_to;
  std::vector<std::string> predecessors, successors;  ///< LIST:CODE of units that exist or are imported too; added
  std::optional<geo::Geometry> polygon;               ///< canonical, valid, POLYGON or MULTIPOLYGON: the caller's care
};

/// One import: wholly or not at all.
struct AreaImport {
  std::string organisation;  ///< who imports
  std::string list;          ///< made if it is not there and an area has a level
  int epsg = 0;              ///< CRS of the polygons
  bool dry_run = false;      ///< everything is done and then undone
  std::vector<AreaDraft> areas;
};

enum class AreaOutcome { kCreated, kChanged, kUnchanged };

/// What an import did with one unit.
struct ImportedArea {
  std::string reference;  ///< LIST:CODE
  std::string unit_id;
  std::int64_t version = 0;  ///< of its polygon, now
  AreaOutcome outcome = AreaOutcome::kUnchanged;
};

/// "ADM-2025:91 An Giang since 2025-07-01", "ADM-2004:91 Kiên Giang until 2025-06-30": as messages name an area.
[[nodiscard]] std::string describe_area(const Area& area);

/// Adds the lists and units that are shipped (feature/provinces.hpp), without polygons, where they are not there yet.
/// Nothing that is there is changed. Cheap; called at each start.
[[nodiscard]] absl::Status seed_areas(pg::Connection& connection);

/// Thread-safe. Polygons of a version never change, so some are kept in memory.
///
/// A reference is LIST:CODE ("ADM-2025:91"). Errors of every call that takes one: INVALID_ARGUMENT AREA_AMBIGUOUS (a
/// code or name without its list; the message names the candidates, also when there is only one); NOT_FOUND
/// AREA_UNKNOWN (with those that are near).
class Areas {
 public:
  explicit Areas(pg::Pool& pool) : pool_(pool) {}

  /// The unit with its polygon. @param version absent = the newest.
  /// Errors: FAILED_PRECONDITION AREA_WITHOUT_POLYGON; NOT_FOUND AREA_VERSION_UNKNOWN.
  [[nodiscard]] absl::StatusOr<std::shared_ptr<const Area>> get_area(
      std::string_view reference, std::optional<std::int64_t> version = std::nullopt);
  /// The unit as it is now, without its polygon, whether it has one or not.
  [[nodiscard]] absl::StatusOr<Area> find_area(std::string_view reference);

  /// Up to `limit` lists whose name is after `after`, by name.
  [[nodiscard]] absl::StatusOr<std::vector<AreaList>> list_area_lists(const std::string& after, int limit);
  /// Up to `limit` units of a list whose code is after `after`, by code, without polygons.
  /// Errors: NOT_FOUND AREA_LIST_UNKNOWN.
  [[nodiscard]] absl::StatusOr<std::vector<Area>> list_areas(const std::string& list, const std::string& after,
                                                             int limit);

  /// Imports, one at a time. A polygon that is equal to the newest (bytes and CRS) adds no version. Relations are only
  /// added. Errors: INVALID_ARGUMENT AREA_INVALID (a code, name, level, date that cannot be; an empty import),
  /// AREA_REPEATED; NOT_FOUND AREA_UNKNOWN (a code without level, or a relation), AREA_LIST_UNKNOWN.
  /// @return in the order given.
  [[nodiscard]] absl::StatusOr<std::vector<ImportedArea>> put_areas(const AreaImport& import);

 private:
  using Key = std::pair<std::string, std::int64_t>;  ///< unit_id, version
  using Recent = std::list<std::shared_ptr<const Area>>;

  [[nodiscard]] std::shared_ptr<const Area> cached(const Key& key);
  void remember(std::shared_ptr<const Area> area);

  pg::Pool& pool_;
  absl::Mutex mutex_;
  Recent recent_ ABSL_GUARDED_BY(mutex_);  ///< last used first
  std::map<Key, Recent::iterator> places_ ABSL_GUARDED_BY(mutex_);
  std::size_t cached_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lt::storage
