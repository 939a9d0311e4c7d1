// Receipts between proto and domain.
#pragma once

#include <absl/status/statusor.h>

#include "feature/receipt.hpp"
#include "lienthong/v1/receipt.pb.h"

namespace lt::wire {

/// Replaces all members of `out`.
void counts_to_proto(const feature::Counts& counts, lienthong::v1::Counts* out);

/// Replaces `out`. Its proto3 JSON equals feature::receipt_to_json(receipt), so that anyone can check the digest.
void receipt_to_proto(const feature::Receipt& receipt, lienthong::v1::Receipt* out);

/// The receipt as sent; the digest is not checked (compare with feature::receipt_digest()).
/// Errors: INVALID_ARGUMENT RECEIPT_MALFORMED when committed_at is out of range or finer than a microsecond.
[[nodiscard]] absl::StatusOr<feature::Receipt> receipt_from_proto(const lienthong::v1::Receipt& proto);

}  // namespace lt::wire
