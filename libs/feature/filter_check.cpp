// A filter's nodes bound to a schema: types checked, constants computed. PostgreSQL computes constants before it runs a
// statement; doing the same here, by the same rules, leaves it nothing to compute that could fail otherwise than the
// evaluator.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/change.hpp"
#include "feature/detail/filter_names.hpp"
#include "feature/detail/filter_scalar.hpp"
#include "feature/detail/filter_tree.hpp"
#include "feature/text.hpp"
#include "geo/validity.hpp"

namespace lt::feature::detail {
namespace {

TermType type_of_field(FieldType type) {
  switch (type) {
    case FieldType::kString: return TermType::kText;
    case FieldType::kInt64: return TermType::kInt;
    case FieldType::kDouble: return TermType::kDouble;
    case FieldType::kBool: return TermType::kBool;
    case FieldType::kDate: return TermType::kDate;
    case FieldType::kTimestamp: return TermType::kTime;
    case FieldType::kDecimal: return TermType::kDecimal;
    default: return TermType::kOther;
  }
}

bool is_number(TermType type) {
  return type == TermType::kInt || type == TermType::kDouble || type == TermType::kDecimal;
}

bool is_constant(const Term& term) { return term.kind == TermKind::kConstant; }
bool is_constant_null(const Term& term) { return is_constant(term) && !term.constant; }

Scalar scalar_of(const Term& constant) {
  return constant.constant ? detail::scalar_of(*constant.constant) : Scalar(Null{});
}

Term make_constant(TermType type, std::optional<Value> value) {
  Term term;
  term.type = term.as = type;
  term.constant = std::move(value);
  return term;
}

Term make_null() { return make_constant(TermType::kBool, std::nullopt); }
Term make_bool(bool value) { return make_constant(TermType::kBool, Value(value)); }

Term make_term(TermKind kind, std::vector<Term> children) {
  Term term;
  term.kind = kind;
  for (const Term& child : children) term.can_fail = term.can_fail || child.can_fail;
  term.children = std::move(children);
  return term;
}

template <typename... Terms>
std::vector<Term> list_of(Terms... terms) {
  std::vector<Term> out;
  (out.push_back(std::move(terms)), ...);
  return out;
}

Term make_not(Term operand) {
  if (is_constant_null(operand)) return operand;
  if (is_constant(operand)) return make_bool(!std::get<bool>(*operand.constant));
  return make_term(TermKind::kNot, list_of(std::move(operand)));
}

// AND, or OR with TRUE and FALSE exchanged.
Term make_junction(TermKind kind, std::vector<Term> parts) {
  const bool decisive = kind == TermKind::kOr;
  std::vector<Term> rest;
  bool null = false;
  for (Term& part : parts) {
    if (is_constant_null(part)) {
      null = true;
    } else if (!is_constant(part)) {
      rest.push_back(std::move(part));
    } else if (std::get<bool>(*part.constant) == decisive) {
      return make_bool(decisive);
    }
  }
  if (rest.empty()) return null ? make_null() : make_bool(!decisive);
  if (null) rest.push_back(make_null());
  if (rest.size() == 1) return std::move(rest.front());
  return make_term(kind, std::move(rest));
}

// A constant number in the type of what it meets.
void adapt(Term& term, TermType as) {
  if (!is_constant(term) || term.type == as) return;
  term.type = as;
  if (!term.constant) return;
  if (as == TermType::kDecimal) {
    const auto* whole = std::get_if<std::int64_t>(&*term.constant);
    term.constant = Decimal{term.digits.empty() && whole ? std::to_string(*whole) : plain_decimal(term.digits)};
  } else if (const auto* whole = std::get_if<std::int64_t>(&*term.constant)) {
    term.constant = static_cast<double>(*whole);
  }
}

class Binder {
 public:
  Binder(std::string_view text, const Schema& schema) : text_(text), schema_(schema) {}

