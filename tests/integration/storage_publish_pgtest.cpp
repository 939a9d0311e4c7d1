// Publishing at the level of storage: effective operations, conflicts, idempotency, staging; and the traps that the
// study of the storage model found, each as a test.
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "storage_support.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using feature::ChangeOp;
using feature::EntryOp;

TestChange change(ChangeOp op, const std::string& id, std::int64_t lanes,
                  std::optional<std::int64_t> base = std::nullopt) {
  return {op, id, point_state(1, lanes), base};
}

std::vector<std::string> ids_of(const std::vector<feature::Entry>& entries) {
  std::vector<std::string> ids;
  for (const auto& entry : entries) ids.push_back(std::string(feature::to_string(entry.op)) + " " + entry.id);
  return ids;
}

TEST_CASE("versions are dense and receipts form a chain of digests") {
  StorageFixture f;
  const auto first = must(f.publish({upsert("a", point_state(1, 1))}));
  const auto second = must(f.publish({upsert("a", point_state(1, 2)), upsert("b", point_state(2, 1))}));
  REQUIRE(first.datasets[0].version == 1);
  REQUIRE(first.datasets[0].previous_digest.empty());
  REQUIRE(second.datasets[0].version == 2);
  REQUIRE(second.datasets[0].previous_digest == first.digest);
  REQUIRE(second.digest == feature::receipt_digest(second));
  REQUIRE(second.committed_us > first.committed_us);
  REQUIRE(must(f.catalog_.get_dataset("test.points")).head_digest == second.digest);
  REQUIRE(must(f.catalog_.get_dataset("test.points")).feature_count == 2);
}

TEST_CASE("equal content is unchanged, whatever operation or base_version say") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  const auto receipt = must(f.publish({change(ChangeOp::kInsert, "a", 1, 0)}));
  REQUIRE_FALSE(receipt.changed);
  REQUIRE(receipt.counts.unchanged == 1);
  REQUIRE(receipt.commit_id.empty());
  REQUIRE(receipt.datasets[0].version == 1);
  REQUIRE(f.head() == 1);
}

TEST_CASE("a changeset without effect is recorded for ever under its id") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  feature::ChangesetHeader header;
  header.changeset_id = "same";
  const auto receipt = must(f.publish(header, {upsert("a", point_state(1, 1))}));
  must(f.publish({upsert("a", point_state(1, 2))}));
  REQUIRE(must(f.publish(header, {upsert("a", point_state(1, 1))})) == receipt);
  REQUIRE(f.head() == 2);
}

TEST_CASE("INSERT of an existing feature with other content is refused with the version found") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  const auto refused = f.publish({change(ChangeOp::kInsert, "a", 2)});
  REQUIRE_ERROR(refused, absl::StatusCode::kAlreadyExists, "FEATURE_EXISTS");
  REQUIRE(error_detail(refused.status())->metadata["feature_id"] == "a");
  REQUIRE(error_detail(refused.status())->metadata["found_version"] == "1");
  REQUIRE_THAT(message_of(refused.status()), Catch::Contains("by operator at"));
  REQUIRE(f.head() == 1);
}

TEST_CASE("UPDATE of a missing feature is refused and nothing of the changeset is stored") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  REQUIRE_ERROR(f.publish({upsert("b", point_state(1, 1)), change(ChangeOp::kUpdate, "c", 2)}),
                absl::StatusCode::kFailedPrecondition, "FEATURE_NOT_FOUND");
  REQUIRE(f.head() == 1);
  REQUIRE(f.snapshot(1).size() == 1);
}

