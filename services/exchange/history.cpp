#include "exchange/history.hpp"

#include <limits>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "base/status.hpp"
#include "exchange/paging.hpp"
#include "exchange/publishing.hpp"
#include "exchange/reading.hpp"
#include "storage/history.hpp"
#include "wire/change.hpp"
#include "wire/encoder.hpp"
#include "wire/receipt.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;

// States read ahead: a small part of an answer, so that little is read for nothing when the answer is full.
constexpr std::int64_t kPageBytes = 1 << 20;
// Changes handed to a Publishing at once. One that is larger goes alone.
constexpr std::size_t kBatchBytes = 1U << 20;

absl::Status fill_change(const wire::FeatureEncoder& encoder, const std::string& id,
                         const storage::FeatureChange& change, v1::FeatureChange* out) {
  out->set_op(wire::entry_op_to_proto(change.op));
  out->set_version(change.version);
  *out->mutable_committed_at() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(change.receipt.committed_us);
  out->set_organisation(change.receipt.organisation);
  out->set_changeset_id(change.receipt.changeset_id);
  out->set_commit_id(change.receipt.commit_id);
  out->set_message(change.receipt.message);
  if (!change.before.empty()) {
    LT_RETURN_IF_ERROR(encoder.encode(id, change.before_version, change.before, out->mutable_before()));
  }
  if (change.record.empty()) return absl::OkStatus();
  return encoder.encode(id, change.version, change.record, out->mutable_after());
}

// Leaves out states of a change that alone is too large for an answer; the newer one is worth more.
void shorten(v1::FeatureChange& change) {
  if (change.ByteSizeLong() <= kMaxPageBytes) return;
  change.set_too_large(true);
  change.clear_before();
  if (change.ByteSizeLong() > kMaxPageBytes) change.clear_after();
}

// Collects the changes of one answer, newest first.
class HistoryAnswer {
 public:
  HistoryAnswer(const wire::FeatureEncoder& encoder, const std::string& id, v1::ListFeatureHistoryResponse& response)
      : encoder_(encoder), id_(id), response_(response) {}

  /// @return false when the change does not fit any more.
  absl::StatusOr<bool> add(const storage::FeatureChange& change) {
    v1::FeatureChange made;
    LT_RETURN_IF_ERROR(fill_change(encoder_, id_, change, &made));
    shorten(made);
    const std::size_t size = made.ByteSizeLong();
    if (response_.changes_size() > 0 && bytes_ + size > kMaxPageBytes) return false;
    bytes_ += size;
    *response_.add_changes() = std::move(made);
    return true;
  }

 private:
  const wire::FeatureEncoder& encoder_;
  const std::string& id_;
  v1::ListFeatureHistoryResponse& response_;
  std::size_t bytes_ = 0;
};

absl::Status never_existed(const storage::Dataset& dataset, const std::string& id) {
  return make_error(absl::StatusCode::kNotFound, "FEATURE_NOT_FOUND",
                    fmt::format("dataset \"{}\" has and had no feature '{}'", dataset.name, id),
                    {{"dataset", dataset.name}, {"feature_id", id}});
}

absl::Status fill_history(const Core& core, const storage::Dataset& dataset, const std::string& id,
                          const wire::FeatureEncoder& encoder, std::int64_t before, int limit,
                          v1::ListFeatureHistoryResponse& response) {
  HistoryAnswer answer(encoder, id, response);
  bool more = true;
  bool full = false;
  while (more && !full && response.changes_size() < limit) {
    LT_ASSIGN_OR_RETURN(const auto page, storage::read_feature_history(core.pool, dataset.id, id, before,
                                                                       limit - response.changes_size(), kPageBytes));
    more = page.more;
    for (const auto& change : page.changes) {
      LT_ASSIGN_OR_RETURN(const bool added, answer.add(change));
      if (!added) {
        full = true;
        break;
      }
      before = change.version;
    }
  }
  if (more || full) response.set_next_page_token(make_page_token(std::to_string(before)));
  return absl::OkStatus();
}

absl::StatusOr<feature::Receipt> find_reverted(const Core& core, const rpc::CallerIdentity& caller,
                                               const v1::RevertChangesetRequest& request) {
  if (!request.reverted_changeset_id().empty() && !request.dataset().empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "KEY_AMBIGUOUS",
                      "give dataset and version, or reverted_changeset_id, not both");
  }
  v1::GetChangesetRequest wanted;
  wanted.set_dataset(request.dataset());
  wanted.set_version(request.version());
  wanted.set_changeset_id(request.reverted_changeset_id());
  wanted.set_organisation(request.organisation());
  v1::GetChangesetResponse found;
  LT_RETURN_IF_ERROR(get_changeset(core, caller, wanted, found));
  LT_ASSIGN_OR_RETURN(auto receipt, wire::receipt_from_proto(found.changeset().receipt()));
  if (receipt.changed) return receipt;
  return make_error(absl::StatusCode::kFailedPrecondition, "NOTHING_TO_REVERT",
                    fmt::format("changeset \"{}\" changed nothing", receipt.changeset_id),
                    {{"changeset_id", receipt.changeset_id}});
}

// A dataset that the changeset changed, and the version that it made there.
struct MadeVersion {
  storage::Dataset dataset;
  std::int64_t version = 0;
};

