// A connection from the pool with the one deadline that all of libs/storage uses.
#pragma once

#include <chrono>

#include <absl/status/statusor.h>

#include "pg/pool.hpp"

namespace lt::storage {

/// Longer than any page or merge of another caller should take, shorter than a caller's patience.
inline constexpr std::chrono::seconds kAcquireTimeout{30};

/// Errors: RESOURCE_EXHAUSTED POOL_EXHAUSTED, UNAVAILABLE when the database cannot be reached.
[[nodiscard]] inline absl::StatusOr<pg::PooledConnection> acquire(pg::Pool& pool) {
  return pool.acquire(std::chrono::steady_clock::now() + kAcquireTimeout);
}

}  // namespace lt::storage
