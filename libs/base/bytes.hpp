// Bytes as text and digests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lt {

/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Bytes of hexadecimal of either case; nothing when malformed.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view hex);

/// Standard base64 with padding. @source RFC 4648 §4.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Accepts the standard and the URL-safe alphabet, with or without padding; nothing when malformed.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
/// URL-safe base64 without padding, for opaque tokens. @source RFC 4648 §5.
[[nodiscard]] std::string to_base64url(std::string_view bytes);

/// True when `text` is well-formed UTF-8 (no surrogates, no overlong forms). @source Unicode 15 table 3-7.
[[nodiscard]] bool is_utf8(std::string_view text);
/// Number of code points of well-formed UTF-8.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// A SHA-256 digest: 32 raw bytes.
using Digest = std::array<char, 32>;

[[nodiscard]] inline std::string_view view(const Digest& digest) { return {digest.data(), digest.size()}; }
/// The digest of 32 raw bytes; nothing for another length.
[[nodiscard]] std::optional<Digest> digest_from_bytes(std::string_view bytes);

/// SHA-256 in pieces. Not thread-safe; movable.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  Sha256& update(std::string_view bytes);
  /// The digest of everything so far; the object starts anew.
  [[nodiscard]] Digest finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

[[nodiscard]] Digest sha256(std::string_view bytes);

/// Appends little-endian fixed-width and LEB128 variable-width integers: the building blocks of docs/canonical.md.
void append_u16(std::string& out, std::uint16_t value);
void append_u32(std::string& out, std::uint32_t value);
void append_u64(std::string& out, std::uint64_t value);
void append_uvarint(std::string& out, std::uint64_t value);
/// uvarint length, then the bytes.
void append_bytes(std::string& out, std::string_view bytes);

/// Reads what the functions above append. Every read returns nothing once the bytes do not suffice or are malformed
/// (also an overlong uvarint: each value has one encoding), and the reader stays failed.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] std::optional<std::uint8_t> u8();
  [[nodiscard]] std::optional<std::uint16_t> u16();
  [[nodiscard]] std::optional<std::uint32_t> u32();
  [[nodiscard]] std::optional<std::uint64_t> u64();
  [[nodiscard]] std::optional<std::uint64_t> uvarint();
  [[nodiscard]] std::optional<std::string_view> take(std::uint64_t size);
  /// uvarint length, then that many bytes.
  [[nodiscard]] std::optional<std::string_view> bytes();
  [[nodiscard]] bool at_end() const { return !failed_ && rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace lt
