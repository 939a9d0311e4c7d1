// Attempts: what became of each submission, with its findings and conflicts, for a configured time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "feature/finding.hpp"
#include "feature/receipt.hpp"
#include "pg/pool.hpp"

namespace lt::storage {

enum class AttemptOutcome : char { kAccepted = 'A', kRefused = 'R', kDryRun = 'D', kBrokenOff = 'B' };

struct Attempt {
  std::string attempt_id;
  std::string organisation;
  std::string changeset_id;
  std::string dataset;  ///< of the header, as sent
  AttemptOutcome outcome = AttemptOutcome::kRefused;
  std::string commit_id;
  std::string reason, error_message;  ///< of a refusal
  std::int64_t started_us = 0, ended_us = 0;
  std::int64_t received = 0;  ///< changes
  feature::Counts counts;
  std::int64_t findings = 0;   ///< made; `kept` of them are stored
  std::int64_t conflicts = 0;  ///< found; so many or fewer are stored
};

/// A finding and where it belongs.
struct AttemptFinding {
  std::string dataset;
  std::int64_t sequence = 0;  ///< place of the change in the changeset, from 1
  feature::Finding finding;
};

enum class ConflictKind : char { kExists = 'E', kMissing = 'M', kChanged = 'V', kOutOfScope = 'O' };

struct Conflict {
  std::string dataset;
  std::string feature_id;
  ConflictKind kind = ConflictKind::kChanged;
  std::optional<std::int64_t> expected_version;
  std::int64_t found_version = 0;  ///< 0: the feature never existed
  std::string found_organisation;  ///< who made that version
  std::optional<std::int64_t> found_us;
};

/// Stores an attempt; one that broke off or was refused (and was resumed) is replaced, one that was accepted or a dry
/// run never: what a broken COMMIT left in doubt may have stored it. In the open transaction of `connection`, else in
/// one of its own. Text is kept as far as it fits (names 256, messages 4,096 characters) and can be stored: U+0000 and
/// what is not UTF-8 become '?'. Findings are ordered by sequence, conflicts by dataset and feature. Errors: INTERNAL
/// ATTEMPT_NOT_STORED (no such organisation, or this id is of another's attempt or of one that was accepted).
[[nodiscard]] absl::Status store_attempt(pg::Connection& connection, const Attempt& attempt,
                                         const std::vector<AttemptFinding>& findings,
                                         const std::vector<Conflict>& conflicts);

[[nodiscard]] absl::StatusOr<std::optional<Attempt>> find_attempt(pg::Connection& connection,
                                                                  const std::string& attempt_id);

/// Empty or absent members allow any.
struct AttemptFilter {
  std::string organisation;
  std::string dataset;
  std::string changeset_id;
  std::optional<AttemptOutcome> outcome;
};

/// Up to `limit` attempts, newest first.
/// @param before attempt_id that the page ends before; empty = from the newest.
[[nodiscard]] absl::StatusOr<std::vector<Attempt>> list_attempts(pg::Connection& connection,
                                                                 const AttemptFilter& filter, const std::string& before,
                                                                 int limit);

/// Empty or absent members allow any.
struct FindingFilter {
  std::optional<feature::Severity> severity;
  std::string rule;
  std::string feature_id;
  std::string dataset;
};

struct StoredFinding {
  std::int64_t ordinal = 0;  ///< from 1, by place of the change in the changeset
  AttemptFinding finding;
};

/// Up to `limit` findings of an attempt whose ordinal is greater than `after`, by ordinal.
[[nodiscard]] absl::StatusOr<std::vector<StoredFinding>> list_findings(pg::Connection& connection,
                                                                       const std::string& attempt_id,
                                                                       const FindingFilter& filter, std::int64_t after,
                                                                       int limit);

struct StoredConflict {
  std::int64_t ordinal = 0;  ///< from 1, by dataset and feature
  Conflict conflict;
};

/// Up to `limit` conflicts of an attempt whose ordinal is greater than `after`, by ordinal.
[[nodiscard]] absl::StatusOr<std::vector<StoredConflict>> list_conflicts(pg::Connection& connection,
                                                                         const std::string& attempt_id,
                                                                         std::int64_t after, int limit);

/// Removes attempts that ended before a time, with their findings and conflicts, in short transactions.
/// @param before_us microseconds since 1970 UTC. @return how many were removed.
[[nodiscard]] absl::StatusOr<std::int64_t> forget_attempts(pg::Connection& connection, std::int64_t before_us);

}  // namespace lt::storage
