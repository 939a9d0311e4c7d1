#include "exchange/replica.hpp"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "base/log.hpp"
#include "base/status.hpp"
#include "exchange/head_board.hpp"
#include "storage/acquire.hpp"
#include "storage/read.hpp"

namespace lt::exchange {
namespace {

/// A standby that does not answer for so long is treated as one that is away: the primary can do it.
constexpr std::chrono::seconds kAnswerTimeout{10};
constexpr std::chrono::milliseconds kConnectTimeout{2'000};
constexpr std::chrono::milliseconds kAcquireWait{1'000};
/// A standby is usually some milliseconds behind.
constexpr std::chrono::milliseconds kFirstPoll{2};
constexpr std::chrono::milliseconds kLongestPoll{20};
/// After a failure or a wait in vain.
constexpr std::chrono::seconds kRetry{5};
constexpr char kReadsName[] = "lienthong_page_reads_total";
constexpr char kReadsHelp[] = "Pages read, by server, when there is a standby";

pg::ConnectOptions with_timeouts(pg::ConnectOptions options) {
  options.purpose = "exchange/replica";
  options.connect_timeout = std::min(options.connect_timeout, kConnectTimeout);
  options.answer_timeout = kAnswerTimeout;
  return options;
}

absl::Status not_there(std::string_view what) { return absl::UnavailableError(std::string(what)); }

}  // namespace

Replica::Replica(ReplicaOptions options, Metrics& metrics)
    : wait_(options.wait),
      pool_(with_timeouts(std::move(options.connection)), options.connections),
      catalog_(pool_),
      up_(metrics.gauge("lienthong_replica_up", "1 while the standby answers")),
      reads_here_(metrics.counter(kReadsName, kReadsHelp, {{"server", "standby"}})),
      reads_at_primary_(metrics.counter(kReadsName, kReadsHelp, {{"server", "primary"}})) {}

void Replica::note_failure(const absl::Status& status) {
  down_until_ = (Clock::now() + kRetry).time_since_epoch();
  up_.set(0);
  if (is_up_.exchange(false)) {
    log_event(spdlog::level::warn, "replica_failed", {{"error", message_of(status)}});
  }
}

void Replica::note_up() {
  up_.set(1);
  down_until_ = Clock::duration::min();
  if (!is_up_.exchange(true)) log_event(spdlog::level::info, "replica_answers", {});
}

absl::StatusOr<pg::PooledConnection> Replica::acquire() {
  auto connection = pool_.acquire(kAcquireWait);
  if (!connection.ok() && error_reason(connection.status()) != "POOL_EXHAUSTED") note_failure(connection.status());
  return connection;
}

void Replica::check() {
  auto connection = acquire();
  if (!connection.ok()) return;
  const absl::Status status = (*connection)->execute("SELECT 1").status();
  if (status.ok()) return note_up();
  note_failure(status);
}

absl::StatusOr<bool> Replica::has_reached(pg::Connection& connection, const Position& position) {
  const auto started = Clock::now();
  auto pause = kFirstPoll;
  const bool patient = started.time_since_epoch() >= lags_until_.load();
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto digest, storage::find_digest(connection, position.dataset, position.version));
    if (!digest.empty()) return digest == position.digest;
    if (!patient) return false;
    if (Clock::now() - started >= wait_) break;
    std::this_thread::sleep_for(std::min(pause, wait_));
    pause = std::min(pause * 2, kLongestPoll);
  }
  lags_until_ = (Clock::now() + kRetry).time_since_epoch();
  return false;
}

absl::Status Replica::read(const Position& position, const storage::PageSource::Read& read) {
  if (Clock::now().time_since_epoch() < down_until_.load()) return not_there("the standby is away");
  LT_ASSIGN_OR_RETURN(auto connection, acquire());
  const auto reached = has_reached(*connection, position);
  if (reached.ok() && !*reached) return not_there("the standby has not reached the version");
  const absl::Status status = reached.ok() ? read(*connection) : reached.status();
  if (connection->is_broken()) note_failure(status);
  if (status.ok()) note_up();
  return status;
}

storage::PageSource Replica::source(pg::Pool& primary, int dataset, std::int64_t version, std::string digest) {
  const Position position{dataset, version, std::move(digest)};
  auto at_primary = std::make_shared<bool>(false);
  return storage::PageSource([this, &primary, position, at_primary](const storage::PageSource::Read& page) {
    if (!*at_primary) {
      const absl::Status status = read(position, page);
      if (status.ok()) {
        reads_here_.increment();
        return status;
      }
      // Whatever it was, a conflict with the replay of a VACUUM for instance: the primary decides what the answer is.
      *at_primary = true;
    }
    reads_at_primary_.increment();
    return storage::PageSource(primary).run(page);
  });
}

bool is_outage(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status); }

storage::PageSource source_for(const Core& core, const storage::Dataset& dataset, std::int64_t version,
                               const std::string& digest) {
  if (core.replica == nullptr || version == 0) return core.pool;
  return core.replica->source(core.pool, dataset.id, version, digest);
}

absl::StatusOr<storage::Dataset> dataset_to_read(const Core& core, const std::string& name) {
  auto dataset = core.catalog.get_dataset(name);
  if (dataset.ok() || core.replica == nullptr || !is_outage(dataset.status())) return dataset;
  const auto heads = core.heads->heads();
  const auto* known = heads->find(name);
  if (known == nullptr) return dataset;
  return known->head;
}

absl::StatusOr<std::shared_ptr<const feature::Schema>> schema_to_read(const Core& core, int dataset,
                                                                      std::int32_t revision) {
  auto schema = core.catalog.get_schema(dataset, revision);
  if (schema.ok() || core.replica == nullptr || !is_outage(schema.status())) return schema;
  return core.replica->catalog().get_schema(dataset, revision);
}

absl::StatusOr<std::string> digest_to_read(const Core& core, const storage::Dataset& dataset, std::int64_t version) {
  auto digest = storage::read_digest(core.pool, dataset.id, version);
  if (digest.ok() || core.replica == nullptr || !is_outage(digest.status())) return digest;
  return storage::read_digest(source_for(core, dataset, dataset.head, dataset.head_digest), dataset.id, version);
}

}  // namespace lt::exchange
