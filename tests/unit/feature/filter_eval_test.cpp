#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

#include "base/status.hpp"
#include "feature/filter.hpp"
#include "filter_random.hpp"

namespace lt::feature {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

State sample() {
  State state;
  state.properties = {{1, "Hà Nội"},
                      {2, std::int64_t{2}},
                      {3, 3.5},
                      {4, true},
                      {5, Date{19849}},                                          // 2024-05-06
                      {6, Timestamp{1'714'953'600'000'000, std::int16_t{420}}},  // 2024-05-06T00:00:00Z
                      {7, Decimal{"12.50"}},
                      {8, Bytes{"x"}},
                      {9, StringList{"a"}},
                      {10, Json{"{}"}}};
  state.geometry = geo::parse_wkt("POINT (1 1)").value();
  return state;
}

std::string answer(std::string_view text, const State& state = sample()) {
  const auto filter = Filter::parse(text, test::filter_schema());
  INFO(text << ": " << filter.status());
  if (!filter.ok()) return error_reason(filter.status());
  const auto result = FilterEvaluator(*filter).evaluate(state);
  if (!result.ok()) return error_reason(result.status());
  return !*result ? "NULL" : **result ? "TRUE" : "FALSE";
}

std::string answer_at(std::string_view text, const char* wkt) {
  State state = sample();
  state.geometry = geo::parse_wkt(wkt).value();
  return answer(text, state);
}

// Conditions that are TRUE, FALSE and NULL for sample(), none of them constant.
const std::vector<std::pair<std::string, std::string>> kTruths{
    {"lanes = 2", "TRUE"}, {"lanes = 3", "FALSE"}, {"\"and\" = 1", "NULL"}};

}  // namespace

TEST_CASE("comparisons of every type") {
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {"lanes = 2", "TRUE"},
           {"lanes <> 2", "FALSE"},
           {"lanes < 2", "FALSE"},
           {"lanes <= 2", "TRUE"},
           {"lanes > 1", "TRUE"},
           {"lanes >= 3", "FALSE"},
           {"2 = lanes", "TRUE"},
           {"width > 3", "TRUE"},
           {"width = 3.5", "TRUE"},
           {"width >= lanes", "TRUE"},
           {"open = TRUE", "TRUE"},
           {"open <> true", "FALSE"},
           {"built = DATE('2024-05-06')", "TRUE"},
           {"built < DATE('2024-05-06')", "FALSE"},
           {"built > DATE('0999-12-31')", "TRUE"},
           {"seen = TIMESTAMP('2024-05-06T00:00:00Z')", "TRUE"},
           {"seen = TIMESTAMP('2024-05-06T07:00:00+07:00')", "TRUE"},
           {"seen < TIMESTAMP('2024-05-06T00:00:00.000001Z')", "TRUE"},
           {"cost = 12.5", "TRUE"},
           {"cost = 12.500", "TRUE"},
           {"cost = 125e-1", "TRUE"},
           {"cost < 12.500000000000000000000000000001", "TRUE"},
           {"cost > lanes", "TRUE"},
           {"cost > -13", "TRUE"},
           {"tên = 'Hà Nội'", "TRUE"},
           {"tên <> 'Hà Nội'", "FALSE"},
           {"tên = tên", "TRUE"},
       }) {
    INFO(text);
    CHECK(answer(text) == expected);
  }
}

TEST_CASE("three-valued logic by its tables") {
  const auto both = [](const std::string& a, const std::string& b) {
    if (a == "FALSE" || b == "FALSE") return "FALSE";
    return a == "TRUE" && b == "TRUE" ? "TRUE" : "NULL";
  };
  const auto either = [](const std::string& a, const std::string& b) {
    if (a == "TRUE" || b == "TRUE") return "TRUE";
    return a == "FALSE" && b == "FALSE" ? "FALSE" : "NULL";
  };
  for (const auto& [a, a_is] : kTruths) {
    for (const auto& [b, b_is] : kTruths) {
      INFO(a << ", " << b);
      CHECK(answer(a + " AND " + b) == both(a_is, b_is));
      CHECK(answer(a + " OR " + b) == either(a_is, b_is));
    }
    CHECK(answer("NOT " + a) == (a_is == "TRUE" ? "FALSE" : a_is == "FALSE" ? "TRUE" : "NULL"));
    for (const auto& [constant, is] :
         std::vector<std::pair<std::string, std::string>>{{"TRUE", "TRUE"}, {"FALSE", "FALSE"}, {"1/0 = 1", "NULL"}}) {
      CHECK(answer(a + " AND " + constant) == both(a_is, is));
      CHECK(answer(constant + " OR " + a) == either(a_is, is));
    }
  }
}

