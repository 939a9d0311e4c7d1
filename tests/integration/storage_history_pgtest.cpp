// Invariant 5, replay: random histories, compacted at random, against a model in memory that knows nothing of SQL. A
// history that fails is run again with fewer versions and ids until it is as small as it gets.
#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "storage/retention.hpp"
#include "storage_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using feature::ChangeOp;
using feature::EntryOp;
using Features = std::map<std::string, std::string>;  // id to record

/// What makes a history: the same seed with fewer versions begins in the same way.
struct Sizes {
  unsigned seed;
  int versions = 200;
  int ids = 40;
};

// Not REQUIRE: a failure is caught, to look for a smaller one.
template <typename... Args>
void expect(bool holds, fmt::format_string<Args...> what, Args&&... args) {
  if (!holds) throw std::runtime_error(fmt::format(what, std::forward<Args>(args)...));
}

// What one changeset should do to `state`, by the words of the data model; nothing when it must be refused.
struct Model {
  std::vector<Features> versions{{}};                       // state at each version
  std::map<std::string, std::int64_t> touched;              // version of the last change of each id, deletes too
  std::vector<std::map<std::string, EntryOp>> changes{{}};  // what each version changed
  std::int64_t horizon = 0;

  std::int64_t head() const { return static_cast<std::int64_t>(versions.size()) - 1; }
  const Features& at(std::int64_t version) const { return versions[static_cast<std::size_t>(version)]; }

  std::optional<std::map<std::string, EntryOp>> effects(const std::vector<TestChange>& list) const {
    const Features& now = versions.back();
    std::map<std::string, EntryOp> result;
    for (const auto& change : list) {
      const auto found = now.find(change.id);
      const bool exists = found != now.end();
      if (change.op == ChangeOp::kDelete) {
        if (!exists) continue;
      } else if (exists && found->second.substr(4) == record(change).substr(4)) {
        continue;
      }
      if (change.base_version) {
        const auto last = touched.contains(change.id) ? touched.at(change.id) : 0;
        if (*change.base_version == 0 ? exists : last > *change.base_version) return std::nullopt;
      }
      if (change.op == ChangeOp::kInsert && exists) return std::nullopt;
      if (change.op == ChangeOp::kUpdate && !exists) return std::nullopt;
      result[change.id] = change.op == ChangeOp::kDelete ? EntryOp::kDelete
                          : exists                       ? EntryOp::kUpdate
                                                         : EntryOp::kInsert;
    }
    return result;
  }

  static std::string record(const TestChange& change) { return feature::encode_record(1, *change.state); }

  void apply(const std::vector<TestChange>& list, const std::map<std::string, EntryOp>& effect) {
    Features next = versions.back();
    const auto version = static_cast<std::int64_t>(versions.size());
    for (const auto& change : list) {
      if (effect.contains(change.id) && change.op != ChangeOp::kDelete) next[change.id] = record(change);
    }
    for (const auto& [id, op] : effect) {
      if (op == EntryOp::kDelete) next.erase(id);
      touched[id] = version;
    }
    versions.push_back(std::move(next));
    changes.push_back(effect);
  }
};

class History {
 public:
  explicit History(const Sizes& sizes) : random_(sizes.seed), ids_(sizes.ids) {}

  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  feature::State state() {
    const auto x = pick(5) == 0 ? std::optional<int>() : pick(3);  // one in five has no geometry
    return point_state(x, pick(3), pick(2) == 0 ? "Hà Nội" : "Huế");
  }

  std::string id() { return fmt::format("f{:02}", pick(ids_)); }

