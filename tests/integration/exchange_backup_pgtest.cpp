// A backup that is restored (docs/operations.md): what was published after it is gone, and everybody is told.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include <catch2/catch.hpp>

#include "exchange_support.hpp"
#include "pg/cluster.hpp"
#include "pg/detail/process.hpp"
#include "support/temp_directory.hpp"

namespace lt::test {
namespace {

std::string program(const std::string& name) {
  const char* chosen = std::getenv("LIENTHONG_PG_BIN");
  return std::string(chosen != nullptr ? chosen : "/usr/lib/postgresql/15/bin") + "/" + name;
}

void run(std::vector<std::string> command, const pg::detail::UserIdentity& user = {}) {
  const TempDirectory directory;
  pg::detail::SpawnOptions options;
  options.command = std::move(command);
  options.user = user;
  options.output_file = directory.path() + "/output";
  const int status = must(pg::detail::run(options, std::chrono::minutes(2)));
  INFO(pg::detail::last_words(options.output_file));
  REQUIRE(status == 0);
}

/// An exchange on a database, and what a consumer does with it.
class Consumer {
 public:
  explicit Consumer(const std::string& url) {
    auto config = exchange_config();
    config.database = url;
    config.stream_chunk_bytes = 1 << 10;
    exchange_ = must(exchange::Exchange::start(config));
    stub_ = v1::ExchangeService::NewStub(rpc::make_channel(exchange_->address()));
  }

  absl::StatusOr<Answer<v1::DiffEntry>> diff(const v1::StreamDiffRequest& request) {
    const auto call = ExchangeFixture::context("environment");
    return read_all<v1::DiffEntry>(*stub_->StreamDiff(call.get(), request));
  }
  absl::StatusOr<Answer<v1::DiffEntry>> diff_from(const std::string& cursor) {
    v1::StreamDiffRequest request;
    request.set_dataset("test.points");
    request.set_cursor(cursor);
    return diff(request);
  }
  absl::StatusOr<Answer<v1::Feature>> snapshot() {
    v1::StreamSnapshotRequest request;
    request.set_dataset("test.points");
    const auto call = ExchangeFixture::context("environment");
    return read_all<v1::Feature>(*stub_->StreamSnapshot(call.get(), request));
  }

  /// A request for all up to `to`, resumed after the first message of an answer that was read so far.
  v1::StreamDiffRequest begun(std::int64_t to) {
    v1::StreamDiffRequest request;
    request.set_dataset("test.points");
    request.set_to_version(to);
    const auto call = ExchangeFixture::context("environment");
    const auto reader = stub_->StreamDiff(call.get(), request);
    v1::StreamDiffResponse response;
    REQUIRE(reader->Read(&response));
    REQUIRE(reader->Read(&response));
    request.set_resume_token(response.entries().resume_token());
    REQUIRE_FALSE(request.resume_token().empty());
    while (reader->Read(&response)) {
    }
    must(rpc::from_grpc_status(reader->Finish()));
    return request;
  }

  absl::StatusOr<v1::Receipt> publish(const std::string& changeset_id, int x) {
    v1::PublishChangesetRequest request;
    request.mutable_header()->set_dataset("test.points");
    request.mutable_header()->set_changeset_id(changeset_id);
    for (int i = 0; i < 30; ++i) *request.add_changes() = upsert_point("p" + std::to_string(i), x + i);
    v1::PublishChangesetResponse response;
    const auto call = ExchangeFixture::context();
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stub_->PublishChangeset(call.get(), request, &response)));
    return response.receipt();
  }

 private:
  std::unique_ptr<exchange::Exchange> exchange_;
  std::unique_ptr<v1::ExchangeService::Stub> stub_;
};

void check_forked(const absl::Status& status) {
  CHECK(status.code() == absl::StatusCode::kFailedPrecondition);
  CHECK(error_reason(status) == "HISTORY_FORKED");
  CHECK(metadata_of(status, "dataset") == "test.points");
}

/// What consumers and publishers hold at the time of the backup, and what they hold when the server is lost.
struct Held {
  std::string old_cursor, lost_cursor;
  v1::StreamDiffRequest old_answer, lost_answer;
  std::vector<std::string> rest_of_old_answer;
  v1::Receipt old_receipt;
};

std::vector<std::string> texts_of(const Answer<v1::DiffEntry>& answer) {
  std::vector<std::string> texts;
  for (const auto& entry : answer.entries) texts.push_back(entry.ShortDebugString());
  return texts;
}

