#include "exchange/core.hpp"

#include <fmt/format.h>

#include "base/status.hpp"

namespace lt::exchange {

absl::Status check_operator(const rpc::CallerIdentity& caller, std::string_view what) {
  if (caller.is_operator) return absl::OkStatus();
  return make_error(absl::StatusCode::kPermissionDenied, "OPERATOR_ONLY",
                    fmt::format("only organisation \"operator\" {}; \"{}\" called", what, caller.organisation),
                    {{"organisation", caller.organisation}});
}

absl::Status check_may_publish(const rpc::CallerIdentity& caller, const storage::Dataset& dataset) {
  if (caller.is_operator || caller.organisation == dataset.owner) return absl::OkStatus();
  return make_error(absl::StatusCode::kPermissionDenied, "NOT_OWNER",
                    fmt::format("dataset \"{}\" belongs to \"{}\"; \"{}\" may read it, not publish it", dataset.name,
                                dataset.owner, caller.organisation),
                    {{"dataset", dataset.name}, {"owner", dataset.owner}, {"organisation", caller.organisation}});
}

}  // namespace lt::exchange