  std::vector<TestChange> changes(const Model& model) {
    std::vector<TestChange> list;
    std::set<std::string> used;
    const auto head = static_cast<int>(model.head());
    for (int n = 1 + pick(8); n > 0; --n) {
      TestChange change{ChangeOp::kUpsert, id(), std::nullopt, std::nullopt};
      if (!used.insert(change.id).second) continue;
      const bool exists = model.versions.back().contains(change.id);
      const int kind = pick(20);
      change.op = kind < 9     ? ChangeOp::kUpsert
                  : kind < 14  ? ChangeOp::kDelete
                  : kind == 19 ? (exists ? ChangeOp::kInsert : ChangeOp::kUpdate)  // mostly refused
                               : (exists ? ChangeOp::kUpdate : ChangeOp::kInsert);
      if (change.op != ChangeOp::kDelete) change.state = state();
      if (pick(12) == 0) change.base_version = pick(head + 1);
      list.push_back(std::move(change));
    }
    return list;
  }

  // A whole export: most of what there is, some changed, some gone, some new.
  std::vector<TestChange> export_of(const Model& model) {
    std::vector<TestChange> list;
    for (const auto& [id, record] : model.versions.back()) {
      if (pick(8) == 0) continue;
      list.push_back(upsert(id, pick(6) == 0 ? state() : feature::decode_record(record)->state));
    }
    for (int n = pick(4); n > 0; --n) {
      const std::string fresh = id();
      const bool there = std::any_of(list.begin(), list.end(), [&](const auto& c) { return c.id == fresh; });
      if (!there) list.push_back(upsert(fresh, state()));
    }
    return list;
  }

 private:
  std::mt19937 random_;
  int ids_;
};

Features replay(Features base, const std::vector<feature::Entry>& entries) {
  for (const auto& entry : entries) {
    if (entry.op == EntryOp::kDelete) {
      expect(base.erase(entry.id) == 1, "{} is deleted but was not there", entry.id);
    } else {
      expect(base.contains(entry.id) == (entry.op == EntryOp::kUpdate), "{}: {} does not fit what was there", entry.id,
             feature::to_string(entry.op));
      base[entry.id] = entry.record;
    }
  }
  return base;
}

Features features_of(const std::vector<feature::Entry>& entries) {
  Features result;
  for (const auto& entry : entries) expect(result.emplace(entry.id, entry.record).second, "{} twice", entry.id);
  return result;
}

using Entries = std::vector<feature::Entry>;
/// Opens a reading that goes on after a position.
using Open = std::function<std::unique_ptr<storage::PageReader>(storage::Position after)>;

bool same_entry(const feature::Entry& a, const feature::Entry& b) {
  return std::tie(a.op, a.id, a.version, a.record, a.before) == std::tie(b.op, b.id, b.version, b.record, b.before);
}

absl::StatusOr<Entries> read_from(const Open& open, storage::Position after = {}) {
  Entries entries;
  const auto reader = open(std::move(after));
  for (bool more = true; more;) {
    LT_ASSIGN_OR_RETURN(more, reader->next(entries));
  }
  return entries;
}

/// The entries, after all ways to resume have been tried; nothing when history is compacted, and should be.
std::optional<Entries> read_checked(const Open& open, bool readable, const Model& model, const std::string& what) {
  const auto entries = read_from(open);
  if (!readable) {
    expect(error_reason(entries.status()) == "HISTORY_COMPACTED", "{} with horizon {} gives {}", what, model.horizon,
           entries.status().ToString());
    const auto metadata = error_detail(entries.status())->metadata;
    expect(metadata.at("horizon") == std::to_string(model.horizon), "{} names another horizon", what);
    return std::nullopt;
  }
  expect(entries.ok(), "{} with horizon {} gives {}", what, model.horizon, entries.status().ToString());
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const auto rest = must(read_from(open, {(*entries)[i].version, (*entries)[i].id}));
    const bool same = std::equal(rest.begin(), rest.end(), entries->begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                 entries->end(), same_entry);
    expect(same, "{} resumed after {} gives other entries", what, (*entries)[i].id);
  }
  return *entries;
}

/// Reads at random and compares with the model.
class Reader {
 public:
  Reader(StorageFixture& fixture, const Model& model, unsigned seed)
      : fixture_(fixture), model_(model), random_(seed) {}

