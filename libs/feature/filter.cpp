#include "feature/filter.hpp"

#include <utility>

#include "base/status.hpp"
#include "feature/detail/filter_tree.hpp"

namespace lt::feature {

Filter::Filter(std::shared_ptr<const detail::FilterTree> tree) : tree_(std::move(tree)) {}

absl::StatusOr<Filter> Filter::parse(std::string_view text, const Schema& schema, const FilterLimits& limits) {
  LT_ASSIGN_OR_RETURN(detail::Node node, detail::parse_filter(text, limits));
  LT_ASSIGN_OR_RETURN(detail::FilterTree tree, detail::bind_filter(text, std::move(node), schema));
  Filter filter(std::make_shared<const detail::FilterTree>(std::move(tree)));
  if (filter.to_text().size() > limits.max_bytes) {
    return detail::filter_too_large("bytes in canonical form", limits.max_bytes);
  }
  return filter;
}

std::string Filter::to_text() const { return detail::filter_text(tree_->text); }

bool Filter::is_spatial() const { return !tree_->shapes.empty(); }

}  // namespace lt::feature
