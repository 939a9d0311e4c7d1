#include "storage/publish.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "storage/acquire.hpp"
#include "storage/confirm.hpp"
#include "storage/detail/dataset_publish.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr std::size_t kMaxViolations = 20;
constexpr std::string_view kOrdinaryTransaction = "ISOLATION LEVEL READ COMMITTED";

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

std::string describe(const Conflict& conflict) {
  std::string text;
  switch (conflict.kind) {
    case ConflictKind::kExists: text = "INSERT, but the feature exists with other content"; break;
    case ConflictKind::kMissing: text = "UPDATE, but there is no such feature"; break;
    case ConflictKind::kOutOfScope: text = "outside the scope of the snapshot, as sent and as stored"; break;
    case ConflictKind::kChanged:
      text = fmt::format("base_version {}, but it changed after that", conflict.expected_version.value_or(0));
  }
  if (conflict.found_version == 0) return text;
  text += fmt::format(" (version {}", conflict.found_version);
  if (conflict.found_us) {
    text += fmt::format(" by {} at {}", conflict.found_organisation, format_rfc3339({*conflict.found_us, 0}));
  }
  return text + ")";
}

const char* reason_of(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::kExists: return "FEATURE_EXISTS";
    case ConflictKind::kMissing: return "FEATURE_NOT_FOUND";
    case ConflictKind::kOutOfScope: return "OUT_OF_SCOPE";
    case ConflictKind::kChanged: break;
  }
  return "VERSION_CONFLICT";
}

absl::Status conflict_error(const PublishReport& report, bool several_datasets) {
  if (report.conflicts.empty()) return absl::InternalError("conflicts were counted but not found");
  std::vector<FieldViolation> violations;
  for (const auto& conflict : report.conflicts) {
    if (violations.size() == kMaxViolations) break;
    const std::string where = several_datasets ? conflict.dataset + " " : "";
    violations.push_back({fmt::format("{}feature '{}'", where, conflict.feature_id), describe(conflict)});
  }
  const Conflict& first = report.conflicts.front();
  std::map<std::string, std::string> metadata{{"feature_id", first.feature_id},
                                              {"dataset", first.dataset},
                                              {"conflicts_total", std::to_string(report.conflict_count)},
                                              {"found_version", std::to_string(first.found_version)}};
  if (first.expected_version) metadata["expected_version"] = std::to_string(*first.expected_version);
  const std::string more = report.conflict_count > 1 ? fmt::format(" and {} more", report.conflict_count - 1) : "";
  const std::string message =
      fmt::format("{}: {}{}; read the present state with GetFeature and send the changeset again",
                  violations.front().field, violations.front().description, more);
  const auto code =
      first.kind == ConflictKind::kExists ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kFailedPrecondition;
  return make_error(code, reason_of(first.kind), message, std::move(metadata), std::move(violations));
}

// One try: everything between BEGIN and COMMIT.
class PublishTransaction {
 public:
  PublishTransaction(pg::Connection& connection, const PublishRequest& request, StagedChangeset& staged,
                     PublishReport& report)
      : connection_(connection), request_(request), staged_(staged), report_(report) {
    std::vector<const StagedChangeset::Part*> parts;
    for (const auto& part : staged.parts()) parts.push_back(&part);
    // The order of the locks, the same in every transaction: no two can wait for each other.
    std::sort(parts.begin(), parts.end(), [](const auto* a, const auto* b) { return a->dataset.id < b->dataset.id; });
    for (const auto* part : parts) datasets_.emplace_back(connection, request, *part);
  }

  /// The changeset is the first version of its (one) dataset, and already built.
  void use(const FirstLoad& load) { datasets_.front().use(load); }
  bool is_late() const { return datasets_.front().is_late(); }
  /// The changes go without tables as long as nothing needs them.
  void go_direct();
  bool needs_tables() const {
    return std::any_of(datasets_.begin(), datasets_.end(), [](const auto& one) { return one.needs_tables(); });
  }

  absl::StatusOr<feature::Receipt> run();

