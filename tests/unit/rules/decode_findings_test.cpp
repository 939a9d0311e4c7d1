#include "rules/decode_findings.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "base/bytes.hpp"
#include "base/status.hpp"

namespace lt::rules {
namespace {

std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path + "; run from the top of the source tree");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Reasons of the table under a heading of docs/errors.md.
std::set<std::string> documented(const std::string& heading) {
  const std::string text = text_of_file("docs/errors.md");
  const auto start = text.find("\n## " + heading + "\n");
  if (start == std::string::npos) throw std::runtime_error("docs/errors.md has no heading " + heading);
  const std::string section = text.substr(start + 1, text.find("\n## ", start + 1) - start - 1);
  std::set<std::string> reasons;
  const std::regex row(R"(\n\| `([A-Z_]+)` \|)");
  for (std::sregex_iterator it(section.begin(), section.end(), row), end; it != end; ++it) reasons.insert((*it)[1]);
  return reasons;
}

// Reasons that a header's comments promise.
std::set<std::string> promised(const std::string& path, const std::string& pattern) {
  const std::string text = text_of_file(path);
  std::set<std::string> reasons;
  const std::regex word(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) reasons.insert((*it)[1]);
  return reasons;
}

TEST_CASE("every reason of one feature has a rule and a Vietnamese text") {
  const auto reasons = documented("Features");
  REQUIRE(reasons.size() > 30);
  for (const auto& reason : reasons) {
    INFO(reason << " of docs/errors.md has no Vietnamese text in libs/rules/decode_findings.cpp");
    CHECK(has_vietnamese(reason));
  }
}

TEST_CASE("every reason that the geometry parsers promise has a Vietnamese text") {
  const auto reasons = promised("libs/geo/geometry.hpp", "//   ((?:GEOMETRY|SRID)_[A-Z_]+)");
  REQUIRE(reasons.size() == 8);
  for (const auto& reason : reasons) {
    INFO(reason);
    CHECK(has_vietnamese(reason));
  }
}

TEST_CASE("every reason that the decoder of changes lists has a Vietnamese text") {
  const auto reasons = promised("libs/wire/change.hpp", "///   ([A-Z]+_[A-Z_0-9]*[A-Z0-9])[ ,]");
  REQUIRE(reasons.size() >= 7);
  for (const auto& reason : reasons) {
    INFO(reason);
    CHECK(has_vietnamese(reason));
  }
}

TEST_CASE("an error about a field becomes one finding with feature, field, rule and both languages") {
  const auto status = make_error(absl::StatusCode::kInvalidArgument, "VALUE_WRONG_TYPE",
                                 "feature 'QL1-7': lanes: \"four\" is not an int64; send a number",
                                 {{"feature_id", "QL1-7"}, {"field", "lanes"}});
  const auto findings = findings_from_status(status, "other");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "F04");
  CHECK(findings[0].severity == feature::Severity::kError);
  CHECK(findings[0].reason == "VALUE_WRONG_TYPE");
  CHECK(findings[0].feature_id == "QL1-7");
  CHECK(findings[0].field == "lanes");
  CHECK(findings[0].message_en == message_of(status));
  CHECK_THAT(findings[0].message_vi, Catch::Contains("trường \"lanes\"") && Catch::Contains("không đúng kiểu"));
  CHECK(is_utf8(findings[0].message_vi));
}

TEST_CASE("rules follow from the reason") {
  const auto rule = [](const char* reason) { return make_finding(reason, "a", "", "x").rule; };
  CHECK(rule("TEXT_NOT_UTF8") == "F01");
  CHECK(rule("SRID_MISMATCH") == "C01");
  CHECK(rule("GEOMETRY_NOT_CLOSED") == "G01");
  CHECK(rule("GEOMETRY_CURVE") == "G02");
  CHECK(rule("VALUE_OUT_OF_RANGE") == "D03");
  CHECK(rule("DUPLICATE_ID") == "P02");
  CHECK(rule("UNKNOWN_FIELD") == "F04");
}

TEST_CASE("an error that names no feature takes the caller's") {
  const auto status = make_error(absl::StatusCode::kInvalidArgument, "FEATURE_MISSING", "no feature");
  REQUIRE(findings_from_status(status, "QL1-8").at(0).feature_id == "QL1-8");
  REQUIRE(findings_from_status(status).at(0).feature_id.empty());
}

TEST_CASE("the Vietnamese text of a geometry's error does not name a field") {
  const auto finding = make_finding("GEOMETRY_MALFORMED", "a", "geometry", "x");
  CHECK(finding.field == "geometry");
  CHECK(finding.message_vi.find("trường") == std::string::npos);
}

TEST_CASE("a hostile field name is cut in the message") {
  const auto finding = make_finding("UNKNOWN_FIELD", "a", std::string(5000, '\x01'), "x");
  REQUIRE(finding.message_vi.size() < 400);
  REQUIRE(finding.message_vi.find('\x01') == std::string::npos);
}

TEST_CASE("an error without a reason of its own is still a finding in both languages") {
  const auto findings = findings_from_status(absl::InvalidArgumentError("strange"), "a");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].rule == "F04");
  CHECK(findings[0].message_en == "strange");
  CHECK_FALSE(findings[0].message_vi.empty());
  CHECK_FALSE(has_vietnamese(findings[0].reason));
}

TEST_CASE("success is no finding") { REQUIRE(findings_from_status(absl::OkStatus(), "a").empty()); }

}  // namespace
}  // namespace lt::rules
