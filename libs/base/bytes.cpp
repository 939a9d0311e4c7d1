#include "base/bytes.hpp"

#include <cstring>

#include <absl/strings/escaping.h>
#include <openssl/evp.h>

namespace lt {
namespace {

absl::string_view absl_view(std::string_view s) { return {s.data(), s.size()}; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <typename T>
void append_le(std::string& out, T value) {
  char raw[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) raw[i] = static_cast<char>((value >> (8 * i)) & 0xFF);
  out.append(raw, sizeof(T));
}

template <typename T>
std::optional<T> read_le(const std::optional<std::string_view>& raw) {
  if (!raw) return std::nullopt;
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(static_cast<unsigned char>((*raw)[i])) << (8 * i)));
  }
  return value;
}

// Length of the well-formed sequence at the start of `s`, 0 when malformed.
std::size_t utf8_sequence(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto continues = [&](std::size_t i) { return i < s.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    if (lead == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out.push_back(kDigits[b >> 4]);
    out.push_back(kDigits[b & 15]);
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(hex.size() / 2);
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]);
    const int low = hex_digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

std::string to_base64(std::string_view bytes) { return absl::Base64Escape(absl_view(bytes)); }

std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  const bool url = text.find_first_of("-_") != std::string_view::npos;
  const bool ok =
      url ? absl::WebSafeBase64Unescape(absl_view(text), &out) : absl::Base64Unescape(absl_view(text), &out);
  if (!ok) return std::nullopt;
  return out;
}

std::string to_base64url(std::string_view bytes) { return absl::WebSafeBase64Escape(absl_view(bytes)); }

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t n = utf8_sequence(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

std::size_t utf8_length(std::string_view text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

std::optional<Digest> digest_from_bytes(std::string_view bytes) {
  Digest digest;
  if (bytes.size() != digest.size()) return std::nullopt;
  std::memcpy(digest.data(), bytes.data(), digest.size());
  return digest;
}

namespace {

// Fetched once: OpenSSL 3 takes locks and searches its providers for every digest that is not.
const EVP_MD* sha256_method() {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return method;
}

}  // namespace

struct Sha256::Impl {
  struct Free {
    void operator()(EVP_MD_CTX* owned) const { EVP_MD_CTX_free(owned); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> ctx{EVP_MD_CTX_new()};
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) { EVP_DigestInit_ex2(impl_->ctx.get(), sha256_method(), nullptr); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(impl_->ctx.get(), bytes.data(), bytes.size());
  return *this;
}

Digest Sha256::finish() {
  Digest digest;
  EVP_DigestFinal_ex(impl_->ctx.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  EVP_DigestInit_ex2(impl_->ctx.get(), nullptr, nullptr);
  return digest;
}

Digest sha256(std::string_view bytes) {
  thread_local Sha256 hasher;
  return hasher.update(bytes).finish();
}

void append_u16(std::string& out, std::uint16_t value) { append_le(out, value); }
void append_u32(std::string& out, std::uint32_t value) { append_le(out, value); }
void append_u64(std::string& out, std::uint64_t value) { append_le(out, value); }

void append_uvarint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>((value & 0x7F) | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void append_bytes(std::string& out, std::string_view bytes) {
  append_uvarint(out, bytes.size());
  out.append(bytes);
}

std::optional<std::string_view> ByteReader::take(std::uint64_t size) {
  if (failed_ || size > rest_.size()) {
    failed_ = true;
    return std::nullopt;
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}

std::optional<std::uint8_t> ByteReader::u8() { return read_le<std::uint8_t>(take(1)); }
std::optional<std::uint16_t> ByteReader::u16() { return read_le<std::uint16_t>(take(2)); }
std::optional<std::uint32_t> ByteReader::u32() { return read_le<std::uint32_t>(take(4)); }
std::optional<std::uint64_t> ByteReader::u64() { return read_le<std::uint64_t>(take(8)); }

std::optional<std::uint64_t> ByteReader::uvarint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = u8();
    if (!byte) return std::nullopt;
    const std::uint64_t bits = *byte & 0x7FU;
    if (shift == 63 && bits > 1) break;
    value |= bits << shift;
    if ((*byte & 0x80U) == 0) {
      if (*byte == 0 && shift > 0) break;  // overlong
      return value;
    }
  }
  failed_ = true;
  return std::nullopt;
}

std::optional<std::string_view> ByteReader::bytes() {
  const auto size = uvarint();
  return size ? take(*size) : std::nullopt;
}

}  // namespace lt
