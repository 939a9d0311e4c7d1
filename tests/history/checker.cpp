#include "history/checker.hpp"

#include <algorithm>
#include <set>

#include "history/dependencies.hpp"
#include "history/reads.hpp"
#include "history/refusals.hpp"
#include "history/transactions.hpp"
#include "history/windows.hpp"

namespace lt::history {
namespace {

void count_submissions(const History& history, Report& report) {
  auto& counts = report.counts;
  counts["operations"] = static_cast<std::int64_t>(history.submissions.size() + history.reads.size());
  for (const auto& submission : history.submissions) {
    const bool dry = submission.changeset.dry_run;
    switch (submission.outcome) {
      case Outcome::kOk: ++counts[dry ? "dry runs" : "acknowledged"]; break;
      case Outcome::kRefused: ++counts["refused " + submission.reason]; break;
      case Outcome::kUnknown: ++counts["outcome unknown"]; break;
    }
    if (submission.conflicts) ++counts["conflict lists"];
  }
}

void count(const History& history, const Transactions& transactions, Report& report) {
  auto& counts = report.counts;
  count_submissions(history, report);
  for (const auto& read : history.reads) {
    if (!read.seen.empty()) ++counts["read " + read.name];
  }
  for (const auto& [reason, times] : history.failed_reads) counts["read failed " + reason] = times;
  std::map<std::string, int> commits;
  for (const auto& transaction : transactions.all) {
    if (transaction.versions.size() > 1) ++counts["commits of several datasets"];
    if (transaction.versions.empty()) continue;
    ++counts["commits"];
    if (transaction.changeset->snapshot) ++counts["commits of snapshots"];
    if (transaction.in_doubt) ++counts["commits once in doubt"];
    if (transaction.submissions.size() > 1) ++counts["commits sent several times"];
    for (const auto& [dataset, version] : transaction.versions) ++counts["versions of " + dataset];
  }
}

void check_datasets(const History& history, const Transactions& transactions, Report& report) {
  for (const auto& [dataset, writers] : transactions.writers) {
    if (!history.datasets.contains(dataset)) report.add("malformed log", dataset + " is not in the config", {});
  }
}

}  // namespace

Report check(const History& history) {
  Report report;
  const auto transactions = make_transactions(history, report);
  check_datasets(history, transactions, report);
  const auto made = replay(history, transactions, report);
  const Windows windows(history, transactions);
  check_real_time(history, transactions, windows, report);
  check_refusals(history, transactions, made, windows, report);
  check_reads(history, transactions, made, windows, report);
  check_dependencies(history, transactions, made, report);
  count(history, transactions, report);
  return report;
}

void print(const History& history, const Report& report, std::size_t most, std::ostream& out) {
  for (const auto& [name, number] : report.counts) out << name << ": " << number << '\n';
  out << "violations: " << report.violations.size() << '\n';
  for (std::size_t i = 0; i < std::min(most, report.violations.size()); ++i) {
    const auto& violation = report.violations[i];
    out << '[' << violation.kind << "] " << violation.message << '\n';
    for (const std::size_t line : violation.lines) {
      const auto& where = history.lines.at(line);
      out << "    " << where.file << ':' << where.number << ": " << where.text << '\n';
    }
  }
}

}  // namespace lt::history