  absl::StatusOr<Term> bind(const Node& node) {
    switch (node.kind) {
      case NodeKind::kLiteral: return literal(node);
      case NodeKind::kProperty: return property(node);
      case NodeKind::kNegate: return negation(node);
      case NodeKind::kArithmetic: return arithmetic(node);
      case NodeKind::kCompare: return comparison(node);
      case NodeKind::kBetween: return between(node);
      case NodeKind::kIn: return in(node);
      case NodeKind::kLike: return like(node);
      case NodeKind::kIsNull: return null_test(node);
      case NodeKind::kSpatial: return spatial(node);
      case NodeKind::kNot: break;
      case NodeKind::kAnd: return junction(node, TermKind::kAnd);
      case NodeKind::kOr: return junction(node, TermKind::kOr);
    }
    LT_ASSIGN_OR_RETURN(Term operand, bind(node.children.front()));
    return make_not(std::move(operand));
  }

  std::vector<geo::Geometry> shapes;

 private:
  using Result = absl::StatusOr<Term>;

  static Term literal(const Node& node) {
    Term term = make_constant(type_of_field(type_of(node.value)), node.value);
    term.digits = node.text;
    return term;
  }

  Result property(const Node& node) {
    Term term;
    term.kind = TermKind::kProperty;
    if (node.text == kGeometryName) {
      LT_RETURN_IF_ERROR(require_geometry(node));
      term.type = TermType::kGeometry;
      term.field = kGeometryField;
      return term;
    }
    const Field* field = schema_.find(node.text);
    if (field == nullptr) {
      return filter_error(
          text_, node.at, "FILTER_UNKNOWN_PROPERTY",
          fmt::format("there is no property \"{}\"; {}", cut(node.text), suggest_names(node.text, schema_)));
    }
    term.type = type_of_field(field->type);
    term.field = field->number;
    return term;
  }

  Result negation(const Node& node) {
    LT_ASSIGN_OR_RETURN(Term operand, bind(node.children.front()));
    LT_RETURN_IF_ERROR(require_arithmetic(operand, node.children.front()));
    const TermType type = operand.type;
    if (is_constant(operand)) return computed(negate(scalar_of(operand)), type);
    Term term = make_term(TermKind::kNegate, list_of(std::move(operand)));
    term.type = term.as = type;
    term.can_fail = term.can_fail || type == TermType::kInt;
    return term;
  }

  Result arithmetic(const Node& node) {
    LT_ASSIGN_OR_RETURN(Term left, bind(node.children[0]));
    LT_ASSIGN_OR_RETURN(Term right, bind(node.children[1]));
    LT_RETURN_IF_ERROR(require_arithmetic(left, node.children[0]));
    LT_RETURN_IF_ERROR(require_arithmetic(right, node.children[1]));
    const TermType as = left.type == right.type ? left.type : TermType::kDouble;
    adapt(left, as);
    adapt(right, as);
    const bool by_zero = node.op == Operator::kDivide && is_zero(right);
    if (is_constant_null(left) || is_constant_null(right) || by_zero) return make_constant(as, std::nullopt);
    if (is_constant(left) && is_constant(right)) {
      return computed(compute(node.op, scalar_of(left), scalar_of(right), as), as);
    }
    Term term = make_term(TermKind::kArithmetic, list_of(std::move(left), std::move(right)));
    term.op = node.op;
    term.type = term.as = as;
    term.can_fail = true;
    return term;
  }

  static bool is_zero(const Term& term) {
    if (!is_constant(term) || !term.constant) return false;
    const auto* whole = std::get_if<std::int64_t>(&*term.constant);
    return whole ? *whole == 0 : std::get<double>(*term.constant) == 0;
  }

  static Result computed(const std::optional<Scalar>& result, TermType type) {
    if (!result) return filter_overflow();
    return make_constant(type, value_of(*result));
  }

  Result comparison(const Node& node) {
    LT_ASSIGN_OR_RETURN(Term left, bind(node.children[0]));
    LT_ASSIGN_OR_RETURN(Term right, bind(node.children[1]));
    return make_compare(node, node.op, std::move(left), std::move(right));
  }

