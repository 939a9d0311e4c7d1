// Statement parameters, bound by C++ type in PostgreSQL's binary format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lt::pg {

/// A value in PostgreSQL's binary form, nothing for NULL.
using RawValue = std::optional<std::string_view>;

/// What the elements of an array are.
enum class ElementType { kBigint, kReal, kChar, kText, kBytea, kJsonb };

/// The values of $1, $2, ... of one statement. Each carries its type, so the server never guesses it and nothing is
/// ever pasted into SQL text. Values are copied in. Not thread-safe; copyable; may be reused after clear().
///
/// Types: int16 smallint, int32 integer, int64 bigint, float real, double double precision, bool boolean, text text.
/// Unsigned integers do not compile: PostgreSQL has none, so the caller says how they are stored.
class Params {
 public:
  Params& add(std::int16_t value);
  Params& add(std::int32_t value);
  Params& add(std::int64_t value);
  Params& add(long long value) { return add(static_cast<std::int64_t>(value)); }
  Params& add(double value);
  Params& add(float value);
  Params& add(bool value);
  /// text. The server refuses what is not UTF-8 or contains U+0000 (INVALID_ARGUMENT).
  Params& add(std::string_view value);
  Params& add(const char* value) { return add(std::string_view(value)); }
  Params& add(const std::string& value) { return add(std::string_view(value)); }
  /// A lone char would silently become an integer: say add_char() or pass text.
  Params& add(char) = delete;
  Params& add(std::nullptr_t) = delete;

  /// The value, or a NULL of its type.
  template <typename T>
  Params& add(const std::optional<T>& value) {
    if (value) return add(*value);
    add(T{});
    return make_last_null();
  }

  /// bytea.
  Params& add_bytes(std::string_view value);
  /// The one-byte type "char".
  Params& add_char(char value);
  /// jsonb, from its text; the server parses it.
  Params& add_jsonb(std::string_view json);
  /// A NULL whose type the server infers.
  Params& add_null();
  /// bigint[] without NULLs.
  Params& add_int8_array(std::span<const std::int64_t> values);
  /// text[] without NULLs.
  Params& add_text_array(std::span<const std::string> values);
  /// An array of values that are in binary form already, with NULLs.
  Params& add_raw_array(ElementType type, std::span<const RawValue> values);
  /// timestamptz.
  /// @param us_since_unix_epoch microseconds since 1970-01-01T00:00:00Z.
  Params& add_timestamp_us(std::int64_t us_since_unix_epoch);

  void clear();
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  /// Type of parameter `index` (from 0) as a pg_type oid; 0 = the server infers it.
  [[nodiscard]] std::uint32_t type(std::size_t index) const { return slots_[index].type; }
  /// Binary value of parameter `index` (from 0); nothing for NULL. Valid until the next change.
  [[nodiscard]] std::optional<std::string_view> value(std::size_t index) const;

 private:
  struct Slot {
    std::uint32_t type;
    std::size_t offset;
    std::size_t size;
    bool null;
  };

  std::string& open(std::uint32_t type);
  Params& close();
  Params& make_last_null();

  std::vector<Slot> slots_;
  std::string buffer_;
};

}  // namespace lt::pg
