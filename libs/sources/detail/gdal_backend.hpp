// Files that come through GDAL: all but GeoJSON.
#pragma once

#include <memory>

#include "sources/detail/backend.hpp"
#include "sources/detail/gdal_support.hpp"

namespace lt::sources::detail {

// How FileWriter marks its files: layer metadata of GeoPackage; in FlatGeobuf, which has none, the first columns'
// names.
inline constexpr char kIdFieldItem[] = "LIENTHONG_ID_FIELD";
inline constexpr char kExactFieldItem[] = "LIENTHONG_EXACT_FIELD";
inline constexpr char kSchemaItem[] = "LIENTHONG_SCHEMA";
inline constexpr char kIdColumn[] = "lt_id";
inline constexpr char kExactColumn[] = "lt_exact";

class GdalBackend final : public Backend {
 public:
  /// @param name what to hand to GDAL for options.path, such as "/vsizip/" + path.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Backend>> open(const ReadOptions& options,
                                                                     const std::string& name);

  [[nodiscard]] const std::string& crs() const override { return crs_; }
  [[nodiscard]] absl::StatusOr<InferredSchema> infer_schema() override;
  [[nodiscard]] absl::Status bind(const feature::Schema& schema) override;
  [[nodiscard]] bool bound() const override { return bound_; }
  [[nodiscard]] absl::StatusOr<std::optional<SourceFeature>> next() override;
  [[nodiscard]] std::optional<std::int64_t> count_hint() const override;
  [[nodiscard]] absl::Status rewind() override;
  [[nodiscard]] const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  enum class IdFrom { kNone, kFid, kColumn };
  /// A column of the file, and the field of the bound schema it fills.
  struct Column {
    int index = 0;
    std::string name;
    feature::FieldType natural = feature::FieldType::kString;
    std::optional<feature::Field> target;
  };

  GdalBackend(const ReadOptions& options, Dataset dataset);
  [[nodiscard]] absl::Status choose_layer(const std::string& wanted);
  [[nodiscard]] absl::Status choose_crs(const std::string& declared);
  [[nodiscard]] absl::Status choose_id();
  void recognise_own_file();
  void list_columns();
  [[nodiscard]] absl::StatusOr<OgrFeature> next_row();
  [[nodiscard]] absl::StatusOr<std::string> read_id(OGRFeatureH row);
  [[nodiscard]] absl::StatusOr<std::optional<geo::Geometry>> read_geometry(OGRFeatureH row) const;
  [[nodiscard]] absl::Status read_columns(OGRFeatureH row, SourceFeature& out, Place& place) const;
  [[nodiscard]] absl::Status read_exact(OGRFeatureH row, SourceFeature& out) const;
  [[nodiscard]] absl::Status no_ids();
  [[nodiscard]] absl::StatusOr<std::optional<InferredSchema>> recorded_schema() const;
  void infer_fields(const std::vector<std::int64_t>& filled, InferredSchema& out) const;
  void widen_shapefile_types(GeometryStats& stats) const;
  void keep_warnings(const GdalErrors& errors);

  std::string file_, id_field_, crs_, driver_;
  Dataset dataset_;
  OGRLayerH layer_ = nullptr;  ///< owned by dataset_
  IdFrom id_from_ = IdFrom::kNone;
  int id_column_ = -1;         ///< index, with kColumn
  bool id_is_hidden_ = false;  ///< the id column is no property
  int exact_column_ = -1;
  int unused_id_column_ = -1;  ///< of a file that FileWriter wrote, when ids come from another field
  bool swap_axes_ = false;
  bool bound_ = false;
  std::vector<Column> columns_;
  std::optional<feature::Schema> schema_;
  std::int64_t position_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace lt::sources::detail
