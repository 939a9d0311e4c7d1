#include "storage/detail/dataset_publish.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/record.hpp"
#include "storage/detail/filter_params.hpp"
#include "storage/detail/staged_row.hpp"
#include "storage/detail/touched.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

constexpr std::int64_t kAnalyzeFrom = 1000;
constexpr std::int64_t kPageRows = 4096;
constexpr std::int64_t kPageBytes = 4 << 20;
constexpr int kFilledColumns = 10;
constexpr int kAbsentParameters = 7;
// The guard of docs/data-model.md: deletes of a snapshot beyond max(10, 10 % of the features) need allow_mass_delete.
constexpr std::int64_t kMassDeleteFloor = 10;
constexpr std::int64_t kMassDeletePercent = 10;

// What the scope cannot be decided for: a geometry that is not valid, a number of the filter that does not fit.
absl::Status scope_undecidable(std::string_view id, const absl::Status& why) {
  return make_error(
      absl::StatusCode::kFailedPrecondition, "SCOPE_UNDECIDABLE",
      fmt::format("feature '{}': whether it is inside the scope cannot be told from its stored state ({}); "
                  "correct it first, or change the scope",
                  id, message_of(why)),
      {{"feature_id", std::string(id)}});
}

// The SQL of a filter tells only that a number did not fit, not for which feature.
absl::Status absent_undecidable(const absl::Status& status) {
  if (error_reason(status) != "SQL_NUMBER_OUT_OF_RANGE") return status;
  return make_error(absl::StatusCode::kFailedPrecondition, "SCOPE_UNDECIDABLE",
                    "a number that scope.filter computes for a stored feature is outside the range of its type, so "
                    "whether that feature is inside the scope cannot be told; change the filter");
}

absl::Status snapshot_overtaken(std::string_view id) {
  return make_error(absl::StatusCode::kAborted, "SNAPSHOT_OVERTAKEN",
                    fmt::format("feature '{}' changed while the snapshot was being sent, and the history of that is "
                                "compacted already; send the snapshot again",
                                id),
                    {{"feature_id", std::string(id)}});
}

std::optional<Digest> source_at(const pg::Result& page, int row, int column) {
  const auto bytes = page.get_optional_bytes(row, column);
  return bytes ? digest_from_bytes(*bytes) : std::nullopt;
}

// The stored geometry, unless a repair since then makes another type of the same source.
void take_geometry(const feature::State& stored, feature::State& sent) {
  if (!stored.geometry || !sent.geometry) return;
  const bool same_form = stored.geometry->type == sent.geometry->type &&
                         stored.geometry->dimension == sent.geometry->dimension &&
                         stored.geometry->vertices == sent.geometry->vertices;
  if (same_form) sent.geometry = stored.geometry;
}

}  // namespace

absl::Status DatasetPublish::settle_repeats() {
  if (request_.duplicates == 0) return absl::OkStatus();
  if (part_.compared_from) {
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kUnfoldRepeated)).status());
    LT_RETURN_IF_ERROR(restore_states());
  }
  if (request_.header.collapse_repeated) {
    LT_ASSIGN_OR_RETURN(const auto removed, connection_.execute(sql(sql::kCollapseRepeated)));
    collapsed_ = removed.affected();
    return absl::OkStatus();
  }
  return connection_.execute(sql(sql::kMarkDuplicates)).status();
}

std::vector<feature::Transformation> DatasetPublish::transformations() const {
  std::vector<feature::Transformation> all;
  for (const auto& [source_crs, operation] : part_.transformations) all.push_back({source_crs, operation});
  return all;
}

void DatasetPublish::add_filled(pg::CopyEncoder& rows, std::string_view id, const feature::State& state,
                                const std::optional<Digest>& source_hash) const {
  rows.begin_row(kFilledColumns);
  add_box(rows, &state);
  add_source(rows, source_hash);
  const std::string record = feature::encode_record(part_.dataset.schema_revision, state);
  add_whole_state(rows, record, feature::content_hash(record), state, part_.srid);
  rows.add(id);
}

absl::Status DatasetPublish::fill_page(const pg::Result& page) {
  pg::CopyEncoder rows;
  for (int r = 0; r < page.rows(); ++r) {
    LT_ASSIGN_OR_RETURN(auto partial, feature::decode_record(page.get_bytes(r, 2)));
    LT_ASSIGN_OR_RETURN(auto stored, feature::decode_record(page.get_bytes(r, 3)));
    const auto mask = feature::mask_from_string(page.get_text(r, 1));
    const auto sent_source = source_at(page, r, 4);
    const auto stored_source = source_at(page, r, 5);
    const bool has_geometry = std::binary_search(mask.begin(), mask.end(), feature::kGeometryField);
    if (has_geometry && sent_source && sent_source == stored_source) take_geometry(stored.state, partial.state);
    const auto state = feature::apply_mask(std::move(stored.state), partial.state, mask);
    add_filled(rows, page.get_text(r, 0), state, has_geometry ? sent_source : stored_source);
  }
  LT_RETURN_IF_ERROR(copy_filled(rows));
  return connection_.execute(sql(sql::kFillPartial)).status();
}

