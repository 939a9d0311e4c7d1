#include "history/dependencies.hpp"

#include <algorithm>

#include "history/graph.hpp"

namespace lt::history {
namespace {

// From the worst to the least: the first cycle found says most.
constexpr unsigned kPromises[] = {kWw, kWw | kWr, kWw | kWr | kRw, kWw | kWr | kRw | kRt};

struct Node {
  std::string name;
  std::size_t line = 0;
  std::int64_t invoked = 0;
  std::int64_t ended = kNever;
  bool may_lag = false;
};

class Builder {
 public:
  Builder(const History& history, const Transactions& transactions, const Replay& replay)
      : history_(history), transactions_(transactions), replay_(replay) {}

  // With the reads apart, or with all others and real time.
  void build(bool apart) {
    add_changesets();
    for (const auto& [dataset, writers] : transactions_.writers) add_versions(dataset);
    for (std::size_t index = 0; index < transactions_.all.size(); ++index) add_based_on(index);
    for (const auto& read : history_.reads) {
      if (read.apart == apart) add_read(read);
    }
    if (!apart) add_real_time();
  }

  [[nodiscard]] const Graph& graph() const { return graph_; }
  /// Empty for points of time.
  [[nodiscard]] const Node& node(std::size_t index) const {
    static const Node point;
    return index < nodes_.size() ? nodes_[index] : point;
  }
  [[nodiscard]] std::size_t operations() const { return nodes_.size(); }

 private:
  std::size_t add_node(Node node) {
    nodes_.push_back(std::move(node));
    return graph_.add_node();
  }

  void add_changesets() {
    node_of_.assign(transactions_.all.size(), SIZE_MAX);
    for (std::size_t index = 0; index < transactions_.all.size(); ++index) {
      const auto& transaction = transactions_.all[index];
      if (!transaction.accepted() || transaction.changeset->dry_run) continue;
      node_of_[index] = add_node({"changeset " + transaction.changeset->id, transaction.line, transaction.invoked,
                                  transaction.acknowledged, false});
    }
  }

  // SIZE_MAX when nobody wrote it.
  [[nodiscard]] std::size_t writer(const std::string& dataset, std::int64_t version) const {
    const auto* transaction = transactions_.writer(dataset, version);
    return transaction ? node_of_[static_cast<std::size_t>(transaction - transactions_.all.data())] : SIZE_MAX;
  }

  void edge(std::size_t from, std::size_t to, EdgeKind kind, const std::string& key) {
    if (from != SIZE_MAX && to != SIZE_MAX) graph_.add_edge(from, to, kind, key);
  }

  void add_versions(const std::string& dataset) {
    for (std::int64_t version = 2; version <= transactions_.head(dataset); ++version) {
      edge(writer(dataset, version - 1), writer(dataset, version), kWw, dataset);
    }
  }

  // A reader of a whole version stands between its writer and the next.
  void add_version_read(std::size_t reader, const std::string& dataset, std::int64_t version) {
    edge(writer(dataset, version), reader, kWr, dataset);
    edge(reader, writer(dataset, version + 1), kRw, dataset);
  }

  // Values tell more than the version only when they contradict it.
  void add_state_read(std::size_t reader, const Seen& seen) {
    for (const auto& [id, value] : seen.state) {
      const auto* step = step_of(seen.dataset, id, value.token);
      if (!step) continue;
      const std::string key = seen.dataset + "/" + id;
      if (step->version > seen.version) edge(writer(seen.dataset, step->version), reader, kWr, key);
      const auto* next = replay_.of(seen.dataset).next(id, step->version);
      if (next && next->version <= seen.version) edge(reader, writer(seen.dataset, next->version), kRw, key);
    }
    for (const auto& [id, steps] : replay_.of(seen.dataset).features()) {
      if (seen.state.contains(id)) continue;
      const auto* step = replay_.of(seen.dataset).find(id, seen.version);
      if (step && step->value) edge(reader, writer(seen.dataset, step->version), kRw, seen.dataset + "/" + id);
    }
  }

  [[nodiscard]] const DatasetHistory::Step* step_of(const std::string& dataset, const std::string& id,
                                                    const std::string& token) const {
    const auto origin = transactions_.origins.find(token);
    if (origin == transactions_.origins.end()) return nullptr;
    const auto& versions = transactions_.all[origin->second.transaction].versions;
    const auto version = versions.find(dataset);
    if (version == versions.end()) return nullptr;
    const auto* step = replay_.of(dataset).find(id, version->second);
    if (step && step->value && step->value->token == token) return step;
    return nullptr;
  }

  void add_value_read(std::size_t reader, const std::string& dataset, const std::string& id, const std::string& token) {
    const auto* step = step_of(dataset, id, token);
    if (!step) return;
    const std::string key = dataset + "/" + id;
    edge(writer(dataset, step->version), reader, kWr, key);
    const auto* next = replay_.of(dataset).next(id, step->version);
    if (next) edge(reader, writer(dataset, next->version), kRw, key);
  }

