// What is measured: each work, run by run beside its limit on the same server.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace lt::bench {

struct Options {
  std::string endpoint, organisation = "operator", database, dataset;
  int size = 1000;    ///< changes of one changeset
  int versions = 10;  ///< of a diff
  int runs = 5;
  int publishers = 4;  ///< at once, each with a dataset of its own: DATASET1, DATASET2, ...
  double seconds = 3;  ///< of one run of rates
  bool old_version = false;
  bool alone = false;            ///< changesets and diffs without their limit
  std::string area_wkt, filter;  ///< of a view
};

/// One figure a run. Seconds, or commits or payload bytes a second.
struct Figures {
  std::vector<double> ours, limit;
};

/// Seconds from the first change sent to the receipt; beside a transaction that copies as many rows into an indexed
/// table.
[[nodiscard]] absl::StatusOr<Figures> time_changesets(const Options& options);
/// Changesets of one change a second, over all publishers; beside inserts of one row, each a durable commit.
[[nodiscard]] absl::StatusOr<Figures> rate_single_changes(const Options& options);
/// Payload bytes a second at the client of a net diff to the head; beside COPY TO STDOUT of payloads of the log.
[[nodiscard]] absl::StatusOr<Figures> rate_diff(const Options& options);
/// The same of a snapshot, at the head or at version 1.
[[nodiscard]] absl::StatusOr<Figures> rate_snapshot(const Options& options);
/// Vertices a second of lines brought from EPSG:9210 to EPSG:4326; beside PROJ over arrays of the same vertices.
[[nodiscard]] absl::StatusOr<Figures> rate_transform(const Options& options);
/// Seconds of a net diff to the head through an area; beside the same diff of the whole dataset.
[[nodiscard]] absl::StatusOr<Figures> time_area_diff(const Options& options);
/// Seconds of a net diff to the head through a filter; beside a SELECT of the payloads with the same filter in SQL.
[[nodiscard]] absl::StatusOr<Figures> time_filter_diff(const Options& options);

}  // namespace lt::bench
