// How every library reports failure: absl::Status with a stable machine-readable reason.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt {

/// One thing wrong with one place of a request. Becomes google.rpc.BadRequest.FieldViolation.
struct FieldViolation {
  std::string field;        ///< Path in the request: "changes[3].feature.properties.lanes" or "feature 'QL1-7': lanes".
  std::string description;  ///< What is wrong and what to do, in English.
};

/// The machine-readable part of an error. Becomes google.rpc.ErrorInfo (domain "lienthong") and BadRequest.
struct ErrorDetail {
  std::string reason;                           ///< UPPER_SNAKE, listed in docs/errors.md; its meaning never changes.
  std::map<std::string, std::string> metadata;  ///< Small facts: {"feature_id": "7", "field": "lanes"}.
  std::vector<FieldViolation> violations;       ///< Possibly cut to what fits into the details limit (4 KiB).
};

/// An error with a reason. `code` says what the caller should do (see CONTRIBUTING.md), `message` says what was wrong,
/// with which object, and how to fix it: lower case, no full stop, no SQL, no secrets.
[[nodiscard]] absl::Status make_error(absl::StatusCode code, std::string_view reason, std::string_view message,
                                      std::map<std::string, std::string> metadata = {},
                                      std::vector<FieldViolation> violations = {});

/// The detail given to make_error(), if any.
[[nodiscard]] std::optional<ErrorDetail> error_detail(const absl::Status& status);

/// The reason given to make_error(), or "".
[[nodiscard]] std::string error_reason(const absl::Status& status);

/// The same status with `context + ": "` before its message; code and detail are kept. OK stays OK.
[[nodiscard]] absl::Status annotate(const absl::Status& status, std::string_view context);

/// The same error with one more fact in its metadata. OK stays OK; an error without a detail gets one without a reason.
[[nodiscard]] absl::Status with_metadata(const absl::Status& status, std::string_view key, std::string_view value);

/// std::string of a status's message (absl::string_view is not std::string_view in Debian's build).
[[nodiscard]] inline std::string message_of(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

}  // namespace lt

#define LT_CONCAT_INNER(a, b) a##b
#define LT_CONCAT(a, b) LT_CONCAT_INNER(a, b)

/// Returns from the function when `expr` (an absl::Status) is an error.
#define LT_RETURN_IF_ERROR(expr)                                            \
  do {                                                                      \
    if (absl::Status lt_status = (expr); !lt_status.ok()) return lt_status; \
  } while (false)

/// `LT_ASSIGN_OR_RETURN(auto x, f())`: x = value of the StatusOr, or returns its error.
#define LT_ASSIGN_OR_RETURN(lhs, expr) LT_ASSIGN_OR_RETURN_IMPL(LT_CONCAT(lt_statusor_, __LINE__), lhs, expr)
#define LT_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()
