// A filter as a condition in SQL. What it must hold together with the evaluator is said in filter.hpp; how PostgreSQL
// is kept from computing anything else: every part that could fail is of columns, never of constants alone (the binder
// has computed those); AND and OR run from left to right and end early as long as they are not conditions of WHERE
// themselves, which COALESCE around them sees to.
#include <utility>

#include <fmt/format.h>

#include "base/time.hpp"
#include "feature/detail/filter_tree.hpp"
#include "feature/filter.hpp"

namespace lt::feature {
namespace {

using detail::Operator;
using detail::Term;
using detail::TermKind;
using detail::TermType;

std::string_view sql_type(TermType type) {
  switch (type) {
    case TermType::kBool: return "boolean";
    case TermType::kInt: return "bigint";
    case TermType::kDouble: return "float8";
    case TermType::kDecimal: return "numeric";
    case TermType::kTime: return "timestamp";
    default: return "text";  // dates too: their text has their order
  }
}

bool is_text(TermType type) { return type == TermType::kText || type == TermType::kDate; }

// Text of a value that a cast to its type reads.
std::string text_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  if (const auto* date = std::get_if<Date>(&value)) return format_date(date->days);
  return std::get<Decimal>(value).text;
}

class SqlWriter {
 public:
  explicit SqlWriter(const SqlColumns& columns, const std::vector<geo::Geometry>& shapes)
      : columns_(columns), shapes_(shapes) {}

  std::vector<SqlValue> values;

  std::string condition(const Term& term) {
    switch (term.kind) {
      case TermKind::kConstant: return constant(term, TermType::kBool);
      case TermKind::kCompare: return comparison(term);
      case TermKind::kIn: return in(term);
      case TermKind::kLike:
        return fmt::format("({} LIKE {})", operand(term.children.front(), TermType::kText),
                           bind(SqlValue(std::get<std::string>(*term.constant)), "text"));
      case TermKind::kIsNull: return fmt::format("({} IS NULL)", presence(term.children.front()));
      case TermKind::kNot: return fmt::format("(NOT {})", condition(term.children.front()));
      default: return junction(term);
    }
  }

  // Holds where the condition may be anything but `sure`, which it is only where it is computed without an error.
  // AND ends at FALSE and OR at TRUE, so what follows a part that may fail must not keep its failure from being seen.
  std::string unless(const Term& term, bool sure) {
    if (term.kind == TermKind::kNot) return unless(term.children.front(), !sure);
    const bool all = term.kind == (sure ? TermKind::kOr : TermKind::kAnd);
    if (term.kind == TermKind::kAnd || term.kind == TermKind::kOr) {
      std::string out;
      for (const Term& child : term.children) {
        out += (out.empty() ? "(" : all ? " AND " : " OR ") + unless(child, sure);
        if (all && child.can_fail) break;
      }
      return out + ')';
    }
    if (term.kind == TermKind::kSpatial) return sure ? "true" : fmt::format("({} IS NOT FALSE)", box_test(term));
    if (term.can_fail) return "true";
    return fmt::format("({} IS NOT {})", condition(term), sure ? "TRUE" : "FALSE");
  }

 private:
  std::string junction(const Term& term) {
    std::string out;
    for (const Term& child : term.children) {
      out += (out.empty() ? "(" : term.kind == TermKind::kAnd ? " AND " : " OR ") + condition(child);
    }
    return out + ')';
  }

  std::string comparison(const Term& term) {
    return fmt::format("({} {} {})", operand(term.children[0], term.as), to_string(term.op),
                       operand(term.children[1], term.as));
  }

  std::string in(const Term& term) {
    const std::string left = operand(term.children.front(), term.as);
    if (term.as == TermType::kTime) return in_times(left, term.list);
    if (term.as == TermType::kInt) {
      std::vector<std::int64_t> list;
      for (const Value& item : term.list) list.push_back(std::get<std::int64_t>(item));
      return fmt::format("({} = ANY ({}))", left, bind(std::move(list), "bigint[]"));
    }
    std::vector<std::string> list;
    for (const Value& item : term.list) list.push_back(text_of(item));
    const std::string cast = is_text(term.as) ? "" : fmt::format("::{}[]", sql_type(term.as));
    return fmt::format("({} = ANY ({}{}))", left, bind(std::move(list), "text[]"), cast);
  }

  std::string in_times(const std::string& left, const std::vector<Value>& list) {
    std::string items;
    for (const Value& item : list) items += (items.empty() ? "" : ", ") + time(std::get<Timestamp>(item));
    return fmt::format("({} IN ({}))", left, items);
  }

