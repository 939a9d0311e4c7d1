// Words, names, texts, numbers and signs of a filter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace lt::feature::detail {

enum class TokenKind : std::uint8_t { kEnd, kWord, kQuoted, kText, kNumber, kSign };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::size_t at = 0;   ///< byte offset
  std::size_t end = 0;  ///< of the byte after it
  std::string text;     ///< without quotes
};

/// True for words that cannot be bare property names: reserved ones and names of functions.
[[nodiscard]] bool is_filter_word(std::string_view name);
/// True when a name can stand without quotes, words aside.
[[nodiscard]] bool is_bare_name(std::string_view name);
/// ASCII letters as capitals.
[[nodiscard]] std::string to_upper(std::string_view text);

/// Splits well-formed UTF-8.
class FilterLexer {
 public:
  explicit FilterLexer(std::string_view text) : text_(text) {}

  /// Errors: INVALID_ARGUMENT FILTER_SYNTAX.
  [[nodiscard]] absl::StatusOr<Token> read(std::size_t from) const;
  /// Where the WKT that starts at `from` ends: after its last bracket or word. It may be anything but too short.
  [[nodiscard]] std::size_t end_of_wkt(std::size_t from) const;
  /// True when the next sign from `from` on is an opening bracket.
  [[nodiscard]] bool opens(std::size_t from) const;

 private:
  [[nodiscard]] std::size_t skip_space(std::size_t from) const;
  [[nodiscard]] absl::StatusOr<Token> read_quoted(std::size_t at) const;
  [[nodiscard]] absl::StatusOr<Token> read_number(std::size_t at) const;
  [[nodiscard]] absl::StatusOr<Token> read_sign(std::size_t at) const;
  [[nodiscard]] Token token(TokenKind kind, std::size_t at, std::size_t end) const;
  [[nodiscard]] char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

  std::string_view text_;
};

}  // namespace lt::feature::detail
