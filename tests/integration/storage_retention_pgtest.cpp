// Compaction against publishes, readers, other compactions and interruptions.
#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "storage/retention.hpp"
#include "storage_support.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using storage::compact;

constexpr std::int64_t kManyBatches = 1000;

class RetentionFixture : public StorageFixture {
 public:
  /// Version v of features f0, f1, ...: all of them change.
  void update_all(int features, std::int64_t version) {
    std::vector<TestChange> list;
    for (int i = 0; i < features; ++i) list.push_back(upsert(id_of(i), point_state(i, version)));
    REQUIRE(must(publish(list)).datasets[0].version == version);
  }
  static std::string id_of(int i) { return fmt::format("f{:03}", i); }

  std::int64_t number(const std::string& sql) {
    auto connection = database_.connect();
    return must(connection.execute(sql)).get_int(0, 0);
  }
  std::string log() const { return fmt::format("lienthong_data.log_{}", dataset_.id); }
  std::int64_t log_rows() { return number("SELECT count(*) FROM " + log()); }
  std::int64_t horizon() { return must(catalog_.get_dataset(dataset_.name)).horizon; }
};

/// A session that holds a log row, so that a compaction which removes it waits.
class HeldRow {
 public:
  HeldRow(RetentionFixture& fixture, std::int64_t version, const std::string& id)
      : connection_(fixture.database_.connect()) {
    must(connection_.begin());
    const auto held =
        must(connection_.execute("SELECT 1 FROM " + fixture.log() + " WHERE version = $1 AND fid = $2 FOR UPDATE",
                                 pg::Params().add(version).add(id)));
    REQUIRE(held.rows() == 1);
  }
  void release() { must(connection_.rollback()); }

 private:
  pg::Connection connection_;
};

/// Waits until a compaction stands before a held row; gives the process id of its session.
int wait_for_blocked(RetentionFixture& fixture) {
  std::int64_t pid = 0;
  REQUIRE(wait_until([&] {
    pid = fixture.number(
        "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE '%batch AS MATERIALIZED%'");
    return pid != 0;
  }));
  return static_cast<int>(pid);
}

TEST_CASE("compaction keeps one row for each feature that exists at the horizon, and everything after") {
  RetentionFixture f;
  f.update_all(5, 1);
  must(f.publish({deletion("f000"), upsert("f001", point_state(7, 7))}));  // 2
  must(f.publish({upsert("f002", point_state(8, 8))}));                    // 3
  must(f.publish({upsert("f000", point_state(9, 9))}));                    // 4
  const auto before = f.diff(2, 4, true);
  const auto done = must(compact(f.pool_, f.dataset_.id, 2));
  CHECK(done.horizon == 2);
  CHECK(done.complete);
  CHECK(done.removed == 3);  // f000 and f001 of version 1, the delete of version 2
  CHECK(f.log_rows() == 4 + 2);
  CHECK(f.horizon() == 2);
  CHECK(f.diff(2, 4, true).size() == before.size());
  CHECK(f.snapshot(2).size() == 4);
  CHECK(f.number(fmt::format("SELECT prev_version FROM {} WHERE version = 4", f.log())) == 2);

  SECTION("again it does nothing") {
    const auto again = must(compact(f.pool_, f.dataset_.id, 2));
    CHECK(again.removed == 0);
    CHECK(again.horizon == 2);
  }
  SECTION("the horizon never moves back") {
    CHECK(must(compact(f.pool_, f.dataset_.id, 1)).horizon == 2);
    CHECK(must(compact(f.pool_, f.dataset_.id, 0)).horizon == 2);
    CHECK(f.horizon() == 2);
  }
  SECTION("to the head only the state now is left") {
    CHECK(must(compact(f.pool_, f.dataset_.id, 4)).removed == 1);
    CHECK(f.log_rows() == 5);
    CHECK(f.diff(0, 4).size() == 5);
  }
  SECTION("publishing goes on: a feature that was deleted before the horizon comes back") {
    must(compact(f.pool_, f.dataset_.id, 4));
    must(f.publish({deletion("f003")}));
    must(compact(f.pool_, f.dataset_.id, 5));
    CHECK(f.log_rows() == 4);
    must(f.publish({upsert("f003", point_state(1, 1))}));
    CHECK(f.number(fmt::format("SELECT prev_version FROM {} WHERE version = 6", f.log())) == 5);
    const auto entries = f.diff(5, 6);
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].op == feature::EntryOp::kInsert);
  }
}

