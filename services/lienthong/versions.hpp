// How versions are written on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

namespace lt::cli {

/// "A..B" = (A, B]; "A.." = from A to the head.
struct VersionRange {
  std::int64_t from = 0;
  std::optional<std::int64_t> to;
};
/// Errors: INVALID_ARGUMENT USAGE: another form, or B before A.
[[nodiscard]] absl::StatusOr<VersionRange> parse_version_range(const std::string& text);

/// "DATASET" or "DATASET@V".
struct DatasetAt {
  std::string dataset;
  std::optional<std::int64_t> version;
};
/// Errors: INVALID_ARGUMENT USAGE: no dataset, or V is no number.
[[nodiscard]] absl::StatusOr<DatasetAt> parse_dataset_at(const std::string& text);

}  // namespace lt::cli
