#include "storage/publish.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/record.hpp"
#include "geo/validity.hpp"
#include "storage/acquire.hpp"
#include "storage/confirm.hpp"
#include "storage/detail/staged_row.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr std::size_t kMaxViolations = 20;
constexpr std::int64_t kAnalyzeFrom = 1000;
constexpr std::int64_t kPageRows = 4096;
constexpr std::int64_t kPageBytes = 4 << 20;
constexpr int kFilledColumns = 9;
// The guard of docs/data-model.md: deletes of a snapshot beyond max(10, 10 % of the features) need allow_mass_delete.
constexpr std::int64_t kMassDeleteFloor = 10;
constexpr std::int64_t kMassDeletePercent = 10;

struct Head {
  std::int64_t version = 0;
  std::string digest;
  std::optional<std::int64_t> changed_us;
  std::int64_t feature_count = 0;
  std::int32_t schema_revision = 0;
  std::int64_t horizon = 0;
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

// The part of a publish transaction that belongs to one dataset.
class DatasetPublish {
 public:
  DatasetPublish(pg::Connection& connection, const PublishRequest& request, const StagedChangeset::Part& part)
      : connection_(connection), request_(request), part_(part) {}

  const Dataset& dataset() const { return part_.dataset; }
  const Head& head() const { return head_; }
  const Effects& effects() const { return effects_; }
  std::int64_t quarantined() const { return quarantined_; }
  std::int64_t findings() const { return findings_; }
  std::int64_t collapsed() const { return collapsed_; }

  absl::Status settle_repeats();
  absl::Status prepare();
  absl::Status lock();
  absl::Status recheck();
  absl::Status examine();
  absl::Status list_conflicts(std::vector<Conflict>& conflicts, std::int64_t limit);
  absl::Status check_snapshot() const;
  absl::Status merge(std::int64_t version);
  absl::Status quarantine(std::int64_t now_us, std::int64_t version);
  absl::StatusOr<std::int64_t> store_findings(std::int64_t taken, std::int64_t limit);
  absl::Status move_head(std::int64_t version, std::int64_t changeset_row, const feature::Receipt& receipt);

 private:
  std::string sql(std::string_view text) const { return sql_for(text, part_.dataset.id, part_.relation, part_.effect); }
  pg::Params dataset_params() const { return pg::Params().add(std::int32_t{part_.dataset.id}); }
  bool is_snapshot() const { return request_.header.kind == feature::ChangesetKind::kSnapshot; }
  std::optional<std::int64_t> base_version() const { return request_.header.base_version_of(part_.dataset.name); }

  absl::StatusOr<pg::Result> with_version(std::string_view text, std::int64_t version) {
    return connection_.execute(sql(text), pg::Params().add(version));
  }
  absl::Status prepare_since(std::optional<std::int64_t> since);
  absl::Status prepare_absent(std::optional<std::int64_t> since);
  absl::Status fill_partials(std::optional<std::int64_t> since);
  absl::Status fill_page(const pg::Result& page);
  absl::Status decide_scope();
  absl::Status check_base_versions();
  absl::Status count_effects();

