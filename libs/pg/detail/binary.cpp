#include "pg/detail/binary.hpp"

#include <algorithm>
#include <limits>

namespace lt::pg::detail {
namespace {

void append_array_header(std::string& out, std::size_t count, std::uint32_t element_type, bool has_nulls = false) {
  const bool empty = count == 0;
  append_be32(out, empty ? 0 : 1);
  append_be32(out, has_nulls ? 1 : 0);
  append_be32(out, element_type);
  if (empty) return;
  append_be32(out, static_cast<std::uint32_t>(count));
  append_be32(out, 1);  // lower bound
}

}  // namespace

void append_int8_array(std::string& out, std::span<const std::int64_t> values) {
  append_array_header(out, values.size(), kInt8Oid);
  for (const std::int64_t value : values) {
    append_be32(out, sizeof value);
    append_be64(out, static_cast<std::uint64_t>(value));
  }
}

void append_text_array(std::string& out, std::span<const std::string> values) {
  append_array_header(out, values.size(), kTextOid);
  for (const std::string& value : values) {
    append_be32(out, static_cast<std::uint32_t>(value.size()));
    out.append(value);
  }
}

void append_raw_array(std::string& out, std::uint32_t element_type,
                      std::span<const std::optional<std::string_view>> values) {
  const bool has_nulls = std::any_of(values.begin(), values.end(), [](const auto& value) { return !value; });
  append_array_header(out, values.size(), element_type, has_nulls);
  for (const auto& value : values) {
    append_be32(out, static_cast<std::uint32_t>(value ? static_cast<std::int32_t>(value->size()) : kNullSize));
    if (value) out.append(*value);
  }
}

std::int64_t to_postgres_us(std::int64_t us_since_unix_epoch) {
  // The least int64 means -infinity there, so the range ends one above it.
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min() + 1;
  if (us_since_unix_epoch < kLeast + kPostgresEpochUs) return kLeast;
  return us_since_unix_epoch - kPostgresEpochUs;
}

}  // namespace lt::pg::detail
