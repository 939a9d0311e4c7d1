#include "storage/publish.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "storage/acquire.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr std::int64_t kMaxListed = 20;
constexpr std::int64_t kAnalyzeFrom = 1000;
// The guard of docs/data-model.md: deletes of a snapshot beyond max(10, 10 % of the features) need allow_mass_delete.
constexpr std::int64_t kMassDeleteFloor = 10;
constexpr std::int64_t kMassDeletePercent = 10;

struct Head {
  std::int64_t version = 0;
  std::string digest;
  std::optional<std::int64_t> changed_us;
  std::int64_t feature_count = 0;
  std::int32_t schema_revision = 0;
  std::int64_t now_us = 0;  ///< clock of the database after the lock
};

struct Effects {
  std::int64_t inserted = 0, updated = 0, deleted = 0, unchanged = 0, conflicts = 0;
  [[nodiscard]] std::int64_t changes() const { return inserted + updated + deleted; }
};

// Returned by the transaction when another one took the changeset_id first.
absl::Status lost_race() {
  return make_error(absl::StatusCode::kAborted, "CHANGESET_RACE", "the id was taken meanwhile");
}

absl::StatusOr<feature::Receipt> same_or_refused(const StoredChangeset& stored, const PublishRequest& request) {
  if (stored.content == request.content) return stored.receipt;
  return make_error(
      absl::StatusCode::kAlreadyExists, "CHANGESET_ID_REUSED",
      fmt::format("changeset_id \"{}\" was accepted with other content (commit {}); give a new changeset a new id",
                  request.header.changeset_id, stored.receipt.commit_id),
      {{"changeset_id", request.header.changeset_id}, {"commit_id", stored.receipt.commit_id}});
}

// One try: everything between BEGIN and COMMIT.
class PublishTransaction {
 public:
  PublishTransaction(pg::Connection& connection, const PublishRequest& request, StagedChanges& staged)
      : connection_(connection), request_(request), staged_(staged) {}

  absl::StatusOr<feature::Receipt> run();

 private:
  std::string sql(std::string_view text) const { return sql_for(text, request_.dataset.id, staged_.relation()); }
  pg::Params dataset_params() const { return pg::Params().add(std::int32_t{request_.dataset.id}); }
  bool is_snapshot() const { return request_.header.kind == feature::ChangesetKind::kSnapshot; }

  absl::StatusOr<pg::Result> with_version(std::string_view text, std::int64_t version) {
    return connection_.execute(sql(text), pg::Params().add(version));
  }
  absl::Status prepare(std::optional<std::int64_t> since);
  absl::Status lock_and_recheck(std::int64_t prepared_head);
  absl::Status check_base_versions();
  absl::StatusOr<Effects> count_effects();
  absl::Status conflict_error(std::int64_t total);
  absl::Status check_snapshot(const Effects& effects) const;
  feature::Receipt make_receipt(const Effects& effects) const;
  absl::Status merge(const Effects& effects, std::int64_t version);
  absl::Status record(const feature::Receipt& receipt, const Effects& effects);

  pg::Connection& connection_;
  const PublishRequest& request_;
  StagedChanges& staged_;
  Head head_;
};

absl::Status PublishTransaction::prepare(std::optional<std::int64_t> since) {
  const auto params = pg::Params().add(since).add(request_.header.base_version);
  LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kPrepareChanges), params).status());
  if (is_snapshot()) {
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kPrepareAbsent), pg::Params().add(since)).status());
  }
  return absl::OkStatus();
}

absl::Status PublishTransaction::lock_and_recheck(std::int64_t prepared_head) {
  LT_ASSIGN_OR_RETURN(const auto row, connection_.execute(sql::kLockHead, dataset_params()));
  head_ = {row.get_int(0, 0),
           std::string(row.get_text(0, 1)),
           row.get_optional_timestamp_us(0, 2),
           row.get_int(0, 3),
           static_cast<std::int32_t>(row.get_int(0, 4)),
           row.get_timestamp_us(0, 5)};
  if (head_.schema_revision != request_.dataset.schema_revision) {
    return make_error(absl::StatusCode::kAborted, "SCHEMA_CHANGED",
                      "the schema of the dataset changed while the changeset was being sent; send it again");
  }
  if (head_.version == prepared_head) return absl::OkStatus();
  LT_RETURN_IF_ERROR(with_version(sql::kForgetChanged, prepared_head).status());
  return prepare(prepared_head);
}

