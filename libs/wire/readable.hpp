// States in the readable form, as publishers send what a record cannot carry.
#pragma once

#include <absl/status/status.h>

#include "feature/record.hpp"
#include "feature/schema.hpp"
#include "lienthong/v1/feature.pb.h"

namespace lt::wire {

/// Sets `wkb`, in whichever CRS the geometry is, and `properties` of `out`; its id stays. What is read from them by the
/// same schema is the same state, bit for bit.
/// Errors: INVALID_ARGUMENT UNKNOWN_FIELD (a number that `schema` does not have), JSON_TOO_DEEP (a json value that not
/// every protobuf reader accepts).
[[nodiscard]] absl::Status state_to_readable(const feature::Schema& schema, const feature::State& state,
                                             lienthong::v1::Feature* out);

}  // namespace lt::wire
