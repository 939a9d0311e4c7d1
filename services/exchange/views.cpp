#include "exchange/views.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/status.hpp"
#include "exchange/replica.hpp"
#include "geo/area.hpp"
#include "geo/crs.hpp"
#include "geo/validity.hpp"
#include "storage/acquire.hpp"
#include "storage/areas.hpp"
#include "storage/views.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;

constexpr std::size_t kMaxAreaBytes = 1U << 20;
constexpr std::size_t kRevisionDigits = 32;  // of SHA-256 in hexadecimal: 128 bits
constexpr std::size_t kCachedBytes = 24U << 20;
constexpr std::size_t kGridBytes = 528U << 10;

/// A view in words: all that its revision stands for.
struct Definition {
  std::string area;  ///< LIST:CODE
  std::int64_t area_version = 0;
  std::string area_wkb;  ///< of a polygon of the request, in the dataset's CRS
  std::string filter;    ///< canonical text
  feature::FieldMask columns;
  std::string crs;
  std::int32_t schema_revision = 1;  ///< whose names `filter` uses; not part of what the view is

  [[nodiscard]] bool is_whole() const {
    return area.empty() && area_wkb.empty() && filter.empty() && columns.empty() && crs.empty();
  }
};

absl::Status area_invalid(std::string_view why) {
  return make_error(StatusCode::kInvalidArgument, "VIEW_AREA_INVALID",
                    fmt::format("view.area_wkt: {}; send a valid POLYGON or MULTIPOLYGON in the dataset's CRS, or in "
                                "another with \"SRID=n;\" before it",
                                why),
                    {{"field", "view.area_wkt"}});
}

// The number of "SRID=n;" at the start; 0 without.
int leading_srid(std::string_view text) {
  constexpr std::string_view kPrefix = "SRID=";
  if (!text.starts_with(kPrefix)) return 0;
  int srid = 0;
  std::from_chars(text.data() + kPrefix.size(), text.data() + text.size(), srid);
  return srid;
}

absl::StatusOr<geo::Geometry> read_area(const std::string& text, const geo::Crs& crs) {
  if (text.size() > kMaxAreaBytes) return area_invalid(fmt::format("it has {} bytes, over 1 MiB", text.size()));
  const int srid = leading_srid(text);
  auto area = geo::parse_wkt(text, srid == 0 ? crs.epsg : srid);
  if (!area.ok()) return area_invalid(message_of(area.status()));
  if (area->type != geo::GeometryType::kPolygon && area->type != geo::GeometryType::kMultiPolygon) {
    return area_invalid(fmt::format("it is a {}", geo::to_string(area->type)));
  }
  if (area->empty) return area_invalid("it is empty");
  LT_ASSIGN_OR_RETURN(const auto invalidity, geo::Geos().check_validity(*area));
  if (invalidity) return area_invalid(fmt::format("{} at {} {}", invalidity->reason, invalidity->x, invalidity->y));
  if (srid == 0 || srid == crs.epsg) return area;
  LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs(std::to_string(srid)));
  return geo::transform_area(*area, from, crs);
}

absl::StatusOr<feature::FieldMask> read_columns(const v1::View& asked, const feature::Schema& schema) {
  feature::FieldMask columns;
  for (const auto& name : asked.columns()) {
    const auto* field = schema.find(name);
    if (field == nullptr) {
      return make_error(StatusCode::kInvalidArgument, "UNKNOWN_FIELD",
                        fmt::format("view.columns: the dataset has no property \"{}\"; GetSchema names them", name),
                        {{"field", name}});
    }
    columns.push_back(field->number);
  }
  std::sort(columns.begin(), columns.end());
  columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
  return columns;
}

absl::StatusOr<std::string> read_crs(const v1::View& asked, const feature::Schema& schema) {
  if (asked.crs().empty()) return std::string();
  LT_ASSIGN_OR_RETURN(const auto crs, geo::find_crs(asked.crs()));
  if (schema.crs.empty()) {
    return make_error(StatusCode::kInvalidArgument, "CRS_MISMATCH",
                      "view.crs: the dataset has no geometry; leave the CRS out", {{"field", "view.crs"}});
  }
  return crs.id() == schema.crs ? std::string() : crs.id();
}