  Result make_compare(const Node& node, Operator op, Term left, Term right) {
    LT_ASSIGN_OR_RETURN(const TermType as, common_type(node, left, left.type, right));
    if (as == TermType::kBool && op != Operator::kEqual && op != Operator::kNotEqual) {
      return mismatch(node, "booleans have no order; compare them by = and <>");
    }
    adapt(left, as);
    adapt(right, as);
    if (is_constant_null(left) || is_constant_null(right)) return make_null();
    if (is_constant(left) && is_constant(right)) {
      return make_bool(holds(op, compare(scalar_of(left), scalar_of(right), as)));
    }
    Term term = make_term(TermKind::kCompare, list_of(std::move(left), std::move(right)));
    term.op = op;
    term.as = as;
    return term;
  }

  // Both bounds see the operand's value; it has no effects, so that it may stand twice.
  Result between(const Node& node) {
    LT_ASSIGN_OR_RETURN(const Term operand, bind(node.children[0]));
    LT_ASSIGN_OR_RETURN(Term low, bind(node.children[1]));
    LT_ASSIGN_OR_RETURN(Term high, bind(node.children[2]));
    LT_ASSIGN_OR_RETURN(Term above, make_compare(node, Operator::kGreaterEqual, operand, std::move(low)));
    LT_ASSIGN_OR_RETURN(Term below, make_compare(node, Operator::kLessEqual, operand, std::move(high)));
    return negated(node, make_junction(TermKind::kAnd, list_of(std::move(above), std::move(below))));
  }

  Result in(const Node& node) {
    LT_ASSIGN_OR_RETURN(Term operand, bind(node.children[0]));
    std::vector<Term> items;
    TermType as = operand.type;
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      items.push_back(literal(node.children[i]));
      LT_ASSIGN_OR_RETURN(as, common_type(node.children[i], operand, as, items.back()));
    }
    adapt(operand, as);
    Term term = make_term(TermKind::kIn, list_of(std::move(operand)));
    term.as = as;
    for (Term& item : items) {
      adapt(item, as);
      term.list.push_back(*std::move(item.constant));
    }
    std::sort(term.list.begin(), term.list.end(), [as](const Value& a, const Value& b) {
      return compare(detail::scalar_of(a), detail::scalar_of(b), as) < 0;
    });
    const Term& bound = term.children.front();
    if (!is_constant(bound)) return negated(node, std::move(term));
    if (!bound.constant) return make_null();
    return negated(node, make_bool(is_in_list(scalar_of(bound), term.list, as)));
  }

  Result like(const Node& node) {
    LT_ASSIGN_OR_RETURN(Term operand, bind(node.children[0]));
    if (operand.type != TermType::kText) {
      return mismatch(node.children[0], fmt::format("LIKE is for text, this is {}", to_string(operand.type)));
    }
    const Value& pattern = node.children[1].value;
    if (is_constant(operand)) {
      const auto& text = std::get<std::string>(*operand.constant);
      return negated(node, make_bool(is_like(text, std::get<std::string>(pattern))));
    }
    Term term = make_term(TermKind::kLike, list_of(std::move(operand)));
    term.constant = pattern;
    return negated(node, std::move(term));
  }

  Result null_test(const Node& node) {
    LT_ASSIGN_OR_RETURN(Term operand, bind(node.children.front()));
    if (is_constant(operand)) return negated(node, make_bool(is_constant_null(operand)));
    return negated(node, make_term(TermKind::kIsNull, list_of(std::move(operand))));
  }

  Result spatial(const Node& node) {
    LT_RETURN_IF_ERROR(require_geometry(node));
    if (node.geometry.type == geo::GeometryType::kGeometryCollection) {
      return mismatch(node,
                      "a GEOMETRYCOLLECTION cannot be compared with; write one condition for each of its members");
    }
    LT_ASSIGN_OR_RETURN(const auto invalidity, geo::Geos().check_validity(node.geometry));
    if (invalidity) {
      return mismatch(node, fmt::format("the geometry is not valid: {} at {} {}", invalidity->reason, invalidity->x,
                                        invalidity->y));
    }
    Term term = make_term(TermKind::kSpatial, {});
    term.op = node.op;
    term.shape = shapes.size();
    shapes.push_back(node.geometry);
    return term;
  }

