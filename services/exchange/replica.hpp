// Reading from a hot standby, and going on reading while the primary is away.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/metrics.hpp"
#include "exchange/core.hpp"
#include "pg/pool.hpp"
#include "storage/catalog.hpp"
#include "storage/page_source.hpp"

namespace lt::exchange {

struct ReplicaOptions {
  pg::ConnectOptions connection;
  int connections = 16;
  /// How long a page waits for the standby to reach the version that it is to be read at.
  std::chrono::milliseconds wait{500};
};

/// A hot standby that pages are read from. It only ever answers for a version whose receipt it has, with the digest
/// that the primary gave it: then it has the same history up to there, however old it is and wherever it comes from.
/// When it lags, fails or hangs, pages come from the primary. Thread-safe.
class Replica {
 public:
  Replica(ReplicaOptions options, Metrics& metrics);

  /// Connects, for the gauge lienthong_replica_up. Blocks for two seconds at most.
  void check();
  /// What the standby has of the catalog: for lookups while the primary is away.
  [[nodiscard]] storage::Catalog& catalog() { return catalog_; }

  /// A source for one answer about `dataset` up to `version`, whose receipt has `digest`. Once a page could not be read
  /// here, the answer goes on at `primary`. Both must outlive it; one thread at a time.
  [[nodiscard]] storage::PageSource source(pg::Pool& primary, int dataset, std::int64_t version, std::string digest);

 private:
  using Clock = std::chrono::steady_clock;
  struct Position {
    int dataset = 0;
    std::int64_t version = 0;
    std::string digest;
  };

  /// OK: read here.
  [[nodiscard]] absl::Status read(const Position& position, const storage::PageSource::Read& read);
  [[nodiscard]] absl::StatusOr<bool> has_reached(pg::Connection& connection, const Position& position);
  [[nodiscard]] absl::StatusOr<pg::PooledConnection> acquire();
  void note_failure(const absl::Status& status);
  void note_up();

  const std::chrono::milliseconds wait_;
  pg::Pool pool_;
  storage::Catalog catalog_;
  Gauge up_;
  Counter reads_here_;
  Counter reads_at_primary_;
  std::atomic<bool> is_up_{true};
  std::atomic<Clock::duration> down_until_{Clock::duration::min()};  ///< not tried before, after a failure
  std::atomic<Clock::duration> lags_until_{Clock::duration::min()};  ///< not waited for before, after a wait in vain
};

/// True for errors that say that the primary is away, not that the request is wrong.
[[nodiscard]] bool is_outage(const absl::Status& status);

/// Where to read pages of an answer up to `version` of `dataset`: the standby when there is one, else the primary.
/// @param digest hex digest of that version's receipt; "" at version 0.
[[nodiscard]] storage::PageSource source_for(const Core& core, const storage::Dataset& dataset, std::int64_t version,
                                             const std::string& digest);

/// As Catalog::get_dataset(). While the primary is away and there is a standby: the dataset with the head that was
/// announced last. Errors: NOT_FOUND DATASET_UNKNOWN; those of the primary when neither knows.
[[nodiscard]] absl::StatusOr<storage::Dataset> dataset_to_read(const Core& core, const std::string& name);

/// As Catalog::get_schema(), from the standby while the primary is away.
[[nodiscard]] absl::StatusOr<std::shared_ptr<const feature::Schema>> schema_to_read(const Core& core, int dataset,
                                                                                    std::int32_t revision);

/// As storage::read_digest(), from the standby while the primary is away.
[[nodiscard]] absl::StatusOr<std::string> digest_to_read(const Core& core, const storage::Dataset& dataset,
                                                         std::int64_t version);

}  // namespace lt::exchange
