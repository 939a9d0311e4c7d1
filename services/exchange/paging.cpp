#include "exchange/paging.hpp"

#include <algorithm>
#include <charconv>

#include "base/bytes.hpp"
#include "base/status.hpp"

namespace lt::exchange {
namespace {
constexpr int kDefaultPageSize = 100;
constexpr int kMaxPageSize = 1000;
constexpr char kTokenPrefix[] = "p1:";

absl::Status malformed() {
  return make_error(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_MALFORMED",
                    "page_token is not one that this server gave; start without one");
}

}  // namespace

absl::StatusOr<int> page_size(int asked) {
  if (asked < 0) return make_error(absl::StatusCode::kInvalidArgument, "PAGE_SIZE_INVALID", "page_size is negative");
  return asked == 0 ? kDefaultPageSize : std::min(asked, kMaxPageSize);
}

std::string make_page_token(std::string_view key) { return to_base64url(std::string(kTokenPrefix) + std::string(key)); }

absl::StatusOr<std::string> read_page_token(std::string_view token) {
  if (token.empty()) return std::string();
  const auto text = from_base64(token);
  if (!text || !text->starts_with(kTokenPrefix) || !is_utf8(*text) || text->find('\0') != std::string::npos) {
    return malformed();
  }
  return text->substr(sizeof kTokenPrefix - 1);
}

absl::StatusOr<std::int64_t> read_number_token(std::string_view token) {
  LT_ASSIGN_OR_RETURN(const auto text, read_page_token(token));
  if (text.empty()) return token.empty() ? absl::StatusOr<std::int64_t>(0) : malformed();
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) return malformed();
  return number;
}

}  // namespace lt::exchange
