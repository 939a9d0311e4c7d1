#include "storage/impact.hpp"

#include <utility>

#include "base/status.hpp"

namespace lt::storage {

using Verdict = geo::AreaGrid::Verdict;

Impact::Impact(ReadyAreas areas) : areas_(std::move(areas)) {
  if (areas_) states_.resize(areas_->size());
  left_ = states_.size();
}

void Impact::touch(std::size_t at) {
  states_[at].touched = true;
  states_[at].geos.reset();
  --left_;
}

bool Impact::add(const geo::Box& box) {
  bool undecided = false;
  for (std::size_t at = 0; at < states_.size(); ++at) {
    if (states_[at].touched) continue;
    const Verdict verdict = (*areas_)[at].grid.test(box);
    if (verdict == Verdict::kInside) touch(at);
    undecided |= verdict == Verdict::kUndecided;
  }
  return undecided;
}

absl::Status Impact::add(const geo::Geometry& geometry) {
  if (geometry.empty) return absl::OkStatus();
  for (std::size_t at = 0; at < states_.size(); ++at) {
    State& state = states_[at];
    const ReadyArea& area = (*areas_)[at];
    if (state.touched || area.grid.test(geometry.box) == Verdict::kOutside) continue;
    if (!state.geos) state.geos = std::make_unique<geo::Geos>();
    LT_ASSIGN_OR_RETURN(const bool inside, state.geos->is_inside(geometry, area.polygon));
    if (inside) touch(at);
  }
  return absl::OkStatus();
}

std::vector<std::string> Impact::touched() const {
  std::vector<std::string> references;
  for (std::size_t at = 0; at < states_.size(); ++at) {
    if (states_[at].touched) references.push_back((*areas_)[at].reference);
  }
  return references;
}

}  // namespace lt::storage