TEST_CASE("an empty dataset compacts to version 0, and to no other") {
  RetentionFixture f;
  CHECK(must(compact(f.pool_, f.dataset_.id, 0)).removed == 0);
  for (const std::int64_t horizon : {-1, 1}) {
    const auto refused = compact(f.pool_, f.dataset_.id, horizon);
    CHECK(refused.status().code() == absl::StatusCode::kOutOfRange);
    CHECK(error_reason(refused.status()) == "VERSION_OUT_OF_RANGE");
  }
  f.update_all(1, 1);
  CHECK(error_reason(compact(f.pool_, f.dataset_.id, 2).status()) == "VERSION_OUT_OF_RANGE");
  CHECK(f.horizon() == 0);
}

TEST_CASE("a compaction that was interrupted after any batch is finished by the next") {
  RetentionFixture f;
  for (std::int64_t v = 1; v <= 4; ++v) f.update_all(5, v);
  for (int batches = 0; batches < 4; ++batches) {
    int left = batches;
    const auto part = must(compact(
        f.pool_, f.dataset_.id, 4, [&] { return left-- == 0; }, 4));
    CHECK_FALSE(part.complete);
    CHECK(f.horizon() == 4);
    CHECK(f.snapshot(4).size() == 5);
    CHECK(f.diff(0, 4).size() == 5);
  }
  CHECK(must(compact(f.pool_, f.dataset_.id, 0)).complete);
  CHECK(f.log_rows() == 5);
}

TEST_CASE("a compaction whose session is killed loses nothing and is finished by the next") {
  RetentionFixture f;
  for (std::int64_t v = 1; v <= 3; ++v) f.update_all(5, v);
  HeldRow held(f, 1, "f004");
  absl::Status status;
  std::thread compacting([&] { status = compact(f.pool_, f.dataset_.id, 3, {}, 3).status(); });
  const int pid = wait_for_blocked(f);
  f.number(fmt::format("SELECT pg_terminate_backend({})::int", pid));
  compacting.join();
  CHECK_FALSE(status.ok());
  held.release();
  CHECK(f.horizon() == 3);
  CHECK(f.snapshot(3).size() == 5);
  CHECK(must(compact(f.pool_, f.dataset_.id, 3)).complete);
  CHECK(f.log_rows() == 5);
  CHECK(f.snapshot(3).size() == 5);
}

TEST_CASE("a publish and readers do not wait for a compaction that stands still in the middle") {
  RetentionFixture f;
  for (std::int64_t v = 1; v <= 3; ++v) f.update_all(5, v);
  HeldRow held(f, 1, "f004");
  absl::StatusOr<storage::Compaction> done;
  std::thread compacting([&] { done = compact(f.pool_, f.dataset_.id, 3, {}, 3); });
  wait_for_blocked(f);
  f.update_all(6, 4);
  CHECK(f.snapshot(3).size() == 5);
  CHECK(f.snapshot(4).size() == 6);
  CHECK(f.diff(3, 4).size() == 6);
  held.release();
  compacting.join();
  CHECK(must(done).complete);
  CHECK(f.log_rows() == 5 + 6);
}

TEST_CASE("two compactions at once share the work") {
  RetentionFixture f;
  for (std::int64_t v = 1; v <= 6; ++v) f.update_all(20, v);
  std::vector<storage::Compaction> done(2);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < done.size(); ++i) {
      threads.emplace_back([&, i] { done[i] = must(compact(f.pool_, f.dataset_.id, i == 0 ? 6 : 4, {}, 7)); });
    }
  }
  CHECK(done[0].removed + done[1].removed == 5 * 20);
  CHECK(f.horizon() == 6);
  CHECK(f.log_rows() == 20);
}