  pg::Connection& connection_;
  const PublishRequest& request_;
  const StagedChangeset::Part& part_;
  std::int64_t prepared_head_ = 0;
  std::int64_t collapsed_ = 0;
  std::int64_t quarantined_ = 0;
  std::int64_t findings_ = 0;
  Head head_;
  Effects effects_;
};

absl::Status DatasetPublish::settle_repeats() {
  if (request_.duplicates == 0) return absl::OkStatus();
  if (request_.header.collapse_repeated) {
    LT_ASSIGN_OR_RETURN(const auto removed, connection_.execute(sql(sql::kCollapseRepeated)));
    collapsed_ = removed.affected();
    return absl::OkStatus();
  }
  return connection_.execute(sql(sql::kMarkDuplicates)).status();
}

absl::Status DatasetPublish::fill_page(const pg::Result& page) {
  pg::CopyEncoder rows;
  for (int r = 0; r < page.rows(); ++r) {
    LT_ASSIGN_OR_RETURN(auto partial, feature::decode_record(page.get_bytes(r, 2)));
    LT_ASSIGN_OR_RETURN(auto stored, feature::decode_record(page.get_bytes(r, 3)));
    const auto mask = feature::mask_from_string(page.get_text(r, 1));
    const auto state = feature::apply_mask(std::move(stored.state), partial.state, mask);
    rows.begin_row(kFilledColumns);
    add_box(rows, &state);
    add_whole_state(rows, feature::encode_record(part_.dataset.schema_revision, state), state, part_.srid);
    rows.add(page.get_text(r, 0));
  }
  LT_RETURN_IF_ERROR(connection_.execute("DELETE FROM lt_filled").status());
  LT_ASSIGN_OR_RETURN(auto copy, connection_.copy_in(std::string(sql::kCopyFilled)));
  LT_RETURN_IF_ERROR(copy.write_raw(rows.bytes()));
  LT_RETURN_IF_ERROR(copy.finish().status());
  return connection_.execute(sql(sql::kFillPartial)).status();
}

// Partial updates get their whole state from what is stored now.
absl::Status DatasetPublish::fill_partials(std::optional<std::int64_t> since) {
  if (!part_.has_masks) return absl::OkStatus();
  LT_RETURN_IF_ERROR(connection_.execute_script(std::string(sql::kCreateFilled)));
  if (!since && part_.in_table) {
    LT_RETURN_IF_ERROR(connection_.execute_script(fmt::format("CREATE INDEX ON {} (fid)", part_.relation)));
  }
  std::string last;
  while (true) {
    const auto params = pg::Params().add(last).add(kPageRows).add(kPageBytes).add(since);
    LT_ASSIGN_OR_RETURN(const auto page, connection_.execute(sql(sql::kListPartial), params));
    if (page.rows() == 0) return absl::OkStatus();
    last = page.get_text(page.rows() - 1, 0);
    LT_RETURN_IF_ERROR(fill_page(page));
  }
}

absl::Status DatasetPublish::prepare_absent(std::optional<std::int64_t> since) {
  const auto box = request_.scope ? geo::round_outwards(request_.scope->box) : std::nullopt;
  pg::Params params = pg::Params().add(since).add(base_version());
  for (std::size_t i = 0; i < 4; ++i) params.add(box ? std::optional<float>((*box)[i]) : std::nullopt);
  return connection_.execute(sql(sql::kPrepareAbsent), params).status();
}

absl::Status scope_undecidable(std::string_view id, const absl::Status& why) {
  return make_error(
      absl::StatusCode::kFailedPrecondition, "SCOPE_UNDECIDABLE",
      fmt::format("feature '{}': its stored geometry is not valid, so whether it is inside the scope cannot "
                  "be told ({}); correct it first",
                  id, message_of(why)),
      {{"feature_id", std::string(id)}});
}

// Effects that depend on whether the stored geometry is inside the scope: an exact test, of those whose box meets it.
absl::Status DatasetPublish::decide_scope() {
  const geo::Geos geos;
  std::string last;
  while (true) {
    const auto params = pg::Params().add(last).add(kPageRows).add(kPageBytes);
    LT_ASSIGN_OR_RETURN(const auto page, connection_.execute(sql(sql::kListUndecided), params));
    if (page.rows() == 0) return absl::OkStatus();
    last = page.get_text(page.rows() - 1, 0);
    std::vector<std::string> inside;
    std::vector<std::string> outside;
    for (int r = 0; r < page.rows(); ++r) {
      LT_ASSIGN_OR_RETURN(const auto stored, feature::decode_record(page.get_bytes(r, 1)));
      if (!stored.state.geometry) return absl::InternalError("a feature with a box has no geometry");
      const auto found = geos.is_inside(*stored.state.geometry, *request_.scope);
      if (!found.ok()) return scope_undecidable(page.get_text(r, 0), found.status());
      (*found ? inside : outside).emplace_back(page.get_text(r, 0));
    }
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kDecideInside), pg::Params().add_text_array(inside)).status());
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kDecideOutside), pg::Params().add_text_array(outside)).status());
  }
}

absl::Status DatasetPublish::prepare_since(std::optional<std::int64_t> since) {
  LT_RETURN_IF_ERROR(fill_partials(since));
  const auto params = pg::Params().add(since).add(base_version());
  LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kPrepareChanges), params).status());
  if (is_snapshot()) LT_RETURN_IF_ERROR(prepare_absent(since));
  return request_.scope ? decide_scope() : absl::OkStatus();
}

