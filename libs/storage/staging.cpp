#include "storage/staging.hpp"

#include <algorithm>
#include <array>
#include <utility>

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

constexpr std::size_t kMaxListed = 1000;

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
void add_state(pg::CopyEncoder& row, const feature::Change& change, const Digest& content, const feature::State& state,
               int srid) {
  if (!change.mask.empty()) {
    add_nulls(row, 4);
    row.add(feature::to_string(change.mask));
    row.add_bytes(change.record);
    return;
  }
  add_whole_state(row, change.record, content, state, srid);
  add_nulls(row, 2);
}

// seq, base_version, box, op, fid, change_hash.
void begin_row(pg::CopyEncoder& row, std::int64_t sequence, const std::optional<std::int64_t>& base_version,
               const feature::State* state, feature::ChangeOp op, std::string_view id, const Digest& hash) {
  row.begin_row(static_cast<int>(kStagedColumns));
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

absl::Status copy_rows(pg::Connection& connection, const std::string& sql, const pg::CopyEncoder& rows) {
  if (rows.size() == 0) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(auto copy, connection.copy_in(sql));
  LT_RETURN_IF_ERROR(copy.write_raw(rows.bytes()));
  return copy.finish().status();
}

// Candidates that are not as stored become ordinary rows.
absl::Status add_differing(pg::CopyEncoder& rows, const Candidates& candidates, int srid) {
  for (const auto* candidate : candidates.differing()) {
    const auto& [change, hash, content] = *candidate;
    LT_ASSIGN_OR_RETURN(const auto decoded, feature::decode_record(change.record));
    begin_row(rows, change.sequence, change.base_version, &decoded.state, change.op, change.id, hash);
    rows.add_char(static_cast<char>(StagedKind::kChange));
    add_source(rows, change.source_hash);
    add_state(rows, change, content, decoded.state, srid);
    rows.add_null();  // findings
  }
  return absl::OkStatus();
}

void note_duplicate(Sealed& sealed, std::size_t place, const std::string& id, std::int64_t first, std::int64_t second) {
  ++sealed.duplicate_count;
  if (sealed.duplicates.size() < kMaxListed) sealed.duplicates.push_back({place, id, first, second});
}

}  // namespace

StagedChangeset::StagedChangeset(pg::Pool& pool, StagingOwner& owner, Options options)
    : pool_(pool), owner_(owner), options_(std::move(options)) {}

StagedChangeset::~StagedChangeset() {
  if (!settle().ok()) spdlog::debug("event=staging_piece_failed attempt={}", options_.attempt_id);
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
      LT_RETURN_IF_ERROR(connection->execute_script(sql_for(sql::kDropStaged, part.dataset.id, part.relation)));
    }
    return absl::OkStatus();
  }();
  // What stays behind is swept.
  if (!dropped.ok()) {
    spdlog::warn("event=staging_not_dropped attempt={} error=\"{}\"", options_.attempt_id, message_of(dropped));
  }
}

bool StagedChangeset::suspend() {
  if (!settle().ok()) spdlog::debug("event=staging_piece_failed attempt={}", options_.attempt_id);
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
    part.all_new = item.value("all_new", false);
    part.in_table = item.value("in_table", false);
    part.loading = item.value("loading", false);
    part.transformations = item.value("transformations", std::map<std::string, std::string>());
    if (item.contains("compared_from")) part.compared_from = item.value("compared_from", std::int64_t{0});
    part.comparing = part.compared_from.has_value();
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
  std::array<Digest, 2> chained{running_hash_, hash};
  running_hash_ = sha256({reinterpret_cast<const char*>(chained.data()), sizeof chained});
  if (prefix_.empty()) keys_.push_back({place, std::string(id), sequence, hash});
}

void StagedChangeset::add(std::size_t place, feature::Change change, const feature::State* state, const Digest& hash,
                          StagedKind kind, std::string_view findings, const Digest* known_content) {
  Part& part = parts_[place];
  const bool partial = !change.mask.empty();
  const Digest content = known_content ? *known_content : state ? feature::content_hash(change.record) : Digest{};
  note(place, change.id, change.sequence, hash);
  if (part.comparing && Candidates::fits(change) && kind == StagedKind::kChange && findings.empty()) {
    return part.candidates.add({std::move(change), hash, content});
  }
  begin_row(part.rows, change.sequence, change.base_version, partial ? nullptr : state, change.op, change.id, hash);
  part.rows.add_char(static_cast<char>(kind));
  add_source(part.rows, change.source_hash);
  part.has_masks |= partial;
  part.has_outside |= kind == StagedKind::kOutside;
  const bool may_be_new = change.op == feature::ChangeOp::kInsert || change.op == feature::ChangeOp::kUpsert;
  part.all_new &= may_be_new && !partial && kind == StagedKind::kChange && change.base_version.value_or(0) == 0;
  if (!state || options_.hash_only) {
    add_nulls(part.rows, 6);
  } else if (part.loading && part.all_new) {
    part.rows.add_bytes(view(content));
    add_nulls(part.rows, 5);
    add_loaded(part.feature_rows, part.log_rows, change.id, change.record, content, change.source_hash, *state,
               part.srid);
  } else {
    add_state(part.rows, change, content, *state, part.srid);
  }
  add_findings(part.rows, findings);
}