TEST_CASE("base_version: absent is unchecked, 0 must not exist, v refuses what changed after v") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  must(f.publish({upsert("b", point_state(1, 1))}));
  must(f.publish({upsert("a", point_state(1, 2))}));

  REQUIRE_ERROR(f.publish({change(ChangeOp::kUpsert, "a", 9, 0)}), absl::StatusCode::kFailedPrecondition,
                "VERSION_CONFLICT");
  const auto stale = f.publish({change(ChangeOp::kUpsert, "a", 9, 2)});
  REQUIRE_ERROR(stale, absl::StatusCode::kFailedPrecondition, "VERSION_CONFLICT");
  REQUIRE(error_detail(stale.status())->metadata["expected_version"] == "2");
  REQUIRE(error_detail(stale.status())->metadata["found_version"] == "3");
  REQUIRE_OK(f.publish({change(ChangeOp::kUpsert, "a", 9, 3)}));
  REQUIRE_OK(f.publish({change(ChangeOp::kUpsert, "new", 9, 0)}));
  REQUIRE_ERROR(f.publish({change(ChangeOp::kUpsert, "a", 10, 99)}), absl::StatusCode::kOutOfRange,
                "VERSION_OUT_OF_RANGE");
}

TEST_CASE("the header's base_version holds for changes without their own") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  must(f.publish({upsert("a", point_state(1, 2))}));
  feature::ChangesetHeader header;
  header.base_version = 1;
  REQUIRE_ERROR(f.publish(header, {upsert("a", point_state(1, 3))}), absl::StatusCode::kFailedPrecondition,
                "VERSION_CONFLICT");
  REQUIRE_OK(f.publish(header, {change(ChangeOp::kUpsert, "a", 3, 2)}));
}

TEST_CASE("a delete after base_version was made is a conflict too") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  must(f.publish({deletion("a")}));
  REQUIRE_ERROR(f.publish({change(ChangeOp::kUpsert, "a", 5, 1)}), absl::StatusCode::kFailedPrecondition,
                "VERSION_CONFLICT");
  REQUIRE_OK(f.publish({change(ChangeOp::kUpsert, "a", 5, 2)}));
}

TEST_CASE("the same changeset_id with the same content returns the receipt, with other content it is refused") {
  StorageFixture f;
  feature::ChangesetHeader header;
  header.changeset_id = "nightly/1";
  const auto receipt = must(f.publish(header, {upsert("a", point_state(1, 1)), upsert("b", point_state(1, 1))}));
  must(f.publish({upsert("a", point_state(1, 7))}));
  // Another order and other batches are the same content.
  REQUIRE(must(f.publish(header, {upsert("b", point_state(1, 1)), upsert("a", point_state(1, 1))})) == receipt);
  REQUIRE_ERROR(f.publish(header, {upsert("a", point_state(1, 2))}), absl::StatusCode::kAlreadyExists,
                "CHANGESET_ID_REUSED");
  feature::ChangesetHeader options = header;
  options.allow_mass_delete = true;
  REQUIRE_ERROR(f.publish(options, {upsert("a", point_state(1, 1)), upsert("b", point_state(1, 1))}),
                absl::StatusCode::kAlreadyExists, "CHANGESET_ID_REUSED");
  REQUIRE(f.head() == 2);
}

TEST_CASE("a dry run and a refusal do not use up the id") {
  StorageFixture f;
  feature::ChangesetHeader header;
  header.changeset_id = "x";
  header.dry_run = true;
  const auto dry = must(f.publish(header, {upsert("a", point_state(1, 1))}));
  REQUIRE(dry.counts.inserted == 1);
  REQUIRE(dry.digest.empty());
  REQUIRE(f.head() == 0);
  header.dry_run = false;
  REQUIRE_ERROR(f.publish(header, {change(ChangeOp::kUpdate, "a", 1)}), absl::StatusCode::kFailedPrecondition,
                "FEATURE_NOT_FOUND");
  REQUIRE_OK(f.publish(header, {upsert("a", point_state(1, 2))}));
}

TEST_CASE("an id twice is told with both sequences, in memory and in the staging table") {
  StorageFixture f;
  f.limits_.memory_bytes = GENERATE(std::size_t{0}, std::size_t{3U << 20});
  storage::StagedChangeset staged(f.pool_, *f.owner_, f.staging_options("twice"));
  const std::size_t place = staged.add_dataset(f.dataset_, 5897);
  std::int64_t sequence = 0;
  for (const char* id : {"a", "b", "a"}) {
    const auto state = point_state(1, ++sequence);
    const feature::Change one{sequence, ChangeOp::kUpsert, id, std::nullopt, feature::encode_record(1, state), {}};
    staged.add(place, one, &state, feature::change_hash(f.dataset_.name, one));
    must(staged.end_batch(sequence, 0));
  }
  const auto sealed = must(staged.seal({}));
  REQUIRE(sealed.duplicate_count == 1);
  REQUIRE(sealed.duplicates.at(0).id == "a");
  REQUIRE(sealed.duplicates.at(0).first == 1);
  REQUIRE(sealed.duplicates.at(0).second == 3);
}

