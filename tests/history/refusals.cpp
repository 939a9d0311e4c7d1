#include "history/refusals.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace lt::history {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kStuckNs = 30'000 * kNsPerMs;

// The exchange may ask to try again at any time; nothing is to be justified.
const std::set<std::string> kMayRetry = {"CHANGESET_RACE",
                                         "SCHEMA_CHANGED",
                                         "STAGING_LOST",
                                         "SERVER_BUSY",
                                         "COMMIT_LOST",
                                         "POOL_EXHAUSTED",
                                         "SQL_SERIALIZATION_FAILURE",
                                         "SNAPSHOT_OVERTAKEN"};
const std::map<std::string, char> kConflictReasons = {
    {"VERSION_CONFLICT", 'V'}, {"FEATURE_EXISTS", 'E'}, {"FEATURE_NOT_FOUND", 'M'}};

struct Judge {
  const Submission& submission;
  const Transaction& transaction;
  const Replay& replay;
  const Windows& windows;

  // True when some version of `dataset` that the submission can have met fits.
  [[nodiscard]] bool met(const std::string& dataset,
                         const std::function<bool(const Evaluation&, std::int64_t)>& fits) const {
    const auto& made = replay.of(dataset);
    const std::int64_t oldest = windows.oldest(dataset, submission.invoked).version;
    std::int64_t newest = windows.newest(dataset, submission.ended);
    // Once the changeset is accepted, repeating it returns the receipt.
    const auto own = transaction.versions.find(dataset);
    if (own != transaction.versions.end()) newest = std::min(newest, own->second - 1);
    for (std::int64_t version = std::min(newest, made.head()); version >= oldest; --version) {
      if (fits(evaluate(submission.changeset, dataset, made, version), version)) return true;
    }
    return false;
  }
  [[nodiscard]] bool met_any(const std::function<bool(const Evaluation&, std::int64_t)>& fits) const {
    const auto datasets = submission.changeset.datasets();
    return std::any_of(datasets.begin(), datasets.end(), [&](const auto& dataset) { return met(dataset, fits); });
  }
};

std::string fact(const Submission& submission, const std::string& name) {
  const auto found = submission.metadata.find(name);
  return found == submission.metadata.end() ? "" : found->second;
}

bool is_conflict_justified(const Judge& judge, char kind) {
  if (judge.submission.changeset.skip_conflicts) return false;
  const std::string id = fact(judge.submission, "feature_id");
  const std::string found = fact(judge.submission, "found_version");
  return judge.met_any([&](const Evaluation& evaluation, std::int64_t) {
    return std::any_of(evaluation.conflicts.begin(), evaluation.conflicts.end(), [&](const Conflict& conflict) {
      return conflict.kind == kind && conflict.id == id && (found.empty() || std::to_string(conflict.found) == found);
    });
  });
}

bool is_beyond_head(const Judge& judge) {
  return judge.met_any([&](const Evaluation&, std::int64_t version) {
    const auto& changeset = judge.submission.changeset;
    return std::any_of(changeset.base_versions.begin(), changeset.base_versions.end(),
                       [&](const auto& base) { return base.second > version; }) ||
           std::any_of(changeset.changes.begin(), changeset.changes.end(),
                       [&](const Change& change) { return change.base_version.value_or(0) > version; });
  });
}

bool is_id_reused(const Judge& judge, const Transactions& transactions) {
  return std::any_of(transactions.all.begin(), transactions.all.end(), [&](const Transaction& other) {
    return &other != &judge.transaction && other.changeset->id == judge.submission.changeset.id && other.accepted() &&
           !other.changeset->dry_run && other.invoked < judge.submission.ended;
  });
}

// Whether a refusal for `reason` is right; nothing when the reason should not occur at all.
std::optional<bool> is_justified(const Judge& judge, const Transactions& transactions) {
  const std::string& reason = judge.submission.reason;
  const auto kind = kConflictReasons.find(reason);
  if (kind != kConflictReasons.end()) return is_conflict_justified(judge, kind->second);
  if (reason == "MASS_DELETE" || reason == "EMPTY_SNAPSHOT") {
    return judge.met_any([](const Evaluation& evaluation, std::int64_t) { return evaluation.mass_delete; });
  }
  if (reason == "DUPLICATE_ID") {
    return judge.met_any([](const Evaluation& evaluation, std::int64_t) { return evaluation.duplicates; });
  }
  if (reason == "VERSION_OUT_OF_RANGE") return is_beyond_head(judge);
  if (reason == "CHANGESET_ID_REUSED") return is_id_reused(judge, transactions);
  if (kMayRetry.contains(reason)) return true;
  return std::nullopt;
}

