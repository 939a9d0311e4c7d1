// Submissions that left nothing: was there a reason to refuse them, and what did dry runs say?
#pragma once

#include "history/transactions.hpp"
#include "history/windows.hpp"

namespace lt::history {

/// Violations found: "unjustified refusal", "unexpected refusal", "conflicts differ", "deadlock", "stuck" (an operation
/// took longer than 30 s or has no end), "dry run differs".
void check_refusals(const History& history, const Transactions& transactions, const Replay& replay,
                    const Windows& windows, Report& report);

}  // namespace lt::history