TEST_CASE("a snapshot that would delete too much, or everything, is refused unless that is meant") {
  StorageFixture f;
  std::vector<TestChange> all;
  for (int i = 0; i < 200; ++i) all.push_back(upsert("f" + std::to_string(i), point_state(i, 1)));
  must(f.publish_snapshot(all));
  const std::vector<TestChange> fewer(all.begin() + 21, all.end());
  REQUIRE_ERROR(f.publish_snapshot(fewer, false), absl::StatusCode::kFailedPrecondition, "MASS_DELETE");
  const std::vector<TestChange> limit(all.begin() + 20, all.end());
  REQUIRE(must(f.publish_snapshot(limit, false)).counts.deleted == 20);
  REQUIRE_ERROR(f.publish_snapshot({}, false), absl::StatusCode::kFailedPrecondition, "EMPTY_SNAPSHOT");
  REQUIRE(must(f.publish_snapshot({}, true)).counts.deleted == 180);
  REQUIRE(f.snapshot(f.head()).empty());
}

TEST_CASE("up to ten deletes never need a permission") {
  StorageFixture f;
  std::vector<TestChange> all;
  for (int i = 0; i < 11; ++i) all.push_back(upsert("f" + std::to_string(i), point_state(i, 1)));
  must(f.publish_snapshot(all));
  REQUIRE(must(f.publish_snapshot({all[0]}, false)).counts.deleted == 10);
}

TEST_CASE("created and deleted within the range is absent, deleted and created again is an update or absent") {
  StorageFixture f;
  must(f.publish({upsert("old", point_state(1, 1)), upsert("same", point_state(1, 1))}));                     // 1
  must(f.publish({upsert("brief", point_state(1, 1)), deletion("old"), deletion("same")}));                   // 2
  must(f.publish({deletion("brief"), upsert("old", point_state(1, 9)), upsert("same", point_state(1, 1))}));  // 3
  REQUIRE(ids_of(f.diff(1, 3)) == std::vector<std::string>{"UPDATE old"});
  REQUIRE(ids_of(f.diff(1, 2)) == std::vector<std::string>{"INSERT brief", "DELETE old", "DELETE same"});
  REQUIRE(ids_of(f.diff(2, 3)) == std::vector<std::string>{"DELETE brief", "INSERT old", "INSERT same"});
  REQUIRE(ids_of(f.diff(0, 3)) == std::vector<std::string>{"INSERT old", "INSERT same"});
}

TEST_CASE("the log chains through tombstones, so a deletion of a re-created id is never lost") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));  // 1
  must(f.publish({deletion("a")}));                   // 2
  must(f.publish({upsert("a", point_state(1, 2))}));  // 3
  must(f.publish({deletion("a")}));                   // 4
  REQUIRE(ids_of(f.diff(1, 4)) == std::vector<std::string>{"DELETE a"});
  REQUIRE(ids_of(f.diff(3, 4)) == std::vector<std::string>{"DELETE a"});
  REQUIRE(f.diff(2, 4).empty());
  auto connection = f.database_.connect();
  const auto rows = must(connection.execute("SELECT version, prev_version, op, prev_op FROM lienthong_data.log_" +
                                            std::to_string(f.dataset_.id) + " ORDER BY version"));
  REQUIRE(rows.get_int(2, 1) == 2);
  REQUIRE(rows.get_char(2, 3) == 'D');
  REQUIRE(rows.get_int(3, 1) == 3);
}

