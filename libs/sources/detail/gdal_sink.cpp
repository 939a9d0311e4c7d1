// GeoPackage and FlatGeobuf through GDAL.
#include <cmath>
#include <set>

#include <absl/strings/ascii.h>
#include <cpl_string.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "sources/detail/coerce.hpp"
#include "sources/detail/gdal_backend.hpp"
#include "sources/detail/gdal_support.hpp"
#include "sources/detail/sink.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;
using feature::Value;

absl::Status cannot_hold(std::string_view message) {
  return make_error(absl::StatusCode::kInvalidArgument, "FORMAT_CANNOT_HOLD", message);
}

/// The first of name, name_2, name_3, ... that is not taken (lower case), and takes it.
std::string free_name(const std::string& name, std::set<std::string>& taken) {
  std::string result = name;
  for (int n = 2; !taken.insert(absl::AsciiStrToLower(result)).second; ++n) result = fmt::format("{}_{}", name, n);
  return result;
}

OGRwkbGeometryType layer_type(const feature::GeometryRule& rule) {
  if (rule.types.empty()) return wkbNone;
  // One type only gives a typed layer; GDAL's "unknown" takes any, of any dimension in GeoPackage.
  const bool one = rule.types.size() == 1 && rule.dimensions.size() == 1;
  const auto base = one ? static_cast<OGRwkbGeometryType>(rule.types.front()) : wkbUnknown;
  if (rule.dimensions.size() != 1) return base;
  const auto dimension = rule.dimensions.front();
  const bool z = dimension == geo::Dimension::kXYZ || dimension == geo::Dimension::kXYZM;
  const bool m = dimension == geo::Dimension::kXYM || dimension == geo::Dimension::kXYZM;
  return OGR_GT_SetModifier(base, z ? TRUE : FALSE, m ? TRUE : FALSE);
}

struct ColumnType {
  OGRFieldType type = OFTString;
  OGRFieldSubType sub = OFSTNone;
};

ColumnType column_type(FieldType type, bool geopackage) {
  switch (type) {
    case FieldType::kInt64: return {OFTInteger64, OFSTNone};
    case FieldType::kDouble: return {OFTReal, OFSTNone};
    case FieldType::kBool: return {OFTInteger, OFSTBoolean};
    case FieldType::kBytes: return {OFTBinary, OFSTNone};
    case FieldType::kDate: return {geopackage ? OFTDate : OFTString, OFSTNone};
    case FieldType::kJson: return {OFTString, geopackage ? OFSTJSON : OFSTNone};
    default: return {OFTString, OFSTNone};
  }
}

/// GDAL 3.6 drops, without a word, what has no or an empty geometry from FlatGeobuf, and empty parts of the others.
bool has_empty_part(OGRGeometryH geometry) {
  if (OGR_G_IsEmpty(geometry) != 0) return true;
  for (int i = 0; i < OGR_G_GetGeometryCount(geometry); ++i) {
    if (has_empty_part(OGR_G_GetGeometryRef(geometry, i))) return true;
  }
  return false;
}

absl::Status hollow(const std::string& id) {
  return make_error(
      absl::StatusCode::kInvalidArgument, "FORMAT_CANNOT_HOLD",
      fmt::format("feature '{}' has no geometry, or an empty one or part, which FlatGeobuf does not keep; "
                  "write .gpkg or .geojsonl",
                  id),
      {{"feature_id", id}, {"field", "geometry"}});
}

