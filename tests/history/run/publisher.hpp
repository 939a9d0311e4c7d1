// One publisher: changeset after changeset, some of them twice at once, with a short deadline, or under a used id.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "history/run/planner.hpp"

namespace lt::history {

struct PublisherOptions {
  std::string endpoint;
  std::string directory;  ///< of the logs
  std::string name;
  std::uint64_t seed = 0;
  int commits = 0;  ///< it ends after so many versions that it was told of
};

/// Returns at `stop` at the latest.
void run_publisher(const PublisherOptions& options, const std::atomic<bool>& stop);

}  // namespace lt::history