/// Versions 1 and 2, then the backup, then versions 3 and 4, which are lost.
Held make_history(Consumer& exchange, const std::function<void()>& back_up) {
  Held held;
  must(exchange.publish("push/1", 0));
  held.old_receipt = must(exchange.publish("push/2", 100));
  held.old_answer = exchange.begun(2);
  const auto rest = must(exchange.diff(held.old_answer));
  held.rest_of_old_answer = texts_of(rest);
  held.old_cursor = rest.end.cursor();
  back_up();
  must(exchange.publish("push/3", 200));
  must(exchange.publish("push/4", 300));
  held.lost_answer = exchange.begun(4);
  held.lost_cursor = must(exchange.diff_from(held.old_cursor)).end.cursor();
  return held;
}

void check_restored(Consumer& exchange, const Held& held) {
  // What stands at the backup goes on, as if nothing had been.
  const auto unchanged = must(exchange.diff_from(held.old_cursor));
  CHECK(unchanged.header.from_version() == 2);
  CHECK(unchanged.header.to_version() == 2);
  CHECK(unchanged.entries.empty());
  CHECK(texts_of(must(exchange.diff(held.old_answer))) == held.rest_of_old_answer);
  // What stands after it is of a history that is lost, before there are new versions with these numbers, and after.
  check_forked(exchange.diff_from(held.lost_cursor).status());
  check_forked(exchange.diff(held.lost_answer).status());
  // A publisher sends again what it has no receipt for here: the same id is accepted once more, or is known.
  CHECK(same(must(exchange.publish("push/2", 100)), held.old_receipt));
  CHECK(must(exchange.publish("push/3", 200)).datasets(0).version() == 3);
  CHECK(must(exchange.publish("other/4", 400)).datasets(0).version() == 4);
  CHECK(must(exchange.publish("other/5", 500)).datasets(0).version() == 5);
  check_forked(exchange.diff_from(held.lost_cursor).status());
  check_forked(exchange.diff(held.lost_answer).status());
  const auto later = must(exchange.diff_from(held.old_cursor));
  CHECK(later.header.to_version() == 5);
  CHECK(later.entries.size() == 30);
  CHECK(texts_of(must(exchange.diff(held.old_answer))) == held.rest_of_old_answer);
  // A consumer whose cursor is refused takes the whole, compares, and goes on from there.
  const auto whole = must(exchange.snapshot());
  CHECK(whole.entries.size() == 30);
  CHECK(must(exchange.diff_from(whole.end.cursor())).entries.empty());
}

TEST_CASE("a dump restored into another database: cursors and tokens of the lost history are refused, others go on") {
  ExchangeFixture f;
  const TempDirectory directory;
  const std::string dump = directory.path() + "/exchange.dump";
  Held held;
  {
    Consumer exchange(f.database_.url());
    held = make_history(exchange, [&] {
      run({program("pg_dump"), "--format=custom", "--exclude-table-data=lienthong_staging.*", "--file=" + dump,
           "--dbname=" + f.database_.url()});
    });
  }
  const TempDatabase restored;
  run({program("pg_restore"), "--exit-on-error", "--no-owner", "--dbname=" + restored.url(), dump});
  Consumer exchange(restored.url());
  check_restored(exchange, held);
}

TEST_CASE("a base backup of a server: started in its place, it has the history of its time") {
  const TempDirectory lost;
  const TempDirectory place;
  pg::ClusterOptions options;
  options.directory = lost.path();
  options.for_tests = true;
  Held held;
  std::string name;
  {
    auto cluster = must(pg::Cluster::start(options));
    const auto user = must(pg::detail::server_user(lost.path() + "/pg"));
    setenv("LT_TEST_DATABASE_URL", must(pg::with_database(cluster.url(), "postgres")).c_str(), 1);
    ExchangeFixture f;
    unsetenv("LT_TEST_DATABASE_URL");
    name = f.database_.name();
    Consumer exchange(f.database_.url());
    held = make_history(exchange, [&] {
      const std::string backup = place.path() + "/pg";
      std::filesystem::create_directory(backup);
      std::filesystem::permissions(backup, std::filesystem::perms::owner_all);
      if (user.change) REQUIRE(chown(backup.c_str(), user.uid, user.gid) == 0);
      run({program("pg_basebackup"), "--checkpoint=fast", "--wal-method=stream", "--pgdata=" + backup,
           "--dbname=" + cluster.url()},
          user);
      std::filesystem::copy_file(lost.path() + "/password", place.path() + "/password");
    });
  }
  options.directory = place.path();
  auto cluster = must(pg::Cluster::start(options));
  {
    Consumer exchange(must(pg::with_database(cluster.url(), name)));
    check_restored(exchange, held);
  }
}

}  // namespace
}  // namespace lt::test
