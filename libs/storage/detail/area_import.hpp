// Imports of areas.
#pragma once

#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/connection.hpp"
#include "storage/areas.hpp"

namespace lt::storage::detail {

/// What can be told without the database. Errors: INVALID_ARGUMENT AREA_INVALID, AREA_REPEATED.
[[nodiscard]] absl::Status check_import(const AreaImport& import);

/// One transaction. Errors as Areas::put_areas().
[[nodiscard]] absl::StatusOr<std::vector<ImportedArea>> run_import(pg::Connection& connection,
                                                                   const AreaImport& import);

}  // namespace lt::storage::detail
