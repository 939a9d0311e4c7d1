#include "pg/result.hpp"

#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <libpq-fe.h>
#include <spdlog/spdlog.h>

#include "pg/detail/binary.hpp"

namespace lt::pg {
namespace {

[[noreturn]] void misuse(std::string_view what, int column, std::int64_t detail) {
  spdlog::critical("event=pg_result_misuse what=\"{}\" column={} detail={}", what, column, detail);
  std::abort();
}

void expect_size(const Field& field, std::int32_t size, int column, std::string_view getter) {
  if (field.size != size) misuse(getter, column, field.size);
}

}  // namespace

int Row::columns() const { return fields_ != nullptr ? row_ : PQnfields(result_); }

Field Row::field(int column) const {
  if (column < 0 || column >= columns()) misuse("no such column", column, columns());
  if (fields_ != nullptr) return fields_[column];
  const std::uint32_t type = PQftype(result_, column);
  if (PQgetisnull(result_, row_, column) != 0) return {nullptr, detail::kNullSize, type};
  return {PQgetvalue(result_, row_, column), PQgetlength(result_, row_, column), type};
}

std::int64_t Row::get_int(int column) const {
  const Field value = field(column);
  switch (value.size) {
    case detail::kNullSize: return 0;
    case 2: return static_cast<std::int16_t>(detail::load_be16(value.data));
    case 4: {
      const std::uint32_t bits = detail::load_be32(value.data);
      if (value.type == detail::kOidOid) return bits;  // the one unsigned type
      return static_cast<std::int32_t>(bits);
    }
    case 8: return static_cast<std::int64_t>(detail::load_be64(value.data));
    default: misuse("get_int", column, value.size);
  }
}

double Row::get_double(int column) const {
  const Field value = field(column);
  if (value.size < 0) return 0;
  expect_size(value, sizeof(double), column, "get_double");
  return std::bit_cast<double>(detail::load_be64(value.data));
}

float Row::get_float(int column) const {
  const Field value = field(column);
  if (value.size < 0) return 0;
  expect_size(value, sizeof(float), column, "get_float");
  return std::bit_cast<float>(detail::load_be32(value.data));
}

bool Row::get_bool(int column) const {
  const Field value = field(column);
  if (value.size < 0) return false;
  expect_size(value, 1, column, "get_bool");
  return value.data[0] != 0;
}

char Row::get_char(int column) const {
  const Field value = field(column);
  if (value.size < 0) return '\0';
  expect_size(value, 1, column, "get_char");
  return value.data[0];
}

std::string_view Row::get_text(int column) const {
  const std::string_view bytes = get_bytes(column);
  const bool versioned = field(column).type == detail::kJsonbOid && !bytes.empty();
  return versioned ? bytes.substr(1) : bytes;
}

std::string_view Row::get_bytes(int column) const {
  const Field value = field(column);
  if (value.size < 0) return {};
  return {value.data, static_cast<std::size_t>(value.size)};
}

std::int64_t Row::get_timestamp_us(int column) const {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const Field value = field(column);
  if (value.size < 0) return 0;
  expect_size(value, sizeof(std::int64_t), column, "get_timestamp_us");
  const auto us = static_cast<std::int64_t>(detail::load_be64(value.data));
  if (us == kLeast || us > kMost - detail::kPostgresEpochUs) return us == kLeast ? kLeast : kMost;
  return us + detail::kPostgresEpochUs;
}

std::optional<std::int64_t> Row::get_optional_int(int column) const {
  if (is_null(column)) return std::nullopt;
  return get_int(column);
}
std::optional<double> Row::get_optional_double(int column) const {
  if (is_null(column)) return std::nullopt;
  return get_double(column);
}
std::optional<float> Row::get_optional_float(int column) const {
  if (is_null(column)) return std::nullopt;
  return get_float(column);
}
std::optional<bool> Row::get_optional_bool(int column) const {
  if (is_null(column)) return std::nullopt;
  return get_bool(column);
}
std::optional<std::string_view> Row::get_optional_text(int column) const {
  if (is_null(column)) return std::nullopt;
  return get_text(column);
}
std::optional<std::string_view> Row::get_optional_bytes(int column) const {
  if (is_null(column)) return std::nullopt;
  return get_bytes(column);
}
std::optional<std::int64_t> Row::get_optional_timestamp_us(int column) const {
  if (is_null(column)) return std::nullopt;
  return get_timestamp_us(column);
}

void Result::Clear::operator()(pg_result* result) const { PQclear(result); }

int Result::rows() const { return PQntuples(result_.get()); }

int Result::columns() const { return PQnfields(result_.get()); }

std::int64_t Result::affected() const {
  const char* text = PQcmdTuples(result_.get());
  std::int64_t count = 0;
  std::from_chars(text, text + std::strlen(text), count);
  return count;
}

Row Result::row(int row) const {
  if (row < 0 || row >= rows()) misuse("no such row", row, rows());
  return {result_.get(), row};
}

}  // namespace lt::pg
