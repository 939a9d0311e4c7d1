#include "sources/detail/geojson_backend.hpp"

#include <absl/strings/match.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/status.hpp"
#include "geo/crs.hpp"
#include "sources/detail/coerce.hpp"
#include "sources/detail/json_inference.hpp"

namespace lt::sources::detail {
namespace {

using nlohmann::json;

constexpr char kWgs84[] = "EPSG:4326";

// The text of a geometry may be several times its WKB.
geo::GeometryLimits text_limits() {
  geo::GeometryLimits limits;
  limits.max_bytes = static_cast<std::uint32_t>(JsonCutter::kMaxValueBytes);
  return limits;
}

absl::Status id_error(std::string_view reason, std::string_view message) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message);
}

/// Text of an id: a string as it is, a whole number in decimal.
absl::StatusOr<std::string> id_text(const json& value) {
  if (value.is_null()) return id_error("FEATURE_ID_MISSING", "the feature has no id");
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer()) return value.dump();
  return id_error("FEATURE_ID_INVALID", "an id is text or a whole number");
}

absl::StatusOr<json> parse_part(const std::string& text, std::string_view what) {
  auto parsed = parse_json(text);
  if (parsed.ok()) return parsed;
  const std::string reason = is_utf8(text) ? "FILE_CORRUPT" : "TEXT_NOT_UTF8";
  return make_error(absl::StatusCode::kDataLoss, reason, fmt::format("{}: {}", what, message_of(parsed.status())));
}

std::vector<std::pair<std::string, std::string>> texts_of(const json& properties) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto& [name, value] : properties.items()) {
    if (value.is_string()) result.emplace_back(name, value.get<std::string>());
    if (value.is_number_integer()) result.emplace_back(name, value.dump());
  }
  return result;
}

}  // namespace

GeoJsonBackend::GeoJsonBackend(const ReadOptions& options, std::unique_ptr<ByteSource> source)
    : file_(base_name(options.path)), id_field_(options.id_field), crs_(kWgs84), cutter_(std::move(source)) {}

absl::StatusOr<std::unique_ptr<Backend>> GeoJsonBackend::open(const ReadOptions& options,
                                                              std::unique_ptr<ByteSource> source) {
  std::unique_ptr<GeoJsonBackend> self(new GeoJsonBackend(options, std::move(source)));
  if (!options.crs.empty()) {
    LT_ASSIGN_OR_RETURN(const geo::Crs crs, geo::find_crs(options.crs));
    self->crs_ = crs.id();
    self->crs_given_ = true;
  }
  const std::string stem = self->file_.substr(0, self->file_.find('.'));
  if (!options.layer.empty() && options.layer != stem) {
    return make_error(absl::StatusCode::kNotFound, "LAYER_NOT_FOUND",
                      fmt::format("{} has one layer, '{}', and none named '{}'", self->file_, stem, options.layer));
  }
  const auto first = self->next_raw();
  if (!first.ok()) {
    const bool corrupt = first.status().code() == absl::StatusCode::kDataLoss;
    if (!corrupt) return first.status();
    return make_error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                      fmt::format("{} cannot be read as GeoJSON: {}", self->file_, message_of(first.status())),
                      {{"file", self->file_}});
  }
  LT_RETURN_IF_ERROR(self->rewind());
  return std::unique_ptr<Backend>(std::move(self));
}

absl::Status GeoJsonBackend::rewind() {
  in_collection_ = false;
  first_element_ = true;
  position_ = 0;
  return cutter_.rewind();
}

absl::Status GeoJsonBackend::use_crs_member(const std::string& text, bool before_features) {
  LT_ASSIGN_OR_RETURN(const json crs, parse_part(text, "crs"));
  if (crs.is_null() || crs_given_) return absl::OkStatus();
  const json name = crs.is_object() ? crs.value("/properties/name"_json_pointer, json()) : json();
  if (!name.is_string()) return cutter_.corrupt("the crs member has no name");
  std::string found = kWgs84;
  if (!absl::EndsWith(name.get_ref<const std::string&>(), ":CRS84")) {
    LT_ASSIGN_OR_RETURN(const geo::Crs known, geo::find_crs(name.get<std::string>()));
    found = known.id();
  }
  if (!before_features && found != crs_) {
    return make_error(
        absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
        fmt::format("{}: its crs member ({}) stands after the features; give --crs {}", file_, found, found));
  }
  crs_ = found;
  return absl::OkStatus();
}

absl::Status GeoJsonBackend::enter_collection(const std::vector<JsonMember>& before) {
  in_collection_ = true;
  first_element_ = true;
  for (const auto& member : before) {
    if (member.name == "crs") LT_RETURN_IF_ERROR(use_crs_member(member.text, true));
    if (member.name == "type" && member.text != "\"FeatureCollection\"") {
      return cutter_.corrupt("an object with features is not a FeatureCollection");
    }
  }
  return absl::OkStatus();
}

