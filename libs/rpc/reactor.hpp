// The one way to serve an rpc: a callback service's method returns unary(), server_stream(),
// client_stream() or server_bidi().
//
//   grpc::ServerUnaryReactor* GetFeature(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
//                                        grpc::ByteBuffer* response) override {
//     return rpc::unary<GetFeatureRequest, GetFeatureResponse>(
//         runtime_, context, "lienthong.v1.ExchangeService/GetFeature", request, response,
//         [this](rpc::CallContext& call, const auto& req, auto& resp) { return get(call, req, resp); });
//   }
//
// The service takes each method from the generated WithRawCallbackMethod_X. Nothing differs on the wire, but messages
// are parsed here, by the thread that handles them: a small message can be large in memory, and so only as many are at
// once as the executor has threads, and none of a caller that is refused.
//
// Each call is admitted (or refused with SERVER_BUSY), the caller is identified, the handler runs on the executor, what
// it throws becomes INTERNAL, the call ends exactly once, is logged once and counted. Included by services only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <grpcpp/grpcpp.h>

#include "base/status.hpp"
#include "rpc/call_context.hpp"
#include "rpc/detail/bytes.hpp"
#include "rpc/detail/call_core.hpp"
#include "rpc/detail/read_guard.hpp"
#include "rpc/runtime.hpp"
#include "rpc/stream.hpp"

namespace lt::rpc {

/// Fills the response or returns an error. Runs on the executor and may block.
template <class Request, class Response>
using UnaryHandler = std::function<absl::Status(CallContext&, const Request&, Response&)>;

/// Checks the request and makes the producer. Runs on the executor and may block. The request stays valid until the
/// producer is destroyed.
template <class Request, class Response>
using StreamOpener = std::function<absl::StatusOr<std::unique_ptr<Producer<Response>>>(CallContext&, const Request&)>;

/// Makes the session, before any message is read. Runs on the executor and may block.
template <class Request, class Response>
using SessionOpener = std::function<absl::StatusOr<std::unique_ptr<Session<Request, Response>>>(CallContext&)>;

/// Makes the collector, before any message is read. Runs on the executor and may block.
template <class Request, class Response>
using CollectorOpener = std::function<absl::StatusOr<std::unique_ptr<Collector<Request, Response>>>(CallContext&)>;

namespace detail {

// Reactors delete themselves in OnDone(), the last reaction: gRPC owns their lifetime.

template <class Request, class Response>
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(Runtime& runtime, grpc::CallbackServerContext& context, const char* method, const grpc::ByteBuffer& request,
            grpc::ByteBuffer& response, UnaryHandler<Request, Response> handler)
      : core_(runtime, context, method, runtime.limits().unary_timeout),
        request_(request),
        response_(response),
        handler_(std::move(handler)) {}

  void start() {
    if (!core_.admit([this] { handle(); })) Finish(core_.close(core_.busy()));
  }
  void OnCancel() override { core_.cancel(); }
  void OnDone() override { delete this; }

 private:
  void handle() noexcept {
    absl::Status status = core_.guarded([this]() -> absl::Status {
      LT_RETURN_IF_ERROR(core_.identify());
      LT_RETURN_IF_ERROR(core_.check_received(request_.Length()));
      Request request;
      LT_RETURN_IF_ERROR(parse(request_, request));
      Response response;
      LT_RETURN_IF_ERROR(handler_(core_.context(), request, response));
      response_ = serialize(response);
      return core_.check_size(response_.Length());
    });
    Finish(core_.close(std::move(status)));
  }

  CallCore core_;
  const grpc::ByteBuffer& request_;
  grpc::ByteBuffer& response_;
  UnaryHandler<Request, Response> handler_;
};

template <class Request, class Response>
class StreamCall final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  StreamCall(Runtime& runtime, grpc::CallbackServerContext& context, const char* method,
             const grpc::ByteBuffer& request, StreamOpener<Request, Response> opener)
      : core_(runtime, context, method, std::chrono::milliseconds(0)),
        request_bytes_(request),
        opener_(std::move(opener)) {}

  void start() {
    core_.state().set_wake_hook([this] { wake(); });
    if (!core_.admit([this] { open(); })) end(core_.busy());
  }
  void OnWriteDone(bool ok) override {
    core_.writes().write_done();
    if (!ok) core_.cancel();  // a write fails only when the call is over
    core_.run([this] { pump(); });
  }
  void OnCancel() override {
    core_.cancel();
    if (unpark()) core_.run([this] { pump(); });
  }
  void OnDone() override { delete this; }

