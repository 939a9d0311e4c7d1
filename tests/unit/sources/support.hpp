// Files of a test in a folder of its own, and shorthands.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "sources/gdal_reader.hpp"
#include "sources/gdal_writer.hpp"

namespace lt::sources::test {

class TempFolder {
 public:
  TempFolder() : path_(std::filesystem::temp_directory_path() / ("lt_sources_" + make_uuid7())) {
    std::filesystem::create_directories(path_);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream out(path_ / name, std::ios::binary);
    out << text;
    return file(name);
  }
  [[nodiscard]] std::size_t entries() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++n;
    return n;
  }

 private:
  std::filesystem::path path_;
};

inline void require_ok(const absl::Status& status) {
  INFO(message_of(status));
  REQUIRE(status.ok());
}

template <typename T>
T take(absl::StatusOr<T> value) {
  require_ok(value.status());
  return *std::move(value);
}

inline FileReader open(const std::string& path, const std::string& id_field = "", const std::string& crs = "") {
  return take(FileReader::open({path, "", id_field, crs}));
}

inline absl::Status open_error(const ReadOptions& options) {
  const auto reader = FileReader::open(options);
  REQUIRE_FALSE(reader.ok());
  return reader.status();
}

/// Every feature by id, read with `schema`.
inline std::map<std::string, feature::State> read_all(FileReader& reader, const feature::Schema& schema) {
  require_ok(reader.bind(schema));
  std::map<std::string, feature::State> result;
  while (auto feature = take(reader.next())) {
    CHECK(result.emplace(feature->id, feature->state).second);
  }
  return result;
}

/// The first error of reading with the inferred schema.
inline absl::Status read_error(FileReader& reader) {
  const auto inferred = take(reader.infer_schema());
  require_ok(reader.bind(inferred.schema));
  while (true) {
    const auto feature = reader.next();
    if (!feature.ok()) return feature.status();
    REQUIRE(feature->has_value());
  }
}

inline feature::Field field(std::int32_t number, const std::string& name, feature::FieldType type) {
  feature::Field f;
  f.number = number;
  f.name = name;
  f.type = type;
  return f;
}

inline geo::Geometry wkt(const std::string& text) { return take(geo::parse_wkt(text)); }

inline bool mentions(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace lt::sources::test
