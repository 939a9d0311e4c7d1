#include "pg/connection.hpp"

#include <array>
#include <cctype>
#include <utility>

#include <libpq-fe.h>
#include <poll.h>
#include <spdlog/fmt/fmt.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "pg/detail/session.hpp"
#include "pg/sql_state.hpp"

namespace lt::pg {
namespace {

using Clock = std::chrono::steady_clock;
using detail::ConnectionPtr;

/// NAMEDATALEN - 1: the server would cut longer names silently.
constexpr std::size_t kMaxIdentifierBytes = 63;
constexpr std::size_t kSqlStateLength = 5;

absl::Status invalid_url() {
  // Not libpq's own text: it repeats the URL with its password.
  return make_error(absl::StatusCode::kInvalidArgument, "DATABASE_URL_INVALID",
                    "the database URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/DATABASE and "
                    "percent-encode special characters");
}

using ParsedUrl = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

ParsedUrl parse_url(const std::string& url) {
  char* error = nullptr;
  ParsedUrl parsed(PQconninfoParse(url.c_str(), &error), &PQconninfoFree);
  PQfreemem(error);
  return parsed;
}

ConnectionPtr start(const ConnectOptions& options) {
  const std::string name = "lienthong/" + options.purpose;
  // Later ones win: what stands before dbname are defaults that the URL may change.
  const std::array<const char*, 8> keys{
      "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
      "dbname",          "application_name",    "client_encoding",  nullptr};
  const std::array<const char*, 8> values{"30", "10", "3", "60000", options.url.c_str(), name.c_str(), "UTF8", nullptr};
  constexpr int kExpandDatabaseName = 1;
  return ConnectionPtr(PQconnectStartParams(keys.data(), values.data(), kExpandDatabaseName));
}

/// True when connected, false when refused; nothing in time is DEADLINE_EXCEEDED.
absl::StatusOr<bool> wait_connected(PGconn* connection, Clock::time_point end) {
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    pollfd socket{PQsocket(connection), events, 0};
    if (left.count() <= 0 || poll(&socket, 1, static_cast<int>(left.count())) == 0) {
      return make_error(absl::StatusCode::kDeadlineExceeded, "CONNECT_TIMEOUT",
                        "the database did not answer in time; check that it runs and is reachable");
    }
    state = PQconnectPoll(connection);
  }
  return state == PGRES_POLLING_OK;
}

bool is_sqlstate(std::string_view text) {
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0 && std::isupper(static_cast<unsigned char>(c)) == 0) {
      return false;
    }
  }
  return text.size() == kSqlStateLength;
}

/// libpq gives a refused connection no result, only text: "... FATAL:  28P01: password authentication failed ...".
absl::Status connect_error(PGconn* connection) {
  std::string_view text = PQerrorMessage(connection);
  for (std::size_t at = text.find(":  "); at != std::string_view::npos; at = text.find(":  ", at + 1)) {
    const std::string_view rest = text.substr(at + 3);
    if (!is_sqlstate(rest.substr(0, kSqlStateLength)) || rest.substr(kSqlStateLength, 2) != ": ") continue;
    const std::string_view message = rest.substr(kSqlStateLength + 2);
    return to_status(
        {std::string(rest.substr(0, kSqlStateLength)), std::string(message.substr(0, message.find('\n'))), {}, {}, {}});
  }
  return make_error(absl::StatusCode::kUnavailable, "CONNECTION_FAILED",
                    fmt::format("cannot connect to the database: {}", text.substr(0, text.find('\n'))));
}

std::string session_settings(const ConnectOptions& options) {
  // synchronous_commit is raised, never lowered: remote_apply stays.
  return fmt::format(
      "SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}; SET TimeZone = 'UTC'; "
      "SELECT set_config('synchronous_commit', 'on', false) "
      "WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')",
      options.statement_timeout.count(), options.idle_in_transaction_timeout.count());
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kPlain = "-._~";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || kPlain.find(c) != std::string_view::npos);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

}  // namespace

absl::StatusOr<Connection> Connection::open(const ConnectOptions& options) {
  if (!parse_url(options.url)) return invalid_url();
  const Clock::time_point end = Clock::now() + options.connect_timeout;
  ConnectionPtr raw = start(options);
  if (!raw || PQstatus(raw.get()) == CONNECTION_BAD) return connect_error(raw.get());
  PQsetErrorVerbosity(raw.get(), PQERRORS_VERBOSE);
  LT_ASSIGN_OR_RETURN(const bool connected, wait_connected(raw.get(), end));
  if (!connected) return connect_error(raw.get());
  PQsetErrorVerbosity(raw.get(), PQERRORS_DEFAULT);
  Connection connection(std::make_unique<detail::Session>(std::move(raw), options.answer_timeout));
  LT_RETURN_IF_ERROR(connection.execute_script(session_settings(options)));
  return connection;
}

Connection::Connection(std::unique_ptr<detail::Session> session) : session_(std::move(session)) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

absl::StatusOr<Result> Connection::execute(std::string_view sql, const Params& params, bool cache) {
  LT_ASSIGN_OR_RETURN(detail::ResultPtr result, session_->execute(sql, params, cache));
  return Result(result.release());
}

absl::Status Connection::execute_script(std::string_view sql) { return session_->execute_script(std::string(sql)); }

