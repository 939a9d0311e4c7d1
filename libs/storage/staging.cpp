#include "storage/staging.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "pg/copy.hpp"
#include "storage/acquire.hpp"
#include "storage/detail/staged_row.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

// First key of the two-part advisory lock that owns staging; the second is the owner's number.
constexpr std::int32_t kOwnerLockClass = 0x4c54;
constexpr std::size_t kMaxListed = 1000;
constexpr std::int64_t kAnalyzeFrom = 1000;
constexpr int kColumns = 17;

absl::Status staging_taken() {
  return make_error(absl::StatusCode::kAborted, "STAGING_TAKEN",
                    "another stream went on with this upload; only the newest stream of an attempt counts");
}

absl::Status staging_lost() {
  return make_error(
      absl::StatusCode::kAborted, "STAGING_LOST",
      "what was staged is gone because the database restarted; send the changeset again with the same id");
}

// content_hash, geom, props, payload, mask, partial.
void add_state(pg::CopyEncoder& row, const feature::Change& change, const feature::State& state, int srid) {
  if (!change.mask.empty()) {
    add_nulls(row, 4);
    row.add(feature::to_string(change.mask));
    row.add_bytes(change.record);
    return;
  }
  add_whole_state(row, change.record, state, srid);
  add_nulls(row, 2);
}

// seq, base_version, box, op, fid, change_hash.
void begin_row(pg::CopyEncoder& row, std::int64_t sequence, const std::optional<std::int64_t>& base_version,
               const feature::State* state, feature::ChangeOp op, std::string_view id, const Digest& hash) {
  row.begin_row(kColumns);
  row.add(sequence);
  row.add(base_version);
  add_box(row, state);
  row.add_char(static_cast<char>(op));
  row.add(id);
  row.add_bytes(view(hash));
}

void add_findings(pg::CopyEncoder& row, std::string_view findings) {
  if (findings.empty()) {
    row.add_null();
  } else {
    row.add_jsonb(findings);
  }
}

