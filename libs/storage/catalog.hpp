// Organisations, datasets and schema revisions as stored.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include "feature/schema.hpp"
#include "pg/pool.hpp"

namespace lt::storage {

struct Organisation {
  int id = 0;
  std::string name;
  std::string title;
  std::int64_t created_us = 0;  ///< microseconds since 1970 UTC, as all times here
};

/// A dataset and its head, read in one statement.
struct Dataset {
  int id = 0;
  std::string uid;
  std::string name;
  std::string owner;
  std::string title;
  std::int64_t created_us = 0;
  std::int64_t head = 0;
  std::string head_digest;  ///< hex; empty at head 0
  std::optional<std::int64_t> changed_us;
  std::int64_t feature_count = 0;
  std::int32_t schema_revision = 1;
  std::int64_t horizon = 0;  ///< oldest version that can still be read; 0: all can
};

/// Brings the database to this program's schema. Errors: FAILED_PRECONDITION DATABASE_NEWER, MIGRATION_CHANGED.
[[nodiscard]] absl::Status migrate_database(pg::Connection& connection);

/// All datasets with their heads, by id, in one statement: the heads that one commit moved are there together or not at
/// all.
[[nodiscard]] absl::StatusOr<std::vector<Dataset>> list_heads(pg::Connection& connection);

/// Thread-safe.
class Catalog {
 public:
  explicit Catalog(pg::Pool& pool) : pool_(pool) {}

  /// Errors: INVALID_ARGUMENT NAME_INVALID; ALREADY_EXISTS ORGANISATION_EXISTS.
  [[nodiscard]] absl::StatusOr<Organisation> create_organisation(const std::string& name, const std::string& title);
  /// Errors: NOT_FOUND ORGANISATION_UNKNOWN.
  [[nodiscard]] absl::StatusOr<Organisation> get_organisation(const std::string& name);
  /// Up to `limit` organisations whose name is after `after`, by name.
  [[nodiscard]] absl::StatusOr<std::vector<Organisation>> list_organisations(const std::string& after, int limit);

  /// Creates a dataset with schema revision 1. Errors: INVALID_ARGUMENT NAME_INVALID, those of check_schema();
  /// NOT_FOUND ORGANISATION_UNKNOWN; ALREADY_EXISTS DATASET_EXISTS.
  [[nodiscard]] absl::StatusOr<Dataset> create_dataset(const std::string& name, const std::string& owner,
                                                       const std::string& title, const feature::Schema& schema);
  /// Errors: NOT_FOUND DATASET_UNKNOWN.
  [[nodiscard]] absl::StatusOr<Dataset> get_dataset(const std::string& name);
  [[nodiscard]] absl::StatusOr<std::vector<Dataset>> list_datasets(const std::string& after, int limit);
  /// Revisions never change, so they are kept in memory. Errors: NOT_FOUND SCHEMA_REVISION_UNKNOWN.
  [[nodiscard]] absl::StatusOr<std::shared_ptr<const feature::Schema>> get_schema(int dataset, std::int32_t revision);

 private:
  pg::Pool& pool_;
  absl::Mutex mutex_;
  std::map<std::pair<int, std::int32_t>, std::shared_ptr<const feature::Schema>> schemas_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lt::storage
