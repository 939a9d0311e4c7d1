// The text of a filter as a tree of what it says. Scalar and condition share one grammar: what an operand must be is
// checked where it is used, so that a bracket needs no looking ahead.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/detail/filter_lexer.hpp"
#include "feature/detail/filter_tree.hpp"
#include "feature/text.hpp"

namespace lt::feature::detail {
namespace {

constexpr std::array<std::pair<Operator, std::string_view>, 12> kOperators = {{
    {Operator::kAdd, "+"},
    {Operator::kSubtract, "-"},
    {Operator::kMultiply, "*"},
    {Operator::kDivide, "/"},
    {Operator::kEqual, "="},
    {Operator::kNotEqual, "<>"},
    {Operator::kLess, "<"},
    {Operator::kLessEqual, "<="},
    {Operator::kGreater, ">"},
    {Operator::kGreaterEqual, ">="},
    {Operator::kIntersects, "S_INTERSECTS"},
    {Operator::kWithin, "S_WITHIN"},
}};

Operator operator_from(std::string_view sign) {
  for (const auto& [op, name] : kOperators) {
    if (name == sign) return op;
  }
  return Operator::kNone;
}

bool is_comparison(Operator op) { return op >= Operator::kEqual && op <= Operator::kGreaterEqual; }
bool is_sum(Operator op) { return op == Operator::kAdd || op == Operator::kSubtract; }
bool is_product(Operator op) { return op == Operator::kMultiply || op == Operator::kDivide; }

bool is_bool_literal(const Node& node) {
  return node.kind == NodeKind::kLiteral && std::holds_alternative<bool>(node.value);
}
bool is_condition(const Node& node) { return node.kind >= NodeKind::kCompare || is_bool_literal(node); }
bool is_value(const Node& node) { return node.kind < NodeKind::kCompare; }

class FilterParser {
 public:
  FilterParser(std::string_view text, const FilterLimits& limits) : text_(text), lexer_(text), limits_(limits) {}

  absl::StatusOr<Node> parse() {
    LT_RETURN_IF_ERROR(advance());
    LT_ASSIGN_OR_RETURN(Node node, condition());
    if (token_.kind != TokenKind::kEnd) return expected("AND, OR or the end", token_);
    LT_RETURN_IF_ERROR(require_condition(node));
    return node;
  }

 private:
  using Result = absl::StatusOr<Node>;
  using Rule = Result (FilterParser::*)();

  // Brackets, NOT and minus call condition() and unary() again; this keeps the stack bounded.
  class Level {
   public:
    explicit Level(int& depth) : depth_(++depth) {}
    ~Level() { --depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int& depth_;
  };

  Result condition() { return chain("OR", NodeKind::kOr, &FilterParser::conjunction); }
  Result conjunction() { return chain("AND", NodeKind::kAnd, &FilterParser::negation); }

  Result chain(std::string_view word, NodeKind kind, Rule part) {
    LT_ASSIGN_OR_RETURN(Node first, (this->*part)());
    if (!is_word(word)) return first;
    LT_RETURN_IF_ERROR(require_condition(first));
    std::vector<Node> parts;
    const std::size_t at = token_.at;
    parts.push_back(std::move(first));
    while (is_word(word)) {
      LT_RETURN_IF_ERROR(advance());
      LT_ASSIGN_OR_RETURN(Node next, (this->*part)());
      LT_RETURN_IF_ERROR(require_condition(next));
      parts.push_back(std::move(next));
    }
    return make(kind, at, std::move(parts));
  }

  Result negation() {
    if (!is_word("NOT")) return predicate();
    const Level level(depth_);
    LT_RETURN_IF_ERROR(check_depth(depth_));
    const std::size_t at = token_.at;
    LT_RETURN_IF_ERROR(advance());
    LT_ASSIGN_OR_RETURN(Node operand, negation());
    LT_RETURN_IF_ERROR(require_condition(operand));
    return make(NodeKind::kNot, at, one(std::move(operand)));
  }

