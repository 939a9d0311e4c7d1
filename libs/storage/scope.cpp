#include "storage/scope.hpp"

#include "base/status.hpp"

namespace lt::storage {

ScopeTest::ScopeTest(const Scope& scope) : area_(scope.area) {
  if (scope.filter) filter_.emplace(*scope.filter);
}

absl::StatusOr<bool> ScopeTest::contains(const feature::State& state) {
  if (area_) {
    if (!state.geometry) return false;
    LT_ASSIGN_OR_RETURN(const bool inside, geos_.is_inside(*state.geometry, *area_));
    if (!inside) return false;
  }
  return filter_ ? filter_->matches(state) : true;
}

}  // namespace lt::storage
