#include "exchange/publishing.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "exchange/area_book.hpp"
#include "feature/text.hpp"
#include "rules/decode_findings.hpp"
#include "storage/acquire.hpp"
#include "storage/confirm.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;

constexpr std::size_t kMaxListed = 20;
constexpr int kMaxUnaryChanges = 1000;
constexpr std::size_t kMaxUnaryBytes = 3U << 20;

absl::Status invalid(std::string_view reason, std::string_view message,
                     std::map<std::string, std::string> metadata = {}) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message, std::move(metadata));
}

bool is_error(const feature::Finding& finding) { return finding.severity == feature::Severity::kError; }

std::string place_of(const feature::Finding& finding) {
  return fmt::format("feature '{}'{}{}", finding.feature_id, finding.field.empty() ? "" : ": ", finding.field);
}

// The findings of one feature as one error, decided by the first; its violations are those of all findings, later.
absl::Status error_of(const feature::Finding& finding, absl::StatusCode code) {
  std::map<std::string, std::string> metadata{{"feature_id", finding.feature_id}, {"rule", finding.rule}};
  if (!finding.field.empty()) metadata["field"] = finding.field;
  // What was wrong with reading it already begins with the place.
  const std::string place = place_of(finding);
  const bool has_place = finding.message_en.starts_with("feature '");
  return make_error(code, finding.reason, has_place ? finding.message_en : place + ": " + finding.message_en,
                    std::move(metadata));
}

// Whether a feature is inside the scope cannot be told.
feature::Finding scope_finding(std::string_view id, const absl::Status& why) {
  const std::string reason = error_reason(why);
  if (reason == "RECORD_MALFORMED") return rules::make_finding("VALUE_WRONG_TYPE", id, "", message_of(why));
  const bool overflow = reason == "FILTER_OVERFLOW";
  return rules::make_finding(
      overflow ? "SCOPE_OVERFLOW" : "GEOMETRY_NOT_VALID", id, overflow ? "" : "geometry",
      fmt::format("whether it is inside the scope cannot be told, because {}: {}",
                  overflow ? "the scope's filter fails for it" : "it is not valid", message_of(why)));
}

// Bytes that are the same whenever the message is: maps are sorted.
std::string serialize(const v1::Change& change) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  change.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// A record that could be read is canonical already; only its revision may be an older one.
std::string record_of(const v1::Change& message, std::int32_t revision, const feature::State& state) {
  const std::string& sent = message.feature().record();
  if (sent.empty()) return feature::encode_record(revision, state);
  std::string record;
  record.reserve(sent.size());
  append_u32(record, static_cast<std::uint32_t>(revision));
  return record.append(sent, feature::kRecordPrefixBytes);
}

// Only the same header goes on with an upload.
Digest header_digest(const feature::ChangesetHeader& header) {
  std::string bytes(view(feature::ContentHasher(header).finish()));
  append_bytes(bytes, header.changeset_id);
  bytes.push_back(header.dry_run ? '\1' : '\0');
  return sha256(bytes);
}

bool in_mask(const feature::FieldMask& mask, const feature::Schema& schema, const std::string& field) {
  if (mask.empty()) return true;
  const feature::Field* known = schema.find(std::string_view(field));
  return std::binary_search(mask.begin(), mask.end(), known ? known->number : feature::kGeometryField);
}

}  // namespace

Publishing::Publishing(const Core& core, rpc::CallerIdentity caller)
    : core_(core),
      caller_(std::move(caller)),
      started_us_(now_us()),
      attempt_id_(make_uuid7()),
      parts_(core.limits.max_feature_bytes) {}

Publishing::~Publishing() = default;

// Names the attempt in the error and stores it as refused, once.
absl::Status Publishing::fail(const absl::Status& status) {
  if (status.ok()) return status;
  // What a failing database or a short memory interrupts may go on later.
  if (staged_ && core_.limits.resumable && absl::IsUnavailable(status)) staged_->suspend();
  store(storage::AttemptOutcome::kRefused, status, std::nullopt);
  return with_metadata(status, "attempt_id", attempt_id_);
}

