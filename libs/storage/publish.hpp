// The publish transaction: what is staged becomes one commit, the next version of each dataset that it changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "base/bytes.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "pg/pool.hpp"
#include "storage/attempts.hpp"
#include "storage/catalog.hpp"
#include "storage/impact.hpp"
#include "storage/scope.hpp"
#include "storage/staging.hpp"

namespace lt::storage {

/// An accepted changeset as stored.
struct StoredChangeset {
  Digest content{};
  feature::Receipt receipt;
};

/// The accepted changeset of this organisation with this id, if any.
[[nodiscard]] absl::StatusOr<std::optional<StoredChangeset>> find_changeset(pg::Connection& connection,
                                                                            const std::string& organisation,
                                                                            const std::string& changeset_id);

struct PublishRequest {
  std::string organisation;
  std::string attempt_id;
  feature::ChangesetHeader header;
  Digest content{};                               ///< from StagedChangeset::seal()
  std::int64_t duplicates = 0;                    ///< from there too: repeats to collapse or to quarantine
  std::string named_crs;                          ///< "EPSG:n" of wkt and wkb as sent; empty = each dataset's own
  std::optional<Scope> scope;                     ///< of a scoped snapshot
  std::vector<std::int64_t> released_quarantine;  ///< items of the (one) dataset that this changeset publishes
  std::int64_t started_us = 0;                    ///< of the attempt
  std::int64_t findings = 0;                      ///< made while the changes were checked
  std::int64_t kept = 10'000;                     ///< findings and conflicts to keep of the attempt
  std::map<int, ReadyAreas> areas;                ///< of each dataset, by its number: the receipt names those touched
  bool looked_up = false;                         ///< the caller has just seen that no changeset has this id
};

/// What a publish found, also one that was refused.
struct PublishReport {
  feature::Counts counts;
  std::vector<Conflict> conflicts;  ///< the first `kept`
  std::int64_t conflict_count = 0;
};

/// Commits what is staged: finds each change's effect without a lock, locks the datasets in the order of their numbers,
/// looks again at what changed meanwhile, merges, records changeset and attempt, and commits. Idempotent by
/// (organisation, changeset_id). The attempt of a refusal or a dry run is for the caller to store.
///
/// Errors: ALREADY_EXISTS CHANGESET_ID_REUSED, FEATURE_EXISTS; FAILED_PRECONDITION FEATURE_NOT_FOUND, VERSION_CONFLICT,
/// OUT_OF_SCOPE, MASS_DELETE, EMPTY_SNAPSHOT, QUARANTINE_DECIDED; OUT_OF_RANGE VERSION_OUT_OF_RANGE (a base_version
/// beyond the head); ABORTED STAGING_LOST, STAGING_TAKEN, SCHEMA_CHANGED, SNAPSHOT_OVERTAKEN; UNAVAILABLE
/// COMMIT_UNKNOWN, COMMIT_LOST (retry with the same changeset_id tells).
[[nodiscard]] absl::StatusOr<feature::Receipt> publish(pg::Pool& pool, const PublishRequest& request,
                                                       StagedChangeset& staged, PublishReport& report);

}  // namespace lt::storage