TEST_CASE("the box before stands in the log and both boxes contain their geometry") {
  StorageFixture f;
  must(f.publish({upsert("a", point_state(1, 1))}));
  must(f.publish({upsert("a", point_state(100001, 1))}));
  auto connection = f.database_.connect();
  const auto rows =
      must(connection.execute("SELECT x1::float8, x2::float8, px1::float8, px2::float8 FROM lienthong_data.log_" +
                              std::to_string(f.dataset_.id) + " WHERE version = 2"));
  REQUIRE(rows.get_double(0, 0) <= 600001);
  REQUIRE(rows.get_double(0, 1) >= 600001);
  REQUIRE(rows.get_double(0, 2) <= 500001);
  REQUIRE(rows.get_double(0, 3) >= 500001);
}

TEST_CASE("log rows lie in id order within a version, as their index does") {
  StorageFixture f;
  f.limits_.memory_bytes = 0;
  std::vector<TestChange> all;
  for (int i = 999; i >= 0; --i) all.push_back(upsert("f" + std::to_string(i), point_state(i, 1)));
  must(f.publish(all));
  auto connection = f.database_.connect();
  const auto rows = must(connection.execute(
      "SELECT count(*) FROM (SELECT fid, lag(fid) OVER (ORDER BY ctid) before FROM lienthong_data.log_" +
      std::to_string(f.dataset_.id) + ") x WHERE before >= fid"));
  REQUIRE(rows.get_int(0, 0) == 0);
}

TEST_CASE("a diff reads in proportion to the change, never to the dataset or its history") {
  StorageFixture f;
  std::vector<TestChange> all;
  for (int i = 0; i < 20000; ++i) all.push_back(upsert("f" + std::to_string(i), point_state(i, 1)));
  must(f.publish(all));
  for (int v = 0; v < 20; ++v) {
    std::vector<TestChange> some;
    for (int i = 0; i < 50; ++i) some.push_back(upsert("f" + std::to_string(i * 7), point_state(i, v + 2)));
    must(f.publish(some));
  }
  auto connection = f.database_.connect();
  must(connection.execute_script("ANALYZE"));
  const std::string log = "lienthong_data.log_" + std::to_string(f.dataset_.id);
  // By the server's own counters of the log: index entries and rows that the readings of one session touched.
  pg::Pool pool(f.options(), 1);
  const auto total = [&] {
    auto session = must(pool.acquire());
    must(session->execute_script("SELECT pg_stat_force_next_flush()"));
    must(session->execute_script("SELECT pg_stat_clear_snapshot()"));
    return must(session->execute("SELECT seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE "
                                 "i.relid = t.relid)::int8 "
                                 "FROM pg_stat_user_tables t WHERE t.relid = $1::text::regclass",
                                 pg::Params().add(log)))
        .get_int(0, 0);
  };
  const auto cost_of = [&](std::int64_t a, std::int64_t b) {
    const auto before = total();
    const auto reader = storage::read_diff(pool, f.dataset_.id, a, b, false);
    REQUIRE(StorageFixture::all(*reader).size() == 50);
    return total() - before;
  };
  REQUIRE(cost_of(11, 21) <
          500 * 8);  // 10 versions of 50 changes: page, successor, state at the start; the log has 21,000 rows
  REQUIRE(cost_of(20, 21) < 50 * 8);
}

constexpr std::chrono::milliseconds kAtOnce{0};

// One change as batch 1.
void stage_one(StorageFixture& f, storage::StagedChangeset& staged) {
  const auto state = point_state(1, 1);
  const std::size_t place = staged.add_dataset(f.dataset_, 5897);
  const feature::Change one{1, ChangeOp::kUpsert, "a", std::nullopt, feature::encode_record(1, state), {}};
  staged.add(place, one, &state, feature::change_hash(f.dataset_.name, one));
  must(staged.end_batch(1, 0));
  must(staged.settle());
}