absl::StatusOr<std::optional<feature::Receipt>> Publishing::begin(const v1::PublishHeader& header) {
  auto early = open(header);
  if (!early.ok()) return fail(early.status());
  if (*early) store(storage::AttemptOutcome::kAccepted, {}, *early);
  return early;
}

absl::StatusOr<std::optional<feature::Receipt>> Publishing::open(const v1::PublishHeader& header) {
  if (header_seen_) return invalid("HEADER_TWICE", "the header must come exactly once, as the first message");
  header_seen_ = true;
  header_.dataset = header.dataset();
  header_.changeset_id = header.changeset_id();
  LT_ASSIGN_OR_RETURN(header_, wire::header_from_proto(header));
  declared_content_ = to_hex(from_hex(header.content_sha256()).value_or(""));  // of either case, checked above
  LT_ASSIGN_OR_RETURN(auto target, open_target(core_, caller_, header_, header_.crs, header_.dataset));
  if (!header_.crs.empty()) crs_named_ = target->sent_crs;
  header_.crs = target->sent_crs;
  if (header_.has_scope()) {
    LT_ASSIGN_OR_RETURN(scope_, read_scope(*target, header_));
    scope_test_.emplace(*scope_);
  }
  LT_ASSIGN_OR_RETURN(auto receipt, find_known());
  if (receipt) return receipt;
  targets_.emplace(header_.dataset, std::move(target));
  LT_RETURN_IF_ERROR(stage());
  begun_ = true;
  return std::nullopt;
}

absl::StatusOr<std::optional<feature::Receipt>> Publishing::find_known() {
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core_.pool));
  LT_ASSIGN_OR_RETURN(const auto known,
                      storage::find_changeset(*connection, caller_.organisation, header_.changeset_id));
  known_ = known.has_value();
  if (!known || declared_content_.empty()) return std::nullopt;
  if (to_hex(view(known->content)) == declared_content_) {
    LT_RETURN_IF_ERROR(storage::confirm(*connection));
    return known->receipt;
  }
  return make_error(absl::StatusCode::kAlreadyExists, "CHANGESET_ID_REUSED",
                    fmt::format("changeset_id \"{}\" was accepted with other content; give a new changeset a new id",
                                header_.changeset_id),
                    {{"changeset_id", header_.changeset_id}, {"commit_id", known->receipt.commit_id}});
}

absl::Status Publishing::stage() {
  storage::StagedChangeset::Options options;
  const bool resumes = !header_.resume_attempt_id.empty();
  options.attempt_id = resumes ? header_.resume_attempt_id : attempt_id_;
  options.organisation = caller_.organisation;
  options.header = header_digest(header_);
  options.limits = {core_.limits.publish_memory_bytes, core_.limits.staging_piece_bytes};
  options.hash_only = known_;
  options.may_load = !header_.dry_run;
  options.compare = header_.kind == feature::ChangesetKind::kSnapshot;
  staged_ = std::make_unique<storage::StagedChangeset>(core_.pool, core_.staging_owner, std::move(options));
  if (resumes) return resume();
  Target& target = *targets_.at(header_.dataset);
  target.place = staged_->add_dataset(target.dataset, target.schema->srid());
  return absl::OkStatus();
}

absl::Status Publishing::resume() {
  LT_RETURN_IF_ERROR(annotate(feature::check_text(header_.resume_attempt_id), "resume_attempt_id"));
  LT_ASSIGN_OR_RETURN(const auto resumed, staged_->adopt());
  attempt_id_ = header_.resume_attempt_id;
  for (const auto& part : resumed.parts) {
    auto& target = targets_[part.dataset];
    if (!target) {
      LT_ASSIGN_OR_RETURN(target, open_target(core_, caller_, header_, crs_named_, part.dataset));
    }
    if (target->dataset.schema_revision != part.schema_revision) {
      return make_error(absl::StatusCode::kAborted, "SCHEMA_CHANGED",
                        fmt::format("the schema of dataset \"{}\" changed while the changeset was being sent; send it "
                                    "again without resume_attempt_id",
                                    part.dataset));
    }
    target->place = staged_->add_dataset(target->dataset, target->schema->srid());
  }
  received_ = staged_->count();
  last_sequence_ = resumed.sequence;
  finding_count_ = resumed.findings;
  return absl::OkStatus();
}