absl::Status DatasetPublish::prepare() {
  LT_ASSIGN_OR_RETURN(const auto seen, connection_.execute(sql::kReadHead, dataset_params()));
  prepared_head_ = seen.get_int(0, 0);
  LT_RETURN_IF_ERROR(prepare_since(std::nullopt));
  if (part_.changes < kAnalyzeFrom) return absl::OkStatus();
  return connection_.execute_script(fmt::format("ANALYZE {} (fid, op)", part_.effect));
}

absl::Status DatasetPublish::lock() {
  LT_ASSIGN_OR_RETURN(const auto row, connection_.execute(sql::kLockHead, dataset_params()));
  head_ = {row.get_int(0, 0),
           std::string(row.get_text(0, 1)),
           row.get_optional_timestamp_us(0, 2),
           row.get_int(0, 3),
           static_cast<std::int32_t>(row.get_int(0, 4)),
           row.get_int(0, 5)};
  return absl::OkStatus();
}

absl::Status DatasetPublish::recheck() {
  if (head_.schema_revision != part_.dataset.schema_revision) {
    return make_error(absl::StatusCode::kAborted, "SCHEMA_CHANGED",
                      fmt::format("the schema of dataset \"{}\" changed while the changeset was being sent; send it "
                                  "again",
                                  part_.dataset.name));
  }
  if (head_.version == prepared_head_) return absl::OkStatus();
  if (head_.horizon > prepared_head_) {  // what changed meanwhile may be compacted already: look at everything
    LT_RETURN_IF_ERROR(connection_.execute(fmt::format("DELETE FROM {}", part_.effect)).status());
    return prepare_since(std::nullopt);
  }
  LT_RETURN_IF_ERROR(with_version(sql::kForgetChanged, prepared_head_).status());
  return prepare_since(prepared_head_);
}

absl::Status DatasetPublish::check_base_versions() {
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection_.execute(fmt::format("SELECT max(base_version) FROM {}", part_.effect)));
  const std::int64_t largest = std::max(result.get_optional_int(0, 0).value_or(0), base_version().value_or(0));
  if (largest <= head_.version) return absl::OkStatus();
  return make_error(absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
                    fmt::format("base_version {} is beyond the head {} of dataset \"{}\"", largest, head_.version,
                                part_.dataset.name),
                    {{"dataset", part_.dataset.name}, {"head", std::to_string(head_.version)}});
}

absl::Status DatasetPublish::count_effects() {
  LT_ASSIGN_OR_RETURN(const auto result, connection_.execute(sql(sql::kCountEffects)));
  for (int r = 0; r < result.rows(); ++r) {
    const std::int64_t n = result.get_int(r, 1);
    switch (result.get_char(r, 0)) {
      case 'I': effects_.inserted = n; break;
      case 'U': effects_.updated = n; break;
      case 'D': effects_.deleted = n; break;
      case '=': effects_.unchanged = n; break;
      default: effects_.conflicts += n;
    }
  }
  return absl::OkStatus();
}

absl::Status DatasetPublish::examine() {
  LT_RETURN_IF_ERROR(check_base_versions());
  LT_RETURN_IF_ERROR(count_effects());
  if (request_.findings == 0 && request_.duplicates == 0) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const auto counted, connection_.execute(sql(sql::kCountQuarantined)));
  quarantined_ = counted.get_int(0, 0);
  findings_ = counted.get_int(0, 1);
  return absl::OkStatus();
}

absl::Status DatasetPublish::list_conflicts(std::vector<Conflict>& conflicts, std::int64_t limit) {
  LT_ASSIGN_OR_RETURN(const auto rows, connection_.execute(sql(sql::kListConflicts), dataset_params().add(limit)));
  for (int r = 0; r < rows.rows(); ++r) {
    Conflict conflict{part_.dataset.name,
                      std::string(rows.get_text(r, 0)),
                      static_cast<ConflictKind>(rows.get_char(r, 1)),
                      std::nullopt,
                      rows.get_int(r, 3),
                      {},
                      {}};
    if (!rows.is_null(r, 2)) conflict.expected_version = rows.get_int(r, 2);
    if (!rows.is_null(r, 4)) conflict.found_organisation = rows.get_text(r, 4);
    if (!rows.is_null(r, 5)) conflict.found_us = rows.get_timestamp_us(r, 5);
    conflicts.push_back(std::move(conflict));
  }
  return absl::OkStatus();
}

