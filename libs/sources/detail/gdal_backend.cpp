#include "sources/detail/gdal_backend.hpp"

#include <algorithm>
#include <array>

#include <absl/strings/match.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/status.hpp"
#include "geo/crs.hpp"
#include "sources/detail/coerce.hpp"
#include "sources/detail/ogr_value.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;
using feature::Value;

constexpr std::size_t kKeptWarnings = 100;
// QGIS keeps its styles beside the data, as one more table.
constexpr char kStyleTable[] = "layer_styles";

absl::Status file_error(absl::StatusCode code, std::string_view reason, const std::string& file,
                        std::string_view message) {
  return make_error(code, reason, fmt::format("{}: {}", file, message), {{"file", file}});
}

std::vector<const char*> open_options(const std::string& path) {
  if (absl::StartsWith(ending(path), ".csv")) return {"KEEP_GEOM_COLUMNS=NO", nullptr};
  if (absl::StartsWith(ending(path), ".gml")) return {"WRITE_GFS=NO", nullptr};
  return {nullptr};
}

std::string metadata_item(OGRLayerH layer, const char* name) {
  const char* value = GDALGetMetadataItem(layer, name, nullptr);
  return value == nullptr ? std::string() : std::string(value);
}

geo::Dimension dimension_of(OGRwkbGeometryType type) {
  const bool z = OGR_GT_HasZ(type) != 0;
  const bool m = OGR_GT_HasM(type) != 0;
  return z ? (m ? geo::Dimension::kXYZM : geo::Dimension::kXYZ) : (m ? geo::Dimension::kXYM : geo::Dimension::kXY);
}

// WKB codes are the values of both enumerations; curves and surfaces (from 8 on) are refused by libs/geo.
std::optional<geo::GeometryType> straight_type(OGRwkbGeometryType type) {
  const auto code = static_cast<unsigned>(OGR_GT_Flatten(type));
  if (code < static_cast<unsigned>(wkbPoint) || code > static_cast<unsigned>(wkbGeometryCollection))
    return std::nullopt;
  return static_cast<geo::GeometryType>(code);
}

absl::Status curve_error(OGRwkbGeometryType type) {
  return make_error(absl::StatusCode::kInvalidArgument, "GEOMETRY_CURVE",
                    fmt::format("{} has no straight-line form", OGRGeometryTypeToName(type)));
}

}  // namespace

GdalBackend::GdalBackend(const ReadOptions& options, Dataset dataset)
    : file_(base_name(options.path)), id_field_(options.id_field), dataset_(std::move(dataset)) {
  driver_ = GDALGetDriverShortName(GDALGetDatasetDriver(dataset_.get()));
}

absl::StatusOr<std::unique_ptr<Backend>> GdalBackend::open(const ReadOptions& options, const std::string& name) {
  use_gdal();
  const std::string file = base_name(options.path);
  const GdalErrors errors;
  const auto with = open_options(options.path);
  Dataset dataset(GDALOpenEx(name.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY, file_drivers(), with.data(), nullptr));
  if (dataset == nullptr) {
    return file_error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE", file,
                      fmt::format("not a vector file that can be read: {}", errors.text()));
  }
  std::unique_ptr<GdalBackend> self(new GdalBackend(options, std::move(dataset)));
  LT_RETURN_IF_ERROR(self->choose_layer(options.layer));
  LT_RETURN_IF_ERROR(annotate(self->choose_crs(options.crs), file));
  self->recognise_own_file();
  LT_RETURN_IF_ERROR(self->choose_id());
  self->list_columns();
  if (errors.failed()) {
    return file_error(absl::StatusCode::kDataLoss, "FILE_CORRUPT", file, errors.text());
  }
  self->keep_warnings(errors);
  return std::unique_ptr<Backend>(std::move(self));
}

