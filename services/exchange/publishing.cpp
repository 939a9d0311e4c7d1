#include "exchange/publishing.hpp"

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "storage/acquire.hpp"
#include "storage/publish.hpp"

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

// The findings of one feature as one error: the first decides reason and message, all become violations.
absl::Status finding_error(const std::vector<feature::Finding>& findings) {
  std::vector<FieldViolation> violations;
  const feature::Finding* first = nullptr;
  for (const auto& finding : findings) {
    if (finding.severity != feature::Severity::kError) continue;
    if (!first) first = &finding;
    violations.push_back(
        {fmt::format("feature '{}'{}{}", finding.feature_id, finding.field.empty() ? "" : ": ", finding.field),
         fmt::format("{} [{}] / {}", finding.message_en, finding.rule, finding.message_vi)});
  }
  if (!first) return absl::OkStatus();
  std::map<std::string, std::string> metadata{{"feature_id", first->feature_id}, {"rule", first->rule}};
  if (!first->field.empty()) metadata["field"] = first->field;
  const std::string message = fmt::format("{}: {}", violations.front().field, first->message_en);
  return make_error(absl::StatusCode::kInvalidArgument, first->reason, message, std::move(metadata),
                    std::move(violations));
}

}  // namespace

Publishing::Publishing(const Core& core, rpc::CallerIdentity caller)
    : core_(core), caller_(std::move(caller)), attempt_id_(make_uuid7()), parts_(core.limits.max_feature_bytes) {}

Publishing::~Publishing() = default;

absl::Status Publishing::note(const absl::Status& status) const {
  return with_metadata(status, "attempt_id", attempt_id_);
}

absl::StatusOr<std::optional<feature::Receipt>> Publishing::begin(const v1::PublishHeader& header) {
  auto early = open(header);
  if (!early.ok()) return note(early.status());
  return early;
}

absl::Status Publishing::check_crs() {
  if (!schema_->crs.empty()) {
    LT_ASSIGN_OR_RETURN(crs_, geo::find_crs(schema_->crs));
  }
  if (!header_.crs.empty()) {
    LT_ASSIGN_OR_RETURN(const auto sent, geo::find_crs(header_.crs));
    if (sent.id() != schema_->crs) {
      return invalid(
          "CRS_MISMATCH",
          fmt::format(
              "the header says {}, dataset \"{}\" is in {}; transform the data or leave the CRS out if it is in {}",
              sent.id(), dataset_.name, schema_->crs.empty() ? "no CRS" : schema_->crs, schema_->crs),
          {{"crs", sent.id()}, {"dataset_crs", schema_->crs}});
    }
  }
  header_.crs = schema_->crs;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<storage::StoredChangeset>> Publishing::find_known() {
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core_.pool));
  return storage::find_changeset(*connection, caller_.organisation, header_.changeset_id);
}