absl::Status PublishTransaction::check_base_versions() {
  LT_ASSIGN_OR_RETURN(const auto result, connection_.execute("SELECT max(base_version) FROM lt_effect"));
  const std::int64_t largest =
      std::max(result.get_optional_int(0, 0).value_or(0), request_.header.base_version.value_or(0));
  if (largest <= head_.version) return absl::OkStatus();
  return make_error(absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
                    fmt::format("base_version {} is beyond the head {} of dataset \"{}\"", largest, head_.version,
                                request_.dataset.name),
                    {{"dataset", request_.dataset.name}, {"head", std::to_string(head_.version)}});
}

absl::StatusOr<Effects> PublishTransaction::count_effects() {
  LT_ASSIGN_OR_RETURN(const auto result, connection_.execute(sql::kCountEffects));
  Effects effects;
  for (int r = 0; r < result.rows(); ++r) {
    const std::int64_t n = result.get_int(r, 1);
    switch (result.get_char(r, 0)) {
      case 'I': effects.inserted = n; break;
      case 'U': effects.updated = n; break;
      case 'D': effects.deleted = n; break;
      case '=': effects.unchanged = n; break;
      default: effects.conflicts += n;
    }
  }
  return effects;
}

absl::Status PublishTransaction::conflict_error(std::int64_t total) {
  LT_ASSIGN_OR_RETURN(const auto rows, connection_.execute(sql::kListConflicts, dataset_params().add(kMaxListed)));
  if (rows.rows() == 0) return absl::InternalError("conflicts were counted but not found");
  std::vector<FieldViolation> violations;
  for (int r = 0; r < rows.rows(); ++r) {
    const std::string id(rows.get_text(r, 0));
    const char kind = rows.get_char(r, 1);
    const std::int64_t found = rows.get_int(r, 3);
    std::string text = kind == 'E'   ? "INSERT, but the feature exists with other content"
                       : kind == 'M' ? std::string("UPDATE, but there is no such feature")
                                     : fmt::format("base_version {}, but it changed after that", rows.get_int(r, 2));
    if (found > 0) {
      text += fmt::format(" (version {}", found);
      if (!rows.is_null(r, 4)) {
        text += fmt::format(" by {} at {}", rows.get_text(r, 4), format_rfc3339({rows.get_timestamp_us(r, 5), 0}));
      }
      text += ")";
    }
    violations.push_back({fmt::format("feature '{}'", id), text});
  }
  const char first = rows.get_char(0, 1);
  const auto code = first == 'E' ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kFailedPrecondition;
  const char* reason = first == 'E' ? "FEATURE_EXISTS" : first == 'M' ? "FEATURE_NOT_FOUND" : "VERSION_CONFLICT";
  std::map<std::string, std::string> metadata{{"feature_id", std::string(rows.get_text(0, 0))},
                                              {"conflicts_total", std::to_string(total)},
                                              {"found_version", std::to_string(rows.get_int(0, 3))}};
  if (!rows.is_null(0, 2)) metadata["expected_version"] = std::to_string(rows.get_int(0, 2));
  const std::string more = total > 1 ? fmt::format(" and {} more", total - 1) : "";
  const std::string message =
      fmt::format("{}: {}{}; read the present state with GetFeature and send the changeset again",
                  violations.front().field, violations.front().description, more);
  return make_error(code, reason, message, std::move(metadata), std::move(violations));
}

