// Views that readers asked for, by their revision.
#pragma once

#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "pg/connection.hpp"

namespace lt::storage {

/// The body of a view of a dataset; nothing when it is not there.
[[nodiscard]] absl::StatusOr<std::optional<std::string>> find_view(pg::Connection& connection, int dataset,
                                                                   const std::string& revision);

/// Keeps a view for ever. The same revision always has the same body.
[[nodiscard]] absl::Status keep_view(pg::Connection& connection, int dataset, const std::string& revision,
                                     const std::string& body);

}  // namespace lt::storage