  void check_some(int times) {
    for (int n = 0; n < times; ++n) {
      check_diff(pick_pair());
      check_changes(pick_pair());
      check_snapshot(pick(model_.head() + 1));
      check_feature(fmt::format("f{:02}", pick(40)), pick(model_.head() + 1));
    }
  }
  void check_all() {
    const std::int64_t head = model_.head();
    for (std::int64_t v = 0; v <= head; v += 7) check_snapshot(v);
    check_snapshot(head);
    check_diff({0, head});
    check_changes({0, head});
    check_changes({model_.horizon, head});
    check_chain();
  }

 private:
  using Pair = std::pair<std::int64_t, std::int64_t>;
  std::int64_t pick(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<unsigned>(n)); }
  Pair pick_pair() {
    const std::int64_t a = pick(4) == 0 ? 0 : pick(model_.head() + 1);
    return {a, a + pick(model_.head() - a + 1)};
  }
  storage::PageLimits limits() { return pick(2) == 0 ? storage::PageLimits{300, 5} : storage::PageLimits{}; }
  int dataset() const { return fixture_.dataset_.id; }

  std::optional<Entries> diff(Pair range) {
    const auto [a, b] = range;
    const auto page = limits();
    const bool readable = a == 0 ? b >= model_.horizon : a >= model_.horizon;
    return read_checked(
        [&, from = a, to = b](storage::Position after) {
          return storage::read_diff(fixture_.pool_, dataset(), from, to, true, page, std::move(after));
        },
        readable, model_, fmt::format("diff ({}, {}]", a, b));
  }

  void check_diff(Pair range) {
    const auto [a, b] = range;
    const auto entries = diff(range);
    if (!entries) return;
    const Features& from = model_.at(a);
    const Features& to = model_.at(b);
    const auto record_in = [](const Features& features, const std::string& id) {
      const auto found = features.find(id);
      return found == features.end() ? std::string() : found->second;
    };
    std::set<std::string> seen;
    for (const auto& entry : *entries) {
      // Never an entry without a difference, and the state before is the one at a.
      const bool exact = seen.insert(entry.id).second && record_in(from, entry.id) == entry.before &&
                         record_in(to, entry.id) == entry.record && entry.before != entry.record && entry.version > a &&
                         entry.version <= b;
      expect(exact, "diff ({}, {}] has a wrong entry of {}", a, b, entry.id);
    }
    expect(replay(from, *entries) == to, "diff ({}, {}] does not lead there", a, b);
  }

  void check_changes(Pair range) {
    const auto [a, b] = range;
    const auto page = limits();
    const auto entries = read_checked(
        [&, from = a, to = b](storage::Position after) {
          return storage::read_changes(fixture_.pool_, dataset(), from, to, page, std::move(after));
        },
        a >= model_.horizon, model_, fmt::format("changes ({}, {}]", a, b));
    if (!entries) return;
    std::vector<std::map<std::string, EntryOp>> seen(model_.changes.begin(), model_.changes.begin() + a + 1);
    seen.resize(static_cast<std::size_t>(b) + 1);
    std::pair<std::int64_t, std::string> last{0, ""};
    for (const auto& entry : *entries) {
      expect(last < std::pair(entry.version, entry.id), "changes ({}, {}] are out of order at {}", a, b, entry.id);
      last = {entry.version, entry.id};
      seen[static_cast<std::size_t>(entry.version)][entry.id] = entry.op;
    }
    const bool same = std::equal(seen.begin(), seen.end(), model_.changes.begin());
    expect(same, "changes ({}, {}] are not those that were made", a, b);
    expect(replay(model_.at(a), *entries) == model_.at(b), "changes ({}, {}] do not lead there", a, b);
  }

  void check_snapshot(std::int64_t version) {
    const auto page = limits();
    const auto entries = read_checked(
        [&](storage::Position after) {
          return storage::read_snapshot(fixture_.pool_, dataset(), version, page, std::move(after));
        },
        version >= model_.horizon, model_, fmt::format("snapshot {}", version));
    if (entries) expect(features_of(*entries) == model_.at(version), "snapshot {} differs", version);
  }

  void check_feature(const std::string& id, std::int64_t version) {
    const auto entry = storage::read_feature(fixture_.pool_, dataset(), id, version);
    if (version < model_.horizon) {
      return expect(error_reason(entry.status()) == "HISTORY_COMPACTED", "{} at {} is readable", id, version);
    }
    const auto found = model_.at(version).find(id);
    const std::string expected = found == model_.at(version).end() ? "" : found->second;
    expect(must(entry).value_or(feature::Entry{}).record == expected, "{} at {} differs", id, version);
  }

  void check_chain() {
    Features copy;
    const std::int64_t head = model_.head();
    for (std::int64_t a = 0; a < head;) {
      const std::int64_t least = std::max(a, model_.horizon);
      const std::int64_t b = std::min(head, std::max(a + 1, least + pick(20)));
      copy = replay(std::move(copy), *diff({a, b}));
      a = b;
    }
    expect(copy == model_.versions.back(), "a chain of diffs does not lead to the head");
  }

  StorageFixture& fixture_;
  const Model& model_;
  std::mt19937 random_;
};

