// Walks JSON text that is known to be well-formed, without building a document: an array of a million positions costs
// no memory, numbers keep their exact digits (a document would turn -0 into 0), and every value has a place for
// messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace lt::geo::detail {

/// Checks that `text` is one JSON value, UTF-8, not deeper than max_depth, with no member name twice in one object.
/// Errors: INVALID_ARGUMENT GEOMETRY_MALFORMED, GEOMETRY_NOT_FINITE (a number beyond a double's range).
[[nodiscard]] absl::Status check_json(std::string_view text, int max_depth);

/// All functions need text that check_json() accepted.
class JsonCursor {
 public:
  explicit JsonCursor(std::string_view text) : text_(text) {}

  /// Moves to the next token and tells its first character.
  char peek();
  /// Takes `c` if it is the next token.
  bool accept(char c);
  /// Steps over one whole value, however deep.
  void skip_value();
  /// Reads a string token with its escapes resolved.
  [[nodiscard]] std::string read_string();

  [[nodiscard]] std::size_t at() const { return at_; }
  void move_to(std::size_t at) { at_ = at; }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  void skip_string();
  std::string_view text_;
  std::size_t at_ = 0;
};

/// JSON path of the innermost value that contains the byte `offset`: "$.geometries[2].coordinates[0]".
[[nodiscard]] std::string json_path(std::string_view text, std::size_t offset);

}  // namespace lt::geo::detail
