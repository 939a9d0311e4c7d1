// What a kind of file has to do for FileWriter, and the temporary file that it writes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "feature/record.hpp"
#include "feature/schema.hpp"

namespace lt::sources::detail {

class Sink {
 public:
  virtual ~Sink() = default;
  [[nodiscard]] virtual absl::Status write(const std::string& id, const feature::State& state) = 0;
  [[nodiscard]] virtual absl::Status finish() = 0;
};

/// A file beside its final place, gone unless published.
class TempFile {
 public:
  explicit TempFile(const std::string& final_path);
  ~TempFile();
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Flushes the closed file to disk, renames it, flushes the folder.
  /// Errors: FAILED_PRECONDITION FILE_UNWRITABLE.
  [[nodiscard]] absl::Status publish();

 private:
  std::string final_, path_;
};

/// FILE_UNWRITABLE for `path`.
[[nodiscard]] absl::Status unwritable(const std::string& path, std::string_view why);

[[nodiscard]] absl::StatusOr<std::unique_ptr<Sink>> open_gdal_sink(const std::string& path, bool geopackage,
                                                                   const feature::Schema& schema,
                                                                   std::string_view layer_name);

/// @param line_per_feature no FeatureCollection around.
[[nodiscard]] absl::StatusOr<std::unique_ptr<Sink>> open_geojson_sink(const std::string& path, bool line_per_feature,
                                                                      const feature::Schema& schema,
                                                                      std::string_view layer_name);

}  // namespace lt::sources::detail