  Result junction(const Node& node, TermKind kind) {
    std::vector<Term> parts;
    for (const Node& child : node.children) {
      LT_ASSIGN_OR_RETURN(Term part, bind(child));
      parts.push_back(std::move(part));
    }
    return make_junction(kind, std::move(parts));
  }

  static Term negated(const Node& node, Term term) { return node.negated ? make_not(std::move(term)) : term; }

  // What `left`, taken as `type`, and `right` are compared as.
  absl::StatusOr<TermType> common_type(const Node& node, const Term& left, TermType type, const Term& right) const {
    for (const TermType side : {type, right.type}) {
      if (side != TermType::kOther && side != TermType::kGeometry) continue;
      return mismatch(node, fmt::format("{} cannot be compared; only IS NULL looks at it", to_string(side)));
    }
    if (type == right.type) return type;
    if (!is_number(type) || !is_number(right.type)) return no_common_type(node, type, right);
    if (type != TermType::kDecimal && right.type != TermType::kDecimal) return TermType::kDouble;
    const Term& other = type == TermType::kDecimal ? right : left;
    if (other.type == TermType::kInt || !other.digits.empty()) return TermType::kDecimal;
    return mismatch(node, "a decimal compares exactly, which a double cannot; compare it with a number as written");
  }

  absl::Status no_common_type(const Node& node, TermType left, const Term& right) const {
    std::string hint;
    const bool text = left == TermType::kText || right.type == TermType::kText;
    if (text && (left == TermType::kDate || right.type == TermType::kDate)) hint = "; write DATE('YYYY-MM-DD')";
    if (text && (left == TermType::kTime || right.type == TermType::kTime)) {
      hint = "; write TIMESTAMP('YYYY-MM-DDThh:mm:ssZ')";
    }
    if (text && (is_number(left) || is_number(right.type))) hint = "; numbers stand without quotes";
    return mismatch(node, fmt::format("{} cannot be compared with {}{}", to_string(left), to_string(right.type), hint));
  }

  absl::Status require_arithmetic(const Term& term, const Node& node) const {
    if (term.type == TermType::kInt || term.type == TermType::kDouble) return absl::OkStatus();
    return mismatch(node, fmt::format("arithmetic is for int64 and double, this is {}", to_string(term.type)));
  }

  absl::Status require_geometry(const Node& node) const {
    if (!schema_.geometry.types.empty()) return absl::OkStatus();
    return mismatch(node, "the dataset has no geometry");
  }

  [[nodiscard]] absl::Status mismatch(const Node& node, const std::string& message) const {
    return filter_error(text_, node.at, "FILTER_TYPE", message);
  }

  std::string_view text_;
  const Schema& schema_;
};

}  // namespace

std::string_view to_string(TermType type) {
  switch (type) {
    case TermType::kBool: return "a boolean";
    case TermType::kInt: return "an int64";
    case TermType::kDouble: return "a double";
    case TermType::kDecimal: return "a decimal";
    case TermType::kText: return "text";
    case TermType::kDate: return "a date";
    case TermType::kTime: return "a timestamp";
    case TermType::kGeometry: return "the geometry";
    default: return "bytes, a list or json";
  }
}

absl::Status filter_overflow() {
  return make_error(absl::StatusCode::kOutOfRange, "FILTER_OVERFLOW",
                    "a number that the filter computes is outside the range of its type");
}

absl::StatusOr<FilterTree> bind_filter(std::string_view text, Node node, const Schema& schema) {
  Binder binder(text, schema);
  LT_ASSIGN_OR_RETURN(Term term, binder.bind(node));
  return FilterTree{std::move(node), std::move(term), std::move(binder.shapes)};
}

}  // namespace lt::feature::detail
