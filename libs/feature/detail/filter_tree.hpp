// What a filter's text becomes: first nodes as written, then terms bound to a schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "feature/filter.hpp"
#include "feature/schema.hpp"
#include "feature/value.hpp"
#include "geo/geometry.hpp"

namespace lt::feature::detail {

enum class Operator : std::uint8_t {
  kNone,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIntersects,
  kWithin,
};
/// "+", "<=", "S_WITHIN".
[[nodiscard]] std::string_view to_string(Operator op);

enum class NodeKind : std::uint8_t {
  kLiteral,
  kProperty,
  kNegate,
  kArithmetic,
  kCompare,
  kBetween,
  kIn,
  kLike,
  kIsNull,
  kSpatial,
  kAnd,
  kOr,
  kNot,
};

/// A piece of the text.
struct Node {
  NodeKind kind = NodeKind::kLiteral;
  Operator op = Operator::kNone;
  bool negated = false;  ///< NOT BETWEEN, NOT IN, NOT LIKE, IS NOT NULL
  std::size_t at = 0;    ///< byte offset in the text
  int height = 1;
  std::string text;        ///< name of a property, digits of a number
  Value value;             ///< of a literal
  geo::Geometry geometry;  ///< of kSpatial
  std::vector<Node> children;
};

/// What a term gives. kOther: bytes, string_list, json, which only IS NULL looks at.
enum class TermType : std::uint8_t { kBool, kInt, kDouble, kDecimal, kText, kDate, kTime, kGeometry, kOther };
/// "a timestamp", for messages.
[[nodiscard]] std::string_view to_string(TermType type);

enum class TermKind : std::uint8_t {
  kConstant,
  kProperty,
  kNegate,
  kArithmetic,
  kCompare,
  kIn,
  kLike,
  kIsNull,
  kSpatial,
  kAnd,
  kOr,
  kNot,
};

/// A node bound to a schema. Operands of kCompare, kIn and kArithmetic are of type `as`, or int64 where it is another
/// number.
struct Term {
  TermKind kind = TermKind::kConstant;
  Operator op = Operator::kNone;
  TermType type = TermType::kBool;
  TermType as = TermType::kBool;
  bool can_fail = false;          ///< computing it may overflow
  std::int32_t field = 0;         ///< of kProperty; kGeometryField for the geometry
  std::optional<Value> constant;  ///< of kConstant, nothing = NULL; pattern of kLike
  std::string digits;             ///< of a constant that stands as a number in the text
  std::vector<Value> list;        ///< of kIn, ascending and of type `as`
  std::size_t shape = 0;          ///< of kSpatial: which of FilterTree::shapes
  std::vector<Term> children;
};

struct FilterTree {
  Node text;
  Term term;
  std::vector<geo::Geometry> shapes;
};

/// An error at byte `at` of `text`, with line and column.
[[nodiscard]] absl::Status filter_error(std::string_view text, std::size_t at, std::string_view reason,
                                        const std::string& message);
[[nodiscard]] absl::Status filter_syntax(std::string_view text, std::size_t at, const std::string& message);
[[nodiscard]] absl::Status filter_too_large(std::string_view what, std::uint64_t limit);
[[nodiscard]] absl::Status filter_overflow();

/// filter_parser.cpp
[[nodiscard]] absl::StatusOr<Node> parse_filter(std::string_view text, const FilterLimits& limits);
/// filter_check.cpp: binds, checks types, computes what is constant.
[[nodiscard]] absl::StatusOr<FilterTree> bind_filter(std::string_view text, Node node, const Schema& schema);
/// filter_text.cpp
[[nodiscard]] std::string filter_text(const Node& node);

}  // namespace lt::feature::detail
