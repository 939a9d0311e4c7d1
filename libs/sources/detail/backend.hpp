// What a kind of file has to do for FileReader, and what all kinds share.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "sources/gdal_reader.hpp"

namespace lt::sources::detail {

class Backend {
 public:
  virtual ~Backend() = default;
  [[nodiscard]] virtual const std::string& crs() const = 0;
  /// May leave the position anywhere: the caller rewinds.
  [[nodiscard]] virtual absl::StatusOr<InferredSchema> infer_schema() = 0;
  [[nodiscard]] virtual absl::Status bind(const feature::Schema& schema) = 0;
  [[nodiscard]] virtual bool bound() const = 0;
  [[nodiscard]] virtual absl::StatusOr<std::optional<SourceFeature>> next() = 0;
  [[nodiscard]] virtual std::optional<std::int64_t> count_hint() const = 0;
  [[nodiscard]] virtual absl::Status rewind() = 0;
  [[nodiscard]] virtual const std::vector<std::string>& warnings() const = 0;
};

/// Where in a file something is wrong.
struct Place {
  std::string file;  ///< base name
  std::int64_t position = 0;
  std::string id;     ///< "" = not known yet
  std::string field;  ///< "" = the feature as a whole
};

/// "roads.gpkg: feature 7 (id 'x'), field 'lanes': ..." with the same facts as metadata. OK stays OK.
[[nodiscard]] absl::Status at(const absl::Status& status, const Place& place);

/// What the geometries of a file look like.
class GeometryStats {
 public:
  void add(geo::GeometryType type, geo::Dimension dimension);
  /// One more type that is to be allowed.
  void add_type(geo::GeometryType type) { types_.insert(type); }
  void add_null() { ++nulls_; }
  void add_refused(const absl::Status& why, std::int64_t position);
  [[nodiscard]] const std::set<geo::GeometryType>& types() const { return types_; }
  /// Fills crs and geometry of `out`.
  void apply(const std::string& crs, InferredSchema& out) const;

 private:
  std::set<geo::GeometryType> types_;
  std::set<geo::Dimension> dimensions_;
  std::int64_t nulls_ = 0;
  std::int64_t refused_ = 0;
  std::string first_refused_;
};

/// Finds fields whose values are all there and all different, to propose them as id_field.
class IdCandidates {
 public:
  static constexpr std::int64_t kLooksAt = 10'000;  ///< features; bounds memory and time
  /// `values`: field name and text of each field that is not null.
  void add(const std::vector<std::pair<std::string, std::string>>& values);
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::map<std::string, std::set<std::string>> seen_;
  std::map<std::string, bool> unique_;
  std::int64_t count_ = 0;
};

/// FEATURE_ID_MISSING for a file without ids of its own.
[[nodiscard]] absl::Status no_own_ids(const std::vector<std::string>& candidates);

/// Base name of a path.
[[nodiscard]] std::string base_name(const std::string& path);
/// Lower-case ending of a name with its dot: ".shp", ".geojsonl.gz", ".gdb.zip"; "" without.
[[nodiscard]] std::string ending(const std::string& path);
/// "a, b, c", cut after ten.
[[nodiscard]] std::string listed(const std::vector<std::string>& names);

}  // namespace lt::sources::detail
