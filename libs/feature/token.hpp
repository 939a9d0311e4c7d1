// Resume tokens: where a broken answer goes on. Opaque to who reads; gives no rights.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace lt::feature {

enum class AnswerKind : std::uint8_t { kDiff = 1, kChanges = 2, kSnapshot = 3 };

/// What a resumed answer needs, so that its entries are those of the unbroken one.
struct ResumeToken {
  AnswerKind kind = AnswerKind::kDiff;
  std::string dataset_uid;
  std::int64_t from = 0;               ///< exclusive; 0 of a snapshot
  std::int64_t to = 0;                 ///< fixed when the answer began
  std::string from_digest, to_digest;  ///< hex digests of the receipts there; empty at version 0
  bool include_before = false;
  std::int64_t last_version = 0;  ///< of the last entry sent; 0 of what goes by id alone
  std::string last_id;
  std::int64_t count = 0;  ///< entries sent up to and with that one
  std::string view;        ///< revision of the view at `to`; empty: the whole dataset
  std::string from_view;   ///< the one at `from`
  /// A snapshot, and what leads from one view to another, go by id alone.
  [[nodiscard]] bool by_id() const { return kind == AnswerKind::kSnapshot || view != from_view; }
  bool operator==(const ResumeToken&) const = default;
};

/// Letters, digits, '-' and '_', with a checksum. Digests are empty or 64 hex digits.
[[nodiscard]] std::string encode_resume_token(const ResumeToken& token);
/// Accepts what encode_resume_token() makes of a token that fits together: 0 <= from <= to, the last entry inside.
/// Errors: INVALID_ARGUMENT TOKEN_MALFORMED.
[[nodiscard]] absl::StatusOr<ResumeToken> decode_resume_token(std::string_view text);

}  // namespace lt::feature