void note_duplicate(Sealed& sealed, std::size_t place, const std::string& id, std::int64_t first, std::int64_t second) {
  ++sealed.duplicate_count;
  if (sealed.duplicates.size() < kMaxListed) sealed.duplicates.push_back({place, id, first, second});
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

std::string StagingOwner::next_prefix() { return fmt::format("staged_{}_{}", key_, next_.fetch_add(1)); }

void StagingOwner::begin_work(const std::string& attempt_id) {
  absl::MutexLock lock(&active_mutex_);
  active_.insert(attempt_id);
}

void StagingOwner::end_work(const std::string& attempt_id) {
  absl::MutexLock lock(&active_mutex_);
  const auto found = active_.find(attempt_id);
  if (found != active_.end()) active_.erase(found);
}

bool StagingOwner::is_worked_on(const std::string& attempt_id) {
  absl::MutexLock lock(&active_mutex_);
  return active_.contains(attempt_id);
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

absl::StatusOr<bool> StagingOwner::drop_attempt(const std::string& attempt_id, std::int64_t owner,
                                                std::chrono::milliseconds keep) {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(session_));
  LT_ASSIGN_OR_RETURN(const auto gone, session_.execute(sql::kDeleteOldAttempt,
                                                        pg::Params().add(attempt_id).add(owner).add(keep.count())));
  if (gone.rows() == 0) return false;
  LT_ASSIGN_OR_RETURN(const auto tables, session_.execute(sql::kListTablesOf, pg::Params().add(gone.get_text(0, 0))));
  for (int r = 0; r < tables.rows(); ++r) {
    LT_RETURN_IF_ERROR(session_.execute_script(fmt::format("DROP TABLE IF EXISTS {}", tables.get_text(r, 0))));
  }
  LT_RETURN_IF_ERROR(transaction.commit());
  return true;
}

absl::StatusOr<int> StagingOwner::sweep(std::chrono::milliseconds keep) {
  absl::MutexLock lock(&mutex_);
  LT_RETURN_IF_ERROR(renew());
  int dropped = 0;
  LT_ASSIGN_OR_RETURN(const auto attempts, session_.execute(sql::kListAttempts));
  for (int r = 0; r < attempts.rows(); ++r) {
    const std::string attempt(attempts.get_text(r, 0));
    const std::int64_t owner = attempts.get_int(r, 1);
    const bool own = owner == key_;
    if (own && is_worked_on(attempt)) continue;
    if (!own) {
      LT_ASSIGN_OR_RETURN(const bool ownerless, is_ownerless(owner));
      if (!ownerless) continue;
    }
    const auto gone = drop_attempt(attempt, owner, keep);
    if (!own) {
      LT_RETURN_IF_ERROR(session_
                             .execute("SELECT pg_advisory_unlock($1, $2)",
                                      pg::Params().add(kOwnerLockClass).add(static_cast<std::int32_t>(owner)))
                             .status());
    }
    LT_RETURN_IF_ERROR(gone.status());
    if (*gone) ++dropped;
  }
  LT_ASSIGN_OR_RETURN(const auto orphans, session_.execute(sql::kListStagedTables));
  for (int r = 0; r < orphans.rows(); ++r) {
    LT_RETURN_IF_ERROR(session_.execute_script(fmt::format("DROP TABLE IF EXISTS {}", orphans.get_text(r, 0))));
    ++dropped;
  }
  return dropped;
}

StagedChangeset::StagedChangeset(pg::Pool& pool, StagingOwner& owner, Options options)
    : pool_(pool), owner_(owner), options_(std::move(options)) {}

StagedChangeset::~StagedChangeset() {
  if (!suspended_) drop();
  if (!prefix_.empty()) owner_.end_work(options_.attempt_id);
}

void StagedChangeset::drop() noexcept {
  if (prefix_.empty()) return;
  const auto dropped = [&]() -> absl::Status {
    LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
    LT_ASSIGN_OR_RETURN(const auto gone,
                        connection->execute(sql::kDeleteAttempt, pg::Params().add(options_.attempt_id).add(epoch_)));
    if (gone.affected() == 0) return absl::OkStatus();  // taken over, or lost in a crash: the sweeper sees to that
    for (const auto& part : parts_) {
      if (!part.in_table) continue;
      LT_RETURN_IF_ERROR(connection->execute_script(fmt::format("DROP TABLE IF EXISTS {}", part.relation)));
    }
    return absl::OkStatus();
  }();
  // What stays behind is swept.
  if (!dropped.ok()) {
    spdlog::warn("event=staging_not_dropped attempt={} error=\"{}\"", options_.attempt_id, message_of(dropped));
  }
}

bool StagedChangeset::suspend() {
  suspended_ = piece_ > 0 && !options_.hash_only;
  return suspended_;
}

absl::StatusOr<Resumed> StagedChangeset::adopt() {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  pg::Params params;
  params.add(options_.attempt_id).add(options_.organisation).add_bytes(view(options_.header)).add(owner_.key());
  LT_ASSIGN_OR_RETURN(const auto row, connection->execute(sql::kAdoptAttempt, params));
  if (row.rows() == 0) {
    return make_error(absl::StatusCode::kNotFound, "ATTEMPT_UNKNOWN",
                      fmt::format("nothing is staged of attempt {} by this organisation with this header; send "
                                  "everything again without resume_attempt_id",
                                  options_.attempt_id),
                      {{"attempt_id", options_.attempt_id}});
  }
  owner_.begin_work(options_.attempt_id);
  epoch_ = row.get_int(0, 0);
  prefix_ = row.get_text(0, 1);
  piece_ = row.get_int(0, 2);
  staged_sequence_ = sequence_ = row.get_int(0, 3);
  count_ = row.get_int(0, 4);
  running_hash_ = *digest_from_bytes(row.get_bytes(0, 5));
  const auto state = nlohmann::json::parse(row.get_text(0, 6), nullptr, false);
  if (state.is_discarded()) return absl::InternalError("the state of a staged attempt is not JSON");
  Resumed resumed;
  resumed.sequence = staged_sequence_;
  resumed.findings = state.value("findings", std::int64_t{0});
  for (const auto& item : state.value("parts", nlohmann::json::array())) {
    Part part;
    part.changes = item.value("changes", std::int64_t{0});
    part.has_masks = item.value("masks", false);
    part.has_outside = item.value("outside", false);
    part.has_invalid = item.value("invalid", false);
    part.in_table = item.value("in_table", false);
    resumed_.push_back(std::move(part));
    resumed.parts.push_back({item.value("dataset", std::string()), item.value("revision", std::int32_t{0})});
  }
  return resumed;
}

std::size_t StagedChangeset::add_dataset(const Dataset& dataset, int srid) {
  const std::size_t place = parts_.size();
  Part part = place < resumed_.size() ? std::move(resumed_[place]) : Part();
  part.dataset = dataset;
  part.srid = srid;
  part.effect = fmt::format("lt_effect_{}", place);
  part.relation =
      part.in_table ? fmt::format("lienthong_staging.{}_{}", prefix_, dataset.id) : fmt::format("lt_staged_{}", place);
  parts_.push_back(std::move(part));
  return place;
}

void StagedChangeset::note(std::size_t place, std::string_view id, std::int64_t sequence, const Digest& hash) {
  ++count_;
  ++parts_[place].changes;
  running_hash_ = Sha256().update(view(running_hash_)).update(view(hash)).finish();
  if (prefix_.empty()) keys_.push_back({place, std::string(id), sequence, hash});
}

void StagedChangeset::add(std::size_t place, const feature::Change& change, const feature::State* state,
                          const Digest& hash, StagedKind kind, std::string_view findings) {
  Part& part = parts_[place];
  const bool partial = !change.mask.empty();
  begin_row(part.rows, change.sequence, change.base_version, partial ? nullptr : state, change.op, change.id, hash);
  part.rows.add_char(static_cast<char>(kind));
  if (state && !options_.hash_only) {
    add_state(part.rows, change, *state, part.srid);
  } else {
    add_nulls(part.rows, 6);
  }
  add_findings(part.rows, findings);
  part.has_masks |= partial;
  part.has_outside |= kind == StagedKind::kOutside;
  note(place, change.id, change.sequence, hash);
}

void StagedChangeset::add_invalid(std::size_t place, const InvalidChange& change, std::string_view findings) {
  Part& part = parts_[place];
  begin_row(part.rows, change.sequence, change.base_version, nullptr, change.op, change.id, change.hash);
  part.rows.add_char(static_cast<char>(StagedKind::kInvalid));
  add_nulls(part.rows, 3);
  part.rows.add_bytes(change.sent);
  add_nulls(part.rows, 2);
  add_findings(part.rows, findings);
  part.has_invalid = true;
  note(place, change.id, change.sequence, change.hash);
}

std::size_t StagedChangeset::buffered_bytes() const {
  std::size_t bytes = 0;
  for (const auto& part : parts_) bytes += part.rows.size();
  return bytes;
}

absl::Status StagedChangeset::end_batch(std::int64_t sequence, std::int64_t findings) {
  sequence_ = sequence;
  const std::size_t limit = prefix_.empty() ? options_.limits.memory_bytes : options_.limits.piece_bytes;
  return buffered_bytes() <= limit ? absl::OkStatus() : flush(findings);
}

std::string StagedChangeset::state_json(std::int64_t findings) const {
  nlohmann::json parts = nlohmann::json::array();
  for (const auto& part : parts_) {
    parts.push_back({{"dataset", part.dataset.name},
                     {"revision", part.dataset.schema_revision},
                     {"changes", part.changes},
                     {"masks", part.has_masks},
                     {"outside", part.has_outside},
                     {"invalid", part.has_invalid},
                     {"in_table", part.in_table}});
  }
  return nlohmann::json{{"parts", std::move(parts)}, {"findings", findings}}.dump();
}

absl::Status StagedChangeset::write_piece(pg::Connection& connection, std::int64_t findings) {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(connection));
  if (piece_ == 0) {
    pg::Params attempt;
    attempt.add(options_.attempt_id).add(options_.organisation).add_bytes(view(options_.header));
    attempt.add(owner_.key()).add(prefix_);
    LT_RETURN_IF_ERROR(connection.execute(sql::kInsertAttempt, attempt).status());
  }
  for (auto& part : parts_) {
    if (part.rows.size() == 0) continue;
    if (!part.in_table) {
      part.relation = fmt::format("lienthong_staging.{}_{}", prefix_, part.dataset.id);
      LT_RETURN_IF_ERROR(connection.execute_script(sql_for(sql::kCreateStagedTable, part.dataset.id, part.relation)));
      part.in_table = true;
    }
    LT_RETURN_IF_ERROR(copy_memory(connection, part));
  }
  pg::Params progress;
  progress.add(options_.attempt_id).add(epoch_).add(piece_ + 1).add(count_).add_bytes(view(running_hash_));
  progress.add(sequence_).add_jsonb(state_json(findings));
  LT_ASSIGN_OR_RETURN(const auto updated, connection.execute(sql::kUpdateAttempt, progress));
  if (updated.affected() != 1) {
    const auto found = connection.execute(sql::kFindAttempt, pg::Params().add(options_.attempt_id));
    return found.ok() && found->rows() == 1 && found->get_int(0, 0) != epoch_ ? staging_taken() : staging_lost();
  }
  return transaction.commit();
}