TEST_CASE("staging leaves nothing behind: after success, refusal, abandonment and the death of its owner") {
  StorageFixture f;
  f.limits_.memory_bytes = 0;
  f.limits_.piece_bytes = 64;
  auto connection = f.database_.connect();
  const auto tables = [&] {
    return must(connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'lienthong_staging' AND "
                                   "tablename LIKE 'staged%'"))
        .get_int(0, 0);
  };
  must(f.publish({upsert("a", point_state(1, 1))}));
  REQUIRE_FALSE(f.publish({change(ChangeOp::kUpdate, "zz", 1)}).ok());
  REQUIRE(tables() == 0);
  {
    storage::StagedChangeset staged(f.pool_, *f.owner_, f.staging_options("abandoned"));
    stage_one(f, staged);
    REQUIRE(tables() == 1);
    REQUIRE(must(f.owner_->sweep(kAtOnce)) == 0);  // it is being worked on
  }
  REQUIRE(tables() == 0);
  {
    storage::StagedChangeset staged(f.pool_, *f.owner_, f.staging_options("suspended"));
    stage_one(f, staged);
    REQUIRE(staged.suspend());
  }
  REQUIRE(tables() == 1);
  REQUIRE(must(f.owner_->sweep(std::chrono::hours(1))) == 0);  // somebody may go on with it
  REQUIRE(must(f.owner_->sweep(kAtOnce)) == 1);
  REQUIRE(tables() == 0);
  // A process that was killed: its lock is gone, its table is there.
  {
    auto dead = must(storage::StagingOwner::start(f.options()));
    const std::string prefix = dead->next_prefix();
    must(connection.execute_script("CREATE UNLOGGED TABLE lienthong_staging." + prefix + "_1 (a int)"));
    pg::Params params;
    params.add(dead->key()).add(prefix);
    must(connection
             .execute("INSERT INTO lienthong_staging.attempt (attempt_id, organisation, header_sha256, owner, prefix) "
                      "VALUES ('dead', 'operator', '', $1, $2)",
                      params)
             .status());
    REQUIRE(must(f.owner_->sweep(kAtOnce)) == 0);
  }
  // The server takes a moment to notice that the session is gone.
  REQUIRE(wait_until([&] { return must(f.owner_->sweep(kAtOnce)) == 1; }));
  REQUIRE(tables() == 0);
}

TEST_CASE("an upload that broke off goes on where it was, and its older stream can add nothing") {
  StorageFixture f;
  f.limits_.memory_bytes = 0;
  f.limits_.piece_bytes = 1;
  auto older = std::make_unique<storage::StagedChangeset>(f.pool_, *f.owner_, f.staging_options("resumed"));
  stage_one(f, *older);
  storage::StagedChangeset newer(f.pool_, *f.owner_, f.staging_options("resumed"));
  const auto resumed = must(newer.adopt());
  REQUIRE(resumed.sequence == 1);
  REQUIRE(resumed.parts.size() == 1);
  REQUIRE(resumed.parts[0].dataset == f.dataset_.name);
  const std::size_t place = newer.add_dataset(f.dataset_, 5897);
  REQUIRE(newer.count() == 1);
  const auto state = point_state(2, 2);
  const auto second = [&](storage::StagedChangeset& staged, std::size_t at) {
    feature::Change one{2, ChangeOp::kUpsert, "b", std::nullopt, feature::encode_record(1, state), {}};
    staged.add(at, one, &state, feature::change_hash(f.dataset_.name, one));
    must(staged.end_batch(2, 0));
    return staged.settle();
  };
  REQUIRE_ERROR(second(*older, 0), absl::StatusCode::kAborted, "STAGING_TAKEN");
  older.reset();  // and drops nothing that is not its own
  REQUIRE_OK(second(newer, place));
  feature::ChangesetHeader header;
  header.dataset = f.dataset_.name;
  header.changeset_id = "resumed-1";
  storage::PublishRequest request;
  request.organisation = "operator";
  request.attempt_id = "resumed";
  request.header = header;
  request.content = must(newer.seal(header)).content;
  storage::PublishReport report;
  REQUIRE(must(storage::publish(f.pool_, request, newer, report)).counts.inserted == 2);
  // Another organisation, another header, or an attempt that never was: nothing to go on with.
  auto foreign = f.staging_options("resumed");
  foreign.organisation = "other";
  storage::StagedChangeset stranger(f.pool_, *f.owner_, foreign);
  REQUIRE_ERROR(stranger.adopt(), absl::StatusCode::kNotFound, "ATTEMPT_UNKNOWN");
}