nlohmann::json to_json(const Definition& definition, const std::string& dataset_uid) {
  nlohmann::json json;
  json["dataset"] = dataset_uid;
  json["area"] = definition.area;
  json["area_version"] = definition.area_version;
  json["area_wkb"] = to_hex(definition.area_wkb);
  json["filter"] = definition.filter;
  json["columns"] = definition.columns;
  json["crs"] = definition.crs;
  return json;
}

absl::StatusOr<Definition> from_json(const std::string& text) {
  const auto json = parse_json(text);
  Definition definition;
  try {
    if (!json.ok()) return json.status();
    definition.area = json->at("area").get<std::string>();
    definition.area_version = json->at("area_version").get<std::int64_t>();
    definition.area_wkb = from_hex(json->at("area_wkb").get<std::string>()).value_or("");
    definition.filter = json->at("filter").get<std::string>();
    definition.columns = json->at("columns").get<feature::FieldMask>();
    definition.crs = json->at("crs").get<std::string>();
    definition.schema_revision = json->at("schema_revision").get<std::int32_t>();
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(fmt::format("a stored view cannot be read: {}", e.what()));
  }
  return definition;
}

absl::StatusOr<geo::Crs> crs_of(const storage::Dataset& dataset, const feature::Schema& schema) {
  if (!schema.crs.empty()) return geo::find_crs(schema.crs);
  return make_error(StatusCode::kInvalidArgument, "VIEW_AREA_INVALID",
                    fmt::format("dataset \"{}\" has no geometry, so no area; leave it out", dataset.name));
}

absl::StatusOr<geo::Geometry> polygon_of(const Core& core, const storage::Dataset& dataset,
                                         const feature::Schema& schema, const Definition& definition) {
  LT_ASSIGN_OR_RETURN(const auto crs, crs_of(dataset, schema));
  if (!definition.area_wkb.empty()) return geo::read_canonical_wkb(definition.area_wkb);
  LT_ASSIGN_OR_RETURN(const auto area, core.areas->get_area(definition.area, definition.area_version));
  LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs(std::to_string(area->epsg)));
  return geo::transform_area(area->polygon, from, crs);
}

absl::StatusOr<storage::ViewPtr> compile(const Core& core, const storage::Dataset& dataset, std::string revision,
                                         const Definition& definition) {
  LT_ASSIGN_OR_RETURN(const auto schema, schema_to_read(core, dataset.id, definition.schema_revision));
  auto view = std::make_shared<feature::View>();
  view->revision = std::move(revision);
  view->columns = definition.columns;
  view->crs = definition.crs;
  if (!definition.area.empty() || !definition.area_wkb.empty()) {
    LT_ASSIGN_OR_RETURN(view->area, polygon_of(core, dataset, *schema, definition));
    view->grid.emplace(*view->area);
  }
  if (!definition.filter.empty()) {
    LT_ASSIGN_OR_RETURN(view->filter, feature::Filter::parse(definition.filter, *schema));
  }
  return view;
}

absl::StatusOr<std::optional<std::string>> stored_view(const Core& core, const storage::Dataset& dataset,
                                                       const std::string& revision) {
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  return storage::find_view(*connection, dataset.id, revision);
}

absl::StatusOr<Definition> find_definition(const Core& core, const storage::Dataset& dataset,
                                           const std::string& revision) {
  LT_ASSIGN_OR_RETURN(const auto body, stored_view(core, dataset, revision));
  if (body) return from_json(*body);
  return make_error(StatusCode::kFailedPrecondition, "VIEW_UNKNOWN",
                    fmt::format("dataset \"{}\" has no view {} (it is of another exchange, or of a time before a "
                                "restore); send the view itself and start from a snapshot",
                                dataset.name, revision),
                    {{"dataset", dataset.name}, {"view_revision", revision}});
}

