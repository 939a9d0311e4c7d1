// An exchange with a streaming standby: where pages come from, what happens when either server fails, and what a
// consumer's cursor is worth after a switch.
#include <chrono>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "integration/exchange_support.hpp"
#include "pg/cluster.hpp"
#include "support/standby.hpp"
#include "support/temp_directory.hpp"

namespace lt::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr char kSynchronous[] = "synchronous_standby_names";
constexpr char kPoints[] = R"("dataset":"test.points")";

pg::Cluster start_primary(const std::string& directory) {
  pg::ClusterOptions options;
  options.directory = directory;
  options.for_tests = true;
  auto cluster = must(pg::Cluster::start(options));
  // Test databases are made there from now on.
  setenv("LT_TEST_DATABASE_URL", must(pg::with_database(cluster.url(), "postgres")).c_str(), 1);
  return cluster;
}

/// A server of its own with an exchange, and its standby.
class StandbyFixture {
 public:
  StandbyFixture() : primary_(start_primary(directory_.path())) {
    auto config = exchange_config();
    config.shutdown_grace = milliseconds(200);
    f_ = std::make_unique<ExchangeFixture>(config);
    unsetenv("LT_TEST_DATABASE_URL");
    standby_ = std::make_unique<Standby>(primary_, "one");
  }

  // No commit must be waiting for a standby when the exchanges stop.
  ~StandbyFixture() {
    if (primary_.postmaster_pid() != 0) set_server_setting(primary_.url(), kSynchronous, "");
  }

  TempDirectory directory_;
  pg::Cluster primary_;
  std::unique_ptr<ExchangeFixture> f_;  ///< on the primary, without the standby
  std::unique_ptr<Standby> standby_;

  [[nodiscard]] std::string primary_url() const { return f_->database_.url(); }
  [[nodiscard]] std::string standby_url() const { return standby_->url(f_->database_.name()); }
};

/// Another exchange, and what readers do with it.
class Reader {
 public:
  Reader(const std::string& database, const std::string& read_url) {
    auto config = exchange_config();
    config.database = database;
    config.database_read = read_url;
    config.replica_wait = milliseconds(100);
    config.shutdown_grace = milliseconds(200);
    exchange_ = must(exchange::Exchange::start(config));
    stub_ = v1::ExchangeService::NewStub(rpc::make_channel(exchange_->address()));
  }

  absl::StatusOr<Answer<v1::DiffEntry>> diff(const std::string& fields) {
    const auto call = ExchangeFixture::context("environment");
    const auto request = from_json<v1::StreamDiffRequest>("{" + std::string(kPoints) + fields + "}");
    return read_all<v1::DiffEntry>(*stub_->StreamDiff(call.get(), request));
  }
  absl::StatusOr<std::size_t> snapshot_size() {
    const auto call = ExchangeFixture::context("environment");
    const auto request = from_json<v1::StreamSnapshotRequest>("{" + std::string(kPoints) + "}");
    LT_ASSIGN_OR_RETURN(const auto answer, read_all<v1::Feature>(*stub_->StreamSnapshot(call.get(), request)));
    return answer.entries.size();
  }
  absl::Status get_feature(const std::string& id) {
    v1::GetFeatureResponse response;
    const auto request = from_json<v1::GetFeatureRequest>("{" + std::string(kPoints) + R"(,"id":")" + id + "\"}");
    return rpc::from_grpc_status(stub_->GetFeature(ExchangeFixture::context("environment").get(), request, &response));
  }
  absl::StatusOr<v1::Receipt> publish(const v1::PublishHeader& header, const std::vector<v1::Change>& changes) {
    v1::PublishChangesetRequest request;
    *request.mutable_header() = header;
    for (const auto& one : changes) *request.add_changes() = one;
    v1::PublishChangesetResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        stub_->PublishChangeset(ExchangeFixture::context("transport").get(), request, &response)));
    return response.receipt();
  }

  std::unique_ptr<exchange::Exchange> exchange_;
  std::unique_ptr<v1::ExchangeService::Stub> stub_;
};

std::set<std::string> ids_of(const Answer<v1::DiffEntry>& answer) {
  std::set<std::string> ids;
  for (const auto& entry : answer.entries) ids.insert(entry.feature().id());
  return ids;
}
using Ids = std::set<std::string>;

/// Sessions of exchanges with the standby at `url` whose last statement was a page (storage/sql/*_page.sql).
std::int64_t sessions_that_read_pages(const std::string& url) {
  auto connection = must(pg::Connection::open({.url = url, .purpose = "test"}));
  return must(connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                 "application_name = 'lienthong/exchange/replica' AND query LIKE '-- One page of%'"))
      .get_int(0, 0);
}
/// So that what is counted next was asked afterwards.
void end_sessions(const std::string& url) {
  auto connection = must(pg::Connection::open({.url = url, .purpose = "test"}));
  must(
      connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                         "AND application_name = 'lienthong/exchange/replica'"));
}

