// What reading costs, in rows and pages that the statements touch: it follows what is read, not what is stored.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "storage/sql_text.hpp"
#include "storage_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;

constexpr std::int64_t kManyRows = 100'000;
constexpr std::int64_t kManyBytes = 1 << 30;

struct Cost {
  double rows = 0;   ///< that the scans of tables gave, or looked at in vain
  double pages = 0;  ///< of tables and indexes
  Cost& operator+=(const Cost& other) {
    rows += other.rows;
    pages += other.pages;
    return *this;
  }
};

double rows_touched(const nlohmann::json& node) {
  double rows = 0;
  if (node.value("Node Type", "").find("Scan") != std::string::npos && node.contains("Relation Name")) {
    rows = (node.value("Actual Rows", 0.0) + node.value("Rows Removed by Filter", 0.0) +
            node.value("Rows Removed by Index Recheck", 0.0)) *
           node.value("Actual Loops", 0.0);
  }
  if (node.contains("Plans")) {
    for (const auto& child : node["Plans"]) rows += rows_touched(child);
  }
  return rows;
}

class CostFixture : public StorageFixture {
 public:
  static std::string id_of(int i) { return fmt::format("f{:05}", i); }

  /// Features `from` to `to` get `lanes`.
  void update(int from, int to, std::int64_t lanes) {
    std::vector<TestChange> list;
    for (int i = from; i < to; ++i) list.push_back(upsert(id_of(i), point_state(i, lanes)));
    REQUIRE(must(publish(list)).changed);
  }

  /// One run of a statement of libs/storage/sql.
  Cost cost(const std::string& name, const pg::Params& params) {
    // Without the dots: the folder need not be there.
    const std::filesystem::path path = LT_TEST_DATA "/../../libs/storage/sql/" + name + ".sql";
    std::ifstream file(path.lexically_normal());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    REQUIRE_FALSE(text.empty());
    auto connection = database_.connect();
    const auto plan = must(
        connection.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)\n" + storage::sql_for(text, dataset_.id), params));
    const auto root = nlohmann::json::parse(plan.get_text(0, 0))[0]["Plan"];
    return {rows_touched(root), root.value("Shared Hit Blocks", 0.0) + root.value("Shared Read Blocks", 0.0)};
  }

  /// The statements of the diff (a, b], each once, as for one page that holds everything.
  Cost cost_of_diff(std::int64_t a, std::int64_t b) {
    Cost sum = cost("superseded_page", pg::Params().add(b).add(a + 1).add("").add(kManyRows));
    sum += cost("log_page", pg::Params().add(b).add(a + 1).add("").add(kManyRows).add(kManyBytes));
    std::vector<std::string> changed_twice;
    for (const auto& entry : diff(a, b)) changed_twice.push_back(entry.id);
    sum += cost("states_at", pg::Params().add_text_array(changed_twice).add(a).add(true).add(kManyBytes));
    return sum;
  }

  void analyze(bool wanted) {
    if (wanted) must(database_.connect().execute_script("ANALYZE"));
  }
};

TEST_CASE("what a snapshot costs does not grow with history: 50 versions of everything") {
  CostFixture f;
  constexpr int kFeatures = 300;
  constexpr std::int64_t kHead = 50;
  for (std::int64_t v = 1; v <= kHead; ++v) f.update(0, kFeatures, v);
  const bool analyzed = GENERATE(false, true);
  f.analyze(analyzed);
  for (const std::int64_t version : {std::int64_t{1}, kHead / 2, kHead}) {
    INFO("version " << version << (analyzed ? ", with statistics" : ""));
    CHECK(f.snapshot(version).size() == kFeatures);
    const auto params = pg::Params().add(version).add("").add(kManyRows).add(kManyBytes);
    // One row of feature_N and one of the log for each feature, and the head.
    CHECK(f.cost("snapshot_page", params).rows <= 2 * kFeatures + 1);
  }
}

TEST_CASE("what a diff costs follows its changes, not the features that are there nor the versions before") {
  constexpr std::int64_t kVersions = 10;
  constexpr int kChanges = 40;  // in each version, half of them to what the version before changed
  constexpr double kRows = kVersions * kChanges;
  const bool analyzed = GENERATE(false, true);
  const auto measure = [&](int features, std::int64_t older) {
    CostFixture f;
    f.update(0, features, 1);
    for (std::int64_t v = 0; v < older; ++v) f.update(0, kChanges, 1000 + v);
    const std::int64_t from = f.head();
    for (int v = 0; v < kVersions; ++v) f.update(v * kChanges / 2, v * kChanges / 2 + kChanges, 2 + v);
    f.analyze(analyzed);
    return f.cost_of_diff(from, from + kVersions);
  };
  const Cost small = measure(500, 0);
  // Each change: its successor's name, its size, itself; each entry: one state before; twice the head.
  CHECK(small.rows <= 4 * kRows + 2);
  const Cost larger = measure(5'000, 0);
  CHECK(larger.rows == small.rows);
  CHECK(larger.pages <= 1.5 * small.pages);
  const Cost longer = measure(500, 100);
  CHECK(longer.rows == small.rows);
  CHECK(longer.pages <= 1.5 * small.pages);
}

}  // namespace
