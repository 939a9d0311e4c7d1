#include "exchange/areas.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "exchange/paging.hpp"
#include "feature/text.hpp"
#include "wire/json.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;

constexpr int kWgs84 = 4326;
// A polygon as WKB always fits into an answer.
constexpr std::uint32_t kMaxPolygonBytes = 3U << 20;
constexpr std::uint32_t kMaxPolygonVertices = 1'000'000;
constexpr std::size_t kMaxImportBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxImportAreas = 20'000;
// What a unit without a polygon counts for.
constexpr std::size_t kAreaBytes = 1024;
// Of an answer: what is left of 4 MiB is for the other values and the frame.
constexpr std::size_t kMaxAnswerBytes = (4U << 20) - (64U << 10);

absl::Status invalid(std::string_view reason, std::string_view message) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status check_form(v1::PolygonForm form) {
  if (v1::PolygonForm_IsValid(form)) return absl::OkStatus();
  return invalid("POLYGON_FORM_UNKNOWN", "polygon is one of POLYGON_FORM_GEOJSON, POLYGON_FORM_WKT, POLYGON_FORM_WKB");
}

absl::Status fill_geojson(const storage::Area& area, v1::Area* out) {
  LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs(std::to_string(area.epsg)));
  LT_ASSIGN_OR_RETURN(const auto to, geo::find_crs(std::to_string(kWgs84)));
  LT_ASSIGN_OR_RETURN(const auto transformer, geo::Transformer::create(from, to));
  LT_ASSIGN_OR_RETURN(const auto polygon, transformer.transform(area.polygon));
  LT_ASSIGN_OR_RETURN(const auto json, parse_json(geo::to_geojson(polygon)));
  return wire::json_to_struct(json, out->mutable_geojson());
}

absl::Status fill_polygon(const storage::Area& area, v1::PolygonForm form, v1::Area* out) {
  switch (form) {
    case v1::POLYGON_FORM_GEOJSON: LT_RETURN_IF_ERROR(fill_geojson(area, out)); break;
    case v1::POLYGON_FORM_WKT: out->set_wkt(geo::to_wkt(area.polygon)); break;
    case v1::POLYGON_FORM_WKB: out->set_wkb(area.polygon.wkb); break;
    default: return absl::OkStatus();
  }
  if (out->ByteSizeLong() <= kMaxAnswerBytes) return absl::OkStatus();
  const std::string why = fmt::format("{} has {} vertices, too many for one message in this form; ask for WKB",
                                      area.reference(), area.polygon.vertices);
  return make_error(absl::StatusCode::kOutOfRange, "AREA_TOO_LARGE", why, {{"area", area.reference()}});
}

std::string date_text(std::optional<std::int32_t> days) { return days ? format_date(*days) : std::string(); }

void fill(const storage::Area& area, v1::Area* out) {
  out->set_unit_id(area.unit_id);
  out->set_list(area.list);
  out->set_code(area.code);
  out->set_name(area.name);
  out->set_kind(area.kind);
  out->set_level(area.level);
  out->set_valid_from(date_text(area.valid_from));
  out->set_valid_to(date_text(area.valid_to));
  for (const auto& reference : area.predecessors) out->add_predecessors(reference);
  for (const auto& reference : area.successors) out->add_successors(reference);
  out->set_version(area.version);
  if (area.version > 0) out->set_crs(fmt::format("EPSG:{}", area.epsg));
  out->set_sha256(area.sha256);
}

v1::AreaOutcome outcome_of(storage::AreaOutcome outcome) {
  switch (outcome) {
    case storage::AreaOutcome::kCreated: return v1::AREA_OUTCOME_CREATED;
    case storage::AreaOutcome::kChanged: return v1::AREA_OUTCOME_CHANGED;
    case storage::AreaOutcome::kUnchanged: return v1::AREA_OUTCOME_UNCHANGED;
  }
  return v1::AREA_OUTCOME_UNSPECIFIED;
}

absl::Status read_date(const std::string& text, std::optional<std::int32_t>& out) {
  if (text.empty()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(out, parse_date(text));
  return absl::OkStatus();
}

// The rules that every feature with a polygon obeys.
feature::Schema polygon_schema(const geo::Crs& crs) {
  feature::Schema schema;
  schema.crs = crs.id();
  schema.geometry.types = {geo::GeometryType::kPolygon, geo::GeometryType::kMultiPolygon};
  schema.geometry.dimensions = {geo::Dimension::kXY, geo::Dimension::kXYZ, geo::Dimension::kXYM, geo::Dimension::kXYZM};
  return schema;
}

}  // namespace

