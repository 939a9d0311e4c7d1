// Random filters and features, and a second evaluator, written from docs/filters.md alone: slow, without any sharing.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "feature/filter.hpp"
#include "generators.hpp"

namespace lt::feature::test {

inline Schema filter_schema() {
  Schema schema;
  schema.crs = "EPSG:5897";
  schema.geometry.types = {geo::GeometryType::kGeometry};
  schema.geometry.nullable = true;
  const std::vector<std::pair<const char*, FieldType>> fields{
      {"tên", FieldType::kString},   {"lanes", FieldType::kInt64},        {"width", FieldType::kDouble},
      {"open", FieldType::kBool},    {"built", FieldType::kDate},         {"seen", FieldType::kTimestamp},
      {"cost", FieldType::kDecimal}, {"blob", FieldType::kBytes},         {"tags", FieldType::kStringList},
      {"extra", FieldType::kJson},   {"số làn \"2\"", FieldType::kInt64}, {"and", FieldType::kDouble},
  };
  for (const auto& [name, type] : fields) {
    Field field;
    field.number = static_cast<std::int32_t>(schema.fields.size()) + 1;
    field.name = name;
    field.type = type;
    field.allow_non_finite = type == FieldType::kDouble;
    schema.fields.push_back(field);
  }
  return schema;
}

// Values from small sets, so that comparisons often meet equal ones.

inline std::int64_t few_int64(Random& random) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  return random.pick(
      std::vector<std::int64_t>{0, 1, 2, 3, 7, -1, -2, 1000, kMax, kMax - 1, -kMax - 1, 9007199254740993});
}
inline double few_double(Random& random) {
  return random.pick(
      std::vector<double>{0.0, -0.0, 0.5, 1, 1.5, -1, 3, 0.1, 1e308, -1e308, 1e-200, 5e-324, 9007199254740992.0});
}
inline std::string few_text(Random& random) {
  return random.pick(std::vector<std::string>{"",      "a",     "b", "A",         "ab", "Hà Nội",      "Hà",
                                              "Hà Nộ", "đường", "d", "a%b",       "_",  "x\\y",        "it's",
                                              "\"",    "😀",     "z", "e\xCC\x81", "é",  "\xEF\xBF\xBD"});
}
inline std::string few_pattern(Random& random) {
  return random.pick(std::vector<std::string>{"%", "", "a%", "%b", "_", "__", "Hà%", "%ộ%", "H_ %i", "a\\%b", "\\_",
                                              "%\\\\%", "đ%g", "%%", "%_%", "a_b", "\\a%", "%a%b%", "_%é"});
}
inline Date few_date(Random& random) {
  return {random.pick(std::vector<std::int32_t>{kMinDate, kMaxDate, 0, -1, 19849, 19850})};
}
inline Timestamp few_time(Random& random) {
  constexpr std::int64_t kMinute = 60'000'000;
  const std::int64_t us = random.pick(std::vector<std::int64_t>{0, -1, 1'714'953'600'000'000, 1'714'953'600'123'456,
                                                                -62'135'510'400'000'000, 253'402'214'400'000'000});
  const std::int64_t shift = random.pick(std::vector<std::int64_t>{0, 7 * 60, -90, 1080, -1080});
  if (random.one_in(3)) return {us, std::nullopt};
  return {us - (random.one_in(2) ? shift * kMinute : 0), static_cast<std::int16_t>(shift)};
}
inline Decimal few_decimal(Random& random) {
  return {random.pick(std::vector<std::string>{"0", "-0.00", "1", "1.0", "1.50", "-1.5",
                                               "12345678901234567890.0000000001", "12345678901234567890", "0.1",
                                               "0.10000000000000000555", "-9223372036854775808", "1500", "3"})};
}
inline Value few_value(FieldType type, Random& random) {
  switch (type) {
    case FieldType::kString: return few_text(random);
    case FieldType::kInt64: return few_int64(random);
    case FieldType::kDouble:
      if (random.one_in(5)) return random.pick(std::vector<double>{std::nan(""), HUGE_VAL, -HUGE_VAL});
      return few_double(random);
    case FieldType::kBool: return random.one_in(2);
    case FieldType::kDate: return few_date(random);
    case FieldType::kTimestamp: return few_time(random);
    case FieldType::kDecimal: return few_decimal(random);
    case FieldType::kBytes: return Bytes{"\x01"};
    case FieldType::kStringList: return StringList{"a"};
    default: return Json{"[null]"};
  }
}

