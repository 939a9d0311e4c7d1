// Everything that was read, against what the acknowledged changesets make.
#pragma once

#include "history/transactions.hpp"
#include "history/windows.hpp"

namespace lt::history {

/// Violations found: "unwritten value", "G1a" (a value of a refused changeset or a dry run), "G1b" (a value that its
/// own changeset replaced), "partial commit" (of one commit some effects were seen and others not, or a pair differs),
/// "wrong read", "wrong order", "digest differs".
void check_reads(const History& history, const Transactions& transactions, const Replay& replay, const Windows& windows,
                 Report& report);

}  // namespace lt::history
