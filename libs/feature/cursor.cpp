// The token form of Cursor. Its bytes are our own affair: consumers keep it as it is.
#include <limits>
#include <utility>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "feature/receipt.hpp"
#include "feature/text.hpp"

namespace lt::feature {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kMaxTokenBytes = 512U << 10;
constexpr std::size_t kMaxNameBytes = 128;

absl::Status malformed() {
  return make_error(absl::StatusCode::kInvalidArgument, "CURSOR_MALFORMED",
                    "cursor is not one that this system gave out; send it exactly as it was received, or none to start "
                    "from the beginning");
}

// A checksum against typing and copying errors, not against intent: a cursor gives no rights.
std::string checksum(std::string_view bytes) { return std::string(view(sha256(bytes)).substr(0, kChecksumBytes)); }

bool is_name(std::string_view text) { return text.size() <= kMaxNameBytes && check_text(text).ok(); }

std::optional<Cursor::Position> read_position(ByteReader& reader) {
  const auto uid = reader.bytes();
  const auto version = reader.uvarint();
  const auto has_digest = reader.u8();
  if (!uid || !version || !has_digest || *has_digest > 1) return std::nullopt;
  if (!is_name(*uid) || *version > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return std::nullopt;
  Cursor::Position position{std::string(*uid), static_cast<std::int64_t>(*version), {}};
  if (*has_digest == 0) return position;
  const auto digest = reader.take(kDigestBytes);
  if (!digest) return std::nullopt;
  position.digest = to_hex(*digest);
  return position;
}

std::optional<Cursor> read_cursor(std::string_view bytes) {
  ByteReader reader(bytes);
  const auto format = reader.u8();
  const auto view_revision = reader.bytes();
  const auto count = reader.uvarint();
  if (!format || *format != kFormat || !view_revision || !is_name(*view_revision)) return std::nullopt;
  if (!count || *count > kMaxCursorPositions) return std::nullopt;
  Cursor cursor{std::string(*view_revision), {}};
  for (std::uint64_t i = 0; i < *count; ++i) {
    auto position = read_position(reader);
    if (!position) return std::nullopt;
    cursor.positions.push_back(*std::move(position));
  }
  if (!reader.at_end()) return std::nullopt;
  return cursor;
}

}  // namespace

std::string encode_cursor(const Cursor& cursor) {
  std::string bytes;
  bytes.push_back(static_cast<char>(kFormat));
  append_bytes(bytes, cursor.view_revision);
  append_uvarint(bytes, cursor.positions.size());
  for (const Cursor::Position& position : cursor.positions) {
    append_bytes(bytes, position.dataset_uid);
    append_uvarint(bytes, static_cast<std::uint64_t>(position.version));
    bytes.push_back(position.digest.empty() ? '\0' : '\1');
    bytes.append(from_hex(position.digest).value_or(""));
  }
  bytes.append(checksum(bytes));
  return to_base64url(bytes);
}

absl::StatusOr<Cursor> decode_cursor(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return malformed();
  const auto bytes = from_base64(token);
  // One token for one cursor: no padding, white space or stray bits.
  if (!bytes || bytes->size() < kChecksumBytes || to_base64url(*bytes) != token) return malformed();
  const std::string_view body = std::string_view(*bytes).substr(0, bytes->size() - kChecksumBytes);
  if (checksum(body) != bytes->substr(body.size())) return malformed();
  auto cursor = read_cursor(body);
  if (!cursor) return malformed();
  return *std::move(cursor);
}

}  // namespace lt::feature
