// Invariant 5, replay: random histories against a model in memory that knows nothing of SQL.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "storage_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using feature::ChangeOp;
using feature::EntryOp;
using Features = std::map<std::string, std::string>;  // id to record

constexpr int kVersions = 200;
constexpr int kIds = 40;

// What one changeset should do to `state`, by the words of the data model; nothing when it must be refused.
struct Model {
  std::vector<Features> versions{{}};                       // state at each version
  std::map<std::string, std::int64_t> touched;              // version of the last change of each id, deletes too
  std::vector<std::map<std::string, EntryOp>> changes{{}};  // what each version changed

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
  explicit History(unsigned seed) : random_(seed) {}

  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  feature::State state() {
    const auto x = pick(5) == 0 ? std::optional<int>() : pick(3);  // one in five has no geometry
    return point_state(x, pick(3), pick(2) == 0 ? "Hà Nội" : "Huế");
  }

  std::string id() { return fmt::format("f{:02}", pick(kIds)); }

  std::vector<TestChange> changes(const Model& model) {
    std::vector<TestChange> list;
    std::set<std::string> used;
    const auto head = static_cast<int>(model.versions.size()) - 1;
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
};

Features replay(Features base, const std::vector<feature::Entry>& entries) {
  for (const auto& entry : entries) {
    if (entry.op == EntryOp::kDelete) {
      REQUIRE(base.erase(entry.id) == 1);
    } else {
      REQUIRE(base.contains(entry.id) == (entry.op == EntryOp::kUpdate));
      base[entry.id] = entry.record;
    }
  }
  return base;
}

Features features_of(const std::vector<feature::Entry>& entries) {
  Features result;
  for (const auto& entry : entries) REQUIRE(result.emplace(entry.id, entry.record).second);
  return result;
}

void check_diff(StorageFixture& fixture, const Model& model, std::int64_t a, std::int64_t b,
                storage::PageLimits limits) {
  INFO("diff (" << a << ", " << b << "]");
  const Features& from = model.versions[static_cast<std::size_t>(a)];
  const Features& to = model.versions[static_cast<std::size_t>(b)];
  const auto entries = fixture.diff(a, b, true, limits);
  std::set<std::string> seen;
  for (const auto& entry : entries) {
    INFO("entry " << entry.id);
    REQUIRE(seen.insert(entry.id).second);
    // Never an entry without a difference, and the state before is the one at a.
    const auto before = from.find(entry.id);
    const auto after = to.find(entry.id);
    REQUIRE((before == from.end() ? std::string() : before->second) == entry.before);
    REQUIRE((after == to.end() ? std::string() : after->second) == entry.record);
    REQUIRE(entry.before != entry.record);
    REQUIRE((entry.version > a && entry.version <= b));
  }
  REQUIRE(replay(from, entries) == to);
}

// Publishes until there are kVersions versions; refusals and changesets without effect happen on the way.
Model make_history(StorageFixture& fixture, History& history, int& refused, int& without_effect) {
  Model model;
  while (model.versions.size() <= kVersions) {
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
    REQUIRE(receipt.ok() == expected.has_value());
    if (!expected) {
      ++refused;
      continue;
    }
    REQUIRE(receipt->changed == !expected->empty());
    const auto count = [&](EntryOp op) {
      return std::count_if(expected->begin(), expected->end(), [&](const auto& e) { return e.second == op; });
    };
    REQUIRE(receipt->counts.inserted == count(EntryOp::kInsert));
    REQUIRE(receipt->counts.updated == count(EntryOp::kUpdate));
    REQUIRE(receipt->counts.deleted == count(EntryOp::kDelete));
    if (!receipt->changed) {
      ++without_effect;
      continue;
    }
    REQUIRE(receipt->datasets[0].version == static_cast<std::int64_t>(model.versions.size()));  // dense
    model.apply(list, *expected);
  }
  return model;
}

TEST_CASE("random histories of 200 versions replay exactly: diffs, chains of diffs, changes and snapshots agree") {
  const auto seed = GENERATE(1U, 2U);
  INFO("seed " << seed);
  StorageFixture fixture;
  History history(seed);
  int refused = 0;
  int without_effect = 0;
  const Model model = make_history(fixture, history, refused, without_effect);
  CHECK(refused > 10);
  CHECK(without_effect > 0);
  const std::int64_t head = kVersions;
  const storage::PageLimits small{300, 5};

  SECTION("each snapshot is the model's state, also in small pages") {
    for (std::int64_t v = 0; v <= head; v += 7) {
      INFO("version " << v);
      REQUIRE(features_of(fixture.snapshot(v, v % 2 == 0 ? small : storage::PageLimits{})) ==
              model.versions[static_cast<std::size_t>(v)]);
    }
    REQUIRE(features_of(fixture.snapshot(head)) == model.versions.back());
  }

  SECTION("every diff is exact and net") {
    for (int n = 0; n < 150; ++n) {
      const std::int64_t a = history.pick(static_cast<int>(head) + 1);
      const std::int64_t b = a + history.pick(static_cast<int>(head - a) + 1);
      check_diff(fixture, model, a, b, n % 2 == 0 ? small : storage::PageLimits{});
    }
    check_diff(fixture, model, 0, head, {});
  }

  SECTION("any chain of diffs gives the head") {
    Features copy;
    for (std::int64_t a = 0; a < head;) {
      const std::int64_t b = std::min<std::int64_t>(head, a + 1 + history.pick(20));
      copy = replay(std::move(copy), fixture.diff(a, b));
      a = b;
    }
    REQUIRE(copy == model.versions.back());
  }

  SECTION("changes give every single change in order") {
    Features copy;
    std::vector<std::map<std::string, EntryOp>> seen(static_cast<std::size_t>(head) + 1);
    std::pair<std::int64_t, std::string> last{0, ""};
    for (const auto& entry : fixture.changes(0, head, small)) {
      REQUIRE(last < std::pair(entry.version, entry.id));
      last = {entry.version, entry.id};
      seen[static_cast<std::size_t>(entry.version)][entry.id] = entry.op;
      copy = replay(std::move(copy), {entry});
    }
    REQUIRE(seen == model.changes);
    REQUIRE(copy == model.versions.back());
  }
}

}  // namespace
