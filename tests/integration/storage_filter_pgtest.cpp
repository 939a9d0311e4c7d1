// Filters in SQL on the stored states: the same features, and the same failures, as the evaluator has.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "../unit/feature/filter_random.hpp"
#include "feature/filter.hpp"
#include "storage/detail/filter_params.hpp"
#include "storage_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;
namespace random_filters = lt::feature::test;

/// Features with every type of property, and what SQL and the evaluator say of them.
class FilterFixture : public StorageFixture {
 public:
  FilterFixture() {
    dataset_ = must(catalog_.create_dataset("test.filtered", "operator", "", random_filters::filter_schema()));
  }

  void fill(random_filters::Random& random, int features) {
    std::vector<TestChange> changes;
    for (int i = 0; i < features; ++i) {
      const std::string id = fmt::format("f{:03}", i);
      states_[id] = random_filters::few_state(schema_, random);
      changes.push_back(upsert(id, states_[id]));
    }
    must(publish(changes));
  }

  // Among the features named, those that the condition holds for.
  absl::StatusOr<std::set<std::string>> by_sql(pg::Connection& connection, const feature::SqlFilter& sql,
                                               const std::vector<std::string>& ids) {
    pg::Params params;
    params.add_text_array(ids);
    for (const auto& value : sql.values) std::visit(storage::AddFilterValue{params}, value);
    LT_ASSIGN_OR_RETURN(const auto rows,
                        connection.execute(fmt::format("SELECT fid FROM (SELECT * FROM lienthong_data.feature_{} "
                                                       "WHERE fid = ANY ($1) OFFSET 0) f WHERE {}",
                                                       dataset_.id, sql.text),
                                           params));
    std::set<std::string> found;
    for (int i = 0; i < rows.rows(); ++i) found.emplace(rows.get_text(i, 0));
    return found;
  }

  struct Expected {
    std::set<std::string> holds;
    std::vector<std::string> sound, failing;
  };
  Expected by_evaluator(const feature::Filter& filter) const {
    Expected expected;
    feature::FilterEvaluator evaluator(filter);
    for (const auto& [id, state] : states_) {
      const auto answer = evaluator.matches(state);
      if (!answer.ok()) REQUIRE(error_reason(answer.status()) == "FILTER_OVERFLOW");
      (answer.ok() ? expected.sound : expected.failing).push_back(id);
      if (answer.ok() && *answer) expected.holds.insert(id);
    }
    return expected;
  }

  // Values from $2 on, columns of `f`.
  static feature::SqlFilter sql_of(const feature::Filter& filter) { return filter.to_sql({"f.geom", "f.props", 2}); }

  feature::Schema schema_ = random_filters::filter_schema();
  std::map<std::string, feature::State> states_;
};

TEST_CASE("random filters without geometry: SQL holds for, and fails on, exactly what the evaluator does") {
  FilterFixture f;
  const std::uint64_t seed = random_filters::seed();
  INFO("LT_TEST_SEED=" << seed);
  random_filters::Random random(seed);
  f.fill(random, 60);
  auto connection = must(f.pool_.acquire());
  int failures = 0;
  std::size_t found = 0;
  for (int run = 0; run < 1500; ++run) {
    if (run == 750) must(connection->execute_script("SET plan_cache_mode = force_generic_plan"));
    const auto node = random_filters::RandomFilter(f.schema_, random, false).condition(4);
    const auto filter = feature::Filter::parse(random_filters::ref_text(node), f.schema_);
    if (!filter.ok()) continue;
    const feature::SqlFilter sql = f.sql_of(*filter);
    INFO("run " << run << ": " << filter->to_text() << "\n" << sql.text);
    REQUIRE(sql.exact);
    const auto expected = f.by_evaluator(*filter);
    const auto sound = f.by_sql(*connection, sql, expected.sound);
    INFO(sound.status());
    REQUIRE(sound.ok());
    REQUIRE(*sound == expected.holds);
    found += sound->size();
    for (std::size_t i = 0; i < std::min<std::size_t>(expected.failing.size(), 3); ++i) {
      const auto failed = f.by_sql(*connection, sql, {expected.failing[i]});
      INFO(expected.failing[i]);
      REQUIRE(error_reason(failed.status()) == "SQL_NUMBER_OUT_OF_RANGE");
      ++failures;
    }
  }
  CHECK(failures > 50);
  CHECK(found > 1000);
}