TEST_CASE("staging that was lost is noticed before anything is merged") {
  StorageFixture f;
  f.limits_.memory_bytes = 0;
  storage::StagedChangeset staged(f.pool_, *f.owner_, f.staging_options("lost"));
  stage_one(f, staged);
  auto connection = f.database_.connect();
  must(connection.execute_script("TRUNCATE lienthong_staging.attempt"));  // what a crash of the server does
  REQUIRE_ERROR(staged.seal({}), absl::StatusCode::kAborted, "STAGING_LOST");
}

TEST_CASE("what goes without tables leaves the same rows as what goes through them") {
  StorageFixture fixture;
  const std::vector<std::vector<TestChange>> changesets{
      {upsert("b", point_state(1, 1)), upsert("a", point_state(2, 1)), upsert("c", point_state(std::nullopt, 1)),
       upsert("d", point_state(4, 1, "ố"))},
      {upsert("a", point_state(3, 2)),
       upsert("b", point_state(1, 1)),
       deletion("c"),
       deletion("nowhere"),
       {ChangeOp::kUpdate, "d", point_state(std::nullopt, 1), 1},
       {ChangeOp::kInsert, "e", point_state(5, 5), 0}},
      {upsert("c", point_state(7, 1)), deletion("a"), deletion("b")},
      {upsert("a", point_state(2, 1)), {ChangeOp::kDelete, "e", std::nullopt, 2}},
  };
  for (const auto& changes : changesets) REQUIRE_OK(fixture.publish(changes).status());
  const auto direct = fixture.dataset_;
  fixture.dataset_ = must(fixture.catalog_.create_dataset("test.tables", "operator", "", points_schema()));
  fixture.limits_.memory_bytes = 0;
  for (const auto& changes : changesets) REQUIRE_OK(fixture.publish(changes).status());
  auto connection = must(fixture.pool_.acquire(std::chrono::seconds(10)));
  for (const auto* table : {"feature", "log", "gone"}) {
    const auto rows = [&](const storage::Dataset& dataset) {
      return fmt::format("SELECT t::text FROM lienthong_data.{}_{} t", table, dataset.id);
    };
    const auto differing = must(
        connection->execute(fmt::format("SELECT count(*) FROM (({0} EXCEPT ALL {1}) UNION ALL ({1} EXCEPT ALL {0})) d",
                                        rows(direct), rows(fixture.dataset_))));
    CHECK(differing.get_int(0, 0) == 0);
  }
  const auto heads = must(
      connection->execute("SELECT DISTINCT head, feature_count FROM lienthong.dataset_head WHERE head > 0 ORDER BY 1"));
  REQUIRE(heads.rows() == 1);
  CHECK(heads.get_int(0, 0) == 4);
  CHECK(heads.get_int(0, 1) == 3);
}

TEST_CASE("effects are found again when the head moves before the lock is had") {
  StorageFixture fixture;
  REQUIRE_OK(fixture.publish({upsert("a", point_state(1, 1)), upsert("b", point_state(1, 1))}).status());
  auto other = must(fixture.pool_.acquire(std::chrono::seconds(10)));
  auto transaction = must(pg::Transaction::begin(*other));
  const int id = fixture.dataset_.id;
  must(other->execute_script(fmt::format("SELECT 1 FROM lienthong.dataset_head WHERE dataset_id = {} FOR UPDATE", id)));
  auto publishing = std::async(std::launch::async, [&] {
    return fixture.publish({upsert("a", point_state(2, 2)), {ChangeOp::kInsert, "b", point_state(1, 1), std::nullopt}});
  });
  auto watcher = must(fixture.pool_.acquire(std::chrono::seconds(10)));
  const auto waits = [&] {
    return must(watcher->execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                                 "wait_event_type = 'Lock'"))
               .get_int(0, 0) > 0;
  };
  REQUIRE(wait_until(waits));
  // Version 2, by hand: "a" has changed.
  must(other->execute_script(fmt::format(
      "UPDATE lienthong_data.feature_{0} SET version = 2, op = 'U' WHERE fid = 'a'; "
      "INSERT INTO lienthong_data.log_{0} (version, prev_version, size, op, fid) VALUES (2, 1, 0, 'U', 'a'); "
      "UPDATE lienthong.dataset_head SET head = 2 WHERE dataset_id = {0}",
      id)));
  REQUIRE_OK(transaction.commit());
  const auto receipt = must(publishing.get());
  CHECK(receipt.datasets.front().version == 3);
  CHECK(receipt.counts.updated == 1);
  CHECK(receipt.counts.unchanged == 1);
  const auto logged = must(watcher->execute(
      fmt::format("SELECT prev_version FROM lienthong_data.log_{} WHERE version = 3 AND fid = 'a'", id)));
  CHECK(logged.get_int(0, 0) == 2);
}

