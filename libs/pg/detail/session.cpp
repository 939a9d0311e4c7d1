#include "pg/detail/session.hpp"

#include <array>
#include <thread>
#include <utility>
#include <vector>

#include <libpq-fe.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include "base/status.hpp"
#include "pg/sql_state.hpp"

namespace lt::pg::detail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBinary = 1;
constexpr std::size_t kStatementCacheSize = 256;
/// How long a destructor may wait for the server before it gives the connection up instead.
constexpr std::chrono::milliseconds kQuietLimit{5000};
/// An answer that did not come at once is long, and the server sends it in pieces of 8 KiB. To be woken by each of them
/// costs both sides more than the piece, on virtual machines above all; so what comes within this time is taken
/// together. Sockets hold many pieces, so the server does not wait for it.
constexpr std::chrono::microseconds kGather{100};

bool is_error(const pg_result* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

bool is_copy(const pg_result* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/// Parameters in the arrays that libpq wants.
struct BoundParams {
  explicit BoundParams(const Params& params) {
    const std::size_t count = params.size();
    types.reserve(count);
    values.reserve(count);
    sizes.reserve(count);
    formats.assign(count, kBinary);
    for (std::size_t i = 0; i < count; ++i) {
      const auto value = params.value(i);
      types.push_back(params.type(i));
      values.push_back(value ? value->data() : nullptr);
      sizes.push_back(value ? static_cast<int>(value->size()) : 0);
    }
  }
  [[nodiscard]] int count() const { return static_cast<int>(types.size()); }

  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> sizes;
  std::vector<int> formats;
};

/// The same text with other parameter types is another statement.
std::string cache_key(std::string_view sql, const Params& params) {
  std::string key(sql);
  for (std::size_t i = 0; i < params.size(); ++i) {
    const std::uint32_t type = params.type(i);
    key.append(reinterpret_cast<const char*>(&type), sizeof type);
  }
  return key;
}

std::string first_line(const char* text) {
  const std::string_view all = text != nullptr ? text : "";
  return std::string(all.substr(0, all.find('\n')));
}

absl::Status connection_lost() {
  return make_error(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                    "the connection to the database is lost; retry with a new one");
}

}  // namespace

void FinishConnection::operator()(pg_conn* connection) const { PQfinish(connection); }
void ClearResult::operator()(pg_result* result) const { PQclear(result); }

Session::Session(ConnectionPtr connection, std::chrono::milliseconds answer_timeout)
    : connection_(std::move(connection)), answer_timeout_(answer_timeout), statements_(kStatementCacheSize) {
  PQsetNoticeReceiver(raw(), &Session::on_notice, this);
}

Session::~Session() { revoke_canceller(); }

void Session::on_notice(void* self, const pg_result* notice) {
  const SqlError fields = read_sql_error(notice);
  auto* session = static_cast<Session*>(self);
  // Sent to an idle session just before the server closes it.
  const std::string_view severity = fields.severity;
  if (severity == "FATAL" || severity == "PANIC") session->broken_ = true;
  // Raised only for the two warnings "canceling (the) wait for synchronous replication ...".
  if (fields.function == "SyncRepWaitForLSN") session->sync_wait_canceled_ = true;
  spdlog::debug("event=pg_notice sqlstate={} function={}", fields.sqlstate, fields.function);
}

bool Session::idle() const { return !broken_ && PQtransactionStatus(raw()) == PQTRANS_IDLE; }

bool Session::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(raw());
  return !broken_ && (status == PQTRANS_INTRANS || status == PQTRANS_INERROR);
}

absl::Status Session::check_ready() const {
  if (broken_) return connection_lost();
  if (PQtransactionStatus(raw()) == PQTRANS_ACTIVE) {
    return make_error(absl::StatusCode::kFailedPrecondition, "CONNECTION_BUSY",
                      "a COPY or another statement is still open on this connection; finish it first");
  }
  if (canceller_ && canceller_->is_cancelled()) {
    return make_error(absl::StatusCode::kCancelled, "CANCELLED", "the work on this connection was cancelled");
  }
  return absl::OkStatus();
}

