// Findings between proto and domain.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <absl/status/statusor.h>

#include "feature/finding.hpp"
#include "lienthong/v1/finding.pb.h"

namespace lt::wire {

/// Unspecified means any and gives nothing. Errors: INVALID_ARGUMENT FILTER_UNKNOWN (a number that is not known).
[[nodiscard]] absl::StatusOr<std::optional<feature::Severity>> severity_from_proto(lienthong::v1::Severity severity);
[[nodiscard]] lienthong::v1::Severity severity_to_proto(feature::Severity severity);

/// Replaces `out`.
/// @param sequence place of the change in its changeset, from 1; 0 = not of a changeset.
void finding_to_proto(const feature::Finding& finding, std::string_view dataset, std::int64_t sequence,
                      lienthong::v1::Finding* out);
/// The finding without its dataset and sequence. A severity that is not known reads as ERROR.
[[nodiscard]] feature::Finding finding_from_proto(const lienthong::v1::Finding& proto);

}  // namespace lt::wire
