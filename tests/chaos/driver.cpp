#include "chaos/driver.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>

#include "base/log.hpp"
#include "base/status.hpp"
#include "chaos/child.hpp"
#include "chaos/clients.hpp"
#include "chaos/content.hpp"
#include "chaos/database.hpp"
#include "chaos/journal.hpp"
#include "chaos/proxy.hpp"
#include "chaos/schedule.hpp"
#include "pg/connection.hpp"

namespace lt::chaos {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTick{10};
constexpr milliseconds kLongestWait{700};  // between two disturbances
constexpr milliseconds kTrapLimit{5000};
constexpr milliseconds kLongestDelay{150};
constexpr milliseconds kLongestTrouble{1500};  // of a delay or a black hole
constexpr std::chrono::seconds kProgressLimit{120};
constexpr std::chrono::seconds kSettleLimit{180};
constexpr std::chrono::seconds kSweepLimit{60};
constexpr std::chrono::seconds kCheckLimit{900};
constexpr milliseconds kRestartPause{200};
constexpr milliseconds kCompactionTime{60};  // into it
constexpr milliseconds kCompactionLimit{20'000};
constexpr std::uint64_t kMostKept = 8;  // versions before the head
/// With fewer receipts a run has tested nothing.
constexpr std::int64_t kMostKillsPerReceipt = 2;

/// A free port below those that the system gives to outgoing connections, so that nobody takes it while its owner is
/// down.
int reserve_port(Random& random) {
  constexpr int kFirst = 20'000;
  constexpr int kCount = 10'000;
  while (true) {
    const int port = kFirst + static_cast<int>(random.below(kCount));
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (free) return port;
  }
}

absl::Status violation(std::string_view message) {
  return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION", message);
}

void say(const std::string& text) {
  fmt::print("chaos: {}\n", text);
  std::fflush(stdout);
}

/// Counts acknowledged receipts by reading what was appended to the journals.
class AcknowledgedCounter {
 public:
  std::int64_t count(const std::string& directory, int publishers) {
    for (int p = 0; p < publishers; ++p) {
      std::ifstream in(publisher_journal(directory, p), std::ios::binary);
      std::streamoff& at = offsets_[p];
      in.seekg(at);
      std::string line;
      while (std::getline(in, line) && !in.eof()) {
        at += static_cast<std::streamoff>(line.size()) + 1;
        if (line.find("\"receipt\"") != std::string::npos) ++total_;
      }
    }
    return total_;
  }

 private:
  std::map<int, std::streamoff> offsets_;
  std::int64_t total_ = 0;
};

class Driver {
 public:
  Driver(const DriverOptions& options, std::string directory)
      : options_(options),
        directory_(std::move(directory)),
        schedule_(options.seed),
        ports_(static_cast<std::uint64_t>(getpid())) {}

  absl::Status run() {
    LT_RETURN_IF_ERROR(start());
    const auto started = Clock::now();
    while (kills_ < options_.kills || Clock::now() - started < options_.duration) LT_RETURN_IF_ERROR(disturb());
    say(fmt::format("{} kills in {} s; settling", kills_,
                    std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started).count()));
    LT_RETURN_IF_ERROR(settle());
    LT_RETURN_IF_ERROR(check());
    LT_RETURN_IF_ERROR(check_staging());
    return check_substance();
  }

  void report() const {
    std::string text;
    for (const auto& [what, count] : counts_) text += fmt::format("\n  {:5}  {}", count, what);
    say("what was done, kills first counted together: " + std::to_string(kills_) + " kill -9" + text);
  }

 private:
  absl::Status start() {
    LT_ASSIGN_OR_RETURN(database_, Database::start(directory_ + "/database", reserve_port(ports_)));
    LT_ASSIGN_OR_RETURN(proxy_, Proxy::start(database_->port()));
    endpoint_ = fmt::format("127.0.0.1:{}", reserve_port(ports_));
    exchange_ = std::make_unique<Child>(
        "exchange", std::vector<std::string>{options_.exchange},
        std::map<std::string, std::string>{{"LIENTHONG_DATABASE_URL", database_->url_through(proxy_->port())},
                                           {"LIENTHONG_SERVER_LISTEN", endpoint_},
                                           {"LIENTHONG_SERVER_METRICS_LISTEN", "127.0.0.1:0"},
                                           {"LIENTHONG_PUBLISH_PIECE_BYTES", "1048576"},
                                           {"LIENTHONG_PUBLISH_SWEEP_INTERVAL", "1s"},
                                           {"LIENTHONG_PUBLISH_RESUME_KEEP", "5s"}},
        directory_ + "/exchange.log");
    LT_RETURN_IF_ERROR(exchange_->start());
    LT_RETURN_IF_ERROR(run_to_end("setup", {}, kSettleLimit));
    for (int p = 0; p < options_.publishers; ++p) {
      publishers_.push_back(client("publisher", {"--publisher", std::to_string(p)}));
      LT_RETURN_IF_ERROR(publishers_.back()->start());
    }
    reader_ = client("reader", {});
    LT_RETURN_IF_ERROR(reader_->start());
    return wait_for_progress();
  }

  /// This program in another role.
  std::unique_ptr<Child> client(const std::string& role, const std::vector<std::string>& more) const {
    std::vector<std::string> command{"/proc/self/exe", role,
                                     "--endpoint",     endpoint_,
                                     "--directory",    directory_,
                                     "--seed",         std::to_string(options_.seed),
                                     "--publishers",   std::to_string(options_.publishers)};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<Child>(role, command, std::map<std::string, std::string>{}, log_of(role));
  }
  std::string log_of(const std::string& role) const { return fmt::format("{}/{}.log", directory_, role); }

  absl::Status run_to_end(const std::string& role, const std::vector<std::string>& more, std::chrono::seconds limit) {
    const auto child = client(role, more);
    LT_RETURN_IF_ERROR(child->start());
    std::optional<Ending> ending;
    const absl::Status waited = wait_until(role + " to end", limit, [&] {
      if (!ending) ending = child->reap();
      return ending.has_value();
    });
    LT_RETURN_IF_ERROR(waited);
    if (ending->exit_code == 0 && ending->signal == 0) return absl::OkStatus();
    return violation(fmt::format("{} ended with exit code {}, signal {}:\n{}", role, ending->exit_code, ending->signal,
                                 read_file(log_of(role))));
  }

  // ------------------------------------------------------------ keeping everything running

  absl::Status tick() {
    LT_RETURN_IF_ERROR(database_->renew_if_tired());
    if (const auto ending = exchange_->reap()) {
      // By itself it ends only when it starts while the database is away.
      if (!ending->killed && (ending->signal != 0 || ending->exit_code != 1)) {
        return violation(
            fmt::format("the exchange ended by itself: exit code {}, signal {}", ending->exit_code, ending->signal));
      }
      exchange_due_ = Clock::now() + (ending->killed ? milliseconds(0) : kRestartPause);
    }
    if (!exchange_->running() && Clock::now() >= exchange_due_) LT_RETURN_IF_ERROR(exchange_->start());
    for (const auto& publisher : publishers_) LT_RETURN_IF_ERROR(tend(*publisher));
    return reader_ ? tend(*reader_) : absl::OkStatus();
  }

  absl::Status tend(Child& child) {
    const auto ending = child.reap();
    if (!ending) return absl::OkStatus();
    if (ending->killed) {
      LT_RETURN_IF_ERROR(child.start());
      if (settling_) child.terminate();  // it finishes what it began
      return absl::OkStatus();
    }
    if (settling_ && ending->exit_code == 0 && ending->signal == 0) return absl::OkStatus();
    return violation(fmt::format("a {} ended with exit code {}, signal {}:\n{}", child.name(), ending->exit_code,
                                 ending->signal, read_file(log_of(child.name()))));
  }

  absl::Status wait_until(const std::string& what, milliseconds limit, const std::function<bool()>& condition) {
    const auto end = Clock::now() + limit;
    while (!condition()) {
      if (Clock::now() >= end) {
        return violation(
            fmt::format("waited {} s for {}", std::chrono::duration_cast<std::chrono::seconds>(limit).count(), what));
      }
      LT_RETURN_IF_ERROR(tick());
      std::this_thread::sleep_for(kTick);
    }
    return absl::OkStatus();
  }

  absl::Status pause(milliseconds time) {
    const auto end = Clock::now() + time;
    return wait_until("time to pass", time + kSettleLimit, [end] { return Clock::now() >= end; });
  }

  std::int64_t acknowledged() { return counter_.count(directory_, options_.publishers); }

  absl::Status wait_for_progress() {
    const std::int64_t before = acknowledged();
    return wait_until("a receipt", kProgressLimit, [&] { return acknowledged() > before; });
  }

  // ------------------------------------------------------------ disturbing

  milliseconds up_to(milliseconds most) {
    return milliseconds(schedule_.random().below(static_cast<std::uint64_t>(most.count())));
  }

  absl::Status disturb() {
    const Disturbance disturbance = schedule_.next();
    LT_RETURN_IF_ERROR(pause(up_to(kLongestWait)));
    // Every other time things are hit while they still recover from the hit before.
    if (schedule_.random().below(2) == 0) LT_RETURN_IF_ERROR(wait_for_progress());
    if (is_at_commit(disturbance.event)) return spring_trap(disturbance);
    switch (disturbance.event) {
      case Event::kDelay: return delay_bytes();
      case Event::kBlackHole: return open_black_hole();
      case Event::kExchangeInCompaction:
      case Event::kServerInCompaction:
      case Event::kCompaction: return compact(disturbance);
      default: break;
    }
    const std::size_t choice = schedule_.random().next();
    if (hit(disturbance.event, choice)) note(disturbance);
    return absl::OkStatus();
  }

  void note(const Disturbance& disturbance) {
    std::string what(to_string(disturbance.event));
    if (is_at_commit(disturbance.event)) what += fmt::format(" ({})", to_string(disturbance.moment));
    const bool kill = disturbance.event < Event::kTerminateBackend;
    if (kill) ++kills_;
    ++counts_[(kill ? "kill -9: " : "trouble: ") + what];
  }

  bool hit(Event event, std::size_t choice) {
    switch (event) {
      case Event::kExchange:
      case Event::kExchangeAtCommit:
      case Event::kExchangeInCompaction: return exchange_->kill9();
      case Event::kPostmaster: return database_->kill_postmaster();
      case Event::kServer:
      case Event::kServerAtCommit:
      case Event::kServerInCompaction: return database_->kill_server();
      case Event::kBackend: return database_->kill_backend(choice, false);
      case Event::kTerminateBackend: return database_->kill_backend(choice, true);
      case Event::kPublisher: return publishers_[choice % publishers_.size()]->kill9();
      case Event::kPublishersAtCommit:
        return std::count_if(publishers_.begin(), publishers_.end(), [](auto& p) { return p->kill9(); }) > 0;
      case Event::kReader: return reader_->kill9();
      case Event::kCut: proxy_->cut_all(); return true;
      case Event::kCutAtCommit: return true;  // by the trap itself
      default: return false;
    }
  }

  absl::Status spring_trap(const Disturbance& disturbance) {
    std::atomic<bool> hit_it{false};
    proxy_->arm(disturbance.moment, disturbance.event == Event::kCutAtCommit, [&, disturbance](int port) {
      hit_it =
          disturbance.event == Event::kBackendAtCommit ? database_->kill_backend_of(port) : hit(disturbance.event, 0);
    });
    const auto end = Clock::now() + kTrapLimit;
    const absl::Status waited =
        wait_until("a COMMIT", kTrapLimit + kSettleLimit, [&] { return !proxy_->armed() || Clock::now() >= end; });
    proxy_->disarm();
    LT_RETURN_IF_ERROR(waited);
    if (hit_it) note(disturbance);
    return absl::OkStatus();
  }

  absl::Status delay_bytes() {
    proxy_->delay(milliseconds(1) + up_to(kLongestDelay));
    absl::Status status = pause(up_to(kLongestTrouble));
    proxy_->delay(milliseconds(0));
    note({Event::kDelay, {}});
    return status;
  }

  absl::Status open_black_hole() {
    proxy_->black_hole(true);
    absl::Status status = pause(up_to(kLongestTrouble));
    if (schedule_.random().below(2) == 0) proxy_->cut_all();
    proxy_->black_hole(false);
    note({Event::kBlackHole, {}});
    return status;
  }

  // Compaction begins, and while it runs its victim is hit. What it left must do no harm, and the next one goes on.
  absl::Status compact(const Disturbance& disturbance) {
    const std::string journal = compaction_journal(directory_);
    const std::size_t before = read_file(journal).size();
    const auto child = client("compaction", {"--keep-versions", std::to_string(schedule_.random().below(kMostKept))});
    LT_RETURN_IF_ERROR(child->start());
    std::optional<Ending> ending;
    const auto ended = [&] {
      if (!ending) ending = child->reap();
      return ending.has_value();
    };
    const bool kills = disturbance.event != Event::kCompaction;
    LT_RETURN_IF_ERROR(
        wait_until("compaction to begin", kSettleLimit, [&] { return ended() || read_file(journal).size() > before; }));
    const auto end = Clock::now() + (kills ? up_to(kCompactionTime) : kCompactionLimit);
    LT_RETURN_IF_ERROR(
        wait_until("compaction", kCompactionLimit + kSettleLimit, [&] { return ended() || Clock::now() >= end; }));
    if (ending && ending->exit_code == kViolationExit) return violation(read_file(log_of("compaction")));
    if (ending && ending->exit_code == 0) ++compactions_;
    if (kills && !ending && hit(disturbance.event, 0)) note(disturbance);
    return absl::OkStatus();
  }

  // ------------------------------------------------------------ the end

  absl::Status settle() {
    settling_ = true;
    for (const auto& publisher : publishers_) publisher->terminate();
    reader_->terminate();
    LT_RETURN_IF_ERROR(wait_until("the clients to finish", kSettleLimit, [&] {
      return !reader_->running() &&
             std::none_of(publishers_.begin(), publishers_.end(), [](const auto& p) { return p->running(); });
    }));
    if (exchange_->kill9()) note({Event::kExchange, {}});
    if (database_->kill_server()) note({Event::kServer, {}});
    return absl::OkStatus();
  }

  absl::Status check() {
    LT_RETURN_IF_ERROR(run_to_end("check", {}, kCheckLimit));
    std::fputs(read_file(log_of("check")).c_str(), stdout);
    return absl::OkStatus();
  }

  // Nobody publishes any more: the sweeper must find everything that those who were killed have left.
  absl::Status check_staging() {
    std::int64_t left = -1;
    const absl::Status status = wait_until("staging to be swept", kSweepLimit, [&] {
      const auto counted = count_staging();
      if (counted.ok()) left = *counted;
      return left == 0;
    });
    if (status.ok()) say("staging: nothing left");
    return status.ok() ? status : annotate(status, fmt::format("{} staging tables or attempts are left", left));
  }

  absl::StatusOr<std::int64_t> count_staging() const {
    LT_ASSIGN_OR_RETURN(auto connection, pg::Connection::open({.url = database_->url(), .purpose = "chaos"}));
    LT_ASSIGN_OR_RETURN(
        const auto result,
        connection.execute(
            "SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'lienthong_staging' AND tablename "
            "<> 'attempt') + (SELECT count(*) FROM lienthong_staging.attempt)"));
    return result.get_int(0, 0);
  }

  absl::Status check_substance() {
    const std::int64_t receipts = acknowledged();
    say(fmt::format("{} receipts, {} COMMITs passed the proxy, {} compactions came to their end", receipts,
                    proxy_->commits(), compactions_));
    if (receipts * kMostKillsPerReceipt >= kills_) return absl::OkStatus();
    return violation(fmt::format("only {} receipts between {} kills: nothing was tested", receipts, kills_));
  }

  const DriverOptions options_;
  const std::string directory_;
  Schedule schedule_;
  Random ports_;
  AcknowledgedCounter counter_;
  std::map<std::string, int> counts_;
  int kills_ = 0;
  int compactions_ = 0;  // that ended well
  bool settling_ = false;
  std::string endpoint_;
  Clock::time_point exchange_due_;
  // In the order of their making: the traps of the proxy use what stands before it.
  std::unique_ptr<Database> database_;
  std::unique_ptr<Child> exchange_;
  std::vector<std::unique_ptr<Child>> publishers_;
  std::unique_ptr<Child> reader_;
  std::unique_ptr<Proxy> proxy_;
};

absl::StatusOr<std::string> make_directory() {
  std::string path = "/tmp/lienthong-chaos-XXXXXX";
  constexpr mode_t kEnterable = 0755;  // the database server runs as another user
  if (mkdtemp(path.data()) == nullptr || chmod(path.c_str(), kEnterable) != 0) {
    return make_error(absl::StatusCode::kInternal, "DIRECTORY_FAILED", "cannot make a directory in /tmp");
  }
  return path;
}

absl::StatusOr<std::string> prepare() {
  LT_ASSIGN_OR_RETURN(std::string directory, make_directory());
  const auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(directory + "/driver.log");
  LT_RETURN_IF_ERROR(init_logging({.level = "info", .service = "chaos", .sink = sink}));
  spdlog::flush_on(spdlog::level::info);
  return directory;
}

}  // namespace

int run_driver(const DriverOptions& options) {
  const auto directory = prepare();
  if (!directory.ok()) {
    say(message_of(directory.status()));
    return 2;
  }
  say(fmt::format("seed {}, {} kills, {} publishers, files in {}", options.seed, options.kills, options.publishers,
                  *directory));
  absl::Status status;
  {
    Driver driver(options, *directory);
    status = driver.run();
    driver.report();
  }
  if (status.ok()) {
    say(fmt::format("every promise was kept (seed {})", options.seed));
    std::error_code ignored;
    if (!options.keep) fs::remove_all(*directory, ignored);
    return 0;
  }
  const bool found = error_reason(status) == "CHAOS_VIOLATION";
  say(fmt::format("{} (seed {}): {}\nchaos: files are kept in {}", found ? "VIOLATION" : "could not be tested",
                  options.seed, message_of(status), *directory));
  return found ? 1 : 2;
}

}  // namespace lt::chaos
