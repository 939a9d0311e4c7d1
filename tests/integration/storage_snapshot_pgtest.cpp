// Snapshots of which most is as stored: it is staged without its state, and everything ends as if it were not.
#include <functional>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "storage_support.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using feature::ChangeOp;

constexpr int kFeatures = 30;
constexpr const char* kScope =
    "POLYGON ((499990 1999990, 500100 1999990, 500100 2000010, 499990 2000010, 499990 1999990))";

std::string id_of(int i) { return "f" + std::to_string(100 + i); }
TestChange as_stored(int i) { return upsert(id_of(i), point_state(i, 1)); }

std::vector<TestChange> all_as_stored(int first = 0) {
  std::vector<TestChange> all;
  for (int i = first; i < kFeatures; ++i) all.push_back(as_stored(i));
  return all;
}

class SnapshotFixture : public StorageFixture {
 public:
  explicit SnapshotFixture(bool compare) : compare_(compare) {
    must(publish_snapshot(all_as_stored()));
    dataset_ = must(catalog_.get_dataset(dataset_.name));
    header_.dataset = dataset_.name;
    header_.kind = feature::ChangesetKind::kSnapshot;
    header_.changeset_id = "snapshot";
    header_.allow_mass_delete = true;
    limits_.memory_bytes = 0;
    limits_.piece_bytes = 0;
  }

  void start(const std::string& attempt = "attempt") {
    auto options = staging_options(attempt);
    options.compare = compare_;
    staged_ = std::make_unique<storage::StagedChangeset>(pool_, *owner_, options);
    request_.attempt_id = attempt;
  }
  /// A batch of its own, staged when this returns. What is first in a table is not compared.
  void stage(const std::vector<TestChange>& changes) {
    if (staged_->parts().empty()) staged_->add_dataset(dataset_, 5897);
    for (const auto& change : changes) {
      feature::Change one{++sequence_, change.op, change.id, change.base_version, {}, {}};
      one.record = feature::encode_record(1, *change.state);
      const bool outside = request_.scope && !must(storage::ScopeTest(*request_.scope).contains(*change.state));
      staged_->add(0, one, &*change.state, feature::change_hash(dataset_.name, one),
                   outside ? storage::StagedKind::kOutside : storage::StagedKind::kChange);
    }
    must(staged_->end_batch(++batch_, 0));
    must(staged_->settle());
  }
  void stage_all(const std::vector<TestChange>& changes) {
    start();
    stage({changes.front()});
    stage({changes.begin() + 1, changes.end()});
  }
  absl::StatusOr<feature::Receipt> commit() {
    const auto sealed = must(staged_->seal(header_));
    request_.organisation = "operator";
    request_.header = header_;
    request_.content = sealed.content;
    request_.duplicates = sealed.duplicate_count;
    auto receipt = storage::publish(pool_, request_, *staged_, report_);
    staged_.reset();
    return receipt;
  }

  std::int64_t number(const std::string& sql) {
    return must(database_.connect().execute(sql)).get_optional_int(0, 0).value_or(0);
  }
  std::string tables(const std::string& suffix) {
    const auto found = must(database_.connect().execute(
        "SELECT format('lienthong_staging.%I', tablename) FROM pg_tables WHERE schemaname = 'lienthong_staging'"
        " AND tablename LIKE 'staged%" +
        suffix + "'"));
    return found.rows() == 1 ? std::string(found.get_text(0, 0)) : std::string();
  }
  std::int64_t narrow() {
    const std::string table = tables("same");
    return table.empty() ? 0 : number("SELECT count(*) FROM " + table);
  }

  bool compare_;
  feature::ChangesetHeader header_;
  storage::PublishRequest request_;
  storage::PublishReport report_;
  std::unique_ptr<storage::StagedChangeset> staged_;
  std::int64_t sequence_ = 0, batch_ = 0;
};

// All that a publish leaves: its error or receipt, the state of the dataset, what is in the quarantine.
using Outcome = std::tuple<std::string, std::vector<std::int64_t>, std::string, std::vector<std::string>>;

