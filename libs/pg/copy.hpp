// COPY in binary format, both ways, row by row and with bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/params.hpp"
#include "pg/result.hpp"

namespace lt::pg {

namespace detail {
class Session;
}

/// Encodes rows for COPY ... FROM STDIN (FORMAT binary) into memory, without header and trailer. Unlike a statement
/// parameter a COPY value is not converted: the C++ type must be exactly the column's type (int64 for bigint, int32 for
/// integer, ...). Not thread-safe.
/// @source PostgreSQL 15 manual, COPY, "Binary Format".
class CopyEncoder {
 public:
  /// Starts a row of `columns` values (1..1600), to be added in the order of the COPY column list.
  CopyEncoder& begin_row(int columns);

  CopyEncoder& add(std::int16_t value);
  CopyEncoder& add(std::int32_t value);
  CopyEncoder& add(std::int64_t value);
  CopyEncoder& add(long long value) { return add(static_cast<std::int64_t>(value)); }
  CopyEncoder& add(double value);
  CopyEncoder& add(float value);
  CopyEncoder& add(bool value);
  CopyEncoder& add(std::string_view value);
  CopyEncoder& add(const char* value) { return add(std::string_view(value)); }
  CopyEncoder& add(const std::string& value) { return add(std::string_view(value)); }
  CopyEncoder& add(char) = delete;
  CopyEncoder& add(std::nullptr_t) = delete;
  template <typename T>
  CopyEncoder& add(const std::optional<T>& value) {
    return value ? add(*value) : add_null();
  }
  CopyEncoder& add_bytes(std::string_view value) { return add_raw(value); }
  CopyEncoder& add_char(char value) { return add_raw({&value, 1}); }
  CopyEncoder& add_null();
  CopyEncoder& add_int8_array(std::span<const std::int64_t> values);
  CopyEncoder& add_text_array(std::span<const std::string> values);
  CopyEncoder& add_timestamp_us(std::int64_t us_since_unix_epoch);
  /// jsonb, from its text; the server parses it. (For a json column use add().)
  CopyEncoder& add_jsonb(std::string_view json);
  /// Any type: its binary form as its *send function writes it.
  CopyEncoder& add_raw(std::string_view value);

  /// True when the last row has as many values as begin_row() said.
  [[nodiscard]] bool row_complete() const { return missing_ == 0; }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  /// Hands the rows over, for CopyIn::write_raw; the encoder is empty afterwards.
  [[nodiscard]] std::string take() { return std::exchange(bytes_, {}); }
  void clear() { bytes_.clear(); }

 private:
  std::string& open(std::size_t size);

  std::string bytes_;
  int missing_ = 0;
};

/// The values of whole rows that a CopyEncoder made, row after row, as views into `rows`.
[[nodiscard]] std::vector<RawValue> values_of(std::string_view rows);

/// An open COPY ... FROM STDIN (FORMAT binary), made by Connection::copy_in. Move-only; must not outlive its
/// Connection. While it is open the connection does nothing else. Destroying it before finish() aborts the COPY:
/// its rows are dropped and an open transaction is failed.
class CopyIn {
 public:
  explicit CopyIn(detail::Session* session);
  ~CopyIn();
  CopyIn(CopyIn&& other) noexcept;
  CopyIn& operator=(CopyIn&& other) noexcept;

  CopyIn& begin_row(int columns) { return encoder_.begin_row(columns), *this; }
  /// The types of CopyEncoder::add.
  template <typename T>
  CopyIn& add(const T& value) {
    encoder_.add(value);
    return *this;
  }
  CopyIn& add_bytes(std::string_view value) { return encoder_.add_bytes(value), *this; }
  CopyIn& add_char(char value) { return encoder_.add_char(value), *this; }
  CopyIn& add_null() { return encoder_.add_null(), *this; }
  CopyIn& add_int8_array(std::span<const std::int64_t> values) { return encoder_.add_int8_array(values), *this; }
  CopyIn& add_text_array(std::span<const std::string> values) { return encoder_.add_text_array(values), *this; }
  CopyIn& add_timestamp_us(std::int64_t us) { return encoder_.add_timestamp_us(us), *this; }
  CopyIn& add_jsonb(std::string_view json) { return encoder_.add_jsonb(json), *this; }
  CopyIn& add_raw(std::string_view value) { return encoder_.add_raw(value), *this; }

  /// Ends the row; sends what has gathered once it is about 64 KiB. Blocks when the server is slower than the caller.
  /// Errors: INTERNAL COPY_ROW_INCOMPLETE fewer or more values than begin_row() said; UNAVAILABLE CONNECTION_LOST.
  /// What the server itself finds wrong is reported by finish().
  absl::Status end_row();
  /// Sends rows that a CopyEncoder made elsewhere, after those of this object.
  absl::Status write_raw(std::string_view rows);
  /// Ends the COPY. @return rows copied.
  /// Errors: those of the server (see sql_state.hpp), FAILED_PRECONDITION COPY_CLOSED finished before.
  absl::StatusOr<std::int64_t> finish();

 private:
  absl::Status flush();
  absl::Status put(std::string_view bytes);
  void abort() noexcept;

  detail::Session* session_;
  CopyEncoder encoder_;
};

/// An open COPY ... TO STDOUT (FORMAT binary), made by Connection::copy_out. Move-only; must not outlive its
/// connection. One row is in memory at a time. Destroying it before the last row gives the connection up (it would have
/// to read the rest).
class CopyOut {
 public:
  explicit CopyOut(detail::Session* session);
  ~CopyOut();
  CopyOut(CopyOut&& other) noexcept;
  CopyOut& operator=(CopyOut&& other) noexcept;

  /// The next row, valid until the next call; nullptr after the last.
  /// Errors: those of the server; INTERNAL COPY_MALFORMED; UNAVAILABLE CONNECTION_LOST.
  absl::StatusOr<const Row*> next();

 private:
  struct FreeMemory {
    void operator()(char* memory) const;
  };

  absl::Status read_message();
  absl::Status skip_header();
  absl::StatusOr<bool> parse_row();
  absl::Status malformed();
  absl::Status finish();

  detail::Session* session_;
  std::unique_ptr<char, FreeMemory> message_;
  std::string_view rest_;
  std::vector<Field> fields_;
  Row row_{static_cast<const Field*>(nullptr), 0};
  bool header_seen_ = false;
};

}  // namespace lt::pg
