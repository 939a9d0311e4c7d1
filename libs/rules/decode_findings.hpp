// Errors about one change as findings in Vietnamese and English.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "feature/finding.hpp"

namespace lt::rules {

/// Findings of severity ERROR from an error about one change: of reading it (wire::ChangeDecoder), of its size, or of
/// its place in the changeset. Rule and Vietnamese sentence follow from the reason; feature and field from the metadata
/// `feature_id` and `field`; the English message is the status's. A reason without a text of its own is F04 and keeps
/// its English message. Nothing for OK.
/// @param feature_id used when the metadata names none.
[[nodiscard]] std::vector<feature::Finding> findings_from_status(const absl::Status& status,
                                                                 std::string_view feature_id = {});

/// A finding of severity ERROR with the rule and Vietnamese sentence of its reason.
/// @param field name of the property, "geometry", or empty. @param message_en says what was wrong and how to fix it.
[[nodiscard]] feature::Finding make_finding(std::string_view reason, std::string_view feature_id,
                                            std::string_view field, std::string message_en);

/// True when the reason has a rule and a Vietnamese text.
[[nodiscard]] bool has_vietnamese(std::string_view reason);

}  // namespace lt::rules
