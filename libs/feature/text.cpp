#include "feature/text.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "base/status.hpp"

namespace lt::feature {
namespace {

constexpr std::size_t kMaxUtf8Bytes = 4;

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7F;
}

// Bytes of the well-formed character at the start of `text`, 0 when there is none.
std::size_t character_bytes(std::string_view text) {
  for (std::size_t n = 1; n <= std::min(kMaxUtf8Bytes, text.size()); ++n) {
    if (is_utf8(text.substr(0, n))) return n;
  }
  return 0;
}

}  // namespace

absl::Status check_text(std::string_view text) {
  if (!is_utf8(text)) {
    return make_error(absl::StatusCode::kInvalidArgument, "TEXT_NOT_UTF8",
                      "text \"" + cut(text) + "\" is not UTF-8; convert it before sending");
  }
  if (text.find('\0') != std::string_view::npos) {
    return make_error(absl::StatusCode::kInvalidArgument, "TEXT_HAS_NUL",
                      "text \"" + cut(text) + "\" contains U+0000, which no text may; remove it");
  }
  return absl::OkStatus();
}

bool has_control_character(std::string_view text) { return std::any_of(text.begin(), text.end(), is_control); }

std::string cut(std::string_view text, std::size_t max) {
  std::string out;
  for (std::size_t taken = 0; !text.empty(); ++taken) {
    if (taken == max) return out + "…";
    const std::size_t n = character_bytes(text);
    if (n == 0 || is_control(text.front())) {
      out.push_back('?');
    } else {
      out.append(text.substr(0, n));
    }
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
  return out;
}

}  // namespace lt::feature