TEST_CASE("what is absent is NULL, through every operator but IS NULL") {
  for (const char* text : {"\"and\" = 1", "\"and\" <> \"and\"", "NOT \"and\" = 1", "\"and\" + 1 > 0", "-\"and\" < 0",
                           "\"and\" BETWEEN 1 AND 2", "\"and\" NOT BETWEEN 1 AND 2", "1 BETWEEN \"and\" AND 2",
                           "\"and\" IN (1, 2)", "\"and\" NOT IN (1, 2)"}) {
    INFO(text);
    CHECK(answer(text) == "NULL");
  }
  CHECK(answer("3 BETWEEN \"and\" AND 2") == "FALSE");
  CHECK(answer("3 NOT BETWEEN \"and\" AND 2") == "TRUE");
  const State nothing;
  CHECK(answer("tên LIKE '%'", nothing) == "NULL");
  CHECK(answer("tên NOT LIKE '%'", nothing) == "NULL");
  for (const char* name : {"tên", "lanes", "blob", "tags", "extra", "geometry"}) {
    CHECK(answer(std::string(name) + " IS NULL", nothing) == "TRUE");
    CHECK(answer(std::string(name) + " IS NOT NULL", nothing) == "FALSE");
    CHECK(answer(std::string(name) + " IS NULL") == "FALSE");
  }
  CHECK(answer("lanes / 0 IS NULL") == "TRUE");
  CHECK(answer("lanes + \"and\" IS NULL") == "TRUE");
  CHECK(answer("'' IS NULL") == "FALSE");
  const auto filter = Filter::parse("\"and\" = 1", test::filter_schema());
  CHECK_FALSE(FilterEvaluator(*filter).matches(sample()).value());
}

TEST_CASE("BETWEEN includes both ends, IN finds what equals") {
  CHECK(answer("lanes BETWEEN 2 AND 3") == "TRUE");
  CHECK(answer("lanes BETWEEN 1 AND 2") == "TRUE");
  CHECK(answer("lanes BETWEEN 3 AND 1") == "FALSE");
  CHECK(answer("lanes NOT BETWEEN 3 AND 4") == "TRUE");
  CHECK(answer("cost BETWEEN 12.4 AND 12.5") == "TRUE");
  CHECK(answer("built BETWEEN DATE('2024-05-06') AND DATE('2024-05-06')") == "TRUE");
  CHECK(answer("lanes IN (5, 2, 9)") == "TRUE");
  CHECK(answer("lanes NOT IN (5, 2, 9)") == "FALSE");
  CHECK(answer("lanes IN (2.0, 7.5)") == "TRUE");
  CHECK(answer("width IN (3.5)") == "TRUE");
  CHECK(answer("cost IN (1, 12.5)") == "TRUE");
  CHECK(answer("tên IN ('Huế', 'Hà Nội', 'Đà Nẵng')") == "TRUE");
  CHECK(answer("tên IN ('Hà')") == "FALSE");
  CHECK(answer("open IN (FALSE)") == "FALSE");
  CHECK(answer("built IN (DATE('2024-05-07'), DATE('2024-05-06'))") == "TRUE");
  CHECK(answer("seen IN (TIMESTAMP('2024-05-06T00:00:00Z'))") == "TRUE");
  CHECK(answer("2 IN (1, 2)") == "TRUE");
  CHECK(answer("lanes + 1 IN (3)") == "TRUE");
}

