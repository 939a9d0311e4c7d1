// The areas that receipts name, ready in the CRS of each dataset.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include "storage/areas.hpp"
#include "storage/impact.hpp"

namespace lt::exchange {

/// Areas of the lists that are current, with the newest polygon of each. What was imported in the last seconds, also by
/// another process, may not be seen yet. Thread-safe.
class AreaBook {
 public:
  explicit AreaBook(storage::Areas& areas) : areas_(areas) {}

  /// @param crs of a dataset, "EPSG:n"; empty: none, and so no areas. An area that has no form there is left out, with
  /// a warning in the log. Null when there are none. Errors: those of storage::Areas.
  [[nodiscard]] absl::StatusOr<storage::ReadyAreas> ready(const std::string& crs);

 private:
  using Clock = std::chrono::steady_clock;
  using Versions = std::vector<std::pair<std::string, std::int64_t>>;  ///< LIST:CODE and version of its polygon

  [[nodiscard]] absl::Status add_versions(const std::string& list, Versions& versions);
  [[nodiscard]] absl::Status look() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  [[nodiscard]] absl::StatusOr<storage::ReadyAreas> make_ready(const std::string& crs)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  storage::Areas& areas_;
  absl::Mutex mutex_;
  Clock::time_point looked_ ABSL_GUARDED_BY(mutex_) = Clock::time_point::min();
  Versions versions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, storage::ReadyAreas> ready_ ABSL_GUARDED_BY(mutex_);  ///< of versions_, by CRS
};

}  // namespace lt::exchange
