// One session with PostgreSQL: statements, transactions, COPY.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/canceller.hpp"
#include "pg/copy.hpp"
#include "pg/notify.hpp"
#include "pg/params.hpp"
#include "pg/result.hpp"

namespace lt::pg {

struct ConnectOptions {
  /// postgresql:// URL or libpq key=value string. Secret: it may hold a password and is never logged.
  std::string url;
  /// What the session is for; it shows in pg_stat_activity as "lienthong/<purpose>".
  std::string purpose = "unnamed";
  std::chrono::milliseconds connect_timeout{10'000};
  /// Longest run of one statement; 0 = none. Never applies to COMMIT.
  std::chrono::milliseconds statement_timeout{0};
  /// The server ends a session that leaves a transaction open and idle for longer; 0 = never.
  std::chrono::milliseconds idle_in_transaction_timeout{60'000};
  /// Longest silence of the server while execute() or execute_script() waits, measured here, so that a server that
  /// hangs does not hang its caller: then the connection is given up (CONNECTION_LOST). 0 = none. Never applies to
  /// COMMIT.
  std::chrono::milliseconds answer_timeout{0};
};

/// A session. Move-only; one thread at a time, except the Canceller. Closed by the destructor, which never blocks.
///
/// Sessions run with UTF-8, TimeZone UTC, the timeouts of ConnectOptions, and synchronous_commit at least "on". A peer
/// that stops answering is noticed by TCP within about a minute (keepalive and user timeout; the URL may set others).
///
/// Errors of every call that talks to the server: those of sql_state.hpp; UNAVAILABLE CONNECTION_LOST (is_broken() is
/// true from then on; open a new one); FAILED_PRECONDITION CONNECTION_BUSY while a COPY is open; CANCELLED after a
/// cancel.
class Connection {
 public:
  /// Errors: UNAVAILABLE CONNECTION_FAILED nobody answers; DEADLINE_EXCEEDED CONNECT_TIMEOUT; INVALID_ARGUMENT
  /// DATABASE_URL_INVALID; else what the server says (SQL_NO_SUCH_DATABASE, SQL_INVALID_PASSWORD, ...).
  [[nodiscard]] static absl::StatusOr<Connection> open(const ConnectOptions& options);

  ~Connection();
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;

  /// Runs one statement by the extended protocol; the whole result is in memory.
  /// @param sql one statement with $1, $2, ...
  /// @param cache keep the text prepared from its second use on (up to 256 texts per session). A prepared statement
  ///   that an ALTER TABLE made stale is run again by itself outside a transaction, and is ABORTED
  ///   SQL_STALE_STATEMENT inside one.
  absl::StatusOr<Result> execute(std::string_view sql, const Params& params = {}, bool cache = true);

  /// Runs several statements without parameters. Outside a transaction they are one implicit transaction.
  absl::Status execute_script(std::string_view sql);

  /// Calls `visit` for each row as it arrives; memory holds one row. The first error of `visit` stops the statement,
  /// fails an open transaction, and is returned. `visit` must not use this connection.
  absl::Status for_each_row(std::string_view sql, const Params& params,
                            const std::function<absl::Status(const Row&)>& visit);

  /// @param mode what follows BEGIN: "ISOLATION LEVEL REPEATABLE READ READ ONLY". SQL text: never from outside.
  /// Errors: FAILED_PRECONDITION TRANSACTION_OPEN one is open already.
  absl::Status begin(std::string_view mode = "");

  /// Commits. No statement_timeout and no cancel is active meanwhile. OK means durable.
  /// Errors that mean NOT committed: FAILED_PRECONDITION NO_TRANSACTION, TRANSACTION_FAILED (a statement had failed;
  /// rolled back); UNAVAILABLE CONNECTION_LOST (before COMMIT was sent); the server's own (deferred constraints).
  /// Errors that mean look it up: UNAVAILABLE COMMIT_UNKNOWN the connection broke during COMMIT; UNAVAILABLE
  /// COMMIT_UNCONFIRMED the wait for a synchronous standby was cut short: committed here, not confirmed there.
  absl::Status commit();

  /// Rolls back, also a failed transaction; clears a cancel. Without a transaction it does nothing.
  absl::Status rollback();

  /// Starts COPY ... FROM STDIN (FORMAT binary).
  /// Errors: INVALID_ARGUMENT COPY_NOT_BINARY the statement is no such COPY (the connection is then broken).
  absl::StatusOr<CopyIn> copy_in(std::string_view sql);
  /// Starts COPY ... TO STDOUT (FORMAT binary). Errors: as copy_in().
  absl::StatusOr<CopyOut> copy_out(std::string_view sql);

  /// From now on notifications of this channel are received. Errors: INVALID_ARGUMENT IDENTIFIER_INVALID; those of any
  /// statement (a standby cannot listen).
  absl::Status listen(std::string_view channel);
  /// The next notification; nothing at the deadline or when `waker` is woken first.
  /// Errors: FAILED_PRECONDITION TRANSACTION_OPEN; UNAVAILABLE CONNECTION_LOST, as soon as the server is gone.
  absl::StatusOr<std::optional<Notification>> wait_for_notification(std::chrono::steady_clock::time_point deadline,
                                                                    Waker* waker = nullptr);

  /// The identifier in double quotes, safe to put into SQL text.
  /// Errors: INVALID_ARGUMENT IDENTIFIER_INVALID empty, longer than 63 bytes, not UTF-8, or with U+0000.
  absl::StatusOr<std::string> quote_identifier(std::string_view identifier);

  [[nodiscard]] bool is_broken() const;
  /// True inside a transaction, also a failed one.
  [[nodiscard]] bool in_transaction() const;
  /// True when no statement runs and no transaction is open.
  [[nodiscard]] bool is_idle() const;
  /// Like is_idle(), and looks (without waiting) whether the server has closed the connection meanwhile.
  [[nodiscard]] bool is_usable();
  /// Process id of the server process, as in pg_stat_activity.
  [[nodiscard]] int backend_pid() const;

  /// The handle by which other threads stop this connection. The same one until revoke_canceller().
  [[nodiscard]] std::shared_ptr<Canceller> canceller();
  /// Detaches handles given out so far: they do nothing from now on. The pool does so on return.
  void revoke_canceller();
  /// Takes back a cancel, so that statements run again.
  void clear_cancel();

 private:
  friend class Transaction;
  explicit Connection(std::unique_ptr<detail::Session> session);
  absl::Status start_copy(std::string_view sql, int expected);

  std::unique_ptr<detail::Session> session_;
};

/// A transaction as an object: rolled back by the destructor (noexcept, waits at most some seconds, else gives the
/// connection up) unless committed. Move-only; must not outlive its connection, which must not move meanwhile.
class Transaction {
 public:
  [[nodiscard]] static absl::StatusOr<Transaction> begin(Connection& connection,
                                                         std::string_view mode = "ISOLATION LEVEL READ COMMITTED");
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  [[nodiscard]] Connection& connection() { return *connection_; }
  /// As Connection::commit(); whatever it returns, the transaction is over.
  absl::Status commit();
  absl::Status rollback();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection), open_(true) {}

  Connection* connection_;
  bool open_;
};

/// `url` with another database, as a postgresql:// URL.
/// Errors: INVALID_ARGUMENT DATABASE_URL_INVALID.
[[nodiscard]] absl::StatusOr<std::string> with_database(const std::string& url, std::string_view database);

}  // namespace lt::pg