absl::Status Connection::for_each_row(std::string_view sql, const Params& params,
                                      const std::function<absl::Status(const Row&)>& visit) {
  return session_->for_each_row(sql, params, visit);
}

absl::Status Connection::begin(std::string_view mode) {
  if (in_transaction()) {
    return make_error(absl::StatusCode::kFailedPrecondition, "TRANSACTION_OPEN",
                      "a transaction is open on this connection already; commit or roll it back first");
  }
  return session_->execute_script("BEGIN " + std::string(mode));
}

absl::Status Connection::commit() { return session_->commit(); }

absl::Status Connection::rollback() {
  if (is_idle()) {
    clear_cancel();
    return absl::OkStatus();
  }
  return session_->rollback();
}

absl::Status Connection::start_copy(std::string_view sql, int expected) {
  LT_RETURN_IF_ERROR(session_->check_ready());
  if (PQsendQuery(session_->raw(), std::string(sql).c_str()) == 0) return session_->error_of(nullptr);
  const detail::ResultPtr result{PQgetResult(session_->raw())};
  const int status = result ? static_cast<int>(PQresultStatus(result.get())) : -1;
  if (status == expected && PQbinaryTuples(result.get()) == 1) return absl::OkStatus();
  if (status == PGRES_FATAL_ERROR) {
    absl::Status failure = session_->error_of(result.get());
    (void)session_->collect();
    return failure;
  }
  session_->give_up();
  return make_error(absl::StatusCode::kInvalidArgument, "COPY_NOT_BINARY",
                    "expected a COPY with STDIN or STDOUT and (FORMAT binary)");
}

absl::StatusOr<CopyIn> Connection::copy_in(std::string_view sql) {
  LT_RETURN_IF_ERROR(start_copy(sql, PGRES_COPY_IN));
  return CopyIn(session_.get());
}

absl::StatusOr<CopyOut> Connection::copy_out(std::string_view sql) {
  LT_RETURN_IF_ERROR(start_copy(sql, PGRES_COPY_OUT));
  return CopyOut(session_.get());
}

absl::StatusOr<std::string> Connection::quote_identifier(std::string_view identifier) {
  const bool usable = !identifier.empty() && identifier.size() <= kMaxIdentifierBytes && is_utf8(identifier) &&
                      identifier.find('\0') == std::string_view::npos;
  const std::unique_ptr<char, decltype(&PQfreemem)> quoted(
      usable ? PQescapeIdentifier(session_->raw(), identifier.data(), identifier.size()) : nullptr, &PQfreemem);
  if (quoted) return std::string(quoted.get());
  return make_error(absl::StatusCode::kInvalidArgument, "IDENTIFIER_INVALID",
                    "an SQL identifier must be 1 to 63 bytes of UTF-8 without U+0000");
}

bool Connection::is_broken() const { return session_->broken(); }
bool Connection::in_transaction() const { return session_->in_transaction(); }
bool Connection::is_idle() const { return session_->idle(); }
bool Connection::is_usable() { return session_->idle() && session_->probe(); }
int Connection::backend_pid() const { return PQbackendPID(session_->raw()); }
std::shared_ptr<Canceller> Connection::canceller() { return session_->canceller(); }
void Connection::revoke_canceller() { session_->revoke_canceller(); }
void Connection::clear_cancel() { session_->clear_cancel(); }

absl::StatusOr<Transaction> Transaction::begin(Connection& connection, std::string_view mode) {
  LT_RETURN_IF_ERROR(connection.begin(mode));
  return Transaction(connection);
}

Transaction::~Transaction() {
  if (open_) connection_->session_->rollback_quietly();
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(other.connection_), open_(std::exchange(other.open_, false)) {}

absl::Status Transaction::commit() {
  if (!std::exchange(open_, false)) {
    return make_error(absl::StatusCode::kFailedPrecondition, "NO_TRANSACTION", "this transaction is over already");
  }
  const absl::Status status = connection_->commit();
  // For instance refused because a COPY is still open: the promise is that it is over.
  if (!status.ok() && !connection_->is_idle()) connection_->session_->rollback_quietly();
  return status;
}

absl::Status Transaction::rollback() {
  return std::exchange(open_, false) ? connection_->rollback() : absl::OkStatus();
}

absl::StatusOr<std::string> with_database(const std::string& url, std::string_view database) {
  const ParsedUrl parsed = parse_url(url);
  if (!parsed) return invalid_url();
  std::string user;
  std::string password;
  std::string host;
  std::string port;
  std::string rest;
  for (const PQconninfoOption* option = parsed.get(); option->keyword != nullptr; ++option) {
    const std::string_view key = option->keyword;
    if (option->val == nullptr || key == "dbname") continue;
    const std::string value = percent_encode(option->val);
    if (key == "user")
      user = value;
    else if (key == "password")
      password = value;
    else if (key == "host")
      host = value;
    else if (key == "port")
      port = value;
    else
      rest += fmt::format("{}{}={}", rest.empty() ? "?" : "&", key, value);
  }
  std::string authority = user + (password.empty() ? "" : ":" + password);
  if (!authority.empty()) authority += "@";
  authority += host + (port.empty() ? "" : ":" + port);
  return "postgresql://" + authority + "/" + percent_encode(database) + rest;
}

}  // namespace lt::pg