TEST_CASE("LIKE: % for any text, _ for one code point, a backslash before what is meant as it is") {
  const auto like = [](const std::string& text, const std::string& pattern) {
    State state;
    state.properties[1] = text;
    return answer("tên LIKE " + test::ref_quoted(pattern, '\''), state) == "TRUE";
  };
  CHECK(like("Hà Nội", "Hà%"));
  CHECK(like("Hà Nội", "%ội"));
  CHECK(like("Hà Nội", "H_ N_i"));
  CHECK(like("Hà Nội", "%"));
  CHECK(like("", "%"));
  CHECK(like("", ""));
  CHECK_FALSE(like("a", ""));
  CHECK_FALSE(like("", "_"));
  CHECK_FALSE(like("Hà Nội", "hà%"));
  CHECK_FALSE(like("Hà Nội", "Ha%"));
  CHECK_FALSE(like("Ha\xCC\x80", "Hà"));  // not composed: another text
  CHECK(like("Ha\xCC\x80", "H__"));
  CHECK(like("😀", "_"));
  CHECK(like("100%", "100\\%"));
  CHECK_FALSE(like("1000", "100\\%"));
  CHECK(like("a_b", "a\\_b"));
  CHECK_FALSE(like("axb", "a\\_b"));
  CHECK(like("a\\b", "a\\\\b"));
  CHECK(like("ab", "\\a\\b"));
  CHECK(like("aXbXc", "a%b%c"));
  CHECK(like("mississippi", "%iss%ip%"));
  CHECK_FALSE(like("mississippi", "%iss%ss%ss%"));
  CHECK(answer("tên NOT LIKE 'Huế%'") == "TRUE");
  CHECK(answer("'abc' LIKE 'a%'") == "TRUE");
  const std::string many(20'000, 'a');
  CHECK_FALSE(like(many, "%a%a%a%a%a%a%a%a%b"));
}

TEST_CASE("text is in the order of code points") {
  const std::vector<std::string> ascending{"",  "A", "Z", "a", "a\xCC\x80",    "b",
                                           "à", "Đ", "đ", "ộ", "\xEF\xBF\xBD", "😀"};
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      State state;
      state.properties[1] = ascending[i];
      INFO(ascending[i] << " < " << ascending[j]);
      CHECK(answer("tên < '" + ascending[j] + "'", state) == (i < j ? "TRUE" : "FALSE"));
      CHECK(answer("tên = '" + ascending[j] + "'", state) == (i == j ? "TRUE" : "FALSE"));
    }
  }
}

TEST_CASE("precedence and the direction of arithmetic") {
  CHECK(answer("lanes + 2 * 3 = 8") == "TRUE");
  CHECK(answer("10 - lanes - 3 = 5") == "TRUE");
  CHECK(answer("24 / lanes / 3 = 4") == "TRUE");
  CHECK(answer("24 / lanes * 3 = 36") == "TRUE");
  CHECK(answer("-lanes * 3 = -6") == "TRUE");
  CHECK(answer("lanes = 2 OR lanes = 3 AND lanes = 4") == "TRUE");
  CHECK(answer("(lanes = 2 OR lanes = 3) AND lanes = 4") == "FALSE");
  CHECK(answer("NOT lanes = 3 AND lanes = 2") == "TRUE");
  CHECK(answer("NOT (lanes = 2 OR lanes = 3)") == "FALSE");
  CHECK(answer("lanes BETWEEN 1 AND 3 AND open = TRUE") == "TRUE");
}

TEST_CASE("int64 arithmetic cuts towards zero, refuses what does not fit, and divides by zero to NULL") {
  const auto with = [](std::int64_t lanes, const std::string& text) {
    State state;
    state.properties[2] = lanes;
    return answer(text, state);
  };
  CHECK(with(7, "lanes / 2 = 3") == "TRUE");
  CHECK(with(-7, "lanes / 2 = -3") == "TRUE");
  CHECK(with(7, "lanes / 2.0 = 3.5") == "TRUE");
  CHECK(with(7, "lanes / (lanes - 7) = 1") == "NULL");
  CHECK(with(7, "lanes / (lanes - 7.0) = 1") == "NULL");
  CHECK(with(7, "lanes / -0.0 = 1") == "NULL");
  CHECK(with(kMax, "lanes + 0 = 9223372036854775807") == "TRUE");
  CHECK(with(kMin, "lanes = -9223372036854775808") == "TRUE");
  for (const auto& [value, text] : std::vector<std::pair<std::int64_t, std::string>>{{kMax, "lanes + 1 > 0"},
                                                                                     {kMin, "lanes - 1 > 0"},
                                                                                     {kMax, "lanes * 2 > 0"},
                                                                                     {kMin, "-lanes > 0"},
                                                                                     {kMin, "lanes / -1 > 0"},
                                                                                     {kMin, "lanes * -1 > 0"}}) {
    INFO(text);
    CHECK(with(value, text) == "FILTER_OVERFLOW");
    CHECK(with(1, text) != "FILTER_OVERFLOW");
  }
  const auto status = FilterEvaluator(*Filter::parse("lanes + 1 > 0", test::filter_schema())).evaluate([] {
    State state;
    state.properties[2] = kMax;
    return state;
  }());
  CHECK(status.status().code() == absl::StatusCode::kOutOfRange);
}