struct Statistics {
  int refused = 0, without_effect = 0, compactions = 0, interrupted = 0;
};

/// One changeset, or export, that may be refused or have no effect.
void publish_one(StorageFixture& fixture, History& history, Model& model, Statistics& statistics) {
  fixture.limits_.memory_bytes = history.pick(3) == 0 ? 0 : 3U << 20;  // 0: through the staging table
  fixture.limits_.piece_bytes = 512;
  const bool snapshot = history.pick(6) == 0 && !model.versions.back().empty();
  const auto list = snapshot ? history.export_of(model) : history.changes(model);
  auto expected = model.effects(list);
  if (snapshot) {
    for (const auto& [id, record] : model.versions.back()) {
      const bool sent = std::any_of(list.begin(), list.end(), [&, key = id](const auto& c) { return c.id == key; });
      if (!sent) (*expected)[id] = EntryOp::kDelete;
    }
  }
  const auto receipt = snapshot ? fixture.publish_snapshot(list) : fixture.publish(list);
  const std::int64_t next = model.head() + 1;
  expect(receipt.ok() == expected.has_value(), "version {}: {}", next, receipt.status().ToString());
  if (!expected) {
    ++statistics.refused;
    return;
  }
  expect(receipt->changed == !expected->empty(), "version {} was made without effect, or not made", next);
  const auto count = [&](EntryOp op) {
    return std::count_if(expected->begin(), expected->end(), [&](const auto& e) { return e.second == op; });
  };
  const bool counted = receipt->counts.inserted == count(EntryOp::kInsert) &&
                       receipt->counts.updated == count(EntryOp::kUpdate) &&
                       receipt->counts.deleted == count(EntryOp::kDelete);
  expect(counted, "version {} has other counts", next);
  if (!receipt->changed) {
    ++statistics.without_effect;
    return;
  }
  expect(receipt->datasets[0].version == next, "version {} is not dense", next);
  model.apply(list, *expected);
}

/// Compacts to some version, perhaps only a part of the way.
void compact_some(StorageFixture& fixture, History& history, Model& model, Statistics& statistics) {
  const std::int64_t horizon = history.pick(static_cast<int>(model.head()) + 1);
  int batches = history.pick(2) == 0 ? history.pick(4) : 1 << 20;
  const auto done = must(storage::compact(
      fixture.pool_, fixture.dataset_.id, horizon, [&] { return batches-- <= 0; }, 1 + history.pick(8)));
  model.horizon = std::max(model.horizon, horizon);
  expect(done.horizon == model.horizon, "the horizon is {} and not {}", done.horizon, model.horizon);
  ++statistics.compactions;
  if (!done.complete) ++statistics.interrupted;
}

