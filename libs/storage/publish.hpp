// The publish transaction: what is staged becomes one version.
#pragma once

#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "base/bytes.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "pg/pool.hpp"
#include "storage/catalog.hpp"
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
  Dataset dataset;   ///< as read when the changes were checked
  Digest content{};  ///< from StagedChanges::seal()
};

/// Commits what is staged: finds each change's effect without a lock, locks the dataset, looks again at what changed
/// meanwhile, merges and commits. Idempotent by (organisation, changeset_id).
///
/// Errors: ALREADY_EXISTS CHANGESET_ID_REUSED, FEATURE_EXISTS; FAILED_PRECONDITION FEATURE_NOT_FOUND, VERSION_CONFLICT,
/// MASS_DELETE, EMPTY_SNAPSHOT; OUT_OF_RANGE VERSION_OUT_OF_RANGE (a base_version beyond the head); ABORTED
/// STAGING_LOST, SCHEMA_CHANGED; UNAVAILABLE COMMIT_UNKNOWN (retry with the same changeset_id tells).
[[nodiscard]] absl::StatusOr<feature::Receipt> publish(pg::Pool& pool, const PublishRequest& request,
                                                       StagedChanges& staged);

}  // namespace lt::storage