absl::Status DatasetPublish::check_snapshot() const {
  if (!is_snapshot() || request_.header.allow_mass_delete) return absl::OkStatus();
  if (part_.changes == 0) {
    return make_error(absl::StatusCode::kFailedPrecondition, "EMPTY_SNAPSHOT",
                      "a snapshot without features would delete everything; set allow_mass_delete if that is meant");
  }
  const std::int64_t features =
      request_.scope ? effects_.deleted + effects_.updated + effects_.unchanged : head_.feature_count;
  const std::int64_t allowed = std::max(kMassDeleteFloor, features * kMassDeletePercent / 100);
  if (effects_.deleted <= allowed) return absl::OkStatus();
  return make_error(
      absl::StatusCode::kFailedPrecondition, "MASS_DELETE",
      fmt::format("the snapshot would delete {} of {} features, more than the {} allowed; check the export, or set "
                  "allow_mass_delete if that is meant",
                  effects_.deleted, features, allowed),
      {{"deletes", std::to_string(effects_.deleted)},
       {"allowed", std::to_string(allowed)},
       {"features", std::to_string(features)}});
}

absl::Status DatasetPublish::merge(std::int64_t version) {
  LT_ASSIGN_OR_RETURN(const auto logged, with_version(sql::kMergeLog, version));
  if (logged.affected() != effects_.changes()) return absl::InternalError("log rows differ from the effects counted");
  if (effects_.updated > 0) {
    LT_ASSIGN_OR_RETURN(const auto updated, with_version(sql::kMergeUpdate, version));
    if (updated.affected() != effects_.updated)
      return absl::InternalError("updated rows differ from the effects counted");
  }
  if (effects_.inserted > 0) {
    LT_RETURN_IF_ERROR(with_version(sql::kMergeInsert, version).status());
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kMergeReturn)).status());
  }
  if (effects_.deleted == 0) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const auto deleted, with_version(sql::kMergeDelete, version));
  return deleted.affected() == effects_.deleted ? absl::OkStatus()
                                                : absl::InternalError("deleted rows differ from the effects counted");
}

// Marks what is released, lets what waits be superseded, and sets aside what is invalid, against the state before the
// merge.
absl::Status DatasetPublish::quarantine(std::int64_t now_us, std::int64_t version) {
  LT_ASSIGN_OR_RETURN(const auto waiting, connection_.execute(sql::kHasQuarantine, dataset_params()));
  const std::string by = fmt::format("changeset {} of {}", request_.header.changeset_id, request_.organisation);
  if (!request_.released_quarantine.empty()) {
    pg::Params params;
    params.add_int8_array(request_.released_quarantine).add(std::int32_t{part_.dataset.id}).add_timestamp_us(now_us);
    params.add(request_.organisation).add(by);
    LT_ASSIGN_OR_RETURN(const auto released, connection_.execute(sql::kReleaseQuarantine, params));
    if (released.affected() != static_cast<std::int64_t>(request_.released_quarantine.size())) {
      return make_error(absl::StatusCode::kFailedPrecondition, "QUARANTINE_DECIDED",
                        "one of the quarantined changes was released, discarded or superseded meanwhile; list them "
                        "again");
    }
  }
  if (waiting.get_bool(0, 0)) {
    pg::Params params = dataset_params();
    params.add_timestamp_us(now_us).add(fmt::format("accepted in version {}: {}", version, by));
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kSupersedeAccepted), params).status());
  }
  if (quarantined_ == 0) return absl::OkStatus();
  pg::Params older = dataset_params();
  older.add_timestamp_us(now_us).add(fmt::format("set aside again: {}", by));
  LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kSupersedeQuarantined), older).status());
  pg::Params items = dataset_params();
  items.add(request_.attempt_id).add(request_.organisation).add_timestamp_us(now_us).add(base_version());
  return connection_.execute(sql(sql::kInsertQuarantine), items).status();
}

absl::StatusOr<std::int64_t> DatasetPublish::store_findings(std::int64_t taken, std::int64_t limit) {
  if (findings_ == 0 || limit <= 0) return 0;
  const auto params = pg::Params().add(request_.attempt_id).add(taken).add(part_.dataset.name).add(limit);
  LT_ASSIGN_OR_RETURN(const auto stored, connection_.execute(sql(sql::kInsertStagedFindings), params));
  return stored.affected();
}

