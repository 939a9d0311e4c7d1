// What became of submissions: attempts, their findings and conflicts.
#pragma once

#include <absl/status/status.h>

#include "exchange/core.hpp"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::exchange {

/// Publisher and operator only; for others an attempt does not exist. Errors: NOT_FOUND ATTEMPT_UNKNOWN.
[[nodiscard]] absl::Status get_attempt(const Core& core, const rpc::CallerIdentity& caller,
                                       const lienthong::v1::GetAttemptRequest& request,
                                       lienthong::v1::GetAttemptResponse& response);
/// Errors: INVALID_ARGUMENT PAGE_SIZE_INVALID, PAGE_TOKEN_MALFORMED, FILTER_UNKNOWN; PERMISSION_DENIED OPERATOR_ONLY
/// (another's).
[[nodiscard]] absl::Status list_attempts(const Core& core, const rpc::CallerIdentity& caller,
                                         const lienthong::v1::ListAttemptsRequest& request,
                                         lienthong::v1::ListAttemptsResponse& response);
/// By attempt: publisher and operator. By version: who may publish the dataset; when the changeset is another's, only
/// what concerns this dataset.
/// Errors: NOT_FOUND ATTEMPT_UNKNOWN, DATASET_UNKNOWN, CHANGESET_UNKNOWN; PERMISSION_DENIED NOT_OWNER;
/// INVALID_ARGUMENT KEY_MISSING, PAGE_SIZE_INVALID, PAGE_TOKEN_MALFORMED, FILTER_UNKNOWN.
[[nodiscard]] absl::Status list_findings(const Core& core, const rpc::CallerIdentity& caller,
                                         const lienthong::v1::ListFindingsRequest& request,
                                         lienthong::v1::ListFindingsResponse& response);
[[nodiscard]] absl::Status list_conflicts(const Core& core, const rpc::CallerIdentity& caller,
                                          const lienthong::v1::ListConflictsRequest& request,
                                          lienthong::v1::ListConflictsResponse& response);

}  // namespace lt::exchange