  Result predicate() {
    LT_ASSIGN_OR_RETURN(Node left, sum());
    if (is_comparison(sign())) return comparison(std::move(left));
    if (is_word("IS")) return null_test(std::move(left));
    const std::size_t at = token_.at;
    const bool negated = is_word("NOT");
    if (negated) LT_RETURN_IF_ERROR(advance());
    if (is_word("BETWEEN")) return between(std::move(left), at, negated);
    if (is_word("IN")) return in(std::move(left), at, negated);
    if (is_word("LIKE")) return like(std::move(left), at, negated);
    if (negated) return expected("BETWEEN, IN or LIKE after NOT", token_);
    return left;
  }

  Result comparison(Node left) {
    const Operator op = sign();
    const std::size_t at = token_.at;
    LT_RETURN_IF_ERROR(require_value(left));
    LT_RETURN_IF_ERROR(advance());
    LT_ASSIGN_OR_RETURN(Node right, value());
    LT_ASSIGN_OR_RETURN(Node node, make(NodeKind::kCompare, at, two(std::move(left), std::move(right))));
    node.op = op;
    return node;
  }

  Result null_test(Node operand) {
    const std::size_t at = token_.at;
    LT_RETURN_IF_ERROR(require_value(operand));
    LT_RETURN_IF_ERROR(advance());
    const bool negated = is_word("NOT");
    if (negated) LT_RETURN_IF_ERROR(advance());
    LT_RETURN_IF_ERROR(take_word("NULL"));
    return make_negated(NodeKind::kIsNull, at, one(std::move(operand)), negated);
  }

  Result between(Node operand, std::size_t at, bool negated) {
    LT_RETURN_IF_ERROR(require_value(operand));
    LT_RETURN_IF_ERROR(advance());
    LT_ASSIGN_OR_RETURN(Node low, value());
    LT_RETURN_IF_ERROR(take_word("AND"));
    LT_ASSIGN_OR_RETURN(Node high, value());
    std::vector<Node> parts = two(std::move(operand), std::move(low));
    parts.push_back(std::move(high));
    return make_negated(NodeKind::kBetween, at, std::move(parts), negated);
  }

  Result in(Node operand, std::size_t at, bool negated) {
    LT_RETURN_IF_ERROR(require_value(operand));
    LT_RETURN_IF_ERROR(advance());
    LT_RETURN_IF_ERROR(take_sign("("));
    std::vector<Node> parts = one(std::move(operand));
    for (;;) {
      if (parts.size() > limits_.max_list) return filter_too_large("items of an IN", limits_.max_list);
      const Token start = token_;
      LT_ASSIGN_OR_RETURN(Node item, unary());
      if (item.kind != NodeKind::kLiteral) return expected("a literal as an item of IN", start);
      parts.push_back(std::move(item));
      if (!is_sign(",")) break;
      LT_RETURN_IF_ERROR(advance());
    }
    LT_RETURN_IF_ERROR(take_sign(")"));
    return make_negated(NodeKind::kIn, at, std::move(parts), negated);
  }

  Result like(Node operand, std::size_t at, bool negated) {
    LT_RETURN_IF_ERROR(require_value(operand));
    LT_RETURN_IF_ERROR(advance());
    if (token_.kind != TokenKind::kText) return expected("a pattern in '' after LIKE", token_);
    LT_RETURN_IF_ERROR(check_pattern());
    LT_ASSIGN_OR_RETURN(Node pattern, text_literal());
    return make_negated(NodeKind::kLike, at, two(std::move(operand), std::move(pattern)), negated);
  }

  absl::Status check_pattern() const {
    std::size_t backslashes = 0;
    while (backslashes < token_.text.size() && token_.text.rbegin()[static_cast<std::ptrdiff_t>(backslashes)] == '\\') {
      ++backslashes;
    }
    if (backslashes % 2 == 0) return absl::OkStatus();
    return fail(token_.at, "the pattern ends in a backslash, which stands before a sign taken as it is; write \\\\");
  }

  Result value() {
    LT_ASSIGN_OR_RETURN(Node node, sum());
    LT_RETURN_IF_ERROR(require_value(node));
    return node;
  }

  Result sum() { return binary(is_sum, &FilterParser::product); }
  Result product() { return binary(is_product, &FilterParser::unary); }