TEST_CASE("publishers of one dataset at the same time get dense versions and lose nothing") {
  StorageFixture f;
  constexpr int kPublishers = 4;
  constexpr int kCommits = 25;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int p = 0; p < kPublishers; ++p) {
    threads.emplace_back([&, p] {
      for (int c = 0; c < kCommits; ++c) {
        const std::string own = "p" + std::to_string(p) + "-" + std::to_string(c);
        const auto receipt = f.publish({upsert(own, point_state(c, p)), upsert("shared", point_state(c, p, own))});
        if (!receipt.ok()) ++failures;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(failures == 0);
  REQUIRE(f.head() == kPublishers * kCommits);
  REQUIRE(f.snapshot(f.head()).size() == kPublishers * kCommits + 1);
  std::set<std::int64_t> versions;
  for (const auto& entry : f.changes(0, f.head())) versions.insert(entry.version);
  REQUIRE(versions.size() == kPublishers * kCommits);
}

TEST_CASE("the same changeset sent twice at the same time has its effect once") {
  StorageFixture f;
  for (int round = 0; round < 10; ++round) {
    feature::ChangesetHeader header;
    header.changeset_id = "race-" + std::to_string(round);
    std::vector<absl::StatusOr<feature::Receipt>> receipts(2, absl::UnknownError(""));
    std::thread other([&] { receipts[0] = f.publish(header, {upsert("a", point_state(round, round + 1))}); });
    receipts[1] = f.publish(header, {upsert("a", point_state(round, round + 1))});
    other.join();
    REQUIRE(must(receipts[0]) == must(receipts[1]));
    REQUIRE(f.head() == round + 1);
  }
}

TEST_CASE("names of organisations and datasets are checked, and each is there once") {
  StorageFixture f;
  REQUIRE_ERROR(f.catalog_.create_organisation("Bộ", ""), absl::StatusCode::kInvalidArgument, "NAME_INVALID");
  REQUIRE_ERROR(f.catalog_.create_organisation("", ""), absl::StatusCode::kInvalidArgument, "NAME_INVALID");
  REQUIRE_OK(f.catalog_.create_organisation("province-51", "Quảng Ngãi"));
  REQUIRE_ERROR(f.catalog_.create_organisation("province-51", ""), absl::StatusCode::kAlreadyExists,
                "ORGANISATION_EXISTS");
  REQUIRE_ERROR(f.catalog_.create_dataset("test.points", "operator", "", points_schema()),
                absl::StatusCode::kAlreadyExists, "DATASET_EXISTS");
  REQUIRE_ERROR(f.catalog_.create_dataset("x", "nobody", "", points_schema()), absl::StatusCode::kNotFound,
                "ORGANISATION_UNKNOWN");
  REQUIRE_ERROR(f.catalog_.get_dataset("nothing"), absl::StatusCode::kNotFound, "DATASET_UNKNOWN");
  auto deprecated = points_schema();
  deprecated.crs = "EPSG:6957";
  REQUIRE_ERROR(f.catalog_.create_dataset("y", "operator", "", deprecated), absl::StatusCode::kInvalidArgument,
                "CRS_DEPRECATED");
}

}  // namespace
