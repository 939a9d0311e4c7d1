// The heads of all datasets, in memory, as this process last saw them; and who wants to know of new ones.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/metrics.hpp"
#include "pg/connection.hpp"
#include "storage/catalog.hpp"

namespace lt::exchange {

struct HeadBoardOptions {
  pg::ConnectOptions connection;  ///< of the primary
  /// Heads are read again at least so often, whatever notifications say: they are a hint.
  std::chrono::milliseconds poll_interval{1'000};
};

/// One database session and one thread for all subscribers of this process. The heads are read in one statement: after
/// announce(), after a notification of another process, and every poll_interval. With synchronous standbys heads are
/// announced only when the standbys have them. When the database is away the last heads stay, and it is tried again
/// with growing pauses of up to two seconds. Thread-safe.
class HeadBoard {
 public:
  /// One head, and when it changed last.
  struct Entry {
    storage::Dataset head;
    std::uint64_t changed = 0;  ///< number of the reading that found it like this
  };
  /// What one statement read; never changes.
  struct Heads {
    std::uint64_t reading = 0;   ///< counts the readings that found something new
    std::vector<Entry> entries;  ///< by dataset id
    [[nodiscard]] const Entry* find(int dataset) const;
    [[nodiscard]] const Entry* find(const std::string& name) const;
  };

  /// Reads the heads for the first time; then the thread runs until the destructor.
  /// Errors: those of pg::Connection::open() and storage::list_heads().
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<HeadBoard>> start(HeadBoardOptions options, Metrics& metrics);
  ~HeadBoard();
  HeadBoard(const HeadBoard&) = delete;
  HeadBoard& operator=(const HeadBoard&) = delete;

  /// A commit has moved heads: they are read, subscribers woken, and other processes told by NOTIFY, all on the board's
  /// thread; calls that come meanwhile are served together. Never blocks.
  void announce();

  [[nodiscard]] std::shared_ptr<const Heads> heads() const;
  /// False while the database is away: then heads() may be old.
  [[nodiscard]] bool is_connected() const { return connected_.load(); }

  /// Calls `wake` whenever a head of its datasets changes, until destroyed. Must not outlive the board.
  class Subscription {
   public:
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    /// True once the heads have been read, or could not be read, after subscribe(); before that heads() may be older
    /// than a commit that the subscriber knows of. `wake` is called then, too.
    [[nodiscard]] bool is_fresh() const;

   private:
    friend class HeadBoard;
    Subscription(HeadBoard& board, std::uint64_t id, std::uint64_t ticket) : board_(board), id_(id), ticket_(ticket) {}
    HeadBoard& board_;
    const std::uint64_t id_;
    const std::uint64_t ticket_;
  };
  /// @param datasets ids, sorted; empty = all, also those created later.
  /// @param wake cheap, never blocks, may be called once more shortly after the Subscription is gone.
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(std::vector<int> datasets, std::function<void()> wake);

 private:
  struct Subscriber {
    std::vector<int> datasets;
    std::function<void()> wake;
    std::uint64_t ticket = 0;
  };

  HeadBoard(HeadBoardOptions options, Metrics& metrics);
  [[nodiscard]] absl::Status connect();
  [[nodiscard]] absl::Status read();
  void run(const std::stop_token& stop);
  [[nodiscard]] bool wait(std::chrono::steady_clock::time_point deadline);
  [[nodiscard]] absl::Status refresh();
  void reconnect(const absl::Status& lost, const std::stop_token& stop);
  void unsubscribe(std::uint64_t id);
  void store(std::vector<storage::Dataset> found);
  void serve(std::uint64_t ticket, const std::vector<int>& changed);

  const HeadBoardOptions options_;
  Gauge connected_gauge_;
  Gauge watchers_gauge_;
  pg::Waker waker_;
  std::atomic<bool> connected_{false};
  std::atomic<bool> announced_{false};        ///< other processes are to be told
  std::atomic<std::uint64_t> tickets_{0};     ///< readings asked for
  std::atomic<std::uint64_t> served_{0};      ///< ... and done, or given up
  std::optional<pg::Connection> connection_;  ///< of the thread
  std::vector<int> changed_;                  ///< by the last store(); of the thread
  std::chrono::milliseconds pause_{0};        ///< before the next attempt to connect; of the thread

  mutable std::mutex mutex_;
  std::shared_ptr<const Heads> heads_ = std::make_shared<Heads>();  // guarded by mutex_
  std::unordered_map<std::uint64_t, Subscriber> subscribers_;       // guarded by mutex_
  std::uint64_t next_id_ = 1;                                       // guarded by mutex_
  std::jthread thread_;                                             ///< last: it uses everything above
};

}  // namespace lt::exchange
