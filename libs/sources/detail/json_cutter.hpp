// Cuts a stream of JSON text into values without building them, so that a file of any length is read in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "sources/detail/byte_source.hpp"

namespace lt::sources::detail {

/// A member of an object: its name, and its value as the text stands in the file.
struct JsonMember {
  std::string name;
  std::string text;
};

class JsonCutter {
 public:
  /// Bytes of one value.
  static constexpr std::size_t kMaxValueBytes = 64U << 20;
  static constexpr int kEnd = -1;

  explicit JsonCutter(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  /// Next byte without taking it; kEnd at the end or after a failure (see status()).
  [[nodiscard]] int peek() { return at_ < end_ || fill() ? static_cast<unsigned char>(buffer_[at_]) : kEnd; }
  void skip() { ++at_; }
  /// White space, and the record separator U+001E of RFC 8142.
  void skip_space();
  /// After white space: takes `c` if it is next.
  [[nodiscard]] bool take(char c);

  /// Takes one value. The text is cut by its brackets and quotes only: parsing it checks the rest.
  /// Errors: DATA_LOSS FILE_CORRUPT; RESOURCE_EXHAUSTED FEATURE_TOO_LARGE.
  [[nodiscard]] absl::Status cut(std::string& out);
  /// Takes `"name" :`.
  [[nodiscard]] absl::Status cut_name(std::string& out);
  /// Takes the members of an object whose '{' was taken, with its '}'.
  [[nodiscard]] absl::Status cut_members(std::vector<JsonMember>& out);

  /// Why reading failed, if it did.
  [[nodiscard]] const absl::Status& status() const { return status_; }
  /// Bytes taken so far.
  [[nodiscard]] std::size_t offset() const { return before_ + at_; }
  [[nodiscard]] absl::Status rewind();
  /// FILE_CORRUPT at this offset, or the failure of the source.
  [[nodiscard]] absl::Status corrupt(std::string_view why) const;

 private:
  [[nodiscard]] bool fill();
  [[nodiscard]] absl::Status cut_string(std::string& out);
  [[nodiscard]] absl::Status cut_nested(std::string& out);
  void cut_scalar(std::string& out);

  static constexpr std::size_t kBuffer = 256U << 10;
  std::unique_ptr<ByteSource> source_;
  std::vector<char> buffer_ = std::vector<char>(kBuffer);
  std::size_t at_ = 0, end_ = 0, before_ = 0;
  absl::Status status_;
};

}  // namespace lt::sources::detail