absl::Status GdalBackend::choose_layer(const std::string& wanted) {
  std::vector<std::string> names;
  const int count = GDALDatasetGetLayerCount(dataset_.get());
  for (int i = 0; i < count; ++i) {
    OGRLayerH layer = GDALDatasetGetLayer(dataset_.get(), i);
    const std::string name = OGR_L_GetName(layer);
    if (name == wanted || (wanted.empty() && name != kStyleTable)) layer_ = layer;
    if (name != kStyleTable) names.push_back(name);
  }
  if (!wanted.empty() && layer_ == nullptr) {
    return file_error(absl::StatusCode::kNotFound, "LAYER_NOT_FOUND", file_,
                      fmt::format("has no layer '{}', only: {}", wanted, listed(names)));
  }
  if (wanted.empty() && names.size() > 1) {
    return file_error(absl::StatusCode::kInvalidArgument, "LAYER_AMBIGUOUS", file_,
                      fmt::format("has {} layers, name one with --layer: {}", names.size(), listed(names)));
  }
  if (layer_ == nullptr) {
    return file_error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE", file_, "has no layer of features");
  }
  return absl::OkStatus();
}

absl::Status GdalBackend::choose_crs(const std::string& declared) {
  if (OGR_L_GetGeomType(layer_) == wkbNone) return absl::OkStatus();
  OGRSpatialReferenceH srs = OGR_L_GetSpatialRef(layer_);
  swap_axes_ = north_comes_first(srs);
  if (!declared.empty()) {
    LT_ASSIGN_OR_RETURN(const geo::Crs crs, geo::find_crs(declared));
    crs_ = crs.id();
    return absl::OkStatus();
  }
  const GdalErrors quiet;
  LT_ASSIGN_OR_RETURN(crs_, epsg_of(srs));
  return absl::OkStatus();
}

void GdalBackend::recognise_own_file() {
  OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer_);
  std::string id = metadata_item(layer_, kIdFieldItem);
  std::string exact = metadata_item(layer_, kExactFieldItem);
  if (driver_ == "FlatGeobuf") {
    const std::array<std::string*, 2> found{&id, &exact};
    const std::array<const char*, 2> prefix{kIdColumn, kExactColumn};
    for (int i = 0; i < 2 && i < OGR_FD_GetFieldCount(definition); ++i) {
      const std::string name = OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(definition, i));
      const auto at = static_cast<std::size_t>(i);
      if (name == prefix[at] || absl::StartsWith(name, std::string(prefix[at]) + "_")) *found[at] = name;
    }
  }
  if (id.empty()) return;
  if (id_field_.empty()) {
    id_column_ = OGR_FD_GetFieldIndex(definition, id.c_str());
    id_from_ = id_column_ < 0 ? IdFrom::kNone : IdFrom::kColumn;
    id_is_hidden_ = id_column_ >= 0;
  } else if (id_field_ != id) {
    unused_id_column_ = OGR_FD_GetFieldIndex(definition, id.c_str());  // it is no property of the schema
  }
  if (!exact.empty()) exact_column_ = OGR_FD_GetFieldIndex(definition, exact.c_str());
}

absl::Status GdalBackend::choose_id() {
  if (id_from_ != IdFrom::kNone) return absl::OkStatus();
  OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer_);
  const std::string key = OGR_L_GetFIDColumn(layer_);
  if (id_field_.empty()) {
    if (!key.empty()) id_from_ = IdFrom::kFid;
    if (driver_ != "GML") return absl::OkStatus();
    for (const char* name : {"gml_id", "fid"}) {
      id_column_ = OGR_FD_GetFieldIndex(definition, name);
      if (id_column_ != 0) continue;  // GDAL puts the XML attribute first
      id_from_ = IdFrom::kColumn;
      id_is_hidden_ = true;
      break;
    }
    return absl::OkStatus();
  }
  id_column_ = OGR_FD_GetFieldIndex(definition, id_field_.c_str());
  id_from_ = id_column_ >= 0 ? IdFrom::kColumn : id_field_ == key ? IdFrom::kFid : IdFrom::kNone;
  if (id_from_ != IdFrom::kNone) return absl::OkStatus();
  return file_error(absl::StatusCode::kInvalidArgument, "UNKNOWN_FIELD", file_,
                    fmt::format("has no field '{}' to take ids from", id_field_));
}

void GdalBackend::list_columns() {
  OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer_);
  for (int i = 0; i < OGR_FD_GetFieldCount(definition); ++i) {
    if (i == exact_column_ || i == unused_id_column_ || (id_is_hidden_ && i == id_column_)) continue;
    OGRFieldDefnH field = OGR_FD_GetFieldDefn(definition, i);
    columns_.push_back({i, OGR_Fld_GetNameRef(field), natural_type(field), std::nullopt});
  }
}