// What the exchange listed must be all conflicts at one version, for each dataset.
void check_conflict_list(const Judge& judge, Report& report) {
  const auto& submission = judge.submission;
  if (!submission.conflicts || !kConflictReasons.contains(submission.reason)) return;
  for (const auto& dataset : submission.changeset.datasets()) {
    std::vector<Conflict> listed;
    for (const auto& conflict : *submission.conflicts) {
      if (conflict.dataset == dataset) listed.push_back(conflict);
    }
    std::sort(listed.begin(), listed.end());
    const bool fits = judge.met(dataset, [&](const Evaluation& evaluation, std::int64_t) {
      auto expected = evaluation.conflicts;
      std::sort(expected.begin(), expected.end());
      return expected == listed;
    });
    if (fits) continue;
    report.add(
        "conflicts differ",
        "those listed for " + submission.changeset.id + " in " + dataset + " are not all conflicts of any version",
        {submission.end_line});
  }
}

void check_refusal(const Judge& judge, const Transactions& transactions, Report& report) {
  const auto& submission = judge.submission;
  if (submission.reason == "SQL_DEADLOCK") {
    report.add("deadlock", "changeset " + submission.changeset.id + " was the victim of a deadlock",
               {submission.end_line});
    return;
  }
  const auto justified = is_justified(judge, transactions);
  if (!justified) {
    report.add("unexpected refusal", "changeset " + submission.changeset.id + " was refused for " + submission.reason,
               {submission.end_line});
  } else if (!*justified) {
    report.add("unjustified refusal",
               "changeset " + submission.changeset.id + " was refused for " + submission.reason +
                   ", but at no version that it can have met was there such a reason",
               {submission.invoke_line, submission.end_line});
  }
  check_conflict_list(judge, report);
}

std::int64_t count_of(const Receipt& receipt, const std::string& name) {
  const auto found = receipt.counts.find(name);
  return found == receipt.counts.end() ? 0 : found->second;
}

bool counts_fit(const Receipt& receipt, const Evaluation& evaluation) {
  std::map<char, std::int64_t> effects;
  for (const auto& effect : evaluation.effects) ++effects[effect.op];
  return effects['I'] == count_of(receipt, "inserted") && effects['U'] == count_of(receipt, "updated") &&
         effects['D'] == count_of(receipt, "deleted") && evaluation.unchanged == count_of(receipt, "unchanged");
}

// A dry run of one dataset must say what the changeset would have done at a version that it can have met.
void check_dry_run(const Judge& judge, Report& report) {
  const auto& submission = judge.submission;
  if (submission.changeset.datasets().size() != 1) return;
  const bool fits = judge.met(submission.changeset.dataset, [&](const Evaluation& evaluation, std::int64_t version) {
    return submission.receipt->datasets.size() == 1 && submission.receipt->datasets.front().version == version &&
           (evaluation.conflicts.empty() || submission.changeset.skip_conflicts) &&
           counts_fit(*submission.receipt, evaluation);
  });
  if (fits) return;
  report.add("dry run differs", "the dry run of " + submission.changeset.id + " fits no version that it can have met",
             {submission.invoke_line, submission.end_line});
}

void check_stuck(const History& history, Report& report) {
  const auto check = [&](std::int64_t invoked, std::int64_t ended, std::size_t line, const std::string& op) {
    if (ended != kNever && ended - invoked <= kStuckNs) return;
    const std::string how =
        ended == kNever ? " never ended" : " took " + std::to_string((ended - invoked) / kNsPerMs) + " ms";
    report.add("stuck", "operation " + op + how, {line});
  };
  for (const auto& one : history.submissions) check(one.invoked, one.answered, one.end_line, one.op);
  for (const auto& one : history.reads) {
    // A stream of heads that nothing moves is silent.
    if (!one.may_lag) check(one.invoked, one.ended, one.end_line, one.op);
  }
}

}  // namespace

void check_refusals(const History& history, const Transactions& transactions, const Replay& replay,
                    const Windows& windows, Report& report) {
  for (const auto& transaction : transactions.all) {
    for (const auto* submission : transaction.submissions) {
      const Judge judge{*submission, transaction, replay, windows};
      if (submission->outcome == Outcome::kRefused) check_refusal(judge, transactions, report);
      if (submission->receipt && submission->changeset.dry_run) check_dry_run(judge, report);
    }
  }
  check_stuck(history, report);
}

}  // namespace lt::history
