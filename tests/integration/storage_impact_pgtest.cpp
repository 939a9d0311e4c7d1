// Which areas a changeset touches, by every way that a changeset can go, against brute force.
#include <random>
#include <set>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "geo/validity.hpp"
#include "storage_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using feature::State;

/// Twelve areas in a row, 100 m wide with slanting borders, over the points of points_schema().
storage::ReadyAreas areas_in_a_row() {
  auto areas = std::make_shared<std::vector<storage::ReadyArea>>();
  for (int i = 0; i < 12; ++i) {
    const int x = 500'000 + i * 100;
    const auto polygon = must(geo::parse_wkt(fmt::format(
        "POLYGON (({0} 1999000, {1} 1999000, {2} 2001000, {3} 2001000, {0} 1999000))", x - 7, x + 93, x + 107, x + 7)));
    areas->push_back({fmt::format("ADM-2025:{:02}", i), polygon, geo::AreaGrid(polygon, geo::AreaGrid::kCoarse)});
  }
  return areas;
}

class ImpactFixture : public StorageFixture {
 public:
  ImpactFixture() {
    auto schema = points_schema();
    schema.geometry.types = {geo::GeometryType::kGeometry};
    dataset_ = must(catalog_.create_dataset("test.any", "operator", "", schema));
    areas_ = areas_in_a_row();
  }

  /// Areas of all states, one by one.
  std::vector<std::string> of(const std::vector<State>& states) const {
    std::set<std::string> touched;
    for (const auto& area : *areas_) {
      for (const auto& state : states) {
        if (state.geometry && must(geo::Geos().is_inside(*state.geometry, area.polygon)))
          touched.insert(area.reference);
      }
    }
    return {touched.begin(), touched.end()};
  }
};

State line_state(int x, int length) {
  State state;
  state.geometry =
      must(geo::parse_wkt(fmt::format("LINESTRING ({} 2000000, {} 2000003)", 500'000 + x, 500'000 + x + length)));
  return state;
}

TEST_CASE("a receipt names the areas that its changes touch, before and after, and no other") {
  ImpactFixture f;
  const bool in_table = GENERATE(false, true);
  if (in_table) f.limits_.memory_bytes = 0;
  INFO((in_table ? "staged in a table" : "in memory"));
  CHECK(must(f.publish({upsert("a", point_state(50, 1)), upsert("b", point_state(250, 1))})).areas ==
        std::vector<std::string>{"ADM-2025:00", "ADM-2025:02"});
  // From 02 to 04; what is as it was touches nothing.
  CHECK(must(f.publish({upsert("b", point_state(450, 1)), upsert("a", point_state(50, 1))})).areas ==
        std::vector<std::string>{"ADM-2025:02", "ADM-2025:04"});
  CHECK(must(f.publish({deletion("a")})).areas == std::vector<std::string>{"ADM-2025:00"});
  CHECK(must(f.publish({upsert("c", point_state({}, 1)), upsert("far", point_state(90'000, 1))})).areas.empty());
  CHECK(must(f.publish({upsert("c", point_state({}, 1))})).areas.empty());  // no change at all
  feature::ChangesetHeader dry;
  dry.dry_run = true;
  CHECK(must(f.publish(dry, {upsert("b", point_state(50, 1))})).areas ==
        std::vector<std::string>{"ADM-2025:00", "ADM-2025:04"});
  // What a snapshot does not contain is deleted, and touches.
  CHECK(must(f.publish_snapshot({upsert("c", point_state(950, 1))})).areas ==
        std::vector<std::string>{"ADM-2025:04", "ADM-2025:09"});
}

TEST_CASE("random changesets touch what brute force says, in every way that they can go") {
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto pick = [&random](int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); };
  ImpactFixture f;
  std::map<std::string, State> stored;
  for (int round = 0; round < 40; ++round) {
    f.limits_.memory_bytes = pick(2) == 0 ? 0 : storage::StagingLimits().memory_bytes;
    std::map<std::string, State> sent;
    for (int n = 1 + pick(4); n > 0; --n) {
      const int x = pick(1300) - 50;
      sent[fmt::format("f{}", pick(8))] = pick(3) == 0 ? line_state(x, 1 + pick(250)) : point_state(x, pick(3));
    }
    const bool snapshot = pick(4) == 0;
    std::vector<TestChange> changes;
    std::vector<State> touching;
    for (const auto& [id, state] : sent) {
      changes.push_back(upsert(id, state));
      const auto before = stored.find(id);
      if (before != stored.end() && before->second == state) continue;
      if (before != stored.end()) touching.push_back(before->second);
      touching.push_back(state);
    }
    for (const auto& [id, state] : stored) {
      if (snapshot && !sent.contains(id)) touching.push_back(state);
    }
    const auto receipt = must(snapshot ? f.publish_snapshot(changes) : f.publish(changes));
    INFO("round " << round << (snapshot ? ", a snapshot" : ""));
    CHECK(receipt.areas == f.of(touching));
    if (snapshot) stored.clear();
    for (const auto& [id, state] : sent) stored[id] = state;
  }
}

}  // namespace
