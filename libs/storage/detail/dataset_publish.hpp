// The part of a publish transaction that belongs to one dataset: what its staged changes do, and doing it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "pg/connection.hpp"
#include "storage/attempts.hpp"
#include "storage/detail/direct_changes.hpp"
#include "storage/detail/first_load.hpp"
#include "storage/publish.hpp"
#include "storage/sql_text.hpp"
#include "storage/staging.hpp"

namespace lt::storage {

/// The dataset's row, locked.
struct Head {
  std::int64_t version = 0;
  std::string digest;
  std::optional<std::int64_t> changed_us;
  std::int64_t feature_count = 0;
  std::int32_t schema_revision = 0;
  std::int64_t horizon = 0;
};

/// Its methods are called once, in this order, within the transaction of `connection`.
class DatasetPublish {
 public:
  DatasetPublish(pg::Connection& connection, const PublishRequest& request, const StagedChangeset::Part& part)
      : connection_(connection), request_(request), part_(part) {}

  /// Version 1 is built already: this takes the place of merging.
  void use(const FirstLoad& load) { load_ = &load; }
  /// The changes go without tables.
  void go_direct() { direct_.emplace(connection_, part_); }
  /// Another commit made version 1 meanwhile.
  bool is_late() const { return load_ && head_.version != 0; }

  const Dataset& dataset() const { return part_.dataset; }
  const Head& head() const { return head_; }
  const Effects& effects() const { return effects_; }
  /// Whether anything waits in the dataset's quarantine, known once it is locked.
  void set_waiting(bool waiting) { waiting_ = waiting; }
  /// What was to go without tables has conflicts, takes over stored geometries, or something waits.
  bool needs_tables() const { return direct_ && (effects_.conflicts > 0 || direct_->same_source() || waiting_); }
  /// How geometries came into the dataset's CRS.
  std::vector<feature::Transformation> transformations() const;
  /// Areas that the changes touch, as LIST:CODE.
  const std::vector<std::string>& areas() const { return areas_; }
  std::int64_t quarantined() const { return quarantined_; }
  std::int64_t findings() const { return findings_; }
  std::int64_t collapsed() const { return collapsed_; }

  /// Collapses repeats of a feature, or sends all of them to the quarantine.
  [[nodiscard]] absl::Status settle_repeats();
  /// Finds the effect of each change against the state now, without a lock.
  [[nodiscard]] absl::Status prepare();
  /// Finds the areas() that the effects touch, before and after.
  [[nodiscard]] absl::Status find_areas();
  /// Locks the dataset's row and reads its head.
  [[nodiscard]] absl::Status lock();
  /// Looks again at what other commits changed since prepare(). Errors: ABORTED SCHEMA_CHANGED, and when it
  /// is_late().
  [[nodiscard]] absl::Status recheck();
  /// Counts effects, conflicts, quarantined changes. Errors: OUT_OF_RANGE VERSION_OUT_OF_RANGE.
  [[nodiscard]] absl::Status examine();
  /// Adds the first `limit` conflicts, by feature.
  [[nodiscard]] absl::Status list_conflicts(std::vector<Conflict>& conflicts, std::int64_t limit);
  /// Errors: FAILED_PRECONDITION MASS_DELETE, EMPTY_SNAPSHOT.
  [[nodiscard]] absl::Status check_snapshot() const;
  /// Against the state before the merge. Errors: FAILED_PRECONDITION QUARANTINE_DECIDED.
  [[nodiscard]] absl::Status quarantine(std::int64_t now_us, std::int64_t version);
  [[nodiscard]] absl::Status merge(std::int64_t version);
  /// Stores what was found while the changes were checked, numbered after `taken`. @return how many.
  [[nodiscard]] absl::StatusOr<std::int64_t> store_findings(std::int64_t taken, std::int64_t limit);

 private:
  std::string sql(std::string_view text) const { return sql_for(text, part_.dataset.id, part_.relation, part_.effect); }
  pg::Params dataset_params() const { return pg::Params().add(std::int32_t{part_.dataset.id}); }
  bool is_snapshot() const { return request_.header.kind == feature::ChangesetKind::kSnapshot; }
  std::optional<std::int64_t> base_version() const { return request_.header.base_version_of(part_.dataset.name); }

  absl::StatusOr<pg::Result> with_version(std::string_view text, std::int64_t version) {
    return connection_.execute(sql(text), pg::Params().add(version));
  }
  absl::Status look_again();
  absl::Status prepare_direct();
  absl::Status prepare_since(std::optional<std::int64_t> since);
  /// What goes into and behind kAbsent.
  struct Absent {
    pg::Params params;
    std::string end = ") f";
    bool filtered = false;
  };
  Absent absent_in_scope(std::optional<std::int64_t> since) const;
  absl::Status prepare_absent(std::optional<std::int64_t> since);
  absl::Status fill_partials(std::optional<std::int64_t> since);
  absl::Status fill_page(const pg::Result& page);
  absl::Status take_stored_geometries(std::optional<std::int64_t> since);
  absl::Status take_stored_page(const pg::Result& page);
  absl::Status index_staged();
  void add_filled(pg::CopyEncoder& rows, std::string_view id, const feature::State& state,
                  const std::optional<Digest>& source_hash) const;
  absl::Status copy_filled(const pg::CopyEncoder& rows);
  absl::Status restore_states();
  absl::Status restore_changed(std::int64_t since);
  absl::Status decide_scope();
  absl::StatusOr<std::int64_t> largest_base_version();
  absl::Status check_base_versions();
  absl::Status count_effects();

  pg::Connection& connection_;
  const PublishRequest& request_;
  const StagedChangeset::Part& part_;
  const FirstLoad* load_ = nullptr;
  std::optional<DirectChanges> direct_;
  bool waiting_ = false;
  bool indexed_ = false;
  std::int64_t prepared_head_ = 0;
  std::int64_t collapsed_ = 0;
  std::int64_t quarantined_ = 0;
  std::int64_t findings_ = 0;
  Head head_;
  Effects effects_;
  std::vector<std::string> areas_;
};

}  // namespace lt::storage