absl::Status DatasetPublish::move_head(std::int64_t version, std::int64_t changeset_row,
                                       const feature::Receipt& receipt) {
  pg::Params row = dataset_params();
  row.add(version).add(changeset_row).add(receipt.digest).add_timestamp_us(receipt.committed_us);
  LT_RETURN_IF_ERROR(connection_.execute(sql::kInsertVersion, row).status());
  pg::Params head = dataset_params();
  head.add(version).add(receipt.digest).add_timestamp_us(receipt.committed_us);
  head.add(effects_.inserted - effects_.deleted);
  LT_ASSIGN_OR_RETURN(const auto moved, connection_.execute(sql::kUpdateHead, head));
  return moved.affected() == 1 ? absl::OkStatus() : absl::InternalError("the head moved under its lock");
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
  std::int64_t now_us_ = 0;  ///< clock of the database after the last lock
};

absl::Status PublishTransaction::prepare() {
  LT_RETURN_IF_ERROR(staged_.provide(connection_));
  for (auto& one : datasets_) {
    LT_RETURN_IF_ERROR(one.settle_repeats());
    LT_RETURN_IF_ERROR(one.prepare());
  }
  return absl::OkStatus();
}

absl::Status PublishTransaction::lock_and_recheck() {
  for (auto& one : datasets_) LT_RETURN_IF_ERROR(one.lock());
  LT_ASSIGN_OR_RETURN(const auto clock, connection_.execute("SELECT clock_timestamp()"));
  now_us_ = clock.get_timestamp_us(0, 0);
  for (auto& one : datasets_) LT_RETURN_IF_ERROR(one.recheck());
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
  for (const auto& one : datasets_) {
    receipt.committed_us = std::max(receipt.committed_us, one.head().changed_us.value_or(0) + 1);
    receipt.changed |= one.effects().changes() > 0;
  }
  if (receipt.changed && !request_.header.dry_run) receipt.commit_id = make_uuid7();
  for (const auto& one : datasets_) {
    const bool moves = one.effects().changes() > 0 && !request_.header.dry_run;
    receipt.datasets.push_back({one.dataset().name, one.dataset().uid, one.head().version + (moves ? 1 : 0),
                                moves ? one.head().digest : std::string()});
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
  pg::Params params;
  params.add(request_.organisation).add(receipt.changeset_id).add_bytes(view(request_.content));
  params.add_timestamp_us(receipt.committed_us).add(feature::receipt_to_json(receipt).dump());
  LT_ASSIGN_OR_RETURN(const auto stored, connection_.execute(sql::kInsertChangeset, params));
  if (stored.rows() == 0) return lost_race();
  for (auto& one : datasets_) {
    if (one.effects().changes() == 0) continue;
    LT_RETURN_IF_ERROR(one.move_head(next_version(one), stored.get_int(0, 0), receipt));
  }
  return record_attempt(receipt);
}

absl::StatusOr<feature::Receipt> PublishTransaction::run() {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(connection_));
  LT_RETURN_IF_ERROR(prepare());
  LT_RETURN_IF_ERROR(lock_and_recheck());
  LT_ASSIGN_OR_RETURN(const auto taken,
                      find_changeset(connection_, request_.organisation, request_.header.changeset_id));
  if (taken) return lost_race();
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
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool));
  LT_ASSIGN_OR_RETURN(const auto known, find_changeset(*connection, request.organisation, request.header.changeset_id));
  if (known) return confirmed(*connection, same_or_refused(*known, request));
  auto receipt = PublishTransaction(*connection, request, staged, report).run();
  const std::string reason = error_reason(receipt.status());
  if (reason == "COMMIT_UNKNOWN") return resolve_unknown_commit(pool, request, staged, receipt.status());
  if (reason != "CHANGESET_RACE" && reason != "COMMIT_UNCONFIRMED") return receipt;
  LT_ASSIGN_OR_RETURN(const auto winner,
                      find_changeset(*connection, request.organisation, request.header.changeset_id));
  if (!winner) return receipt;
  return confirmed(*connection, same_or_refused(*winner, request));
}

}  // namespace lt::storage
