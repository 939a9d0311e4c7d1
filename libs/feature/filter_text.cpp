// A filter as its canonical text.
#include <fmt/format.h>

#include "base/time.hpp"
#include "feature/detail/filter_lexer.hpp"
#include "feature/detail/filter_tree.hpp"

namespace lt::feature::detail {
namespace {

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

std::string name_text(const std::string& name) {
  return is_bare_name(name) && !is_filter_word(name) ? name : quoted(name, '"');
}

std::string literal_text(const Node& node) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return quoted(*text, '\'');
  if (const auto* flag = std::get_if<bool>(&node.value)) return *flag ? "TRUE" : "FALSE";
  if (const auto* date = std::get_if<Date>(&node.value)) return fmt::format("DATE('{}')", format_date(date->days));
  if (const auto* time = std::get_if<Timestamp>(&node.value)) {
    return fmt::format("TIMESTAMP('{}')", format_utc(time->us));
  }
  return node.text;
}

// How tightly a node binds; a child that binds less than its place asks for stands in brackets.
enum Binding { kOrBinding, kAndBinding, kNotBinding, kPredicate, kSum, kProduct, kUnary, kAtom };

Binding binding_of(const Node& node) {
  switch (node.kind) {
    case NodeKind::kOr: return kOrBinding;
    case NodeKind::kAnd: return kAndBinding;
    case NodeKind::kNot: return kNotBinding;
    case NodeKind::kCompare:
    case NodeKind::kBetween:
    case NodeKind::kIn:
    case NodeKind::kLike:
    case NodeKind::kIsNull: return kPredicate;
    case NodeKind::kArithmetic: return node.op == Operator::kAdd || node.op == Operator::kSubtract ? kSum : kProduct;
    case NodeKind::kNegate: return kUnary;
    default: return kAtom;
  }
}

class Writer {
 public:
  std::string out;

  void write(const Node& node, Binding wanted) {
    const bool brackets = binding_of(node) < wanted;
    if (brackets) out += '(';
    write_bare(node);
    if (brackets) out += ')';
  }

 private:
  void write_bare(const Node& node) {
    switch (node.kind) {
      case NodeKind::kLiteral: out += literal_text(node); return;
      case NodeKind::kProperty: out += name_text(node.text); return;
      case NodeKind::kNegate: return negate(node.children.front());
      case NodeKind::kArithmetic: return arithmetic(node);
      case NodeKind::kCompare: return joined(node, kSum, kSum, fmt::format(" {} ", to_string(node.op)));
      case NodeKind::kOr: return joined(node, kAndBinding, kAndBinding, " OR ");
      case NodeKind::kAnd: return joined(node, kNotBinding, kNotBinding, " AND ");
      case NodeKind::kNot: out += "NOT "; return write(node.children.front(), kNotBinding);
      case NodeKind::kSpatial:
        out += fmt::format("{}({}, {})", to_string(node.op), kGeometryName, geo::to_wkt(node.geometry));
        return;
      default: return predicate(node);
    }
  }

  void predicate(const Node& node) {
    const std::string_view negation = node.negated ? "NOT " : "";
    write(node.children[0], kSum);
    if (node.kind == NodeKind::kIsNull) {
      out += fmt::format(" IS {}NULL", negation);
    } else if (node.kind == NodeKind::kLike) {
      out += fmt::format(" {}LIKE {}", negation, literal_text(node.children[1]));
    } else if (node.kind == NodeKind::kBetween) {
      out += fmt::format(" {}BETWEEN ", negation);
      write(node.children[1], kSum);
      out += " AND ";
      write(node.children[2], kSum);
    } else {
      items(node, negation);
    }
  }

  void items(const Node& node, std::string_view negation) {
    out += fmt::format(" {}IN (", negation);
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      if (i > 1) out += ", ";
      out += literal_text(node.children[i]);
    }
    out += ')';
  }

  // A minus right before digits would belong to the number, so a number stands in brackets as it must have stood.
  void negate(const Node& operand) {
    const bool negative = operand.kind == NodeKind::kNegate || operand.text.starts_with('-');
    const bool number = operand.kind == NodeKind::kLiteral && !negative;
    out += negative ? "- " : number ? "-(" : "-";
    write(operand, kUnary);
    if (number) out += ')';
  }

  // Left to right: a right operand of the same rank has had brackets.
  void arithmetic(const Node& node) {
    const Binding own = binding_of(node);
    joined(node, own, static_cast<Binding>(own + 1), fmt::format(" {} ", to_string(node.op)));
  }

  void joined(const Node& node, Binding first, Binding others, std::string_view between) {
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      if (i > 0) out += between;
      write(node.children[i], i == 0 ? first : others);
    }
  }
};

}  // namespace

std::string filter_text(const Node& node) {
  Writer writer;
  writer.write(node, kOrBinding);
  return std::move(writer.out);
}

}  // namespace lt::feature::detail
