// Changes set aside as invalid: listed, corrected and released, or discarded.
#pragma once

#include <absl/status/status.h>

#include "exchange/core.hpp"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::exchange {

/// All three: who may publish the dataset (PERMISSION_DENIED NOT_OWNER); NOT_FOUND DATASET_UNKNOWN.
/// Errors: INVALID_ARGUMENT PAGE_SIZE_INVALID, PAGE_TOKEN_MALFORMED, FILTER_UNKNOWN.
[[nodiscard]] absl::Status list_quarantine(const Core& core, const rpc::CallerIdentity& caller,
                                           const lienthong::v1::ListQuarantineRequest& request,
                                           lienthong::v1::ListQuarantineResponse& response);
/// Publishes one changeset whose changes have base_version = the feature's version when they were set aside. A change
/// becomes an UPSERT; a delete stays one unless a corrected state is given; an UPDATE with update_mask keeps both, so
/// its corrected feature has only the fields of the mask. Memory holds one item at a time, whatever its size.
/// Errors: those of publish_changeset(); NOT_FOUND QUARANTINE_UNKNOWN; FAILED_PRECONDITION QUARANTINE_DECIDED;
/// INVALID_ARGUMENT RELEASES_MISSING, RELEASE_TWICE, FEATURE_ID_DIFFERS.
[[nodiscard]] absl::Status release_quarantine(const Core& core, const rpc::CallerIdentity& caller,
                                              const lienthong::v1::ReleaseQuarantineRequest& request,
                                              lienthong::v1::ReleaseQuarantineResponse& response);
/// All or none. Errors: NOT_FOUND QUARANTINE_UNKNOWN; FAILED_PRECONDITION QUARANTINE_DECIDED; INVALID_ARGUMENT
/// IDS_MISSING, TOO_MANY_IDS, MESSAGE_TOO_LONG, TEXT_NOT_UTF8, TEXT_HAS_NUL.
[[nodiscard]] absl::Status discard_quarantine(const Core& core, const rpc::CallerIdentity& caller,
                                              const lienthong::v1::DiscardQuarantineRequest& request,
                                              lienthong::v1::DiscardQuarantineResponse& response);

}  // namespace lt::exchange