absl::StatusOr<std::vector<MadeVersion>> find_made(const Core& core, const feature::Receipt& receipt) {
  std::vector<MadeVersion> made;
  for (const auto& addressed : receipt.datasets) {
    if (addressed.version == 0) continue;
    LT_ASSIGN_OR_RETURN(auto dataset, core.catalog.get_dataset(addressed.dataset));
    // For a dataset in which nothing changed the receipt names the head, which is another changeset's.
    LT_ASSIGN_OR_RETURN(const auto made_by, storage::read_version(core.pool, dataset.id, addressed.version));
    if (made_by.commit_id != receipt.commit_id) continue;
    made.push_back({std::move(dataset), addressed.version});
  }
  return made;
}

v1::PublishHeader revert_header(const v1::RevertChangesetRequest& request, const feature::Receipt& reverted,
                                const std::string& dataset) {
  v1::PublishHeader header;
  header.set_dataset(dataset);
  header.set_changeset_id(request.changeset_id());
  header.set_message(request.message().empty()
                         ? fmt::format("Reverts {} (commit {})", reverted.changeset_id, reverted.commit_id)
                         : request.message());
  header.set_on_conflict(request.on_conflict());
  header.set_dry_run(request.dry_run());
  return header;
}

v1::Change inverse_of(storage::InverseChange&& inverse, const MadeVersion& made) {
  v1::Change change;
  change.set_op(inverse.record.empty() ? v1::OPERATION_DELETE : v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id(std::move(inverse.id));
  if (!inverse.record.empty()) change.mutable_feature()->set_record(std::move(inverse.record));
  change.set_base_version(made.version);
  change.set_dataset(made.dataset.name);
  return change;
}

// Hands what undoes a changeset to a Publishing, in batches of bounded size.
class Reversion {
 public:
  Reversion(const Core& core, Publishing& publishing) : core_(core), publishing_(publishing) {}

  absl::Status add(const MadeVersion& made) {
    storage::InverseReader reader(core_.pool, made.dataset.id, made.version);
    while (true) {
      std::vector<storage::InverseChange> page;
      LT_ASSIGN_OR_RETURN(const bool more, reader.next(page));
      if (!more) return absl::OkStatus();
      for (auto& inverse : page) LT_RETURN_IF_ERROR(add(inverse_of(std::move(inverse), made)));
    }
  }

  absl::StatusOr<feature::Receipt> finish() {
    LT_RETURN_IF_ERROR(flush());
    v1::PublishEnd end;
    end.set_changes(changes_);
    LT_RETURN_IF_ERROR(publishing_.end(end));
    return publishing_.finish();
  }

 private:
  absl::Status add(v1::Change&& change) {
    const std::size_t size = change.ByteSizeLong();
    if (bytes_ > 0 && bytes_ + size > kBatchBytes) LT_RETURN_IF_ERROR(flush());
    *batch_.add_changes() = std::move(change);
    bytes_ += size;
    ++changes_;
    return absl::OkStatus();
  }

  absl::Status flush() {
    if (batch_.changes().empty()) return absl::OkStatus();
    batch_.set_sequence(++sequence_);
    const auto added = publishing_.add_batch(batch_);
    batch_.clear_changes();
    bytes_ = 0;
    return added;
  }

  const Core& core_;
  Publishing& publishing_;
  v1::ChangeBatch batch_;
  std::size_t bytes_ = 0;
  std::int64_t sequence_ = 0;
  std::int64_t changes_ = 0;
};

absl::StatusOr<feature::Receipt> revert(const Core& core, const rpc::CallerIdentity& caller,
                                        const v1::RevertChangesetRequest& request) {
  LT_ASSIGN_OR_RETURN(const auto reverted, find_reverted(core, caller, request));
  LT_ASSIGN_OR_RETURN(const auto made, find_made(core, reverted));
  if (made.empty()) {
    return make_error(absl::StatusCode::kDataLoss, "CHANGESET_UNKNOWN",
                      fmt::format("no dataset has a version of commit {}; verify the database", reverted.commit_id));
  }
  Publishing publishing(core, caller);
  LT_ASSIGN_OR_RETURN(const auto early, publishing.begin(revert_header(request, reverted, made.front().dataset.name)));
  if (early) return *early;
  Reversion reversion(core, publishing);
  for (const auto& version : made) LT_RETURN_IF_ERROR(reversion.add(version));
  return reversion.finish();
}

}  // namespace

absl::Status list_feature_history(const Core& core, const v1::ListFeatureHistoryRequest& request,
                                  v1::ListFeatureHistoryResponse& response) {
  LT_RETURN_IF_ERROR(feature::check_feature_id(request.id()));
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after_token, read_number_token(request.page_token()));
  const auto before = after_token > 0 ? after_token : std::numeric_limits<std::int64_t>::max();
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.dataset()));
  LT_ASSIGN_OR_RETURN(const auto schema, core.catalog.get_schema(dataset.id, dataset.schema_revision));
  LT_ASSIGN_OR_RETURN(const auto encoder, wire::FeatureEncoder::create(*schema, request.form()));
  LT_RETURN_IF_ERROR(fill_history(core, dataset, request.id(), encoder, before, limit, response));
  if (response.changes().empty() && request.page_token().empty()) return never_existed(dataset, request.id());
  response.set_crs(encoder.crs());
  response.set_operation(encoder.operation());
  return absl::OkStatus();
}

absl::Status revert_changeset(const Core& core, const rpc::CallerIdentity& caller,
                              const v1::RevertChangesetRequest& request, v1::RevertChangesetResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto receipt, revert(core, caller, request));
  wire::receipt_to_proto(receipt, response.mutable_receipt());
  return absl::OkStatus();
}

}  // namespace lt::exchange
