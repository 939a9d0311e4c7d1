#include "storage/spatial_references.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/status.hpp"
#include "geo/vn2000.hpp"
#include "storage_sql.hpp"

namespace lt::storage {

absl::StatusOr<int> add_spatial_references(pg::Connection& connection) {
  const auto& systems = geo::vn2000_systems();
  std::vector<std::int64_t> codes;
  for (const auto& system : systems) codes.push_back(system.epsg);
  LT_ASSIGN_OR_RETURN(const auto missing,
                      connection.execute(sql::kMissingSpatialReferences, pg::Params().add_int8_array(codes)));
  int added = 0;
  for (int r = 0; r < missing.rows(); ++r) {
    const auto system = std::find_if(systems.begin(), systems.end(),
                                     [&](const auto& one) { return one.epsg == missing.get_int(r, 0); });
    LT_ASSIGN_OR_RETURN(const auto reference, geo::spatial_reference(*system));
    pg::Params params;
    params.add(std::int32_t{reference.srid}).add(reference.wkt).add(reference.proj4);
    LT_ASSIGN_OR_RETURN(const auto inserted, connection.execute(sql::kInsertSpatialReference, params));
    added += static_cast<int>(inserted.affected());
  }
  return added;
}

}  // namespace lt::storage
