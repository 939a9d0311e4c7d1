// What all calls of a process share: threads, identities, metrics, limits.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include <absl/status/statusor.h>

#include "base/executor.hpp"
#include "base/metrics.hpp"
#include "rpc/call_context.hpp"
#include "rpc/quota.hpp"

namespace lt::rpc {

struct Limits {
  std::size_t max_active_calls = 4096;              ///< More are refused with SERVER_BUSY; streams that idle count too.
  std::size_t max_organisation_calls = 1024;        ///< Of one organisation; more are refused with ORGANISATION_BUSY.
  std::chrono::milliseconds unary_timeout{30'000};  ///< Upper bound of the deadline that unary handlers see.
  std::chrono::milliseconds write_timeout{60'000};  ///< A peer that takes no message for so long is cut off.
  std::size_t slowest_reader = 512;  ///< Bytes a second: a message gets so much longer than write_timeout.
  std::chrono::milliseconds read_timeout{60'000};  ///< A bidi call whose awaited message takes so long is cut off.
  std::size_t max_unsent_replies = 64;             ///< Of one bidi call; then its next message is not read.
  std::size_t max_message_bytes = 4U << 20;        ///< Of one message, sent (the receive limit of peers) or received.
  std::chrono::milliseconds busy_retry{1'000};     ///< Delay named in the RetryInfo of both.
};

/// Finds who an organisation's name belongs to. Runs on the executor and may block. A NOT_FOUND becomes
/// UNAUTHENTICATED ORGANISATION_UNKNOWN; any other error goes to the caller as it is.
using IdentityResolver = std::function<absl::StatusOr<CallerIdentity>(const std::string& organisation)>;

/// Thread-safe. Must outlive the Server and all calls; executor and metrics must outlive it. Order at the end:
/// Server::shutdown(), then Executor::shutdown(), then the rest.
class Runtime {
 public:
  Runtime(Executor& executor, IdentityResolver resolver, Metrics& metrics, Limits limits = {});
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  [[nodiscard]] Executor& executor() { return executor_; }
  /// Runs cancel callbacks: a thread of its own, so that a busy executor cannot hold up a cancel.
  [[nodiscard]] Executor& cancel_executor() { return cancel_executor_; }
  [[nodiscard]] Metrics& metrics() { return metrics_; }
  [[nodiscard]] const Limits& limits() const { return limits_; }

  /// The identity named by the metadata value (nullptr = absent).
  /// Errors: UNAUTHENTICATED IDENTITY_MISSING, ORGANISATION_UNKNOWN; those of the resolver.
  [[nodiscard]] absl::StatusOr<CallerIdentity> resolve(const std::string* organisation) const;

  /// Calls in progress of each organisation whose identity is known.
  [[nodiscard]] Quota& organisation_calls() { return organisation_calls_; }

  /// Counts a call in; false when max_active_calls are.
  [[nodiscard]] bool enter(const std::shared_ptr<detail::CallState>& call);
  void leave(const std::shared_ptr<detail::CallState>& call);
  [[nodiscard]] std::size_t active_calls() const;

  /// The server is about to stop: streams that idle end now with UNAVAILABLE SERVER_STOPPING, others when they like.
  void drain();

 private:
  Executor& executor_;
  IdentityResolver resolver_;
  Metrics& metrics_;
  const Limits limits_;
  Quota organisation_calls_;
  Executor cancel_executor_;
  mutable std::mutex mutex_;
  std::unordered_set<std::shared_ptr<detail::CallState>> active_;
  bool draining_ = false;
};

/// Metadata key by which a caller names its organisation until certificates do.
inline constexpr char kOrganisationKey[] = "lienthong-organisation";
/// Metadata key by which the server tells the id of the call.
inline constexpr char kRequestIdKey[] = "lienthong-request-id";

}  // namespace lt::rpc