absl::Status Session::error_of(const pg_result* result) {
  if (PQstatus(raw()) == CONNECTION_BAD) broken_ = true;
  if (result != nullptr) {
    const SqlError error = read_sql_error(result);
    if (!error.sqlstate.empty()) return to_status(error);
  }
  if (broken_) return connection_lost();
  return make_error(absl::StatusCode::kInternal, "SQL_CLIENT_ERROR",
                    "database client: " + first_line(PQerrorMessage(raw())));
}

bool Session::wait_for_answer() {
  const bool limited = answer_timeout_.count() > 0;
  Clock::time_point end = Clock::now() + answer_timeout_;
  for (bool first = true; PQisBusy(raw()) != 0; first = false) {
    PQflush(raw());
    if (!first) std::this_thread::sleep_for(kGather);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    pollfd socket{PQsocket(raw()), POLLIN, 0};
    if (limited && left.count() <= 0) return false;
    const int ready = poll(&socket, 1, limited ? static_cast<int>(left.count()) : -1);
    if (ready == 0) return false;
    if (PQconsumeInput(raw()) == 0) return true;  // PQgetResult() says what is wrong
    end = Clock::now() + answer_timeout_;
  }
  return true;
}

absl::StatusOr<ResultPtr> Session::collect() {
  ResultPtr last;
  absl::Status failure;
  while (true) {
    if (!wait_for_answer()) {
      give_up();
      return make_error(absl::StatusCode::kUnavailable, "CONNECTION_LOST",
                        "the database did not answer in time; retry with a new connection");
    }
    ResultPtr next{PQgetResult(raw())};
    if (!next) break;
    if (is_copy(next.get())) {
      give_up();
      return make_error(absl::StatusCode::kInternal, "COPY_NOT_EXPECTED",
                        "COPY was run as an ordinary statement; use copy_in or copy_out");
    }
    if (failure.ok() && is_error(next.get())) failure = error_of(next.get());
    last = std::move(next);
  }
  if (PQstatus(raw()) == CONNECTION_BAD) broken_ = true;
  if (!failure.ok()) return failure;
  if (!last) return error_of(nullptr);
  return last;
}

absl::Status Session::deallocate_evicted() {
  std::string script;
  for (const std::string& name : statements_.take_evicted()) script += "DEALLOCATE " + name + ";";
  if (script.empty()) return absl::OkStatus();
  if (PQsendQuery(raw(), script.c_str()) == 0) return error_of(nullptr);
  return collect().status();
}

absl::StatusOr<std::string> Session::prepared_name(const std::string& key, std::string_view sql, const Params& params) {
  StatementCache::Entry& entry = statements_.use(key);
  if (!entry.name.empty()) return entry.name;
  // In a failed transaction nothing can be prepared; the statement itself will say so.
  if (entry.uses < 2 || PQtransactionStatus(raw()) == PQTRANS_INERROR) return std::string();
  LT_RETURN_IF_ERROR(deallocate_evicted());
  statements_.name(entry);
  const std::string name = entry.name;
  const BoundParams bound(params);
  absl::Status status;
  if (PQsendPrepare(raw(), name.c_str(), std::string(sql).c_str(), bound.count(), bound.types.data()) == 0) {
    status = error_of(nullptr);
  } else {
    status = collect().status();
  }
  if (status.ok()) return name;
  statements_.forget(key, false);
  return status;
}

