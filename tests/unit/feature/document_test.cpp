// docs/canonical.md is a specification: its examples must be what the code does.
#include <catch2/catch.hpp>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "feature/record.hpp"

namespace lt::feature {
namespace {

std::string document() {
  std::ifstream file("docs/canonical.md");  // ctest runs the tests from the root of the repository
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Text of the block ```LABEL ... ```.
std::string block(const std::string& label) {
  const std::string text = document();
  const std::string open = "```" + label + "\n";
  const std::size_t start = text.find(open);
  INFO("block " << label);
  REQUIRE(start != std::string::npos);
  REQUIRE(text.find(open, start + 1) == std::string::npos);
  const std::size_t from = start + open.size();
  return text.substr(from, text.find("\n```", from) - from);
}

// Hexadecimal of a `hex` block without spaces and explanations.
std::string hex_of(const std::string& name) {
  std::istringstream lines(block("hex " + name));
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    for (const char c : line.substr(0, line.find('#'))) {
      if (c != ' ') out.push_back(c);
    }
  }
  return out;
}

void check_record(const std::string& name, std::int32_t revision, const State& state) {
  const std::string record = encode_record(revision, state);
  INFO("example " << name);
  CHECK(to_hex(record) == hex_of(name));
  CHECK(to_hex(view(content_hash(record))) == block("sha256 " + name));
  const auto decoded = decode_record(record);
  REQUIRE(decoded.ok());
  CHECK(decoded->schema_revision == revision);
  CHECK(encode_record(revision, decoded->state) == record);
}

State station() {
  return {geo::parse_wkt("POINT (106.7 10.8)").value(), {{1, std::string("Cầu Sài Gòn")}, {2, std::int64_t{4}}}};
}

}  // namespace

TEST_CASE("the records of the document are what the code writes and reads") {
  check_record("nothing", 1, {});
  check_record("road-station", 3, station());
  check_record("every-type", 1,
               {std::nullopt,
                {{1, std::string("QL1")},
                 {2, std::int64_t{-2}},
                 {3, 0.1},
                 {4, true},
                 {5, Date{19849}},
                 {6, Timestamp{1714954089123456, std::int16_t{420}}},
                 {7, Decimal{"-12.50"}},
                 {8, Bytes{std::string("\0\xFF", 2)}},
                 {9, StringList{"pH", "DO"}},
                 {10, Json{R"({"a":1,"b":[true,null]})"}}}});
  check_record("edges", 1,
               {geo::parse_wkt("POINT EMPTY").value(),
                {{1, std::string()},
                 {2, std::numeric_limits<std::int64_t>::min()},
                 {3, -std::numeric_limits<double>::signaling_NaN()},
                 {5, Date{-719162}},
                 {6, Timestamp{0, std::nullopt}},
                 {7, Timestamp{0, std::int16_t{-1080}}},
                 {9, StringList{}},
                 {300, false}}});
}

TEST_CASE("the changeset of the document hashes as it says") {
  const Change upsert{1, ChangeOp::kUpsert, "SG-1", 3, encode_record(3, station())};
  const Change removal{2, ChangeOp::kDelete, "SG-2", std::nullopt, ""};
  const std::string dataset = "transport.station";
  const auto raw = [](const std::string& name) { return from_hex(hex_of(name)).value(); };
  CHECK(to_hex(view(change_hash(dataset, upsert))) == block("sha256 change-upsert"));
  CHECK(to_hex(view(sha256(raw("change-upsert")))) == block("sha256 change-upsert"));
  CHECK(to_hex(view(change_hash(dataset, removal))) == block("sha256 change-delete"));
  CHECK(to_hex(view(sha256(raw("change-delete")))) == block("sha256 change-delete"));

  ContentHasher hasher(
      ChangesetHeader{"any-id", dataset, ChangesetKind::kChanges, "", std::nullopt, false, "any", true});
  hasher.add(change_hash(dataset, upsert));
  hasher.add(change_hash(dataset, removal));
  const std::string content = block("sha256 changeset-content");
  CHECK(to_hex(view(hasher.finish())) == content);
  const std::string input = raw("changeset-header") + std::string(view(change_hash(dataset, upsert))) +
                            std::string(view(change_hash(dataset, removal)));
  CHECK(to_hex(view(sha256(input))) == content);
}

TEST_CASE("the receipt of the document has the digest that it says") {
  const auto receipt = receipt_from_json(block("receipt"));
  REQUIRE(receipt.ok());
  CHECK(receipt_digest(*receipt) == receipt->digest);
  CHECK(to_hex(view(sha256(block("jcs")))) == receipt->digest);
  CHECK(receipt_to_json(*receipt) == nlohmann::json::parse(block("receipt")));
  CHECK(receipt->content_sha256 == block("sha256 changeset-content"));
}

}  // namespace lt::feature
