#include <algorithm>
#include <set>

#include "history/transactions.hpp"

namespace lt::history {
namespace {

std::string at(const std::string& dataset, std::int64_t version) { return dataset + "@" + std::to_string(version); }

// A counter goes up by one each time: an increment that is overwritten leaves a step of another size.
void check_counters(const History& history, const Transactions& transactions, const std::string& dataset,
                    const DatasetHistory& made, Report& report) {
  for (const auto& [id, steps] : made.features()) {
    if (!history.counters.contains(id)) continue;
    for (std::size_t i = 1; i < steps.size(); ++i) {
      const auto& before = steps[i - 1];
      const auto& now = steps[i];
      if (before.value && now.value && now.value->number == before.value->number + 1) continue;
      report.add("lost update",
                 "counter " + id + " goes from " + (before.value ? std::to_string(before.value->number) : "nothing") +
                     " to " + (now.value ? std::to_string(now.value->number) : "nothing") + " in " +
                     at(dataset, now.version),
                 {transactions.writer(dataset, before.version)->line, transactions.writer(dataset, now.version)->line});
    }
  }
}

// What a pair has in one dataset it has in all, from the same commit.
void check_pairs(const History& history, const Transactions& transactions, const Replay& replay, Report& report) {
  for (const auto& transaction : transactions.all) {
    for (const auto& pair : history.pairs) {
      std::map<std::string, std::int64_t> numbers;
      for (const auto& [dataset, version] : transaction.versions) {
        const auto& made = replay.of(dataset);
        if (version > made.head()) continue;
        const auto* step = made.find(pair, version);
        if (step && step->version == version && step->value) numbers[dataset] = step->value->number;
      }
      if (numbers.empty()) continue;
      const bool everywhere = numbers.size() == history.datasets.size();
      const bool equal = std::all_of(numbers.begin(), numbers.end(),
                                     [&](const auto& one) { return one.second == numbers.begin()->second; });
      if (everywhere && equal) continue;
      report.add(
          "partial commit",
          "changeset " + transaction.changeset->id + " changed pair " + pair + " in one dataset only, or differently",
          {transaction.line});
    }
  }
}

struct Totals {
  bool skips = false;
  std::map<std::string, std::int64_t> counts;

