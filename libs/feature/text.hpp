// Checks of text from outside, and text cut for messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace lt::feature {

/// Longest value repeated in a message, in code points.
inline constexpr std::size_t kMaxQuoted = 64;

/// Errors: INVALID_ARGUMENT TEXT_NOT_UTF8, TEXT_HAS_NUL.
[[nodiscard]] absl::Status check_text(std::string_view text);

/// True when a character below U+0020 or U+007F is in `text`.
[[nodiscard]] bool has_control_character(std::string_view text);

/// The first `max` code points, with "…" when something was cut off. Malformed UTF-8 and control characters become '?',
/// so that the result is fit for messages and logs.
[[nodiscard]] std::string cut(std::string_view text, std::size_t max = kMaxQuoted);

}  // namespace lt::feature
