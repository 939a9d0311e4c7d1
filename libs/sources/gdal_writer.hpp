// Features into files that read back bit for bit through FileReader.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "feature/record.hpp"
#include "feature/schema.hpp"

namespace lt::sources {

namespace detail {
class Sink;
}

/// Writes one new file, by the ending of its name:
///   .gpkg                     GeoPackage, the dataset's CRS. The id is a text column ("id", or "lt_id" if taken); the
///                             schema is kept as layer metadata, so that infer_schema() gives it back.
///   .fgb                      FlatGeobuf, the dataset's CRS, in the order of its spatial index, which is built in
///                             memory. The id is the column "lt_id". infer_schema() sees text where FlatGeobuf has no
///                             type. GDAL 3.6 cannot put features without geometry into it: they are refused.
///   .geojson                  FeatureCollection, WGS 84, longitude first, shortest exact digits, "id" = the id.
///   .geojsonl .geojsonseq .ndjson   the same, one feature a line.
/// Types without an exact form in the format are text as in docs/canonical.md. A value or geometry that the format
/// would change (NaN, -0.0 and empty bytes in SQLite; M and empty Z geometries in GeoJSON) goes into the column
/// "lt_exact" or the member "lt_wkb", which FileReader reads back.
/// GeoJSON of a dataset that is not EPSG:4326 is transformed to WGS 84 (geo::Transformer), which is not reversible to
/// the bit, and loses M.
///
/// The file appears under its name, replacing an older one, only by finish(); without it nothing is left. Not
/// thread-safe.
class FileWriter {
 public:
  /// Errors: INVALID_ARGUMENT FORMAT_UNKNOWN (lists the endings), FORMAT_CANNOT_HOLD (the schema does not fit the
  /// format: names that differ only in case, FlatGeobuf with several dimensions or without geometry), CRS_UNKNOWN;
  /// FAILED_PRECONDITION FILE_UNWRITABLE.
  [[nodiscard]] static absl::StatusOr<FileWriter> create(const std::string& path, const feature::Schema& schema,
                                                         std::string_view layer_name);
  FileWriter(FileWriter&&) noexcept;
  FileWriter& operator=(FileWriter&&) noexcept;
  ~FileWriter();

  /// Errors: FAILED_PRECONDITION FILE_UNWRITABLE (disk full); INVALID_ARGUMENT FORMAT_CANNOT_HOLD (FlatGeobuf and a
  /// null geometry, an empty one or an empty part); OUT_OF_RANGE TRANSFORM_FAILED.
  [[nodiscard]] absl::Status write(const std::string& id, const feature::State& state);

  /// Writes everything to disk, then gives the file its name.
  /// Errors: FAILED_PRECONDITION FILE_UNWRITABLE; DATA_LOSS FILE_CORRUPT (the file has not every feature).
  [[nodiscard]] absl::Status finish();

 private:
  explicit FileWriter(std::unique_ptr<detail::Sink> sink);
  std::unique_ptr<detail::Sink> sink_;
};

}  // namespace lt::sources
