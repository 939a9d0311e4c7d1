// What operators do.
#pragma once

#include <absl/status/status.h>

#include "exchange/core.hpp"
#include "lienthong/v1/admin_service.pb.h"

namespace lt::exchange {

/// Errors: PERMISSION_DENIED OPERATOR_ONLY; NOT_FOUND DATASET_UNKNOWN; OUT_OF_RANGE VERSION_OUT_OF_RANGE.
[[nodiscard]] absl::Status compact_history(const Core& core, const rpc::CallerIdentity& caller,
                                           const lienthong::v1::CompactHistoryRequest& request,
                                           lienthong::v1::CompactHistoryResponse& response);

}  // namespace lt::exchange