/// @param pinned the definition that an answer began with, if it goes on.
absl::StatusOr<Definition> define(const Core& core, const storage::Dataset& dataset, const v1::View& asked,
                                  const std::optional<Definition>& pinned) {
  LT_ASSIGN_OR_RETURN(const auto schema, schema_to_read(core, dataset.id, dataset.schema_revision));
  Definition definition;
  definition.schema_revision = dataset.schema_revision;
  LT_ASSIGN_OR_RETURN(definition.columns, read_columns(asked, *schema));
  LT_ASSIGN_OR_RETURN(definition.crs, read_crs(asked, *schema));
  if (!asked.filter().empty()) {
    LT_ASSIGN_OR_RETURN(const auto filter, feature::Filter::parse(asked.filter(), *schema));
    definition.filter = filter.to_text();
  }
  if (!asked.area().empty() && !asked.area_wkt().empty()) return area_invalid("give view.area or this, not both");
  if (!asked.area_wkt().empty()) {
    LT_ASSIGN_OR_RETURN(const auto crs, crs_of(dataset, *schema));
    LT_ASSIGN_OR_RETURN(auto polygon, read_area(asked.area_wkt(), crs));
    definition.area_wkb = std::move(polygon.wkb);
  }
  if (asked.area().empty()) return definition;
  LT_RETURN_IF_ERROR(crs_of(dataset, *schema).status());
  const bool same = pinned && pinned->area == asked.area();
  LT_ASSIGN_OR_RETURN(const auto area,
                      core.areas->get_area(asked.area(), same ? std::optional(pinned->area_version) : std::nullopt));
  definition.area = area->reference();
  definition.area_version = area->version;
  return definition;
}

absl::Status keep(const Core& core, const storage::Dataset& dataset, const std::string& revision,
                  const Definition& definition) {
  LT_ASSIGN_OR_RETURN(const auto stored, stored_view(core, dataset, revision));
  if (stored) return absl::OkStatus();
  auto json = to_json(definition, dataset.uid);
  json["schema_revision"] = definition.schema_revision;
  LT_ASSIGN_OR_RETURN(const auto body, canonical_json(json));
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  return storage::keep_view(*connection, dataset.id, revision, body);
}

NamedView named(storage::ViewPtr view, const Definition& definition) {
  return {std::move(view), definition.area, definition.area_version};
}

std::size_t bytes_of(const feature::View& view) {
  return (view.area ? view.area->wkb.size() + kGridBytes : 0) + sizeof(feature::View);
}

}  // namespace

absl::StatusOr<NamedView> ViewBook::ask(const Core& core, const storage::Dataset& dataset, const v1::View& asked,
                                        const std::string& as_in) {
  std::optional<Definition> pinned;
  if (!as_in.empty()) {
    LT_ASSIGN_OR_RETURN(pinned, find_definition(core, dataset, as_in));
  }
  LT_ASSIGN_OR_RETURN(const auto definition, define(core, dataset, asked, pinned));
  if (definition.is_whole()) return NamedView();
  LT_ASSIGN_OR_RETURN(const auto text, canonical_json(to_json(definition, dataset.uid)));
  std::string revision = to_hex(lt::view(sha256(text))).substr(0, kRevisionDigits);
  if (auto view = cached(revision)) return named(std::move(view), definition);
  LT_ASSIGN_OR_RETURN(auto view, compile(core, dataset, revision, definition));
  LT_RETURN_IF_ERROR(keep(core, dataset, revision, definition));
  remember(view);
  return named(std::move(view), definition);
}

absl::StatusOr<NamedView> ViewBook::find(const Core& core, const storage::Dataset& dataset,
                                         const std::string& revision) {
  if (revision.empty()) return NamedView();
  LT_ASSIGN_OR_RETURN(const auto definition, find_definition(core, dataset, revision));
  if (auto view = cached(revision)) return named(std::move(view), definition);
  LT_ASSIGN_OR_RETURN(auto view, compile(core, dataset, revision, definition));
  remember(view);
  return named(std::move(view), definition);
}

storage::ViewPtr ViewBook::cached(const std::string& revision) {
  const absl::MutexLock lock(&mutex_);
  const auto found = std::find_if(recent_.begin(), recent_.end(),
                                  [&revision](const storage::ViewPtr& view) { return view->revision == revision; });
  if (found == recent_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found);
  return recent_.front();
}

void ViewBook::remember(storage::ViewPtr view) {
  const absl::MutexLock lock(&mutex_);
  bytes_ += bytes_of(*view);
  recent_.push_front(std::move(view));
  while (bytes_ > kCachedBytes) {
    bytes_ -= bytes_of(*recent_.back());
    recent_.pop_back();
  }
}

}  // namespace lt::exchange
