// Receipts that were kept, checked without an exchange: that nothing in them was changed, and that none is missing
// between two of a dataset.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "feature/receipt.hpp"

namespace lt::client {

/// Something wrong with one receipt.
struct ReceiptProblem {
  /// RECEIPT_MALFORMED  it cannot be read, or has members that no receipt has
  /// DIGEST_MISSING     it has no digest: it is of a dry run, or was cut
  /// DIGEST_MISMATCH    its content is not what its digest was made of
  /// RECEIPT_MISQUOTED  what is printed beside it says something else than the receipt
  /// CHAIN_BROKEN       the receipt of the version before is another one than it names
  /// CHAIN_FORKED       another receipt claims the same version
  /// CHAIN_GAP          the receipt of the version before is not there, although an older one is
  std::string reason;
  std::string message;
};

struct CheckedReceipt {
  std::optional<feature::Receipt> receipt;  ///< nothing when it cannot be read
  std::vector<ReceiptProblem> problems;     ///< empty: all that can be checked here is right
};

/// Checks receipts in any form that is printed of them: a receipt, an object with a `receipt` (the answer of a publish,
/// `push`, `log` and `show` of the command line), with a `changeset` or `changesets`, a list of these, or several of
/// all that one after another, such as lines. Names of members may be as in the proto file or in lowerCamelCase.
/// Objects of a publish stream without a receipt are passed over.
///
/// The oldest receipt of a dataset is where its chain starts: that the ones before it are not there is no problem.
///
/// Errors: INVALID_ARGUMENT RECEIPT_MALFORMED (not JSON, or JSON without end), RECEIPTS_MISSING (there is none).
/// @return in the order of the text.
[[nodiscard]] absl::StatusOr<std::vector<CheckedReceipt>> check_receipts(std::string_view text);

}  // namespace lt::client
