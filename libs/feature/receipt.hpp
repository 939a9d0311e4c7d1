// Receipts: what a publisher gets for a changeset, for ever, and the opaque cursors that refer to them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

namespace lt::feature {

/// How geometries that were not sent in the dataset's CRS came into it.
struct Transformation {
  std::string source_crs;  ///< "EPSG:n"
  std::string operation;   ///< geo::Transformer::operation()
  bool operator==(const Transformation&) const = default;
};

/// A dataset that a changeset addressed.
struct DatasetVersion {
  std::string dataset;
  std::string dataset_uid;
  std::int64_t version = 0;     ///< the version made, or the head when nothing changed
  std::string previous_digest;  ///< hex digest of the receipt of version − 1; empty for version 1 and without a version
  std::vector<Transformation> transformations =
      {};  ///< by source_crs; none when every geometry came in the dataset's CRS
  bool operator==(const DatasetVersion&) const = default;
};

struct Counts {
  std::int64_t inserted = 0, updated = 0, deleted = 0, unchanged = 0, quarantined = 0, skipped = 0, collapsed = 0,
               findings = 0;
  bool operator==(const Counts&) const = default;
};

/// The digest is SHA-256 of the RFC 8785 form of receipt_to_json() without "digest".
struct Receipt {
  std::string commit_id;  ///< empty when nothing changed
  std::string attempt_id;
  std::string changeset_id;
  std::string organisation;
  std::string message;
  std::int64_t committed_us = 0;  ///< commit time, microseconds since 1970 UTC
  bool changed = false;
  std::vector<DatasetVersion> datasets;
  Counts counts;
  std::vector<std::string> areas;  ///< LIST:CODE of those that the changes touch, before or after; ordered
  std::string content_sha256;      ///< hex, docs/canonical.md "Content of a changeset"
  std::string digest;              ///< hex
  bool operator==(const Receipt&) const = default;
};

/// The proto3 JSON form of lienthong.v1.Receipt: proto field names, default values left out, int64 as strings, the
/// commit time in UTC with 0, 3 or 6 fraction digits; `counts` is left out when all are 0, `committed_at` at 0. So what
/// grpcurl prints can be checked with a JSON tool and sha256sum.
[[nodiscard]] nlohmann::json receipt_to_json(const Receipt& receipt);
/// Accepts what receipt_to_json() makes, `digest` present or not; does not check the digest.
/// Errors: INVALID_ARGUMENT RECEIPT_MALFORMED (unknown members too: the digest would not cover them).
[[nodiscard]] absl::StatusOr<Receipt> receipt_from_json(std::string_view text);
/// Hex digest over receipt_to_json() without "digest".
[[nodiscard]] std::string receipt_digest(const Receipt& receipt);

/// Where a consumer stands: opaque to it. Gives no rights.
struct Cursor {
  struct Position {
    std::string dataset_uid;
    std::int64_t version = 0;
    std::string digest;  ///< hex digest of the receipt of that version; empty at version 0
    bool operator==(const Position&) const = default;
  };
  std::string view_revision;  ///< empty: the whole dataset
  std::vector<Position> positions;
  bool operator==(const Cursor&) const = default;
};
inline constexpr std::size_t kMaxCursorPositions = 1000;
/// Token of letters, digits, '-' and '_'. `digest`s are empty or 64 hex digits; at most kMaxCursorPositions.
[[nodiscard]] std::string encode_cursor(const Cursor& cursor);
/// Errors: INVALID_ARGUMENT CURSOR_MALFORMED.
[[nodiscard]] absl::StatusOr<Cursor> decode_cursor(std::string_view token);

}  // namespace lt::feature