/// What remains is one row for each feature that exists at the horizon.
void check_all_removed(StorageFixture& fixture, const Model& model) {
  expect(must(storage::compact(fixture.pool_, fixture.dataset_.id, 0)).complete, "the compaction is not complete");
  auto connection = fixture.database_.connect();
  const auto rows = must(connection.execute(
      fmt::format("SELECT count(*) FROM lienthong_data.log_{} WHERE version <= $1", fixture.dataset_.id),
      pg::Params().add(model.horizon)));
  const auto exist = static_cast<std::int64_t>(model.at(model.horizon).size());
  expect(rows.get_int(0, 0) == exist, "{} log rows are kept for {} features", rows.get_int(0, 0), exist);
}

Statistics run_history(const Sizes& sizes) {
  constexpr int kCompactEvery = 25;
  StorageFixture fixture;
  History history(sizes);
  Model model;
  Statistics statistics;
  Reader reader(fixture, model, sizes.seed);
  while (model.head() < sizes.versions) {
    publish_one(fixture, history, model, statistics);
    if (history.pick(kCompactEvery) != 0) continue;
    reader.check_some(2);
    compact_some(fixture, history, model, statistics);
    reader.check_some(3);
  }
  reader.check_all();
  check_all_removed(fixture, model);
  reader.check_some(10);
  reader.check_all();
  return statistics;
}

using Fails = std::function<std::optional<std::string>(const Sizes&)>;

/// The smallest sizes found that fail too, and how: halves first, then one less, of versions and of ids.
std::pair<Sizes, std::string> shrink(Sizes sizes, std::string failure, const Fails& fails) {
  constexpr int kMostRuns = 60;
  int runs = 0;
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const auto& [versions, ids] :
         {std::pair(sizes.versions / 2, sizes.ids), std::pair(sizes.versions, sizes.ids / 2),
          std::pair(sizes.versions - 1, sizes.ids), std::pair(sizes.versions, sizes.ids - 1)}) {
      if (versions < 1 || ids < 1 || ++runs > kMostRuns) continue;
      const Sizes candidate{sizes.seed, versions, ids};
      const auto again = fails(candidate);
      if (!again) continue;
      sizes = candidate;
      failure = *again;
      smaller = true;
      break;
    }
  }
  return {sizes, failure};
}

TEST_CASE("random histories of 200 versions, compacted at random, replay exactly or say that they are compacted") {
  const Sizes sizes{GENERATE(1U, 2U)};
  Statistics statistics;
  const Fails fails = [&](const Sizes& tried) -> std::optional<std::string> {
    try {
      statistics = run_history(tried);
      return std::nullopt;
    } catch (const std::exception& failure) {
      return failure.what();
    }
  };
  if (const auto failure = fails(sizes)) {
    const auto [smallest, how] = shrink(sizes, *failure, fails);
    FAIL("seed " << sizes.seed << " fails: " << *failure << "\nsmallest: seed " << smallest.seed << ", "
                 << smallest.versions << " versions, " << smallest.ids << " ids: " << how);
  }
  CHECK(statistics.refused > 10);
  CHECK(statistics.without_effect > 0);
  CHECK(statistics.compactions > 3);
  CHECK(statistics.interrupted > 0);
}

TEST_CASE("a failing history shrinks to the smallest one that fails") {
  const Fails fails = [](const Sizes& sizes) {
    return sizes.versions >= 7 && sizes.ids >= 3 ? std::optional<std::string>("broken") : std::nullopt;
  };
  const auto [smallest, how] = shrink({1, 200, 40}, "first", fails);
  CHECK(smallest.versions == 7);
  CHECK(smallest.ids == 3);
  CHECK(how == "broken");
}

}  // namespace