TEST_CASE("a reading whose history is compacted between two pages says so, and is never wrong") {
  RetentionFixture f;
  for (std::int64_t v = 1; v <= 3; ++v) f.update_all(40, v);
  const storage::PageLimits small{1, 1};
  const int dataset = f.dataset_.id;
  const auto interrupted = [&](std::unique_ptr<storage::PageReader> reader) {
    std::vector<feature::Entry> entries;
    REQUIRE(must(reader->next(entries)));
    must(compact(f.pool_, dataset, 3));
    for (;;) {
      const auto more = reader->next(entries);
      if (!more.ok()) return more.status();
      if (!*more) return absl::OkStatus();
    }
  };
  absl::Status status;
  SECTION("a snapshot") { status = interrupted(storage::read_snapshot(f.pool_, dataset, 2, small)); }
  SECTION("a diff") { status = interrupted(storage::read_diff(f.pool_, dataset, 1, 3, false, small)); }
  SECTION("a diff from nothing to before the horizon") {
    status = interrupted(storage::read_diff(f.pool_, dataset, 0, 2, false, small));
  }
  SECTION("changes") { status = interrupted(storage::read_changes(f.pool_, dataset, 0, 3, small)); }
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(error_reason(status) == "HISTORY_COMPACTED");
}

TEST_CASE("readings that need nothing before the horizon go on over a compaction") {
  RetentionFixture f;
  for (std::int64_t v = 1; v <= 3; ++v) f.update_all(40, v);
  const storage::PageLimits small{1, 1};
  const auto over_compaction = [&](std::unique_ptr<storage::PageReader> reader) {
    std::vector<feature::Entry> entries;
    REQUIRE(must(reader->next(entries)));
    must(compact(f.pool_, f.dataset_.id, 2));
    while (must(reader->next(entries))) {
    }
    return entries.size();
  };
  SECTION("a snapshot") { CHECK(over_compaction(storage::read_snapshot(f.pool_, f.dataset_.id, 2, small)) == 40); }
  SECTION("a diff") { CHECK(over_compaction(storage::read_diff(f.pool_, f.dataset_.id, 2, 3, true, small)) == 40); }
  SECTION("a diff from nothing") {
    CHECK(over_compaction(storage::read_diff(f.pool_, f.dataset_.id, 0, 2, false, small)) == 40);
  }
  SECTION("changes") { CHECK(over_compaction(storage::read_changes(f.pool_, f.dataset_.id, 2, 3, small)) == 40); }
}

TEST_CASE("publishers, compactions to the head and readers at the same time: each reading is exact or refused") {
  RetentionFixture f;
  constexpr int kFeatures = 30;
  constexpr std::int64_t kHead = 25;
  f.update_all(kFeatures, 1);
  std::atomic<bool> over = false;
  std::atomic<int> exact = 0;
  std::vector<std::string> wrong(3);  // of each reader; the compactor's last
  // In version v every feature has v lanes, except that f(v mod n) does not exist.
  const auto check = [&](const std::vector<feature::Entry>& entries, std::int64_t version) {
    if (entries.size() != static_cast<std::size_t>(version == 1 ? kFeatures : kFeatures - 1)) return false;
    return std::all_of(entries.begin(), entries.end(), [&](const auto& entry) {
      return must(feature::decode_record(entry.record)).state.properties.at(2) == feature::Value(version);
    });
  };
  const auto read = [&](std::unique_ptr<storage::PageReader> reader, std::int64_t version, std::string& problem) {
    std::vector<feature::Entry> entries;
    for (bool more = true; more;) {
      const auto next = reader->next(entries);
      if (error_reason(next.status()) == "HISTORY_COMPACTED") return;
      more = must(next);
    }
    ++exact;
    if (!check(entries, version)) problem = fmt::format("version {}: {} entries", version, entries.size());
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t reader = 0; reader < 2; ++reader) {
      threads.emplace_back([&, reader] {
        while (!over && wrong[reader].empty()) {
          const std::int64_t version = f.head();
          const storage::PageLimits small{200, 7};
          if (reader == 0) read(storage::read_snapshot(f.pool_, f.dataset_.id, version, small), version, wrong[0]);
          if (reader == 1)
            read(storage::read_diff(f.pool_, f.dataset_.id, 0, version, false, small), version, wrong[1]);
        }
      });
    }
    threads.emplace_back([&] {
      while (!over) {
        const auto done = compact(f.pool_, f.dataset_.id, f.head(), {}, 11);
        if (!done.ok()) wrong[2] = done.status().ToString();
      }
    });
    for (std::int64_t v = 2; v <= kHead; ++v) {
      std::vector<TestChange> list;
      const auto absent = static_cast<int>(v % kFeatures);
      for (int i = 0; i < kFeatures; ++i) {
        if (i != absent) list.push_back(upsert(RetentionFixture::id_of(i), point_state(i, v)));
      }
      must(f.publish_snapshot(list));
    }
    over = true;
  }
  for (const auto& problem : wrong) CHECK(problem.empty());
  CHECK(exact > 0);
  must(compact(f.pool_, f.dataset_.id, f.head()));
  CHECK(f.log_rows() == kFeatures - 1);
}

