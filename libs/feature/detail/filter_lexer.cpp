#include "feature/detail/filter_lexer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "feature/detail/filter_tree.hpp"
#include "feature/text.hpp"

namespace lt::feature::detail {
namespace {

constexpr std::array<std::string_view, 14> kWords = {"AND",  "OR",        "NOT",          "IN",      "BETWEEN",
                                                     "LIKE", "IS",        "NULL",         "TRUE",    "FALSE",
                                                     "DATE", "TIMESTAMP", "S_INTERSECTS", "S_WITHIN"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // 0 at the end
};

CodePoint code_point(std::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (n > text.size()) return {0xFFFD, 1};
  char32_t value = n == 1 ? lead : lead & (0x7FU >> n);
  for (std::size_t i = 1; i < n; ++i) value = (value << 6U) | (byte(i) & 0x3FU);
  return {value, n};
}

using Range = std::pair<char32_t, char32_t>;
// Characters that a bare name may start with, beyond ASCII. @source OGC 21-065r2 identifierStart
constexpr std::array<Range, 12> kStarts = {{{0xC0, 0xD6},
                                            {0xD8, 0xF6},
                                            {0xF8, 0x2FF},
                                            {0x370, 0x37D},
                                            {0x37F, 0x1FFF},
                                            {0x200C, 0x200D},
                                            {0x2070, 0x218F},
                                            {0x2C00, 0x2FEF},
                                            {0x3001, 0xD7FF},
                                            {0xF900, 0xFDCF},
                                            {0xFDF0, 0xFFFD},
                                            {0x10000, 0xEFFFF}}};
// What may follow besides: combining marks and joining signs.
constexpr std::array<Range, 2> kParts = {{{0x300, 0x36F}, {0x203F, 0x2040}}};

template <typename Ranges>
bool is_in(const Ranges& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](const Range& r) { return c >= r.first && c <= r.second; });
}

bool starts_name(char32_t c) {
  if (c < 0x80) return is_letter(static_cast<char>(c)) || c == '_' || c == ':';
  return is_in(kStarts, c);
}

bool continues_name(char32_t c) {
  if (c < 0x80) return starts_name(c) || is_digit(static_cast<char>(c)) || c == '.';
  return starts_name(c) || is_in(kParts, c);
}

// Bytes of the bare name at the start of `text`.
std::size_t name_bytes(std::string_view text) {
  CodePoint c = code_point(text);
  if (c.bytes == 0 || !starts_name(c.value)) return 0;
  std::size_t end = 0;
  while (c.bytes > 0 && continues_name(c.value)) {
    end += c.bytes;
    c = code_point(text.substr(end));
  }
  return end;
}

std::size_t digits_end(std::string_view text, std::size_t from) {
  while (from < text.size() && is_digit(text[from])) ++from;
  return from;
}

}  // namespace

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

bool is_filter_word(std::string_view name) {
  return std::find(kWords.begin(), kWords.end(), to_upper(name)) != kWords.end();
}

bool is_bare_name(std::string_view name) { return !name.empty() && name_bytes(name) == name.size(); }

absl::StatusOr<Token> FilterLexer::read(std::size_t from) const {
  const std::size_t start = skip_space(from);
  if (start == text_.size()) return token(TokenKind::kEnd, start, start);
  const char c = text_[start];
  if (c == '\'' || c == '"') return read_quoted(start);
  if (is_digit(c) || (c == '.' && is_digit(at(start + 1)))) return read_number(start);
  if (const std::size_t n = name_bytes(text_.substr(start)); n > 0) return token(TokenKind::kWord, start, start + n);
  return read_sign(start);
}

// A quote within is doubled.
absl::StatusOr<Token> FilterLexer::read_quoted(std::size_t start) const {
  const char quote = text_[start];
  Token out{quote == '"' ? TokenKind::kQuoted : TokenKind::kText, start, start + 1, {}};
  for (;; ++out.end) {
    if (out.end == text_.size()) {
      return filter_syntax(text_, start, std::string("the text that starts here has no closing ") + quote);
    }
    if (text_[out.end] == quote) {
      if (at(out.end + 1) != quote) break;
      ++out.end;
    }
    out.text += text_[out.end];
  }
  ++out.end;
  return out;
}

absl::StatusOr<Token> FilterLexer::read_number(std::size_t start) const {
  std::size_t end = digits_end(text_, start);
  if (at(end) == '.') end = digits_end(text_, end + 1);
  if (at(end) == 'e' || at(end) == 'E') {
    const std::size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
    const std::size_t exponent_end = digits_end(text_, end + 1 + sign);
    if (exponent_end == end + 1 + sign) return filter_syntax(text_, start, "the number's exponent has no digits");
    end = exponent_end;
  }
  const CodePoint next = code_point(text_.substr(end));
  if (next.bytes > 0 && continues_name(next.value)) {
    return filter_syntax(text_, start, "a number goes over into a name; a name that starts with a digit needs \"\"");
  }
  return token(TokenKind::kNumber, start, end);
}

absl::StatusOr<Token> FilterLexer::read_sign(std::size_t start) const {
  for (const std::string_view sign : {"<>", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "(", ")", ","}) {
    if (text_.substr(start, sign.size()) == sign) return token(TokenKind::kSign, start, start + sign.size());
  }
  const auto shown = text_.substr(start, std::max<std::size_t>(code_point(text_.substr(start)).bytes, 1));
  return filter_syntax(text_, start, "\"" + cut(shown) + "\" has no meaning here; text stands in '', names in \"\"");
}

Token FilterLexer::token(TokenKind kind, std::size_t start, std::size_t end) const {
  return {kind, start, end, std::string(text_.substr(start, end - start))};
}

std::size_t FilterLexer::skip_space(std::size_t from) const {
  while (is_space(at(from))) ++from;
  return from;
}

bool FilterLexer::opens(std::size_t from) const { return at(skip_space(from)) == '('; }

std::size_t FilterLexer::end_of_wkt(std::size_t from) const {
  std::size_t end = from;
  while (is_letter(at(end)) || (is_space(at(end)) && (is_letter(at(skip_space(end))) || opens(end)))) ++end;
  if (at(end) != '(') return end;
  int open = 0;
  do {
    const char c = at(end);
    open += c == '(' ? 1 : c == ')' ? -1 : 0;
    ++end;
  } while (open > 0 && end < text_.size());
  return end;
}

}  // namespace lt::feature::detail
