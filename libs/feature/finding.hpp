// Findings: what validation says about one place of one feature, in Vietnamese and English.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace lt::feature {

enum class Severity : std::uint8_t {
  kError = 1,    ///< the feature cannot be accepted
  kWarning = 2,  ///< accepted, someone should look
  kInfo = 3,     ///< something was done or noticed
};
[[nodiscard]] std::string_view to_string(Severity severity);  ///< "ERROR", "WARNING", "INFO"

/// One result of one rule.
struct Finding {
  std::string rule;  ///< id of the rule: "F04"
  Severity severity = Severity::kError;
  std::string reason;  ///< UPPER_SNAKE, stable, also the reason of an error status: "FIELD_REQUIRED"
  std::string feature_id;
  std::string field;  ///< name of the property, "geometry", or empty for the feature as a whole
  std::string place;  ///< a WKT point in the dataset's CRS, or a path within the value; may be empty
  std::string message_vi, message_en;
  bool operator==(const Finding&) const = default;
};

/// A JSON list with the names and severities of lienthong.v1.Finding, as findings are stored with the change that they
/// are about. Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string findings_to_json(const std::vector<Finding>& findings);
/// Its inverse; members that are missing are empty.
/// Errors: DATA_LOSS FINDINGS_MALFORMED no such list, or an item without severity.
[[nodiscard]] absl::StatusOr<std::vector<Finding>> findings_from_json(std::string_view json);

}  // namespace lt::feature