absl::Status get_area(const Core& core, const v1::GetAreaRequest& request, v1::GetAreaResponse& response) {
  LT_RETURN_IF_ERROR(check_form(request.polygon()));
  if (request.polygon() == v1::POLYGON_FORM_UNSPECIFIED && request.version() == 0) {
    LT_ASSIGN_OR_RETURN(const auto area, core.areas->find_area(request.area()));
    fill(area, response.mutable_area());
    return absl::OkStatus();
  }
  const auto version = request.version() == 0 ? std::nullopt : std::optional<std::int64_t>(request.version());
  LT_ASSIGN_OR_RETURN(const auto area, core.areas->get_area(request.area(), version));
  fill(*area, response.mutable_area());
  return fill_polygon(*area, request.polygon(), response.mutable_area());
}

absl::Status list_areas(const Core& core, const v1::ListAreasRequest& request, v1::ListAreasResponse& response) {
  LT_RETURN_IF_ERROR(check_form(request.polygon()));
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after, read_page_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(const auto areas, core.areas->list_areas(request.list(), after, limit));
  std::size_t bytes = 0;
  for (const storage::Area& area : areas) {
    v1::Area filled;
    fill(area, &filled);
    if (request.polygon() != v1::POLYGON_FORM_UNSPECIFIED && area.version > 0) {
      LT_ASSIGN_OR_RETURN(const auto whole, core.areas->get_area(area.reference(), area.version));
      LT_RETURN_IF_ERROR(fill_polygon(*whole, request.polygon(), &filled));
    }
    bytes += filled.ByteSizeLong();
    if (bytes > kMaxAnswerBytes && response.areas_size() > 0) {
      response.set_next_page_token(make_page_token(response.areas(response.areas_size() - 1).code()));
      return absl::OkStatus();
    }
    *response.add_areas() = std::move(filled);
  }
  if (static_cast<int>(areas.size()) == limit) response.set_next_page_token(make_page_token(areas.back().code));
  return absl::OkStatus();
}

absl::Status list_area_lists(const Core& core, const v1::ListAreaListsRequest& request,
                             v1::ListAreaListsResponse& response) {
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after, read_page_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(const auto lists, core.areas->list_area_lists(after, limit));
  for (const storage::AreaList& list : lists) {
    v1::AreaList* const out = response.add_lists();
    out->set_list(list.list);
    out->set_title(list.title);
    out->set_valid_from(date_text(list.valid_from));
    out->set_valid_to(date_text(list.valid_to));
    out->set_current(list.current);
    out->set_areas(list.areas);
    out->set_with_polygon(list.with_polygon);
  }
  if (static_cast<int>(lists.size()) == limit) response.set_next_page_token(make_page_token(lists.back().list));
  return absl::OkStatus();
}

AreaImporting::AreaImporting(const Core& core, storage::AreaImport import, rpc::Quota::Share memory)
    : core_(core), import_(std::move(import)), memory_(std::move(memory)) {}

absl::StatusOr<AreaImporting> AreaImporting::begin(const Core& core, const rpc::CallerIdentity& caller) {
  LT_RETURN_IF_ERROR(check_operator(caller, "imports areas"));
  LT_ASSIGN_OR_RETURN(auto memory, core.pieces->take(caller.organisation, 0));
  storage::AreaImport import;
  import.organisation = caller.organisation;
  return AreaImporting(core, std::move(import), std::move(memory));
}

absl::Status AreaImporting::add(const v1::ImportAreasRequest& request) {
  switch (request.part_case()) {
    case v1::ImportAreasRequest::kHeader: return set_header(request.header());
    case v1::ImportAreasRequest::kArea: return add_area(request.area());
    default: return invalid("PART_MISSING", "an ImportAreasRequest holds a header or an area");
  }
}

