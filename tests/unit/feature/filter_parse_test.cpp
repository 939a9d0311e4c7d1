#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/filter.hpp"
#include "filter_random.hpp"

namespace lt::feature {
namespace {

const Schema& schema() {
  static const Schema made = test::filter_schema();
  return made;
}

std::string canonical(std::string_view text) {
  const auto filter = Filter::parse(text, schema());
  INFO(text << ": " << filter.status());
  REQUIRE(filter.ok());
  const auto again = Filter::parse(filter->to_text(), schema());
  INFO(filter->to_text() << ": " << again.status());
  REQUIRE(again.ok());
  CHECK(again->to_text() == filter->to_text());
  return filter->to_text();
}

absl::Status refusal(std::string_view text, const FilterLimits& limits = {}) {
  const auto filter = Filter::parse(text, schema(), limits);
  INFO(text);
  REQUIRE_FALSE(filter.ok());
  return filter.status();
}

// "REASON line:column".
std::string place(std::string_view text) {
  const absl::Status status = refusal(text);
  const auto detail = error_detail(status);
  INFO(status);
  REQUIRE(detail);
  return detail->reason + " " + detail->metadata.at("line") + ":" + detail->metadata.at("column");
}

std::string repeat(std::string_view text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("a filter has one canonical text") {
  CHECK(canonical("lanes=2") == "lanes = 2");
  CHECK(canonical("  \n lanes\t<>\r\n-2 ") == "lanes <> -2");
  CHECK(canonical("((lanes) >= (((2))))") == "lanes >= 2");
  CHECK(canonical("\"lanes\" in (1 , 2,-3)") == "lanes IN (1, 2, -3)");
  CHECK(canonical("tên not like 'Hà%'") == "tên NOT LIKE 'Hà%'");
  CHECK(canonical("tên = 'it''s'") == "tên = 'it''s'");
  CHECK(canonical("\"số làn \"\"2\"\"\" is not null") == "\"số làn \"\"2\"\"\" IS NOT NULL");
  CHECK(canonical("\"and\" > .5") == "\"and\" > .5");
  CHECK(canonical("width between 1 and 2e1 and open=true") == "width BETWEEN 1 AND 2e1 AND open = TRUE");
  CHECK(canonical("built < date('2024-05-06')") == "built < DATE('2024-05-06')");
  CHECK(canonical("seen = TimeStamp ( '2024-05-06T07:00:00.5+07:00' )") ==
        "seen = TIMESTAMP('2024-05-06T00:00:00.5Z')");
  CHECK(canonical("geometry is null") == "geometry IS NULL");
  CHECK(canonical("s_within(geometry, polygon((0 0,4 0,4 4,0 0)))") ==
        "S_WITHIN(geometry, POLYGON ((0 0, 4 0, 4 4, 0 0)))");
  CHECK(canonical("S_INTERSECTS(\"geometry\",POINT Z(1 2 3)) AND S_INTERSECTS(geometry, LINESTRING EMPTY)") ==
        "S_INTERSECTS(geometry, POINT Z (1 2 3)) AND S_INTERSECTS(geometry, LINESTRING EMPTY)");
  CHECK(canonical("cost = 00012.50") == "cost = 00012.50");
  CHECK(canonical("lanes = 007") == "lanes = 7");
  CHECK(canonical("TRUE") == "TRUE");
}

TEST_CASE("brackets stand in the canonical text where precedence needs them") {
  CHECK(canonical("lanes=1 OR lanes=2 AND NOT lanes=3") == "lanes = 1 OR lanes = 2 AND NOT lanes = 3");
  CHECK(canonical("(lanes=1 OR (lanes=2 AND (NOT (lanes=3))))") == "lanes = 1 OR lanes = 2 AND NOT lanes = 3");
  CHECK(canonical("(lanes=1 OR lanes=2) AND NOT (lanes=3 AND open=TRUE)") ==
        "(lanes = 1 OR lanes = 2) AND NOT (lanes = 3 AND open = TRUE)");
  CHECK(canonical("lanes=1 AND (lanes=2 AND lanes=3)") == "lanes = 1 AND (lanes = 2 AND lanes = 3)");
  CHECK(canonical("lanes + 2 * 3 = (1 + 2) * 3") == "lanes + 2 * 3 = (1 + 2) * 3");
  CHECK(canonical("(lanes - 2) - 3 = 1 - (2 - lanes)") == "lanes - 2 - 3 = 1 - (2 - lanes)");
  CHECK(canonical("lanes / (2 * 3) = lanes / 2 * 3") == "lanes / (2 * 3) = lanes / 2 * 3");
  CHECK(canonical("-lanes = - -5") == "-lanes = - -5");
  CHECK(canonical("-(5) < -(lanes+1)") == "-(5) < -(lanes + 1)");
  CHECK(canonical("lanes--5 = - - -lanes") == "lanes - -5 = - - -lanes");
  CHECK(canonical("NOT NOT lanes = 1") == "NOT NOT lanes = 1");
}

TEST_CASE("names may be Vietnamese, composed or not, and words may be of any case") {
  Schema own;
  for (const char* name : {"số_làn", "tên.cũ", "gml:id", "đường", "ten\xCC\x83", "date", "s_within", "like", "漢字"}) {
    Field field;
    field.number = static_cast<std::int32_t>(own.fields.size()) + 1;
    field.name = name;
    own.fields.push_back(field);
  }
  for (const Field& field : own.fields) {
    const auto quoted = Filter::parse("\"" + field.name + "\" IS NULL", own);
    INFO(field.name << " " << quoted.status());
    REQUIRE(quoted.ok());
    CHECK(Filter::parse(quoted->to_text(), own)->to_text() == quoted->to_text());
    if (field.name == "like") continue;
    CHECK(Filter::parse(field.name + " iS nUlL", own).ok());
  }
  CHECK(Filter::parse("like IS NULL", own).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a syntax error says where and what was expected") {
  CHECK(message_of(refusal("lanes > 2 AND tên =")) ==
        "filter at column 20: expected a value after \"=\", found the end");
  CHECK(message_of(refusal("")) == "filter at column 1: expected a condition, found the end");
  CHECK(message_of(refusal("đường = 1 AND\n  lanes = = 2")) ==
        "filter at line 2, column 11: expected a value after \"=\", found \"=\"");
  CHECK(message_of(refusal("open")) ==
        "filter at column 1: expected a condition, found property \"open\"; compare it, as in open = TRUE");
  CHECK(message_of(refusal("lanes = 1 lanes = 2")) ==
        "filter at column 11: expected AND, OR or the end, found \"lanes\"");
  CHECK(place("lanes = 1 AND") == "FILTER_SYNTAX 1:14");
  CHECK(place("(lanes = 1") == "FILTER_SYNTAX 1:11");
  CHECK(place("lanes = 1)") == "FILTER_SYNTAX 1:10");
  CHECK(place("lanes + 1") == "FILTER_SYNTAX 1:7");
  CHECK(place("lanes = (lanes = 1)") == "FILTER_SYNTAX 1:16");
  CHECK(place("1 < lanes < 3") == "FILTER_SYNTAX 1:11");
  CHECK(place("tên = 'Hà") == "FILTER_SYNTAX 1:7");
  CHECK(place("tên = “Hà”") == "FILTER_SYNTAX 1:7");
  CHECK(place("lanes == 1") == "FILTER_SYNTAX 1:8");
  CHECK(place("lanes != 1") == "FILTER_SYNTAX 1:7");
  CHECK(place("lanes = 12a") == "FILTER_SYNTAX 1:9");
  CHECK(place("width = 1e") == "FILTER_SYNTAX 1:9");
  CHECK(place("width = 1e400") == "FILTER_SYNTAX 1:9");
  CHECK(place("lanes IN ()") == "FILTER_SYNTAX 1:11");
  CHECK(place("lanes IN (1, lanes)") == "FILTER_SYNTAX 1:14");
  CHECK(place("lanes NOT 3") == "FILTER_SYNTAX 1:11");
  CHECK(place("lanes IS 3") == "FILTER_SYNTAX 1:10");
  CHECK(place("lanes BETWEEN 3") == "FILTER_SYNTAX 1:16");
  CHECK(place("tên LIKE lanes") == "FILTER_SYNTAX 1:10");
  CHECK(place("tên LIKE 'a\\'") == "FILTER_SYNTAX 1:10");
  CHECK(place("built = DATE('2024-02-30')") == "FILTER_SYNTAX 1:14");
  CHECK(place("built = DATE(2024)") == "FILTER_SYNTAX 1:14");
  CHECK(place("seen = TIMESTAMP('2024-05-06T07:08:09')") == "FILTER_SYNTAX 1:18");
  CHECK(place("seen = TIMESTAMP('0001-01-01T00:00:00+07:00')") == "FILTER_SYNTAX 1:18");
  CHECK(place("CASEI(tên) = 'a'") == "FILTER_SYNTAX 1:1");
  CHECK(place("S_WITHIN(tên, POINT(1 2))") == "FILTER_SYNTAX 1:10");
  CHECK(place("S_WITHIN(geometry, 'POINT(1 2)')") == "FILTER_SYNTAX 1:20");
  CHECK(place("S_WITHIN(geometry, POINT(1))") == "FILTER_SYNTAX 1:20");
  CHECK(place("S_WITHIN(geometry, POLYGON((0 0, 1 1)") == "FILTER_SYNTAX 1:20");
  CHECK(place("S_WITHIN(geometry, POINT(1 2)") == "FILTER_SYNTAX 1:30");
  CHECK(place("\"\" = 1") == "FILTER_SYNTAX 1:1");
  CHECK(error_reason(refusal("tên = '\xFF'")) == "FILTER_SYNTAX");
  CHECK(error_reason(refusal(std::string("tên = 'a\0'", 11))) == "FILTER_SYNTAX");
}

TEST_CASE("an unknown property is refused with names that are close") {
  CHECK(message_of(refusal("lane = 1")) ==
        "filter at column 1: there is no property \"lane\"; did you mean \"lanes\"?");
  CHECK(message_of(refusal("lanes = 1 AND ten = 'a'")) ==
        "filter at column 15: there is no property \"ten\"; did you mean \"tên\"?");
  CHECK(message_of(refusal("quite_different = 1")) ==
        "filter at column 1: there is no property \"quite_different\"; there are \"tên\", \"lanes\", \"width\", "
        "\"open\", "
        "\"built\", …");
  CHECK(place("LANES = 1") == "FILTER_UNKNOWN_PROPERTY 1:1");
}

TEST_CASE("operands that do not fit are refused where they stand") {
  CHECK(message_of(refusal("tên = 3")) ==
        "filter at column 5: text cannot be compared with an int64; numbers stand without quotes");
  CHECK(place("built = '2024-05-06'") == "FILTER_TYPE 1:7");
  CHECK(message_of(refusal("built = '2024-05-06'")).find("DATE('YYYY-MM-DD')") != std::string::npos);
  CHECK(place("seen = DATE('2024-05-06')") == "FILTER_TYPE 1:6");
  CHECK(place("open < TRUE") == "FILTER_TYPE 1:6");
  CHECK(place("open = 1") == "FILTER_TYPE 1:6");
  CHECK(place("tên + 1 = 2") == "FILTER_TYPE 1:1");
  CHECK(place("1 = cost * 2") == "FILTER_TYPE 1:5");
  CHECK(place("cost = width") == "FILTER_TYPE 1:6");
  CHECK(place("cost = 0.1 * 2") == "FILTER_TYPE 1:6");
  CHECK(place("-open = TRUE") == "FILTER_TYPE 1:2");
  CHECK(place("lanes IN (1, 'a')") == "FILTER_TYPE 1:14");
  CHECK(place("lanes BETWEEN 1 AND 'a'") == "FILTER_TYPE 1:7");
  CHECK(place("lanes LIKE 'a'") == "FILTER_TYPE 1:1");
  CHECK(place("blob = 'a'") == "FILTER_TYPE 1:6");
  CHECK(place("tags IN ('a')") == "FILTER_TYPE 1:10");
  CHECK(place("extra < 'a'") == "FILTER_TYPE 1:7");
  CHECK(place("geometry = 'a'") == "FILTER_TYPE 1:10");
  CHECK(place("S_WITHIN(geometry, GEOMETRYCOLLECTION(POINT(1 2)))") == "FILTER_TYPE 1:1");
  CHECK(place("S_INTERSECTS(geometry, POLYGON((0 0, 2 2, 2 0, 0 2, 0 0)))") == "FILTER_TYPE 1:1");
  Schema flat = test::filter_schema();
  flat.crs.clear();
  flat.geometry.types.clear();
  CHECK(error_reason(Filter::parse("geometry IS NULL", flat).status()) == "FILTER_TYPE");
  CHECK(error_reason(Filter::parse("S_WITHIN(geometry, POINT(1 2))", flat).status()) == "FILTER_TYPE");
  for (const char* text : {"blob IS NULL", "tags IS NOT NULL", "extra IS NULL", "geometry IS NOT NULL"})
    canonical(text);
}

TEST_CASE("each limit takes what it allows and refuses one more") {
  const FilterLimits limits;
  const auto reason = [&](const std::string& text) {
    const auto filter = Filter::parse(text, schema(), limits);
    if (filter.ok()) return std::string("OK");
    if (error_reason(filter.status()) == "FILTER_TOO_LARGE") {
      CHECK(filter.status().code() == absl::StatusCode::kResourceExhausted);
    }
    return error_reason(filter.status());
  };
  const std::string bytes = "tên = '" + std::string(limits.max_bytes - 9, 'x') + "'";
  REQUIRE(bytes.size() == limits.max_bytes);
  CHECK(reason(bytes) == "OK");
  CHECK(reason(bytes + " ") == "FILTER_TOO_LARGE");

  const auto brackets = [](int n) { return repeat("(", n) + "lanes = 1" + repeat(")", n); };
  CHECK(reason(brackets(limits.max_depth)) == "OK");
  CHECK(reason(brackets(limits.max_depth + 1)) == "FILTER_TOO_LARGE");
  CHECK(reason(brackets(30'000)) == "FILTER_TOO_LARGE");
  const auto nots = [](int n) { return repeat("NOT ", n) + "TRUE"; };
  CHECK(reason(nots(limits.max_depth - 1)) == "OK");
  CHECK(reason(nots(limits.max_depth)) == "FILTER_TOO_LARGE");
  CHECK(reason("lanes = " + repeat("-", 60'000) + "1") == "FILTER_TOO_LARGE");
  // The canonical text of what just fits also does.
  canonical("lanes = " + repeat("-", limits.max_depth - 2) + "lanes");
  canonical("lanes = " + repeat("-(", limits.max_depth / 2) + "5" + repeat(")", limits.max_depth / 2));
  const auto sum = [](int n) { return "lanes" + repeat(" + lanes", n) + " = 1"; };
  CHECK(reason(sum(limits.max_depth - 2)) == "OK");
  CHECK(reason(sum(limits.max_depth - 1)) == "FILTER_TOO_LARGE");

  // Each comparison has three nodes, and the AND is one.
  FilterLimits few;
  few.max_nodes = 31;
  const auto conditions = [](int n) { return "lanes=1" + repeat(" AND lanes=1", n - 1); };
  CHECK(Filter::parse(conditions(10), schema(), few).ok());
  CHECK(error_reason(Filter::parse(conditions(10) + " AND TRUE", schema(), few).status()) == "FILTER_TOO_LARGE");
  CHECK(reason(conditions(3333)) == "OK");
  CHECK(reason(conditions(3334)) == "FILTER_TOO_LARGE");

  const auto list = [](std::size_t n) { return "lanes IN (1" + repeat(",1", static_cast<int>(n) - 1) + ")"; };
  CHECK(reason(list(limits.max_list)) == "OK");
  CHECK(reason(list(limits.max_list + 1)) == "FILTER_TOO_LARGE");

  const auto line = [](std::uint32_t n) {
    std::string out = "S_INTERSECTS(geometry, LINESTRING(0 0";
    for (std::uint32_t i = 1; i < n; ++i) out += fmt::format(",{} 0", i);
    return out + "))";
  };
  CHECK(reason(line(limits.max_vertices)) == "OK");
  CHECK(reason(line(limits.max_vertices + 1)) == "FILTER_TOO_LARGE");

  CHECK(reason("width = 0." + std::string(limits.max_number_chars - 2, '1')) == "OK");
  CHECK(reason("width = 0." + std::string(limits.max_number_chars - 1, '1')) == "FILTER_TOO_LARGE");
}

}  // namespace lt::feature
