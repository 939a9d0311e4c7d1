// Small tools of the geometry tests.
#pragma once

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "base/status.hpp"
#include "geo/geometry.hpp"

namespace lt::geo::test {

/// "01 0100 ..." -> bytes; white space is ignored.
inline std::string hex(std::string_view digits) {
  std::string out;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ' || c == '\n') continue;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      out.push_back(static_cast<char>(high * 16 + value));
      high = -1;
    }
  }
  return out;
}

inline std::string to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

/// Builds WKB piece by piece in one byte order, right or wrong.
class Wkb {
 public:
  explicit Wkb(bool little = true) : little_(little) {}
  Wkb& head(std::uint32_t code) {
    bytes.push_back(little_ ? 1 : 0);
    return u32(code);
  }
  Wkb& u32(std::uint32_t value) {
    for (unsigned i = 0; i < 4; ++i) bytes.push_back(static_cast<char>((value >> (8 * (little_ ? i : 3 - i))) & 0xFF));
    return *this;
  }
  Wkb& bits(std::uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((value >> (8 * (little_ ? i : 7 - i))) & 0xFF));
    return *this;
  }
  Wkb& xy(std::initializer_list<double> values) {
    for (const double v : values) bits(std::bit_cast<std::uint64_t>(v));
    return *this;
  }
  Wkb& add(const Wkb& other) {
    bytes += other.bytes;
    return *this;
  }
  std::string bytes;

 private:
  bool little_;
};

inline Geometry wkt(std::string_view text) {
  const auto parsed = parse_wkt(text);
  INFO(text << " -> " << (parsed.ok() ? "ok" : message_of(parsed.status())));
  REQUIRE(parsed.ok());
  return *parsed;
}

/// True when `result` failed with this code and reason; shows what came instead.
template <typename Result>
bool failed(const Result& result, absl::StatusCode code, std::string_view reason) {
  if (result.ok()) {
    UNSCOPED_INFO("it was accepted");
    return false;
  }
  UNSCOPED_INFO(result.status().ToString() << " reason " << error_reason(result.status()));
  return result.status().code() == code && error_reason(result.status()) == reason;
}

/// INVALID_ARGUMENT with this reason.
template <typename Result>
bool refused(const Result& result, std::string_view reason) {
  return failed(result, absl::StatusCode::kInvalidArgument, reason);
}

template <typename Result>
bool too_large(const Result& result) {
  return failed(result, absl::StatusCode::kResourceExhausted, "GEOMETRY_TOO_LARGE");
}

/// True when the error's message contains `part`.
template <typename Result>
bool says(const Result& result, std::string_view part) {
  const std::string message = result.ok() ? "accepted" : message_of(result.status());
  UNSCOPED_INFO(message);
  return message.find(part) != std::string::npos;
}

}  // namespace lt::geo::test
