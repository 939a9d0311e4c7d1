#include "storage/staging.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "pg/copy.hpp"
#include "storage/acquire.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

// First key of the two-part advisory lock that owns staging; the second is the owner's number.
constexpr std::int32_t kOwnerLockClass = 0x4c54;
constexpr std::size_t kMaxListed = 20;
constexpr std::int64_t kAnalyzeFrom = 1000;
constexpr int kColumns = 13;

absl::Status staging_lost() {
  return make_error(
      absl::StatusCode::kAborted, "STAGING_LOST",
      "what was staged is gone because the database restarted; send the changeset again with the same id");
}

void note_duplicate(std::vector<FieldViolation>& list, const std::string& id, std::int64_t first, std::int64_t second) {
  if (list.size() >= kMaxListed) return;
  list.push_back(
      {fmt::format("feature '{}'", id), fmt::format("stands twice: change {} and change {}", first, second)});
}

// Properties by field number, for SQL.
std::string properties_json(const feature::State& state) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [number, value] : state.properties) json[std::to_string(number)] = feature::value_to_json(value);
  return json.dump();
}

void add_box(pg::CopyEncoder& row, const feature::State* state) {
  const auto box = state && state->geometry ? geo::round_outwards(state->geometry->box) : std::nullopt;
  for (std::size_t i = 0; i < 4; ++i) {
    if (box) {
      row.add((*box)[i]);
    } else {
      row.add_null();
    }
  }
}

void add_state(pg::CopyEncoder& row, const feature::Change& change, const feature::State& state, int srid) {
  row.add_bytes(view(feature::content_hash(change.record)));
  if (state.geometry) {
    row.add_bytes(geo::to_ewkb(*state.geometry, srid));
  } else {
    row.add_null();
  }
  row.add_jsonb(properties_json(state));
  row.add_bytes(change.record);
}

}  // namespace

StagingOwner::StagingOwner(pg::ConnectOptions options, pg::Connection session, std::int64_t key)
    : options_(std::move(options)), key_(key), session_(std::move(session)) {}

absl::StatusOr<std::unique_ptr<StagingOwner>> StagingOwner::start(pg::ConnectOptions options) {
  options.purpose = "staging-owner";
  // The session is idle between sweeps, by design.
  options.idle_in_transaction_timeout = std::chrono::milliseconds(0);
  LT_ASSIGN_OR_RETURN(auto session, pg::Connection::open(options));
  LT_ASSIGN_OR_RETURN(const auto key, session.execute(sql::kNextStagingOwner));
  const std::int64_t number = key.get_int(0, 0);
  auto owner = std::unique_ptr<StagingOwner>(new StagingOwner(std::move(options), std::move(session), number));
  absl::MutexLock lock(&owner->mutex_);
  LT_RETURN_IF_ERROR(owner->is_ownerless(number).status());
  return owner;
}

std::string StagingOwner::next_table() {
  return fmt::format("lienthong_staging.staged_{}_{}", key_, next_.fetch_add(1));
}

absl::StatusOr<bool> StagingOwner::is_ownerless(std::int64_t owner) {
  LT_ASSIGN_OR_RETURN(const auto taken,
                      session_.execute("SELECT pg_try_advisory_lock($1, $2)",
                                       pg::Params().add(kOwnerLockClass).add(static_cast<std::int32_t>(owner))));
  return taken.get_bool(0, 0);
}

