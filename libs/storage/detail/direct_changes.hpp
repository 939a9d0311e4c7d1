// The changes of a small changeset, which go to the server as parameters of the statements that need them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "pg/connection.hpp"
#include "storage/impact.hpp"
#include "storage/publish.hpp"
#include "storage/sql_text.hpp"
#include "storage/staging.hpp"

namespace lt::storage {

/// How many features of a dataset have which effect.
struct Effects {
  std::int64_t inserted = 0, updated = 0, deleted = 0, unchanged = 0, conflicts = 0;
  [[nodiscard]] std::int64_t changes() const { return inserted + updated + deleted; }
};

/// The ordinary way puts staged rows and effects into temporary tables, which suits every changeset but costs a small
/// one more than its merge. What is in memory, without conflict and with nothing to do but the merge needs no tables.
class DirectChanges {
 public:
  /// What a direct transaction begins with: plans are made once, of index probes, however large the tables are then.
  static constexpr std::string_view kTransaction =
      "ISOLATION LEVEL READ COMMITTED; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; "
      "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

  /// False when there is more to do: snapshots, partial updates, repeats, findings, releases; or more than memory
  /// holds.
  [[nodiscard]] static bool fit(const PublishRequest& request, const StagedChangeset& staged);

  /// `part` must outlive it and not change.
  DirectChanges(pg::Connection& connection, const StagedChangeset::Part& part);

  /// Finds the effect of each change. @return the head that they are of.
  [[nodiscard]] absl::StatusOr<std::int64_t> find_effects(std::optional<std::int64_t> base_version);
  [[nodiscard]] const Effects& effects() const { return counts_; }
  [[nodiscard]] std::int64_t largest_base_version() const { return largest_base_version_; }
  /// A stored geometry is to take the place of one that was transformed anew: that needs tables.
  [[nodiscard]] bool same_source() const { return same_source_; }
  /// Tells where the changes are, before and after.
  [[nodiscard]] absl::Status add_touched(Impact& impact) const;
  /// Makes the changes; there must be no conflict.
  [[nodiscard]] absl::Status merge(std::int64_t version);

 private:
  struct Change {
    const pg::RawValue* staged = nullptr;  ///< of StagedColumn
    char op = '=';                         ///< effect
    int place = 0;                         ///< row of found_
  };

  std::string sql(std::string_view text) const { return sql_for(text, part_.dataset.id); }
  pg::RawValue found(const Change& change, int column) const;
  std::vector<Change> with_effect(std::string_view ops) const;
  absl::Status count(char op);
  absl::Status write_log(std::int64_t version);
  absl::Status write_features(std::string_view text, std::int64_t version, const std::vector<Change>& some);
  absl::Status remove_features(std::int64_t version);

  pg::Connection& connection_;
  const StagedChangeset::Part& part_;
  std::vector<pg::RawValue> values_;
  std::vector<Change> changes_;  ///< by id
  std::optional<pg::Result> found_;
  Effects counts_;
  std::int64_t largest_base_version_ = 0;
  bool same_source_ = false;
};

}  // namespace lt::storage
