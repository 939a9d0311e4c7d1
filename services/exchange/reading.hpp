// Answers that stream features: diff, changes, snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "exchange/core.hpp"
#include "feature/change.hpp"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::exchange {

/// The messages of one answer, one at a time: header, chunks, parts of what is too large, end. Memory holds two pages
/// and one message, or one feature in pieces, however slowly they are taken. One thread at a time.
template <typename Response>
class MessageStream {
 public:
  virtual ~MessageStream() = default;
  /// Fills the next message. @return false after the last.
  [[nodiscard]] virtual absl::StatusOr<bool> next(Response& response) = 0;
  /// Grows by a feature that has to go out in pieces. Errors of next(): RESOURCE_EXHAUSTED as Quota::take().
  rpc::Quota::Share pieces;
};

/// Errors of all: NOT_FOUND DATASET_UNKNOWN; OUT_OF_RANGE VERSION_OUT_OF_RANGE, HISTORY_COMPACTED (also in the middle);
/// INVALID_ARGUMENT CURSOR_MALFORMED, CURSOR_OTHER_DATASET, FORM_UNKNOWN, TOKEN_MALFORMED, TOKEN_OTHER_REQUEST;
/// FAILED_PRECONDITION HISTORY_FORKED.
[[nodiscard]] absl::StatusOr<std::unique_ptr<MessageStream<lienthong::v1::StreamDiffResponse>>> stream_diff(
    const Core& core, const lienthong::v1::StreamDiffRequest& request);
[[nodiscard]] absl::StatusOr<std::unique_ptr<MessageStream<lienthong::v1::StreamChangesResponse>>> stream_changes(
    const Core& core, const lienthong::v1::StreamChangesRequest& request);
[[nodiscard]] absl::StatusOr<std::unique_ptr<MessageStream<lienthong::v1::StreamSnapshotResponse>>> stream_snapshot(
    const Core& core, const lienthong::v1::StreamSnapshotRequest& request);

/// Errors: as above; NOT_FOUND FEATURE_NOT_FOUND; OUT_OF_RANGE FEATURE_TOO_LARGE.
[[nodiscard]] absl::Status get_feature(const Core& core, const lienthong::v1::GetFeatureRequest& request,
                                       lienthong::v1::GetFeatureResponse& response);
/// Errors: NOT_FOUND DATASET_UNKNOWN; INVALID_ARGUMENT PAGE_SIZE_INVALID, PAGE_TOKEN_MALFORMED.
[[nodiscard]] absl::Status list_changesets(const Core& core, const lienthong::v1::ListChangesetsRequest& request,
                                           lienthong::v1::ListChangesetsResponse& response);
/// Errors: NOT_FOUND DATASET_UNKNOWN, CHANGESET_UNKNOWN; INVALID_ARGUMENT KEY_MISSING.
[[nodiscard]] absl::Status get_changeset(const Core& core, const rpc::CallerIdentity& caller,
                                         const lienthong::v1::GetChangesetRequest& request,
                                         lienthong::v1::GetChangesetResponse& response);

}  // namespace lt::exchange
