// The client's side: channels and the identity of calls.
#pragma once

#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

namespace lt::rpc {

/// A channel to HOST:PORT: plain text, keepalive, messages up to 4 MiB. Connects when first used. Thread-safe; keep
/// and share it.
[[nodiscard]] std::shared_ptr<grpc::Channel> make_channel(const std::string& endpoint);

/// Names the calling organisation in the call's metadata; once, before the call starts.
void set_identity(grpc::ClientContext& context, const std::string& organisation);

}  // namespace lt::rpc