 private:
  void open() noexcept {
    absl::Status status = core_.guarded([this]() -> absl::Status {
      LT_RETURN_IF_ERROR(core_.identify());
      LT_RETURN_IF_ERROR(core_.check_received(request_bytes_.Length()));
      LT_RETURN_IF_ERROR(parse(request_bytes_, request_));
      LT_ASSIGN_OR_RETURN(producer_, opener_(core_.context(), request_));
      return absl::OkStatus();
    });
    if (!status.ok()) return end(std::move(status));
    pump();
  }

  // One message. The strand goes on in OnWriteDone(), wake() or OnCancel().
  void pump() noexcept {
    if (core_.gone()) return end(core_.gone_status());
    {
      const std::lock_guard lock(mutex_);
      woken_ = false;
    }
    Produced produced = false;
    absl::Status status = core_.guarded([&]() -> absl::Status {
      message_.Clear();
      LT_ASSIGN_OR_RETURN(produced, producer_->next(message_));
      if (produced.kind() != Produced::Kind::kMessage) return absl::OkStatus();
      outgoing_ = serialize(message_);
      return core_.check_size(outgoing_.Length());
    });
    if (!status.ok()) return end(std::move(status));
    switch (produced.kind()) {
      case Produced::Kind::kEnd: return end(absl::OkStatus());
      case Produced::Kind::kIdle: return park();
      case Produced::Kind::kMessage: break;
    }
    core_.writes().write_started(outgoing_.Length());
    this->StartWrite(&outgoing_);
  }

  void park() {
    {
      const std::lock_guard lock(mutex_);
      // Who cancels or drains sets its flag before it looks at parked_, so one of both sees the other.
      parked_ = !woken_ && !core_.gone() && !core_.state().draining();
      if (parked_) return;
    }
    if (core_.state().draining() && !core_.gone()) return end(core_.stopping_status());
    core_.run([this] { pump(); });
  }

  [[nodiscard]] bool unpark() {
    const std::lock_guard lock(mutex_);
    return std::exchange(parked_, false);
  }

  void wake() {
    {
      const std::lock_guard lock(mutex_);
      woken_ = true;
      if (!std::exchange(parked_, false)) return;
    }
    if (core_.post([this] { pump(); })) return;
    const std::lock_guard lock(mutex_);  // the executor has stopped: OnCancel() will end the call
    parked_ = true;
  }

  void end(absl::Status status) {
    producer_.reset();
    this->Finish(core_.close(std::move(status)));
  }

  CallCore core_;
  const grpc::ByteBuffer& request_bytes_;
  StreamOpener<Request, Response> opener_;
  Request request_;
  std::unique_ptr<Producer<Response>> producer_;
  Response message_;
  grpc::ByteBuffer outgoing_;
  std::mutex mutex_;
  bool parked_ = false;  // guarded by mutex_: no job, no write; somebody must wake the strand
  bool woken_ = false;   // guarded by mutex_: wake() came while the strand was busy
};

template <class Request, class Response>
class ReadCall final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  ReadCall(Runtime& runtime, grpc::CallbackServerContext& context, const char* method, grpc::ByteBuffer& response,
           CollectorOpener<Request, Response> opener)
      : core_(runtime, context, method, std::chrono::milliseconds(0)),
        response_(response),
        opener_(std::move(opener)),
        reads_(
            std::make_shared<ReadGuard>(runtime.limits().read_timeout, [this] { core_.run([this] { abandon(); }); })) {}

  void start() {
    if (!core_.admit([this] { open(); })) conclude(core_.busy());
  }
  void OnReadDone(bool ok) override {
    if (!reads_->read_done()) return;  // abandon() ends the call
    if (ok) return core_.run([this] { handle_message(); });
    // As in BidiCall: a second read tells an upload cut short from a complete one.
    if (!std::exchange(read_ended_, true)) return read();
    core_.run([this] { handle_end(); });
  }
  void OnCancel() override { core_.cancel(); }
  void OnDone() override { delete this; }

 private:
  void open() noexcept {
    absl::Status status = core_.guarded([this]() -> absl::Status {
      LT_RETURN_IF_ERROR(core_.identify());
      LT_ASSIGN_OR_RETURN(collector_, opener_(core_.context()));
      return absl::OkStatus();
    });
    if (!status.ok()) return conclude(std::move(status));
    read();
  }

  // As in BidiCall.
  void read() {
    const std::shared_ptr<ReadGuard> reads = reads_;
    const std::uint64_t number = reads->read_starting();
    this->StartRead(&incoming_);
    reads->read_started(number);
  }

  void handle_message() noexcept {
    if (core_.gone()) return abandon();
    absl::Status status = core_.guarded([this]() -> absl::Status {
      LT_RETURN_IF_ERROR(core_.check_received(incoming_.Length()));
      Request message;
      LT_RETURN_IF_ERROR(parse(std::exchange(incoming_, {}), message));
      return collector_->on_message(std::move(message));
    });
    if (!status.ok()) return conclude(std::move(status));
    read();
  }

  void handle_end() noexcept {
    if (core_.gone()) return abandon();
    conclude(core_.guarded([this]() -> absl::Status {
      Response response;
      LT_RETURN_IF_ERROR(collector_->on_half_close(response));
      response_ = serialize(response);
      return core_.check_size(response_.Length());
    }));
  }

  // The caller is gone, or sends nothing.
  void abandon() noexcept {
    (void)core_.guarded([this] {
      collector_->on_cancel();
      return absl::OkStatus();
    });
    conclude(core_.gone() ? core_.gone_status() : core_.read_stalled_status());
  }

  void conclude(absl::Status status) {
    reads_->close();
    collector_.reset();
    this->Finish(core_.close(std::move(status)));
  }

  CallCore core_;
  grpc::ByteBuffer& response_;
  CollectorOpener<Request, Response> opener_;
  std::shared_ptr<ReadGuard> reads_;
  std::unique_ptr<Collector<Request, Response>> collector_;
  grpc::ByteBuffer incoming_;
  bool read_ended_ = false;  // of the chain of reads: one at a time
};

