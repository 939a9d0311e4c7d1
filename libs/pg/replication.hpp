// Whether what is committed here has reached the synchronous standbys.
#pragma once

#include <chrono>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/connection.hpp"

namespace lt::pg {

/// True when as many synchronous standbys as synchronous_standby_names asks for have everything on disk that
/// `connection` can see now; true when it asks for none. The names are read each time: an operator who takes a dead
/// standby out of them confirms what waited for it, as PostgreSQL does.
///
/// Without pg_monitor (or superuser) PostgreSQL hides how far standbys are, and this is false while any are asked for.
/// Errors: those of Connection::execute(); FAILED_PRECONDITION SQL_ERROR on a standby.
[[nodiscard]] absl::StatusOr<bool> is_replicated(Connection& connection);

/// Waits until everything that `connection` sees as committed when this is called is on the disks of the synchronous
/// standbys, as is_replicated() counts them. For a transaction that is seen as committed although its own COMMIT did
/// not say so: its wait was cut short (COMMIT_UNCONFIRMED), its connection broke (COMMIT_UNKNOWN), or the server
/// crashed meanwhile. Returns at once without synchronous standbys: one statement.
///
/// To be called outside transactions, on the server where the commit was seen.
/// Errors: UNAVAILABLE COMMIT_UNCONFIRMED not within the deadline; those of Connection::execute().
[[nodiscard]] absl::Status wait_until_replicated(Connection& connection,
                                                 std::chrono::steady_clock::time_point deadline);

}  // namespace lt::pg