void StagedChangeset::note_transformation(std::size_t place, const feature::Transformation& transformation) {
  parts_[place].transformations.emplace(transformation.source_crs, transformation.operation);
}

void StagedChangeset::add_invalid(std::size_t place, const InvalidChange& change, std::string_view findings) {
  Part& part = parts_[place];
  begin_row(part.rows, change.sequence, change.base_version, nullptr, change.op, change.id, change.hash);
  part.rows.add_char(static_cast<char>(StagedKind::kInvalid));
  add_nulls(part.rows, 4);
  part.rows.add_bytes(change.sent);
  add_nulls(part.rows, 2);
  add_findings(part.rows, findings);
  part.has_invalid = true;
  part.all_new = false;
  note(place, change.id, change.sequence, change.hash);
}

std::size_t StagedChangeset::buffered_bytes() const {
  std::size_t bytes = 0;
  for (const auto& part : parts_) {
    bytes += part.rows.size() + part.feature_rows.size() + part.log_rows.size() + part.candidates.bytes();
  }
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
                     {"all_new", part.all_new},
                     {"in_table", part.in_table},
                     {"loading", part.loading}});
    if (part.compared_from) parts.back()["compared_from"] = *part.compared_from;
    if (!part.transformations.empty()) parts.back()["transformations"] = part.transformations;
  }
  return nlohmann::json{{"parts", std::move(parts)}, {"findings", findings}}.dump();
}

// What goes to the database in one transaction, apart from what is being gathered.
struct StagedChangeset::Piece {
  struct Table {
    std::size_t place = 0;
    int dataset = 0;
    int srid = 0;
    std::string relation;
    bool create = false;
    bool loading = false;
    bool compared = false;
    pg::CopyEncoder rows, feature_rows, log_rows;
    Candidates candidates;
  };
  std::vector<Table> tables;
  bool first = false;
  pg::Params progress;
};

StagedChangeset::Piece StagedChangeset::take_piece(std::int64_t findings) {
  Piece piece;
  piece.first = piece_ == 0;
  for (std::size_t place = 0; place < parts_.size(); ++place) {
    Part& part = parts_[place];
    if (part.rows.size() == 0 && part.candidates.empty()) continue;
    const bool create = !part.in_table;
    if (create) {
      part.relation = fmt::format("lienthong_staging.{}_{}", prefix_, part.dataset.id);
      part.in_table = true;
      part.loading = options_.may_load && parts_.size() == 1 && part.all_new && part.dataset.head == 0;
      part.comparing = options_.compare && !options_.hash_only && part.dataset.head > 0;
      if (part.comparing) part.compared_from = part.dataset.head;
    }
    piece.tables.push_back({place, part.dataset.id, part.srid, part.relation, create, part.loading,
                            part.compared_from.has_value(), std::exchange(part.rows, {}),
                            std::exchange(part.feature_rows, {}), std::exchange(part.log_rows, {}),
                            std::exchange(part.candidates, {})});
  }
  piece.progress.add(options_.attempt_id).add(epoch_).add(piece_ + 1).add(count_).add_bytes(view(running_hash_));
  piece.progress.add(sequence_).add_jsonb(state_json(findings));
  return piece;
}

absl::Status StagedChangeset::write_tables(pg::Connection& connection, Piece& piece, Places& differing) const {
  for (auto& table : piece.tables) {
    const auto sql = [&](std::string_view text) { return sql_for(text, table.dataset, table.relation); };
    if (table.create) LT_RETURN_IF_ERROR(connection.execute_script(sql(sql::kCreateStagedTable)));
    if (table.create && table.loading) LT_RETURN_IF_ERROR(connection.execute_script(sql(sql::kCreateLoadTables)));
    if (table.create && table.compared) LT_RETURN_IF_ERROR(connection.execute_script(sql(sql::kCreateSameTable)));
    if (!table.candidates.empty()) {
      LT_ASSIGN_OR_RETURN(auto same, table.candidates.compare(connection, table.dataset));
      LT_RETURN_IF_ERROR(copy_rows(connection, sql(sql::kCopySame), same));
      if (!table.candidates.was_worth_it()) differing.push_back(table.place);
      LT_RETURN_IF_ERROR(add_differing(table.rows, table.candidates, table.srid));
    }
    LT_RETURN_IF_ERROR(copy_rows(connection, sql(sql::kCopyStaged), table.rows));
    LT_RETURN_IF_ERROR(copy_rows(connection, sql(sql::kCopyFeature), table.feature_rows));
    LT_RETURN_IF_ERROR(copy_rows(connection, sql(sql::kCopyLog), table.log_rows));
  }
  return absl::OkStatus();
}