absl::Status GeoJsonBackend::leave_collection() {
  in_collection_ = false;
  if (cutter_.take('}')) return absl::OkStatus();
  if (!cutter_.take(',')) return cutter_.corrupt("a comma or closing brace is missing after the features");
  std::vector<JsonMember> after;
  LT_RETURN_IF_ERROR(cutter_.cut_members(after));
  for (const auto& member : after) {
    if (member.name == "features") return cutter_.corrupt("a collection has its features twice");
    if (member.name == "crs") LT_RETURN_IF_ERROR(use_crs_member(member.text, false));
  }
  return absl::OkStatus();
}

absl::StatusOr<GeoJsonBackend::RawFeature> GeoJsonBackend::to_raw(std::vector<JsonMember> members) const {
  RawFeature raw;
  for (auto& [name, text] : members) {
    std::string* place = name == "type"         ? &raw.type
                         : name == "id"         ? &raw.id
                         : name == "geometry"   ? &raw.geometry
                         : name == "properties" ? &raw.properties
                         : name == kWkbMember   ? &raw.wkb
                                                : nullptr;
    if (place == nullptr) continue;
    if (!place->empty()) return cutter_.corrupt(fmt::format("a feature has its {} twice", name));
    *place = std::move(text);
  }
  if (raw.type != "\"Feature\"") return cutter_.corrupt("an object is not a GeoJSON Feature or FeatureCollection");
  return raw;
}

absl::StatusOr<std::optional<GeoJsonBackend::RawFeature>> GeoJsonBackend::next_in_collection() {
  if (cutter_.take(']')) {
    LT_RETURN_IF_ERROR(leave_collection());
    return std::optional<RawFeature>();
  }
  if (!first_element_ && !cutter_.take(',')) return cutter_.corrupt("a comma between features is missing");
  first_element_ = false;
  if (!cutter_.take('{')) return cutter_.corrupt("a feature is missing");
  std::vector<JsonMember> members;
  LT_RETURN_IF_ERROR(cutter_.cut_members(members));
  LT_ASSIGN_OR_RETURN(RawFeature raw, to_raw(std::move(members)));
  return std::optional<RawFeature>(std::move(raw));
}

absl::StatusOr<std::optional<GeoJsonBackend::RawFeature>> GeoJsonBackend::next_at_top() {
  if (!cutter_.take('{')) return cutter_.corrupt("a GeoJSON object is missing");
  std::vector<JsonMember> members;
  if (cutter_.take('}')) return cutter_.corrupt("an empty object");
  while (true) {
    JsonMember member;
    LT_RETURN_IF_ERROR(cutter_.cut_name(member.name));
    if (member.name == "features" && cutter_.take('[')) {
      LT_RETURN_IF_ERROR(enter_collection(members));
      return std::optional<RawFeature>();
    }
    LT_RETURN_IF_ERROR(cutter_.cut(member.text));
    members.push_back(std::move(member));
    if (cutter_.take('}')) break;
    if (!cutter_.take(',')) return cutter_.corrupt("a comma or closing brace is missing");
  }
  LT_ASSIGN_OR_RETURN(RawFeature raw, to_raw(std::move(members)));
  return std::optional<RawFeature>(std::move(raw));
}

absl::StatusOr<std::optional<GeoJsonBackend::RawFeature>> GeoJsonBackend::next_raw() {
  while (true) {
    if (!in_collection_) {
      cutter_.skip_space();
      if (cutter_.peek() == JsonCutter::kEnd) {
        LT_RETURN_IF_ERROR(cutter_.status());
        return std::optional<RawFeature>();
      }
    }
    LT_ASSIGN_OR_RETURN(auto raw, in_collection_ ? next_in_collection() : next_at_top());
    if (!raw) continue;
    ++position_;
    return raw;
  }
}

absl::StatusOr<std::optional<geo::Geometry>> GeoJsonBackend::read_geometry(const RawFeature& raw) const {
  if (!raw.wkb.empty()) {
    LT_ASSIGN_OR_RETURN(const json hex, parse_part(raw.wkb, kWkbMember));
    const auto bytes = hex.is_string() ? from_hex(hex.get<std::string>()) : std::nullopt;
    if (!bytes) return cutter_.corrupt(fmt::format("{} is not hexadecimal text", kWkbMember));
    LT_ASSIGN_OR_RETURN(geo::Geometry geometry, geo::parse_wkb(*bytes));
    return std::optional<geo::Geometry>(std::move(geometry));
  }
  if (raw.geometry.empty() || raw.geometry == "null") return std::optional<geo::Geometry>();
  LT_ASSIGN_OR_RETURN(geo::Geometry geometry, geo::parse_geojson(raw.geometry, text_limits()));
  return std::optional<geo::Geometry>(std::move(geometry));
}

