// Messages as the bytes of one.
#pragma once

#include <stdexcept>

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include "base/status.hpp"

namespace lt::rpc::detail {

/// Errors: INVALID_ARGUMENT MESSAGE_MALFORMED.
template <class Message>
[[nodiscard]] absl::Status parse(grpc::ByteBuffer bytes, Message& out) {
  if (grpc::SerializationTraits<Message>::Deserialize(&bytes, &out).ok()) return absl::OkStatus();
  return make_error(absl::StatusCode::kInvalidArgument, "MESSAGE_MALFORMED",
                    "the message cannot be parsed: it is not of the type that the method takes, or nested deeper than "
                    "protobuf reads (100 levels)");
}

/// Throws std::length_error for a message over 2 GiB, which no limit lets come into being.
template <class Message>
[[nodiscard]] grpc::ByteBuffer serialize(const Message& message) {
  grpc::ByteBuffer bytes;
  bool own = false;
  if (!grpc::SerializationTraits<Message>::Serialize(message, &bytes, &own).ok()) {
    throw std::length_error("a message cannot be serialized");
  }
  return bytes;
}

}  // namespace lt::rpc::detail