// A piece that failed ends the changeset: its caller gets the error, and the destructor drops what there is.
absl::Status StagedChangeset::flush(std::int64_t findings) {
  if (buffered_bytes() == 0) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  if (prefix_.empty()) {
    owner_.begin_work(options_.attempt_id);
    prefix_ = owner_.next_prefix();
  }
  LT_RETURN_IF_ERROR(write_piece(*connection, findings));
  ++piece_;
  staged_sequence_ = sequence_;
  for (auto& part : parts_) part.rows.clear();
  keys_ = {};
  return absl::OkStatus();
}

absl::Status StagedChangeset::copy_memory(pg::Connection& connection, Part& part) {
  LT_ASSIGN_OR_RETURN(auto copy, connection.copy_in(sql_for(sql::kCopyStaged, part.dataset.id, part.relation)));
  LT_RETURN_IF_ERROR(copy.write_raw(part.rows.bytes()));
  return copy.finish().status();
}

absl::Status StagedChangeset::check_not_lost(pg::Connection& connection) {
  LT_ASSIGN_OR_RETURN(const auto progress,
                      connection.execute(sql::kFindAttempt, pg::Params().add(options_.attempt_id)));
  if (progress.rows() == 1 && progress.get_int(0, 0) != epoch_) return staging_taken();
  const bool intact = progress.rows() == 1 && progress.get_int(0, 1) == piece_ && progress.get_int(0, 2) == count_ &&
                      progress.get_bytes(0, 3) == view(running_hash_);
  return intact ? absl::OkStatus() : staging_lost();
}