/// Points on a small grid of whole numbers, so that many lie on the border of a random box.
inline State few_state(const Schema& schema, Random& random) {
  State state;
  for (const Field& field : schema.fields) {
    if (!random.one_in(5)) state.properties[field.number] = few_value(field.type, random);
  }
  if (random.one_in(6)) return state;
  std::string wkt = "POINT EMPTY";
  if (!random.one_in(6)) {
    wkt = "POINT (" + std::to_string(random.below(6)) + " " + std::to_string(random.below(6)) + ")";
  }
  state.geometry = geo::parse_wkt(wkt).value();
  return state;
}

struct Refused {};  // int64 or double overflow
/// NULL, overflow, or a value; an int64 and a decimal stay apart.
using RefValue = std::variant<std::monostate, Refused, Value>;

/// A filter as the tests know it.
struct RefNode {
  enum Kind {
    kLiteral,
    kProperty,
    kNegate,
    kArithmetic,
    kCompare,
    kBetween,
    kIn,
    kLike,
    kIsNull,
    kBox,
    kAnd,
    kOr,
    kNot
  };
  Kind kind = kLiteral;
  std::string op;    // sign; name of a property; name of the spatial operator
  std::string text;  // of a literal
  FieldType type = FieldType::kBool;
  bool negated = false;
  std::int32_t field = 0;
  Value value;
  std::vector<int> box;
  std::vector<RefNode> parts;
};

// --- text -----------------------------------------------------------------------------------------------------------

inline std::string ref_quoted(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out += c == quote ? std::string(2, c) : std::string(1, c);
  return out + quote;
}

inline std::string ref_text(const RefNode& node) {
  const std::string negation = node.negated ? "NOT " : "";
  const auto part = [&](std::size_t i) { return "(" + ref_text(node.parts[i]) + ")"; };
  switch (node.kind) {
    case RefNode::kLiteral: return node.text;
    case RefNode::kProperty: return ref_quoted(node.op, '"');
    case RefNode::kNegate: return "-" + part(0);
    case RefNode::kArithmetic:
    case RefNode::kCompare: return part(0) + " " + node.op + " " + part(1);
    case RefNode::kBetween: return part(0) + " " + negation + "BETWEEN " + part(1) + " AND " + part(2);
    case RefNode::kLike: return part(0) + " " + negation + "like " + node.parts[1].text;
    case RefNode::kIsNull: return part(0) + " is " + negation + "NULL";
    case RefNode::kNot: return "not " + part(0);
    case RefNode::kIn: {
      std::string out = part(0) + " " + negation + "IN (";
      for (std::size_t i = 1; i < node.parts.size(); ++i) out += (i > 1 ? "," : "") + node.parts[i].text;
      return out + ")";
    }
    case RefNode::kBox: {
      const std::string x1 = std::to_string(node.box[0]), y1 = std::to_string(node.box[1]);
      const std::string x2 = std::to_string(node.box[2]), y2 = std::to_string(node.box[3]);
      return node.op + "(geometry, POLYGON((" + x1 + " " + y1 + "," + x2 + " " + y1 + "," + x2 + " " + y2 + "," + x1 +
             " " + y2 + "," + x1 + " " + y1 + ")))";
    }
    default: break;
  }
  std::string out = part(0);
  for (std::size_t i = 1; i < node.parts.size(); ++i) out += (node.kind == RefNode::kAnd ? " AND " : " OR ") + part(i);
  return out;
}

// --- random ---------------------------------------------------------------------------------------------------------

class RandomFilter {
 public:
  RandomFilter(const Schema& schema, Random& random, bool spatial)
      : schema_(schema), random_(random), spatial_(spatial) {}

  RefNode condition(int depth) {
    if (depth <= 0 || random_.one_in(3)) return predicate(depth);
    RefNode node;
    node.kind = random_.pick(std::vector{RefNode::kAnd, RefNode::kOr, RefNode::kNot});
    const std::size_t parts = node.kind == RefNode::kNot ? 1 : 2 + random_.below(2);
    for (std::size_t i = 0; i < parts; ++i) node.parts.push_back(condition(depth - 1));
    return node;
  }

