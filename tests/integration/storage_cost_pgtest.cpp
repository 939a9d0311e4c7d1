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
    sum += cost("states_at", states_params(changed_twice, a, {}));
    return sum;
  }

  using Area = std::optional<geo::Box>;
  static void add_box(pg::Params& params, const Area& area) {
    const geo::Box box = area.value_or(geo::Box());
    for (const double side : {box.x1, box.y1, box.x2, box.y2}) {
      params.add(area ? std::optional(side) : std::optional<double>());
    }
  }
  static pg::Params states_params(const std::vector<std::string>& ids, std::int64_t at, const Area& area) {
    auto params = pg::Params().add_text_array(ids);
    params.add_int8_array(std::vector<std::int64_t>(ids.size(), at)).add(true).add(kManyBytes);
    add_box(params, area);
    return params;
  }

  /// The same through a view of an area; also the payload bytes that the page sends.
  Cost cost_of_view(std::int64_t a, std::int64_t b, const geo::Box& area, double& bytes) {
    auto page = pg::Params().add(b).add(a + 1).add("").add(kManyRows).add(kManyBytes);
    add_box(page, area);
    page.add(a).add(kManyRows);
    Cost sum = cost("view_log_page", page);
    std::ifstream file(
        std::filesystem::path(LT_TEST_DATA "/../../libs/storage/sql/view_log_page.sql").lexically_normal());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto rows = must(database_.connect().execute(storage::sql_for(text, dataset_.id), page));
    std::vector<std::string> ids;
    for (int r = 0; r < rows.rows() && !rows.is_null(r, 4); ++r) {
      ids.emplace_back(rows.get_text(r, 4));
      bytes += static_cast<double>(rows.get_bytes(r, 6).size());
    }
    sum += cost("states_at", states_params(ids, a, area));
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

TEST_CASE("what a diff through an area costs beyond a look at each change follows what the area holds") {
  constexpr int kFeatures = 2'000;
  CostFixture f;
  f.update(0, kFeatures, 1);
  f.update(0, kFeatures, 2);
  f.analyze(GENERATE(false, true));
  // Point i stands at 500000 + i, 2000000.
  const auto box_of = [](int features) { return geo::Box{499'999.5, 1'999'999, 499'999.5 + features, 2'000'001}; };
  double bytes_of_60 = 0, bytes_of_all = 0;
  const Cost of_60 = f.cost_of_view(1, 2, box_of(60), bytes_of_60);
  const Cost of_all = f.cost_of_view(1, 2, box_of(kFeatures), bytes_of_all);
  // The boxes of all changes are looked at once, twice where the index finds the end of the page; states before are
  // asked for, and payloads sent, only of what the box touches.
  CHECK(of_60.rows <= 2 * kFeatures + 70 + 2);
  CHECK(of_all.rows >= 2 * kFeatures);
  CHECK(of_60.rows <= of_all.rows - (kFeatures - 70));
  CHECK(of_60.pages < of_all.pages / 2);
  CHECK(bytes_of_60 > 0);
  CHECK(bytes_of_60 <= bytes_of_all * 70 / kFeatures);
}

}  // namespace
