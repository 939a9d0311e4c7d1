// WatchHeads and the board behind it: what subscribers are told, when, and at what cost.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "exchange/head_board.hpp"
#include "exchange/watching.hpp"
#include "integration/exchange_support.hpp"

namespace lt::test {
namespace {

using exchange::HeadBoard;
using exchange::HeadBoardOptions;
using Clock = std::chrono::steady_clock;
using Response = v1::WatchHeadsResponse;
using std::chrono::milliseconds;

constexpr milliseconds kNever = std::chrono::minutes(10);

std::map<std::string, std::int64_t> versions_of(const Response& response) {
  std::map<std::string, std::int64_t> versions;
  for (const auto& head : response.heads()) versions[head.dataset()] = head.version();
  return versions;
}

/// A database with datasets a, b, c, a board on it, and commits that are nothing but moved heads.
class BoardFixture {
 public:
  explicit BoardFixture(milliseconds poll = kNever)
      : database_(TempDatabase::with_template("exchange", migrate_exchange)),
        pool_(options(), 4),
        catalog_(pool_),
        owner_(must(storage::StagingOwner::start(options()))),
        writer_(database_.connect()),
        core_{pool_, catalog_, *owner_, {}} {
    static const absl::Status quiet = init_logging({.level = "error"});
    must(quiet);
    for (const char* name : {"a", "b", "c"}) add_dataset(name);
    board_ = start_board(poll);
    core_.heads = board_.get();
  }