 private:
  RefNode predicate(int depth) {
    const std::size_t choice = random_.below(spatial_ ? 12 : 10);
    if (choice >= 10) return box();
    if (choice == 0) return literal(FieldType::kBool);
    if (choice == 1) return like();
    if (choice == 2) return null_test(depth);
    if (choice == 3) return in();
    RefNode node;
    node.kind = choice == 4 ? RefNode::kBetween : RefNode::kCompare;
    const bool between = node.kind == RefNode::kBetween;
    const FieldType type = random_.pick(comparable(between));
    node.type = type;
    node.negated = between && random_.one_in(2);
    node.op = random_.pick(type == FieldType::kBool ? std::vector<std::string>{"=", "<>"}
                                                    : std::vector<std::string>{"=", "<>", "<", "<=", ">", ">="});
    // Beside numbers alone, a decimal literal would be a double.
    node.parts.push_back(type == FieldType::kDecimal ? property(type) : value(type, depth));
    for (int i = 1; i < (between ? 3 : 2); ++i) node.parts.push_back(value(type, depth));
    return node;
  }

  static std::vector<FieldType> comparable(bool ordered) {
    std::vector<FieldType> types{FieldType::kString, FieldType::kInt64, FieldType::kInt64,     FieldType::kDouble,
                                 FieldType::kDouble, FieldType::kDate,  FieldType::kTimestamp, FieldType::kDecimal};
    if (!ordered) types.push_back(FieldType::kBool);
    return types;
  }

  // Something that may stand beside others of this type: of numbers, what compares as it.
  RefNode value(FieldType type, int depth) {
    if (type == FieldType::kInt64 || type == FieldType::kDouble) {
      const FieldType own = type == FieldType::kDouble && random_.one_in(3) ? FieldType::kInt64 : type;
      return depth > 0 && random_.one_in(2) ? arithmetic(own, depth) : leaf(own);
    }
    if (type == FieldType::kDecimal && random_.one_in(4)) return arithmetic(FieldType::kInt64, depth);
    if (type == FieldType::kDecimal && random_.one_in(4)) return leaf(FieldType::kInt64);
    return leaf(type);
  }

  RefNode arithmetic(FieldType type, int depth) {
    RefNode node;
    node.type = type;
    if (depth > 0 && random_.one_in(4)) {
      node.kind = RefNode::kNegate;
      node.parts.push_back(value(type, depth - 1));
      node.type = node.parts[0].type;
      return node;
    }
    node.kind = RefNode::kArithmetic;
    node.op = random_.pick(std::vector<std::string>{"+", "-", "*", "/"});
    node.parts.push_back(value(type, depth - 1));
    node.parts.push_back(value(type, depth - 1));
    const bool whole = node.parts[0].type == FieldType::kInt64 && node.parts[1].type == FieldType::kInt64;
    node.type = whole ? FieldType::kInt64 : FieldType::kDouble;
    return node;
  }

  RefNode leaf(FieldType type) { return random_.one_in(3) ? literal(type) : property(type); }

  RefNode property(FieldType type) {
    std::vector<const Field*> fields;
    for (const Field& field : schema_.fields) {
      if (field.type == type) fields.push_back(&field);
    }
    RefNode node;
    node.kind = RefNode::kProperty;
    const Field* field = random_.pick(fields);
    node.op = field->name;
    node.type = type;
    node.field = field->number;
    return node;
  }

  RefNode literal(FieldType type) {
    RefNode node;
    node.type = type;
    node.value = type == FieldType::kDouble ? Value(few_double(random_)) : few_value(type, random_);
    node.text = literal_text(node);
    return node;
  }

  static std::string literal_text(RefNode& node) {
    switch (node.type) {
      case FieldType::kString: return ref_quoted(std::get<std::string>(node.value), '\'');
      case FieldType::kInt64: return std::to_string(std::get<std::int64_t>(node.value));
      case FieldType::kBool: return std::get<bool>(node.value) ? "true" : "FALSE";
      case FieldType::kDate: return "date('" + format_date(std::get<Date>(node.value).days) + "')";
      case FieldType::kDecimal: return decimal_literal(node);
      case FieldType::kTimestamp: {
        const std::int64_t us = std::get<Timestamp>(node.value).us;
        node.value = Timestamp{is_valid({us, 0}) ? us : 0, 0};
        return "TIMESTAMP('" + format_utc(std::get<Timestamp>(node.value).us) + "')";
      }
      default: break;
    }
    char digits[40];
    const double real = std::get<double>(node.value);
    std::string text(digits, std::to_chars(digits, digits + sizeof digits, real).ptr);
    return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
  }

