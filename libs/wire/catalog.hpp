// Schemas between proto and domain.
#pragma once

#include <absl/status/statusor.h>

#include "feature/schema.hpp"
#include "lienthong/v1/catalog_service.pb.h"

namespace lt::wire {

/// The domain form of a schema as sent: fields with number 0 are numbered in order (one more than the field before
/// them), dimensions default to XY, revision 0 becomes 1, fields end up ascending by number. What can be stored is
/// decided by feature::check_schema(), which is not called here.
/// Errors: INVALID_ARGUMENT SCHEMA_INVALID for an enum value that is unspecified or unknown (violations name each).
[[nodiscard]] absl::StatusOr<feature::Schema> schema_from_proto(const lienthong::v1::Schema& proto);

/// Replaces `out`.
void schema_to_proto(const feature::Schema& schema, lienthong::v1::Schema* out);

}  // namespace lt::wire