 private:
  absl::Status prepare();
  absl::Status lock_and_recheck();
  absl::Status examine();
  feature::Receipt make_receipt() const;
  absl::Status record(const feature::Receipt& receipt);
  absl::Status record_attempt(const feature::Receipt& receipt);
  std::int64_t next_version(const DatasetPublish& one) const {
    return one.head().version + (one.effects().changes() > 0 ? 1 : 0);
  }

  pg::Connection& connection_;
  const PublishRequest& request_;
  StagedChangeset& staged_;
  PublishReport& report_;
  std::deque<DatasetPublish> datasets_;
  bool direct_ = false;
  std::int64_t now_us_ = 0;  ///< clock of the database after the last lock
};

void PublishTransaction::go_direct() {
  direct_ = true;
  for (auto& one : datasets_) one.go_direct();
}

absl::Status PublishTransaction::prepare() {
  if (!direct_) LT_RETURN_IF_ERROR(staged_.provide(connection_));
  for (auto& one : datasets_) {
    LT_RETURN_IF_ERROR(one.settle_repeats());
    LT_RETURN_IF_ERROR(one.prepare());
    LT_RETURN_IF_ERROR(one.find_areas());
  }
  return absl::OkStatus();
}

absl::Status PublishTransaction::lock_and_recheck() {
  for (auto& one : datasets_) LT_RETURN_IF_ERROR(one.lock());
  std::vector<std::int64_t> ids;
  for (const auto& one : datasets_) ids.push_back(one.dataset().id);
  pg::Params params;
  params.add(request_.organisation).add(request_.header.changeset_id).add_int8_array(ids);
  LT_ASSIGN_OR_RETURN(const auto now, connection_.execute(sql::kAfterLock, params));
  now_us_ = now.get_timestamp_us(now.rows() - 1, 0);
  for (auto& one : datasets_) LT_RETURN_IF_ERROR(one.recheck());
  if (now.get_bool(0, 1)) return lost_race();
  int row = 0;
  for (auto& one : datasets_) one.set_waiting(now.get_bool(row++, 2));
  return absl::OkStatus();
}

absl::Status PublishTransaction::examine() {
  report_ = {};
  for (auto& one : datasets_) {
    LT_RETURN_IF_ERROR(one.examine());
    const Effects& effects = one.effects();
    report_.counts.inserted += effects.inserted;
    report_.counts.updated += effects.updated;
    report_.counts.deleted += effects.deleted;
    report_.counts.unchanged += effects.unchanged;
    report_.counts.quarantined += one.quarantined();
    report_.counts.collapsed += one.collapsed();
    report_.counts.findings += one.findings();
    report_.conflict_count += effects.conflicts;
    if (one.needs_tables()) return absl::AbortedError("what goes without tables has no conflict and waits for nobody");
    const std::int64_t room = request_.kept - static_cast<std::int64_t>(report_.conflicts.size());
    if (effects.conflicts > 0 && room > 0) LT_RETURN_IF_ERROR(one.list_conflicts(report_.conflicts, room));
  }
  if (report_.conflict_count > 0 && request_.header.on_conflict == feature::ConflictPolicy::kReject) {
    return conflict_error(report_, datasets_.size() > 1);
  }
  report_.counts.skipped = report_.conflict_count;
  for (const auto& one : datasets_) LT_RETURN_IF_ERROR(one.check_snapshot());
  return absl::OkStatus();
}

feature::Receipt PublishTransaction::make_receipt() const {
  feature::Receipt receipt;
  receipt.attempt_id = request_.attempt_id;
  receipt.changeset_id = request_.header.changeset_id;
  receipt.organisation = request_.organisation;
  receipt.message = request_.header.message;
  receipt.committed_us = now_us_;
  receipt.counts = report_.counts;
  receipt.content_sha256 = to_hex(view(request_.content));
  std::set<std::string> areas;
  for (const auto& one : datasets_) {
    areas.insert(one.areas().begin(), one.areas().end());
    receipt.committed_us = std::max(receipt.committed_us, one.head().changed_us.value_or(0) + 1);
    receipt.changed |= one.effects().changes() > 0;
  }
  receipt.areas.assign(areas.begin(), areas.end());
  if (receipt.changed && !request_.header.dry_run) receipt.commit_id = make_uuid7();
  for (const auto& one : datasets_) {
    const bool moves = one.effects().changes() > 0 && !request_.header.dry_run;
    receipt.datasets.push_back({one.dataset().name, one.dataset().uid, one.head().version + (moves ? 1 : 0),
                                moves ? one.head().digest : std::string(), one.transformations()});
  }
  if (!request_.header.dry_run) receipt.digest = feature::receipt_digest(receipt);
  return receipt;
}