TEST_CASE("candidates of random filters: SQL never fails and leaves nothing out that the evaluator needs to see") {
  FilterFixture f;
  const std::uint64_t seed = random_filters::seed();
  INFO("LT_TEST_SEED=" << seed);
  random_filters::Random random(seed);
  f.fill(random, 60);
  auto connection = must(f.pool_.acquire());
  std::size_t candidates = 0, all = 0;
  std::vector<std::string> ids;
  for (const auto& [id, state] : f.states_) ids.push_back(id);
  for (int run = 0; run < 600; ++run) {
    const auto node = random_filters::RandomFilter(f.schema_, random, true).condition(3);
    const auto filter = feature::Filter::parse(random_filters::ref_text(node), f.schema_);
    if (!filter.ok()) continue;
    const feature::SqlFilter sql = filter->to_candidate_sql({"f.geom", "f.props", 2});
    REQUIRE_FALSE(sql.exact);
    if (filter->is_spatial()) REQUIRE(f.sql_of(*filter).text == sql.text);
    INFO("run " << run << ": " << filter->to_text() << "\n" << sql.text);
    const auto expected = f.by_evaluator(*filter);
    const auto rows = f.by_sql(*connection, sql, ids);
    INFO(rows.status());
    REQUIRE(rows.ok());
    REQUIRE(std::includes(rows->begin(), rows->end(), expected.holds.begin(), expected.holds.end()));
    for (const std::string& id : expected.failing) REQUIRE(rows->contains(id));
    candidates += rows->size();
    all += ids.size();
  }
  CHECK(all > 0);
  CHECK(candidates < all * 3 / 4);
}

TEST_CASE("text, patterns, times and numbers at their edges are the same in SQL") {
  FilterFixture f;
  feature::State state;
  state.properties = {{1, "Đường Nguyễn Huệ"},
                      {2, std::int64_t{9007199254740993}},
                      {3, 5e-324},
                      {6, feature::Timestamp{1'714'953'600'123'456, std::int16_t{-1080}}},
                      {7, feature::Decimal{"0." + std::string(900, '3')}}};
  state.geometry = must(geo::parse_wkt("POINT (1 1)"));
  f.states_["f"] = state;
  must(f.publish({upsert("f", state)}));
  auto connection = must(f.pool_.acquire());
  for (const char* text : {"tên LIKE 'Đ%ễn H_ệ'", "tên LIKE '%ễ_ %'", "tên > 'z'", "tên IN ('a', 'Đường Nguyễn Huệ')",
                           "lanes = 9007199254740993", "lanes IN (9007199254740993)", "lanes = 9007199254740992.0",
                           "width > 0", "width IN (5e-324, 1)", "cost < 0.34", "cost > 0.333",
                           "cost IN (1, 0.5) OR TRUE", "seen = TIMESTAMP('2024-05-06T00:00:00.123456Z')",
                           "seen IN (TIMESTAMP('2024-05-06T00:00:00.123456Z'), TIMESTAMP('0001-01-01T00:00:00Z'))",
                           "NOT S_INTERSECTS(geometry, POLYGON EMPTY)", "S_WITHIN(geometry, POINT (1 1))"}) {
    const auto filter = must(feature::Filter::parse(text, f.schema_));
    INFO(text);
    CHECK(must(feature::FilterEvaluator(filter).matches(state)));
    CHECK(must(f.by_sql(*connection, f.sql_of(filter), {"f"})).contains("f"));
  }
}

TEST_CASE("filters as large as they may be run in SQL") {
  FilterFixture f;
  feature::State state;
  state.properties = {{1, std::string(1000, 'a')}, {2, std::int64_t{2}}};
  f.states_["f"] = state;
  must(f.publish({upsert("f", state)}));
  auto connection = must(f.pool_.acquire());
  const auto repeat = [](const std::string& text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  const std::vector<std::string> texts{"lanes=2" + repeat(" AND lanes=2", 3332),
                                       "lanes=1" + repeat(" OR lanes<>1", 3332),
                                       repeat("NOT (", 49) + "lanes = 1" + repeat(")", 49),
                                       "lanes" + repeat(" + lanes", 98) + " = 198",
                                       "lanes = " + repeat("- ", 98) + "lanes",
                                       "lanes IN (2" + repeat(",7", 999) + ")",
                                       repeat("lanes BETWEEN 1 AND 3 AND ", 2000) + "TRUE",
                                       "tên LIKE '" + repeat("%a", 499) + "'",
                                       "tên LIKE '" + repeat("_", 1000) + "'",
                                       repeat("NOT S_WITHIN(geometry,POINT(1 2)) OR ", 1500) + "lanes = 2"};
  for (const std::string& text : texts) {
    const auto filter = must(feature::Filter::parse(text, f.schema_));
    INFO(text.substr(0, 40));
    CHECK(must(feature::FilterEvaluator(filter).matches(state)));
    CHECK(must(f.by_sql(*connection, f.sql_of(filter), {"f"})).contains("f"));
    CHECK(must(f.by_sql(*connection, filter.to_candidate_sql({"f.geom", "f.props", 2}), {"f"})).contains("f"));
  }
}

}  // namespace