  Result binary(bool (*belongs)(Operator), Rule part) {
    LT_ASSIGN_OR_RETURN(Node left, (this->*part)());
    while (belongs(sign())) {
      const Operator op = sign();
      const std::size_t at = token_.at;
      LT_RETURN_IF_ERROR(require_value(left));
      LT_RETURN_IF_ERROR(advance());
      LT_ASSIGN_OR_RETURN(Node right, (this->*part)());
      LT_RETURN_IF_ERROR(require_value(right));
      LT_ASSIGN_OR_RETURN(left, make(NodeKind::kArithmetic, at, two(std::move(left), std::move(right))));
      left.op = op;
    }
    return left;
  }

  Result unary() {
    if (!is_sign("-")) return atom();
    const Level level(depth_);
    LT_RETURN_IF_ERROR(check_depth(depth_));
    const std::size_t at = token_.at;
    LT_RETURN_IF_ERROR(advance());
    if (token_.kind == TokenKind::kNumber) return number(at, "-");
    LT_ASSIGN_OR_RETURN(Node operand, unary());
    LT_RETURN_IF_ERROR(require_value(operand));
    return make(NodeKind::kNegate, at, one(std::move(operand)));
  }

  Result atom() {
    switch (token_.kind) {
      case TokenKind::kNumber: return number(token_.at, "");
      case TokenKind::kText: return text_literal();
      case TokenKind::kQuoted: return property();
      case TokenKind::kWord: return word();
      default: break;
    }
    if (is_sign("(")) return bracket();
    return expected(is_first() ? "a condition" : "a value", token_);
  }

  Result bracket() {
    const Level level(depth_);
    LT_RETURN_IF_ERROR(check_depth(depth_));
    LT_RETURN_IF_ERROR(advance());
    LT_ASSIGN_OR_RETURN(Node node, condition());
    LT_RETURN_IF_ERROR(take_sign(")"));
    return node;
  }

  Result word() {
    const std::string name = to_upper(token_.text);
    if (name == "TRUE" || name == "FALSE") return literal(token_.at, name == "TRUE");
    const bool call = lexer_.opens(token_.end);
    if (call && name == "DATE") return date();
    if (call && name == "TIMESTAMP") return timestamp();
    if (call && (name == "S_INTERSECTS" || name == "S_WITHIN")) return spatial(operator_from(name));
    const bool function = name == "DATE" || name == "TIMESTAMP" || name.starts_with("S_");
    if (is_filter_word(name) && !function) return expected(is_first() ? "a condition" : "a value", token_);
    if (!call) return property();
    return fail(token_.at, fmt::format("function {} is not known; there are DATE, TIMESTAMP, S_INTERSECTS and S_WITHIN",
                                       cut(token_.text)));
  }

  Result property() {
    const Token name = token_;
    if (name.text.empty()) return fail(name.at, "a property's name is empty");
    LT_RETURN_IF_ERROR(advance());
    LT_ASSIGN_OR_RETURN(Node node, make(NodeKind::kProperty, name.at, {}));
    node.text = name.text;
    return node;
  }

  Result literal(std::size_t at, Value value) {
    LT_RETURN_IF_ERROR(advance());
    LT_ASSIGN_OR_RETURN(Node node, make(NodeKind::kLiteral, at, {}));
    node.value = std::move(value);
    return node;
  }

  Result text_literal() { return literal(token_.at, token_.text); }

  // Whole numbers that fit are int64; others are doubles whose digits are kept for decimals.
  Result number(std::size_t at, std::string_view sign) {
    const std::string digits = std::string(sign) + token_.text;
    if (digits.size() > limits_.max_number_chars) {
      return filter_too_large("characters of a number", limits_.max_number_chars);
    }
    const char* const end = digits.data() + digits.size();
    std::int64_t whole = 0;
    const auto read_whole = std::from_chars(digits.data(), end, whole);
    double real = 0;
    const bool is_whole = read_whole.ec == std::errc() && read_whole.ptr == end;
    if (!is_whole && std::from_chars(digits.data(), end, real).ec != std::errc()) {
      return fail(at, "the number is outside the range of a 64-bit float");
    }
    LT_ASSIGN_OR_RETURN(Node node, literal(at, is_whole ? Value(whole) : Value(real)));
    node.text = is_whole ? std::to_string(whole) : digits;
    return node;
  }