absl::Status DatasetPublish::take_stored_page(const pg::Result& page) {
  pg::CopyEncoder rows;
  for (int r = 0; r < page.rows(); ++r) {
    LT_ASSIGN_OR_RETURN(auto sent, feature::decode_record(page.get_bytes(r, 1)));
    LT_ASSIGN_OR_RETURN(const auto stored, feature::decode_record(page.get_bytes(r, 2)));
    take_geometry(stored.state, sent.state);
    add_filled(rows, page.get_text(r, 0), sent.state, source_at(page, r, 3));
  }
  LT_RETURN_IF_ERROR(copy_filled(rows));
  return connection_.execute(sql(sql::kFillSameSource)).status();
}

// What was transformed from the source of the stored geometry keeps the stored one: the same export sent again is no
// change, whatever another release of PROJ makes of its last bits.
absl::Status DatasetPublish::take_stored_geometries(std::optional<std::int64_t> since) {
  if (part_.transformations.empty()) return absl::OkStatus();
  LT_RETURN_IF_ERROR(connection_.execute_script(std::string(sql::kCreateFilled)));
  if (!since) LT_RETURN_IF_ERROR(index_staged());
  std::string last;
  while (true) {
    const auto params = pg::Params().add(last).add(kPageRows).add(kPageBytes).add(since);
    LT_ASSIGN_OR_RETURN(const auto page, connection_.execute(sql(sql::kListSameSource), params));
    if (page.rows() == 0) return absl::OkStatus();
    last = page.get_text(page.rows() - 1, 0);
    LT_RETURN_IF_ERROR(take_stored_page(page));
  }
}

absl::Status DatasetPublish::index_staged() {
  if (!part_.in_table || std::exchange(indexed_, true)) return absl::OkStatus();
  return connection_.execute_script(fmt::format("CREATE INDEX ON {} (fid)", part_.relation));
}

absl::Status DatasetPublish::copy_filled(const pg::CopyEncoder& rows) {
  LT_RETURN_IF_ERROR(connection_.execute("DELETE FROM lt_filled").status());
  LT_ASSIGN_OR_RETURN(auto copy, connection_.copy_in(std::string(sql::kCopyFilled)));
  LT_RETURN_IF_ERROR(copy.write_raw(rows.bytes()));
  return copy.finish().status();
}

// Changes that were staged without their state get it back: the log has what was stored then, unless it was compacted.
absl::Status DatasetPublish::restore_states() {
  LT_RETURN_IF_ERROR(connection_.execute_script(std::string(sql::kCreateFilled)));
  std::int64_t last = 0;
  while (true) {
    const auto params = pg::Params().add(last).add(kPageRows).add(kPageBytes);
    LT_ASSIGN_OR_RETURN(const auto page, connection_.execute(sql(sql::kListUnfolded), params));
    if (page.rows() == 0) return absl::OkStatus();
    last = page.get_int(page.rows() - 1, 0);
    pg::CopyEncoder rows;
    for (int r = 0; r < page.rows(); ++r) {
      if (page.is_null(r, 2)) return snapshot_overtaken(page.get_text(r, 1));
      const auto record = page.get_bytes(r, 2);
      LT_ASSIGN_OR_RETURN(const auto stored, feature::decode_record(record));
      rows.begin_row(kFilledColumns);
      add_box(rows, &stored.state);
      add_source(rows, std::nullopt);  // the staged row has kept it
      add_whole_state(rows, record, feature::content_hash(record), stored.state, part_.srid);
      rows.add(page.get_text(r, 1));
    }
    LT_RETURN_IF_ERROR(copy_filled(rows));
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kFillUnfolded)).status());
  }
}

// What was as stored when it was staged, and may not be any more, becomes an ordinary change again. The rest of the
// compared changes is as stored and needs no effect of its own.
absl::Status DatasetPublish::restore_changed(std::int64_t since) {
  LT_ASSIGN_OR_RETURN(const auto unfolded, with_version(sql::kUnfoldChanged, since));
  return unfolded.affected() > 0 ? restore_states() : absl::OkStatus();
}