absl::Status PublishTransaction::check_snapshot(const Effects& effects) const {
  if (!is_snapshot() || request_.header.allow_mass_delete) return absl::OkStatus();
  if (staged_.count() == 0) {
    return make_error(absl::StatusCode::kFailedPrecondition, "EMPTY_SNAPSHOT",
                      "a snapshot without features would delete everything; set allow_mass_delete if that is meant");
  }
  const std::int64_t allowed = std::max(kMassDeleteFloor, head_.feature_count * kMassDeletePercent / 100);
  if (effects.deleted <= allowed) return absl::OkStatus();
  return make_error(
      absl::StatusCode::kFailedPrecondition, "MASS_DELETE",
      fmt::format("the snapshot would delete {} of {} features, more than the {} allowed; check the export, or set "
                  "allow_mass_delete if that is meant",
                  effects.deleted, head_.feature_count, allowed),
      {{"deletes", std::to_string(effects.deleted)},
       {"allowed", std::to_string(allowed)},
       {"features", std::to_string(head_.feature_count)}});
}

feature::Receipt PublishTransaction::make_receipt(const Effects& effects) const {
  feature::Receipt receipt;
  receipt.attempt_id = request_.attempt_id;
  receipt.changeset_id = request_.header.changeset_id;
  receipt.organisation = request_.organisation;
  receipt.message = request_.header.message;
  receipt.committed_us = std::max(head_.now_us, head_.changed_us.value_or(0) + 1);
  receipt.counts = {effects.inserted, effects.updated, effects.deleted, effects.unchanged, 0, 0};
  receipt.content_sha256 = to_hex(view(request_.content));
  receipt.changed = effects.changes() > 0;
  const bool makes_version = receipt.changed && !request_.header.dry_run;
  if (makes_version) receipt.commit_id = make_uuid7();
  receipt.datasets.push_back({request_.dataset.name, request_.dataset.uid, head_.version + (makes_version ? 1 : 0),
                              makes_version ? head_.digest : std::string()});
  if (!request_.header.dry_run) receipt.digest = feature::receipt_digest(receipt);
  return receipt;
}

absl::Status PublishTransaction::merge(const Effects& effects, std::int64_t version) {
  LT_ASSIGN_OR_RETURN(const auto logged, with_version(sql::kMergeLog, version));
  if (logged.affected() != effects.changes()) return absl::InternalError("log rows differ from the effects counted");
  if (effects.updated > 0) {
    LT_ASSIGN_OR_RETURN(const auto updated, with_version(sql::kMergeUpdate, version));
    if (updated.affected() != effects.updated)
      return absl::InternalError("updated rows differ from the effects counted");
  }
  if (effects.inserted > 0) {
    LT_RETURN_IF_ERROR(with_version(sql::kMergeInsert, version).status());
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kMergeReturn)).status());
  }
  if (effects.deleted == 0) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const auto deleted, with_version(sql::kMergeDelete, version));
  return deleted.affected() == effects.deleted ? absl::OkStatus()
                                               : absl::InternalError("deleted rows differ from the effects counted");
}

absl::Status PublishTransaction::record(const feature::Receipt& receipt, const Effects& effects) {
  pg::Params params;
  params.add(request_.organisation).add(receipt.changeset_id).add_bytes(view(request_.content));
  params.add_timestamp_us(receipt.committed_us).add(feature::receipt_to_json(receipt).dump());
  LT_ASSIGN_OR_RETURN(const auto stored, connection_.execute(sql::kInsertChangeset, params));
  if (stored.rows() == 0) return lost_race();
  if (!receipt.changed) return absl::OkStatus();
  const std::int64_t version = receipt.datasets.front().version;
  pg::Params row = dataset_params();
  row.add(version).add(stored.get_int(0, 0)).add(receipt.digest).add_timestamp_us(receipt.committed_us);
  LT_RETURN_IF_ERROR(connection_.execute(sql::kInsertVersion, row).status());
  pg::Params head = dataset_params();
  head.add(version).add(receipt.digest).add_timestamp_us(receipt.committed_us).add(effects.inserted - effects.deleted);
  LT_ASSIGN_OR_RETURN(const auto moved, connection_.execute(sql::kUpdateHead, head));
  return moved.affected() == 1 ? absl::OkStatus() : absl::InternalError("the head moved under its lock");
}

