// The life of one feature, and undoing a changeset.
#pragma once

#include <absl/status/status.h>

#include "exchange/core.hpp"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::exchange {

/// Errors: NOT_FOUND DATASET_UNKNOWN, FEATURE_NOT_FOUND; INVALID_ARGUMENT PAGE_SIZE_INVALID, PAGE_TOKEN_MALFORMED,
/// FORM_UNKNOWN and those of feature::check_feature_id().
[[nodiscard]] absl::Status list_feature_history(const Core& core,
                                                const lienthong::v1::ListFeatureHistoryRequest& request,
                                                lienthong::v1::ListFeatureHistoryResponse& response);

/// Publishes the inverse of an accepted changeset with base_version = the version that it made, in each of its
/// datasets. Memory does not depend on its size.
/// Errors: those of Publishing; NOT_FOUND CHANGESET_UNKNOWN; FAILED_PRECONDITION NOTHING_TO_REVERT (it changed
/// nothing); OUT_OF_RANGE HISTORY_COMPACTED (the states before are gone); INVALID_ARGUMENT KEY_MISSING.
[[nodiscard]] absl::Status revert_changeset(const Core& core, const rpc::CallerIdentity& caller,
                                            const lienthong::v1::RevertChangesetRequest& request,
                                            lienthong::v1::RevertChangesetResponse& response);

}  // namespace lt::exchange