// Partial updates get their whole state from what is stored now.
absl::Status DatasetPublish::fill_partials(std::optional<std::int64_t> since) {
  if (!part_.has_masks) return absl::OkStatus();
  LT_RETURN_IF_ERROR(connection_.execute_script(std::string(sql::kCreateFilled)));
  if (!since) LT_RETURN_IF_ERROR(index_staged());
  std::string last;
  while (true) {
    const auto params = pg::Params().add(last).add(kPageRows).add(kPageBytes).add(since);
    LT_ASSIGN_OR_RETURN(const auto page, connection_.execute(sql(sql::kListPartial), params));
    if (page.rows() == 0) return absl::OkStatus();
    last = page.get_text(page.rows() - 1, 0);
    LT_RETURN_IF_ERROR(fill_page(page));
  }
}

// An area needs an exact test of what its box meets, and so does a filter whose SQL is not exact; where there is an
// area, what is outside of it must not make the filter fail.
DatasetPublish::Absent DatasetPublish::absent_in_scope(std::optional<std::int64_t> since) const {
  Absent absent;
  const auto* const scope = request_.scope ? &*request_.scope : nullptr;
  const auto box = scope && scope->area ? geo::round_outwards(scope->area->box) : std::nullopt;
  absent.params.add(since).add(base_version());
  for (std::size_t i = 0; i < 4; ++i) absent.params.add(box ? std::optional<float>((*box)[i]) : std::nullopt);
  if (!scope || !scope->filter) {
    absent.params.add(scope != nullptr);
    return absent;
  }
  const feature::SqlColumns columns{"f.geom", "f.props", kAbsentParameters + 1};
  const auto filter = scope->area ? scope->filter->to_candidate_sql(columns) : scope->filter->to_sql(columns);
  absent.params.add(!filter.exact);
  add_filter_values(absent.params, filter);
  // An exact filter may fail, so it must not see what the snapshot contains: OFFSET keeps it out of the brackets.
  absent.end = fmt::format("{}) f WHERE {}", filter.exact ? " OFFSET 0" : "", filter.text);
  absent.filtered = true;
  return absent;
}

absl::Status DatasetPublish::prepare_absent(std::optional<std::int64_t> since) {
  const Absent absent = absent_in_scope(since);
  // What changed since is among the ordinary changes again.
  const bool among_same = part_.compared_from && !since;
  if (!among_same) {
    const std::string insert = sql(sql::kInsertAbsent) + sql(sql::kAbsent) + absent.end;
    return absent_undecidable(connection_.execute(insert, absent.params, !absent.filtered).status());
  }
  LT_RETURN_IF_ERROR(connection_.execute_script("DROP TABLE IF EXISTS lt_absent"));
  const std::string find = sql(sql::kFindAbsent) + sql(sql::kAbsent) + sql(sql::kAbsentSame) + absent.end;
  LT_RETURN_IF_ERROR(absent_undecidable(connection_.execute(find, absent.params, false).status()));
  return connection_.execute(sql(sql::kInsertFoundAbsent), {}, false).status();
}

// Effects that depend on whether the stored state is inside the scope.
absl::Status DatasetPublish::decide_scope() {
  ScopeTest scope(*request_.scope);
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
      const auto found = scope.contains(stored.state);
      if (!found.ok()) return scope_undecidable(page.get_text(r, 0), found.status());
      (*found ? inside : outside).emplace_back(page.get_text(r, 0));
    }
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kDecideInside), pg::Params().add_text_array(inside)).status());
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kDecideOutside), pg::Params().add_text_array(outside)).status());
  }
}

absl::Status DatasetPublish::prepare_since(std::optional<std::int64_t> since) {
  LT_RETURN_IF_ERROR(fill_partials(since));
  LT_RETURN_IF_ERROR(take_stored_geometries(since));
  const auto params = pg::Params().add(since).add(base_version());
  LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kPrepareChanges), params).status());
  if (is_snapshot()) LT_RETURN_IF_ERROR(prepare_absent(since));
  return request_.scope ? decide_scope() : absl::OkStatus();
}

absl::Status DatasetPublish::prepare_direct() {
  LT_ASSIGN_OR_RETURN(prepared_head_, direct_->find_effects(base_version()));
  return absl::OkStatus();
}

absl::Status DatasetPublish::prepare() {
  if (load_) return load_->lock_tables(connection_);
  if (direct_) return prepare_direct();
  if (part_.changes >= kAnalyzeFrom) {
    LT_RETURN_IF_ERROR(connection_.execute_script(fmt::format("ANALYZE {} (fid)", part_.relation)));
    if (part_.compared_from) {
      LT_RETURN_IF_ERROR(connection_.execute_script(fmt::format("ANALYZE {}_same (fid)", part_.relation)));
    }
  }
  LT_ASSIGN_OR_RETURN(const auto seen, connection_.execute(sql::kReadHead, dataset_params()));
  prepared_head_ = seen.get_int(0, 0);
  if (part_.compared_from.value_or(prepared_head_) != prepared_head_) {
    LT_RETURN_IF_ERROR(restore_changed(*part_.compared_from));
  }
  LT_RETURN_IF_ERROR(prepare_since(std::nullopt));
  if (part_.changes < kAnalyzeFrom) return absl::OkStatus();
  return connection_.execute_script(fmt::format("ANALYZE {} (fid, op)", part_.effect));
}

