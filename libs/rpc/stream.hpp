// What services implement behind a streaming rpc. No gRPC here.
#pragma once

#include <cstddef>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::rpc {

/// Result of Producer::next(): `return true;` a message, `return false;` the end, `return Produced::idle();` nothing
/// now.
class Produced {
 public:
  enum class Kind { kEnd, kMessage, kIdle };
  Produced(bool more) : kind_(more ? Kind::kMessage : Kind::kEnd) {}  // implicit: producers return plain bool
  [[nodiscard]] static Produced idle() { return Produced(Kind::kIdle); }
  [[nodiscard]] Kind kind() const { return kind_; }

 private:
  explicit Produced(Kind kind) : kind_(kind) {}
  Kind kind_;
};

/// Source of the messages of one server-streaming call. Made by the opener, destroyed before the call ends, both on
/// the executor; never used by two threads at once.
template <class Response>
class Producer {
 public:
  virtual ~Producer() = default;

  /// Fills `out` (empty on entry) with the next message. Called on the executor, only after the message before was
  /// accepted by the transport, so a slow peer holds neither thread nor more than one message. May block on a
  /// database; a wait for something to happen should be idle() instead: then no thread is held until
  /// CallContext::waker() is called, and next() is called again (also when nothing new is there yet).
  /// A blocking next() is woken by CallContext::on_cancel(). An error ends the call with it.
  [[nodiscard]] virtual absl::StatusOr<Produced> next(Response& out) = 0;
};

/// Answers of one bidirectional call, sent in order, one at a time. To be used only while a method of the session runs.
template <class Response>
class Replies {
 public:
  virtual ~Replies() = default;
  /// Queues an answer that must arrive. Never refused; keep the number per received message small.
  virtual void send(Response response) = 0;
  /// Queues progress and the like: dropped, with false, when Limits::max_unsent_replies wait.
  virtual bool try_send(Response response) = 0;
  /// Answers queued and not yet accepted by the transport.
  [[nodiscard]] virtual std::size_t unsent() const = 0;
};

/// One bidirectional call. Methods are called on the executor, never two at once. The session is destroyed on the
/// executor before the caller sees the end of the call.
template <class Request, class Response>
class Session {
 public:
  virtual ~Session() = default;
  /// The next message. The one after is read only when this returned and fewer than Limits::max_unsent_replies wait.
  /// An error ends the call with it, after the answers queued.
  [[nodiscard]] virtual absl::Status on_message(Request&& request, Replies<Response>& replies) = 0;
  /// The caller has sent everything. The status ends the call, after the answers queued. Not called for a caller that
  /// broke off: that is on_cancel(). A protocol in which acting on half of the messages would do harm should still
  /// count them in a last message, as any streaming protocol should.
  [[nodiscard]] virtual absl::Status on_half_close(Replies<Response>& replies) = 0;
  /// The caller is gone (cancel, deadline, lost connection) or sends nothing for Limits::read_timeout. Called at most
  /// once, last, and only if neither method above has ended the call. While one of them runs, CallContext::cancelled()
  /// and on_cancel() tell.
  virtual void on_cancel() {}
};

/// One client-streaming call. Methods and life time as of a Session, with one answer at the end.
template <class Request, class Response>
class Collector {
 public:
  virtual ~Collector() = default;
  /// The next message. An error ends the call with it.
  [[nodiscard]] virtual absl::Status on_message(Request&& request) = 0;
  /// The caller has sent everything: fills the answer (empty on entry), or ends the call with an error.
  [[nodiscard]] virtual absl::Status on_half_close(Response& response) = 0;
  /// As Session::on_cancel().
  virtual void on_cancel() {}
};

}  // namespace lt::rpc
