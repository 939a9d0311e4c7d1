// PostgreSQL's binary value formats, written and read. Everything on the wire is big-endian.
// @source PostgreSQL 15: the *send and *recv functions of src/backend/utils/adt.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lt::pg::detail {

/// Object ids of built-in types; fixed for ever by src/include/catalog/pg_type.dat.
enum : std::uint32_t {
  kUnknownOid = 0,
  kBoolOid = 16,
  kByteaOid = 17,
  kCharOid = 18,
  kInt8Oid = 20,
  kInt2Oid = 21,
  kInt4Oid = 23,
  kTextOid = 25,
  kOidOid = 26,
  kFloat4Oid = 700,
  kFloat8Oid = 701,
  kByteaArrayOid = 1001,
  kCharArrayOid = 1002,
  kTextArrayOid = 1009,
  kInt8ArrayOid = 1016,
  kFloat4ArrayOid = 1021,
  kTimestampTzOid = 1184,
  kJsonbOid = 3802,
  kJsonbArrayOid = 3807,
};

/// Microseconds from the Unix epoch (1970-01-01) to PostgreSQL's (2000-01-01), both UTC: 10,957 days.
inline constexpr std::int64_t kPostgresEpochUs = 946'684'800'000'000;
/// jsonb is sent as this version byte and then its text.
inline constexpr char kJsonbVersion = 1;
/// The length word that stands for NULL.
inline constexpr std::int32_t kNullSize = -1;

inline void append_be16(std::string& out, std::uint16_t value) {
  const std::uint16_t wire = __builtin_bswap16(value);
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}
inline void append_be32(std::string& out, std::uint32_t value) {
  const std::uint32_t wire = __builtin_bswap32(value);
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}
inline void append_be64(std::string& out, std::uint64_t value) {
  const std::uint64_t wire = __builtin_bswap64(value);
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

inline std::uint16_t load_be16(const char* data) {
  std::uint16_t wire = 0;
  std::memcpy(&wire, data, sizeof wire);
  return __builtin_bswap16(wire);
}
inline std::uint32_t load_be32(const char* data) {
  std::uint32_t wire = 0;
  std::memcpy(&wire, data, sizeof wire);
  return __builtin_bswap32(wire);
}
inline std::uint64_t load_be64(const char* data) {
  std::uint64_t wire = 0;
  std::memcpy(&wire, data, sizeof wire);
  return __builtin_bswap64(wire);
}

/// One-dimensional arrays with lower bound 1; an empty one has no dimension, as array_send() writes it.
void append_int8_array(std::string& out, std::span<const std::int64_t> values);
void append_text_array(std::string& out, std::span<const std::string> values);
/// Elements in their own binary form, nothing for NULL.
void append_raw_array(std::string& out, std::uint32_t element_type,
                      std::span<const std::optional<std::string_view>> values);

/// Microseconds since the Unix epoch as PostgreSQL's timestamptz. Values that do not fit are clamped to its range ends.
std::int64_t to_postgres_us(std::int64_t us_since_unix_epoch);

}  // namespace lt::pg::detail