absl::Status DatasetPublish::find_areas() {
  const auto found = request_.areas.find(part_.dataset.id);
  if (found == request_.areas.end()) return absl::OkStatus();
  Impact impact(found->second);
  if (direct_) {
    LT_RETURN_IF_ERROR(direct_->add_touched(impact));
  } else if (load_) {
    LT_RETURN_IF_ERROR(
        add_touched(connection_, part_.dataset.id, sql(sql::kTouchedLoaded), part_.relation + "_log", impact));
  } else {
    LT_RETURN_IF_ERROR(add_touched(connection_, part_.dataset.id, sql(sql::kTouchedRows), part_.relation, impact));
  }
  areas_ = impact.touched();
  return absl::OkStatus();
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
  if (is_late()) return absl::AbortedError("another changeset made the first version");
  if (load_ || head_.version == prepared_head_) return absl::OkStatus();
  LT_RETURN_IF_ERROR(look_again());
  return find_areas();
}

absl::Status DatasetPublish::look_again() {
  if (direct_) return prepare_direct();
  if (part_.compared_from) LT_RETURN_IF_ERROR(restore_changed(prepared_head_));
  if (head_.horizon > prepared_head_) {  // what changed meanwhile may be compacted already: look at everything
    LT_RETURN_IF_ERROR(connection_.execute(fmt::format("DELETE FROM {}", part_.effect)).status());
    return prepare_since(std::nullopt);
  }
  LT_RETURN_IF_ERROR(with_version(sql::kForgetChanged, prepared_head_).status());
  return prepare_since(prepared_head_);
}

absl::StatusOr<std::int64_t> DatasetPublish::largest_base_version() {
  if (direct_) return direct_->largest_base_version();
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection_.execute(fmt::format("SELECT max(base_version) FROM {}", part_.effect)));
  return result.get_optional_int(0, 0).value_or(0);
}

absl::Status DatasetPublish::check_base_versions() {
  LT_ASSIGN_OR_RETURN(const std::int64_t found, largest_base_version());
  const std::int64_t largest = std::max(found, base_version().value_or(0));
  if (largest <= head_.version) return absl::OkStatus();
  return make_error(absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
                    fmt::format("base_version {} is beyond the head {} of dataset \"{}\"", largest, head_.version,
                                part_.dataset.name),
                    {{"dataset", part_.dataset.name}, {"head", std::to_string(head_.version)}});
}

absl::Status DatasetPublish::count_effects() {
  if (load_) {
    effects_.inserted = part_.changes;
    return absl::OkStatus();
  }
  if (direct_) {
    effects_ = direct_->effects();
    return absl::OkStatus();
  }
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
  if (!part_.compared_from) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const auto same, connection_.execute(sql(sql::kCountSame)));
  effects_.unchanged += same.get_int(0, 0);
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
  if (load_) return load_->put_in_place(connection_);
  if (direct_) return direct_->merge(version);
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
  if (waiting_) {
    pg::Params params = dataset_params();
    params.add_timestamp_us(now_us).add(fmt::format("accepted in version {}: {}", version, by));
    LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kSupersedeAccepted), params).status());
    if (part_.compared_from) LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kSupersedeSame), params).status());
  }
  if (quarantined_ == 0) return absl::OkStatus();
  pg::Params older = dataset_params();
  older.add_timestamp_us(now_us).add(fmt::format("set aside again: {}", by));
  LT_RETURN_IF_ERROR(connection_.execute(sql(sql::kSupersedeQuarantined), older).status());
  pg::Params items = dataset_params();
  items.add(request_.attempt_id).add(request_.organisation).add_timestamp_us(now_us).add(base_version());
  items.add(request_.named_crs);
  return connection_.execute(sql(sql::kInsertQuarantine), items).status();
}

absl::StatusOr<std::int64_t> DatasetPublish::store_findings(std::int64_t taken, std::int64_t limit) {
  if (findings_ == 0 || limit <= 0) return 0;
  const auto params = pg::Params().add(request_.attempt_id).add(taken).add(part_.dataset.name).add(limit);
  LT_ASSIGN_OR_RETURN(const auto stored, connection_.execute(sql(sql::kInsertStagedFindings), params));
  return stored.affected();
}

}  // namespace lt::storage
