// Random filters on random features: the evaluator against a second one, and text against text.
#include <catch2/catch.hpp>

#include "base/status.hpp"
#include "filter_random.hpp"

namespace lt::feature {
namespace {

std::string shown(const absl::StatusOr<std::optional<bool>>& answer) {
  if (!answer.ok()) return error_reason(answer.status());
  return !*answer ? "NULL" : **answer ? "TRUE" : "FALSE";
}

std::string shown(const test::RefValue& value) {
  if (test::ref_is_null(value)) return "NULL";
  if (test::ref_is_refused(value)) return "FILTER_OVERFLOW";
  return std::get<bool>(test::ref_value(value)) ? "TRUE" : "FALSE";
}

}  // namespace

TEST_CASE("random filters answer as a second evaluator does") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  const Schema schema = test::filter_schema();
  std::map<std::string, int> answers;
  for (int run = 0; run < 3000; ++run) {
    const test::RefNode node = test::RandomFilter(schema, random, true).condition(4);
    const std::string text = test::ref_text(node);
    INFO("run " << run << ": " << text);
    const auto filter = Filter::parse(text, schema);
    if (test::ref_has_refused_constant(node)) {
      REQUIRE(error_reason(filter.status()) == "FILTER_OVERFLOW");
      ++answers["refused"];
      continue;
    }
    INFO(filter.status());
    REQUIRE(filter.ok());
    const std::string canonical = filter->to_text();
    INFO("canonical: " << canonical);
    const auto again = Filter::parse(canonical, schema);
    INFO(again.status());
    REQUIRE(again.ok());
    REQUIRE(again->to_text() == canonical);
    FilterEvaluator evaluator(*filter), second(*again);
    for (int i = 0; i < 10; ++i) {
      const State state = test::few_state(schema, random);
      const std::string expected = shown(test::ref_eval(node, state));
      REQUIRE(shown(evaluator.evaluate(state)) == expected);
      REQUIRE(shown(second.evaluate(state)) == expected);
      ++answers[expected];
    }
  }
  // Otherwise the run above says little.
  for (const char* answer : {"TRUE", "FALSE", "NULL", "FILTER_OVERFLOW", "refused"}) CHECK(answers[answer] > 20);
}

TEST_CASE("text that is no filter is refused with a reason, whatever it is") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  const Schema schema = test::filter_schema();
  for (int run = 0; run < 20000; ++run) {
    const std::string text =
        test::mutate(test::ref_text(test::RandomFilter(schema, random, true).condition(2)), random);
    INFO("run " << run << ": " << text);
    const auto filter = Filter::parse(text, schema);
    if (!filter.ok()) {
      REQUIRE(error_reason(filter.status()).starts_with("FILTER_"));
      REQUIRE_FALSE(message_of(filter.status()).empty());
      continue;
    }
    const auto again = Filter::parse(filter->to_text(), schema);
    REQUIRE(again.ok());
    REQUIRE(again->to_text() == filter->to_text());
  }
}

}  // namespace lt::feature