template <class Request, class Response>
class BidiCall final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>, private Replies<Response> {
 public:
  BidiCall(Runtime& runtime, grpc::CallbackServerContext& context, const char* method,
           SessionOpener<Request, Response> opener)
      : core_(runtime, context, method, std::chrono::milliseconds(0)),
        opener_(std::move(opener)),
        reads_(std::make_shared<ReadGuard>(runtime.limits().read_timeout, [this] { core_.run([this] { stall(); }); })) {
  }

  void start() {
    if (!core_.admit([this] { open(); })) conclude(core_.busy());
  }
  void OnReadDone(bool ok) override {
    if (!reads_->read_done()) return;  // stall() ends the call
    if (ok) return core_.run([this] { handle_message(); });
    // The end of the messages and the loss of the caller look the same here, and the cancel may be reported a moment
    // later. A second read is answered after it, so that an upload cut short is not taken for a complete one.
    if (!std::exchange(read_ended_, true)) return read();
    core_.run([this] { handle_end(); });
  }
  void OnWriteDone(bool ok) override {
    core_.writes().write_done();
    if (!ok) core_.cancel();  // a write fails only when the call is over
    std::unique_lock lock(mutex_);
    writing_ = false;
    if (!ok) {
      write_failed_ = true;
      queue_.clear();
    }
    const bool resume = read_paused_ && queue_.size() < core_.limits().max_unsent_replies;
    if (resume) read_paused_ = false;
    const Step step = next_step();
    lock.unlock();
    if (resume) read();
    take(step);
  }
  void OnCancel() override { core_.cancel(); }
  void OnDone() override { delete this; }

 private:
  enum class Step { kNone, kWrite, kFinish };

  void send(Response response) override {
    grpc::ByteBuffer bytes = serialize(response);
    std::unique_lock lock(mutex_);
    if (!write_failed_) queue_.push_back(std::move(bytes));
    const Step step = next_step();
    lock.unlock();
    take(step);
  }
  bool try_send(Response response) override {
    if (unsent() >= core_.limits().max_unsent_replies) return false;
    send(std::move(response));
    return true;
  }
  [[nodiscard]] std::size_t unsent() const override {
    const std::lock_guard lock(mutex_);
    return queue_.size() + (writing_ ? 1 : 0);
  }

  void open() noexcept {
    absl::Status status = core_.guarded([this]() -> absl::Status {
      LT_RETURN_IF_ERROR(core_.identify());
      LT_ASSIGN_OR_RETURN(session_, opener_(core_.context()));
      return absl::OkStatus();
    });
    if (!status.ok()) return conclude(std::move(status));
    read();
  }

  // The call may end, and be deleted, as soon as the read is started.
  void read() {
    const std::shared_ptr<ReadGuard> reads = reads_;
    const std::uint64_t number = reads->read_starting();
    this->StartRead(&incoming_);
    reads->read_started(number);
  }

  // Instead of what would have followed the read that is still outstanding; gRPC ends that with the call.
  void stall() noexcept {
    if (lost()) return abandon();
    (void)core_.guarded([this] {
      session_->on_cancel();
      return absl::OkStatus();
    });
    conclude(core_.read_stalled_status());
  }

