#include "history/transactions.hpp"

#include <algorithm>
#include <set>

namespace lt::history {
namespace {

Transaction* find_same(std::vector<Transaction>& all, const std::vector<std::size_t>& candidates,
                       const Changeset& changeset) {
  for (const std::size_t index : candidates) {
    if (*all[index].changeset == changeset) return &all[index];
  }
  return nullptr;
}

void take_submission(Transaction& transaction, const Submission& submission, Report& report) {
  transaction.submissions.push_back(&submission);
  transaction.invoked = std::min(transaction.invoked, submission.invoked);
  if (submission.outcome == Outcome::kUnknown) transaction.in_doubt = true;
  if (!submission.receipt) return;
  if (transaction.receipt && !transaction.changeset->dry_run && transaction.receipt->json != submission.receipt->json) {
    report.add("receipt differs", "changeset " + transaction.changeset->id + " was acknowledged with two receipts",
               {transaction.line, submission.end_line});
  }
  if (!transaction.receipt || submission.ended < transaction.acknowledged) {
    transaction.receipt = &*submission.receipt;
    transaction.acknowledged = submission.ended;
    transaction.line = submission.end_line;
  }
}

std::map<std::string, std::vector<std::size_t>> group(const History& history, Transactions& transactions,
                                                      Report& report) {
  std::map<std::string, std::vector<std::size_t>> by_id;
  for (const auto& submission : history.submissions) {
    auto& candidates = by_id[submission.changeset.id];
    Transaction* found = find_same(transactions.all, candidates, submission.changeset);
    if (!found) {
      candidates.push_back(transactions.all.size());
      found = &transactions.all.emplace_back();
      found->changeset = &submission.changeset;
      found->line = submission.invoke_line;
    }
    take_submission(*found, submission, report);
  }
  for (const auto& [id, candidates] : by_id) {
    const Transaction* accepted = nullptr;
    for (const std::size_t index : candidates) {
      const auto& transaction = transactions.all[index];
      if (!transaction.receipt || transaction.changeset->dry_run) continue;
      if (accepted) {
        report.add("id accepted twice", "changeset_id " + id + " was accepted with two contents",
                   {accepted->line, transaction.line});
      }
      accepted = &transaction;
    }
  }
  return by_id;
}

void find_origins(Transactions& transactions, Report& report) {
  for (std::size_t index = 0; index < transactions.all.size(); ++index) {
    std::map<std::pair<std::string, std::string>, std::string> latest;
    for (const auto& change : transactions.all[index].changeset->changes) {
      if (change.op == 'D') continue;
      if (change.based_on == change.value.token) continue;  // sent as it was read
      auto& last = latest[{change.dataset, change.id}];
      if (!last.empty()) transactions.origins[last].intermediate = true;
      last = change.value.token;
      const auto [place, first] = transactions.origins.emplace(last, Origin{index, change.dataset, change.id, false});
      if (first) continue;
      report.add("malformed log", "token " + last + " is not unique",
                 {transactions.all[place->second.transaction].line, transactions.all[index].line});
    }
  }
}

// The listed receipt belongs to the changeset that was acknowledged, or else to one in doubt.
void take_listed(Transactions& transactions, const std::vector<std::size_t>& candidates, const Receipt& receipt,
                 std::size_t line, Report& report) {
  Transaction* in_doubt = nullptr;
  for (const std::size_t index : candidates) {
    auto& transaction = transactions.all[index];
    if (transaction.changeset->dry_run) continue;
    if (transaction.receipt) {
      if (transaction.receipt->json != receipt.json) {
        report.add("receipt differs", "the receipt listed for " + receipt.changeset_id + " is not the one acknowledged",
                   {transaction.line, line});
      }
      return;
    }
    if (transaction.in_doubt) in_doubt = &transaction;
  }
  if (in_doubt) {
    in_doubt->receipt = &receipt;
    return;
  }
  std::vector<std::size_t> lines{line};
  if (!candidates.empty()) lines.push_back(transactions.all[candidates.front()].line);
  report.add("phantom receipt", "changeset " + receipt.changeset_id + " is listed but was refused or never sent",
             lines);
}

void resolve_by_lists(const History& history, const std::map<std::string, std::vector<std::size_t>>& by_id,
                      Transactions& transactions, Report& report) {
  std::set<std::string> listed;
  bool any = false;
  for (const auto& read : history.reads) {
    for (const auto& seen : read.seen) {
      any = any || seen.form == SeenForm::kReceipts;
      for (const auto& receipt : seen.receipts) {
        listed.insert(receipt.changeset_id);
        const auto found = by_id.find(receipt.changeset_id);
        take_listed(transactions, found == by_id.end() ? std::vector<std::size_t>{} : found->second, receipt,
                    read.end_line, report);
      }
    }
  }
  if (!any) return;
  for (const auto& transaction : transactions.all) {
    if (!transaction.receipt || !transaction.receipt->changed || transaction.changeset->dry_run) continue;
    if (listed.contains(transaction.changeset->id)) continue;
    report.add("lost commit", "changeset " + transaction.changeset->id + " was acknowledged but is not listed",
               {transaction.line});
  }
}

// Without a receipt, a changeset in doubt is accepted when one of its values was read together with its version.
void resolve_by_values(const History& history, Transactions& transactions) {
  const auto note = [&](const std::string& dataset, const std::optional<Value>& value, std::int64_t version) {
    if (!value) return;
    const auto origin = transactions.origins.find(value->token);
    if (origin == transactions.origins.end()) return;
    auto& transaction = transactions.all[origin->second.transaction];
    if (!transaction.receipt && transaction.in_doubt) transaction.versions[dataset] = version;
  };
  for (const auto& read : history.reads) {
    for (const auto& seen : read.seen) {
      if (seen.form == SeenForm::kFeature) note(seen.dataset, seen.value, seen.version);
      for (const auto& entry : seen.entries) note(seen.dataset, entry.value, entry.version);
    }
  }
}

// A receipt names a head for a dataset that the changeset did not change.
bool makes_version(const Transaction& transaction, const ReceiptDataset& dataset) {
  if (!transaction.receipt->changed || transaction.changeset->dry_run) return false;
  if (!dataset.previous_digest.empty()) return true;
  if (dataset.version != 1) return false;
  return !evaluate(*transaction.changeset, dataset.dataset, DatasetHistory(), 0).effects.empty();
}

void assign_versions(Transactions& transactions, Report& report) {
  for (std::size_t index = 0; index < transactions.all.size(); ++index) {
    auto& transaction = transactions.all[index];
    if (transaction.receipt) {
      for (const auto& dataset : transaction.receipt->datasets) {
        if (makes_version(transaction, dataset)) transaction.versions[dataset.dataset] = dataset.version;
      }
    }
    for (const auto& [dataset, version] : transaction.versions) {
      auto& writers = transactions.writers[dataset];
      const auto place = static_cast<std::size_t>(version - 1);
      if (writers.size() <= place) writers.resize(place + 1, SIZE_MAX);
      if (writers[place] != SIZE_MAX) {
        report.add("two writers", "version " + std::to_string(version) + " of " + dataset + " has two changesets",
                   {transactions.all[writers[place]].line, transaction.line});
      }
      writers[place] = index;
    }
  }
  for (auto& [dataset, writers] : transactions.writers) {
    const auto hole = std::find(writers.begin(), writers.end(), SIZE_MAX);
    if (hole == writers.end()) continue;
    const auto version = hole - writers.begin() + 1;
    const auto above = std::find_if(hole, writers.end(), [](std::size_t writer) { return writer != SIZE_MAX; });
    report.add("hole",
               "nobody wrote version " + std::to_string(version) + " of " + dataset + ", but there is version " +
                   std::to_string(above - writers.begin() + 1),
               {transactions.all[*above].line});
  }
}

const ReceiptDataset* part_of(const Transaction& transaction, const std::string& dataset) {
  if (!transaction.receipt) return nullptr;
  for (const auto& part : transaction.receipt->datasets) {
    if (part.dataset == dataset) return &part;
  }
  return nullptr;
}

void check_chain(const Transactions& transactions, const std::string& dataset, Report& report) {
  const Transaction* before = nullptr;
  for (std::int64_t version = 1; version <= transactions.head(dataset); ++version) {
    const Transaction* now = transactions.writer(dataset, version);
    if (!now) return;
    const auto* part = part_of(*now, dataset);
    if (part && version == 1 && !part->previous_digest.empty()) {
      report.add("receipt chain", "version 1 of " + dataset + " names a digest before it", {now->line});
    }
    if (part && before && before->receipt && part->previous_digest != before->receipt->digest) {
      report.add(
          "receipt chain",
          "version " + std::to_string(version) + " of " + dataset + " does not name the digest of the one before",
          {before->line, now->line});
    }
    if (part && before && before->receipt && now->receipt->committed_at <= before->receipt->committed_at) {
      report.add("commit time",
                 "version " + std::to_string(version) + " of " + dataset + " is not later than the one before",
                 {before->line, now->line});
    }
    before = now;
  }
}

void check_receipts(const Transactions& transactions, Report& report) {
  for (const auto& transaction : transactions.all) {
    for (const auto* submission : transaction.submissions) {
      if (!submission->receipt) continue;
      const auto& receipt = *submission->receipt;
      if (receipt.changeset_id != transaction.changeset->id) {
        report.add("receipt differs", "the receipt is of " + receipt.changeset_id, {submission->end_line});
      }
      if (transaction.changeset->dry_run) {
        if (receipt.digest.empty() && !receipt.json.contains("commit_id")) continue;
        report.add("dry run left a version", "a dry run of " + transaction.changeset->id + " has a commit or a digest",
                   {submission->end_line});
      } else if (receipt.digest != receipt.computed_digest) {
        report.add("receipt digest",
                   "the receipt of " + receipt.changeset_id + " has digest " + receipt.digest + ", its content " +
                       receipt.computed_digest,
                   {submission->end_line});
      }
    }
  }
  for (const auto& [dataset, writers] : transactions.writers) check_chain(transactions, dataset, report);
}

}  // namespace

const Transaction* Transactions::writer(const std::string& dataset, std::int64_t version) const {
  const auto found = writers.find(dataset);
  if (found == writers.end() || version < 1 || version > head(dataset)) return nullptr;
  const std::size_t index = found->second[static_cast<std::size_t>(version - 1)];
  return index == SIZE_MAX ? nullptr : &all[index];
}

std::int64_t Transactions::head(const std::string& dataset) const {
  const auto found = writers.find(dataset);
  return found == writers.end() ? 0 : static_cast<std::int64_t>(found->second.size());
}

Transactions make_transactions(const History& history, Report& report) {
  Transactions transactions;
  const auto by_id = group(history, transactions, report);
  find_origins(transactions, report);
  resolve_by_lists(history, by_id, transactions, report);
  resolve_by_values(history, transactions);
  assign_versions(transactions, report);
  check_receipts(transactions, report);
  return transactions;
}

}  // namespace lt::history
