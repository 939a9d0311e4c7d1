// The client processes of the chaos test. Each runs until SIGTERM, may be killed at any moment, and goes on from its
// files in `directory` when it is started again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/client.hpp"

namespace lt::chaos {

inline constexpr int kViolationExit = 3;  ///< exit code of a client that saw a broken promise

struct ClientOptions {
  std::string endpoint;   ///< of the exchange
  std::string directory;  ///< of the journals
  std::uint64_t seed = 0;
  int publishers = 0;              ///< how many there are
  int publisher = 0;               ///< which one this is, from 0
  std::int64_t keep_versions = 0;  ///< before the head, when history is compacted
};

[[nodiscard]] std::string publisher_journal(const std::string& directory, int publisher);
[[nodiscard]] std::string reader_journal(const std::string& directory);
/// The reader's copy of a dataset together with its cursor.
[[nodiscard]] std::string reader_copy(const std::string& directory, int dataset);

/// True for errors that the documentation tells clients to try again after.
[[nodiscard]] bool may_retry(const absl::Status& status);
/// Makes SIGTERM set a flag instead of ending the process.
void stop_on_sigterm();
[[nodiscard]] bool stop_wanted();

/// Waits until the exchange answers. Errors: those of the exchange; UNAVAILABLE after a minute.
[[nodiscard]] absl::StatusOr<client::Client> connect_when_ready(const std::string& endpoint,
                                                                std::string_view organisation);

/// A line for each run of compaction that had something to do.
[[nodiscard]] std::string compaction_journal(const std::string& directory);

/// Makes the organisation and the datasets.
[[nodiscard]] absl::Status set_up(const ClientOptions& options);

/// Publishes changeset after changeset, each under its one id until a receipt has come. Journal lines: {"intent":n}
/// before n is sent for the first time; {"retry":n,"reason"}; {"receipt":{...},"number":n} once it is acknowledged;
/// {"repeat":n} when an acknowledged changeset was sent again and had the same receipt.
/// Errors: DATA_LOSS CHAOS_VIOLATION the exchange did what it must not; INTERNAL JOURNAL_FAILED.
[[nodiscard]] absl::Status run_publisher(const ClientOptions& options);

/// Follows both datasets by their diffs and keeps a copy. Journal lines: {"dataset","version"} after each step that
/// brought something; {"compared":v} when a snapshot was compared with the copy; {"retry","reason"}.
/// Errors: as run_publisher().
[[nodiscard]] absl::Status run_reader(const ClientOptions& options);

/// Forgets old history of the last dataset, version by version up to the head now. May be interrupted by anything.
/// Journal line: {"horizon":v} when it begins.
[[nodiscard]] absl::Status run_compaction(const ClientOptions& options);

}  // namespace lt::chaos