absl::Status AreaImporting::set_header(const v1::ImportAreasHeader& header) {
  if (has_header_) return invalid("PART_MISSING", "the header comes once");
  has_header_ = true;
  import_.list = header.list();
  import_.dry_run = header.dry_run();
  level_ = header.level();
  if (header.crs().empty()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(crs_, geo::find_crs(header.crs()));
  import_.epsg = crs_->epsg;
  checker_.emplace(polygon_schema(*crs_));
  return absl::OkStatus();
}

absl::Status AreaImporting::add_area(const v1::Area& area) {
  if (!has_header_) return invalid("PART_MISSING", "the first message of an import is its header");
  storage::AreaDraft draft;
  draft.code = area.code();
  draft.name = area.name();
  draft.kind = area.kind();
  draft.level = area.level().empty() ? level_ : area.level();
  const std::string place = fmt::format("area {}:{}", feature::cut(import_.list), feature::cut(area.code()));
  if (const auto read = read_date(area.valid_from(), draft.valid_from); !read.ok()) return annotate(read, place);
  if (const auto read = read_date(area.valid_to(), draft.valid_to); !read.ok()) return annotate(read, place);
  draft.predecessors.assign(area.predecessors().begin(), area.predecessors().end());
  draft.successors.assign(area.successors().begin(), area.successors().end());
  std::size_t bytes = kAreaBytes + area.ByteSizeLong();
  if (area.polygon_case() != v1::Area::POLYGON_NOT_SET) {
    auto polygon = read_polygon(area);
    if (!polygon.ok()) return with_metadata(annotate(polygon.status(), place), "code", feature::cut(area.code()));
    bytes = kAreaBytes + polygon->wkb.size();
    draft.polygon = *std::move(polygon);
  }
  bytes_ += bytes;
  if (bytes_ > kMaxImportBytes || import_.areas.size() >= kMaxImportAreas) {
    return make_error(absl::StatusCode::kResourceExhausted, "AREA_IMPORT_TOO_LARGE",
                      "an import holds 20,000 areas and 64 MiB of polygons at most; send several imports");
  }
  LT_RETURN_IF_ERROR(memory_.grow(bytes));
  import_.areas.push_back(std::move(draft));
  return absl::OkStatus();
}

absl::StatusOr<geo::Geometry> AreaImporting::read_polygon(const v1::Area& area) const {
  if (!crs_)
    return invalid("CRS_UNKNOWN", "the header names no CRS for the polygons; set header.crs, such as EPSG:4326");
  const geo::GeometryLimits limits{kMaxPolygonBytes, kMaxPolygonVertices};
  const auto parse = [&]() -> absl::StatusOr<geo::Geometry> {
    if (area.polygon_case() == v1::Area::kWkt) return geo::parse_wkt(area.wkt(), crs_->epsg, limits);
    if (area.polygon_case() == v1::Area::kWkb) return geo::parse_wkb(area.wkb(), crs_->epsg, limits);
    if (crs_->epsg != kWgs84) {
      return invalid("GEOJSON_NEEDS_WGS84",
                     fmt::format("geojson is in EPSG:4326, the import in {}; send wkt or wkb", crs_->id()));
    }
    LT_ASSIGN_OR_RETURN(const auto json, wire::struct_to_json(area.geojson()));
    return geo::parse_geojson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), limits);
  };
  LT_ASSIGN_OR_RETURN(auto polygon, parse());
  feature::State state;
  state.geometry = polygon;
  const auto findings = checker_->check(area.code(), state);
  if (!findings.empty()) return invalid(findings.front().reason, findings.front().message_en);
  if (polygon.empty) return invalid("GEOMETRY_NOT_VALID", "the polygon is empty");
  LT_ASSIGN_OR_RETURN(const auto invalidity, geos_.check_validity(polygon));
  if (!invalidity) return polygon;
  return invalid("GEOMETRY_NOT_VALID", fmt::format("{} at {} {}; correct it at the source", invalidity->reason,
                                                   invalidity->x, invalidity->y));
}

absl::Status AreaImporting::finish(v1::ImportAreasResponse& response) {
  if (!has_header_) return invalid("PART_MISSING", "the first message of an import is its header");
  LT_ASSIGN_OR_RETURN(const auto imported, core_.areas->put_areas(import_));
  std::int64_t counts[3] = {};
  for (const storage::ImportedArea& area : imported) {
    ++counts[static_cast<std::size_t>(area.outcome)];
    v1::ImportedArea* const out = response.add_areas();
    out->set_area(area.reference);
    out->set_version(area.version);
    out->set_outcome(outcome_of(area.outcome));
  }
  response.set_created(counts[static_cast<std::size_t>(storage::AreaOutcome::kCreated)]);
  response.set_changed(counts[static_cast<std::size_t>(storage::AreaOutcome::kChanged)]);
  response.set_unchanged(counts[static_cast<std::size_t>(storage::AreaOutcome::kUnchanged)]);
  response.set_dry_run(import_.dry_run);
  return absl::OkStatus();
}

}  // namespace lt::exchange