absl::Status GdalBackend::bind(const feature::Schema& schema) {
  std::vector<std::string> unknown;
  for (auto& column : columns_) {
    const feature::Field* field = schema.find(column.name);
    column.target = field == nullptr ? std::nullopt : std::optional<feature::Field>(*field);
    if (field == nullptr && column.name != id_field_) unknown.push_back(column.name);
  }
  if (!unknown.empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "UNKNOWN_FIELD",
                      fmt::format("{}: the schema has no field: {}", file_, listed(unknown)),
                      {{"file", file_}, {"field", unknown.front()}});
  }
  schema_ = schema;
  bound_ = true;
  return absl::OkStatus();
}

absl::Status GdalBackend::rewind() {
  const GdalErrors errors;
  OGR_L_ResetReading(layer_);
  position_ = 0;
  return absl::OkStatus();
}

std::optional<std::int64_t> GdalBackend::count_hint() const {
  const GdalErrors quiet;
  if (OGR_L_TestCapability(layer_, OLCFastFeatureCount) == 0) return std::nullopt;
  const GIntBig count = OGR_L_GetFeatureCount(layer_, FALSE);
  return count < 0 ? std::nullopt : std::optional<std::int64_t>(count);
}

void GdalBackend::keep_warnings(const GdalErrors& errors) {
  for (const auto& text : errors.warnings()) {
    if (warnings_.size() >= kKeptWarnings) return;
    if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) warnings_.push_back(text);
  }
}

absl::StatusOr<OgrFeature> GdalBackend::next_row() {
  const GdalErrors errors;
  OgrFeature row(OGR_L_GetNextFeature(layer_));
  // Some drivers report a broken feature and go on with what they have: that is no feature either.
  if (errors.failed()) return make_error(absl::StatusCode::kDataLoss, "FILE_CORRUPT", errors.text());
  for (const auto& text : errors.warnings()) {
    if (absl::StartsWith(text, "Invalid content")) {
      return make_error(absl::StatusCode::kInvalidArgument, "VALUE_WRONG_TYPE", text);
    }
  }
  keep_warnings(errors);
  if (row != nullptr) ++position_;
  return row;
}

absl::StatusOr<std::string> GdalBackend::read_id(OGRFeatureH row) {
  switch (id_from_) {
    case IdFrom::kFid: return std::to_string(OGR_F_GetFID(row));
    case IdFrom::kNone: return no_ids();
    case IdFrom::kColumn: break;
  }
  if (OGR_F_IsFieldSetAndNotNull(row, id_column_) == 0) {
    return make_error(absl::StatusCode::kInvalidArgument, "FEATURE_ID_MISSING",
                      fmt::format("its id field '{}' has no value", id_field_));
  }
  LT_ASSIGN_OR_RETURN(const auto value, ogr_value(row, id_column_));
  if (const auto* text = std::get_if<std::string>(&*value)) return *text;
  if (const auto* number = std::get_if<std::int64_t>(&*value)) return std::to_string(*number);
  const auto* real = std::get_if<double>(&*value);
  if (real != nullptr) {
    // DBF numbers without fraction may come as doubles.
    LT_ASSIGN_OR_RETURN(const auto whole, coerce(*real, FieldType::kInt64));
    return std::to_string(std::get<std::int64_t>(*whole));
  }
  return make_error(absl::StatusCode::kInvalidArgument, "FEATURE_ID_INVALID", "an id is text or a whole number");
}

absl::Status GdalBackend::no_ids() {
  IdCandidates candidates;
  LT_RETURN_IF_ERROR(rewind());
  for (std::int64_t i = 0; i < IdCandidates::kLooksAt; ++i) {
    LT_ASSIGN_OR_RETURN(const OgrFeature row, next_row());
    if (row == nullptr) break;
    std::vector<std::pair<std::string, std::string>> values;
    for (const auto& column : columns_) {
      const bool can_be_id = column.natural == FieldType::kString || column.natural == FieldType::kInt64;
      if (!can_be_id || OGR_F_IsFieldSetAndNotNull(row.get(), column.index) == 0) continue;
      values.emplace_back(column.name, OGR_F_GetFieldAsString(row.get(), column.index));
    }
    candidates.add(values);
  }
  return no_own_ids(candidates.names());
}

