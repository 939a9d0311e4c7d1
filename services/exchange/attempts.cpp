#include "exchange/attempts.hpp"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "base/status.hpp"
#include "exchange/paging.hpp"
#include "storage/acquire.hpp"
#include "storage/attempts.hpp"
#include "storage/read.hpp"
#include "wire/finding.hpp"
#include "wire/receipt.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;
using google::protobuf::util::TimeUtil;

absl::Status attempt_unknown(const std::string& attempt_id) {
  return make_error(absl::StatusCode::kNotFound, "ATTEMPT_UNKNOWN",
                    fmt::format("attempt \"{}\" is not among yours; attempts are kept for a configured time, "
                                "ListAttempts names those there are",
                                attempt_id),
                    {{"attempt_id", attempt_id}});
}

absl::StatusOr<std::optional<storage::AttemptOutcome>> outcome_from_proto(v1::AttemptOutcome outcome) {
  switch (outcome) {
    case v1::ATTEMPT_OUTCOME_UNSPECIFIED: return std::nullopt;
    case v1::ATTEMPT_OUTCOME_ACCEPTED: return storage::AttemptOutcome::kAccepted;
    case v1::ATTEMPT_OUTCOME_REFUSED: return storage::AttemptOutcome::kRefused;
    case v1::ATTEMPT_OUTCOME_DRY_RUN: return storage::AttemptOutcome::kDryRun;
    case v1::ATTEMPT_OUTCOME_BROKEN_OFF: return storage::AttemptOutcome::kBrokenOff;
    default: break;
  }
  return make_error(
      absl::StatusCode::kInvalidArgument, "FILTER_UNKNOWN",
      fmt::format("outcome {} is not known; leave it out or send one of AttemptOutcome", static_cast<int>(outcome)));
}

v1::AttemptOutcome outcome_to_proto(storage::AttemptOutcome outcome) {
  switch (outcome) {
    case storage::AttemptOutcome::kAccepted: return v1::ATTEMPT_OUTCOME_ACCEPTED;
    case storage::AttemptOutcome::kRefused: return v1::ATTEMPT_OUTCOME_REFUSED;
    case storage::AttemptOutcome::kDryRun: return v1::ATTEMPT_OUTCOME_DRY_RUN;
    case storage::AttemptOutcome::kBrokenOff: return v1::ATTEMPT_OUTCOME_BROKEN_OFF;
  }
  return v1::ATTEMPT_OUTCOME_UNSPECIFIED;
}

v1::ConflictKind kind_to_proto(storage::ConflictKind kind) {
  switch (kind) {
    case storage::ConflictKind::kExists: return v1::CONFLICT_KIND_EXISTS;
    case storage::ConflictKind::kMissing: return v1::CONFLICT_KIND_MISSING;
    case storage::ConflictKind::kChanged: return v1::CONFLICT_KIND_CHANGED;
    case storage::ConflictKind::kOutOfScope: return v1::CONFLICT_KIND_OUT_OF_SCOPE;
  }
  return v1::CONFLICT_KIND_UNSPECIFIED;
}

void attempt_to_proto(const storage::Attempt& attempt, v1::Attempt* out) {
  out->set_attempt_id(attempt.attempt_id);
  out->set_organisation(attempt.organisation);
  out->set_changeset_id(attempt.changeset_id);
  out->set_dataset(attempt.dataset);
  out->set_outcome(outcome_to_proto(attempt.outcome));
  out->set_commit_id(attempt.commit_id);
  out->set_reason(attempt.reason);
  out->set_error_message(attempt.error_message);
  *out->mutable_started_at() = TimeUtil::MicrosecondsToTimestamp(attempt.started_us);
  *out->mutable_ended_at() = TimeUtil::MicrosecondsToTimestamp(attempt.ended_us);
  out->set_received(attempt.received);
  wire::counts_to_proto(attempt.counts, out->mutable_counts());
  out->set_findings(attempt.findings);
  out->set_conflicts(attempt.conflicts);
}

void conflict_to_proto(const storage::Conflict& conflict, v1::Conflict* out) {
  out->set_dataset(conflict.dataset);
  out->set_feature_id(conflict.feature_id);
  out->set_kind(kind_to_proto(conflict.kind));
  if (conflict.expected_version) out->set_expected_version(*conflict.expected_version);
  out->set_found_version(conflict.found_version);
  out->set_found_organisation(conflict.found_organisation);
  if (conflict.found_us) *out->mutable_found_at() = TimeUtil::MicrosecondsToTimestamp(*conflict.found_us);
}

// An attempt of the caller, or for the operator any. Others do not learn that it exists.
absl::StatusOr<storage::Attempt> get_own(pg::Connection& connection, const rpc::CallerIdentity& caller,
                                         const std::string& attempt_id) {
  LT_ASSIGN_OR_RETURN(auto attempt, storage::find_attempt(connection, attempt_id));
  if (!attempt || (!caller.is_operator && attempt->organisation != caller.organisation)) {
    return attempt_unknown(attempt_id);
  }
  return *std::move(attempt);
}

