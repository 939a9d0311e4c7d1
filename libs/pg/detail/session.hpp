// The libpq session behind Connection, CopyIn and CopyOut.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/canceller.hpp"
#include "pg/detail/statement_cache.hpp"
#include "pg/params.hpp"
#include "pg/result.hpp"

struct pg_conn;
struct pg_result;

namespace lt::pg::detail {

struct FinishConnection {
  void operator()(pg_conn* connection) const;
};
struct ClearResult {
  void operator()(pg_result* result) const;
};
using ConnectionPtr = std::unique_ptr<pg_conn, FinishConnection>;
using ResultPtr = std::unique_ptr<pg_result, ClearResult>;

/// One libpq connection and what belongs to it. Lives at a fixed address (libpq and the COPY objects point to it).
/// One thread at a time, except its Canceller.
class Session {
 public:
  /// @param answer_timeout as ConnectOptions::answer_timeout.
  Session(ConnectionPtr connection, std::chrono::milliseconds answer_timeout);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] pg_conn* raw() const { return connection_.get(); }
  [[nodiscard]] bool broken() const { return broken_; }
  /// True when nothing runs and no transaction is open.
  [[nodiscard]] bool idle() const;
  [[nodiscard]] bool in_transaction() const;

  /// Errors: UNAVAILABLE CONNECTION_LOST; FAILED_PRECONDITION CONNECTION_BUSY a COPY or a row stream is open;
  /// CANCELLED by the Canceller.
  [[nodiscard]] absl::Status check_ready() const;

  absl::StatusOr<ResultPtr> execute(std::string_view sql, const Params& params, bool cache);
  absl::Status execute_script(const std::string& sql);
  absl::Status for_each_row(std::string_view sql, const Params& params,
                            const std::function<absl::Status(const Row&)>& visit);
  absl::Status commit();
  absl::Status rollback();
  /// Rolls back within a few seconds or gives the connection up. For destructors.
  void rollback_quietly() noexcept;

  /// Reads results until there are none; the first error, else the last result. The answer timeout applies.
  absl::StatusOr<ResultPtr> collect();
  /// The error of a failed result or, for nullptr, of the connection.
  absl::Status error_of(const pg_result* result);
  /// Closes the socket: for a session whose state is not known. Never blocks.
  void give_up() noexcept;
  /// Reads and drops what is left of the current command, at most `limit` long. False: it is not over.
  bool drain(std::chrono::milliseconds limit);
  /// Notices what arrived while idle, such as the end of the connection. False when broken.
  bool probe();

  /// The current canceller; a new one after revoke_canceller().
  std::shared_ptr<Canceller> canceller();
  void revoke_canceller();
  void clear_cancel();

 private:
  absl::StatusOr<std::string> prepared_name(const std::string& key, std::string_view sql, const Params& params);
  absl::Status deallocate_evicted();
  absl::Status send(std::string_view sql, const Params& params, const std::string& key);
  absl::StatusOr<ResultPtr> run_once(std::string_view sql, const Params& params, const std::string& key);
  absl::Status visit_rows(const std::function<absl::Status(const Row&)>& visit);
  absl::Status finish_commit(bool sent);
  /// Waits until a result can be taken without waiting. False: the server was silent for too long, or is gone.
  bool wait_for_answer();
  void stop_query();
  static void on_notice(void* self, const pg_result* notice);

  ConnectionPtr connection_;
  std::chrono::milliseconds answer_timeout_;
  bool broken_ = false;
  bool sync_wait_canceled_ = false;  ///< Set by the notice that makes a COMMIT unconfirmed.
  StatementCache statements_;
  std::shared_ptr<Canceller> canceller_;  ///< Shared: other threads keep it beyond the session.
};

}  // namespace lt::pg::detail
