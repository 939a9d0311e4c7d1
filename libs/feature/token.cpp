#include "feature/token.hpp"

#include <limits>
#include <optional>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "feature/text.hpp"

namespace lt::feature {
namespace {

// Also tells a resume token from a cursor, whose first byte is another.
constexpr std::uint8_t kFormat = 0x22;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kMaxTextBytes = 128;  // of a uid or a feature id
constexpr std::size_t kMaxTokenBytes = 1024;

absl::Status malformed() {
  return make_error(absl::StatusCode::kInvalidArgument, "TOKEN_MALFORMED",
                    "resume_token is not one that this system gave out; send it exactly as it was received, or none to "
                    "read the answer from its beginning");
}

// Against typing and copying errors, not against intent: a token gives no rights.
std::string checksum(std::string_view bytes) { return std::string(view(sha256(bytes)).substr(0, kChecksumBytes)); }

void append_number(std::string& bytes, std::int64_t value) { append_uvarint(bytes, static_cast<std::uint64_t>(value)); }

void append_digest(std::string& bytes, const std::string& hex) {
  bytes.push_back(hex.empty() ? '\0' : '\1');
  bytes.append(from_hex(hex).value_or(""));
}

bool read_number(ByteReader& reader, std::int64_t& value) {
  const auto read = reader.uvarint();
  if (!read || *read > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return false;
  value = static_cast<std::int64_t>(*read);
  return true;
}

bool read_text(ByteReader& reader, std::string& text) {
  const auto read = reader.bytes();
  if (!read || read->empty() || read->size() > kMaxTextBytes || !check_text(*read).ok()) return false;
  text = *read;
  return true;
}

// A text that may be empty.
bool read_name(ByteReader& reader, std::string& text) {
  const auto read = reader.bytes();
  if (!read || read->size() > kMaxTextBytes || !check_text(*read).ok()) return false;
  text = *read;
  return true;
}

bool read_bool(ByteReader& reader, bool& value) {
  const auto read = reader.u8();
  if (!read || *read > 1) return false;
  value = *read == 1;
  return true;
}

bool read_digest(ByteReader& reader, std::string& hex) {
  bool there = false;
  if (!read_bool(reader, there)) return false;
  if (!there) return true;
  const auto digest = reader.take(kDigestBytes);
  if (!digest) return false;
  hex = to_hex(*digest);
  return true;
}

bool fits_together(const ResumeToken& token) {
  if (token.from > token.to || token.count < 1) return false;
  if (token.kind == AnswerKind::kSnapshot) {
    return token.from == 0 && token.last_version == 0 && !token.include_before && token.view == token.from_view;
  }
  if (token.kind == AnswerKind::kChanges && (token.include_before || token.by_id())) return false;
  if (token.by_id()) return token.last_version == 0;
  return token.last_version > token.from && token.last_version <= token.to;
}

std::optional<ResumeToken> read_token(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto format = reader.u8();
  const auto kind = reader.u8();
  if (!format || *format != kFormat || !kind || *kind < 1 || *kind > 3) return std::nullopt;
  ResumeToken token;
  token.kind = static_cast<AnswerKind>(*kind);
  const bool read = read_text(reader, token.dataset_uid) && read_number(reader, token.from) &&
                    read_number(reader, token.to) && read_digest(reader, token.from_digest) &&
                    read_digest(reader, token.to_digest) && read_bool(reader, token.include_before) &&
                    read_number(reader, token.last_version) && read_text(reader, token.last_id) &&
                    read_number(reader, token.count) && read_name(reader, token.view) &&
                    read_name(reader, token.from_view);
  if (!read || !reader.at_end() || !fits_together(token)) return std::nullopt;
  return token;
}

}  // namespace

std::string encode_resume_token(const ResumeToken& token) {
  std::string bytes;
  bytes.push_back(static_cast<char>(kFormat));
  bytes.push_back(static_cast<char>(token.kind));
  append_bytes(bytes, token.dataset_uid);
  append_number(bytes, token.from);
  append_number(bytes, token.to);
  append_digest(bytes, token.from_digest);
  append_digest(bytes, token.to_digest);
  bytes.push_back(token.include_before ? '\1' : '\0');
  append_number(bytes, token.last_version);
  append_bytes(bytes, token.last_id);
  append_number(bytes, token.count);
  append_bytes(bytes, token.view);
  append_bytes(bytes, token.from_view);
  bytes.append(checksum(bytes));
  return to_base64url(bytes);
}

absl::StatusOr<ResumeToken> decode_resume_token(std::string_view text) {
  if (text.size() > kMaxTokenBytes) return malformed();
  const auto bytes = from_base64(text);
  // One text for one token: no padding, white space or stray bits.
  if (!bytes || bytes->size() < kChecksumBytes || to_base64url(*bytes) != text) return malformed();
  const std::string_view body = std::string_view(*bytes).substr(0, bytes->size() - kChecksumBytes);
  if (checksum(body) != bytes->substr(body.size())) return malformed();
  auto token = read_token(body);
  if (!token) return malformed();
  return *std::move(token);
}

}  // namespace lt::feature