absl::StatusOr<std::optional<feature::Receipt>> Publishing::open(const v1::PublishHeader& header) {
  if (begun()) return invalid("HEADER_TWICE", "the header must come exactly once, as the first message");
  LT_ASSIGN_OR_RETURN(header_, wire::header_from_proto(header));
  declared_content_ = to_hex(from_hex(header.content_sha256()).value_or(""));  // of either case, checked above
  LT_ASSIGN_OR_RETURN(dataset_, core_.catalog.get_dataset(header_.dataset));
  LT_RETURN_IF_ERROR(check_may_publish(caller_, dataset_));
  LT_ASSIGN_OR_RETURN(schema_, core_.catalog.get_schema(dataset_.id, dataset_.schema_revision));
  LT_RETURN_IF_ERROR(check_crs());
  LT_ASSIGN_OR_RETURN(const auto known, find_known());
  if (known && !declared_content_.empty()) {
    if (to_hex(view(known->content)) == declared_content_) return known->receipt;
    return make_error(absl::StatusCode::kAlreadyExists, "CHANGESET_ID_REUSED",
                      fmt::format("changeset_id \"{}\" was accepted with other content; give a new changeset a new id",
                                  header_.changeset_id),
                      {{"changeset_id", header_.changeset_id}, {"commit_id", known->receipt.commit_id}});
  }
  geo::GeometryLimits limits;
  limits.max_bytes = static_cast<std::uint32_t>(core_.limits.max_feature_bytes);
  decoder_.emplace(*schema_, crs_ ? &*crs_ : nullptr, limits);
  checker_.emplace(*schema_);
  staged_ = std::make_unique<storage::StagedChanges>(
      core_.pool, core_.staging_owner, dataset_, schema_->srid(), attempt_id_,
      storage::StagingLimits{core_.limits.publish_memory_bytes, core_.limits.staging_piece_bytes}, known.has_value());
  return std::nullopt;
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

absl::Status Publishing::add_change(const v1::Change& message) {
  LT_ASSIGN_OR_RETURN(auto incoming, decoder_->decode(message));
  if (header_.kind == feature::ChangesetKind::kSnapshot && incoming.op != feature::ChangeOp::kUpsert) {
    return invalid("SNAPSHOT_NEEDS_UPSERT",
                   fmt::format("feature '{}': a snapshot holds what there is, so each change must be OPERATION_UPSERT",
                               incoming.id),
                   {{"feature_id", incoming.id}});
  }
  feature::Change change{staged_->count() + 1, incoming.op, std::move(incoming.id), incoming.base_version, {}};
  const bool has_state = change.op != feature::ChangeOp::kDelete;
  if (has_state) {
    LT_RETURN_IF_ERROR(finding_error(checker_->check(change.id, incoming.state)));
    change.record = feature::encode_record(schema_->revision, incoming.state);
    if (static_cast<std::int64_t>(change.record.size()) > core_.limits.max_feature_bytes) {
      return make_error(absl::StatusCode::kResourceExhausted, "FEATURE_TOO_LARGE",
                        fmt::format("feature '{}' has {} bytes, at most {} are allowed", change.id,
                                    change.record.size(), core_.limits.max_feature_bytes),
                        {{"feature_id", change.id}});
    }
  }
  return staged_->add(change, has_state ? &incoming.state : nullptr);
}

absl::Status Publishing::add_changes(const v1::ChangeBatch& batch) {
  LT_RETURN_IF_ERROR(parts_.check_complete());
  LT_RETURN_IF_ERROR(take_sequence(batch.sequence()));
  if (batch.changes().empty()) return invalid("BATCH_EMPTY", "a batch holds at least one change");
  absl::Status first;
  std::vector<FieldViolation> violations;
  for (const auto& change : batch.changes()) {
    const absl::Status status = add_change(change);
    if (status.ok()) continue;
    // What is not about one feature (database, limits) ends the batch at once.
    if (status.code() != absl::StatusCode::kInvalidArgument) return status;
    auto detail = error_detail(status).value_or(ErrorDetail{});
    if (detail.violations.empty())
      detail.violations.push_back({fmt::format("feature '{}'", change.feature().id()), message_of(status)});
    for (auto& violation : detail.violations) violations.push_back(std::move(violation));
    if (first.ok()) first = status;
    if (violations.size() >= kMaxListed) break;
  }
  if (first.ok()) return first;
  auto detail = error_detail(first).value_or(ErrorDetail{});
  return make_error(first.code(), detail.reason, message_of(first), std::move(detail.metadata), std::move(violations));
}

absl::Status Publishing::add_batch(const v1::ChangeBatch& batch) {
  const std::int64_t before = begun() ? staged_->staged() : 0;
  LT_RETURN_IF_ERROR(note(add_changes(batch)));
  note_staged(before);
  return absl::OkStatus();
}

void Publishing::note_staged(std::int64_t before) {
  if (staged_->staged() == before) return;
  // A piece that ended within this batch holds all batches before it.
  staged_sequence_ = staged_->staged() == staged_->count() ? last_sequence_ : last_sequence_ - 1;
}

absl::Status Publishing::add_part(const v1::FeaturePart& part) {
  if (!parts_.in_progress()) {
    LT_RETURN_IF_ERROR(note(take_sequence(part.sequence())));
  }
  auto whole = parts_.add(part);
  if (!whole.ok()) return note(whole.status());
  if (!*whole) return absl::OkStatus();
  v1::Change change;
  if (!change.ParseFromString(**whole)) {
    return note(invalid("PART_MALFORMED", "the pieces put together are not a serialized lienthong.v1.Change"));
  }
  const std::int64_t before = staged_->staged();
  LT_RETURN_IF_ERROR(note(add_change(change)));
  note_staged(before);
  return absl::OkStatus();
}

absl::Status Publishing::end(const v1::PublishEnd& end) {
  if (!begun()) return note(invalid("HEADER_MISSING", "the first message must be the header"));
  if (ended_) return note(invalid("END_NOT_LAST", "nothing may follow the end"));
  LT_RETURN_IF_ERROR(note(parts_.check_complete()));
  if (end.changes() != staged_->count()) {
    return note(invalid("END_MISMATCH", fmt::format("the end says {} changes, {} arrived; send everything again",
                                                    end.changes(), staged_->count())));
  }
  ended_ = true;
  return absl::OkStatus();
}

absl::StatusOr<feature::Receipt> Publishing::finish() {
  if (!begun()) return note(invalid("HEADER_MISSING", "the stream ended without a header"));
  if (!ended_) {
    return note(invalid("END_MISSING",
                        "the stream was closed without its end, so it may have been cut; send "
                        "{\"end\": {\"changes\": N}} last, N being the number of changes"));
  }
  auto content = staged_->seal(header_);
  if (!content.ok()) return note(content.status());
  const std::string hex = to_hex(view(*content));
  if (!declared_content_.empty() && declared_content_ != hex) {
    return note(invalid("CONTENT_HASH_MISMATCH",
                        fmt::format("the header declares content {}, what arrived has {}; send everything again",
                                    declared_content_, hex)));
  }
  auto receipt =
      storage::publish(core_.pool, {caller_.organisation, attempt_id_, header_, dataset_, *content}, *staged_);
  if (!receipt.ok()) return note(receipt.status());
  return receipt;
}

v1::PublishProgress Publishing::progress() const {
  v1::PublishProgress progress;
  progress.set_received(staged_ ? staged_->count() : 0);
  progress.set_staged_sequence(staged_sequence_);
  return progress;
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
