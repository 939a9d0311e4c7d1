// A TCP proxy between the exchange and PostgreSQL that misbehaves on demand.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::chaos {

/// When a trap springs, seen from one COMMIT.
enum class Moment : std::uint8_t {
  kBefore,      ///< The exchange has sent it; it never reaches the database.
  kAfter,       ///< It has just been passed on to the database.
  kAfterReply,  ///< The database has answered; the answer never reaches the exchange.
};
[[nodiscard]] std::string_view to_string(Moment moment);

/// Listens on 127.0.0.1 and passes each connection on. One thread of its own. Thread-safe.
class Proxy {
 public:
  /// @param server_port of PostgreSQL on 127.0.0.1; it may be down. Errors: INTERNAL PROXY_FAILED.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Proxy>> start(int server_port);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  [[nodiscard]] int port() const { return port_; }

  /// Closes every connection.
  void cut_all();
  /// Passes bytes on so much later, both ways; 0: at once.
  void delay(std::chrono::milliseconds by);
  /// While true nothing is passed on, and nobody is told.
  void black_hole(bool on);

  /// Runs `action` (on the proxy's thread, once) at this moment of the next COMMIT, with the port from which the proxy
  /// talks to the database; then cuts that connection, except at kAfter unless `cut`.
  void arm(Moment moment, bool cut, std::function<void(int)> action);
  /// Takes the trap back; when its action is running, waits for its end. @return false: it has sprung.
  bool disarm();
  /// False once the action has ended.
  [[nodiscard]] bool armed() const;
  /// COMMITs seen so far.
  [[nodiscard]] std::int64_t commits() const { return commits_; }

 private:
  struct Connection;
  struct Trap {
    Moment moment = Moment::kBefore;
    bool cut = true;
    std::function<void(int)> action;
  };

  Proxy(int listener, int port, int server_port, int wake_read, int wake_write);
  void loop(const std::stop_token& stop);
  void wait_for_events();
  void accept_one();
  void serve(Connection& connection);
  void from_client(Connection& connection, std::string bytes);
  void from_server(Connection& connection, std::string bytes);
  bool spring(Connection& connection, Moment moment);
  void wake() const;

  const int listener_;
  const int port_;
  const int server_port_;
  const int wake_read_;
  const int wake_write_;
  std::atomic<std::int64_t> commits_{0};
  std::atomic<std::int64_t> delay_ms_{0};
  std::atomic<bool> black_hole_{false};
  std::atomic<bool> cut_all_{false};
  mutable std::mutex mutex_;
  std::condition_variable sprung_;
  std::optional<Trap> trap_;                            // guarded by mutex_
  bool springing_ = false;                              // guarded by mutex_: its action is running
  std::list<std::unique_ptr<Connection>> connections_;  // of the thread
  std::jthread thread_;                                 // last: it uses everything above
};

}  // namespace lt::chaos
