// Features out of files: every vector format that GDAL reads, made exact where GDAL is not.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "feature/record.hpp"
#include "feature/schema.hpp"

namespace lt::sources {

namespace detail {
class Backend;
}

struct ReadOptions {
  std::string path;      ///< a file, a ".gdb" folder, or one of them in .gz or .zip
  std::string layer;     ///< "" = the only one
  std::string id_field;  ///< "" = the file's own feature id or primary key
  std::string crs;       ///< "EPSG:n" declares or overrides the file's CRS; "" = the file's
};

/// One feature of a file. Its geometry is x = easting or longitude first, in the reader's crs().
struct SourceFeature {
  std::string id;
  feature::State state;
  std::int64_t position = 0;  ///< 1-based in the file
};

struct InferredSchema {
  feature::Schema schema;
  std::vector<std::string> notes;  ///< what could not be inferred or was decided, in plain English
};

/// Reads one layer of one file, feature by feature; memory does not depend on the number of features. Not thread-safe.
///
/// GeoJSON in all its forms (FeatureCollection, one feature a line, RFC 8142, gzipped) is read by our own parser: GDAL
/// 3.6 takes one feature only of some line files, loses ids that are strings, microseconds and offsets. Everything
/// else comes through GDAL. Files that FileWriter wrote are recognised and need no id_field.
///
/// The own id of a feature is: the GeoJSON "id" member, the primary key of GeoPackage, SQLite and file geodatabase, the
/// gml:id (or fid) of GML. Shapefile, CSV and FlatGeobuf have none (a row number is not an id): they need id_field.
///
/// Common errors; messages name the file, the feature's position and id, and the field:
///   NOT_FOUND FILE_NOT_FOUND, LAYER_NOT_FOUND; INVALID_ARGUMENT FILE_UNREADABLE (not a known format), LAYER_AMBIGUOUS
///   (several layers and none named), CRS_MISSING (has geometry, names no CRS that EPSG knows), CRS_UNKNOWN,
///   CRS_DEPRECATED; DATA_LOSS FILE_CORRUPT (nothing is cut off in silence).
class FileReader {
 public:
  /// Checks that the file can be read: format, layer, CRS (and the first feature of GeoJSON).
  [[nodiscard]] static absl::StatusOr<FileReader> open(const ReadOptions& options);
  FileReader(FileReader&&) noexcept;
  FileReader& operator=(FileReader&&) noexcept;
  ~FileReader();

  /// "EPSG:n" that the coordinates are in, "" without geometry. GeoJSON without a crs member: EPSG:4326. The caller
  /// compares it with the dataset's: bind() does not.
  [[nodiscard]] const std::string& crs() const;

  /// Reads the whole file to see field types, geometry types, dimensions and nulls, then rewinds. Needs no ids.
  [[nodiscard]] absl::StatusOr<InferredSchema> infer_schema();

  /// Maps fields of the file to fields of `schema` by name. next() then gives states of that schema: text is parsed
  /// as the schema's type says (docs/canonical.md), numbers are taken over only when nothing is lost.
  /// Errors: INVALID_ARGUMENT UNKNOWN_FIELD (lists them; GeoJSON, which has no list of fields, tells from next()).
  [[nodiscard]] absl::Status bind(const feature::Schema& schema);

  /// The next feature, nothing at the end. Needs bind(). After an error the reader stays failed.
  /// Errors: FAILED_PRECONDITION NOT_BOUND; INVALID_ARGUMENT FEATURE_ID_MISSING (names fields that could be ids),
  /// FEATURE_ID_INVALID, FEATURE_ID_TOO_LONG, UNKNOWN_FIELD, VALUE_WRONG_TYPE, VALUE_OUT_OF_RANGE, TEXT_NOT_UTF8, the
  /// geometry reasons of geo/geometry.hpp (curves: GEOMETRY_CURVE); RESOURCE_EXHAUSTED FEATURE_TOO_LARGE.
  [[nodiscard]] absl::StatusOr<std::optional<SourceFeature>> next();

  /// Number of features if the file tells it without being read.
  [[nodiscard]] std::optional<std::int64_t> count_hint() const;

  /// Back to the first feature; keeps the binding.
  [[nodiscard]] absl::Status rewind();

  /// What GDAL warned of so far, at most 100 different messages.
  [[nodiscard]] const std::vector<std::string>& warnings() const;

 private:
  explicit FileReader(std::unique_ptr<detail::Backend> backend);
  std::unique_ptr<detail::Backend> backend_;
  absl::Status failed_;
};

}  // namespace lt::sources