absl::Status Session::send(std::string_view sql, const Params& params, const std::string& key) {
  std::string name;
  if (!key.empty()) {
    LT_ASSIGN_OR_RETURN(name, prepared_name(key, sql, params));
  }
  const BoundParams bound(params);
  const int sent = name.empty()
                       ? PQsendQueryParams(raw(), std::string(sql).c_str(), bound.count(), bound.types.data(),
                                           bound.values.data(), bound.sizes.data(), bound.formats.data(), kBinary)
                       : PQsendQueryPrepared(raw(), name.c_str(), bound.count(), bound.values.data(),
                                             bound.sizes.data(), bound.formats.data(), kBinary);
  return sent != 0 ? absl::OkStatus() : error_of(nullptr);
}

absl::StatusOr<ResultPtr> Session::run_once(std::string_view sql, const Params& params, const std::string& key) {
  LT_RETURN_IF_ERROR(send(sql, params, key));
  return collect();
}

absl::StatusOr<ResultPtr> Session::execute(std::string_view sql, const Params& params, bool cache) {
  LT_RETURN_IF_ERROR(check_ready());
  const std::string key = cache ? cache_key(sql, params) : std::string();
  auto result = run_once(sql, params, key);
  if (result.ok() || error_reason(result.status()) != "SQL_STALE_STATEMENT") return result;
  // A table was altered under a prepared statement, or a pooler switched servers. 26000: the server knows no such name.
  statements_.forget(key, sqlstate_of(result.status()) != "26000");
  if (!idle()) return result;  // the transaction is lost; ABORTED tells the caller to restart it
  return run_once(sql, params, {});
}

absl::Status Session::execute_script(const std::string& sql) {
  LT_RETURN_IF_ERROR(check_ready());
  if (PQsendQuery(raw(), sql.c_str()) == 0) return error_of(nullptr);
  return collect().status();
}

absl::Status Session::for_each_row(std::string_view sql, const Params& params,
                                   const std::function<absl::Status(const Row&)>& visit) {
  LT_RETURN_IF_ERROR(check_ready());
  const std::string key = cache_key(sql, params);
  LT_RETURN_IF_ERROR(send(sql, params, key));
  if (PQsetSingleRowMode(raw()) == 0) {
    stop_query();
    return error_of(nullptr);
  }
  const absl::Status status = visit_rows(visit);
  if (error_reason(status) == "SQL_STALE_STATEMENT") statements_.forget(key, sqlstate_of(status) != "26000");
  return status;
}

absl::Status Session::visit_rows(const std::function<absl::Status(const Row&)>& visit) {
  absl::Status failure;
  while (ResultPtr next{PQgetResult(raw())}) {
    if (is_copy(next.get())) {
      give_up();
      return make_error(absl::StatusCode::kInternal, "COPY_NOT_EXPECTED", "COPY has no row stream; use copy_out");
    }
    if (is_error(next.get()) && failure.ok()) failure = error_of(next.get());
    if (PQresultStatus(next.get()) != PGRES_SINGLE_TUPLE) continue;
    if (absl::Status status = visit(Row(next.get(), 0)); !status.ok()) {
      stop_query();
      return status;
    }
  }
  if (PQstatus(raw()) == CONNECTION_BAD) broken_ = true;
  if (failure.ok() && broken_) return connection_lost();
  return failure;
}

void Session::stop_query() {
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> handle(PQgetCancel(raw()), &PQfreeCancel);
  std::array<char, 256> text{};
  const bool told = handle && PQcancel(handle.get(), text.data(), text.size()) != 0;
  if (!told || !drain(kQuietLimit)) give_up();
}

bool Session::drain(std::chrono::milliseconds limit) {
  const Clock::time_point end = Clock::now() + limit;
  while (true) {
    while (PQisBusy(raw()) != 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      pollfd socket{PQsocket(raw()), POLLIN, 0};
      if (left.count() <= 0 || poll(&socket, 1, static_cast<int>(left.count())) == 0) return false;
      if (PQconsumeInput(raw()) == 0) return false;
    }
    const ResultPtr result{PQgetResult(raw())};
    if (!result) return PQstatus(raw()) == CONNECTION_OK;
    if (is_copy(result.get())) return false;
  }
}