  // DATE('...'): the text between the brackets, which are taken.
  absl::StatusOr<Token> argument(std::string_view form) {
    const std::string name = to_upper(token_.text);
    LT_RETURN_IF_ERROR(advance());
    LT_RETURN_IF_ERROR(take_sign("("));
    if (token_.kind != TokenKind::kText) return expected(fmt::format("'{}' in {}()", form, name), token_);
    const Token text = token_;
    LT_RETURN_IF_ERROR(advance());
    if (!is_sign(")")) return expected("\")\"", token_);
    return text;
  }

  Result date() {
    const std::size_t at = token_.at;
    LT_ASSIGN_OR_RETURN(const Token text, argument("YYYY-MM-DD"));
    const auto days = parse_date(text.text);
    if (!days.ok()) return fail(text.at, message_of(days.status()));
    return literal(at, Date{*days});
  }

  Result timestamp() {
    const std::size_t at = token_.at;
    LT_ASSIGN_OR_RETURN(const Token text, argument("YYYY-MM-DDThh:mm:ssZ"));
    const auto time = parse_rfc3339(text.text);
    if (!time.ok()) return fail(text.at, message_of(time.status()));
    if (!time->offset_minutes) return fail(text.at, "the timestamp names no offset; add Z for UTC, or +07:00");
    if (!is_valid({time->us, 0})) return fail(text.at, "the timestamp in UTC is outside the years 0001 to 9999");
    return literal(at, Timestamp{time->us, 0});
  }

  Result spatial(Operator op) {
    const std::size_t at = token_.at;
    LT_RETURN_IF_ERROR(advance());
    LT_RETURN_IF_ERROR(take_sign("("));
    if (token_.text != kGeometryName || (token_.kind != TokenKind::kWord && token_.kind != TokenKind::kQuoted)) {
      return expected(fmt::format("{} in {}()", kGeometryName, to_string(op)), token_);
    }
    LT_RETURN_IF_ERROR(advance());
    if (!is_sign(",")) return expected("\",\"", token_);
    LT_RETURN_IF_ERROR(advance());
    if (token_.kind != TokenKind::kWord) return expected("a WKT geometry", token_);
    LT_ASSIGN_OR_RETURN(geo::Geometry geometry, shape());
    LT_RETURN_IF_ERROR(take_sign(")"));
    LT_ASSIGN_OR_RETURN(Node node, make(NodeKind::kSpatial, at, {}));
    node.op = op;
    node.geometry = std::move(geometry);
    return node;
  }

  // The WKT at the present word.
  absl::StatusOr<geo::Geometry> shape() {
    const std::size_t start = token_.at, end = lexer_.end_of_wkt(start);
    geo::GeometryLimits limits;
    limits.max_vertices = limits_.max_vertices;
    auto geometry = geo::parse_wkt(text_.substr(start, end - start), 0, limits);
    if (!geometry.ok()) {
      if (error_reason(geometry.status()) == "GEOMETRY_TOO_LARGE") {
        return filter_too_large("vertices of a geometry", limits_.max_vertices);
      }
      return fail(start, message_of(geometry.status()));
    }
    LT_RETURN_IF_ERROR(advance_from(end));
    return geometry;
  }

  Result make(NodeKind kind, std::size_t at, std::vector<Node> children) {
    if (++nodes_ > limits_.max_nodes) return filter_too_large("operators, properties and literals", limits_.max_nodes);
    Node node;
    node.kind = kind;
    node.at = at;
    for (const Node& child : children) node.height = std::max(node.height, child.height + 1);
    LT_RETURN_IF_ERROR(check_depth(node.height));
    node.children = std::move(children);
    return node;
  }

  Result make_negated(NodeKind kind, std::size_t at, std::vector<Node> children, bool negated) {
    LT_ASSIGN_OR_RETURN(Node node, make(kind, at, std::move(children)));
    node.negated = negated;
    return node;
  }

  static std::vector<Node> one(Node node) {
    std::vector<Node> out;
    out.push_back(std::move(node));
    return out;
  }
  static std::vector<Node> two(Node first, Node second) {
    std::vector<Node> out = one(std::move(first));
    out.push_back(std::move(second));
    return out;
  }

  absl::Status check_depth(int depth) const {
    if (depth <= limits_.max_depth) return absl::OkStatus();
    return filter_too_large("levels", static_cast<std::uint64_t>(limits_.max_depth));
  }

