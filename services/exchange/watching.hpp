// WatchHeads: new heads, as they come.
#pragma once

#include <memory>

#include <absl/status/statusor.h>

#include "exchange/core.hpp"
#include "lienthong/v1/exchange_service.pb.h"
#include "rpc/stream.hpp"

namespace lt::exchange {

/// One call of WatchHeads. Holds no thread and no connection while nothing happens.
/// Errors: NOT_FOUND DATASET_UNKNOWN.
[[nodiscard]] absl::StatusOr<std::unique_ptr<rpc::Producer<lienthong::v1::WatchHeadsResponse>>> watch_heads(
    const Core& core, rpc::CallContext& call, const lienthong::v1::WatchHeadsRequest& request);

}  // namespace lt::exchange