absl::StatusOr<std::optional<geo::Geometry>> GdalBackend::read_geometry(OGRFeatureH row) const {
  OGRGeometryH geometry = OGR_F_GetGeometryRef(row);
  if (geometry == nullptr) return std::optional<geo::Geometry>();
  OgrGeometry swapped;
  if (swap_axes_) {
    swapped.reset(OGR_G_Clone(geometry));
    OGR_G_SwapXY(swapped.get());
    geometry = swapped.get();
  }
  std::string wkb(static_cast<std::size_t>(OGR_G_WkbSize(geometry)), '\0');
  const GdalErrors errors;
  if (OGR_G_ExportToIsoWkb(geometry, wkbNDR, reinterpret_cast<unsigned char*>(wkb.data())) != OGRERR_NONE) {
    return curve_error(OGR_G_GetGeometryType(geometry));
  }
  LT_ASSIGN_OR_RETURN(geo::Geometry result, geo::parse_wkb(wkb));
  return std::optional<geo::Geometry>(std::move(result));
}

absl::Status GdalBackend::read_columns(OGRFeatureH row, SourceFeature& out, Place& place) const {
  for (const auto& column : columns_) {
    if (!column.target) continue;
    place.field = column.name;
    LT_ASSIGN_OR_RETURN(auto value, ogr_value(row, column.index));
    if (!value) continue;
    LT_ASSIGN_OR_RETURN(auto kept, coerce(*std::move(value), column.target->type));
    if (kept) out.state.properties.emplace(column.target->number, *std::move(kept));
  }
  place.field.clear();
  return absl::OkStatus();
}