  // As a number: one without a fraction is then an int64 or a double, and compares as the same decimal.
  static std::string decimal_literal(const RefNode& node) { return std::get<Decimal>(node.value).text; }

  RefNode like() {
    RefNode node;
    node.kind = RefNode::kLike;
    node.negated = random_.one_in(3);
    node.parts.push_back(leaf(FieldType::kString));
    RefNode pattern;
    pattern.value = few_pattern(random_);
    pattern.text = ref_quoted(std::get<std::string>(pattern.value), '\'');
    node.parts.push_back(std::move(pattern));
    return node;
  }

  RefNode in() {
    RefNode node;
    node.kind = RefNode::kIn;
    node.negated = random_.one_in(3);
    node.type = random_.pick(comparable(false));
    node.parts.push_back(property(node.type));
    for (std::size_t n = 1 + random_.below(12); n > 0; --n) node.parts.push_back(literal(node.type));
    return node;
  }

  RefNode null_test(int depth) {
    RefNode node;
    node.kind = RefNode::kIsNull;
    node.negated = random_.one_in(2);
    node.parts.push_back(random_.one_in(2) ? arithmetic(FieldType::kInt64, depth)
                                           : property(random_.pick(std::vector{FieldType::kString, FieldType::kBytes,
                                                                               FieldType::kStringList, FieldType::kJson,
                                                                               FieldType::kDouble})));
    return node;
  }

  RefNode box() {
    RefNode node;
    node.kind = RefNode::kBox;
    node.op = random_.one_in(2) ? "S_INTERSECTS" : "S_WITHIN";
    const int x = static_cast<int>(random_.below(5)), y = static_cast<int>(random_.below(5));
    node.box = {x, y, x + 1 + static_cast<int>(random_.below(3)), y + 1 + static_cast<int>(random_.below(3))};
    return node;
  }

  const Schema& schema_;
  Random& random_;
  bool spatial_;
};

// --- meaning --------------------------------------------------------------------------------------------------------

inline bool ref_is_null(const RefValue& value) { return value.index() == 0; }
inline bool ref_is_refused(const RefValue& value) { return value.index() == 1; }
inline const Value& ref_value(const RefValue& value) { return std::get<Value>(value); }

inline double ref_double(const Value& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return static_cast<double>(*whole);
  return std::get<double>(value);
}

// Sign and digits, with the point at the same place in every number.
inline std::pair<bool, std::string> ref_digits(const Value& value) {
  constexpr std::size_t kWhole = 60, kFraction = 60;
  std::string text;
  if (const auto* decimal = std::get_if<Decimal>(&value)) text = decimal->text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) text = std::to_string(*whole);
  bool negative = text.starts_with('-');
  if (negative) text.erase(0, 1);
  if (text.find('.') == std::string::npos) text += ".";
  const std::size_t point = text.find('.');
  std::string digits = std::string(kWhole - point, '0') + text.substr(0, point) + text.substr(point + 1);
  digits.resize(kWhole + kFraction, '0');
  if (digits.find_first_not_of('0') == std::string::npos) negative = false;
  return {negative, digits};
}

inline int ref_order(const Value& a, const Value& b) {
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a.index() == b.index()) {
    if (const auto* text = std::get_if<std::string>(&a)) return order(text->compare(std::get<std::string>(b)), 0);
    if (const auto* whole = std::get_if<std::int64_t>(&a)) return order(*whole, std::get<std::int64_t>(b));
    if (const auto* flag = std::get_if<bool>(&a)) return order(int{*flag}, int{std::get<bool>(b)});
    if (const auto* date = std::get_if<Date>(&a)) return order(date->days, std::get<Date>(b).days);
    if (const auto* time = std::get_if<Timestamp>(&a)) return order(time->us, std::get<Timestamp>(b).us);
  }
  if (std::holds_alternative<Decimal>(a) || std::holds_alternative<Decimal>(b)) {
    const auto [a_negative, a_digits] = ref_digits(a);
    const auto [b_negative, b_digits] = ref_digits(b);
    if (a_negative != b_negative) return a_negative ? -1 : 1;
    return (a_negative ? -1 : 1) * order(a_digits, b_digits);
  }
  const double x = ref_double(a), y = ref_double(b);
  if (std::isnan(x) && std::isnan(y)) return 0;
  if (std::isnan(x)) return 1;
  if (std::isnan(y)) return -1;
  return order(x, y);
}

