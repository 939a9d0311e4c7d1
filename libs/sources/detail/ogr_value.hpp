// Values of OGR features.
#pragma once

#include <optional>

#include <absl/status/statusor.h>

#include "feature/value.hpp"
#include "sources/detail/gdal_support.hpp"

namespace lt::sources::detail {

/// The type that a field of a file has by itself. Time of day is a string, lists of numbers are json.
[[nodiscard]] feature::FieldType natural_type(OGRFieldDefnH field);

/// The value of field `index`, of its natural type; nothing when null. A timestamp has milliseconds: GDAL 3.6 keeps
/// seconds as a float.
/// Errors: INVALID_ARGUMENT VALUE_OUT_OF_RANGE (a day that does not exist).
[[nodiscard]] absl::StatusOr<std::optional<feature::Value>> ogr_value(OGRFeatureH row, int index);

}  // namespace lt::sources::detail
