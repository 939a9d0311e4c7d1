#include "rpc/channel.hpp"

#include "rpc/detail/keepalive.hpp"
#include "rpc/runtime.hpp"

namespace lt::rpc {

std::shared_ptr<grpc::Channel> make_channel(const std::string& endpoint) {
  constexpr int kMaxMessageBytes = 4 << 20;
  constexpr int kMaxReconnectMs = 5'000;  // gRPC would wait up to two minutes after a long outage
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, detail::kClientKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, detail::kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
}

void set_identity(grpc::ClientContext& context, const std::string& organisation) {
  context.AddMetadata(kOrganisationKey, organisation);
}

}  // namespace lt::rpc
