#include "sources/gdal_writer.hpp"

#include <fmt/format.h>

#include "base/status.hpp"
#include "sources/detail/backend.hpp"
#include "sources/detail/sink.hpp"

namespace lt::sources {

FileWriter::FileWriter(std::unique_ptr<detail::Sink> sink) : sink_(std::move(sink)) {}
FileWriter::FileWriter(FileWriter&&) noexcept = default;
FileWriter& FileWriter::operator=(FileWriter&&) noexcept = default;
FileWriter::~FileWriter() = default;

absl::StatusOr<FileWriter> FileWriter::create(const std::string& path, const feature::Schema& schema,
                                              std::string_view layer_name) {
  const std::string ending = detail::ending(path);
  absl::StatusOr<std::unique_ptr<detail::Sink>> sink;
  if (ending == ".gpkg" || ending == ".fgb") {
    sink = detail::open_gdal_sink(path, ending == ".gpkg", schema, layer_name);
  } else if (ending == ".geojson") {
    sink = detail::open_geojson_sink(path, false, schema, layer_name);
  } else if (ending == ".geojsonl" || ending == ".geojsonseq" || ending == ".ndjson") {
    sink = detail::open_geojson_sink(path, true, schema, layer_name);
  } else {
    return make_error(absl::StatusCode::kInvalidArgument, "FORMAT_UNKNOWN",
                      fmt::format("'{}' ends in none of .gpkg, .fgb, .geojson, .geojsonl, .geojsonseq, .ndjson",
                                  detail::base_name(path)));
  }
  if (!sink.ok()) return sink.status();
  return FileWriter(*std::move(sink));
}

absl::Status FileWriter::write(const std::string& id, const feature::State& state) { return sink_->write(id, state); }

absl::Status FileWriter::finish() { return sink_->finish(); }

}  // namespace lt::sources
