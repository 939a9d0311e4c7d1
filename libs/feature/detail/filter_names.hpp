// Names of a schema that are close to one that is not there.
#pragma once

#include <string>
#include <string_view>

#include "feature/schema.hpp"

namespace lt::feature::detail {

/// For a message: "did you mean lanes, lane_width?", or else the first names that there are.
[[nodiscard]] std::string suggest_names(std::string_view wanted, const Schema& schema);

}  // namespace lt::feature::detail
