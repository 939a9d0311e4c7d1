#include "sources/gdal_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include <absl/strings/match.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <fmt/format.h>

#include "base/status.hpp"
#include "sources/detail/backend.hpp"
#include "sources/detail/byte_source.hpp"
#include "sources/detail/gdal_backend.hpp"
#include "sources/detail/gdal_support.hpp"
#include "sources/detail/geojson_backend.hpp"

namespace lt::sources {
namespace {

using detail::Backend;

bool is_geojson_ending(std::string_view ending) {
  constexpr std::array<std::string_view, 6> kEndings{".geojson",    ".geojsonl", ".geojsons",
                                                     ".geojsonseq", ".ndjson",   ".jsonl"};
  if (ending.ends_with(".gz")) ending.remove_suffix(3);
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

/// ".json" is GeoJSON or one of several other formats: GDAL looks into it.
bool gdal_says_geojson(const std::string& name) {
  detail::use_gdal();
  const detail::GdalErrors quiet;
  GDALDriverH driver = GDALIdentifyDriverEx(name.c_str(), GDAL_OF_VECTOR, detail::file_drivers(), nullptr);
  return driver != nullptr && absl::StartsWith(GDALGetDriverShortName(driver), "GeoJSON");
}

/// The one GeoJSON file in a zip, as a GDAL path; "" when there is none or several.
std::string geojson_in_zip(const std::string& zip) {
  detail::use_gdal();
  const detail::GdalErrors quiet;
  char** names = VSIReadDirRecursive(zip.c_str());
  std::string found;
  int count = 0;
  for (char** name = names; name != nullptr && *name != nullptr; ++name) {
    if (!is_geojson_ending(detail::ending(*name))) continue;
    found = zip + "/" + *name;
    ++count;
  }
  CSLDestroy(names);
  return count == 1 ? found : std::string();
}

absl::StatusOr<std::unique_ptr<Backend>> open_geojson(const ReadOptions& options,
                                                      absl::StatusOr<std::unique_ptr<detail::ByteSource>> source) {
  if (!source.ok()) return source.status();
  return detail::GeoJsonBackend::open(options, *std::move(source));
}

absl::StatusOr<std::unique_ptr<Backend>> open_backend(const ReadOptions& options) {
  const std::string ending = detail::ending(options.path);
  if (is_geojson_ending(ending)) return open_geojson(options, detail::open_plain_or_gzip(options.path));
  // GDAL takes zipped file geodatabases by their own name.
  if (ending.ends_with(".zip") && ending != ".gdb.zip") {
    const std::string zip = "/vsizip/" + options.path;
    const std::string inner = geojson_in_zip(zip);
    if (!inner.empty()) return open_geojson(options, detail::open_vsi(inner));
    return detail::GdalBackend::open(options, zip);
  }
  const std::string name = ending.ends_with(".gz") ? "/vsigzip/" + options.path : options.path;
  if (gdal_says_geojson(name)) return open_geojson(options, detail::open_plain_or_gzip(options.path));
  return detail::GdalBackend::open(options, name);
}

absl::Status check_there(const std::string& path) {
  std::error_code error;
  const std::string file = detail::base_name(path);
  if (path.empty() || !std::filesystem::exists(path, error)) {
    return make_error(absl::StatusCode::kNotFound, "FILE_NOT_FOUND", fmt::format("there is no file '{}'", path),
                      {{"file", file}});
  }
  if (access(path.c_str(), R_OK) != 0) {
    return make_error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                      fmt::format("{} may not be read by this user: check its permissions", file), {{"file", file}});
  }
  return absl::OkStatus();
}

}  // namespace

FileReader::FileReader(std::unique_ptr<Backend> backend) : backend_(std::move(backend)) {}
FileReader::FileReader(FileReader&&) noexcept = default;
FileReader& FileReader::operator=(FileReader&&) noexcept = default;
FileReader::~FileReader() = default;

absl::StatusOr<FileReader> FileReader::open(const ReadOptions& options) {
  LT_RETURN_IF_ERROR(check_there(options.path));
  LT_ASSIGN_OR_RETURN(auto backend, open_backend(options));
  return FileReader(std::move(backend));
}

const std::string& FileReader::crs() const { return backend_->crs(); }

absl::StatusOr<InferredSchema> FileReader::infer_schema() {
  auto result = backend_->infer_schema();
  failed_ = backend_->rewind();
  if (!result.ok()) return result;
  LT_RETURN_IF_ERROR(failed_);
  return result;
}

absl::Status FileReader::bind(const feature::Schema& schema) { return backend_->bind(schema); }

absl::StatusOr<std::optional<SourceFeature>> FileReader::next() {
  LT_RETURN_IF_ERROR(failed_);
  if (!backend_->bound()) {
    return make_error(absl::StatusCode::kFailedPrecondition, "NOT_BOUND", "bind() the reader to a schema first");
  }
  auto result = backend_->next();
  if (!result.ok()) failed_ = result.status();
  return result;
}

std::optional<std::int64_t> FileReader::count_hint() const { return backend_->count_hint(); }

absl::Status FileReader::rewind() {
  failed_ = backend_->rewind();
  return failed_;
}

const std::vector<std::string>& FileReader::warnings() const { return backend_->warnings(); }

}  // namespace lt::sources