struct FindingsOf {
  storage::Attempt attempt;
  std::string dataset;  ///< only its findings; empty = all
};

// The attempt whose findings a request is about. Who may publish the dataset of a version sees what concerns it.
absl::StatusOr<FindingsOf> attempt_of(const Core& core, const rpc::CallerIdentity& caller,
                                      const v1::ListFindingsRequest& request) {
  const bool by_version = !request.dataset().empty() && request.version() != 0;
  if (request.attempt_id().empty() && !by_version) {
    return make_error(absl::StatusCode::kInvalidArgument, "KEY_MISSING",
                      "send attempt_id, or dataset and version (from 1)");
  }
  if (!request.attempt_id().empty()) {
    LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
    LT_ASSIGN_OR_RETURN(auto attempt, get_own(*connection, caller, request.attempt_id()));
    return FindingsOf{std::move(attempt), {}};
  }
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.dataset()));
  LT_RETURN_IF_ERROR(check_may_publish(caller, dataset));
  LT_ASSIGN_OR_RETURN(const auto receipt, storage::read_version(core.pool, dataset.id, request.version()));
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_ASSIGN_OR_RETURN(auto attempt, storage::find_attempt(*connection, receipt.attempt_id));
  if (!attempt) return attempt_unknown(receipt.attempt_id);
  const bool whole = caller.is_operator || attempt->organisation == caller.organisation;
  return FindingsOf{*std::move(attempt), whole ? std::string() : dataset.name};
}

}  // namespace

absl::Status get_attempt(const Core& core, const rpc::CallerIdentity& caller, const v1::GetAttemptRequest& request,
                         v1::GetAttemptResponse& response) {
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_ASSIGN_OR_RETURN(const auto attempt, get_own(*connection, caller, request.attempt_id()));
  attempt_to_proto(attempt, response.mutable_attempt());
  return absl::OkStatus();
}

absl::Status list_attempts(const Core& core, const rpc::CallerIdentity& caller, const v1::ListAttemptsRequest& request,
                           v1::ListAttemptsResponse& response) {
  storage::AttemptFilter filter{request.organisation(), request.dataset(), request.changeset_id(), {}};
  if (filter.organisation.empty() && !caller.is_operator) filter.organisation = caller.organisation;
  if (filter.organisation != caller.organisation) {
    LT_RETURN_IF_ERROR(check_operator(caller, "lists the attempts of others"));
  }
  LT_ASSIGN_OR_RETURN(filter.outcome, outcome_from_proto(request.outcome()));
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto before, read_page_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_ASSIGN_OR_RETURN(const auto attempts, storage::list_attempts(*connection, filter, before, limit + 1));
  const auto* last = write_page(attempts, limit, [&response](const storage::Attempt& attempt) {
    auto* added = response.add_attempts();
    attempt_to_proto(attempt, added);
    return added->ByteSizeLong();
  });
  if (last != nullptr) response.set_next_page_token(make_page_token(last->attempt_id));
  return absl::OkStatus();
}

absl::Status list_findings(const Core& core, const rpc::CallerIdentity& caller, const v1::ListFindingsRequest& request,
                           v1::ListFindingsResponse& response) {
  storage::FindingFilter filter{{}, request.rule(), request.feature_id(), {}};
  LT_ASSIGN_OR_RETURN(filter.severity, wire::severity_from_proto(request.severity()));
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after, read_number_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(const auto of, attempt_of(core, caller, request));
  filter.dataset = of.dataset;
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_ASSIGN_OR_RETURN(const auto findings,
                      storage::list_findings(*connection, of.attempt.attempt_id, filter, after, limit + 1));
  const auto* last = write_page(findings, limit, [&response](const storage::StoredFinding& stored) {
    const auto& [dataset, sequence, finding] = stored.finding;
    auto* added = response.add_findings();
    wire::finding_to_proto(finding, dataset, sequence, added);
    return added->ByteSizeLong();
  });
  if (last != nullptr) response.set_next_page_token(make_page_token(std::to_string(last->ordinal)));
  response.set_total(of.attempt.findings);
  return absl::OkStatus();
}

absl::Status list_conflicts(const Core& core, const rpc::CallerIdentity& caller,
                            const v1::ListConflictsRequest& request, v1::ListConflictsResponse& response) {
  if (request.attempt_id().empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "KEY_MISSING", "send attempt_id");
  }
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after, read_number_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_ASSIGN_OR_RETURN(const auto attempt, get_own(*connection, caller, request.attempt_id()));
  LT_ASSIGN_OR_RETURN(const auto conflicts, storage::list_conflicts(*connection, attempt.attempt_id, after, limit + 1));
  const auto* last = write_page(conflicts, limit, [&response](const storage::StoredConflict& stored) {
    auto* added = response.add_conflicts();
    conflict_to_proto(stored.conflict, added);
    return added->ByteSizeLong();
  });
  if (last != nullptr) response.set_next_page_token(make_page_token(std::to_string(last->ordinal)));
  response.set_total(attempt.conflicts);
  return absl::OkStatus();
}

}  // namespace lt::exchange
