#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/change.hpp"
#include "feature/detail/filter_scalar.hpp"
#include "feature/detail/filter_tree.hpp"
#include "feature/filter.hpp"
#include "geo/validity.hpp"

namespace lt::feature {
namespace {

using detail::Null;
using detail::Scalar;
using detail::Term;
using detail::TermKind;
using detail::TermType;

enum class Truth { kFalse, kTrue, kUnknown };

Truth truth_of(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

bool is_of_type(const Value& value, TermType type) {
  switch (type_of(value)) {
    case FieldType::kString: return type == TermType::kText;
    case FieldType::kInt64: return type == TermType::kInt;
    case FieldType::kDouble: return type == TermType::kDouble;
    case FieldType::kBool: return type == TermType::kBool;
    case FieldType::kDate: return type == TermType::kDate;
    case FieldType::kTimestamp: return type == TermType::kTime;
    case FieldType::kDecimal: return type == TermType::kDecimal;
    default: return type == TermType::kOther;
  }
}

bool apart(const geo::Box& a, const geo::Box& b) { return a.x2 < b.x1 || b.x2 < a.x1 || a.y2 < b.y1 || b.y2 < a.y1; }

bool is_inside(const geo::Box& inner, const geo::Box& outer) {
  return inner.x1 >= outer.x1 && inner.x2 <= outer.x2 && inner.y1 >= outer.y1 && inner.y2 <= outer.y2;
}

// One feature. The first error stays and makes everything else moot.
class Evaluation {
 public:
  Evaluation(const detail::FilterTree& tree, const std::vector<geo::Geos>& engines, const State& state)
      : tree_(tree), engines_(engines), state_(state) {}

  absl::Status status;

  Truth truth(const Term& term) {
    switch (term.kind) {
      case TermKind::kConstant: return of_bool(term);
      case TermKind::kCompare: return compare(term);
      case TermKind::kIn: return in(term);
      case TermKind::kLike: return like(term);
      case TermKind::kIsNull: return is_null(term.children.front());
      case TermKind::kSpatial: return spatial(term);
      case TermKind::kAnd: return junction(term, Truth::kFalse);
      case TermKind::kOr: return junction(term, Truth::kTrue);
      default: break;
    }
    const Truth operand = truth(term.children.front());
    return operand == Truth::kUnknown ? operand : truth_of(operand == Truth::kFalse);
  }

 private:
  static Truth of_bool(const Term& constant) {
    return constant.constant ? truth_of(std::get<bool>(*constant.constant)) : Truth::kUnknown;
  }

  Scalar scalar(const Term& term) {
    switch (term.kind) {
      case TermKind::kConstant: return term.constant ? detail::scalar_of(*term.constant) : Scalar(Null{});
      case TermKind::kProperty: return property(term);
      case TermKind::kNegate: return checked(detail::negate(scalar(term.children.front())));
      default: break;
    }
    const Scalar left = scalar(term.children[0]);
    const Scalar right = scalar(term.children[1]);
    if (!status.ok()) return Null{};
    return checked(detail::compute(term.op, left, right, term.as));
  }

  Scalar checked(const std::optional<Scalar>& result) {
    if (result) return *result;
    if (status.ok()) status = detail::filter_overflow();
    return Null{};
  }

  Scalar property(const Term& term) {
    const auto found = state_.properties.find(term.field);
    if (found == state_.properties.end()) return Null{};
    if (is_of_type(found->second, term.type)) return detail::scalar_of(found->second);
    status = make_error(absl::StatusCode::kDataLoss, "RECORD_MALFORMED",
                        fmt::format("property {} is {}, not {} as in the schema", term.field,
                                    to_string(type_of(found->second)), detail::to_string(term.type)));
    return Null{};
  }

  Truth compare(const Term& term) {
    const Scalar left = scalar(term.children[0]);
    const Scalar right = scalar(term.children[1]);
    if (detail::is_null(left) || detail::is_null(right)) return Truth::kUnknown;
    return truth_of(detail::holds(term.op, detail::compare(left, right, term.as)));
  }

  Truth in(const Term& term) {
    const Scalar operand = scalar(term.children.front());
    if (detail::is_null(operand)) return Truth::kUnknown;
    return truth_of(detail::is_in_list(operand, term.list, term.as));
  }

  Truth like(const Term& term) {
    const Scalar operand = scalar(term.children.front());
    if (detail::is_null(operand)) return Truth::kUnknown;
    return truth_of(detail::is_like(std::get<std::string_view>(operand), std::get<std::string>(*term.constant)));
  }

  // Values that no operator looks at have no scalar, so a property answers by being there.
  Truth is_null(const Term& operand) {
    if (operand.type == TermType::kGeometry) return truth_of(!state_.geometry);
    if (operand.kind == TermKind::kProperty) return truth_of(!state_.properties.contains(operand.field));
    return truth_of(detail::is_null(scalar(operand)));
  }

  Truth spatial(const Term& term) {
    if (!state_.geometry) return Truth::kUnknown;
    const geo::Geometry& shape = tree_.shapes[term.shape];
    const geo::Geometry& geometry = *state_.geometry;
    const bool within = term.op == detail::Operator::kWithin;
    if (geometry.empty || shape.empty || apart(geometry.box, shape.box)) return Truth::kFalse;
    if (within && !is_inside(geometry.box, shape.box)) return Truth::kFalse;
    const geo::Geos& engine = engines_[term.shape];
    const auto answer = within ? engine.is_within(geometry, shape) : engine.intersects(geometry, shape);
    if (answer.ok()) return truth_of(*answer);
    status = answer.status();
    return Truth::kUnknown;
  }

  Truth junction(const Term& term, Truth decisive) {
    Truth result = decisive == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
    for (const Term& child : term.children) {
      const Truth part = truth(child);
      if (!status.ok() || part == decisive) return part;
      if (part == Truth::kUnknown) result = part;
    }
    return result;
  }

  const detail::FilterTree& tree_;
  const std::vector<geo::Geos>& engines_;
  const State& state_;
};

}  // namespace

// An engine keeps one area prepared, so each shape has its own.
struct FilterEvaluator::Impl {
  Filter filter;
  std::vector<geo::Geos> engines;
};

FilterEvaluator::FilterEvaluator(Filter filter) : impl_(std::make_unique<Impl>(Impl{std::move(filter), {}})) {
  impl_->engines.resize(impl_->filter.tree_->shapes.size());
}
FilterEvaluator::~FilterEvaluator() = default;
FilterEvaluator::FilterEvaluator(FilterEvaluator&&) noexcept = default;
FilterEvaluator& FilterEvaluator::operator=(FilterEvaluator&&) noexcept = default;

absl::StatusOr<std::optional<bool>> FilterEvaluator::evaluate(const State& state) {
  const detail::FilterTree& tree = *impl_->filter.tree_;
  Evaluation evaluation(tree, impl_->engines, state);
  const Truth truth = evaluation.truth(tree.term);
  if (!evaluation.status.ok()) return evaluation.status;
  if (truth == Truth::kUnknown) return std::optional<bool>();
  return std::optional<bool>(truth == Truth::kTrue);
}

absl::StatusOr<bool> FilterEvaluator::matches(const State& state) {
  LT_ASSIGN_OR_RETURN(const std::optional<bool> answer, evaluate(state));
  return answer.value_or(false);
}

}  // namespace lt::feature
