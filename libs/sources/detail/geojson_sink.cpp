// GeoJSON as text of our own, because GDAL rounds coordinates and changes ids and numbers.
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "geo/crs.hpp"
#include "sources/detail/geojson_backend.hpp"
#include "sources/detail/sink.hpp"

namespace lt::sources::detail {
namespace {

constexpr int kWgs84 = 4326;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

class GeoJsonSink final : public Sink {
 public:
  GeoJsonSink(const std::string& path, bool line_per_feature, const feature::Schema& schema)
      : temp_(path), schema_(schema), lines_(line_per_feature) {}

  absl::Status start(std::string_view layer_name) {
    file_.reset(std::fopen(temp_.path().c_str(), "wbe"));
    if (file_ == nullptr) return unwritable(temp_.path(), std::generic_category().message(errno));
    if (!schema_.crs.empty() && schema_.srid() != kWgs84) {
      LT_ASSIGN_OR_RETURN(const geo::Crs from, geo::find_crs(schema_.crs));
      LT_ASSIGN_OR_RETURN(const geo::Crs to, geo::find_crs("EPSG:4326"));
      LT_ASSIGN_OR_RETURN(auto transformer, geo::Transformer::create(from, to));
      transformer_.emplace(std::move(transformer));
    }
    if (lines_) return absl::OkStatus();
    return put(
        fmt::format("{{\"type\":\"FeatureCollection\",\"name\":{},\"features\":[", quoted(std::string(layer_name))));
  }

  absl::Status write(const std::string& id, const feature::State& state) override {
    std::string text = lines_ ? "" : (count_ == 0 ? "\n" : ",\n");
    text += fmt::format("{{\"type\":\"Feature\",\"id\":{},", quoted(id));
    LT_RETURN_IF_ERROR(annotate(add_geometry(state.geometry, text), fmt::format("feature '{}'", id)));
    text += ",\"properties\":{";
    const char* comma = "";
    for (const auto& field : schema_.fields) {
      const auto it = state.properties.find(field.number);
      const auto value = it == state.properties.end() ? nlohmann::json() : feature::value_to_json(it->second);
      text += fmt::format("{}{}:{}", comma, quoted(field.name), value.dump());
      comma = ",";
    }
    text += lines_ ? "}}\n" : "}}";
    ++count_;
    return put(text);
  }

  absl::Status finish() override {
    if (!lines_) LT_RETURN_IF_ERROR(put("\n]}\n"));
    std::FILE* file = file_.release();
    if (std::fclose(file) != 0) return unwritable(temp_.path(), std::generic_category().message(errno));
    return temp_.publish();
  }

 private:
  absl::Status put(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size()) return absl::OkStatus();
    return unwritable(temp_.path(), std::generic_category().message(errno));
  }

  absl::Status add_geometry(const std::optional<geo::Geometry>& geometry, std::string& text) const {
    if (!geometry) {
      text += "\"geometry\":null";
      return absl::OkStatus();
    }
    if (transformer_) {
      LT_ASSIGN_OR_RETURN(const geo::Geometry moved, transformer_->transform(*geometry));
      text += "\"geometry\":" + geo::to_geojson(moved);
      return absl::OkStatus();
    }
    const std::string json = geo::to_geojson(*geometry);
    text += "\"geometry\":" + json;
    const auto back = geo::parse_geojson(json);
    if (!back.ok() || back->wkb != geometry->wkb) {
      text += fmt::format(",\"{}\":\"{}\"", kWkbMember, to_hex(geometry->wkb));
    }
    return absl::OkStatus();
  }

  TempFile temp_;
  feature::Schema schema_;
  bool lines_;
  std::int64_t count_ = 0;
  std::optional<geo::Transformer> transformer_;
  std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Sink>> open_geojson_sink(const std::string& path, bool line_per_feature,
                                                        const feature::Schema& schema, std::string_view layer_name) {
  auto sink = std::make_unique<GeoJsonSink>(path, line_per_feature, schema);
  LT_RETURN_IF_ERROR(sink->start(layer_name));
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace lt::sources::detail
