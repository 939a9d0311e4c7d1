// Decides from the clients' journals, and from what a client can read, whether a promise was broken.
#pragma once

#include <string>
#include <vector>

#include "chaos/clients.hpp"

namespace lt::chaos {

struct Verdict {
  std::vector<std::string> violations;  ///< none: every promise was kept
  std::vector<std::string> facts;       ///< what was looked at, for people
};

/// The publishers have ended in an orderly way and nothing is killed any more. Checks that
/// - each acknowledged receipt is in the history exactly as it was acknowledged, and nothing else is there twice or
/// that
///   nobody sent; every changeset that was begun is there once;
/// - versions are dense, times increase, digests recompute and form a chain;
/// - each version's counts and changes, the snapshots, the diff from nothing, and the copy of the reader (which first
///   reads on to the head) are what applying the accepted changesets in order gives.
[[nodiscard]] Verdict check(const ClientOptions& options);

}  // namespace lt::chaos