absl::StatusOr<Target*> Publishing::target_of(const std::string& dataset) {
  const std::string& name = dataset.empty() ? header_.dataset : dataset;
  const auto found = targets_.find(name);
  if (found != targets_.end()) return found->second.get();
  if (header_.kind == feature::ChangesetKind::kSnapshot) {
    return invalid("SNAPSHOT_ONE_DATASET",
                   fmt::format("a snapshot is of one dataset, \"{}\"; a change names \"{}\"", header_.dataset, name),
                   {{"dataset", name}});
  }
  if (targets_.size() == kMaxDatasets) {
    return invalid("TOO_MANY_DATASETS", fmt::format("a changeset may touch {} datasets", kMaxDatasets));
  }
  LT_ASSIGN_OR_RETURN(auto target, open_target(core_, caller_, header_, crs_named_, name));
  if (staged_) target->place = staged_->add_dataset(target->dataset, target->schema->srid());
  return targets_.emplace(name, std::move(target)).first->second.get();
}

absl::Status Publishing::take_sequence(std::int64_t sequence) {
  if (!begun()) return invalid("HEADER_MISSING", "the first message must be the header");
  if (ended_) return invalid("END_NOT_LAST", "nothing may follow the end");
  if (sequence != last_sequence_ + 1) {
    return invalid(
        "BATCH_OUT_OF_ORDER",
        fmt::format("batch {} came where {} was due; batches are numbered 1, 2, 3, ...", sequence, last_sequence_ + 1));
  }
  last_sequence_ = sequence;
  return absl::OkStatus();
}

void Publishing::note_findings(const Target& target, const std::vector<feature::Finding>& findings) {
  for (const auto& finding : findings) {
    ++finding_count_;
    if (is_error(finding)) ++error_count_;
    if (static_cast<std::int64_t>(findings_.size()) < core_.limits.kept_findings) {
      findings_.push_back({target.dataset.name, received_, finding});
    }
  }
}

absl::StatusOr<storage::StagedKind> Publishing::kind_of(const feature::State& state) {
  if (!scope_test_) return storage::StagedKind::kChange;
  LT_ASSIGN_OR_RETURN(const bool inside, scope_test_->contains(state));
  return inside ? storage::StagedKind::kChange : storage::StagedKind::kOutside;
}

void Publishing::set_aside(const v1::Change& message, const Target& target,
                           const std::vector<feature::Finding>& findings, const Digest& hash) {
  storage::InvalidChange change;
  change.sequence = received_;
  if (const auto op = wire::operation_from_proto(message.op()); op.ok()) change.op = *op;
  change.id = message.feature().id();
  if (message.has_base_version() && message.base_version() >= 0) change.base_version = message.base_version();
  change.sent = serialize(message);
  change.hash = hash;
  staged_->add_invalid(target.place, change, feature::findings_to_json(findings));
}

absl::Status Publishing::add_invalid(const v1::Change& message, Target& target, std::vector<feature::Finding> findings,
                                     const Digest& hash) {
  note_findings(target, findings);
  const bool quarantine = header_.on_invalid == feature::InvalidPolicy::kQuarantine;
  if (quarantine && staged_ && feature::check_feature_id(message.feature().id()).ok()) {
    set_aside(message, target, findings, hash);
    return absl::OkStatus();
  }
  const auto worst = std::find_if(findings.begin(), findings.end(), is_error);
  if (first_error_.ok() && worst != findings.end()) {
    first_error_ = error_of(*worst, absl::StatusCode::kInvalidArgument);
  }
  staged_.reset();  // sure to be refused: what still comes is only checked
  if (error_count_ < core_.limits.kept_findings) return absl::OkStatus();
  return refusal();
}