  void add(const Evaluation& evaluation) {
    for (const auto& effect : evaluation.effects) {
      ++counts[effect.op == 'I' ? "inserted" : effect.op == 'U' ? "updated" : "deleted"];
    }
    counts["unchanged"] += evaluation.unchanged;
    counts["skipped"] += skips ? static_cast<std::int64_t>(evaluation.conflicts.size()) : 0;
    counts["collapsed"] += evaluation.collapsed;
  }
};

std::string to_string(const std::vector<Conflict>& conflicts) {
  std::string text;
  for (const auto& conflict : conflicts) {
    text +=
        " " + conflict.dataset + "/" + conflict.id + " " + conflict.kind + " found " + std::to_string(conflict.found);
  }
  return text;
}

void check_evaluation(const Transaction& transaction, const std::string& where, const Evaluation& evaluation,
                      Report& report) {
  if (!evaluation.conflicts.empty() && !transaction.changeset->skip_conflicts) {
    report.add("conflict missed",
               "changeset " + transaction.changeset->id + " was accepted at " + where +
                   " although these changed after its base_version or do not fit:" + to_string(evaluation.conflicts),
               {transaction.line});
  }
  if (evaluation.mass_delete) {
    report.add("mass delete missed", "snapshot " + transaction.changeset->id + " was accepted at " + where,
               {transaction.line});
  }
  if (evaluation.duplicates) {
    report.add("duplicate missed", "changeset " + transaction.changeset->id + " holds a feature twice",
               {transaction.line});
  }
}

// The model's counts against those of the receipt.
void check_counts(const Transaction& transaction, const Totals& totals, Report& report) {
  for (const auto& [name, expected] : totals.counts) {
    const auto found = transaction.receipt->counts.find(name);
    const std::int64_t counted = found == transaction.receipt->counts.end() ? 0 : found->second;
    if (counted == expected) continue;
    report.add("counts differ",
               "the receipt of " + transaction.changeset->id + " counts " + std::to_string(counted) + " " + name +
                   ", it did " + std::to_string(expected),
               {transaction.line});
  }
}

void check_conflict_lists(const Transaction& transaction, std::vector<Conflict> expected, Report& report) {
  std::sort(expected.begin(), expected.end());
  for (const auto* submission : transaction.submissions) {
    if (!submission->receipt || !submission->conflicts) continue;
    auto listed = *submission->conflicts;
    std::sort(listed.begin(), listed.end());
    if (listed == expected) continue;
    report.add(
        "conflicts differ",
        "listed for " + transaction.changeset->id + ":" + to_string(listed) + "; there were:" + to_string(expected),
        {submission->end_line});
  }
}

void check_addressed(const Transaction& transaction, Report& report) {
  std::set<std::string> missing;
  for (const auto& change : transaction.changeset->changes) missing.insert(change.dataset);
  for (const auto& part : transaction.receipt->datasets) missing.erase(part.dataset);
  for (const auto& dataset : missing) {
    report.add("partial commit", "the receipt of " + transaction.changeset->id + " does not name dataset " + dataset,
               {transaction.line});
  }
}

void check_accepted(const Transaction& transaction, const Replay& replay, Report& report) {
  check_addressed(transaction, report);
  Totals totals;
  totals.skips = transaction.changeset->skip_conflicts;
  std::vector<Conflict> conflicts;
  for (const auto& part : transaction.receipt->datasets) {
    const auto made = transaction.versions.find(part.dataset);
    const bool has_version = made != transaction.versions.end();
    const auto& dataset = replay.of(part.dataset);
    const std::int64_t version = has_version ? part.version - 1 : part.version;
    if (version > dataset.head()) return;  // reported as a hole
    const auto evaluation = evaluate(*transaction.changeset, part.dataset, dataset, version);
    check_evaluation(transaction, at(part.dataset, version), evaluation, report);
    if (!has_version && !evaluation.effects.empty()) {
      report.add("effect without version",
                 "changeset " + transaction.changeset->id + " would change " + at(part.dataset, version) +
                     " but its receipt says that nothing changed",
                 {transaction.line});
    }
    totals.add(evaluation);
    conflicts.insert(conflicts.end(), evaluation.conflicts.begin(), evaluation.conflicts.end());
  }
  check_counts(transaction, totals, report);
  check_conflict_lists(transaction, std::move(conflicts), report);
}

}  // namespace

const DatasetHistory& Replay::of(const std::string& dataset) const {
  static const DatasetHistory empty;
  const auto found = datasets.find(dataset);
  return found == datasets.end() ? empty : found->second;
}

Replay replay(const History& history, const Transactions& transactions, Report& report) {
  Replay replay;
  for (const auto& [dataset, writers] : transactions.writers) {
    auto& made = replay.datasets[dataset];
    for (std::int64_t version = 1; version <= transactions.head(dataset); ++version) {
      const auto* writer = transactions.writer(dataset, version);
      if (!writer) break;  // a hole: what follows cannot be judged
      auto effects = evaluate(*writer->changeset, dataset, made, version - 1).effects;
      if (effects.empty()) {
        report.add("version without effect", "changeset " + writer->changeset->id + " made " + at(dataset, version),
                   {writer->line});
      }
      made.add(std::move(effects));
    }
    check_counters(history, transactions, dataset, made, report);
  }
  check_pairs(history, transactions, replay, report);
  for (const auto& transaction : transactions.all) {
    if (transaction.receipt && !transaction.changeset->dry_run) check_accepted(transaction, replay, report);
  }
  return replay;
}

}  // namespace lt::history
