// JSON in its one canonical form.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

namespace lt {

/// A double as ECMAScript prints it: shortest digits that read back to the same bits. Must be finite.
/// @source RFC 8785 §3.2.2.3, ECMA-262 Number::toString.
[[nodiscard]] std::string canonical_number(double value);

/// JSON by RFC 8785 (JCS): members sorted by UTF-16 code units, no white space, ECMAScript numbers.
/// Errors: INVALID_ARGUMENT a number that is not finite or an integer beyond ±(2^53 − 1).
[[nodiscard]] absl::StatusOr<std::string> canonical_json(const nlohmann::json& value);

/// Parses hostile JSON text.
/// @param max_depth nesting of arrays and objects allowed.
/// Errors: INVALID_ARGUMENT malformed, not UTF-8, a member name twice in one object, deeper than max_depth.
[[nodiscard]] absl::StatusOr<nlohmann::json> parse_json(std::string_view text, int max_depth = 64);

}  // namespace lt