TEST_CASE("a publish that was prepared before others were compacted sees what they changed") {
  RetentionFixture f;
  f.update_all(2, 1);
  // While the head is locked another publish prepares; then versions 2 and 3 come and are compacted, all at once.
  auto other = f.database_.connect();
  must(other.begin());
  must(other.execute(
      fmt::format("SELECT 1 FROM lienthong.dataset_head WHERE dataset_id = {} FOR UPDATE", f.dataset_.id)));
  absl::StatusOr<feature::Receipt> receipt;
  std::thread publishing([&] {
    receipt = f.publish({upsert("f000", point_state(5, 5)), upsert("f002", point_state(5, 5))});
  });
  REQUIRE(wait_until([&] {
    return f.number(
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
               " AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'") > 0;
  }));
  const std::string n = std::to_string(f.dataset_.id);
  must(other.execute_script(
      "DELETE FROM lienthong_data.feature_" + n +
      " WHERE fid = 'f000';"
      "INSERT INTO lienthong_data.gone_" +
      n +
      " VALUES ('f000', 3), ('f002', 3);"
      "DELETE FROM lienthong_data.log_" +
      n +
      " WHERE fid = 'f000';"
      "UPDATE lienthong.dataset_head SET head = 3, horizon = 3, feature_count = 1 WHERE dataset_id = " +
      n));
  must(other.commit());
  publishing.join();
  REQUIRE(receipt.ok());
  CHECK(receipt->datasets[0].version == 4);
  CHECK(receipt->counts.inserted == 2);
  CHECK(f.number(fmt::format("SELECT min(prev_version) FROM {} WHERE version = 4", f.log())) == 3);
  CHECK(f.number("SELECT count(*) FROM lienthong_data.gone_" + n) == 0);
  CHECK(f.snapshot(4).size() == 3);
}

TEST_CASE("the version older than an age is the last one committed before") {
  RetentionFixture f;
  using std::chrono::hours;
  const auto older_than = [&](std::chrono::milliseconds age) {
    return must(storage::version_older_than(f.pool_, f.dataset_.id, age)).value_or(0);
  };
  CHECK(older_than(hours(0)) == 0);
  for (std::int64_t v = 1; v <= 3; ++v) f.update_all(1, v);
  auto connection = f.database_.connect();
  must(connection.execute(
      "UPDATE lienthong.dataset_version SET committed_at = committed_at - (4 - version) * interval '1 day'"));
  CHECK(older_than(hours(0)) == 3);
  CHECK(older_than(hours(23)) == 3);
  CHECK(older_than(hours(25)) == 2);
  CHECK(older_than(hours(71)) == 1);
  CHECK(older_than(hours(73)) == 0);
}

}  // namespace