TEST_CASE("a double that overflows or vanishes is refused, infinities and NaN of the data are not") {
  const auto with = [](double width, const std::string& text) {
    State state;
    state.properties[3] = width;
    return answer(text, state);
  };
  CHECK(with(1e308, "width * 10 > 0") == "FILTER_OVERFLOW");
  CHECK(with(1e308, "width + 1e308 > 0") == "FILTER_OVERFLOW");
  CHECK(with(1e-300, "width * 1e-300 = 0") == "FILTER_OVERFLOW");
  CHECK(with(1e-300, "width / 1e300 = 0") == "FILTER_OVERFLOW");
  CHECK(with(HUGE_VAL, "width * 10 > 1e308") == "TRUE");
  CHECK(with(HUGE_VAL, "width - width = 0") == "FALSE");
  CHECK(with(std::nan(""), "width = width") == "TRUE");
  CHECK(with(std::nan(""), "width > 1e308") == "TRUE");
  CHECK(with(HUGE_VAL, "width < 1e308") == "FALSE");
  CHECK(with(-0.0, "width = 0") == "TRUE");
  CHECK(with(9007199254740992.0, "width = 9007199254740993") == "TRUE");  // as doubles
}

TEST_CASE("decimals compare exactly") {
  const auto with = [](const std::string& cost, const std::string& text) {
    State state;
    state.properties[7] = Decimal{cost};
    state.properties[2] = kMax;
    return answer(text, state);
  };
  CHECK(with("0.1", "cost = 0.1") == "TRUE");
  CHECK(with("0.1000000000000000000000000001", "cost > 0.1") == "TRUE");
  CHECK(with("9223372036854775807.0", "cost = lanes") == "TRUE");
  CHECK(with("9223372036854775807.1", "cost > lanes") == "TRUE");
  CHECK(with("9223372036854775808", "cost = 9223372036854775808") == "TRUE");
  CHECK(with("-0.00", "cost = 0") == "TRUE");
  CHECK(with("-0.00", "cost = -0.0e99999") == "TRUE");
  CHECK(with("-2", "cost < -1.99") == "TRUE");
  CHECK(with("10", "cost > 9.99") == "TRUE");
  CHECK(with("1500", "cost = 1.5e3") == "TRUE");
  CHECK(with("0.0015", "cost = 15e-4") == "TRUE");
  CHECK(with("0.5", "cost = .5 AND cost >= 5.e-1") == "TRUE");
  CHECK(with(std::string(1000, '9'), "cost > 1e308") == "TRUE");
  CHECK(with("1", "cost = 1 + 0") == "TRUE");
}

TEST_CASE("timestamps compare in UTC, without an offset as if they were") {
  const auto with = [](Timestamp seen, const std::string& time) {
    State state;
    state.properties[6] = seen;
    return answer("seen = TIMESTAMP('" + time + "')", state);
  };
  constexpr std::int64_t kNoon = 1'714'996'800'000'000;
  CHECK(with({kNoon, std::nullopt}, "2024-05-06T12:00:00Z") == "TRUE");
  CHECK(with({kNoon, std::int16_t{420}}, "2024-05-06T12:00:00Z") == "TRUE");
  CHECK(with({kNoon, std::int16_t{1080}}, "2024-05-06T19:00:00+07:00") == "TRUE");
  CHECK(with({kNoon + 1, std::int16_t{0}}, "2024-05-06T12:00:00.000001Z") == "TRUE");
}

TEST_CASE("an operand is computed where its result is asked for, and AND and OR end early from left to right") {
  State state;
  state.properties[2] = kMax;
  CHECK(answer("lanes = 1 AND lanes + 1 > 0", state) == "FALSE");
  CHECK(answer("lanes + 1 > 0 AND lanes = 1", state) == "FILTER_OVERFLOW");
  CHECK(answer("lanes > 1 OR lanes + 1 > 0", state) == "TRUE");
  CHECK(answer("lanes + 1 > 0 OR lanes > 1", state) == "FILTER_OVERFLOW");
  CHECK(answer("width = 1 AND lanes + 1 > 0", state) == "FILTER_OVERFLOW");
  CHECK(answer("width > lanes + 1", state) == "FILTER_OVERFLOW");
  CHECK(answer("lanes + 1 IS NULL", state) == "FILTER_OVERFLOW");
  CHECK(answer("lanes BETWEEN 1 AND 0 AND FALSE", state) == "FALSE");
}