absl::Status GdalBackend::read_exact(OGRFeatureH row, SourceFeature& out) const {
  if (exact_column_ < 0 || OGR_F_IsFieldSetAndNotNull(row, exact_column_) == 0) return absl::OkStatus();
  const auto corrupt = [](std::string_view why) {
    return make_error(absl::StatusCode::kDataLoss, "FILE_CORRUPT", fmt::format("{}: {}", kExactColumn, why));
  };
  const auto exact = parse_json(OGR_F_GetFieldAsString(row, exact_column_));
  if (!exact.ok() || !exact->is_object()) return corrupt("not a JSON object");
  for (const auto& [name, value] : exact->items()) {
    const feature::Field* field = schema_->find(name);
    if (field == nullptr) continue;
    if (field->type == FieldType::kDouble && value.is_string()) {
      const auto number = double_from_bits(value.get<std::string>());
      if (!number) return corrupt(fmt::format("'{}' has no double bits", name));
      out.state.properties.insert_or_assign(field->number, *number);
    } else {
      LT_ASSIGN_OR_RETURN(Value kept, feature::value_from_json(field->type, value));
      out.state.properties.insert_or_assign(field->number, std::move(kept));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<SourceFeature>> GdalBackend::next() {
  Place place{file_, position_ + 1, {}, {}};
  auto row = next_row();
  if (!row.ok()) return at(row.status(), place);
  if (*row == nullptr) return std::optional<SourceFeature>();
  SourceFeature result;
  result.position = position_;
  auto id = read_id(row->get());
  if (!id.ok()) return at(id.status(), place);
  result.id = *std::move(id);
  place.id = is_utf8(result.id) ? result.id : std::string();
  if (auto status = feature::check_feature_id(result.id); !status.ok()) return at(status, place);
  auto geometry = read_geometry(row->get());
  place.field = "geometry";
  if (!geometry.ok()) return at(geometry.status(), place);
  result.state.geometry = *std::move(geometry);
  if (auto status = read_columns(row->get(), result, place); !status.ok()) return at(status, place);
  if (auto status = read_exact(row->get(), result); !status.ok()) return at(status, place);
  return std::optional<SourceFeature>(std::move(result));
}

absl::StatusOr<std::optional<InferredSchema>> GdalBackend::recorded_schema() const {
  const std::string text = metadata_item(layer_, kSchemaItem);
  if (text.empty()) return std::optional<InferredSchema>();
  LT_ASSIGN_OR_RETURN(const auto json, parse_json(text));
  InferredSchema out;
  LT_ASSIGN_OR_RETURN(out.schema, feature::schema_from_json(json));
  out.notes.emplace_back("the schema was recorded in the file");
  return std::optional<InferredSchema>(std::move(out));
}

void GdalBackend::infer_fields(const std::vector<std::int64_t>& filled, InferredSchema& out) const {
  OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer_);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    OGRFieldDefnH source = OGR_FD_GetFieldDefn(definition, column.index);
    feature::Field field;
    field.number = static_cast<std::int32_t>(i) + 1;
    field.name = column.name;
    field.type = column.natural;
    field.required = OGR_Fld_IsNullable(source) == 0;
    // Only GeoPackage counts characters; a DBF's width is bytes.
    const int width = OGR_Fld_GetWidth(source);
    if (driver_ == "GPKG" && field.type == FieldType::kString && width > 0) field.max_length = width;
    if (filled[i] == 0 && position_ > 0) {
      out.notes.push_back(fmt::format("field '{}' has only nulls: taken as {}, as the file declares it", field.name,
                                      feature::to_string(field.type)));
    }
    if (field.type == FieldType::kTimestamp) {
      out.notes.push_back(fmt::format("field '{}': GDAL reads times of this format to the millisecond", field.name));
    }
    if (OGR_Fld_GetType(source) == OFTTime) {
      out.notes.push_back(fmt::format("field '{}' is a time of day: taken as string", field.name));
    }
    out.schema.fields.push_back(std::move(field));
  }
  if (driver_ == "CSV") out.notes.emplace_back("CSV has no types: every field is a string");
}

void GdalBackend::widen_shapefile_types(GeometryStats& stats) const {
  if (driver_ != "ESRI Shapefile" && driver_ != "OpenFileGDB") return;
  // These formats do not tell a line from a multi-line, nor a polygon from a multi-polygon: the next export may have
  // both.
  const auto types = stats.types();
  constexpr std::array kPairs{std::pair{geo::GeometryType::kLineString, geo::GeometryType::kMultiLineString},
                              std::pair{geo::GeometryType::kPolygon, geo::GeometryType::kMultiPolygon}};
  for (const auto& [single, multi] : kPairs) {
    if (types.contains(single) == types.contains(multi)) continue;
    stats.add_type(types.contains(single) ? multi : single);
  }
}

absl::StatusOr<InferredSchema> GdalBackend::infer_schema() {
  LT_ASSIGN_OR_RETURN(auto recorded, recorded_schema());
  if (recorded) return *std::move(recorded);
  LT_RETURN_IF_ERROR(rewind());
  InferredSchema out;
  GeometryStats stats;
  std::vector<std::int64_t> filled(columns_.size(), 0);
  while (true) {
    const auto row = next_row();
    if (!row.ok()) return at(row.status(), Place{file_, position_ + 1, {}, {}});
    if (*row == nullptr) break;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      filled[i] += OGR_F_IsFieldSetAndNotNull(row->get(), columns_[i].index);
    }
    OGRGeometryH geometry = OGR_F_GetGeometryRef(row->get());
    if (geometry == nullptr) {
      stats.add_null();
      continue;
    }
    const OGRwkbGeometryType type = OGR_G_GetGeometryType(geometry);
    if (const auto straight = straight_type(type)) {
      stats.add(*straight, dimension_of(type));
    } else {
      stats.add_refused(curve_error(type), position_);
    }
  }
  const OGRwkbGeometryType declared = OGR_L_GetGeomType(layer_);
  if (position_ == 0 && straight_type(declared)) {
    stats.add(*straight_type(declared), dimension_of(declared));
    out.notes.emplace_back("the file has no features: the schema is what it declares");
  }
  widen_shapefile_types(stats);
  stats.apply(crs_, out);
  infer_fields(filled, out);
  if (id_from_ == IdFrom::kNone)
    out.notes.emplace_back("the features have no ids of their own: pushing needs --id-field");
  return out;
}

}  // namespace lt::sources::detail
