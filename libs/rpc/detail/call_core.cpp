#include "rpc/detail/call_core.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/log.hpp"
#include "base/status.hpp"
#include "rpc/errors.hpp"

namespace lt::rpc::detail {
namespace {

constexpr std::size_t kMaxLoggedMessage = 1024;

const std::vector<double>& second_buckets() {
  static const std::vector<double> buckets{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300};
  return buckets;
}

CallContext::TimePoint earlier(CallContext::TimePoint deadline, std::chrono::milliseconds max_time) {
  if (max_time.count() <= 0) return deadline;
  return std::min(deadline, std::chrono::system_clock::now() + max_time);
}

Gauge active_gauge(Metrics& metrics, const std::string& method) {
  return metrics.gauge("lienthong_rpc_active", "calls being served", {{"method", method}});
}

spdlog::level::level_enum level_of(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk: return spdlog::level::debug;
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss: return spdlog::level::err;
    default: return spdlog::level::info;
  }
}

}  // namespace

CallCore::CallCore(Runtime& runtime, grpc::CallbackServerContext& context, const char* method,
                   std::chrono::milliseconds max_time)
    : runtime_(runtime),
      server_context_(context),
      state_(std::make_shared<CallState>(
          method, earlier(context.deadline(), max_time),
          [&runtime](std::function<void()> job) { return runtime.cancel_executor().post(std::move(job)); })),
      context_(state_),
      writes_(std::make_shared<WriteGuard>(context, runtime.limits().write_timeout, runtime.limits().slowest_reader)) {
  active_gauge(runtime_.metrics(), state_->method).add(1);
  server_context_.AddInitialMetadata(kRequestIdKey, state_->request_id);
}

bool CallCore::admit(Executor::Job first) {
  entered_ = runtime_.enter(state_);
  if (!entered_) return false;
  return runtime_.executor().try_post(std::move(first));
}

absl::Status CallCore::busy() const {
  return make_error(absl::StatusCode::kResourceExhausted, "SERVER_BUSY",
                    "the server has as much work as it takes at once; retry later",
                    {{"retry_after_ms", std::to_string(runtime_.limits().busy_retry.count())}});
}

absl::Status CallCore::identify() {
  if (gone()) return gone_status();
  const auto& metadata = server_context_.client_metadata();
  const auto [begin, end] = metadata.equal_range(kOrganisationKey);
  if (begin != end && std::next(begin) != end) {
    return make_error(absl::StatusCode::kUnauthenticated, "IDENTITY_AMBIGUOUS",
                      "the call names more than one organisation; send the metadata lienthong-organisation once");
  }
  const std::string name = begin == end ? std::string() : std::string(begin->second.data(), begin->second.size());
  LT_ASSIGN_OR_RETURN(state_->identity, runtime_.resolve(begin == end ? nullptr : &name));
  LT_ASSIGN_OR_RETURN(organisation_share_, runtime_.organisation_calls().take(state_->identity.organisation, 1));
  return gone() ? gone_status() : absl::OkStatus();
}

absl::Status CallCore::gone_status() const {
  const absl::Status status = context_.check();
  if (!status.ok()) return status;
  return make_error(absl::StatusCode::kCancelled, "CALL_CANCELLED", "the caller has cancelled or gone away");
}

absl::Status CallCore::stopping_status() {
  return make_error(absl::StatusCode::kUnavailable, "SERVER_STOPPING",
                    "the server is stopping; connect again and continue from where the stream ended");
}

void CallCore::run(const Executor::Job& job) {
  if (!runtime_.executor().post(job)) job();
}

absl::Status CallCore::check_size(std::size_t bytes) const {
  const std::size_t limit = runtime_.limits().max_message_bytes;
  if (bytes <= limit) return absl::OkStatus();
  return make_error(
      absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE",
      fmt::format("the answer has {} bytes, more than the {} of one message; ask for fewer items", bytes, limit),
      {{"bytes", std::to_string(bytes)}, {"limit", std::to_string(limit)}});
}

absl::Status CallCore::check_received(std::size_t bytes) const {
  const std::size_t limit = runtime_.limits().max_message_bytes;
  if (bytes <= limit) return absl::OkStatus();
  return make_error(
      absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE",
      fmt::format("the message has {} bytes, more than the {} of one message; send several smaller ones", bytes, limit),
      {{"bytes", std::to_string(bytes)}, {"limit", std::to_string(limit)}});
}

absl::Status CallCore::read_stalled_status() const {
  const auto limit = runtime_.limits().read_timeout.count();
  return make_error(
      absl::StatusCode::kCancelled, "PEER_STALLED",
      fmt::format("no message arrived whole within {} ms and the stream is not closed; send smaller messages, or call "
                  "when there is something to send",
                  limit),
      {{"limit_ms", std::to_string(limit)}});
}

grpc::Status CallCore::close(absl::Status status) {
  if (writes_->expired()) {
    status = make_error(absl::StatusCode::kCancelled, "PEER_STALLED",
                        "the caller took no message for longer than the server waits; read faster or continue later");
  }
  writes_->close();
  state_->close();
  record(status);  // before leaving: who sees no active call finds them all counted
  organisation_share_.release();
  if (entered_) runtime_.leave(state_);
  return to_grpc_status(status);
}

void CallCore::record(const absl::Status& status) const {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started_;
  const std::string& method = state_->method;
  const std::string code = code_name(status.code());
  Metrics& metrics = runtime_.metrics();
  active_gauge(metrics, method).add(-1);
  metrics.counter("lienthong_rpc_total", "calls ended, by code", {{"method", method}, {"code", code}}).increment();
  metrics.histogram("lienthong_rpc_seconds", "duration of calls", second_buckets(), {{"method", method}})
      .observe(took.count());
  LogFields fields{{"method", method},
                   {"organisation", state_->identity.organisation},
                   {"code", code},
                   {"duration_ms", fmt::format("{:.1f}", took.count() * 1000)},
                   {"request_id", state_->request_id}};
  if (!status.ok()) {
    fields.emplace_back("reason", error_reason(status));
    fields.emplace_back("message", message_of(status).substr(0, kMaxLoggedMessage));
  }
  log_event(level_of(status.code()), "rpc", fields);
}

absl::Status CallCore::thrown(const char* what) const {
  log_event(spdlog::level::err, "rpc_threw",
            {{"method", state_->method}, {"request_id", state_->request_id}, {"error", what}});
  return make_error(absl::StatusCode::kInternal, "INTERNAL",
                    "the server failed unexpectedly; its log has the cause under request id " + state_->request_id,
                    {{"request_id", state_->request_id}});
}

}  // namespace lt::rpc::detail