absl::Status Publishing::add_decoded(const v1::Change& message, Target& target, wire::IncomingChange incoming) {
  feature::Change change{received_, incoming.op, std::move(incoming.id), incoming.base_version, {}, incoming.mask};
  const bool has_state = change.op != feature::ChangeOp::kDelete;
  if (has_state) change.record = record_of(message, target.schema->revision, incoming.state);
  if (static_cast<std::int64_t>(change.record.size()) > core_.limits.max_feature_bytes) {
    return make_error(absl::StatusCode::kResourceExhausted, "FEATURE_TOO_LARGE",
                      fmt::format("feature '{}' has {} bytes, at most {} are allowed", change.id, change.record.size(),
                                  core_.limits.max_feature_bytes),
                      {{"feature_id", change.id}});
  }
  Digest content = has_state ? feature::content_hash(change.record) : Digest{};
  const bool elsewhere = incoming.epsg != 0 && incoming.epsg != target.crs->epsg;
  // Of what was sent, before it is transformed and repaired.
  const Digest hash = feature::change_hash(target.dataset.name, change, content,
                                           elsewhere ? fmt::format("EPSG:{}", incoming.epsg) : std::string());
  if (known_) {
    staged_->add(target.place, std::move(change), has_state ? &incoming.state : nullptr, hash);
    return absl::OkStatus();
  }
  std::vector<feature::Finding> findings;
  if (elsewhere) findings = transform(target, incoming, change);
  const bool misplaced = !findings.empty();
  if (has_state && target.repairer.active()) {
    auto repaired = target.repairer.repair(change.id, incoming.state);
    std::move(repaired.begin(), repaired.end(), std::back_inserter(findings));
  }
  if (elsewhere || !findings.empty()) {
    change.record = feature::encode_record(target.schema->revision, incoming.state);
    content = feature::content_hash(change.record);
  }
  if (has_state) {
    for (auto& finding : target.checker.check(change.id, incoming.state)) {
      // What could not be transformed is nowhere in the dataset's CRS.
      if (misplaced && finding.reason == "COORDINATES_IMPLAUSIBLE") continue;
      if (in_mask(change.mask, *target.schema, finding.field)) findings.push_back(std::move(finding));
    }
  }
  if (header_.kind == feature::ChangesetKind::kSnapshot && change.op != feature::ChangeOp::kUpsert) {
    findings.push_back(rules::make_finding("SNAPSHOT_NEEDS_UPSERT", change.id, "",
                                           "a snapshot holds what there is, so each change must be OPERATION_UPSERT"));
  }
  auto kind = kind_of(incoming.state);
  if (!kind.ok()) findings.push_back(scope_finding(change.id, kind.status()));
  if (std::any_of(findings.begin(), findings.end(), is_error)) {
    return add_invalid(message, target, std::move(findings), hash);
  }
  note_findings(target, findings);
  if (!staged_) return absl::OkStatus();
  staged_->add(target.place, std::move(change), has_state ? &incoming.state : nullptr, hash, *kind,
               findings.empty() ? std::string() : feature::findings_to_json(findings), &content);
  return absl::OkStatus();
}

// Brings the geometry into the dataset's CRS. Its coordinates are checked as they were sent; what is wrong stays as it
// was sent and is found.
std::vector<feature::Finding> Publishing::transform(Target& target, wire::IncomingChange& incoming,
                                                    feature::Change& change) {
  geo::Geometry& geometry = *incoming.state.geometry;
  const auto found = [&](const absl::Status& status) {
    return std::vector{
        rules::make_finding(error_reason(status), change.id, feature::kGeometryName, message_of(status))};
  };
  const auto source = target.source(incoming.epsg);
  if (!source.ok()) return found(source.status());
  const auto& [crs, coordinates, transformer] = **source;
  if (auto implausible = coordinates.check(change.id, geometry)) return {*std::move(implausible)};
  auto moved = transformer.transform(geometry);
  if (!moved.ok()) return found(moved.status());
  change.source_hash = feature::source_hash(crs.id(), transformer.operation(), geometry.wkb);
  geometry = *std::move(moved);
  if (staged_) staged_->note_transformation(target.place, {crs.id(), transformer.operation()});
  return {};
}

