// Submissions put together to changesets, and which of them made which version.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "history/dataset_history.hpp"
#include "history/log.hpp"
#include "history/report.hpp"

namespace lt::history {

/// One changeset, sent once or several times with the same content.
struct Transaction {
  const Changeset* changeset = nullptr;
  std::vector<const Submission*> submissions;
  std::int64_t invoked = kNever;       ///< first
  std::int64_t acknowledged = kNever;  ///< first
  std::size_t line = 0;                ///< of the acknowledgement, or else of the first submission
  const Receipt* receipt = nullptr;
  bool in_doubt = false;                         ///< a submission has no known outcome
  std::map<std::string, std::int64_t> versions;  ///< made, by dataset

  [[nodiscard]] bool accepted() const { return receipt != nullptr || !versions.empty(); }
};

/// Where a value comes from.
struct Origin {
  std::size_t transaction = 0;
  std::string dataset;
  std::string id;
  bool intermediate = false;  ///< a later change of the same changeset replaced it
};

struct Transactions {
  std::vector<Transaction> all;
  std::map<std::string, std::vector<std::size_t>> writers;  ///< by dataset: of versions 1, 2, ...
  std::map<std::string, Origin> origins;                    ///< by token

  /// Null when nobody wrote this version.
  [[nodiscard]] const Transaction* writer(const std::string& dataset, std::int64_t version) const;
  [[nodiscard]] std::int64_t head(const std::string& dataset) const;
};

/// Violations found: "id accepted twice", "receipt differs", "receipt digest", "receipt chain", "commit time",
/// "two writers", "hole", "phantom receipt", "lost commit", "dry run left a version".
[[nodiscard]] Transactions make_transactions(const History& history, Report& report);

struct Replay {
  std::map<std::string, DatasetHistory> datasets;

  /// Of a dataset that nobody wrote to: the empty one.
  [[nodiscard]] const DatasetHistory& of(const std::string& dataset) const;
};

/// Applies all versions in their order. Violations found: "conflict missed", "mass delete missed", "effect without
/// version", "version without effect", "counts differ", "lost update" (a counter did not go up by one), "partial
/// commit" (a pair changed in one dataset only).
[[nodiscard]] Replay replay(const History& history, const Transactions& transactions, Report& report);

}  // namespace lt::history