// Places of the datasets in the order of the content hash.
std::vector<std::size_t> StagedChangeset::by_name() const {
  std::vector<std::size_t> places(parts_.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::sort(places.begin(), places.end(),
            [&](std::size_t a, std::size_t b) { return parts_[a].dataset.name < parts_[b].dataset.name; });
  return places;
}

absl::Status StagedChangeset::hash_memory(feature::ContentHasher& hasher, Sealed& sealed) {
  const auto places = by_name();
  std::vector<std::size_t> rank(places.size());
  for (std::size_t i = 0; i < places.size(); ++i) rank[places[i]] = i;
  std::sort(keys_.begin(), keys_.end(), [&](const Key& a, const Key& b) {
    if (a.place != b.place) return rank[a.place] < rank[b.place];
    return a.id != b.id ? a.id < b.id : a.sequence < b.sequence;
  });
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    hasher.add(keys_[i].hash);
    if (i > 0 && keys_[i].place == keys_[i - 1].place && keys_[i].id == keys_[i - 1].id) {
      note_duplicate(sealed, keys_[i].place, keys_[i].id, keys_[i - 1].sequence, keys_[i].sequence);
    }
  }
  return absl::OkStatus();
}

absl::Status StagedChangeset::hash_tables(feature::ContentHasher& hasher, Sealed& sealed) {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_RETURN_IF_ERROR(check_not_lost(*connection));
  std::int64_t rows = 0;
  for (const std::size_t place : by_name()) {
    const Part& part = parts_[place];
    if (!part.in_table) continue;
    std::string last_id;  // ids are never empty
    std::int64_t last_sequence = 0;
    const auto each = [&](const pg::Row& row) {
      const std::string_view id = row.get_text(0);
      if (id == last_id) note_duplicate(sealed, place, last_id, last_sequence, row.get_int(1));
      last_id = id;
      last_sequence = row.get_int(1);
      hasher.add(*digest_from_bytes(row.get_bytes(2)));
      ++rows;
      return absl::OkStatus();
    };
    LT_RETURN_IF_ERROR(connection->for_each_row(sql_for(sql::kStagedHashes, part.dataset.id, part.relation), {}, each));
  }
  return rows == count_ ? absl::OkStatus() : staging_lost();
}

absl::StatusOr<Sealed> StagedChangeset::seal(const feature::ChangesetHeader& header) {
  feature::ContentHasher hasher(header);
  Sealed sealed;
  if (prefix_.empty()) {
    LT_RETURN_IF_ERROR(hash_memory(hasher, sealed));
  } else {
    LT_RETURN_IF_ERROR(flush(0));
    LT_RETURN_IF_ERROR(hash_tables(hasher, sealed));
  }
  sealed.content = hasher.finish();
  return sealed;
}

absl::Status StagedChangeset::provide(pg::Connection& connection) {
  if (!prefix_.empty()) LT_RETURN_IF_ERROR(check_not_lost(connection));
  for (std::size_t place = 0; place < parts_.size(); ++place) {
    Part& part = parts_[place];
    const std::string memory = fmt::format("lt_staged_{}", place);
    LT_RETURN_IF_ERROR(
        connection.execute_script(sql_for(sql::kCreateTemporaryTables, part.dataset.id, memory, part.effect)));
    if (!part.in_table && part.rows.size() > 0) LT_RETURN_IF_ERROR(copy_memory(connection, part));
    if (part.changes < kAnalyzeFrom) continue;
    LT_RETURN_IF_ERROR(connection.execute_script(fmt::format("ANALYZE {} (fid)", part.relation)));
  }
  return absl::OkStatus();
}

}  // namespace lt::storage
