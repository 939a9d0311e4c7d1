// What a statement gives back, in PostgreSQL's binary format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

struct pg_result;

namespace lt::pg {

/// One value as the server sent it.
struct Field {
  const char* data;    ///< Not terminated; nullptr for NULL.
  std::int32_t size;   ///< Bytes; -1 for NULL.
  std::uint32_t type;  ///< pg_type oid; 0 where the protocol does not tell (COPY).
};

/// One row, read by column (from 0). A view: valid only as long as the Result it comes from, or until the next row of
/// the stream it comes from.
///
/// Getters trust that the caller wrote the SQL: a column that is not there or has another type than the getter is a
/// bug, is logged, and ends the process. NULL reads as 0, false or "" where is_null() was not asked; use the
/// get_optional_ variants for nullable columns.
class Row {
 public:
  /// A row of a result.
  Row(const pg_result* result, int row) : result_(result), row_(row) {}
  /// A row of loose fields (COPY).
  Row(const Field* fields, int columns) : fields_(fields), row_(columns) {}

  [[nodiscard]] int columns() const;
  [[nodiscard]] bool is_null(int column) const { return field(column).size < 0; }
  /// smallint, integer, bigint, oid, date (days since 2000-01-01): decided by the length of the value.
  [[nodiscard]] std::int64_t get_int(int column) const;
  [[nodiscard]] double get_double(int column) const;
  [[nodiscard]] float get_float(int column) const;
  [[nodiscard]] bool get_bool(int column) const;
  /// The one-byte type "char".
  [[nodiscard]] char get_char(int column) const;
  /// text, varchar, name, json, and, in results (not in COPY), jsonb without its version byte.
  [[nodiscard]] std::string_view get_text(int column) const;
  /// bytea, and the raw binary form of any other type.
  [[nodiscard]] std::string_view get_bytes(int column) const;
  /// timestamptz as microseconds since 1970-01-01T00:00:00Z. ±infinity come back as the ends of int64.
  [[nodiscard]] std::int64_t get_timestamp_us(int column) const;

  [[nodiscard]] std::optional<std::int64_t> get_optional_int(int column) const;
  [[nodiscard]] std::optional<double> get_optional_double(int column) const;
  [[nodiscard]] std::optional<float> get_optional_float(int column) const;
  [[nodiscard]] std::optional<bool> get_optional_bool(int column) const;
  [[nodiscard]] std::optional<std::string_view> get_optional_text(int column) const;
  [[nodiscard]] std::optional<std::string_view> get_optional_bytes(int column) const;
  [[nodiscard]] std::optional<std::int64_t> get_optional_timestamp_us(int column) const;

  [[nodiscard]] Field field(int column) const;

 private:
  const pg_result* result_ = nullptr;
  const Field* fields_ = nullptr;
  int row_ = 0;  ///< Row number in result_, or number of fields_.
};

/// A whole result in memory. Move-only; string views into it live as long as it does. The getters are those of Row.
class Result {
 public:
  /// Takes over `result`.
  explicit Result(pg_result* result) : result_(result) {}

  [[nodiscard]] int rows() const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] bool empty() const { return rows() == 0; }
  /// Rows inserted, updated, deleted, selected or copied; 0 for other commands.
  [[nodiscard]] std::int64_t affected() const;
  [[nodiscard]] Row row(int row) const;

  [[nodiscard]] bool is_null(int r, int c) const { return row(r).is_null(c); }
  [[nodiscard]] std::int64_t get_int(int r, int c) const { return row(r).get_int(c); }
  [[nodiscard]] double get_double(int r, int c) const { return row(r).get_double(c); }
  [[nodiscard]] float get_float(int r, int c) const { return row(r).get_float(c); }
  [[nodiscard]] bool get_bool(int r, int c) const { return row(r).get_bool(c); }
  [[nodiscard]] char get_char(int r, int c) const { return row(r).get_char(c); }
  [[nodiscard]] std::string_view get_text(int r, int c) const { return row(r).get_text(c); }
  [[nodiscard]] std::string_view get_bytes(int r, int c) const { return row(r).get_bytes(c); }
  [[nodiscard]] std::int64_t get_timestamp_us(int r, int c) const { return row(r).get_timestamp_us(c); }
  [[nodiscard]] std::optional<std::int64_t> get_optional_int(int r, int c) const { return row(r).get_optional_int(c); }
  [[nodiscard]] std::optional<double> get_optional_double(int r, int c) const { return row(r).get_optional_double(c); }
  [[nodiscard]] std::optional<float> get_optional_float(int r, int c) const { return row(r).get_optional_float(c); }
  [[nodiscard]] std::optional<bool> get_optional_bool(int r, int c) const { return row(r).get_optional_bool(c); }
  [[nodiscard]] std::optional<std::string_view> get_optional_text(int r, int c) const {
    return row(r).get_optional_text(c);
  }
  [[nodiscard]] std::optional<std::string_view> get_optional_bytes(int r, int c) const {
    return row(r).get_optional_bytes(c);
  }
  [[nodiscard]] std::optional<std::int64_t> get_optional_timestamp_us(int r, int c) const {
    return row(r).get_optional_timestamp_us(c);
  }

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace lt::pg
