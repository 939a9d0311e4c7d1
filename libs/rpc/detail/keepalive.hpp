// Ping intervals that client and server must agree on: a client that pings more often than the server allows is cut.
#pragma once

namespace lt::rpc::detail {

inline constexpr int kClientKeepaliveMs = 30'000;
inline constexpr int kKeepaliveTimeoutMs = 20'000;
inline constexpr int kMinPingIntervalMs = 20'000;  // below kClientKeepaliveMs, with room for jitter

}  // namespace lt::rpc::detail