Outcome outcome_of(SnapshotFixture& f, const absl::StatusOr<feature::Receipt>& receipt) {
  std::vector<std::int64_t> counts;
  std::string content;
  if (receipt.ok()) {
    const auto& c = receipt->counts;
    counts = {c.inserted, c.updated, c.deleted, c.unchanged, c.quarantined, c.skipped, c.collapsed, receipt->changed};
    content = receipt->content_sha256;
  }
  std::vector<std::string> state;
  for (const auto& entry : f.snapshot(f.head())) {
    state.push_back(entry.id + " " + std::to_string(entry.version) + " " + to_hex(entry.record));
  }
  const std::string n = std::to_string(f.dataset_.id);
  for (const std::string& sql :
       {std::string("SELECT format('%s %s %s', fid, state, encode(payload, 'hex')) FROM lienthong.quarantine ORDER BY "
                    "fid, sequence"),
        "SELECT format('%s %s %s %s', fid, version, op, props->>'2') FROM lienthong_data.feature_" + n +
            " ORDER BY fid",
        "SELECT format('%s %s %s %s', fid, version, op, encode(payload, 'hex')) FROM lienthong_data.log_" + n +
            " ORDER BY version, fid"}) {
    const auto rows = must(f.database_.connect().execute(sql));
    for (int r = 0; r < rows.rows(); ++r) state.emplace_back(rows.get_text(r, 0));
  }
  return {error_reason(receipt.status()), counts, content, state};
}

// The same with and without comparing. @return the outcome, and how many changes were staged without their state.
std::pair<Outcome, std::int64_t> both_ways(const std::function<absl::StatusOr<feature::Receipt>(SnapshotFixture&)>& run,
                                           const std::function<std::int64_t(SnapshotFixture&)>& narrow = {}) {
  SnapshotFixture plain(false);
  const Outcome expected = outcome_of(plain, run(plain));
  SnapshotFixture compared(true);
  std::int64_t seen = 0;
  const auto receipt = run(compared);
  if (narrow) seen = narrow(compared);
  const Outcome found = outcome_of(compared, receipt);
  CHECK(found == expected);
  CHECK(compared.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'lienthong_staging' AND tablename LIKE "
                        "'staged%'") == 0);
  return {found, seen};
}

// Some deleted, some changed, some new.
std::vector<TestChange> edited() {
  auto all = all_as_stored(2);
  all[3] = upsert(id_of(5), point_state(5, 9));
  all[4] = upsert(id_of(6), point_state(600, 1));
  all.push_back(upsert("new", point_state(7, 7)));
  return all;
}

TEST_CASE("what is as stored is staged without its state, and the rest whole") {
  SnapshotFixture f(true);
  f.stage_all(edited());
  CHECK(f.narrow() == kFeatures - 2 - 1 - 2);  // without the two deleted, the first, the two changed
  const auto receipt = must(f.commit());
  CHECK(receipt.counts.unchanged == kFeatures - 2 - 2);
  CHECK(receipt.counts.updated == 2);
  CHECK(receipt.counts.inserted == 1);
  CHECK(receipt.counts.deleted == 2);
}

TEST_CASE("a compared snapshot ends as one that is not: edits, nothing new, dry run, everything gone") {
  const auto run = GENERATE(0, 1, 2, 3);
  const auto [outcome, narrow] = both_ways([&](SnapshotFixture& f) {
    f.header_.dry_run = run == 2;
    auto changes = run == 1 ? all_as_stored() : edited();
    if (run == 3) changes.resize(3);
    f.stage_all(changes);
    return f.commit();
  });
  CHECK(std::get<0>(outcome).empty());
}

TEST_CASE("too many deletes of a compared snapshot are refused") {
  const auto [outcome, narrow] = both_ways([](SnapshotFixture& f) {
    f.header_.allow_mass_delete = false;
    f.stage_all(all_as_stored(11));
    return f.commit();
  });
  CHECK(std::get<0>(outcome) == "MASS_DELETE");
}

TEST_CASE("repeats in a compared snapshot are collapsed, or all quarantined with their records") {
  const bool collapse = GENERATE(true, false);
  const auto [outcome, narrow] = both_ways([&](SnapshotFixture& f) {
    f.header_.collapse_repeated = collapse;
    f.header_.on_invalid = feature::InvalidPolicy::kQuarantine;
    f.request_.findings = collapse ? 0 : 1;
    auto changes = all_as_stored();
    changes.push_back(as_stored(3));                                           // stored twice
    changes.push_back(upsert(id_of(4), point_state(4, 8)));                    // stored, then changed
    changes.insert(changes.begin() + 6, upsert(id_of(9), point_state(9, 8)));  // changed, then stored
    f.stage_all(changes);
    return f.commit();
  });
  CHECK(std::get<0>(outcome).empty());
  CHECK(std::get<1>(outcome).at(collapse ? 6 : 4) == (collapse ? 3 : 6));
}

