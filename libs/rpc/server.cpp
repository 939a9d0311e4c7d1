#include "rpc/server.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "base/config.hpp"
#include "base/status.hpp"
#include "grpc/health/v1/health.pb.h"
#include "rpc/detail/keepalive.hpp"

namespace lt::rpc {
namespace {

// Both are switches of the process that gRPC reads when a server is built.
void enable_builtin_services() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // The library serves health without its description: this links ours, so that reflection can give it.
    static_cast<void>(grpc::health::v1::HealthCheckRequest::descriptor());
  });
}

int milliseconds(std::chrono::milliseconds time) {
  return static_cast<int>(std::min<std::int64_t>(time.count(), std::numeric_limits<int>::max()));
}

void set_channel_arguments(grpc::ServerBuilder& builder, const ServerOptions& options) {
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second server on the port must fail, not share it
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(options.connection_idle));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_connection_streams);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, detail::kMinPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);  // idle streams are pinged without end
}

}  // namespace

absl::Status check_listen_address(std::string_view address) {
  LT_ASSIGN_OR_RETURN(const ListenAddress listen, parse_listen_address(address));
  if (listen.is_loopback()) return absl::OkStatus();
  return make_error(absl::StatusCode::kFailedPrecondition, "LISTEN_NEEDS_TLS",
                    "listening on " + std::string(address) +
                        " would let anybody on the network act as any organisation, because TLS is not configured; "
                        "listen on 127.0.0.1 or [::1]",
                    {{"address", std::string(address)}});
}

struct Server::Impl {
  Runtime& runtime;
  ServerOptions options;
  std::vector<std::pair<std::string, grpc::Service*>> services;
  std::unique_ptr<grpc::Server> server;
};

Server::Server(Runtime& runtime, ServerOptions options)
    : impl_(std::make_unique<Impl>(Impl{runtime, std::move(options), {}, nullptr})) {}

Server::~Server() { shutdown(std::chrono::milliseconds(0)); }

void Server::add(std::string full_name, grpc::Service& service) {
  impl_->services.emplace_back(std::move(full_name), &service);
}

absl::StatusOr<std::uint16_t> Server::start() {
  LT_RETURN_IF_ERROR(check_listen_address(impl_->options.listen));
  enable_builtin_services();
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(impl_->options.listen, grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(static_cast<int>(impl_->runtime.limits().max_message_bytes) + kReceiveSlackBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("server").Resize(impl_->options.buffer_bytes));
  // A small compressed message would be unpacked whole before any limit is looked at.
  for (const auto algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);
  }
  set_channel_arguments(builder, impl_->options);
  for (const auto& [name, service] : impl_->services) builder.RegisterService(service);
  impl_->server = builder.BuildAndStart();
  if (!impl_->server || port <= 0) {
    impl_->server.reset();
    return make_error(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                      "cannot listen on " + impl_->options.listen +
                          "; the port may be taken: choose another one, or 0 for a free one",
                      {{"address", impl_->options.listen}});
  }
  set_serving(true);
  return static_cast<std::uint16_t>(port);
}

void Server::set_serving(bool serving) {
  if (!impl_->server) return;
  auto* const health = impl_->server->GetHealthCheckService();
  for (const auto& [name, service] : impl_->services) health->SetServingStatus(name, serving);
  health->SetServingStatus(serving);  // and the server as a whole, ""
}

void Server::shutdown(std::chrono::milliseconds grace) {
  if (!impl_->server) return;
  impl_->server->GetHealthCheckService()->Shutdown();
  impl_->runtime.drain();
  impl_->server->Shutdown(std::chrono::system_clock::now() + grace);
  impl_->server->Wait();
  impl_->server.reset();
}

}  // namespace lt::rpc
