#include "wire/parts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"

namespace lt::wire {
namespace {

using absl::StatusCode;

absl::Status malformed(const lienthong::v1::FeaturePart& part, std::string_view what) {
  return make_error(StatusCode::kInvalidArgument, "PART_MALFORMED",
                    fmt::format("feature part at sequence {}, offset {}: {}", part.sequence(), part.offset(), what));
}

}  // namespace

PartAssembler::PartAssembler(std::int64_t max_feature_bytes) : max_bytes_(max_feature_bytes) {}

absl::Status PartAssembler::check_form(const lienthong::v1::FeaturePart& part) const {
  const auto size = static_cast<std::int64_t>(part.bytes().size());
  if (part.total() < 1) return malformed(part, "total must be the size of the whole message, at least 1 byte");
  if (part.total() > max_bytes_) {
    return make_error(StatusCode::kResourceExhausted, "FEATURE_TOO_LARGE",
                      fmt::format("a feature of {} bytes is over the limit of {} bytes; simplify or split its geometry",
                                  part.total(), max_bytes_),
                      {{"bytes", std::to_string(part.total())}, {"limit", std::to_string(max_bytes_)}});
  }
  if (size == 0) return malformed(part, "the piece is empty; send at least one byte");
  if (part.bytes().size() > kMaxPieceBytes) {
    return malformed(part, fmt::format("the piece has {} bytes; send at most {}", size, kMaxPieceBytes));
  }
  return absl::OkStatus();
}

absl::Status PartAssembler::check_order(const lienthong::v1::FeaturePart& part) const {
  const auto expected_offset = static_cast<std::int64_t>(bytes_.size());
  const bool continues = !in_progress() || (part.sequence() == sequence_ && part.total() == total_);
  if (!continues || part.offset() != expected_offset) {
    return make_error(
        StatusCode::kInvalidArgument, "PART_OUT_OF_ORDER",
        fmt::format("feature part at sequence {}, offset {}, total {} does not continue the piece before: offset {}{} "
                    "comes next; send the pieces of one message one after another",
                    part.sequence(), part.offset(), part.total(), expected_offset,
                    in_progress() ? fmt::format(" of sequence {}, total {}", sequence_, total_) : ""));
  }
  const auto size = static_cast<std::int64_t>(part.bytes().size());
  if (size > part.total() - part.offset()) return malformed(part, "the piece reaches past the total");
  if (size < part.total() - part.offset() && !part.sha256().empty()) {
    return malformed(part, "sha256 belongs on the last piece only");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> PartAssembler::add(const lienthong::v1::FeaturePart& part) {
  LT_RETURN_IF_ERROR(check_form(part));
  LT_RETURN_IF_ERROR(check_order(part));
  sequence_ = part.sequence();
  total_ = part.total();
  bytes_ += part.bytes();
  if (static_cast<std::int64_t>(bytes_.size()) < total_) return std::optional<std::string>();

  if (view(sha256(bytes_)) != part.sha256()) {
    return make_error(StatusCode::kInvalidArgument, "PART_HASH_MISMATCH",
                      fmt::format("sha256 on the last piece at sequence {} {}; send SHA-256 over all pieces, 32 bytes",
                                  sequence_, part.sha256().empty() ? "is missing" : "does not fit the bytes received"));
  }
  total_ = 0;
  return std::optional<std::string>(std::exchange(bytes_, std::string()));
}

absl::Status PartAssembler::check_complete() const {
  if (!in_progress()) return absl::OkStatus();
  return make_error(StatusCode::kInvalidArgument, "PART_OUT_OF_ORDER",
                    fmt::format("the message in pieces at sequence {} is incomplete: {} of {} bytes; send its other "
                                "pieces first",
                                sequence_, bytes_.size(), total_));
}

lienthong::v1::FeaturePart make_part(std::string_view serialized, std::int64_t sequence, std::size_t offset,
                                     std::size_t piece_bytes) {
  const auto piece = serialized.substr(offset, std::clamp<std::size_t>(piece_bytes, 1, kMaxPieceBytes));
  lienthong::v1::FeaturePart part;
  part.set_sequence(sequence);
  part.set_offset(static_cast<std::int64_t>(offset));
  part.set_total(static_cast<std::int64_t>(serialized.size()));
  part.set_bytes(piece.data(), piece.size());
  if (offset + piece.size() == serialized.size()) {
    const Digest digest = sha256(serialized);
    part.set_sha256(digest.data(), digest.size());
  }
  return part;
}

std::vector<lienthong::v1::FeaturePart> split_into_parts(std::string_view serialized, std::int64_t sequence,
                                                         std::size_t piece_bytes) {
  std::vector<lienthong::v1::FeaturePart> parts;
  for (std::size_t offset = 0; offset < serialized.size(); offset += parts.back().bytes().size()) {
    parts.push_back(make_part(serialized, sequence, offset, piece_bytes));
  }
  return parts;
}

}  // namespace lt::wire
