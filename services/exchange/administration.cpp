#include "exchange/administration.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/status.hpp"
#include "storage/retention.hpp"

namespace lt::exchange {

namespace v1 = lienthong::v1;

absl::Status compact_history(const Core& core, const rpc::CallerIdentity& caller,
                             const v1::CompactHistoryRequest& request, v1::CompactHistoryResponse& response) {
  LT_RETURN_IF_ERROR(check_operator(caller, "compacts history"));
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.dataset()));
  if (request.horizon() < 1 || request.horizon() > dataset.head) {
    return make_error(absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
                      fmt::format("horizon {} is not in 1..{}, the versions of dataset \"{}\"", request.horizon(),
                                  dataset.head, dataset.name),
                      {{"dataset", dataset.name},
                       {"version", std::to_string(request.horizon())},
                       {"head", std::to_string(dataset.head)}});
  }
  LT_ASSIGN_OR_RETURN(const auto done, storage::compact(core.pool, dataset.id, request.horizon()));
  log_event(spdlog::level::info, "history_compacted",
            {{"dataset", dataset.name},
             {"horizon", std::to_string(done.horizon)},
             {"removed", std::to_string(done.removed)},
             {"by", caller.organisation}});
  response.set_horizon(done.horizon);
  response.set_removed(done.removed);
  return absl::OkStatus();
}

}  // namespace lt::exchange