absl::StatusOr<std::string> GeoJsonBackend::read_id(const RawFeature& raw, const json& properties) {
  if (!id_field_.empty()) {
    const auto it = properties.find(id_field_);
    if (it == properties.end() || it->is_null()) {
      return id_error("FEATURE_ID_MISSING", fmt::format("its id field '{}' has no value", id_field_));
    }
    return id_text(*it);
  }
  if (raw.id.empty() && position_ == 1) return no_ids();
  LT_ASSIGN_OR_RETURN(const json id, raw.id.empty() ? absl::StatusOr<json>(json()) : parse_part(raw.id, "id"));
  return id_text(id);
}

absl::Status GeoJsonBackend::no_ids() {
  IdCandidates candidates;
  LT_RETURN_IF_ERROR(rewind());
  for (std::int64_t i = 0; i < IdCandidates::kLooksAt; ++i) {
    LT_ASSIGN_OR_RETURN(const auto raw, next_raw());
    if (!raw) break;
    if (raw->properties.empty()) continue;
    LT_ASSIGN_OR_RETURN(const json properties, parse_part(raw->properties, "properties"));
    if (properties.is_object()) candidates.add(texts_of(properties));
  }
  return no_own_ids(candidates.names());
}

absl::Status GeoJsonBackend::bind(const feature::Schema& schema) {
  schema_ = schema;
  return absl::OkStatus();
}

absl::Status GeoJsonBackend::read_properties(const json& properties, SourceFeature& out, Place& place) const {
  std::vector<std::string> unknown;
  for (const auto& [name, value] : properties.items()) {
    const feature::Field* field = schema_->find(name);
    if (field == nullptr) {
      if (name != id_field_) unknown.push_back(name);
      continue;
    }
    if (value.is_null()) continue;
    place.field = name;
    auto read = from_file_json(field->type, value);
    if (!read.ok()) return read.status();
    out.state.properties.emplace(field->number, *std::move(read));
  }
  place.field.clear();
  if (unknown.empty()) return absl::OkStatus();
  place.field = unknown.front();
  return make_error(absl::StatusCode::kInvalidArgument, "UNKNOWN_FIELD",
                    fmt::format("the schema has no field: {}", listed(unknown)));
}

absl::StatusOr<std::optional<SourceFeature>> GeoJsonBackend::next() {
  Place place{file_, position_ + 1, {}, {}};
  auto raw = next_raw();
  if (!raw.ok()) return at(raw.status(), place);
  if (!*raw) return std::optional<SourceFeature>();
  json properties = json::object();
  if (!(*raw)->properties.empty()) {
    auto parsed = parse_part((*raw)->properties, "properties");
    if (!parsed.ok()) return at(parsed.status(), place);
    if (!parsed->is_null()) properties = *std::move(parsed);
  }
  if (!properties.is_object()) return at(cutter_.corrupt("properties are not an object"), place);
  SourceFeature result;
  result.position = position_;
  auto id = read_id(**raw, properties);
  if (!id.ok()) return at(id.status(), place);
  result.id = *std::move(id);
  place.id = result.id;
  if (auto status = feature::check_feature_id(result.id); !status.ok()) return at(status, place);
  auto geometry = read_geometry(**raw);
  place.field = "geometry";
  if (!geometry.ok()) return at(geometry.status(), place);
  place.field.clear();
  result.state.geometry = *std::move(geometry);
  if (auto status = read_properties(properties, result, place); !status.ok()) return at(status, place);
  return std::optional<SourceFeature>(std::move(result));
}

absl::StatusOr<InferredSchema> GeoJsonBackend::infer_schema() {
  LT_RETURN_IF_ERROR(rewind());
  InferredSchema out;
  GeometryStats stats;
  JsonInference fields;
  std::int64_t without_id = 0;
  while (true) {
    const Place place{file_, position_ + 1, {}, {}};
    const auto raw = next_raw();
    if (!raw.ok()) return at(raw.status(), place);
    if (!*raw) break;
    without_id += (*raw)->id.empty() ? 1 : 0;
    const auto geometry = read_geometry(**raw);
    if (!geometry.ok()) {
      stats.add_refused(geometry.status(), position_);
    } else if (*geometry) {
      stats.add((*geometry)->type, (*geometry)->dimension);
    } else {
      stats.add_null();
    }
    if ((*raw)->properties.empty()) continue;
    const auto properties = parse_part((*raw)->properties, "properties");
    if (!properties.ok()) return at(properties.status(), place);
    if (properties->is_object()) fields.add(*properties, (*raw)->properties);
  }
  stats.apply(crs_, out);
  fields.apply(out);
  if (position_ == 0) out.notes.emplace_back("the file has no features: only an empty schema could be inferred");
  if (without_id > 0 && id_field_.empty()) {
    out.notes.push_back(fmt::format("{} features have no id: pushing needs --id-field", without_id));
  }
  return out;
}

}  // namespace lt::sources::detail