inline bool ref_compare(const std::string& op, int order) {
  if (op == "=") return order == 0;
  if (op == "<>") return order != 0;
  if (op == "<") return order < 0;
  if (op == "<=") return order <= 0;
  return op == ">" ? order > 0 : order >= 0;
}

__extension__ using Wide = __int128;

inline RefValue ref_whole(Wide value) {
  if (value > std::numeric_limits<std::int64_t>::max() || value < std::numeric_limits<std::int64_t>::min()) {
    return Refused{};
  }
  return Value(static_cast<std::int64_t>(value));
}

inline RefValue ref_arithmetic(const std::string& op, const Value& a, const Value& b) {
  if (std::holds_alternative<std::int64_t>(a) && std::holds_alternative<std::int64_t>(b)) {
    const Wide x = std::get<std::int64_t>(a), y = std::get<std::int64_t>(b);
    if (op == "/" && y == 0) return std::monostate{};
    return ref_whole(op == "+" ? x + y : op == "-" ? x - y : op == "*" ? x * y : x / y);
  }
  const double x = ref_double(a), y = ref_double(b);
  if (op == "/" && y == 0) return std::monostate{};
  const double result = op == "+" ? x + y : op == "-" ? x - y : op == "*" ? x * y : x / y;
  if (std::isfinite(x) && std::isfinite(y)) {
    if (!std::isfinite(result)) return Refused{};
    if ((op == "*" || op == "/") && result == 0 && x != 0 && y != 0) return Refused{};
  }
  return Value(result);
}

inline std::vector<std::string> ref_letters(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) out.emplace_back();
    out.back() += c;
  }
  return out;
}

inline bool ref_like(const std::vector<std::string>& text, std::size_t t, const std::vector<std::string>& pattern,
                     std::size_t p) {
  if (p == pattern.size()) return t == text.size();
  if (pattern[p] == "%")
    return ref_like(text, t, pattern, p + 1) || (t < text.size() && ref_like(text, t + 1, pattern, p));
  if (t == text.size()) return false;
  if (pattern[p] == "_") return ref_like(text, t + 1, pattern, p + 1);
  if (pattern[p] == "\\") ++p;
  return text[t] == pattern[p] && ref_like(text, t + 1, pattern, p + 1);
}

inline RefValue ref_not(RefValue value) {
  if (ref_is_null(value) || ref_is_refused(value)) return value;
  return Value(!std::get<bool>(ref_value(value)));
}

inline bool ref_decides(const RefNode& junction, const RefValue& value) {
  if (ref_is_null(value) || ref_is_refused(value)) return false;
  return std::get<bool>(ref_value(value)) == (junction.kind == RefNode::kOr);
}

// From left to right.
inline RefValue ref_junction(const RefNode& node, const std::vector<RefValue>& values) {
  RefValue result = Value(node.kind == RefNode::kAnd);
  for (const RefValue& value : values) {
    if (ref_is_refused(value) || ref_decides(node, value)) return value;
    if (ref_is_null(value)) result = value;
  }
  return result;
}

inline RefValue ref_box(const RefNode& node, const State& state) {
  if (!state.geometry) return std::monostate{};
  if (state.geometry->empty) return Value(false);
  const double x = state.geometry->box.x1, y = state.geometry->box.y1;
  const bool covered = x >= node.box[0] && x <= node.box[2] && y >= node.box[1] && y <= node.box[3];
  const bool inside = x > node.box[0] && x < node.box[2] && y > node.box[1] && y < node.box[3];
  return Value(node.op == "S_WITHIN" ? inside : covered);
}

inline RefValue ref_strict(const RefNode& node, const std::vector<RefValue>& values) {
  for (const RefValue& value : values) {
    if (ref_is_refused(value)) return value;
  }
  for (const RefValue& value : values) {
    if (ref_is_null(value)) return value;
  }
  if (node.kind == RefNode::kCompare) {
    return Value(ref_compare(node.op, ref_order(ref_value(values[0]), ref_value(values[1]))));
  }
  if (node.kind == RefNode::kArithmetic) return ref_arithmetic(node.op, ref_value(values[0]), ref_value(values[1]));
  if (const auto* real = std::get_if<double>(&ref_value(values[0]))) return Value(-*real);
  return ref_whole(-static_cast<Wide>(std::get<std::int64_t>(ref_value(values[0]))));
}