  absl::Status require_condition(const Node& node) const {
    if (is_condition(node)) return absl::OkStatus();
    if (node.kind != NodeKind::kProperty) return fail(node.at, "expected a condition, found a value");
    return fail(node.at, fmt::format("expected a condition, found property \"{0}\"; compare it, as in {0} = TRUE",
                                     cut(node.text)));
  }

  absl::Status require_value(const Node& node) const {
    if (is_value(node)) return absl::OkStatus();
    return fail(node.at, "expected a value, found a condition");
  }

  absl::Status advance() { return advance_from(token_.end); }
  absl::Status advance_from(std::size_t place) {
    before_ = token_.text;
    LT_ASSIGN_OR_RETURN(token_, lexer_.read(place));
    return absl::OkStatus();
  }

  [[nodiscard]] bool is_first() const { return before_.empty(); }
  [[nodiscard]] bool is_word(std::string_view word) const {
    return token_.kind == TokenKind::kWord && to_upper(token_.text) == word;
  }
  [[nodiscard]] bool is_sign(std::string_view sign) const {
    return token_.kind == TokenKind::kSign && token_.text == sign;
  }
  [[nodiscard]] Operator sign() const {
    return token_.kind == TokenKind::kSign ? operator_from(token_.text) : Operator::kNone;
  }

  absl::Status take_word(std::string_view word) {
    if (!is_word(word)) return expected(word, token_);
    return advance();
  }
  absl::Status take_sign(std::string_view sign) {
    if (!is_sign(sign)) return expected(fmt::format("\"{}\"", sign), token_);
    return advance();
  }

  [[nodiscard]] absl::Status fail(std::size_t at, const std::string& message) const {
    return filter_syntax(text_, at, message);
  }
  [[nodiscard]] absl::Status expected(std::string_view what, const Token& found) const {
    const std::string shown = found.kind == TokenKind::kEnd ? "the end" : fmt::format("\"{}\"", cut(found.text));
    const bool tell = what == "a value" && &found == &token_;
    const std::string after = tell ? fmt::format(" after \"{}\"", cut(before_)) : "";
    return fail(found.at, fmt::format("expected {}{}, found {}", what, after, shown));
  }

  std::string_view text_;
  FilterLexer lexer_;
  FilterLimits limits_;
  Token token_;
  std::string before_;  // the token before, for messages
  int depth_ = 0;
  std::size_t nodes_ = 0;
};

struct Place {
  std::size_t line = 1, column = 1;
};

Place place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  Place place;
  place.line += static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_end = before.rfind('\n');
  place.column += utf8_length(line_end == std::string_view::npos ? before : before.substr(line_end + 1));
  return place;
}

}  // namespace

std::string_view to_string(Operator op) {
  for (const auto& [known, name] : kOperators) {
    if (known == op) return name;
  }
  return "";
}

absl::Status filter_error(std::string_view text, std::size_t at, std::string_view reason, const std::string& message) {
  const Place place = place_of(text, at);
  const std::string line = place.line > 1 ? fmt::format("line {}, ", place.line) : "";
  return make_error(absl::StatusCode::kInvalidArgument, reason,
                    fmt::format("filter at {}column {}: {}", line, place.column, message),
                    {{"line", std::to_string(place.line)}, {"column", std::to_string(place.column)}});
}

absl::Status filter_syntax(std::string_view text, std::size_t at, const std::string& message) {
  return filter_error(text, at, "FILTER_SYNTAX", message);
}

absl::Status filter_too_large(std::string_view what, std::uint64_t limit) {
  return make_error(absl::StatusCode::kResourceExhausted, "FILTER_TOO_LARGE",
                    fmt::format("filter has more than {} {}", limit, what), {{"limit", std::to_string(limit)}});
}

absl::StatusOr<Node> parse_filter(std::string_view text, const FilterLimits& limits) {
  if (text.size() > limits.max_bytes) return filter_too_large("bytes", limits.max_bytes);
  if (const absl::Status status = check_text(text); !status.ok()) {
    return make_error(absl::StatusCode::kInvalidArgument, "FILTER_SYNTAX", "filter: " + message_of(status));
  }
  return FilterParser(text, limits).parse();
}

}  // namespace lt::feature::detail
