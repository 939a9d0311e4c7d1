// What clients keep for us and hand back: cursors, resume tokens and page tokens. The input is taken as the token
// itself and as the bytes inside one with a right checksum, which chance would never find.
#include "base/bytes.hpp"
#include "base/status.hpp"
#include "exchange/paging.hpp"
#include "feature/receipt.hpp"
#include "feature/text.hpp"
#include "feature/token.hpp"
#include "support.hpp"

namespace {

using namespace lt;

void require_cursor(std::string_view token) {
  const auto cursor = feature::decode_cursor(token);
  if (!cursor.ok()) {
    fuzz::require_refusal(cursor.status());
    return fuzz::require(error_reason(cursor.status()) == "CURSOR_MALFORMED", "a cursor has one reason");
  }
  fuzz::require(feature::encode_cursor(*cursor) == token, "a cursor has one token");
  const auto again = feature::decode_cursor(feature::encode_cursor(*cursor));
  fuzz::require(again.ok() && *again == *cursor, "a cursor reads back");
  for (const auto& position : cursor->positions) {
    fuzz::require(position.version >= 0, "a cursor has no negative version");
    fuzz::require(position.digest.empty() || from_hex(position.digest)->size() == Digest().size(), "a digest is one");
  }
}

void require_resume_token(std::string_view text) {
  const auto token = feature::decode_resume_token(text);
  if (!token.ok()) {
    fuzz::require_refusal(token.status());
    return fuzz::require(error_reason(token.status()) == "TOKEN_MALFORMED", "a resume token has one reason");
  }
  fuzz::require(feature::encode_resume_token(*token) == text, "a resume token has one text");
  fuzz::require(token->from >= 0 && token->from <= token->to && token->count > 0, "a resume token fits together");
  fuzz::require(!feature::decode_cursor(text).ok(), "a resume token is no cursor");
}

// See libs/feature/cursor.cpp and token.cpp: the body, then four bytes of its SHA-256.
std::string with_checksum(std::string_view body) {
  constexpr std::size_t kChecksumBytes = 4;
  return to_base64url(std::string(body) + std::string(view(sha256(body)).substr(0, kChecksumBytes)));
}

void require_page_token(std::string_view token) {
  const auto key = exchange::read_page_token(token);
  if (!key.ok()) return fuzz::require_refusal(key.status());
  fuzz::require(feature::check_text(*key).ok(), "a page's key is text that PostgreSQL takes");
  const auto again = exchange::read_page_token(exchange::make_page_token(*key));
  fuzz::require(again.ok() && *again == *key, "a page token reads back");
}

void require_codecs(std::string_view bytes) {
  fuzz::require(from_base64(to_base64(bytes)) == bytes, "base64 reads back");
  fuzz::require(from_base64(to_base64url(bytes)) == bytes, "URL-safe base64 reads back");
  fuzz::require(from_hex(to_hex(bytes)) == bytes, "hexadecimal reads back");
  if (const auto raw = from_base64(bytes)) fuzz::require(from_base64(to_base64(*raw)) == raw, "base64 is kept");
  if (const auto raw = from_hex(bytes)) fuzz::require(to_hex(*raw).size() == bytes.size(), "hexadecimal is kept");
  fuzz::require(is_utf8(feature::cut(bytes)), "text cut for a message is UTF-8");
  ByteReader reader(bytes);
  while (const auto number = reader.uvarint()) {
    std::string written;
    append_uvarint(written, *number);
    ByteReader again(written);
    fuzz::require(again.uvarint() == number && again.at_end(), "a uvarint reads back");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  for (const std::string& token : {std::string(bytes), with_checksum(bytes)}) {
    require_cursor(token);
    require_resume_token(token);
  }
  require_page_token(bytes);
  require_page_token(to_base64url(bytes));
  require_page_token(exchange::make_page_token(bytes));
  require_codecs(bytes);
  return 0;
}
