// When a commit that is seen may be acknowledged.
#pragma once

#include <chrono>

#include <absl/status/status.h>

#include "pg/replication.hpp"

namespace lt::storage {

/// Short, since a thread waits: the caller's retry with the same changeset_id waits again.
inline constexpr std::chrono::seconds kConfirmTimeout{2};

/// Before a receipt is given out that its own COMMIT did not acknowledge: one found by its changeset_id, or by a look
/// after COMMIT_UNKNOWN or COMMIT_UNCONFIRMED. OK when the synchronous standbys have all that `connection` sees; one
/// statement when there are none. Outside transactions, so that no lock is held meanwhile.
/// Errors: UNAVAILABLE COMMIT_UNCONFIRMED; those of the connection.
[[nodiscard]] inline absl::Status confirm(pg::Connection& connection) {
  return pg::wait_until_replicated(connection, std::chrono::steady_clock::now() + kConfirmTimeout);
}

}  // namespace lt::storage