void Session::give_up() noexcept {
  broken_ = true;
  // PQfinish says goodbye, which could block on a full socket; after this it cannot.
  if (const int socket = PQsocket(raw()); socket >= 0) shutdown(socket, SHUT_RDWR);
}

bool Session::probe() {
  if (broken_) return false;
  pollfd socket{PQsocket(raw()), POLLIN, 0};
  while (!broken_ && poll(&socket, 1, 0) > 0) {
    if (PQconsumeInput(raw()) == 0 || PQstatus(raw()) == CONNECTION_BAD) broken_ = true;
    (void)PQisBusy(raw());  // parses what came; the server's last words go to on_notice
  }
  return !broken_;
}

absl::Status Session::commit() {
  if (broken_) return connection_lost();
  const PGTransactionStatusType state = PQtransactionStatus(raw());
  if (state == PQTRANS_INERROR) {
    LT_RETURN_IF_ERROR(rollback());
    return make_error(absl::StatusCode::kFailedPrecondition, "TRANSACTION_FAILED",
                      "a statement of the transaction had failed, so it was rolled back instead of committed");
  }
  if (state != PQTRANS_INTRANS) {
    return make_error(absl::StatusCode::kFailedPrecondition, "NO_TRANSACTION",
                      "there is no transaction to commit, or a COPY in it is not finished");
  }
  // A connection known to be dead before COMMIT is sent has certainly not committed.
  if (!probe()) return connection_lost();
  const Canceller::Shield shield(*canceller());
  sync_wait_canceled_ = false;
  // One message, so no round trip more; the server arms statement_timeout per statement.
  return finish_commit(PQsendQuery(raw(), "SET LOCAL statement_timeout = 0; COMMIT") != 0);
}

absl::Status Session::finish_commit(bool sent) {
  const auto answer_timeout = std::exchange(answer_timeout_, std::chrono::milliseconds(0));
  const absl::Status status = sent ? collect().status() : error_of(nullptr);
  answer_timeout_ = answer_timeout;
  if (broken_) {
    return make_error(absl::StatusCode::kUnavailable, "COMMIT_UNKNOWN",
                      "the connection broke during COMMIT; look up whether it took effect before trying again");
  }
  if (!status.ok()) return status;
  if (sync_wait_canceled_) {
    return make_error(absl::StatusCode::kUnavailable, "COMMIT_UNCONFIRMED",
                      "committed on the primary, but no synchronous standby has confirmed it; look it up again later");
  }
  return absl::OkStatus();
}

absl::Status Session::rollback() {
  if (broken_) return connection_lost();
  const Canceller::Shield shield(*canceller());
  if (PQsendQuery(raw(), "ROLLBACK") == 0) return error_of(nullptr);
  const absl::Status status = collect().status();
  clear_cancel();
  return status;
}

void Session::rollback_quietly() noexcept {
  if (broken_) return;
  if (PQtransactionStatus(raw()) == PQTRANS_ACTIVE) return give_up();
  const Canceller::Shield shield(*canceller());
  const bool done = PQsendQuery(raw(), "ROLLBACK") != 0 && drain(kQuietLimit) && idle();
  clear_cancel();
  if (!done) give_up();
}

std::shared_ptr<Canceller> Session::canceller() {
  if (!canceller_) {
    canceller_ = std::make_shared<Canceller>();
    canceller_->handle_.reset(PQgetCancel(raw()));
  }
  return canceller_;
}

void Session::revoke_canceller() {
  const std::shared_ptr<Canceller> old = std::exchange(canceller_, nullptr);
  if (!old) return;
  const std::lock_guard lock(old->mutex_);
  old->handle_.reset();
}

void Session::clear_cancel() {
  if (canceller_) canceller_->cancelled_ = false;
}

}  // namespace lt::pg::detail
