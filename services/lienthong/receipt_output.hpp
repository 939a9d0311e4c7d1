// What push, revert and quarantine release say of an accepted changeset.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "feature/receipt.hpp"
#include "lienthong/cli.hpp"

namespace lt::cli {

/// The receipt, as docs/cli.md has it for `push`.
/// @param dataset the one that is spoken of first.
void print_receipt(const Cli& cli, const feature::Receipt& receipt, const std::string& dataset, bool dry_run);

/// The error with the id that a retry should name.
[[nodiscard]] absl::Status with_changeset_id(const absl::Status& status, const std::string& id);

}  // namespace lt::cli