absl::Status StagingOwner::renew() {
  if (!session_.is_broken() && session_.execute("SELECT 1").ok()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(session_, pg::Connection::open(options_));
  return is_ownerless(key_).status();
}

absl::StatusOr<int> StagingOwner::sweep() {
  absl::MutexLock lock(&mutex_);
  LT_RETURN_IF_ERROR(renew());
  int dropped = 0;
  LT_ASSIGN_OR_RETURN(const auto attempts, session_.execute(sql::kListAttempts));
  for (int r = 0; r < attempts.rows(); ++r) {
    const std::int64_t owner = attempts.get_int(r, 1);
    if (owner == key_) continue;
    LT_ASSIGN_OR_RETURN(const bool ownerless, is_ownerless(owner));
    if (!ownerless) continue;
    LT_RETURN_IF_ERROR(session_.execute_script(fmt::format("DROP TABLE IF EXISTS {}", attempts.get_text(r, 2))));
    LT_RETURN_IF_ERROR(session_.execute(sql::kDeleteAttempt, pg::Params().add(attempts.get_text(r, 0))).status());
    LT_RETURN_IF_ERROR(session_
                           .execute("SELECT pg_advisory_unlock($1, $2)",
                                    pg::Params().add(kOwnerLockClass).add(static_cast<std::int32_t>(owner)))
                           .status());
    ++dropped;
  }
  LT_ASSIGN_OR_RETURN(const auto orphans, session_.execute(sql::kListStagedTables));
  for (int r = 0; r < orphans.rows(); ++r) {
    LT_RETURN_IF_ERROR(session_.execute_script(fmt::format("DROP TABLE IF EXISTS {}", orphans.get_text(r, 0))));
    ++dropped;
  }
  return dropped;
}

StagedChanges::StagedChanges(pg::Pool& pool, StagingOwner& owner, const Dataset& dataset, int srid,
                             std::string attempt_id, StagingLimits limits, bool hash_only)
    : pool_(pool),
      owner_(owner),
      dataset_(dataset),
      srid_(srid),
      attempt_id_(std::move(attempt_id)),
      limits_(limits),
      hash_only_(hash_only) {}

StagedChanges::~StagedChanges() { drop_table(); }

void StagedChanges::drop_table() noexcept {
  if (table_.empty()) return;
  auto connection = acquire(pool_);
  absl::Status status = connection.status();
  if (status.ok()) status = (*connection)->execute_script(fmt::format("DROP TABLE IF EXISTS {}", table_));
  if (status.ok()) status = (*connection)->execute(sql::kDeleteAttempt, pg::Params().add(attempt_id_)).status();
  // What stays behind is swept once this process is gone.
  if (!status.ok()) spdlog::warn("event=staging_not_dropped attempt={} error=\"{}\"", attempt_id_, message_of(status));
}

absl::Status StagedChanges::add(const feature::Change& change, const feature::State* state) {
  const Digest hash = feature::change_hash(dataset_.name, change);
  pg::CopyEncoder& row = rows_;
  row.begin_row(kColumns);
  row.add(change.sequence);
  row.add(change.base_version);
  add_box(row, state);
  row.add_char(static_cast<char>(change.op));
  row.add(std::string_view(change.id));
  row.add_bytes(view(hash));
  if (state && !hash_only_) {
    add_state(row, change, *state, srid_);
  } else {
    for (int i = 0; i < 4; ++i) row.add_null();
  }
  ++count_;
  running_hash_ = Sha256().update(view(running_hash_)).update(view(hash)).finish();
  if (table_.empty()) {
    keys_.push_back({change.id, change.sequence, hash});
    if (rows_.size() <= limits_.memory_bytes) return absl::OkStatus();
    return flush();
  }
  return rows_.size() < limits_.piece_bytes ? absl::OkStatus() : flush();
}

absl::Status StagedChanges::create_table(pg::Connection& connection) {
  const std::string table = owner_.next_table();
  LT_RETURN_IF_ERROR(connection.execute_script(sql_for(sql::kCreateStagedTable, dataset_.id, table)));
  LT_RETURN_IF_ERROR(
      connection.execute(sql::kInsertAttempt, pg::Params().add(attempt_id_).add(owner_.key()).add(table)).status());
  table_ = table;
  return absl::OkStatus();
}

absl::Status StagedChanges::flush() {
  if (rows_.size() == 0) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(*connection));
  const bool first = table_.empty();
  if (first) LT_RETURN_IF_ERROR(create_table(*connection));
  const auto written = [&]() -> absl::Status {
    LT_ASSIGN_OR_RETURN(auto copy, connection->copy_in(sql_for(sql::kCopyStaged, dataset_.id, table_)));
    LT_RETURN_IF_ERROR(copy.write_raw(rows_.bytes()));
    LT_RETURN_IF_ERROR(copy.finish().status());
    pg::Params progress;
    progress.add(attempt_id_).add(piece_ + 1).add(count_).add_bytes(view(running_hash_));
    LT_ASSIGN_OR_RETURN(const auto updated, connection->execute(sql::kUpdateAttempt, progress));
    if (updated.affected() != 1) return staging_lost();
    return transaction.commit();
  }();
  if (!written.ok()) {
    if (first) table_.clear();
    return written;
  }
  ++piece_;
  staged_ = count_;
  rows_.clear();
  keys_ = {};
  return absl::OkStatus();
}

