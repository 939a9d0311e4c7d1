// Page sizes and tokens of the List calls.
#pragma once

#include <cstddef>
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
/// The same for keys that are numbers from 1: 0 for an empty token.
[[nodiscard]] absl::StatusOr<std::int64_t> read_number_token(std::string_view token);

/// Bytes of a unary answer: room below the 4 MiB that clients accept.
inline constexpr std::size_t kMaxPageBytes = 3U << 20;

/// Writes a page: `add` is called for each item until there are `limit` or the answer is over kMaxPageBytes.
/// @param items up to limit + 1. @param add returns the bytes that it added. @return the last item that was written
/// when there are more, else null.
template <typename Items, typename Add>
[[nodiscard]] const typename Items::value_type* write_page(const Items& items, int limit, const Add& add) {
  std::size_t bytes = 0;
  const typename Items::value_type* last = nullptr;
  int written = 0;
  for (const auto& item : items) {
    if (written == limit || bytes > kMaxPageBytes) return last;
    bytes += add(item);
    last = &item;
    ++written;
  }
  return nullptr;
}

}  // namespace lt::exchange
