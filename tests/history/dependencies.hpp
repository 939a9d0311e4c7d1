// Strict serializability: who must come before whom, and whether that goes round in a circle.
#pragma once

#include "history/transactions.hpp"

namespace lt::history {

/// Nodes are accepted changesets and reads. Edges: ww along the versions of each dataset; wr and rw from what was read,
/// by the versions that a read reports and, apart from them, by the values it saw; rw from what a changeset says it was
/// based on; and real time. Any cycle is a violation, named after Adya: "G0" only ww; "G1c" ww and wr; "lost update" or
/// "G-single" with one rw; "G2" with several; "real time cycle" when it needs a real-time edge.
///
/// Reads apart (SQL on a standby) are judged with the changesets, but not together with other reads: PostgreSQL makes
/// commits visible on a standby in the order of the WAL, and on the primary in the order in which they end, so that two
/// commits without a dataset in common may be seen in either order. Each side must have one order of its own.
///
/// Counts "edges ww", "edges wr", "edges rw", "edges rt", "longest chain" and "nodes".
void check_dependencies(const History& history, const Transactions& transactions, const Replay& replay, Report& report);

}  // namespace lt::history
