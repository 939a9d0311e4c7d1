// The calls about areas, free of gRPC.
#pragma once

#include <cstddef>
#include <optional>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "exchange/core.hpp"
#include "geo/crs.hpp"
#include "geo/validity.hpp"
#include "lienthong/v1/catalog_service.pb.h"
#include "rules/schema_rules.hpp"
#include "storage/areas.hpp"

namespace lt::exchange {

/// Errors as documented in proto/lienthong/v1/catalog_service.proto.
[[nodiscard]] absl::Status get_area(const Core&, const lienthong::v1::GetAreaRequest&, lienthong::v1::GetAreaResponse&);
[[nodiscard]] absl::Status list_areas(const Core&, const lienthong::v1::ListAreasRequest&,
                                      lienthong::v1::ListAreasResponse&);
[[nodiscard]] absl::Status list_area_lists(const Core&, const lienthong::v1::ListAreaListsRequest&,
                                           lienthong::v1::ListAreaListsResponse&);

/// One import while its areas come: they are checked one by one, kept in memory (the quota of pieces pays for them),
/// and stored together at the end. Not thread-safe.
class AreaImporting {
 public:
  /// Errors: PERMISSION_DENIED OPERATOR_ONLY; those of the quota.
  [[nodiscard]] static absl::StatusOr<AreaImporting> begin(const Core& core, const rpc::CallerIdentity& caller);
  [[nodiscard]] absl::Status add(const lienthong::v1::ImportAreasRequest& request);
  [[nodiscard]] absl::Status finish(lienthong::v1::ImportAreasResponse& response);

 private:
  AreaImporting(const Core& core, storage::AreaImport import, rpc::Quota::Share memory);
  [[nodiscard]] absl::Status set_header(const lienthong::v1::ImportAreasHeader& header);
  [[nodiscard]] absl::Status add_area(const lienthong::v1::Area& area);
  [[nodiscard]] absl::StatusOr<geo::Geometry> read_polygon(const lienthong::v1::Area& area) const;

  const Core& core_;
  storage::AreaImport import_;
  rpc::Quota::Share memory_;
  bool has_header_ = false;
  std::string level_;
  std::optional<geo::Crs> crs_;
  std::optional<rules::SchemaChecker> checker_;
  geo::Geos geos_;
  std::size_t bytes_ = 0;
};

}  // namespace lt::exchange