  // What an accepted changeset did on the basis of a value, it did before anybody replaced that value.
  void add_based_on(std::size_t index) {
    const auto& transaction = transactions_.all[index];
    const std::size_t self = node_of_[index];
    if (self == SIZE_MAX) return;
    for (const auto& change : transaction.changeset->changes) {
      const auto version = transaction.versions.find(change.dataset);
      if (change.based_on.empty() || !change.base_version || version == transaction.versions.end()) continue;
      const auto* step = replay_.of(change.dataset).find(change.id, version->second);
      if (!step || step->version != version->second) continue;  // skipped or without effect
      add_value_read(self, change.dataset, change.id, change.based_on);
    }
    if (!transaction.receipt) return;
    for (const auto& part : transaction.receipt->datasets) {
      if (!transaction.versions.contains(part.dataset)) add_version_read(self, part.dataset, part.version);
    }
  }

  void add_read(const Read& read) {
    if (read.seen.empty()) return;
    const std::size_t reader =
        add_node({read.name + " " + read.op, read.end_line, read.invoked, read.ended, read.may_lag});
    for (const auto& seen : read.seen) {
      if (seen.form == SeenForm::kReceipts) continue;
      if (seen.form == SeenForm::kFeature) {
        if (seen.value) add_value_read(reader, seen.dataset, seen.id, seen.value->token);
        continue;
      }
      add_version_read(reader, seen.dataset, seen.version);
      if (seen.form == SeenForm::kState) add_state_read(reader, seen);
    }
  }

  // Through a chain of points of time, one for each end of an operation: few edges instead of one for each pair.
  void add_real_time() {
    std::vector<std::size_t> by_end;
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (nodes_[node].ended != kNever) by_end.push_back(node);
    }
    std::sort(by_end.begin(), by_end.end(),
              [&](std::size_t a, std::size_t b) { return nodes_[a].ended < nodes_[b].ended; });
    std::vector<std::size_t> points;
    for (const std::size_t node : by_end) {
      const std::size_t point = graph_.add_node();
      graph_.add_edge(node, point, kRt, "");
      if (!points.empty()) graph_.add_edge(points.back(), point, kRt, "");
      points.push_back(point);
    }
    for (std::size_t node = 0; node < nodes_.size(); ++node) {
      if (nodes_[node].may_lag) continue;
      const auto after =
          std::lower_bound(by_end.begin(), by_end.end(), nodes_[node].invoked,
                           [&](std::size_t other, std::int64_t time) { return nodes_[other].ended < time; });
      if (after == by_end.begin()) continue;
      graph_.add_edge(points[static_cast<std::size_t>(after - by_end.begin() - 1)], node, kRt, "");
    }
  }

  const History& history_;
  const Transactions& transactions_;
  const Replay& replay_;
  Graph graph_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> node_of_;  // by transaction
};

std::string name_of(const std::vector<Edge>& cycle, unsigned kinds) {
  if (kinds == kWw) return "G0";
  if (kinds == (kWw | kWr)) return "G1c";
  if ((kinds & kRt) != 0) return "real time cycle";
  const auto reads = std::count_if(cycle.begin(), cycle.end(), [](const Edge& edge) { return edge.kind == kRw; });
  if (reads > 1) return "G2";
  const bool both_write = std::all_of(cycle.begin(), cycle.end(), [](const Edge& edge) { return edge.kind != kWr; });
  return both_write ? "lost update" : "G-single";
}

std::string text_of(EdgeKind kind) {
  switch (kind) {
    case kWw: return "was replaced by";
    case kWr: return "was read by";
    case kRw: return "did not see";
    case kRt: return "ended before";
  }
  return "";
}

void report_cycle(const Builder& builder, const std::vector<Edge>& cycle, unsigned kinds, Report& report) {
  std::string text;
  std::vector<std::size_t> lines;
  for (const auto& edge : cycle) {
    const auto& from = builder.node(edge.from);
    if (from.name.empty()) continue;  // a point of time
    text += from.name + " --" + text_of(edge.kind) + (edge.key.empty() ? "" : " (" + edge.key + ")") + "--> ";
    lines.push_back(from.line);
  }
  const auto first =
      std::find_if(cycle.begin(), cycle.end(), [&](const Edge& edge) { return !builder.node(edge.from).name.empty(); });
  if (first != cycle.end()) text += builder.node(first->from).name;
  report.add(name_of(cycle, kinds), text, std::move(lines));
}

void count_graph(const Builder& builder, Report& report) {
  report.counts["nodes"] += static_cast<std::int64_t>(builder.operations());
  for (const auto& edge : builder.graph().edges()) {
    const char* name = edge.kind == kWw   ? "edges ww"
                       : edge.kind == kWr ? "edges wr"
                       : edge.kind == kRw ? "edges rw"
                                          : "edges rt";
    ++report.counts[name];
  }
}

}  // namespace

void check_dependencies(const History& history, const Transactions& transactions, const Replay& replay,
                        Report& report) {
  const bool has_apart = std::any_of(history.reads.begin(), history.reads.end(), [](const Read& r) { return r.apart; });
  for (const bool apart : {false, true}) {
    if (apart && !has_apart) return;
    Builder builder(history, transactions, replay);
    builder.build(apart);
    count_graph(builder, report);
    for (const unsigned kinds : kPromises) {
      const auto cycle = builder.graph().find_cycle(kinds);
      if (cycle.empty()) continue;
      report_cycle(builder, cycle, kinds, report);
      return;
    }
    auto& longest = report.counts["longest chain"];
    longest = std::max(longest, static_cast<std::int64_t>(builder.graph().longest_path(kWw | kWr | kRw)));
  }
}

}  // namespace lt::history
