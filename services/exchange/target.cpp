#include "exchange/target.hpp"

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/validity.hpp"

namespace lt::exchange {
namespace {

absl::StatusOr<std::optional<geo::Crs>> crs_of(const feature::Schema& schema, const std::string& named,
                                               const std::string& name) {
  std::optional<geo::Crs> crs;
  if (!schema.crs.empty()) {
    LT_ASSIGN_OR_RETURN(crs, geo::find_crs(schema.crs));
  }
  if (named.empty()) return crs;
  LT_ASSIGN_OR_RETURN(const auto sent, geo::find_crs(named));
  if (sent.id() == schema.crs) return crs;
  return make_error(
      absl::StatusCode::kInvalidArgument, "CRS_MISMATCH",
      fmt::format("the header says {}, dataset \"{}\" is in {}; transform the data or leave the CRS out if it is in {}",
                  sent.id(), name, schema.crs.empty() ? "no CRS" : schema.crs, schema.crs),
      {{"crs", sent.id()}, {"dataset", name}, {"dataset_crs", schema.crs}});
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
  LT_ASSIGN_OR_RETURN(auto crs, crs_of(*schema, crs_named, name));
  geo::GeometryLimits limits;
  limits.max_bytes = static_cast<std::uint32_t>(core.limits.max_feature_bytes);
  wire::ChangeDecoder decoder(*schema, crs ? &*crs : nullptr, limits);
  rules::SchemaChecker checker(*schema);
  rules::Repairer repairer(*schema, header.repairs);
  return std::unique_ptr<Target>(new Target{std::move(dataset), std::move(schema), std::move(crs), std::move(decoder),
                                            std::move(checker), std::move(repairer)});
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