TEST_CASE("what is constant is computed when the filter is read") {
  State state;
  state.properties[2] = kMax;
  CHECK(answer("lanes + 1 > 0 AND 1 = 2", state) == "FALSE");
  CHECK(answer("lanes + 1 > 0 OR 1 = 1", state) == "TRUE");
  CHECK(answer("(lanes + 1) / 0 > 0", state) == "NULL");
  CHECK(answer("lanes + 1 > 1 / 0", state) == "NULL");
  CHECK(answer("9223372036854775807 + 1 > 0") == "FILTER_OVERFLOW");
  CHECK(answer("FALSE AND 9223372036854775807 + 1 > 0") == "FILTER_OVERFLOW");
  CHECK(answer("-(-9223372036854775808) > 0") == "FILTER_OVERFLOW");
  CHECK(answer("1e308 * 10 > 0") == "FILTER_OVERFLOW");
  CHECK(Filter::parse("9223372036854775807 + 1 > 0", test::filter_schema()).status().code() ==
        absl::StatusCode::kOutOfRange);
}

TEST_CASE("S_INTERSECTS and S_WITHIN: points, lines, areas, members of collections, nothing") {
  const std::string meets = "S_INTERSECTS(geometry, POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1)))";
  const std::string within = "S_WITHIN(geometry, POLYGON((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1)))";
  struct Case {
    const char* wkt;
    bool meets, within;
  };
  for (const Case& c : {Case{"POINT (3 3)", true, true},
                        {"POINT (0 2)", true, false},
                        {"POINT (1.5 1.5)", false, false},
                        {"POINT (1 1.5)", true, false},
                        {"POINT (5 5)", false, false},
                        {"POINT Z (3 3 7)", true, true},
                        {"MULTIPOINT (0 0, 3 3)", true, true},
                        {"MULTIPOINT (5 5, 3 3)", true, false},
                        {"LINESTRING (0 0, 0 4)", true, false},
                        {"LINESTRING (0 0, 0.5 0.5)", true, true},
                        {"LINESTRING (0.5 3, 5 3)", true, false},
                        {"LINESTRING (1.2 1.5, 1.8 1.5)", false, false},
                        {"POLYGON ((3 3, 4 3, 4 4, 3 3))", true, true},
                        {"POLYGON ((4 0, 8 0, 8 4, 4 0))", true, false},
                        {"POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", true, false},
                        {"GEOMETRYCOLLECTION (POINT (3 3), LINESTRING (0 0, 0 4))", true, true},
                        {"GEOMETRYCOLLECTION (POINT (0 0), LINESTRING (0 0, 0 4))", true, false},
                        {"GEOMETRYCOLLECTION (POINT (3 3), POINT (9 9))", true, false},
                        {"GEOMETRYCOLLECTION (POINT EMPTY, GEOMETRYCOLLECTION (POINT (3 3)))", true, true},
                        {"POINT EMPTY", false, false},
                        {"MULTIPOLYGON EMPTY", false, false}}) {
    INFO(c.wkt);
    CHECK(answer_at(meets, c.wkt) == (c.meets ? "TRUE" : "FALSE"));
    CHECK(answer_at(within, c.wkt) == (c.within ? "TRUE" : "FALSE"));
    CHECK(answer_at("NOT " + within, c.wkt) == (c.within ? "FALSE" : "TRUE"));
  }
  CHECK(answer(meets, State{}) == "NULL");
  CHECK(answer("S_INTERSECTS(geometry, POLYGON EMPTY)") == "FALSE");
  CHECK(answer("S_INTERSECTS(geometry, POLYGON EMPTY)", State{}) == "NULL");
  CHECK(answer("S_WITHIN(geometry, POINT (1 1)) AND S_INTERSECTS(geometry, LINESTRING(0 0, 2 2))") == "TRUE");
  CHECK(answer_at("S_WITHIN(geometry, LINESTRING(0 0, 2 2))", "POINT (2 2)") == "FALSE");
}

TEST_CASE("an evaluator answers again and again, and a property of another type than the schema's is an error") {
  const auto filter = Filter::parse("lanes > 1 AND S_INTERSECTS(geometry, POINT (1 1))", test::filter_schema());
  REQUIRE(filter.ok());
  CHECK(filter->is_spatial());
  FilterEvaluator first(*filter);
  FilterEvaluator evaluator = std::move(first);
  for (int i = 0; i < 3; ++i) CHECK(evaluator.matches(sample()).value());
  State wrong = sample();
  wrong.properties[2] = "two";
  CHECK(error_reason(evaluator.matches(wrong).status()) == "RECORD_MALFORMED");
  CHECK(evaluator.matches(sample()).value());
}

}  // namespace lt::feature
