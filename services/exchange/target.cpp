#include "exchange/target.hpp"

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/validity.hpp"

namespace lt::exchange {
namespace {

absl::Status check_has_crs(const feature::Schema& schema, const std::string& named, const std::string& name) {
  if (!schema.crs.empty() || named.empty()) return absl::OkStatus();
  return make_error(absl::StatusCode::kInvalidArgument, "CRS_MISMATCH",
                    fmt::format("the header says {}, dataset \"{}\" has no geometry; leave the CRS out", named, name),
                    {{"crs", named}, {"dataset", name}, {"dataset_crs", schema.crs}});
}

absl::StatusOr<Source> make_source(int epsg, const geo::Crs& to) {
  LT_ASSIGN_OR_RETURN(auto from, geo::find_crs(std::to_string(epsg)));
  LT_ASSIGN_OR_RETURN(auto transformer, geo::Transformer::create(from, to));
  rules::CoordinateChecker coordinates(from);
  return Source{std::move(from), std::move(coordinates), std::move(transformer)};
}

absl::Status scope_invalid(std::string_view why) {
  return make_error(absl::StatusCode::kInvalidArgument, "SCOPE_INVALID",
                    fmt::format("scope.area_wkt: {}; send a valid POLYGON or MULTIPOLYGON in the dataset's CRS", why));
}

absl::StatusOr<geo::Geometry> read_area(const Target& target, const std::string& wkt) {
  if (!target.crs) return scope_invalid("the dataset has no geometry");
  auto area = geo::parse_wkt(wkt, target.crs->epsg);
  if (!area.ok()) return scope_invalid(message_of(area.status()));
  if (area->type != geo::GeometryType::kPolygon && area->type != geo::GeometryType::kMultiPolygon) {
    return scope_invalid(fmt::format("it is a {}", geo::to_string(area->type)));
  }
  if (area->box.empty()) return scope_invalid("it is empty");
  const geo::Geos geos;
  LT_ASSIGN_OR_RETURN(const auto invalidity, geos.check_validity(*area));
  if (invalidity) return scope_invalid(fmt::format("{} at {} {}", invalidity->reason, invalidity->x, invalidity->y));
  return area;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> open_target(const Core& core, const rpc::CallerIdentity& caller,
                                                    const feature::ChangesetHeader& header,
                                                    const std::string& crs_named, const std::string& name) {
  LT_ASSIGN_OR_RETURN(auto dataset, core.catalog.get_dataset(name));
  LT_RETURN_IF_ERROR(check_may_publish(caller, dataset));
  LT_ASSIGN_OR_RETURN(auto schema, core.catalog.get_schema(dataset.id, dataset.schema_revision));
  LT_RETURN_IF_ERROR(check_has_crs(*schema, crs_named, name));
  std::optional<geo::Crs> crs;
  if (!schema->crs.empty()) {
    LT_ASSIGN_OR_RETURN(crs, geo::find_crs(schema->crs));
  }
  geo::GeometryLimits limits;
  limits.max_bytes = static_cast<std::uint32_t>(core.limits.max_feature_bytes);
  wire::ChangeDecoder decoder(*schema, crs ? &*crs : nullptr, limits);
  rules::SchemaChecker checker(*schema);
  rules::Repairer repairer(*schema, header.repairs);
  std::unique_ptr<Target> target(new Target{std::move(dataset),
                                            std::move(schema),
                                            std::move(crs),
                                            std::move(decoder),
                                            std::move(checker),
                                            std::move(repairer),
                                            {},
                                            {}});
  target->sent_crs = target->schema->crs;
  if (crs_named.empty()) return target;
  LT_ASSIGN_OR_RETURN(const auto sent, geo::find_crs(crs_named));
  target->sent_crs = sent.id();
  target->decoder = target->decoder.in_crs(sent.epsg);
  if (sent.epsg != target->crs->epsg) LT_RETURN_IF_ERROR(target->source(sent.epsg).status());
  return target;
}

absl::StatusOr<const Source*> Target::source(int epsg) {
  auto found = sources.find(epsg);
  if (found == sources.end()) found = sources.emplace(epsg, make_source(epsg, *crs)).first;
  if (!found->second.ok()) return found->second.status();
  return &*found->second;
}

absl::StatusOr<storage::Scope> read_scope(const Target& target, const feature::ChangesetHeader& header) {
  storage::Scope scope;
  if (!header.scope_wkt.empty()) {
    LT_ASSIGN_OR_RETURN(scope.area, read_area(target, header.scope_wkt));
  }
  if (header.scope_filter.empty()) return scope;
  auto filter = feature::Filter::parse(header.scope_filter, *target.schema);
  if (!filter.ok()) return annotate(filter.status(), "scope.filter");
  scope.filter = *std::move(filter);
  return scope;
}

}  // namespace lt::exchange
