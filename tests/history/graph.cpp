#include "history/graph.hpp"

#include <algorithm>
#include <deque>

namespace lt::history {
namespace {

constexpr std::size_t kMaxStarts = 300;  // breadth-first searches in one knot

// Tarjan's algorithm without recursion: histories are long.
class Knots {
 public:
  Knots(const std::vector<Edge>& edges, const std::vector<std::vector<std::size_t>>& out, unsigned kinds)
      : edges_(edges), out_(out), kinds_(kinds), index_(out.size(), 0), low_(out.size(), 0), open_(out.size(), false) {}

  std::vector<std::vector<std::size_t>> find() {
    for (std::size_t node = 0; node < out_.size(); ++node) {
      if (index_[node] == 0) visit(node);
    }
    return std::move(found_);
  }

 private:
  struct Frame {
    std::size_t node;
    std::size_t next;  // edge to look at
  };

  void enter(std::size_t node) {
    index_[node] = low_[node] = ++counter_;
    open_[node] = true;
    stack_.push_back(node);
    frames_.push_back({node, 0});
  }

  void visit(std::size_t start) {
    enter(start);
    while (!frames_.empty()) {
      auto& frame = frames_.back();
      const std::size_t node = frame.node;
      if (frame.next == out_[node].size()) {
        leave(node);
        continue;
      }
      const Edge& edge = edges_[out_[node][frame.next++]];
      if ((edge.kind & kinds_) == 0) continue;
      if (index_[edge.to] == 0) {
        enter(edge.to);
      } else if (open_[edge.to]) {
        low_[node] = std::min(low_[node], index_[edge.to]);
      }
    }
  }

  void leave(std::size_t node) {
    frames_.pop_back();
    if (!frames_.empty()) low_[frames_.back().node] = std::min(low_[frames_.back().node], low_[node]);
    if (low_[node] != index_[node]) return;
    std::vector<std::size_t> knot;
    std::size_t member = 0;
    do {
      member = stack_.back();
      stack_.pop_back();
      open_[member] = false;
      knot.push_back(member);
    } while (member != node);
    if (knot.size() > 1) found_.push_back(std::move(knot));
  }

  const std::vector<Edge>& edges_;
  const std::vector<std::vector<std::size_t>>& out_;
  unsigned kinds_;
  std::size_t counter_ = 0;
  std::vector<std::size_t> index_, low_;
  std::vector<bool> open_;
  std::vector<std::size_t> stack_;
  std::vector<Frame> frames_;
  std::vector<std::vector<std::size_t>> found_;
};

}  // namespace

std::size_t Graph::add_node() {
  out_.emplace_back();
  return out_.size() - 1;
}

void Graph::add_edge(std::size_t from, std::size_t to, EdgeKind kind, std::string key) {
  if (from == to) return;
  out_[from].push_back(edges_.size());
  edges_.push_back({from, to, kind, std::move(key)});
}

std::vector<std::vector<std::size_t>> Graph::knots(unsigned kinds) const { return Knots(edges_, out_, kinds).find(); }

std::vector<Edge> Graph::cycle_through(std::size_t start, unsigned kinds, const std::vector<bool>& allowed) const {
  std::vector<std::size_t> reached_by(out_.size(), SIZE_MAX);
  std::deque<std::size_t> todo{start};
  while (!todo.empty()) {
    const std::size_t node = todo.front();
    todo.pop_front();
    for (const std::size_t index : out_[node]) {
      const Edge& edge = edges_[index];
      if ((edge.kind & kinds) == 0 || !allowed[edge.to] || reached_by[edge.to] != SIZE_MAX) continue;
      reached_by[edge.to] = index;
      if (edge.to != start) {
        todo.push_back(edge.to);
        continue;
      }
      std::vector<Edge> cycle;
      std::size_t at = start;
      do {
        cycle.push_back(edges_[reached_by[at]]);
        at = cycle.back().from;
      } while (at != start);
      std::reverse(cycle.begin(), cycle.end());
      return cycle;
    }
  }
  return {};
}

std::vector<Edge> Graph::find_cycle(unsigned kinds) const {
  const auto found = knots(kinds);
  const auto smallest =
      std::min_element(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (smallest == found.end()) return {};
  std::vector<bool> allowed(out_.size(), false);
  for (const std::size_t node : *smallest) allowed[node] = true;
  std::vector<Edge> best;
  for (std::size_t i = 0; i < std::min(smallest->size(), kMaxStarts); ++i) {
    auto cycle = cycle_through((*smallest)[i], kinds, allowed);
    if (best.empty() || (!cycle.empty() && cycle.size() < best.size())) best = std::move(cycle);
  }
  return best;
}

std::size_t Graph::longest_path(unsigned kinds) const {
  std::vector<std::size_t> incoming(out_.size(), 0);
  std::vector<std::size_t> length(out_.size(), 1);
  for (const auto& edge : edges_) {
    if ((edge.kind & kinds) != 0) ++incoming[edge.to];
  }
  std::deque<std::size_t> todo;
  for (std::size_t node = 0; node < out_.size(); ++node) {
    if (incoming[node] == 0) todo.push_back(node);
  }
  std::size_t longest = 0;
  while (!todo.empty()) {
    const std::size_t node = todo.front();
    todo.pop_front();
    longest = std::max(longest, length[node]);
    for (const std::size_t index : out_[node]) {
      const Edge& edge = edges_[index];
      if ((edge.kind & kinds) == 0) continue;
      length[edge.to] = std::max(length[edge.to], length[node] + 1);
      if (--incoming[edge.to] == 0) todo.push_back(edge.to);
    }
  }
  return longest;
}

}  // namespace lt::history
