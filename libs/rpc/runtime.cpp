#include "rpc/runtime.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/status.hpp"
#include "rpc/detail/call_state.hpp"

namespace lt::rpc {
namespace {

constexpr std::size_t kMaxOrganisationName = 128;

// A name that the resolver need not be asked for.
bool plausible(const std::string& name) {
  return !name.empty() && name.size() <= kMaxOrganisationName &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

absl::Status unknown_organisation(const std::string& name) {
  return make_error(absl::StatusCode::kUnauthenticated, "ORGANISATION_UNKNOWN",
                    "organisation \"" + (plausible(name) ? name : std::string("?")) +
                        "\" is not known here; check the name, or let the operator create it",
                    {{"organisation", plausible(name) ? name : std::string("?")}});
}

}  // namespace

Runtime::Runtime(Executor& executor, IdentityResolver resolver, Metrics& metrics, Limits limits)
    : executor_(executor),
      resolver_(std::move(resolver)),
      metrics_(metrics),
      limits_(limits),
      organisation_calls_("calls in progress", {Quota::kUnlimited, limits.max_organisation_calls, limits.busy_retry}),
      cancel_executor_(1, 0, "rpc-cancel") {}

Runtime::~Runtime() = default;

absl::StatusOr<CallerIdentity> Runtime::resolve(const std::string* organisation) const {
  if (organisation == nullptr || organisation->empty()) {
    return make_error(absl::StatusCode::kUnauthenticated, "IDENTITY_MISSING",
                      "the call does not say who makes it; send the metadata lienthong-organisation "
                      "(grpcurl -H 'lienthong-organisation: NAME', lienthong --as NAME)");
  }
  if (!plausible(*organisation)) return unknown_organisation(*organisation);
  auto identity = resolver_(*organisation);
  if (absl::IsNotFound(identity.status())) return unknown_organisation(*organisation);
  return identity;
}

bool Runtime::enter(const std::shared_ptr<detail::CallState>& call) {
  const std::lock_guard lock(mutex_);
  if (active_.size() >= limits_.max_active_calls) return false;
  active_.insert(call);
  if (draining_) call->drain();
  return true;
}

void Runtime::leave(const std::shared_ptr<detail::CallState>& call) {
  const std::lock_guard lock(mutex_);
  active_.erase(call);
}

std::size_t Runtime::active_calls() const {
  const std::lock_guard lock(mutex_);
  return active_.size();
}

void Runtime::drain() {
  std::vector<std::shared_ptr<detail::CallState>> calls;
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    calls.assign(active_.begin(), active_.end());
  }
  for (const auto& call : calls) call->drain();
}

}  // namespace lt::rpc
