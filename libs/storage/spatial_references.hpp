// The VN-2000 systems in PostGIS, for SQL users of the stored geometries.
#pragma once

#include <absl/status/statusor.h>

#include "pg/connection.hpp"

namespace lt::storage {

/// Adds the systems that spatial_ref_sys lacks, as geo::spatial_reference() has them; rows that are there stay as they
/// are. Needs the right to insert only if some are missing. @return how many were added.
[[nodiscard]] absl::StatusOr<int> add_spatial_references(pg::Connection& connection);

}  // namespace lt::storage