absl::Status PublishTransaction::record_attempt(const feature::Receipt& receipt) {
  Attempt attempt;
  attempt.attempt_id = request_.attempt_id;
  attempt.organisation = request_.organisation;
  attempt.changeset_id = receipt.changeset_id;
  attempt.dataset = request_.header.dataset;
  attempt.outcome = AttemptOutcome::kAccepted;
  attempt.commit_id = receipt.commit_id;
  attempt.started_us = request_.started_us;
  attempt.ended_us = std::max(receipt.committed_us, request_.started_us);
  attempt.received = staged_.count();
  attempt.counts = receipt.counts;
  attempt.findings = receipt.counts.findings;
  attempt.conflicts = report_.conflict_count;
  LT_RETURN_IF_ERROR(store_attempt(connection_, attempt, {}, report_.conflicts));
  std::int64_t stored = 0;
  for (auto& one : datasets_) {
    LT_ASSIGN_OR_RETURN(const auto added, one.store_findings(stored, request_.kept - stored));
    stored += added;
  }
  return absl::OkStatus();
}

absl::Status PublishTransaction::record(const feature::Receipt& receipt) {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> versions;
  std::vector<std::int64_t> added;
  for (const auto& one : datasets_) {
    const Effects& effects = one.effects();
    if (effects.changes() == 0) continue;
    ids.push_back(one.dataset().id);
    versions.push_back(next_version(one));
    added.push_back(effects.inserted - effects.deleted);
  }
  pg::Params params;
  params.add(request_.organisation).add(receipt.changeset_id).add_bytes(view(request_.content));
  params.add_timestamp_us(receipt.committed_us).add(feature::receipt_to_json(receipt).dump()).add(receipt.digest);
  params.add_int8_array(ids).add_int8_array(versions).add_int8_array(added);
  LT_ASSIGN_OR_RETURN(const auto stored, connection_.execute(sql::kRecordChangeset, params));
  if (stored.get_int(0, 0) == 0) return lost_race();
  if (stored.get_int(0, 1) != static_cast<std::int64_t>(ids.size())) {
    return absl::InternalError("the head moved under its lock");
  }
  return record_attempt(receipt);
}

absl::StatusOr<feature::Receipt> PublishTransaction::run() {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(
                                            connection_, direct_ ? DirectChanges::kTransaction : kOrdinaryTransaction));
  LT_RETURN_IF_ERROR(prepare());
  LT_RETURN_IF_ERROR(lock_and_recheck());
  LT_RETURN_IF_ERROR(examine());
  const feature::Receipt receipt = make_receipt();
  if (request_.header.dry_run) return receipt;
  for (auto& one : datasets_) {
    LT_RETURN_IF_ERROR(one.quarantine(receipt.committed_us, next_version(one)));
    if (one.effects().changes() > 0) LT_RETURN_IF_ERROR(one.merge(next_version(one)));
  }
  LT_RETURN_IF_ERROR(record(receipt));
  LT_RETURN_IF_ERROR(transaction.commit());
  return receipt;
}

// Locks every dataset of the changeset: once that succeeds an earlier transaction over them is over.
absl::Status lock_all(pg::Connection& connection, const StagedChangeset& staged) {
  std::vector<std::int32_t> ids;
  for (const auto& part : staged.parts()) ids.push_back(part.dataset.id);
  std::sort(ids.begin(), ids.end());
  for (const std::int32_t id : ids) {
    LT_RETURN_IF_ERROR(connection.execute(sql::kLockHead, pg::Params().add(id)).status());
  }
  return absl::OkStatus();
}

// A receipt of a commit that its own COMMIT did not acknowledge, or that another connection made: to be given out when
// the synchronous standbys have it. Without any it costs one statement.
absl::StatusOr<feature::Receipt> confirmed(pg::Connection& connection, absl::StatusOr<feature::Receipt> receipt) {
  if (!receipt.ok()) return receipt;
  LT_RETURN_IF_ERROR(confirm(connection));
  return receipt;
}