  std::unique_ptr<HeadBoard> start_board(milliseconds poll) {
    HeadBoardOptions made;
    made.connection = options();
    made.poll_interval = poll;
    return must(HeadBoard::start(made, metrics_));
  }
  void add_dataset(const std::string& name) {
    feature::Schema schema;
    schema.fields.emplace_back();
    schema.fields.back().number = 1;
    schema.fields.back().name = "name";
    must(catalog_.create_dataset(name, "operator", "", schema));
  }
  /// One transaction that moves the heads of all these datasets.
  void commit(const std::vector<std::string>& names) {
    must(writer_.execute(
        "UPDATE lienthong.dataset_head h SET head = head + 1, digest = 'd' || head + 1, changed_at = now() "
        "FROM lienthong.dataset d WHERE d.id = h.dataset_id AND d.name = ANY($1)",
        pg::Params().add_text_array(names)));
  }
  std::int64_t kill_boards() {
    return must(writer_.execute("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                                "current_database() AND application_name = 'lienthong/exchange/heads'"))
        .get_int(0, 0);
  }

  /// A call of WatchHeads, driven as the runtime drives it.
  class Watcher {
   public:
    Watcher(BoardFixture& fixture, const std::vector<std::string>& datasets) : call_({"operator", true}, "WatchHeads") {
      v1::WatchHeadsRequest request;
      for (const auto& name : datasets) request.add_datasets(name);
      producer_ = must(exchange::watch_heads(fixture.core_, call_, request));
    }
    /// The next message if there is one now.
    std::optional<Response> poll() {
      Response response;
      const auto produced = must(producer_->next(response));
      if (produced.kind() == rpc::Produced::Kind::kEnd) throw std::runtime_error("the stream has ended");
      if (produced.kind() == rpc::Produced::Kind::kIdle) return std::nullopt;
      return response;
    }
    std::map<std::string, std::int64_t> wait() {
      std::optional<Response> response;
      if (!wait_until([&] { return (response = poll()).has_value(); })) throw std::runtime_error("no message");
      return versions_of(*response);
    }

   private:
    rpc::CallContext call_;
    std::unique_ptr<rpc::Producer<Response>> producer_;
  };
  Watcher watch(const std::vector<std::string>& datasets = {}) { return {*this, datasets}; }

  pg::ConnectOptions options() const {
    pg::ConnectOptions made;
    made.url = database_.url();
    return made;
  }

  TempDatabase database_;
  Metrics metrics_;
  pg::Pool pool_;
  storage::Catalog catalog_;
  std::unique_ptr<storage::StagingOwner> owner_;
  pg::Connection writer_;
  std::unique_ptr<HeadBoard> board_;
  exchange::Core core_;
};

using Versions = std::map<std::string, std::int64_t>;

TEST_CASE("a watcher gets all heads first, then those that change") {
  BoardFixture f;
  auto watcher = f.watch();
  CHECK(watcher.wait() == Versions{{"a", 0}, {"b", 0}, {"c", 0}});
  CHECK_FALSE(watcher.poll());
  f.commit({"b"});
  f.board_->announce();
  CHECK(watcher.wait() == Versions{{"b", 1}});
  CHECK_FALSE(watcher.poll());
  f.board_->announce();  // nothing new
  f.commit({"a", "c"});
  f.board_->announce();
  CHECK(watcher.wait() == Versions{{"a", 1}, {"c", 1}});
}

TEST_CASE("the first message has every commit that was acknowledged before the call") {
  BoardFixture f;
  for (std::int64_t n = 1; n <= 20; ++n) {
    f.commit({"a"});  // not announced, and not polled for
    CHECK(f.watch({"a"}).wait() == Versions{{"a", n}});
  }
}

TEST_CASE("a watcher of some datasets is not told of others, and the same name twice is one") {
  BoardFixture f;
  auto watcher = f.watch({"c", "a", "c"});
  CHECK(watcher.wait() == Versions{{"a", 0}, {"c", 0}});
  f.commit({"b"});
  f.board_->announce();
  auto all = f.watch();
  CHECK(all.wait()["b"] == 1);  // so the board knows
  CHECK_FALSE(watcher.poll());
  f.commit({"a", "b"});
  f.board_->announce();
  CHECK(watcher.wait() == Versions{{"a", 1}});
}

TEST_CASE("a dataset created later belongs to all, and can be watched at once") {
  BoardFixture f;
  auto all = f.watch();
  CHECK(all.wait().size() == 3);
  f.add_dataset("late");
  CHECK(f.watch({"late"}).wait() == Versions{{"late", 0}});
  CHECK(all.wait() == Versions{{"late", 0}});
}

TEST_CASE("a dataset that is not there is refused") {
  BoardFixture f;
  rpc::CallContext call({"operator", true}, "WatchHeads");
  v1::WatchHeadsRequest request;
  request.add_datasets("a");
  request.add_datasets("none");
  REQUIRE_ERROR(exchange::watch_heads(f.core_, call, request), absl::StatusCode::kNotFound, "DATASET_UNKNOWN");
}

TEST_CASE("without any dataset the first message is empty") {
  BoardFixture f;
  must(f.writer_.execute_script("DELETE FROM lienthong.dataset_head"));
  CHECK(f.watch().wait().empty());
}

TEST_CASE("who reads slowly gets the last head of each dataset, once") {
  BoardFixture f;
  auto watcher = f.watch();
  CHECK(watcher.wait().size() == 3);
  auto other = f.watch({"a"});
  CHECK(other.wait().size() == 1);
  for (std::int64_t n = 1; n <= 10; ++n) {
    f.commit(n % 2 == 0 ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"a"});
    f.board_->announce();
    CHECK(other.wait() == Versions{{"a", n}});
  }
  CHECK(watcher.wait() == Versions{{"a", 10}, {"b", 5}});
  CHECK_FALSE(watcher.poll());
}

TEST_CASE("heads that one commit moves come in one message") {
  BoardFixture f(milliseconds(10));
  auto watcher = f.watch();
  Versions seen = watcher.wait();
  constexpr std::int64_t kCommits = 200;
  std::thread publisher([&] {
    for (std::int64_t n = 0; n < kCommits; ++n) {
      f.commit({"a", "b", "c"});
      f.board_->announce();
    }
  });
  bool together = true;
  while (seen["a"] < kCommits) {
    for (const auto& [name, version] : watcher.wait()) seen[name] = version;
    together = together && seen["a"] == seen["b"] && seen["b"] == seen["c"];
  }
  publisher.join();
  CHECK(together);
}

TEST_CASE("another process hears of a commit, long before it would ask") {
  BoardFixture f;
  const auto other = f.start_board(kNever);
  f.commit({"a"});
  f.board_->announce();
  CHECK(wait_until([&] { return other->heads()->find("a")->head.head == 1; }));
}

TEST_CASE("a commit that nobody announced is found by asking again") {
  BoardFixture f(milliseconds(50));
  auto watcher = f.watch();
  CHECK(watcher.wait().size() == 3);
  f.commit({"c"});
  CHECK(watcher.wait() == Versions{{"c", 1}});
}

TEST_CASE("a lost connection is opened again, and what was missed is found") {
  BoardFixture f;
  auto watcher = f.watch();
  CHECK(watcher.wait().size() == 3);
  REQUIRE(f.kill_boards() == 1);
  f.commit({"a"});
  CHECK(watcher.wait() == Versions{{"a", 1}});
  CHECK(wait_until([&] { return f.board_->is_connected(); }));
  f.commit({"a"});
  f.board_->announce();
  CHECK(watcher.wait() == Versions{{"a", 2}});
}

TEST_CASE("while the database is away a new watcher gets the last heads") {
  BoardFixture f;
  must(f.database_.connect().execute_script("ALTER TABLE lienthong.dataset_head RENAME TO gone"));
  f.board_->announce();
  REQUIRE(wait_until([&] { return !f.board_->is_connected(); }));
  CHECK(f.watch({"b"}).wait() == Versions{{"b", 0}});
  must(f.database_.connect().execute_script("ALTER TABLE lienthong.gone RENAME TO dataset_head"));
  auto watcher = f.watch();
  CHECK(watcher.wait().size() == 3);
  f.commit({"b"});
  f.board_->announce();
  CHECK(watcher.wait() == Versions{{"b", 1}});
  CHECK(f.board_->is_connected());
}

TEST_CASE("more heads than fit into a message come in several") {
  BoardFixture f;
  constexpr int kMore = 20'000;
  must(
      f.writer_.execute("INSERT INTO lienthong.dataset (uid, name, owner_id) SELECT repeat('u', 30) || i, "
                        "repeat('n', 120) || i, 1 FROM generate_series(1, $1::int) i",
                        pg::Params().add(std::int32_t{kMore})));
  must(f.writer_.execute_script(
      "INSERT INTO lienthong.dataset_head (dataset_id, digest) SELECT id, repeat('d', 64) FROM "
      "lienthong.dataset WHERE name LIKE 'nn%'"));
  auto watcher = f.watch();
  Versions seen;
  std::size_t largest = 0;
  int messages = 0;
  while (seen.size() < kMore + 3) {
    std::optional<Response> response;
    REQUIRE(wait_until([&] { return (response = watcher.poll()).has_value(); }));
    largest = std::max(largest, response->ByteSizeLong());
    seen.merge(versions_of(*response));
    ++messages;
  }
  CHECK(messages == 3);
  CHECK(largest < (4U << 20));
  CHECK_FALSE(watcher.poll());
}

std::int64_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

struct OpenWatch {
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientReader<Response>> reader;
};

OpenWatch open_watch(ExchangeFixture& f, const std::string& dataset) {
  OpenWatch watch{ExchangeFixture::context("environment", std::chrono::seconds(300)), nullptr};
  v1::WatchHeadsRequest request;
  request.add_datasets(dataset);
  watch.reader = f.stub_->WatchHeads(watch.context.get(), request);
  return watch;
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

TEST_CASE("a thousand watchers cost no thread and no connection, and hear of each commit") {
  constexpr int kWatchers = 1'000;
  constexpr int kCommits = 10;
  ExchangeFixture f;
  const std::string connections_sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()";
  Response response;
  std::vector<OpenWatch> watches;
  watches.push_back(open_watch(f, "test.points"));
  REQUIRE(watches[0].reader->Read(&response));
  must(f.publish({upsert_point("warm", 0)}));
  REQUIRE(watches[0].reader->Read(&response));
  std::vector<double> alone;
  for (int n = 0; n < kCommits; ++n) {
    must(f.publish({upsert_point("warm", n + 1)}));
    const auto committed = Clock::now();
    REQUIRE(watches[0].reader->Read(&response));
    alone.push_back(std::chrono::duration<double, std::milli>(Clock::now() - committed).count());
  }
  const auto before = response.heads(0).version();
  const auto threads = threads_of_this_process();
  const auto connections = f.count(connections_sql);

  while (watches.size() < kWatchers) watches.push_back(open_watch(f, "test.points"));
  for (std::size_t i = 1; i < watches.size(); ++i) {
    REQUIRE(watches[i].reader->Read(&response));
    REQUIRE(versions_of(response) == Versions{{"test.points", before}});
  }
  std::vector<double> first;
  std::vector<double> last;
  for (int n = 0; n < kCommits; ++n) {
    const auto receipt = must(f.publish({upsert_point("p", n)}));
    const auto committed = Clock::now();
    for (std::size_t i = 0; i < watches.size(); ++i) {
      do {
        REQUIRE(watches[i].reader->Read(&response));
      } while (response.heads(0).version() < before + n + 1);
      if (i == 0) first.push_back(std::chrono::duration<double, std::milli>(Clock::now() - committed).count());
    }
    CHECK(response.heads(0).digest() == receipt.digest());
    last.push_back(std::chrono::duration<double, std::milli>(Clock::now() - committed).count());
  }
  const auto threads_after = threads_of_this_process();
  const auto connections_after = f.count(connections_sql);
  std::printf(
      "WatchHeads, acknowledged commit to message: 1 watcher p50 %.1f ms max %.1f ms; %d watchers, the first p50 %.1f "
      "ms "
      "max %.1f ms, the last p50 %.1f ms max %.1f ms; threads %lld -> %lld, connections %lld -> %lld\n",
      percentile(alone, 0.5), percentile(alone, 1), kWatchers, percentile(first, 0.5), percentile(first, 1),
      percentile(last, 0.5), percentile(last, 1), static_cast<long long>(threads),
      static_cast<long long>(threads_after), static_cast<long long>(connections),
      static_cast<long long>(connections_after));
  CHECK(threads_after <= threads + 8);  // gRPC's own, which do not follow the number of streams
  CHECK(connections_after <= connections + 2);
  for (auto& watch : watches) watch.context->TryCancel();
  for (auto& watch : watches) CHECK(watch.reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace lt::test
