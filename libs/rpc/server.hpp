// Start and stop of a gRPC server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "rpc/runtime.hpp"

namespace grpc {
class Service;
}

namespace lt::rpc {

/// Refuses to serve the network without TLS: callers only name themselves, so whoever reaches the port is anybody.
/// Errors: INVALID_ARGUMENT LISTEN_ADDRESS_INVALID; FAILED_PRECONDITION LISTEN_NEEDS_TLS not a loopback address.
[[nodiscard]] absl::Status check_listen_address(std::string_view address);

/// Messages longer than Limits::max_message_bytes are refused with MESSAGE_TOO_LARGE, those that are longer by more
/// than this by gRPC itself, before they are in memory, with RESOURCE_EXHAUSTED and no reason.
inline constexpr int kReceiveSlackBytes = 64 << 10;

struct ServerOptions {
  std::string listen = "127.0.0.1:0";                   ///< HOST:PORT, loopback; port 0 = chosen by the system.
  std::chrono::milliseconds keepalive_time{60'000};     ///< A peer silent for so long is pinged,
  std::chrono::milliseconds keepalive_timeout{20'000};  ///< and cut off when it does not answer for so long.
  std::chrono::milliseconds connection_idle{900'000};   ///< A connection without calls for so long is closed.
  int max_connection_streams = 2000;                    ///< Calls on one connection; more wait on the peer's side.
  int max_metadata_bytes = 8192;                        ///< Of one call; more are refused with RESOURCE_EXHAUSTED.
  std::size_t buffer_bytes = 256U << 20;  ///< Of gRPC for all connections together; over it gRPC ends calls.
};

/// One listening port with any number of services, health (grpc.health.v1) and reflection. Add services, start() once,
/// shutdown() once; all from one thread at a time. The destructor is shutdown(0).
class Server {
 public:
  /// `runtime` must outlive the server.
  Server(Runtime& runtime, ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// server.add<v1::ExchangeService>(implementation): `Proto` is the generated class around the service interface. The
  /// service must outlive the server.
  template <class Proto>
  void add(grpc::Service& service) {
    add(Proto::service_full_name(), service);
  }
  void add(std::string full_name, grpc::Service& service);

  /// Listens, and reports all services as SERVING.
  /// @return the port.
  /// Errors: those of check_listen_address(); UNAVAILABLE LISTEN_FAILED the port is taken or the host unknown.
  [[nodiscard]] absl::StatusOr<std::uint16_t> start();

  /// What health reports for every service and for the server as a whole, from start() to shutdown().
  void set_serving(bool serving);

  /// Reports NOT_SERVING, lets idle streams end (Runtime::drain), refuses new calls, waits up to `grace` for the
  /// others, then cancels them and waits for their handlers to return.
  void shutdown(std::chrono::milliseconds grace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::rpc
