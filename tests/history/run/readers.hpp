// Readers that poll until `stop`, each in its own way and with its own log.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace lt::history {

struct ReaderOptions {
  std::string endpoint;
  std::string directory;  ///< of the logs
  std::string name;
  std::uint64_t seed = 0;
};

/// StreamDiff of both datasets from its own cursors.
void run_diff_reader(const ReaderOptions& options, const std::atomic<bool>& stop);
/// StreamChanges, StreamSnapshot of the head and of old versions, GetFeature.
void run_mixed_reader(const ReaderOptions& options, const std::atomic<bool>& stop);
/// WatchHeads.
void run_watcher(const ReaderOptions& options, const std::atomic<bool>& stop);

/// Reads heads and features of both datasets from the tables: in one statement, or in several of one snapshot.
/// @param url of the database.  @param standby it may lag behind the primary, and be ahead of it.
void run_sql_reader(const ReaderOptions& options, const std::string& url, bool standby, const std::atomic<bool>& stop);

/// After all publishers: everything once, the lists of changesets too.
void read_everything(const ReaderOptions& options, const std::string& url);

}  // namespace lt::history