class Options {
 public:
  void set(const char* name, const std::string& value) { list_ = CSLSetNameValue(list_, name, value.c_str()); }
  [[nodiscard]] char** get() const { return list_; }
  Options() = default;
  ~Options() { CSLDestroy(list_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

 private:
  char** list_ = nullptr;
};

class GdalSink final : public Sink {
 public:
  GdalSink(const std::string& path, bool geopackage, const feature::Schema& schema)
      : temp_(path), geopackage_(geopackage), schema_(schema) {}

  absl::Status start(std::string_view layer_name);
  absl::Status write(const std::string& id, const feature::State& state) override;
  absl::Status finish() override;

 private:
  [[nodiscard]] absl::Status check_fits();
  [[nodiscard]] absl::Status create_layer();
  [[nodiscard]] absl::Status create_columns();
  [[nodiscard]] absl::Status add_column(const std::string& name, ColumnType type, int& index);
  [[nodiscard]] absl::Status record_marks();
  [[nodiscard]] absl::Status check_count() const;
  [[nodiscard]] absl::Status set_geometry(OGRFeatureH row, const std::string& id,
                                          const std::optional<geo::Geometry>& geometry) const;
  void set_value(OGRFeatureH row, const feature::Field& field, int index, const Value& value,
                 nlohmann::json& exact) const;
  void set_number(OGRFeatureH row, const feature::Field& field, int index, double number, nlohmann::json& exact) const;

  TempFile temp_;
  bool geopackage_;
  feature::Schema schema_;
  std::set<std::string> taken_;  ///< column names in lower case
  std::string id_name_, exact_name_;
  int id_index_ = -1, exact_index_ = -1;
  std::vector<int> index_;  ///< by place in schema_.fields
  std::string layer_name_;
  std::int64_t rows_ = 0;
  Dataset dataset_;
  OGRLayerH layer_ = nullptr;
};

absl::Status GdalSink::check_fits() {
  for (const auto& field : schema_.fields) {
    if (taken_.insert(absl::AsciiStrToLower(field.name)).second) continue;
    return cannot_hold(
        fmt::format("field '{}' differs from another only in case, which the format does not tell apart; "
                    "write GeoJSON",
                    field.name));
  }
  if (geopackage_) return absl::OkStatus();
  if (schema_.geometry.types.empty()) return cannot_hold("FlatGeobuf needs geometry; write .gpkg or .geojsonl");
  if (schema_.geometry.dimensions.size() > 1) {
    return cannot_hold("FlatGeobuf has one dimension for all features, the schema allows several; write .gpkg");
  }
  return absl::OkStatus();
}

absl::Status GdalSink::start(std::string_view layer_name) {
  use_gdal();
  LT_RETURN_IF_ERROR(check_fits());
  id_name_ = free_name(geopackage_ ? "id" : kIdColumn, taken_);
  if (geopackage_ && id_name_ != "id") id_name_ = free_name(kIdColumn, taken_);
  layer_name_ = layer_name;
  LT_RETURN_IF_ERROR(create_layer());
  LT_RETURN_IF_ERROR(create_columns());
  const GdalErrors errors;
  if (geopackage_ && GDALDatasetStartTransaction(dataset_.get(), FALSE) != OGRERR_NONE) {
    return unwritable(temp_.path(), errors.text());
  }
  return absl::OkStatus();
}

absl::Status GdalSink::create_layer() {
  const GdalErrors errors;
  GDALDriverH driver = GDALGetDriverByName(geopackage_ ? "GPKG" : "FlatGeobuf");
  dataset_.reset(GDALCreate(driver, temp_.path().c_str(), 0, 0, 0, GDT_Unknown, nullptr));
  if (dataset_ == nullptr) return unwritable(temp_.path(), errors.text());
  Srs srs;
  if (!schema_.crs.empty()) {
    LT_ASSIGN_OR_RETURN(srs, make_srs(schema_.srid()));
  }
  Options options;
  options.set("SPATIAL_INDEX", "YES");
  if (geopackage_) {
    options.set("FID", free_name("fid", taken_));
    options.set("GEOMETRY_NAME", free_name("geom", taken_));
  }
  layer_ = GDALDatasetCreateLayer(dataset_.get(), layer_name_.c_str(), srs.get(), layer_type(schema_.geometry),
                                  options.get());
  if (layer_ == nullptr) return unwritable(temp_.path(), errors.text());
  return absl::OkStatus();
}

absl::Status GdalSink::add_column(const std::string& name, ColumnType type, int& index) {
  const GdalErrors errors;
  const std::unique_ptr<std::remove_pointer_t<OGRFieldDefnH>, decltype(&OGR_Fld_Destroy)> field(
      OGR_Fld_Create(name.c_str(), type.type), &OGR_Fld_Destroy);
  OGR_Fld_SetSubType(field.get(), type.sub);
  if (OGR_L_CreateField(layer_, field.get(), FALSE) != OGRERR_NONE) return unwritable(temp_.path(), errors.text());
  index = OGR_FD_GetFieldCount(OGR_L_GetLayerDefn(layer_)) - 1;
  return absl::OkStatus();
}

absl::Status GdalSink::create_columns() {
  LT_RETURN_IF_ERROR(add_column(id_name_, {}, id_index_));
  bool needs_exact = false;
  for (const auto& field : schema_.fields) {
    needs_exact = needs_exact || field.type == FieldType::kDouble || field.type == FieldType::kBytes;
  }
  if (needs_exact) {
    exact_name_ = free_name(kExactColumn, taken_);
    LT_RETURN_IF_ERROR(add_column(exact_name_, {}, exact_index_));
  }
  for (const auto& field : schema_.fields) {
    LT_RETURN_IF_ERROR(add_column(field.name, column_type(field.type, geopackage_), index_.emplace_back(-1)));
  }
  return geopackage_ ? record_marks() : absl::OkStatus();
}

absl::Status GdalSink::record_marks() {
  const GdalErrors errors;
  GDALSetMetadataItem(layer_, kIdFieldItem, id_name_.c_str(), nullptr);
  if (!exact_name_.empty()) GDALSetMetadataItem(layer_, kExactFieldItem, exact_name_.c_str(), nullptr);
  GDALSetMetadataItem(layer_, kSchemaItem, feature::schema_to_json(schema_).dump().c_str(), nullptr);
  if (errors.failed()) return unwritable(temp_.path(), errors.text());
  return absl::OkStatus();
}

void GdalSink::set_number(OGRFeatureH row, const feature::Field& field, int index, double number,
                          nlohmann::json& exact) const {
  // SQLite stores NaN as null and -0.0 as 0.
  const bool kept = !geopackage_ || !(std::isnan(number) || (number == 0 && std::signbit(number)));
  if (kept) {
    OGR_F_SetFieldDouble(row, index, number);
  } else {
    exact[field.name] = double_bits(number);
    if (number == 0) OGR_F_SetFieldDouble(row, index, 0);
  }
}

void GdalSink::set_value(OGRFeatureH row, const feature::Field& field, int index, const Value& value,
                         nlohmann::json& exact) const {
  const auto set_text = [&](const std::string& text) { OGR_F_SetFieldString(row, index, text.c_str()); };
  switch (feature::type_of(value)) {
    case FieldType::kString: return set_text(std::get<std::string>(value));
    case FieldType::kInt64: return OGR_F_SetFieldInteger64(row, index, std::get<std::int64_t>(value));
    case FieldType::kDouble: return set_number(row, field, index, std::get<double>(value), exact);
    case FieldType::kBool: return OGR_F_SetFieldInteger(row, index, std::get<bool>(value) ? 1 : 0);
    case FieldType::kBytes: {
      const auto& bytes = std::get<feature::Bytes>(value).bytes;
      if (!bytes.empty()) return OGR_F_SetFieldBinary(row, index, static_cast<int>(bytes.size()), bytes.data());
      exact[field.name] = "";
      return;
    }
    case FieldType::kStringList: return set_text(feature::value_to_json(value).dump());
    case FieldType::kJson: return set_text(std::get<feature::Json>(value).text);
    default: return set_text(feature::value_to_json(value).get<std::string>());
  }
}

absl::Status GdalSink::set_geometry(OGRFeatureH row, const std::string& id,
                                    const std::optional<geo::Geometry>& geometry) const {
  if (!geometry && !geopackage_) return hollow(id);
  if (!geometry) return absl::OkStatus();
  OGRGeometryH made = nullptr;
  const OGRErr error =
      OGR_G_CreateFromWkb(geometry->wkb.data(), nullptr, &made, static_cast<int>(geometry->wkb.size()));
  if (error != OGRERR_NONE) return cannot_hold(fmt::format("feature '{}': GDAL cannot take its geometry", id));
  OGR_F_SetGeometryDirectly(row, made);
  if (!geopackage_ && has_empty_part(made)) return hollow(id);
  return absl::OkStatus();
}

absl::Status GdalSink::write(const std::string& id, const feature::State& state) {
  const GdalErrors errors;
  const OgrFeature row(OGR_F_Create(OGR_L_GetLayerDefn(layer_)));
  OGR_F_SetFieldString(row.get(), id_index_, id.c_str());
  auto exact = nlohmann::json::object();
  for (std::size_t i = 0; i < schema_.fields.size(); ++i) {
    const auto it = state.properties.find(schema_.fields[i].number);
    if (it != state.properties.end()) set_value(row.get(), schema_.fields[i], index_[i], it->second, exact);
  }
  if (!exact.empty()) OGR_F_SetFieldString(row.get(), exact_index_, exact.dump().c_str());
  LT_RETURN_IF_ERROR(set_geometry(row.get(), id, state.geometry));
  if (OGR_L_CreateFeature(layer_, row.get()) != OGRERR_NONE || errors.failed()) {
    return annotate(unwritable(temp_.path(), errors.text()), fmt::format("feature '{}'", id));
  }
  ++rows_;
  return absl::OkStatus();
}

/// Drivers have lost features without an error before: the closed file is asked.
absl::Status GdalSink::check_count() const {
  const GdalErrors errors;
  const Dataset written(GDALOpenEx(temp_.path().c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY, nullptr, nullptr, nullptr));
  if (written == nullptr) return unwritable(temp_.path(), errors.text());
  const GIntBig found = OGR_L_GetFeatureCount(GDALDatasetGetLayer(written.get(), 0), TRUE);
  if (found == rows_) return absl::OkStatus();
  return make_error(absl::StatusCode::kDataLoss, "FILE_CORRUPT",
                    fmt::format("{} features were written, the file has {}", rows_, found));
}

absl::Status GdalSink::finish() {
  const GdalErrors errors;
  if (geopackage_) GDALDatasetCommitTransaction(dataset_.get());
  dataset_.reset();  // writes the spatial index and, for FlatGeobuf, the whole file
  layer_ = nullptr;
  if (errors.failed()) return unwritable(temp_.path(), errors.text());
  LT_RETURN_IF_ERROR(check_count());
  return temp_.publish();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sink>> open_gdal_sink(const std::string& path, bool geopackage,
                                                     const feature::Schema& schema, std::string_view layer_name) {
  auto sink = std::make_unique<GdalSink>(path, geopackage, schema);
  LT_RETURN_IF_ERROR(sink->start(layer_name));
  return std::unique_ptr<Sink>(std::move(sink));
}

}  // namespace lt::sources::detail
