// Messages too large to travel whole, in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "lienthong/v1/feature.pb.h"

namespace lt::wire {

/// Bytes of one piece, at most.
inline constexpr std::size_t kMaxPieceBytes = 1U << 20;
/// Bytes of one piece as we send them.
inline constexpr std::size_t kPieceBytes = 256U << 10;
/// Bytes of a divided message unless configured otherwise.
inline constexpr std::int64_t kDefaultMaxFeatureBytes = 16 << 20;
/// A change or entry whose serialized form is larger travels in pieces.
inline constexpr std::size_t kMaxWholeBytes = 1U << 20;

/// Puts pieces together, one message after another. Memory grows with the bytes received, never with what a piece
/// announces. After an error the assembler must not be used again.
class PartAssembler {
 public:
  explicit PartAssembler(std::int64_t max_feature_bytes = kDefaultMaxFeatureBytes);

  /// The whole serialized message when `part` is its last piece, nothing when more must come.
  /// Errors: INVALID_ARGUMENT PART_MALFORMED (empty piece, piece over 1 MiB, total below 1, a piece past the total, a
  /// hash before the last piece), PART_OUT_OF_ORDER (offset, total or sequence do not continue the piece before),
  /// PART_HASH_MISMATCH (also when the last piece has no hash); RESOURCE_EXHAUSTED FEATURE_TOO_LARGE.
  [[nodiscard]] absl::StatusOr<std::optional<std::string>> add(const lienthong::v1::FeaturePart& part);

  /// True while a message is incomplete: another message, or the end of the stream, is then PART_OUT_OF_ORDER.
  [[nodiscard]] bool in_progress() const { return total_ != 0; }
  /// The error for that case; OK when nothing is incomplete.
  [[nodiscard]] absl::Status check_complete() const;

 private:
  [[nodiscard]] absl::Status check_form(const lienthong::v1::FeaturePart& part) const;
  [[nodiscard]] absl::Status check_order(const lienthong::v1::FeaturePart& part) const;

  std::int64_t max_bytes_;
  std::int64_t sequence_ = 0;
  std::int64_t total_ = 0;
  std::string bytes_;
};

/// One of them: `piece_bytes` (kept within 1 and kMaxPieceBytes) from `offset`, which is inside `serialized`.
[[nodiscard]] lienthong::v1::FeaturePart make_part(std::string_view serialized, std::int64_t sequence,
                                                   std::size_t offset, std::size_t piece_bytes = kPieceBytes);

/// The pieces of one serialized message; `serialized` is not empty. All carry `sequence`, the last the hash.
/// @param piece_bytes is kept within 1 and kMaxPieceBytes.
[[nodiscard]] std::vector<lienthong::v1::FeaturePart> split_into_parts(std::string_view serialized,
                                                                       std::int64_t sequence,
                                                                       std::size_t piece_bytes = kPieceBytes);

}  // namespace lt::wire