absl::StatusOr<StagedChangeset::Places> StagedChangeset::write_piece(Piece& piece) const {
  LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(*connection));
  if (piece.first) {
    pg::Params attempt;
    attempt.add(options_.attempt_id).add(options_.organisation).add_bytes(view(options_.header));
    attempt.add(owner_.key()).add(prefix_);
    LT_RETURN_IF_ERROR(connection->execute(sql::kInsertAttempt, attempt).status());
  }
  Places differing;
  LT_RETURN_IF_ERROR(write_tables(*connection, piece, differing));
  LT_ASSIGN_OR_RETURN(const auto updated, connection->execute(sql::kUpdateAttempt, piece.progress));
  if (updated.affected() != 1) {
    const auto found = connection->execute(sql::kFindAttempt, pg::Params().add(options_.attempt_id));
    return found.ok() && found->rows() == 1 && found->get_int(0, 0) != epoch_ ? staging_taken() : staging_lost();
  }
  LT_RETURN_IF_ERROR(transaction.commit());
  return differing;
}

absl::Status StagedChangeset::settle() {
  if (!writing_.valid()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const Places differing, writing_.get());
  // A publisher that changes most of its features would be compared in vain.
  for (const std::size_t place : differing) parts_[place].comparing = false;
  ++piece_;
  staged_sequence_ = writing_sequence_;
  return absl::OkStatus();
}

// A piece that failed ends the changeset: its caller gets the error, and the destructor drops what there is.
absl::Status StagedChangeset::flush(std::int64_t findings) {
  LT_RETURN_IF_ERROR(settle());
  if (buffered_bytes() == 0) return absl::OkStatus();
  if (prefix_.empty()) {
    owner_.begin_work(options_.attempt_id);
    prefix_ = owner_.next_prefix();
  }
  keys_ = {};
  writing_sequence_ = sequence_;
  writing_ =
      std::async(std::launch::async, [this, piece = take_piece(findings)]() mutable { return write_piece(piece); });
  return absl::OkStatus();
}

absl::Status StagedChangeset::unload() {
  for (auto& part : parts_) {
    if (!std::exchange(part.loading, false)) continue;
    LT_ASSIGN_OR_RETURN(auto connection, acquire(pool_));
    LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(*connection));
    LT_RETURN_IF_ERROR(connection->execute_script(sql_for(sql::kUnload, part.dataset.id, part.relation)));
    pg::Params state;
    state.add(options_.attempt_id).add(epoch_).add_jsonb(state_json(0));
    LT_ASSIGN_OR_RETURN(const auto updated, connection->execute(sql::kUpdateAttemptState, state));
    if (updated.affected() != 1) return staging_taken();
    LT_RETURN_IF_ERROR(transaction.commit());
  }
  return absl::OkStatus();
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
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(*connection));
  // The planner takes it for dear to hand rows over, so that it sorts them with one core.
  LT_RETURN_IF_ERROR(connection->execute_script("SET LOCAL parallel_tuple_cost = 0"));
  std::int64_t rows = 0;
  for (const std::size_t place : by_name()) {
    const Part& part = parts_[place];
    if (!part.in_table) continue;
    std::string last_id;  // ids are never empty
    std::int64_t last_sequence = 0;
    const std::string_view text = part.compared_from ? sql::kComparedHashes : sql::kStagedHashes;
    LT_ASSIGN_OR_RETURN(auto hashes, connection->copy_out(sql_for(text, part.dataset.id, part.relation)));
    while (true) {
      LT_ASSIGN_OR_RETURN(const pg::Row* const row, hashes.next());
      if (!row) break;
      const std::string_view id = row->get_text(0);
      if (id == last_id) note_duplicate(sealed, place, last_id, last_sequence, row->get_int(1));
      last_id = id;
      last_sequence = row->get_int(1);
      hasher.add(*digest_from_bytes(row->get_bytes(2)));
      ++rows;
    }
  }
  LT_RETURN_IF_ERROR(transaction.commit());
  return rows == count_ ? absl::OkStatus() : staging_lost();
}

absl::StatusOr<Sealed> StagedChangeset::seal(const feature::ChangesetHeader& header) {
  feature::ContentHasher hasher(header);
  Sealed sealed;
  if (prefix_.empty()) {
    LT_RETURN_IF_ERROR(hash_memory(hasher, sealed));
  } else {
    LT_RETURN_IF_ERROR(flush(0));
    LT_RETURN_IF_ERROR(settle());
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
    if (part.in_table) continue;
    LT_RETURN_IF_ERROR(copy_rows(connection, sql_for(sql::kCopyStaged, part.dataset.id, part.relation), part.rows));
  }
  return absl::OkStatus();
}

}  // namespace lt::storage