absl::Status Publishing::add_change(const v1::Change& message, const std::string& crs) {
  LT_ASSIGN_OR_RETURN(Target* const target, target_of(message.dataset()));
  ++received_;
  const auto decode = [&]() -> absl::StatusOr<wire::IncomingChange> {
    if (crs.empty()) return target->decoder.decode(message);
    LT_ASSIGN_OR_RETURN(const auto sent, geo::find_crs(crs));
    return target->decoder.in_crs(sent.epsg).decode(message);
  };
  auto incoming = decode();
  if (incoming.ok()) return add_decoded(message, *target, *std::move(incoming));
  const Digest hash = feature::invalid_change_hash(target->dataset.name, message.feature().id(), serialize(message));
  auto findings = rules::findings_from_status(incoming.status(), message.feature().id());
  // A limit keeps its code.
  if (first_error_.ok() && header_.on_invalid == feature::InvalidPolicy::kReject && !findings.empty()) {
    first_error_ = error_of(findings.front(), incoming.status().code());
  }
  return add_invalid(message, *target, std::move(findings), hash);
}

absl::Status Publishing::add_changes(const v1::ChangeBatch& batch) {
  LT_RETURN_IF_ERROR(parts_.check_complete());
  LT_RETURN_IF_ERROR(take_sequence(batch.sequence()));
  if (batch.changes().empty()) return invalid("BATCH_EMPTY", "a batch holds at least one change");
  for (const auto& change : batch.changes()) LT_RETURN_IF_ERROR(add_change(change));
  return end_batch();
}

absl::Status Publishing::end_batch() {
  return staged_ ? staged_->end_batch(last_sequence_, finding_count_) : absl::OkStatus();
}

absl::Status Publishing::add_batch(const v1::ChangeBatch& batch) { return fail(add_changes(batch)); }

absl::Status Publishing::add_released(const v1::Change& change, const std::string& crs) {
  LT_RETURN_IF_ERROR(fail(take_sequence(last_sequence_ + 1)));
  LT_RETURN_IF_ERROR(fail(add_change(change, crs)));
  return fail(end_batch());
}

absl::Status Publishing::add_part(const v1::FeaturePart& part) {
  if (!parts_.in_progress()) LT_RETURN_IF_ERROR(fail(take_sequence(part.sequence())));
  auto whole = parts_.add(part);
  if (!whole.ok()) return fail(whole.status());
  return *whole ? fail(add_whole_part(**whole)) : absl::OkStatus();
}

absl::Status Publishing::add_whole_part(const std::string& serialized) {
  v1::Change change;
  if (!change.ParseFromString(serialized)) {
    return invalid("PART_MALFORMED", "the pieces put together are not a serialized lienthong.v1.Change");
  }
  LT_RETURN_IF_ERROR(add_change(change));
  return end_batch();
}

absl::Status Publishing::end(const v1::PublishEnd& end) {
  if (!begun()) return fail(invalid("HEADER_MISSING", "the first message must be the header"));
  if (ended_) return fail(invalid("END_NOT_LAST", "nothing may follow the end"));
  LT_RETURN_IF_ERROR(fail(parts_.check_complete()));
  if (end.changes() != received_) {
    return fail(invalid("END_MISMATCH", fmt::format("the end says {} changes, {} arrived; send everything again",
                                                    end.changes(), received_)));
  }
  ended_ = true;
  return absl::OkStatus();
}

