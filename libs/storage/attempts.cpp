#include "storage/attempts.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "feature/text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

// What a refused submission sent is kept for people to read, not in full.
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxText = 4096;
constexpr std::int64_t kForgottenAtOnce = 100;
constexpr int kFindingColumns = 12;
constexpr int kConflictColumns = 9;

// Text that PostgreSQL takes: a refusal is often about just such text.
std::string storable(std::string_view text, std::size_t max) {
  if (text.size() <= max && feature::check_text(text).ok()) return std::string(text);
  return feature::cut(text, max);
}

char severity_char(feature::Severity severity) {
  switch (severity) {
    case feature::Severity::kError: return 'E';
    case feature::Severity::kWarning: return 'W';
    case feature::Severity::kInfo: return 'I';
  }
  return 'E';
}

feature::Severity severity_from(char c) {
  if (c == 'W') return feature::Severity::kWarning;
  return c == 'I' ? feature::Severity::kInfo : feature::Severity::kError;
}

// Counts by the name they have in lienthong.v1.Counts.
constexpr std::pair<const char*, std::int64_t feature::Counts::*> kCounts[] = {
    {"inserted", &feature::Counts::inserted},       {"updated", &feature::Counts::updated},
    {"deleted", &feature::Counts::deleted},         {"unchanged", &feature::Counts::unchanged},
    {"quarantined", &feature::Counts::quarantined}, {"skipped", &feature::Counts::skipped},
    {"collapsed", &feature::Counts::collapsed},     {"findings", &feature::Counts::findings},
};

nlohmann::json counts_json(const feature::Counts& counts) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, member] : kCounts) {
    if (counts.*member != 0) json[name] = counts.*member;
  }
  return json;
}

absl::StatusOr<feature::Counts> counts_from(std::string_view text) {
  LT_ASSIGN_OR_RETURN(const auto json, parse_json(text));
  feature::Counts counts;
  for (const auto& [name, member] : kCounts) counts.*member = json.value(name, std::int64_t{0});
  return counts;
}

absl::StatusOr<Attempt> attempt_from(const pg::Row& row) {
  Attempt attempt;
  attempt.attempt_id = row.get_text(0);
  attempt.organisation = row.get_text(1);
  attempt.changeset_id = row.get_text(2);
  attempt.dataset = row.get_text(3);
  attempt.outcome = static_cast<AttemptOutcome>(row.get_char(4));
  attempt.commit_id = row.get_text(5);
  attempt.reason = row.get_text(6);
  attempt.error_message = row.get_text(7);
  attempt.started_us = row.get_timestamp_us(8);
  attempt.ended_us = row.get_timestamp_us(9);
  attempt.received = row.get_int(10);
  LT_ASSIGN_OR_RETURN(attempt.counts, counts_from(row.get_text(11)));
  attempt.findings = row.get_int(12);
  attempt.conflicts = row.get_int(13);
  return attempt;
}

// Places of `items` in the order of `less`; equal ones as they stand.
template <typename T, typename Less>
std::vector<const T*> ordered(const std::vector<T>& items, Less less) {
  std::vector<const T*> out;
  out.reserve(items.size());
  for (const T& item : items) out.push_back(&item);
  std::stable_sort(out.begin(), out.end(), [&less](const T* a, const T* b) { return less(*a, *b); });
  return out;
}

