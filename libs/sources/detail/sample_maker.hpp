// Makes single features of a sample, by number, and changes them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "sources/detail/sample_random.hpp"
#include "sources/sample.hpp"

namespace lt::sources::detail {

/// A place in millimetres east and north of the sample's origin.
struct Vertex {
  std::int64_t x = 0, y = 0;
};

/// A feature while it is made: vertices still in whole millimetres.
struct Draft {
  std::vector<Vertex> vertices;
  feature::State state;  ///< without geometry
};

/// From local millimetres to coordinates, in integers up to one division, so that it is the same everywhere.
class SampleGrid {
 public:
  /// Errors: PROVINCE_UNKNOWN, CRS_UNKNOWN, CRS_DEPRECATED.
  [[nodiscard]] static absl::StatusOr<SampleGrid> create(const SampleOptions& options, const std::string& crs);
  [[nodiscard]] double x(const Vertex& v) const;
  [[nodiscard]] double y(const Vertex& v) const;

 private:
  bool degrees_ = false;
  std::int64_t origin_x_ = 0, origin_y_ = 0;  ///< millimetres, or 1e-8 degrees
  std::int64_t per_mille_ = 1000;             ///< 1000 / cos(latitude) with degrees
};

/// One kind of feature. `index` counts from 0.
class SampleMaker {
 public:
  explicit SampleMaker(std::uint64_t seed) : seed_(seed) {}
  virtual ~SampleMaker() = default;
  [[nodiscard]] virtual feature::Schema schema() const = 0;
  [[nodiscard]] virtual Draft make(std::int64_t index) const = 0;
  /// Changes what `version` changes of this feature, at least one value.
  virtual void change(Draft& draft, std::int64_t index, int version) const = 0;
  [[nodiscard]] virtual std::string_view id_prefix() const = 0;

 protected:
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_;
};

/// Errors: INVALID_ARGUMENT SAMPLE_KIND_UNKNOWN.
[[nodiscard]] absl::StatusOr<std::unique_ptr<SampleMaker>> make_maker(std::string_view kind, std::uint64_t seed);
[[nodiscard]] std::unique_ptr<SampleMaker> make_road_maker(std::uint64_t seed);
[[nodiscard]] std::unique_ptr<SampleMaker> make_parcel_maker(std::uint64_t seed);
[[nodiscard]] std::unique_ptr<SampleMaker> make_station_maker(std::uint64_t seed);

/// The draft's vertices as the geometry type that the schema has.
[[nodiscard]] absl::StatusOr<geo::Geometry> make_geometry(const SampleGrid& grid, geo::GeometryType type,
                                                          const std::vector<Vertex>& vertices);

/// "updated_at" of a feature as made, and after `version`: another moment for each. Offset +07:00.
[[nodiscard]] feature::Timestamp sample_time(Random& random, int version);

/// A field with its titles; `allowed` = code list.
[[nodiscard]] feature::Field field(std::int32_t number, std::string name, feature::FieldType type, std::string title_vi,
                                   std::string title_en);

}  // namespace lt::sources::detail