/// What a reader by SQL sees in one statement: heads and last logged versions of two datasets.
std::vector<std::int64_t> versions_at(pg::Connection& connection) {
  const auto seen = must(connection.execute(
      "SELECT p.head, s.head, (SELECT coalesce(max(version), 0) FROM lienthong_data.log_3),"
      " (SELECT coalesce(max(version), 0) FROM lienthong_data.log_4)"
      " FROM lienthong.dataset_head p, lienthong.dataset_head s WHERE p.dataset_id = 3 AND s.dataset_id = 4"));
  return {seen.get_int(0, 0), seen.get_int(0, 1), seen.get_int(0, 2), seen.get_int(0, 3)};
}

// Commits over test.world and test.stations, `commits` of them, while the standby is read all the time.
void check_commits_over_datasets(StandbyFixture& s, std::int64_t commits) {
  auto& f = *s.f_;
  std::thread publisher([&] {
    for (std::int64_t n = 1; n <= commits; ++n) {
      const std::string feature = R"j({"op":"OPERATION_UPSERT","feature":{"id":"x","wkt":"POINT (105 21)",)j"
                                  R"("properties":{"name":")" +
                                  std::to_string(n) + "\"}}}";
      auto second = change(feature);
      second.set_dataset("test.stations");
      must(f.publish(f.header("test.world"), {change(feature), second}));
    }
  });
  auto connection = must(pg::Connection::open({.url = s.standby_url(), .purpose = "test"}));
  std::vector<std::int64_t> seen(4);
  bool whole = true;
  std::set<std::int64_t> distinct;
  const bool arrived = wait_until([&] {
    seen = versions_at(connection);
    whole = whole && std::set(seen.begin(), seen.end()).size() == 1;
    distinct.insert(seen[0]);
    return seen[0] == commits || !whole;
  });
  publisher.join();
  CHECK(whole);
  CHECK(arrived);
  CHECK(distinct.size() > 2);  // it was read while it moved
}

TEST_CASE("readers use the standby as far as it has come, outlive the primary, and go on after the switch") {
  StandbyFixture s;
  auto& f = *s.f_;
  must(f.publish({upsert_point("a", 1), upsert_point("b", 2)}));
  s.standby_->catch_up(s.primary_);
  Reader reader(s.primary_url(), s.standby_url());

  // What the standby has comes from it.
  CHECK(ids_of(must(reader.diff(R"(,"fromVersion":"0")"))) == Ids{"a", "b"});
  CHECK(sessions_that_read_pages(s.standby_url()) == 1);

  // What it has not yet comes from the primary: neither an older state nor an error.
  s.standby_->pause_replay();
  end_sessions(s.standby_url());
  must(f.publish({upsert_point("c", 3), delete_of("a")}));
  const auto started = Clock::now();
  const auto second = must(reader.diff(R"(,"fromVersion":"1")"));
  CHECK(Clock::now() - started < std::chrono::seconds(10));
  CHECK(ids_of(second) == Ids{"a", "c"});
  CHECK(second.header.to_version() == 2);
  CHECK(must(reader.snapshot_size()) == 2);
  CHECK(absl::IsNotFound(reader.get_feature("a")));
  REQUIRE_OK(reader.get_feature("c"));
  CHECK(sessions_that_read_pages(s.standby_url()) == 0);
  // An older version is there, whatever the lag.
  // (A probe that met an ended session takes the standby for away, for some seconds.)
  const auto asks_the_standby = [&] { return sessions_that_read_pages(s.standby_url()) == 1; };
  CHECK(wait_until([&] {
    CHECK(ids_of(must(reader.diff(R"(,"fromVersion":"0","toVersion":"1")"))) == Ids{"a", "b"});
    return asks_the_standby();
  }));

  // When it has caught up it is used again.
  s.standby_->resume_replay();
  s.standby_->catch_up(s.primary_);
  end_sessions(s.standby_url());
  CHECK(wait_until([&] {
    CHECK(must(reader.snapshot_size()) == 2);
    return asks_the_standby();
  }));

  check_commits_over_datasets(s, 60);

  // The standby is away: the primary answers.
  s.standby_->stop(pg::Cluster::StopMode::kImmediate);
  CHECK(must(reader.snapshot_size()) == 2);
  CHECK(must(reader.snapshot_size()) == 2);
  s.standby_->restart();
  s.standby_->catch_up(s.primary_);

  // The primary is away: the standby answers, up to the head that was announced.
  Reader survivor(s.primary_url(), s.standby_url());
  CHECK(must(survivor.snapshot_size()) == 2);
  must(s.primary_.stop(pg::Cluster::StopMode::kImmediate));
  const auto during = must(survivor.diff(R"(,"fromVersion":"0")"));
  CHECK(ids_of(during) == Ids{"b", "c"});
  CHECK(during.header.to_version() == 2);
  CHECK(must(survivor.snapshot_size()) == 2);
  REQUIRE_OK(survivor.get_feature("b"));
  CHECK(absl::IsUnavailable(survivor.publish(f.header(), {upsert_point("z", 1)}).status()));

  // The standby becomes the primary. A cursor of the old one goes on there.
  s.standby_->promote();
  Reader after(s.standby_url(), "");
  must(after.publish(f.header(), {upsert_point("d", 4)}));
  const auto next = must(after.diff(R"(,"cursor":")" + second.end.cursor() + "\""));
  CHECK(next.header.from_version() == 2);
  CHECK(ids_of(next) == Ids{"d"});
  REQUIRE_ERROR(after.diff(R"(,"toVersion":"4")"), absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE");
}