absl::Status write_findings(pg::Connection& connection, const std::string& attempt_id,
                            const std::vector<AttemptFinding>& findings) {
  if (findings.empty()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(auto copy, connection.copy_in(sql::kCopyFindings));
  std::int64_t ordinal = 0;
  for (const auto* item : ordered(findings, [](const auto&a, const auto&b) { return a.sequence < b.sequence; })) {
    const auto& finding = item->finding;
    copy.begin_row(kFindingColumns).add(attempt_id).add(++ordinal);
    copy.add(storable(item->dataset, kMaxName)).add(storable(finding.feature_id, kMaxName)).add(item->sequence);
    copy.add(finding.rule).add_char(severity_char(finding.severity)).add(finding.reason);
    copy.add(storable(finding.field, kMaxName)).add(storable(finding.place, kMaxText));
    copy.add(storable(finding.message_vi, kMaxText)).add(storable(finding.message_en, kMaxText));
    LT_RETURN_IF_ERROR(copy.end_row());
  }
  return copy.finish().status();
}

absl::Status write_conflicts(pg::Connection& connection, const std::string& attempt_id,
                             const std::vector<Conflict>& conflicts) {
  if (conflicts.empty()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(auto copy, connection.copy_in(sql::kCopyConflicts));
  const auto before = [](const Conflict& a, const Conflict& b) {
    return std::tie(a.dataset, a.feature_id) < std::tie(b.dataset, b.feature_id);
  };
  std::int64_t ordinal = 0;
  for (const auto* item : ordered(conflicts, before)) {
    copy.begin_row(kConflictColumns).add(attempt_id).add(++ordinal);
    copy.add(storable(item->dataset, kMaxName)).add(storable(item->feature_id, kMaxName));
    copy.add_char(static_cast<char>(item->kind)).add(item->expected_version).add(item->found_version);
    copy.add(item->found_organisation);
    if (item->found_us) {
      copy.add_timestamp_us(*item->found_us);
    } else {
      copy.add_null();
    }
    LT_RETURN_IF_ERROR(copy.end_row());
  }
  return copy.finish().status();
}

absl::Status store(pg::Connection& connection, const Attempt& attempt, const std::vector<AttemptFinding>& findings,
                   const std::vector<Conflict>& conflicts) {
  pg::Params params;
  params.add(attempt.attempt_id).add(attempt.organisation);
  params.add(storable(attempt.changeset_id, kMaxName)).add(storable(attempt.dataset, kMaxName));
  params.add_char(static_cast<char>(attempt.outcome)).add(attempt.commit_id).add(attempt.reason);
  params.add(storable(attempt.error_message, kMaxText));
  params.add_timestamp_us(attempt.started_us).add_timestamp_us(attempt.ended_us).add(attempt.received);
  params.add_jsonb(counts_json(attempt.counts).dump()).add(attempt.findings).add(attempt.conflicts);
  LT_ASSIGN_OR_RETURN(const auto stored, connection.execute(sql::kStoreAttempt, params));
  if (stored.rows() == 0) {
    return make_error(absl::StatusCode::kInternal, "ATTEMPT_NOT_STORED",
                      fmt::format("attempt {} of \"{}\" was not stored: the organisation is unknown, or the attempt is "
                                  "another's or was accepted",
                                  attempt.attempt_id, attempt.organisation));
  }
  const bool is_new = stored.get_bool(0, 0);
  if (!is_new)
    LT_RETURN_IF_ERROR(connection.execute(sql::kClearAttempt, pg::Params().add(attempt.attempt_id)).status());
  LT_RETURN_IF_ERROR(write_findings(connection, attempt.attempt_id, findings));
  return write_conflicts(connection, attempt.attempt_id, conflicts);
}

StoredFinding finding_from(const pg::Row& row) {
  StoredFinding stored;
  stored.ordinal = row.get_int(0);
  stored.finding.dataset = row.get_text(1);
  stored.finding.sequence = row.get_int(3);
  auto& finding = stored.finding.finding;
  finding.feature_id = row.get_text(2);
  finding.rule = row.get_text(4);
  finding.severity = severity_from(row.get_char(5));
  finding.reason = row.get_text(6);
  finding.field = row.get_text(7);
  finding.place = row.get_text(8);
  finding.message_vi = row.get_text(9);
  finding.message_en = row.get_text(10);
  return stored;
}

StoredConflict conflict_from(const pg::Row& row) {
  StoredConflict stored;
  stored.ordinal = row.get_int(0);
  stored.conflict.dataset = row.get_text(1);
  stored.conflict.feature_id = row.get_text(2);
  stored.conflict.kind = static_cast<ConflictKind>(row.get_char(3));
  stored.conflict.expected_version = row.get_optional_int(4);
  stored.conflict.found_version = row.get_int(5);
  stored.conflict.found_organisation = row.get_text(6);
  stored.conflict.found_us = row.get_optional_timestamp_us(7);
  return stored;
}

}  // namespace

absl::Status store_attempt(pg::Connection& connection, const Attempt& attempt,
                           const std::vector<AttemptFinding>& findings, const std::vector<Conflict>& conflicts) {
  if (connection.in_transaction()) return store(connection, attempt, findings, conflicts);
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(connection));
  // A record of what was refused acknowledges nothing: it must not wait for a synchronous standby that is away.
  LT_RETURN_IF_ERROR(connection.execute_script("SET LOCAL synchronous_commit = local"));
  LT_RETURN_IF_ERROR(store(connection, attempt, findings, conflicts));
  return transaction.commit();
}

absl::StatusOr<std::optional<Attempt>> find_attempt(pg::Connection& connection, const std::string& attempt_id) {
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kGetAttempt, pg::Params().add(attempt_id)));
  if (result.rows() == 0) return std::nullopt;
  LT_ASSIGN_OR_RETURN(auto attempt, attempt_from(result.row(0)));
  return attempt;
}

absl::StatusOr<std::vector<Attempt>> list_attempts(pg::Connection& connection, const AttemptFilter& filter,
                                                   const std::string& before, int limit) {
  pg::Params params;
  params.add(filter.organisation).add(filter.dataset).add(filter.changeset_id);
  params.add(filter.outcome ? std::string(1, static_cast<char>(*filter.outcome)) : std::string());
  params.add(before).add(std::int64_t{limit});
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kPageAttempts, params));
  std::vector<Attempt> attempts;
  for (int r = 0; r < result.rows(); ++r) {
    LT_ASSIGN_OR_RETURN(auto attempt, attempt_from(result.row(r)));
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

absl::StatusOr<std::vector<StoredFinding>> list_findings(pg::Connection& connection, const std::string& attempt_id,
                                                         const FindingFilter& filter, std::int64_t after, int limit) {
  pg::Params params;
  params.add(attempt_id)
      .add(filter.severity ? std::string(1, severity_char(*filter.severity)) : std::string())
      .add(filter.rule)
      .add(filter.feature_id);
  params.add(filter.dataset).add(after).add(std::int64_t{limit});
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kPageFindings, params));
  std::vector<StoredFinding> findings;
  for (int r = 0; r < result.rows(); ++r) findings.push_back(finding_from(result.row(r)));
  return findings;
}

absl::StatusOr<std::vector<StoredConflict>> list_conflicts(pg::Connection& connection, const std::string& attempt_id,
                                                           std::int64_t after, int limit) {
  const auto params = pg::Params().add(attempt_id).add(after).add(std::int64_t{limit});
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kPageConflicts, params));
  std::vector<StoredConflict> conflicts;
  for (int r = 0; r < result.rows(); ++r) conflicts.push_back(conflict_from(result.row(r)));
  return conflicts;
}

absl::StatusOr<std::int64_t> forget_attempts(pg::Connection& connection, std::int64_t before_us) {
  std::int64_t forgotten = 0;
  for (;;) {
    const auto params = pg::Params().add_timestamp_us(before_us).add(kForgottenAtOnce);
    LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kForgetAttempts, params));
    forgotten += result.affected();
    if (result.affected() < kForgottenAtOnce) return forgotten;
  }
}

}  // namespace lt::storage