  void handle_message() noexcept {
    if (lost()) return abandon();
    absl::Status status = core_.guarded([this]() -> absl::Status {
      LT_RETURN_IF_ERROR(core_.check_received(incoming_.Length()));
      Request message;
      LT_RETURN_IF_ERROR(parse(std::exchange(incoming_, {}), message));
      return session_->on_message(std::move(message), *this);
    });
    if (!status.ok()) return conclude(std::move(status));
    {
      const std::lock_guard lock(mutex_);
      read_paused_ = writing_ && queue_.size() >= core_.limits().max_unsent_replies;
      if (read_paused_) return;
    }
    read();
  }

  void handle_end() noexcept {
    if (lost()) return abandon();
    conclude(core_.guarded([this] { return session_->on_half_close(*this); }));
  }

  void abandon() noexcept {
    (void)core_.guarded([this] {
      session_->on_cancel();
      return absl::OkStatus();
    });
    conclude(core_.gone_status());
  }

  [[nodiscard]] bool lost() const {
    const std::lock_guard lock(mutex_);
    return write_failed_ || core_.gone();
  }

  // The strand ends here. Nothing of the call is touched after take(), nor after the unlocking while a write is under
  // way: the end of that may finish the call, and gRPC delete it, at once.
  void conclude(absl::Status status) {
    reads_->close();
    session_.reset();
    std::unique_lock lock(mutex_);
    if (core_.gone()) queue_.clear();
    final_ = std::move(status);
    const Step step = next_step();
    lock.unlock();
    if (step != Step::kNone) take(step);
  }

  // Needs mutex_. Decided under the lock and taken without it, by one thread only.
  [[nodiscard]] Step next_step() {
    if (writing_) return Step::kNone;
    if (!queue_.empty()) {
      outgoing_ = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
      return Step::kWrite;
    }
    if (!final_ || finished_) return Step::kNone;
    finished_ = true;
    return Step::kFinish;
  }

  void take(Step step) {
    if (step == Step::kWrite) {
      core_.writes().write_started(outgoing_.Length());
      this->StartWrite(&outgoing_);
    } else if (step == Step::kFinish) {
      this->Finish(core_.close(*std::move(final_)));
    }
  }

  CallCore core_;
  SessionOpener<Request, Response> opener_;
  std::shared_ptr<ReadGuard> reads_;
  std::unique_ptr<Session<Request, Response>> session_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
  bool read_ended_ = false;  // of the chain of reads: one at a time
  mutable std::mutex mutex_;
  std::deque<grpc::ByteBuffer> queue_;  // guarded by mutex_, as all below
  std::optional<absl::Status> final_;   // set when the strand has ended
  bool writing_ = false;
  bool write_failed_ = false;
  bool read_paused_ = false;
  bool finished_ = false;
};

}  // namespace detail

/// @param method "package.Service/Method", a literal: shown in log and metrics.
/// Errors of all: INVALID_ARGUMENT MESSAGE_MALFORMED; RESOURCE_EXHAUSTED MESSAGE_TOO_LARGE, SERVER_BUSY,
/// ORGANISATION_BUSY; UNAUTHENTICATED, see Runtime::resolve().
template <class Request, class Response>
grpc::ServerUnaryReactor* unary(Runtime& runtime, grpc::CallbackServerContext* context, const char* method,
                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                UnaryHandler<Request, Response> handler) {
  auto* call =
      new detail::UnaryCall<Request, Response>(runtime, *context, method, *request, *response, std::move(handler));
  call->start();
  return call;
}

template <class Request, class Response>
grpc::ServerWriteReactor<grpc::ByteBuffer>* server_stream(Runtime& runtime, grpc::CallbackServerContext* context,
                                                          const char* method, const grpc::ByteBuffer* request,
                                                          StreamOpener<Request, Response> opener) {
  auto* call = new detail::StreamCall<Request, Response>(runtime, *context, method, *request, std::move(opener));
  call->start();
  return call;
}

template <class Request, class Response>
grpc::ServerReadReactor<grpc::ByteBuffer>* client_stream(Runtime& runtime, grpc::CallbackServerContext* context,
                                                         const char* method, grpc::ByteBuffer* response,
                                                         CollectorOpener<Request, Response> opener) {
  auto* call = new detail::ReadCall<Request, Response>(runtime, *context, method, *response, std::move(opener));
  call->start();
  return call;
}

template <class Request, class Response>
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* server_bidi(Runtime& runtime,
                                                                         grpc::CallbackServerContext* context,
                                                                         const char* method,
                                                                         SessionOpener<Request, Response> opener) {
  auto* call = new detail::BidiCall<Request, Response>(runtime, *context, method, std::move(opener));
  call->start();
  return call;
}

}  // namespace lt::rpc