// After a COMMIT without an answer: once the dataset's row can be locked the old transaction is over, so its changeset
// is either there or never will be.
absl::StatusOr<feature::Receipt> resolve_unknown_commit(pg::Pool& pool, const PublishRequest& request,
                                                        const StagedChangeset& staged, const absl::Status& broken) {
  auto connection = acquire(pool);
  if (!connection.ok()) return broken;
  auto transaction = pg::Transaction::begin(**connection);
  if (!transaction.ok()) return broken;
  if (!lock_all(**connection, staged).ok()) return broken;
  const auto stored = find_changeset(**connection, request.organisation, request.header.changeset_id);
  if (!stored.ok()) return broken;
  if (!transaction->rollback().ok()) return broken;  // nobody waits for these locks while a standby is waited for
  if (*stored) return confirmed(**connection, same_or_refused(**stored, request));
  return make_error(
      absl::StatusCode::kUnavailable, "COMMIT_LOST",
      "the connection to the database broke and the changeset was not committed; send it again with the same id");
}

// Nothing when somebody else was first, or reads the empty tables for long: then what was built is of no use.
absl::StatusOr<std::optional<feature::Receipt>> run_first_load(pg::Pool& pool, const PublishRequest& request,
                                                               StagedChangeset& staged, PublishReport& report) {
  const FirstLoad load(pool, staged.parts().front());
  LT_RETURN_IF_ERROR(load.finish());
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  PublishTransaction transaction(*connection, request, staged, report);
  transaction.use(load);
  auto receipt = transaction.run();
  if (transaction.is_late() || error_reason(receipt.status()) == "SQL_LOCK_NOT_AVAILABLE") return std::nullopt;
  return receipt;
}

// Nothing when it turns out to need tables.
absl::StatusOr<std::optional<feature::Receipt>> run_direct(pg::Pool& pool, const PublishRequest& request,
                                                           StagedChangeset& staged, PublishReport& report) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  PublishTransaction transaction(*connection, request, staged, report);
  transaction.go_direct();
  auto receipt = transaction.run();
  if (transaction.needs_tables()) return std::nullopt;
  return receipt;
}

absl::StatusOr<feature::Receipt> run(pg::Pool& pool, const PublishRequest& request, StagedChangeset& staged,
                                     PublishReport& report) {
  if (DirectChanges::fit(request, staged)) {
    LT_ASSIGN_OR_RETURN(auto receipt, run_direct(pool, request, staged, report));
    if (receipt) return *std::move(receipt);
  }
  LT_ASSIGN_OR_RETURN(const bool first, FirstLoad::fits(pool, request, staged));
  if (first) {
    LT_ASSIGN_OR_RETURN(auto receipt, run_first_load(pool, request, staged, report));
    if (receipt) return *std::move(receipt);
  }
  LT_RETURN_IF_ERROR(staged.unload());
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  return PublishTransaction(*connection, request, staged, report).run();
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

absl::StatusOr<feature::Receipt> publish(pg::Pool& pool, const PublishRequest& request, StagedChangeset& staged,
                                         PublishReport& report) {
  const auto find = [&]() -> absl::StatusOr<std::optional<feature::Receipt>> {
    LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
    LT_ASSIGN_OR_RETURN(const auto known,
                        find_changeset(*connection, request.organisation, request.header.changeset_id));
    if (!known) return std::nullopt;
    return confirmed(*connection, same_or_refused(*known, request));
  };
  // Whoever was quicker is found under the locks.
  if (!request.looked_up) {
    LT_ASSIGN_OR_RETURN(auto known, find());
    if (known) return *std::move(known);
  }
  auto receipt = run(pool, request, staged, report);
  const std::string reason = error_reason(receipt.status());
  if (reason == "COMMIT_UNKNOWN") return resolve_unknown_commit(pool, request, staged, receipt.status());
  if (reason != "CHANGESET_RACE" && reason != "COMMIT_UNCONFIRMED") return receipt;
  LT_ASSIGN_OR_RETURN(auto winner, find());
  return winner ? *std::move(winner) : receipt;
}

}  // namespace lt::storage