// The first error, with the first findings of all features.
absl::Status Publishing::refusal() const {
  auto detail = error_detail(first_error_).value_or(ErrorDetail{});
  detail.metadata["findings_total"] = std::to_string(finding_count_);
  std::vector<FieldViolation> violations;
  for (const auto& [dataset, sequence, finding] : findings_) {
    if (!is_error(finding)) continue;
    if (violations.size() == kMaxListed) break;
    violations.push_back(
        {place_of(finding), fmt::format("{} [{}] / {}", finding.message_en, finding.rule, finding.message_vi)});
  }
  std::string message = message_of(first_error_);
  if (error_count_ > 1) {
    message += fmt::format(" ({} more errors; ListFindings with this attempt_id lists them)", error_count_ - 1);
  }
  return make_error(first_error_.code(), detail.reason, message, std::move(detail.metadata), std::move(violations));
}

// Repeats are findings; under the policy to reject the first of them is the error.
void Publishing::note_duplicates(const storage::Sealed& sealed) {
  for (const auto& repeat : sealed.duplicates) {
    const auto owner = std::find_if(targets_.begin(), targets_.end(),
                                    [&](const auto& item) { return item.second->place == repeat.place; });
    auto finding = rules::make_finding("DUPLICATE_ID", repeat.id, "",
                                       fmt::format("stands twice: change {} and change {}; send each feature once per "
                                                   "changeset",
                                                   repeat.first, repeat.second));
    if (first_error_.ok()) first_error_ = error_of(finding, absl::StatusCode::kInvalidArgument);
    if (static_cast<std::int64_t>(findings_.size()) < core_.limits.kept_findings) {
      findings_.push_back({owner->second->dataset.name, repeat.second, std::move(finding)});
    }
  }
  finding_count_ += sealed.duplicate_count;
  error_count_ += sealed.duplicate_count;
}

absl::StatusOr<feature::Receipt> Publishing::commit() {
  if (!begun()) return invalid("HEADER_MISSING", "the stream ended without a header");
  if (!ended_) {
    return invalid("END_MISSING",
                   "the stream was closed without its end, so it may have been cut; send "
                   "{\"end\": {\"changes\": N}} last, N being the number of changes");
  }
  if (!staged_) return refusal();
  LT_ASSIGN_OR_RETURN(const auto sealed, staged_->seal(header_));
  const std::string hex = to_hex(view(sealed.content));
  if (!declared_content_.empty() && declared_content_ != hex) {
    return invalid("CONTENT_HASH_MISMATCH",
                   fmt::format("the header declares content {}, what arrived has {}; send everything again",
                               declared_content_, hex));
  }
  if (sealed.duplicate_count > 0 && !header_.collapse_repeated && !known_) {
    note_duplicates(sealed);
    if (header_.on_invalid == feature::InvalidPolicy::kReject) return refusal();
  }
  storage::PublishRequest request;
  request.organisation = caller_.organisation;
  request.attempt_id = attempt_id_;
  request.header = header_;
  request.content = sealed.content;
  request.duplicates = sealed.duplicate_count;
  request.named_crs = crs_named_;
  request.scope = scope_;
  request.released_quarantine = released_;
  request.started_us = started_us_;
  request.findings = finding_count_;
  request.kept = core_.limits.kept_findings;
  // A large one was looked up long ago, and what it would do in vain is much.
  request.looked_up = !known_ && staged_->staged_sequence() == 0;
  for (const auto& [name, target] : targets_) {
    LT_ASSIGN_OR_RETURN(auto areas, core_.area_book->ready(target->schema->crs));
    if (areas) request.areas.emplace(target->dataset.id, std::move(areas));
  }
  return storage::publish(core_.pool, request, *staged_, report_);
}