absl::StatusOr<feature::Receipt> PublishTransaction::run() {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(connection_));
  LT_RETURN_IF_ERROR(staged_.provide(connection_));
  LT_ASSIGN_OR_RETURN(const auto seen, connection_.execute(sql::kReadHead, dataset_params()));
  LT_RETURN_IF_ERROR(prepare(std::nullopt));
  if (staged_.count() >= kAnalyzeFrom) LT_RETURN_IF_ERROR(connection_.execute_script("ANALYZE lt_effect (fid, op)"));
  LT_RETURN_IF_ERROR(lock_and_recheck(seen.get_int(0, 0)));
  LT_ASSIGN_OR_RETURN(const auto taken,
                      find_changeset(connection_, request_.organisation, request_.header.changeset_id));
  if (taken) return lost_race();
  LT_RETURN_IF_ERROR(check_base_versions());
  LT_ASSIGN_OR_RETURN(const auto effects, count_effects());
  if (effects.conflicts > 0) return conflict_error(effects.conflicts);
  LT_RETURN_IF_ERROR(check_snapshot(effects));
  const feature::Receipt receipt = make_receipt(effects);
  if (request_.header.dry_run) return receipt;
  if (receipt.changed) LT_RETURN_IF_ERROR(merge(effects, receipt.datasets.front().version));
  LT_RETURN_IF_ERROR(record(receipt, effects));
  LT_RETURN_IF_ERROR(transaction.commit());
  return receipt;
}

// After a COMMIT without an answer: once the dataset's row can be locked the old transaction is over, so its changeset
// is either there or never will be.
absl::StatusOr<feature::Receipt> resolve_unknown_commit(pg::Pool& pool, const PublishRequest& request,
                                                        const absl::Status& broken) {
  auto connection = acquire(pool);
  if (!connection.ok()) return broken;
  auto transaction = pg::Transaction::begin(**connection);
  if (!transaction.ok()) return broken;
  const auto locked = (*connection)->execute(sql::kLockHead, pg::Params().add(std::int32_t{request.dataset.id}));
  if (!locked.ok()) return broken;
  const auto stored = find_changeset(**connection, request.organisation, request.header.changeset_id);
  if (!stored.ok()) return broken;
  if (*stored) return same_or_refused(**stored, request);
  return make_error(
      absl::StatusCode::kUnavailable, "COMMIT_LOST",
      "the connection to the database broke and the changeset was not committed; send it again with the same id");
}

}  // namespace

absl::StatusOr<std::optional<StoredChangeset>> find_changeset(pg::Connection& connection,
                                                              const std::string& organisation,
                                                              const std::string& changeset_id) {
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection.execute(sql::kFindChangeset, pg::Params().add(organisation).add(changeset_id)));
  if (result.rows() == 0) return std::nullopt;
  LT_ASSIGN_OR_RETURN(auto receipt, feature::receipt_from_json(result.get_text(0, 1)));
  return StoredChangeset{*digest_from_bytes(result.get_bytes(0, 0)), std::move(receipt)};
}

absl::StatusOr<feature::Receipt> publish(pg::Pool& pool, const PublishRequest& request, StagedChanges& staged) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  LT_ASSIGN_OR_RETURN(const auto known, find_changeset(*connection, request.organisation, request.header.changeset_id));
  if (known) return same_or_refused(*known, request);
  auto receipt = PublishTransaction(*connection, request, staged).run();
  const std::string reason = error_reason(receipt.status());
  if (reason == "COMMIT_UNKNOWN") return resolve_unknown_commit(pool, request, receipt.status());
  if (reason != "CHANGESET_RACE") return receipt;
  LT_ASSIGN_OR_RETURN(const auto winner,
                      find_changeset(*connection, request.organisation, request.header.changeset_id));
  if (!winner) return receipt;
  return same_or_refused(*winner, request);
}

}  // namespace lt::storage