TEST_CASE("a compared snapshot of a scope deletes and refuses only what it should") {
  const auto conflicts = GENERATE(feature::ConflictPolicy::kReject, feature::ConflictPolicy::kSkipAndList);
  const std::string way = GENERATE("area", "filter", "both");
  const feature::Schema schema = points_schema();
  const auto [outcome, narrow] = both_ways([&](SnapshotFixture& f) {
    std::vector<TestChange> more;  // outside
    for (int i = 0; i < 3; ++i) more.push_back(upsert("o" + std::to_string(i), point_state(200 + i, 1)));
    must(f.publish(more));
    f.dataset_ = must(f.catalog_.get_dataset(f.dataset_.name));
    auto& part = f.request_.scope.emplace();
    if (way != "filter") part.area = must(geo::parse_wkt(kScope));
    if (way == "filter")
      part.filter = must(feature::Filter::parse(fmt::format("S_WITHIN(geometry, {})", kScope), schema));
    if (way == "both") part.filter = must(feature::Filter::parse("lanes + 0 > 0 OR lanes IS NULL", schema));
    f.header_.scope_wkt = "scope";
    f.header_.on_conflict = conflicts;
    auto changes = edited();
    changes.push_back(more[0]);                           // outside as stored: unchanged
    changes.push_back(upsert("o1", point_state(50, 1)));  // moves into it
    if (conflicts == feature::ConflictPolicy::kSkipAndList) {
      changes.push_back(upsert("o2", point_state(203, 2)));  // outside, as sent and as stored
    }
    f.stage_all(changes);
    return f.commit();
  });
  CHECK(std::get<0>(outcome).empty());
  CHECK(std::get<1>(outcome).at(2) == 2);
}

// What others do while the snapshot is on its way: change, delete, change back, delete and create again, create.
void interfere(SnapshotFixture& f) {
  must(f.publish({upsert(id_of(10), point_state(10, 5)), deletion(id_of(11)), upsert(id_of(12), point_state(12, 5)),
                  deletion(id_of(13)), upsert("foreign", point_state(3, 3)), deletion(id_of(0))}));
  must(f.publish({as_stored(12), as_stored(13)}));
}

TEST_CASE("what changed after it was staged as stored gets its state back from the log") {
  const auto kind = GENERATE(0, 1, 2);  // unchecked, with base_version, with base_version and skipping
  const auto [outcome, narrow] = both_ways([&](SnapshotFixture& f) {
    if (kind > 0) f.header_.base_version = 1;
    if (kind == 2) f.header_.on_conflict = feature::ConflictPolicy::kSkipAndList;
    f.stage_all(edited());
    interfere(f);
    return f.commit();
  });
  CHECK(std::get<0>(outcome) == (kind == 1 ? "VERSION_CONFLICT" : ""));
  if (kind == 0) CHECK(std::get<1>(outcome) == std::vector<std::int64_t>{2, 3, 2, 24, 0, 0, 0, 1});
}

