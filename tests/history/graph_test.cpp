#include "history/graph.hpp"

#include <catch2/catch.hpp>

namespace lt::history {
namespace {

Graph make_graph(std::size_t nodes, const std::vector<Edge>& edges) {
  Graph graph;
  for (std::size_t i = 0; i < nodes; ++i) graph.add_node();
  for (const auto& edge : edges) graph.add_edge(edge.from, edge.to, edge.kind, edge.key);
  return graph;
}

}  // namespace

TEST_CASE("a graph without a cycle has none, and its longest path counts nodes") {
  REQUIRE(make_graph(0, {}).find_cycle(kWw).empty());
  REQUIRE(make_graph(1, {{0, 0, kWw, ""}}).find_cycle(kWw).empty());  // an edge to itself says nothing
  const auto graph = make_graph(4, {{0, 1, kWw, ""}, {1, 2, kWr, ""}, {0, 2, kRw, ""}, {2, 3, kWw, ""}});
  REQUIRE(graph.find_cycle(kWw | kWr | kRw).empty());
  REQUIRE(graph.longest_path(kWw | kWr | kRw) == 4);
  REQUIRE(graph.longest_path(kWw) == 2);
}

TEST_CASE("only edges of the kinds asked for make a cycle") {
  const auto graph = make_graph(2, {{0, 1, kWw, "k"}, {1, 0, kRw, "k"}});
  REQUIRE(graph.find_cycle(kWw | kWr).empty());
  const auto cycle = graph.find_cycle(kWw | kRw);
  REQUIRE(cycle.size() == 2);
  REQUIRE(cycle[0].to == cycle[1].from);
  REQUIRE(cycle[1].to == cycle[0].from);
}

TEST_CASE("the shortest cycle of a knot is given, in order") {
  // 0 -> 1 -> 2 -> 3 -> 4 -> 0 and the chord 3 -> 2.
  const auto graph = make_graph(
      5, {{0, 1, kWw, ""}, {1, 2, kWw, ""}, {2, 3, kWw, ""}, {3, 4, kWw, ""}, {4, 0, kWw, ""}, {3, 2, kWw, ""}});
  const auto cycle = graph.find_cycle(kWw);
  REQUIRE(cycle.size() == 2);
  REQUIRE(cycle[0].from + cycle[1].from == 5);
}

TEST_CASE("a long path does not exhaust the stack") {
  constexpr std::size_t kNodes = 200'000;
  Graph graph;
  graph.add_node();
  for (std::size_t i = 1; i < kNodes; ++i) graph.add_edge(i - 1, graph.add_node(), kWw, "");
  REQUIRE(graph.find_cycle(kWw).empty());
  REQUIRE(graph.longest_path(kWw) == kNodes);
  graph.add_edge(kNodes - 1, kNodes - 2, kRw, "");
  REQUIRE(graph.find_cycle(kWw | kRw).size() == 2);
}

}  // namespace lt::history