absl::Status StagedChanges::check_not_lost(pg::Connection& connection) {
  LT_ASSIGN_OR_RETURN(const auto progress, connection.execute(sql::kFindAttempt, pg::Params().add(attempt_id_)));
  const bool intact = progress.rows() == 1 && progress.get_int(0, 0) == piece_ && progress.get_int(0, 1) == count_ &&
                      progress.get_bytes(0, 2) == view(running_hash_);
  return intact ? absl::OkStatus() : staging_lost();
}

absl::Status StagedChanges::hash_memory(feature::ContentHasher& hasher, std::vector<FieldViolation>& duplicates) {
  std::sort(keys_.begin(), keys_.end(),
            [](const Key& a, const Key& b) { return a.id != b.id ? a.id < b.id : a.sequence < b.sequence; });
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    hasher.add(keys_[i].hash);
    if (i > 0 && keys_[i].id == keys_[i - 1].id) {
      note_duplicate(duplicates, keys_[i].id, keys_[i - 1].sequence, keys_[i].sequence);
    }
  }
  return absl::OkStatus();
}

absl::Status StagedChanges::hash_table(feature::ContentHasher& hasher, std::vector<FieldViolation>& duplicates) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_RETURN_IF_ERROR(check_not_lost(*connection));
  std::int64_t rows = 0;
  std::string last_id;
  std::int64_t last_sequence = 0;
  const auto each = [&](const pg::Row& row) {
    const std::string_view id = row.get_text(0);
    if (rows > 0 && id == last_id) note_duplicate(duplicates, last_id, last_sequence, row.get_int(1));
    last_id = id;
    last_sequence = row.get_int(1);
    hasher.add(*digest_from_bytes(row.get_bytes(2)));
    ++rows;
    return absl::OkStatus();
  };
  LT_RETURN_IF_ERROR(connection->for_each_row(sql_for(sql::kStagedHashes, dataset_.id, table_), {}, each));
  return rows == count_ ? absl::OkStatus() : staging_lost();
}

absl::StatusOr<Digest> StagedChanges::seal(const feature::ChangesetHeader& header) {
  feature::ContentHasher hasher(header);
  std::vector<FieldViolation> duplicates;
  if (table_.empty()) {
    LT_RETURN_IF_ERROR(hash_memory(hasher, duplicates));
  } else {
    LT_RETURN_IF_ERROR(flush());
    LT_RETURN_IF_ERROR(hash_table(hasher, duplicates));
  }
  if (!duplicates.empty()) {
    const std::string message = fmt::format("{}: {}; send each feature once per changeset", duplicates.front().field,
                                            duplicates.front().description);
    // "feature 'ID'"
    const std::string id = duplicates.front().field.substr(9, duplicates.front().field.size() - 10);
    return make_error(absl::StatusCode::kInvalidArgument, "DUPLICATE_ID", message, {{"feature_id", id}},
                      std::move(duplicates));
  }
  return hasher.finish();
}

absl::Status StagedChanges::provide(pg::Connection& connection) {
  LT_RETURN_IF_ERROR(connection.execute_script(std::string(sql::kCreateTemporaryTables)));
  if (table_.empty() && count_ > 0) {
    LT_ASSIGN_OR_RETURN(auto copy, connection.copy_in(sql_for(sql::kCopyStaged, dataset_.id, relation())));
    LT_RETURN_IF_ERROR(copy.write_raw(rows_.bytes()));
    LT_RETURN_IF_ERROR(copy.finish().status());
  }
  if (!table_.empty()) LT_RETURN_IF_ERROR(check_not_lost(connection));
  if (count_ < kAnalyzeFrom) return absl::OkStatus();
  return connection.execute_script(fmt::format("ANALYZE {} (fid)", relation()));
}

std::string_view StagedChanges::relation() const { return table_.empty() ? "lt_staged" : std::string_view(table_); }

}  // namespace lt::storage