  // A value in the type that the operator above takes.
  std::string operand(const Term& term, TermType as) {
    const std::string collation = is_text(as) ? " COLLATE \"C\"" : "";
    switch (term.kind) {
      case TermKind::kConstant: return constant(term, as) + collation;
      case TermKind::kProperty: return fmt::format("({}{})", in_type(property(term), term.type, as), collation);
      case TermKind::kNegate:
        return in_type(fmt::format("(- {})", operand(term.children.front(), term.as)), term.type, as);
      default: return in_type(arithmetic(term), term.type, as);
    }
  }

  static std::string in_type(std::string text, TermType type, TermType as) {
    return type == as ? text : fmt::format("{}::{}", text, sql_type(as));
  }

  std::string arithmetic(const Term& term) {
    const std::string left = operand(term.children[0], term.as);
    const std::string right = operand(term.children[1], term.as);
    if (term.op != Operator::kDivide) return fmt::format("({} {} {})", left, to_string(term.op), right);
    return fmt::format("({} / NULLIF({}, 0::{}))", left, right, sql_type(term.as));
  }

  std::string property(const Term& term) {
    const std::string text = fmt::format("({}->>'{}')", columns_.properties, term.field);
    if (term.type == TermType::kTime) return stored_time(text);
    return is_text(term.type) ? text : fmt::format("{}::{}", text, sql_type(term.type));
  }

  // As format_rfc3339() writes it. PostgreSQL's own reading refuses offsets from 16 hours on.
  static std::string stored_time(const std::string& text) {
    return fmt::format(
        "(substring({0} FROM '^.{{19}}[.0-9]*')::timestamp"
        " - COALESCE(substring({0} FROM '[+-][0-9]{{2}}:[0-9]{{2}}$')::interval, interval '0'))",
        text);
  }

  // NULL or not is all that is asked, of any type.
  std::string presence(const Term& term) {
    if (term.type == TermType::kGeometry) return columns_.geometry;
    if (term.kind == TermKind::kProperty) return fmt::format("({}->'{}')", columns_.properties, term.field);
    return operand(term, term.type);
  }

  std::string constant(const Term& term, TermType as) {
    if (!term.constant) return fmt::format("NULL::{}", sql_type(as));
    const Value& value = *term.constant;
    if (const auto* flag = std::get_if<bool>(&value)) return bind(*flag, "boolean");
    if (const auto* whole = std::get_if<std::int64_t>(&value)) return bind(*whole, "bigint");
    if (const auto* real = std::get_if<double>(&value)) return bind(*real, "float8");
    if (const auto* stamp = std::get_if<Timestamp>(&value)) return time(*stamp);
    const std::string text = bind(text_of(value), "text");
    return as == TermType::kDecimal ? text + "::numeric" : text;
  }

  std::string time(const Timestamp& stamp) {
    return fmt::format("({} AT TIME ZONE 'UTC')", bind(UtcTime{stamp.us}, "timestamptz"));
  }

  // PostGIS rounds boxes outwards, so that those of what intersects always do.
  std::string box_test(const Term& term) {
    const geo::Box& box = shapes_[term.shape].box;
    if (box.empty()) return fmt::format("({} IS NULL AND NULL)", columns_.geometry);
    std::string corners;
    for (const double value : {box.x1, box.y1, box.x2, box.y2}) {
      corners += (corners.empty() ? "" : ", ") + bind(value, "float8");
    }
    return fmt::format("({} && ST_MakeEnvelope({}))", columns_.geometry, corners);
  }

  std::string bind(SqlValue value, std::string_view type) {
    values.push_back(std::move(value));
    return fmt::format("${}::{}", columns_.first_parameter + static_cast<int>(values.size()) - 1, type);
  }

  const SqlColumns& columns_;
  const std::vector<geo::Geometry>& shapes_;
};

}  // namespace

SqlFilter Filter::to_sql(const SqlColumns& columns) const {
  if (is_spatial()) return to_candidate_sql(columns);
  SqlWriter writer(columns, tree_->shapes);
  SqlFilter sql;
  sql.text = fmt::format("COALESCE({}, false)", writer.condition(tree_->term));
  sql.values = std::move(writer.values);
  return sql;
}

SqlFilter Filter::to_candidate_sql(const SqlColumns& columns) const {
  SqlWriter writer(columns, tree_->shapes);
  SqlFilter sql;
  sql.exact = false;
  sql.text = fmt::format("COALESCE({}, false)", writer.unless(tree_->term, false));
  sql.values = std::move(writer.values);
  return sql;
}

}  // namespace lt::feature
