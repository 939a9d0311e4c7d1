#include "wire/receipt.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "base/status.hpp"

namespace lt::wire {
namespace {

namespace v1 = lienthong::v1;

constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int32_t kNanosPerUs = 1'000;
constexpr std::int32_t kNanosPerSecond = 1'000'000'000;
// 0001-01-01 and 9999-12-31T23:59:59, the range of google.protobuf.Timestamp.
constexpr std::int64_t kMinSeconds = -62'135'596'800;
constexpr std::int64_t kMaxSeconds = 253'402'300'799;

absl::StatusOr<std::int64_t> time_from_proto(const google::protobuf::Timestamp& time) {
  const bool in_range = time.seconds() >= kMinSeconds && time.seconds() <= kMaxSeconds && time.nanos() >= 0 &&
                        time.nanos() < kNanosPerSecond;
  if (!in_range || time.nanos() % kNanosPerUs != 0) {
    return make_error(absl::StatusCode::kInvalidArgument, "RECEIPT_MALFORMED",
                      fmt::format("committed_at ({} s, {} ns) is not a time in whole microseconds; use the receipt as "
                                  "the exchange gave it",
                                  time.seconds(), time.nanos()));
  }
  return time.seconds() * kUsPerSecond + time.nanos() / kNanosPerUs;
}

}  // namespace

void counts_to_proto(const feature::Counts& counts, v1::Counts* out) {
  out->set_inserted(counts.inserted);
  out->set_updated(counts.updated);
  out->set_deleted(counts.deleted);
  out->set_unchanged(counts.unchanged);
  out->set_quarantined(counts.quarantined);
  out->set_skipped(counts.skipped);
  out->set_collapsed(counts.collapsed);
  out->set_findings(counts.findings);
}

void receipt_to_proto(const feature::Receipt& receipt, v1::Receipt* out) {
  out->Clear();
  out->set_commit_id(receipt.commit_id);
  out->set_attempt_id(receipt.attempt_id);
  out->set_changeset_id(receipt.changeset_id);
  out->set_organisation(receipt.organisation);
  out->set_message(receipt.message);
  // Left out when it has its default, as in receipt_to_json(): presence is visible in the JSON that is hashed.
  if (receipt.committed_us != 0) {
    *out->mutable_committed_at() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(receipt.committed_us);
  }
  out->set_changed(receipt.changed);
  for (const auto& dataset : receipt.datasets) {
    auto* added = out->add_datasets();
    added->set_dataset(dataset.dataset);
    added->set_dataset_uid(dataset.dataset_uid);
    added->set_version(dataset.version);
    added->set_previous_digest(dataset.previous_digest);
    for (const auto& transformation : dataset.transformations) {
      auto* const to = added->add_transformations();
      to->set_source_crs(transformation.source_crs);
      to->set_operation(transformation.operation);
    }
  }
  if (receipt.counts != feature::Counts()) counts_to_proto(receipt.counts, out->mutable_counts());
  for (const auto& area : receipt.areas) out->add_areas(area);
  out->set_content_sha256(receipt.content_sha256);
  out->set_digest(receipt.digest);
}

absl::StatusOr<feature::Receipt> receipt_from_proto(const v1::Receipt& proto) {
  feature::Receipt receipt;
  receipt.commit_id = proto.commit_id();
  receipt.attempt_id = proto.attempt_id();
  receipt.changeset_id = proto.changeset_id();
  receipt.organisation = proto.organisation();
  receipt.message = proto.message();
  LT_ASSIGN_OR_RETURN(receipt.committed_us, time_from_proto(proto.committed_at()));
  receipt.changed = proto.changed();
  for (const auto& dataset : proto.datasets()) {
    auto& added = receipt.datasets.emplace_back();
    added.dataset = dataset.dataset();
    added.dataset_uid = dataset.dataset_uid();
    added.version = dataset.version();
    added.previous_digest = dataset.previous_digest();
    for (const auto& transformation : dataset.transformations()) {
      added.transformations.push_back({transformation.source_crs(), transformation.operation()});
    }
  }
  const auto& counts = proto.counts();
  receipt.counts = {counts.inserted(),    counts.updated(), counts.deleted(),   counts.unchanged(),
                    counts.quarantined(), counts.skipped(), counts.collapsed(), counts.findings()};
  receipt.areas.assign(proto.areas().begin(), proto.areas().end());
  receipt.content_sha256 = proto.content_sha256();
  receipt.digest = proto.digest();
  return receipt;
}

}  // namespace lt::wire
