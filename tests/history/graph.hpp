// A directed graph with kinds of edges, and its shortest cycles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lt::history {

/// As a bit each, so that a set of kinds is a number.
enum EdgeKind : std::uint8_t {
  kWw = 1,  ///< the next version was written by
  kWr = 2,  ///< was read by
  kRw = 4,  ///< read what was then replaced by
  kRt = 8,  ///< ended before the other began
};

struct Edge {
  std::size_t from = 0, to = 0;
  EdgeKind kind = kWw;
  std::string key;  ///< dataset, or dataset and feature
};

class Graph {
 public:
  std::size_t add_node();
  void add_edge(std::size_t from, std::size_t to, EdgeKind kind, std::string key);

  [[nodiscard]] std::size_t nodes() const { return out_.size(); }
  [[nodiscard]] const std::vector<Edge>& edges() const { return edges_; }

  /// A shortest cycle of edges of the given kinds through a node of the smallest knot of nodes that has one; empty when
  /// there is none. Of a knot with very many nodes only some are tried.
  [[nodiscard]] std::vector<Edge> find_cycle(unsigned kinds) const;
  /// Nodes on the longest path; the graph must not have a cycle of these kinds.
  [[nodiscard]] std::size_t longest_path(unsigned kinds) const;

 private:
  [[nodiscard]] std::vector<std::vector<std::size_t>> knots(unsigned kinds) const;
  [[nodiscard]] std::vector<Edge> cycle_through(std::size_t start, unsigned kinds,
                                                const std::vector<bool>& allowed) const;

  std::vector<Edge> edges_;
  std::vector<std::vector<std::size_t>> out_;  ///< edges that leave a node
};

}  // namespace lt::history