inline RefValue ref_in_or_like(const RefNode& node, const RefValue& operand) {
  if (ref_is_null(operand) || ref_is_refused(operand)) return operand;
  if (node.kind == RefNode::kLike) {
    const auto letters = [](const Value& value) { return ref_letters(std::get<std::string>(value)); };
    return Value(ref_like(letters(ref_value(operand)), 0, letters(node.parts[1].value), 0));
  }
  for (std::size_t i = 1; i < node.parts.size(); ++i) {
    if (ref_order(ref_value(operand), node.parts[i].value) == 0) return Value(true);
  }
  return Value(false);
}

// What a node is when its parts are `values`.
inline RefValue ref_combine(const RefNode& node, const std::vector<RefValue>& values) {
  switch (node.kind) {
    case RefNode::kNot: return ref_not(values[0]);
    case RefNode::kAnd:
    case RefNode::kOr: return ref_junction(node, values);
    case RefNode::kIsNull: return ref_is_refused(values[0]) ? values[0] : Value(ref_is_null(values[0]));
    case RefNode::kIn:
    case RefNode::kLike: return ref_in_or_like(node, values[0]);
    default: return ref_strict(node, values);
  }
}

// BETWEEN as the two comparisons that it stands for.
inline RefNode ref_both(const RefNode& node) {
  RefNode low, high, both;
  low.kind = high.kind = RefNode::kCompare;
  low.op = ">=";
  high.op = "<=";
  low.parts = {node.parts[0], node.parts[1]};
  high.parts = {node.parts[0], node.parts[2]};
  both.kind = RefNode::kAnd;
  both.parts = {low, high};
  return both;
}

// The value of what is constant: made of literals, or decided by one of its parts that is.
inline std::optional<RefValue> ref_constant(const RefNode& node) {
  if (node.kind == RefNode::kLiteral) return node.value;
  if (node.kind == RefNode::kProperty || node.kind == RefNode::kBox) return std::nullopt;
  if (node.kind == RefNode::kBetween) {
    auto both = ref_constant(ref_both(node));
    if (both && node.negated) both = ref_not(*both);
    return both;
  }
  const bool junction = node.kind == RefNode::kAnd || node.kind == RefNode::kOr;
  const bool strict =
      node.kind == RefNode::kNegate || node.kind == RefNode::kArithmetic || node.kind == RefNode::kCompare;
  std::vector<RefValue> values;
  for (std::size_t i = 0; i < node.parts.size(); ++i) {
    const auto value = ref_constant(node.parts[i]);
    if (!value) continue;
    if (junction && ref_decides(node, *value)) return value;
    if (strict && ref_is_null(*value)) return value;
    const bool divisor = node.kind == RefNode::kArithmetic && node.op == "/" && i == 1 && !ref_is_refused(*value);
    if (divisor && ref_double(ref_value(*value)) == 0) return RefValue();
    values.push_back(*value);
  }
  if (values.size() < node.parts.size()) return std::nullopt;
  const RefValue result = ref_combine(node, values);
  return node.negated ? ref_not(result) : result;
}

inline RefValue ref_eval(const RefNode& node, const State& state) {
  if (const auto constant = ref_constant(node)) return *constant;
  if (node.kind == RefNode::kBox) return ref_box(node, state);
  if (node.kind == RefNode::kProperty) {
    const auto found = state.properties.find(node.field);
    return found == state.properties.end() ? RefValue() : RefValue(found->second);
  }
  RefValue result;
  if (node.kind == RefNode::kBetween) {
    result = ref_eval(ref_both(node), state);
  } else {
    std::vector<RefValue> values;
    for (const RefNode& part : node.parts) values.push_back(ref_eval(part, state));
    result = ref_combine(node, values);
  }
  return node.negated ? ref_not(result) : result;
}

/// True when something that is constant overflows: then the filter is refused.
inline bool ref_has_refused_constant(const RefNode& node) {
  const auto constant = ref_constant(node);
  if (constant && ref_is_refused(*constant)) return true;
  return std::any_of(node.parts.begin(), node.parts.end(), ref_has_refused_constant);
}

}  // namespace lt::feature::test
