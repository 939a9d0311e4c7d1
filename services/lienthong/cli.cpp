#include "lienthong/cli.hpp"

#include "base/status.hpp"
#include "client/client.hpp"

namespace lt::cli {
namespace {

constexpr const char* kUsageReason = "USAGE";
constexpr const char* kNoOrganisationReason = "ORGANISATION_MISSING";

}  // namespace

absl::StatusOr<client::Client> connect(const Cli& cli) {
  if (cli.organisation.empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, kNoOrganisationReason,
                      "say which organisation calls: --as ORG, or LIENTHONG_ORGANISATION in the environment");
  }
  return client::Client::connect({.endpoint = cli.endpoint, .organisation = cli.organisation});
}

bool is_usage_error(const absl::Status& status) {
  const std::string reason = error_reason(status);
  return reason == kUsageReason || reason == kNoOrganisationReason;
}

absl::Status usage_error(const std::string& message) {
  return make_error(absl::StatusCode::kInvalidArgument, kUsageReason, message);
}

}  // namespace lt::cli