TEST_CASE("what changes between the preparation and the lock is seen too") {
  const auto [outcome, narrow] = both_ways([](SnapshotFixture& f) {
    f.stage_all(edited());
    auto other = f.database_.connect();
    must(other.begin());
    must(other.execute("SELECT 1 FROM lienthong.dataset_head FOR UPDATE"));
    // First in the queue for the lock, so that the snapshot prepares and then waits behind them.
    const auto waiting = [&](std::int64_t n) {
      REQUIRE(wait_until([&] {
        return f.number(
                   "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                   "wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'") >= n;
      }));
    };
    std::thread others([&] {
      must(f.publish({upsert(id_of(10), point_state(10, 5)), deletion(id_of(11)), upsert("foreign", point_state(3, 3)),
                      deletion(id_of(0))}));
    });
    waiting(1);
    absl::StatusOr<feature::Receipt> receipt;
    std::thread publishing([&] { receipt = f.commit(); });
    waiting(2);
    must(other.commit());
    others.join();
    publishing.join();
    return receipt;
  });
  CHECK(std::get<0>(outcome).empty());
  CHECK(std::get<1>(outcome).at(2) == 2);  // the other one, and what the others made
}

TEST_CASE("a state that is compacted since cannot come back: the snapshot is to be sent again") {
  SnapshotFixture f(true);
  f.stage_all(edited());
  must(f.publish({upsert(id_of(10), point_state(10, 5))}));
  const std::string n = std::to_string(f.dataset_.id);
  const bool gone = GENERATE(true, false);
  if (gone)
    must(f.database_.connect().execute("DELETE FROM lienthong_data.log_" + n + " WHERE version = 1 AND fid = 'f110'"));
  must(f.database_.connect().execute("UPDATE lienthong.dataset_head SET horizon = 2 WHERE dataset_id = " + n));
  const auto receipt = f.commit();
  if (!gone) {
    REQUIRE(receipt.ok());
    CHECK(receipt->counts.updated == 3);
    return;
  }
  REQUIRE_ERROR(receipt, absl::StatusCode::kAborted, "SNAPSHOT_OVERTAKEN");
  CHECK(error_detail(receipt.status())->metadata["feature_id"] == "f110");
  CHECK(f.head() == 2);
  f.start("again");
  f.dataset_ = must(f.catalog_.get_dataset(f.dataset_.name));
  f.stage({as_stored(2)});
  f.sequence_ = 1;
  const auto rest = edited();
  f.stage({rest.begin() + 1, rest.end()});
  CHECK(must(f.commit()).counts.updated == 3);
}

TEST_CASE("what waits in the quarantine is superseded by what is as stored") {
  const auto [outcome, narrow] = both_ways([](SnapshotFixture& f) {
    must(f.database_.connect().execute(
        "INSERT INTO lienthong.quarantine (dataset_id, fid, attempt_id, organisation_id, sequence, op, form, payload, "
        "found_version, findings, quarantined_at) SELECT " +
        std::to_string(f.dataset_.id) +
        ", fid, 'x', o.id, 1, 'P', 'R', '', 1, '[]', now() FROM lienthong.organisation o, "
        "unnest(array['f105', 'f110', 'f101', 'never']) fid WHERE o.name = 'operator'"));
    f.stage_all(edited());
    return f.commit();
  });
  const auto& state = std::get<3>(outcome);
  for (const char* id : {"f105 S ", "f110 S ", "f101 S ", "never H "}) {
    CHECK(std::find(state.begin(), state.end(), id) != state.end());
  }
}

TEST_CASE("an upload that broke off goes on comparing, from the head that it began with") {
  SnapshotFixture f(true);
  const auto changes = edited();
  f.start();
  f.stage({changes.begin(), changes.begin() + 1});
  f.stage({changes.begin() + 1, changes.begin() + 15});
  REQUIRE(f.narrow() == 12);
  REQUIRE(f.staged_->suspend());
  interfere(f);
  f.start();
  REQUIRE(must(f.staged_->adopt()).sequence == 2);
  f.dataset_ = must(f.catalog_.get_dataset(f.dataset_.name));
  f.stage({changes.begin() + 15, changes.end()});
  CHECK(f.narrow() == 12 + 13);
  const auto receipt = must(f.commit());
  CHECK(receipt.counts.updated == 3);
  CHECK(receipt.counts.inserted == 2);
  CHECK(receipt.counts.deleted == 2);
  CHECK(receipt.counts.unchanged == 24);
}

TEST_CASE("a snapshot in which most is new is not compared any further") {
  SnapshotFixture f(true);
  f.start();
  f.stage({as_stored(0)});
  std::vector<TestChange> changed;
  for (int i = 1; i < 9; ++i) changed.push_back(upsert(id_of(i), point_state(i, 2)));
  changed.push_back(as_stored(9));
  f.stage(changed);
  CHECK(f.narrow() == 1);
  f.stage({as_stored(10), as_stored(11)});
  CHECK(f.narrow() == 1);
  const auto receipt = must(f.commit());
  CHECK(receipt.counts.unchanged == 4);
  CHECK(receipt.counts.updated == 8);
}

TEST_CASE("a change that expects a version, or has findings, is staged whole") {
  SnapshotFixture f(true);
  f.start();
  f.stage({as_stored(0)});
  auto expecting = as_stored(1);
  expecting.base_version = 99;
  f.stage({expecting, as_stored(2)});
  CHECK(f.narrow() == 1);
  REQUIRE_ERROR(f.commit(), absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE");
}

}  // namespace
