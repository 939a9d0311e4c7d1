// Page sizes and tokens of the List calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace lt::exchange {

/// 1..1,000 as asked, 100 for 0, never more than 1,000. Errors: INVALID_ARGUMENT PAGE_SIZE_INVALID (negative).
[[nodiscard]] absl::StatusOr<int> page_size(int asked);

/// An opaque token that says after which key the next page starts.
[[nodiscard]] std::string make_page_token(std::string_view key);
/// "" for an empty token. Errors: INVALID_ARGUMENT PAGE_TOKEN_MALFORMED.
[[nodiscard]] absl::StatusOr<std::string> read_page_token(std::string_view token);

}  // namespace lt::exchange