absl::StatusOr<feature::Receipt> Publishing::finish() {
  auto receipt = commit();
  if (!receipt.ok()) return fail(receipt.status());
  if (receipt->changed && !header_.dry_run) core_.announce_heads();
  if (header_.dry_run) {
    store(storage::AttemptOutcome::kDryRun, {}, *receipt);
  } else if (receipt->attempt_id == attempt_id_) {
    stored_ = true;  // with the commit
  } else {
    store(storage::AttemptOutcome::kAccepted, {}, *receipt);  // the same changeset again
  }
  return receipt;
}

void Publishing::break_off() {
  if (!header_seen_) return;
  if (staged_ && core_.limits.resumable) staged_->suspend();
  store(storage::AttemptOutcome::kBrokenOff, {}, std::nullopt);
}

// What a submission was is kept whatever became of it; that it cannot be kept must not change the answer.
void Publishing::store(storage::AttemptOutcome outcome, const absl::Status& why, const MaybeReceipt& receipt) {
  if (stored_ || !header_seen_) return;
  stored_ = true;
  storage::Attempt attempt;
  attempt.attempt_id = attempt_id_;
  attempt.organisation = caller_.organisation;
  attempt.changeset_id = header_.changeset_id;
  attempt.dataset = header_.dataset;
  attempt.outcome = outcome;
  attempt.started_us = started_us_;
  attempt.ended_us = now_us();
  attempt.received = received_;
  attempt.counts = report_.counts;
  if (receipt) {
    attempt.commit_id = receipt->commit_id;
    attempt.counts = receipt->counts;
  }
  attempt.findings = finding_count_;
  attempt.conflicts = report_.conflict_count;
  if (!why.ok()) {
    attempt.reason = error_reason(why);
    attempt.error_message = message_of(why);
  }
  const auto stored = [&]() -> absl::Status {
    LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core_.pool));
    return storage::store_attempt(*connection, attempt, findings_, report_.conflicts);
  }();
  if (!stored.ok()) {
    log_event(spdlog::level::warn, "attempt_not_stored", {{"attempt", attempt_id_}, {"error", message_of(stored)}});
  }
}

v1::PublishProgress Publishing::progress() const {
  v1::PublishProgress progress;
  progress.set_attempt_id(attempt_id_);
  progress.set_received(received_);
  progress.set_checked(received_);
  progress.set_staged_sequence(staged_ ? staged_->staged_sequence() : 0);
  return progress;
}

std::vector<storage::AttemptFinding> Publishing::take_findings() {
  const std::size_t until = std::min(findings_.size(), kMaxStreamedFindings);
  if (streamed_findings_ >= until) return {};
  std::vector<storage::AttemptFinding> taken(findings_.begin() + static_cast<std::ptrdiff_t>(streamed_findings_),
                                             findings_.begin() + static_cast<std::ptrdiff_t>(until));
  streamed_findings_ = until;
  return taken;
}

absl::StatusOr<feature::Receipt> publish_changeset(const Core& core, const rpc::CallerIdentity& caller,
                                                   const v1::PublishChangesetRequest& request) {
  if (request.changes_size() > kMaxUnaryChanges || request.ByteSizeLong() > kMaxUnaryBytes) {
    return invalid(
        "CHANGESET_TOO_LARGE",
        fmt::format("{} changes, {} bytes: PublishChangeset takes at most {} changes and {} bytes; use Publish",
                    request.changes_size(), request.ByteSizeLong(), kMaxUnaryChanges, kMaxUnaryBytes));
  }
  if (!request.has_header()) return invalid("HEADER_MISSING", "the request has no header");
  Publishing publishing(core, caller);
  LT_ASSIGN_OR_RETURN(auto early, publishing.begin(request.header()));
  if (early) return *std::move(early);
  if (request.changes_size() > 0) {
    v1::ChangeBatch batch;
    batch.set_sequence(1);
    *batch.mutable_changes() = request.changes();
    LT_RETURN_IF_ERROR(publishing.add_batch(batch));
  }
  v1::PublishEnd end;
  end.set_changes(request.changes_size());
  LT_RETURN_IF_ERROR(publishing.end(end));
  return publishing.finish();
}

}  // namespace lt::exchange
