// JSON as a property value: its canonical text and the numbers that have one.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

namespace lt::feature::detail {

/// RFC 8785 text of any value but null. An integer beyond ±(2^53 − 1) is accepted only when RFC 8785 prints the double
/// it stands for with the same digits, so that nothing is rounded in silence. Errors: INVALID_ARGUMENT VALUE_WRONG_TYPE
/// (null), VALUE_OUT_OF_RANGE (number, depth), TEXT_NOT_UTF8, TEXT_HAS_NUL.
[[nodiscard]] absl::StatusOr<std::string> canonical_json_value(const nlohmann::json& json);

/// OK when `text` is what canonical_json_value() gives for it. Errors: as there, VALUE_WRONG_TYPE for any other text.
[[nodiscard]] absl::Status check_json_text(std::string_view text);

}  // namespace lt::feature::detail
