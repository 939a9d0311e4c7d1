// From a value as a file holds it to a value of a schema's type.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

#include "feature/value.hpp"

namespace lt::sources::detail {

/// Takes `value` over as `type` only when nothing is lost: text is parsed in its form of docs/canonical.md (empty text
/// of another type than string is null), integers become doubles or decimals and whole doubles integers when exact.
/// Errors: INVALID_ARGUMENT VALUE_WRONG_TYPE, VALUE_OUT_OF_RANGE, TEXT_NOT_UTF8.
[[nodiscard]] absl::StatusOr<std::optional<feature::Value>> coerce(feature::Value value, feature::FieldType type);

/// value_from_json() that also takes integer literals beyond ±(2^53 − 1) for int64: the file's text was read exactly.
[[nodiscard]] absl::StatusOr<feature::Value> from_file_json(feature::FieldType type, const nlohmann::json& json);

/// A double as 16 hexadecimal digits of its bits, and back.
[[nodiscard]] std::string double_bits(double value);
[[nodiscard]] std::optional<double> double_from_bits(std::string_view hex);

}  // namespace lt::sources::detail
