// The text of a filter as anybody may write it.
#include <vector>

#include "base/status.hpp"
#include "feature/filter.hpp"
#include "support.hpp"

namespace {

using namespace lt;

// One state with every property of every_type(), one with none.
std::vector<feature::State> states() {
  feature::State full;
  full.properties = {{1, "Hà Nội"},
                     {2, std::int64_t{9223372036854775807}},
                     {3, 0.5},
                     {4, true},
                     {5, feature::Date{19849}},
                     {6, feature::Timestamp{0, std::int16_t{420}}},
                     {7, feature::Decimal{"-12.50"}},
                     {8, feature::Bytes{"x"}},
                     {9, feature::StringList{"a"}},
                     {10, feature::Json{"{}"}}};
  full.geometry = geo::parse_wkt("POINT (1 1)").value();
  return {full, {}};
}

using Answer = absl::StatusOr<std::optional<bool>>;

// OUT_OF_RANGE is the filter's arithmetic; GEOS gives up on some shapes that it finds valid.
void require_answer(const Answer& answer) {
  if (answer.ok()) return;
  const std::string reason = error_reason(answer.status());
  fuzz::require(reason == "FILTER_OVERFLOW" || reason == "GEOS_FAILED", "an evaluation fails for two reasons only");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  static const feature::Schema schema = fuzz::every_type("EPSG:4326");
  static const std::vector<feature::State> samples = states();
  const auto filter = feature::Filter::parse(text, schema);
  if (!filter.ok()) {
    fuzz::require(error_reason(filter.status()).starts_with("FILTER_"), "a filter is refused with its own reasons");
    fuzz::require(!filter.status().message().empty(), "a refusal has words");
    return 0;
  }
  const std::string canonical = filter->to_text();
  const auto again = feature::Filter::parse(canonical, schema);
  fuzz::require(again.ok() && again->to_text() == canonical, "the canonical text reads back as itself");
  const feature::SqlFilter sql = filter->to_sql();
  fuzz::require(!sql.text.empty() && again->to_sql().text == sql.text, "both are the same condition in SQL");
  fuzz::require(!filter->to_candidate_sql().exact, "candidates are not exact");
  feature::FilterEvaluator first(*filter), second(*again);
  for (const feature::State& state : samples) {
    const Answer answer = first.evaluate(state), other = second.evaluate(state);
    require_answer(answer);
    fuzz::require(answer.ok() == other.ok(), "both fail or neither");
    if (answer.ok()) fuzz::require(*answer == *other, "both answer the same");
  }
  return 0;
}