// After it the standby is asynchronous again and has version 2: features a and b.
void check_synchronous_commits(StandbyFixture& s) {
  auto& f = *s.f_;
  must(f.publish({upsert_point("a", 1)}));
  s.standby_->catch_up(s.primary_);
  set_server_setting(s.primary_url(), kSynchronous, "one");
  const auto watch_call = ExchangeFixture::context("environment", std::chrono::seconds(120));
  const auto watch =
      f.stub_->WatchHeads(watch_call.get(), from_json<v1::WatchHeadsRequest>(R"({"datasets":["test.points"]})"));
  v1::WatchHeadsResponse heads;
  REQUIRE(watch->Read(&heads));
  CHECK(heads.heads(0).version() == 1);

  s.standby_->stop(pg::Cluster::StopMode::kImmediate);
  const auto header = f.header();
  const std::vector<v1::Change> changes{upsert_point("b", 2)};
  auto admin = must(pg::Connection::open({.url = s.primary_url(), .purpose = "test"}));
  const std::string waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'";
  absl::Status refused;
  std::thread publisher([&] { refused = f.publish(header, changes).status(); });
  REQUIRE(wait_until([&] { return must(admin.execute("SELECT count(*) " + waiting)).get_int(0, 0) == 1; }));
  must(admin.execute("SELECT pg_cancel_backend(pid) " + waiting));
  publisher.join();
  REQUIRE_ERROR(refused, absl::StatusCode::kUnavailable, "COMMIT_UNCONFIRMED");
  // It is there, but the same id does not make it acknowledged.
  CHECK(f.count("SELECT count(*) FROM lienthong.changeset") == 2);
  REQUIRE_ERROR(f.publish(header, changes), absl::StatusCode::kUnavailable, "COMMIT_UNCONFIRMED");

  s.standby_->restart();
  const auto receipt = must(f.publish(header, changes));
  REQUIRE(watch->Read(&heads));  // the first message after version 1: had it come before, so would its receipt
  CHECK(heads.heads(0).version() == 2);
  CHECK(heads.heads(0).digest() == receipt.digest());
  s.standby_->catch_up(s.primary_);
  auto replica = must(pg::Connection::open({.url = s.standby_url(), .purpose = "test"}));
  CHECK(must(replica.execute("SELECT max(head) FROM lienthong.dataset_head")).get_int(0, 0) == 2);
  watch_call->TryCancel();
  set_server_setting(s.primary_url(), kSynchronous, "");
}

// After it the standby is a primary with another version 3.
void check_forked_history(StandbyFixture& s) {
  auto& f = *s.f_;
  Reader reader(s.primary_url(), "");
  const auto shared = must(reader.diff(""));

  s.standby_->stop(pg::Cluster::StopMode::kImmediate);
  must(f.publish({upsert_point("lost", 2)}));
  const auto lost = must(reader.diff(""));
  CHECK(ids_of(lost) == Ids{"a", "b", "lost"});
  // Restarted where it cannot reach its primary, and made one itself.
  s.standby_->restart_alone();
  s.standby_->promote();

  Reader fork(s.standby_url(), "");
  REQUIRE_ERROR(fork.diff(R"(,"cursor":")" + lost.end.cursor() + "\""), absl::StatusCode::kFailedPrecondition,
                "HISTORY_FORKED");
  must(fork.publish(f.header(), {upsert_point("other", 3)}));
  REQUIRE_ERROR(fork.diff(R"(,"cursor":")" + lost.end.cursor() + "\""), absl::StatusCode::kFailedPrecondition,
                "HISTORY_FORKED");
  CHECK(ids_of(must(fork.diff(R"(,"cursor":")" + shared.end.cursor() + "\""))) == Ids{"other"});

  // A "standby" with another history is not read from: both have a version 3.
  Reader both(s.primary_url(), s.standby_url());
  CHECK(ids_of(must(both.diff(""))) == Ids{"a", "b", "lost"});
  CHECK(ids_of(must(both.diff(R"(,"toVersion":"2")"))) == Ids{"a", "b"});
}

TEST_CASE("a commit without its standby is not acknowledged when that is synchronous, else it may fork history") {
  StandbyFixture s;
  check_synchronous_commits(s);
  check_forked_history(s);
}

}  // namespace
}  // namespace lt::test
