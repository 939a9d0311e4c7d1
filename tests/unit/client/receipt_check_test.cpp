// Receipts that were kept are checked without an exchange.
#include "client/receipt_check.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"

namespace lt::client {
namespace {

feature::Receipt receipt(std::int64_t version, const std::string& previous, const std::string& uid = "uid-1") {
  feature::Receipt made;
  made.commit_id = uid + "/" + std::to_string(version);
  made.attempt_id = "attempt";
  made.changeset_id = "push/" + std::to_string(version);
  made.organisation = "transport";
  made.message = "đường \"mới\" {";
  made.committed_us = 1'700'000'000'000'001 + version;
  made.changed = true;
  made.datasets = {{"transport.road", uid, version, previous}};
  made.counts.inserted = 300;
  made.counts.unchanged = 1;
  made.content_sha256 = std::string(64, 'c');
  made.digest = feature::receipt_digest(made);
  return made;
}

/// Receipts of versions 1 to n.
std::vector<feature::Receipt> chain(int n) {
  std::vector<feature::Receipt> made;
  for (int v = 1; v <= n; ++v) made.push_back(receipt(v, v == 1 ? "" : made.back().digest));
  return made;
}

std::string text_of(const feature::Receipt& one) { return feature::receipt_to_json(one).dump(); }

std::string lines_of(const std::vector<feature::Receipt>& receipts) {
  std::string text;
  for (const auto& one : receipts) text += text_of(one) + "\n";
  return text;
}

/// The reasons of each receipt, as "A,B;;C".
std::string problems_of(const std::string& text) {
  const auto checked = check_receipts(text);
  if (!checked.ok()) return "error " + error_reason(checked.status());
  std::string all;
  for (const auto& one : *checked) {
    if (&one != &checked->front()) all += ";";
    for (const auto& problem : one.problems) all += (&problem == &one.problems.front() ? "" : ",") + problem.reason;
  }
  return all;
}

/// The receipt as `log` prints it.
std::string log_line(const feature::Receipt& one) {
  nlohmann::json line{{"dataset", "transport.road"},
                      {"version", one.datasets[0].version},
                      {"message", one.message},
                      {"committed_at", "2023-11-14T22:13:20.000002Z"},
                      {"inserted", 300},
                      {"digest", one.digest}};
  line["receipt"] = feature::receipt_to_json(one);
  return line.dump();
}

TEST_CASE("a receipt that was not changed is right, alone and in every form that it is printed in") {
  const auto one = receipt(1, "");
  CHECK(problems_of(text_of(one)) == "");
  CHECK(problems_of("[" + text_of(one) + "]") == "");
  CHECK(problems_of(R"({"receipt": )" + text_of(one) + "}") == "");
  CHECK(problems_of(R"({"changeset":{"receipt":)" + text_of(one) + "}}") == "");
  CHECK(problems_of(R"({"changesets":[{"receipt":)" + text_of(one) + R"(}],"next_page_token":"x"})") == "");
  CHECK(problems_of(R"({"progress":{"received":"3"}} {"findings":{}})" + ("\n{\"receipt\":" + text_of(one) + "}")) ==
        "");
  CHECK(problems_of(feature::receipt_to_json(one).dump(2)) == "");
  CHECK(problems_of(log_line(one)) == "");
}

TEST_CASE("names of members may be in lowerCamelCase") {
  const std::string text =
      R"({"attemptId":"attempt","changed":true,"changesetId":"push/1","commitId":"uid-1/1",)"
      R"("committedAt":"2023-11-14T22:13:20.000002Z","contentSha256":")" +
      std::string(64, 'c') +
      R"(","counts":{"inserted":"300","unchanged":"1","deleted":"0"},"datasets":[{"dataset":"transport.road",)"
      R"("datasetUid":"uid-1","version":"1"}],"message":"đường \"mới\" {","organisation":"transport","digest":")" +
      receipt(1, "").digest + R"("})";
  CHECK(problems_of(text) == "");
}

TEST_CASE("every change of a receipt is noticed") {
  const auto one = receipt(2, std::string(64, 'a'));
  const auto changed = [&](const auto& change) {
    auto json = feature::receipt_to_json(one);
    change(json);
    return problems_of(json.dump());
  };
  CHECK(changed([](auto& json) { json["counts"]["inserted"] = "301"; }) == "DIGEST_MISMATCH");
  CHECK(changed([](auto& json) { json["message"] = "x"; }) == "DIGEST_MISMATCH");
  CHECK(changed([](auto& json) { json.erase("organisation"); }) == "DIGEST_MISMATCH");
  CHECK(changed([](auto& json) { json["datasets"][0]["version"] = "3"; }) == "DIGEST_MISMATCH");
  CHECK(changed([](auto& json) { json["committed_at"] = "2023-11-14T22:13:20.000004Z"; }) == "DIGEST_MISMATCH");
  CHECK(changed([](auto& json) { json["digest"] = std::string(64, '0'); }) == "DIGEST_MISMATCH");
  CHECK(changed([](auto& json) { json.erase("digest"); }) == "DIGEST_MISSING");
  CHECK(changed([](auto& json) { json["note"] = "by hand"; }) == "RECEIPT_MALFORMED");
  CHECK(changed([](auto& json) { json["counts"]["inserted"] = "many"; }) == "RECEIPT_MALFORMED");
}

TEST_CASE("what is printed beside a receipt must say the same") {
  const auto one = receipt(1, "");
  const auto changed = [&](const char* name, const nlohmann::json& value) {
    auto json = nlohmann::json::parse(log_line(one));
    json[name] = value;
    return problems_of(json.dump());
  };
  CHECK(changed("inserted", 301) == "RECEIPT_MISQUOTED");
  CHECK(changed("version", 2) == "RECEIPT_MISQUOTED");
  CHECK(changed("message", "x") == "RECEIPT_MISQUOTED");
  CHECK(changed("committed_at", "2023-11-14T22:13:21Z") == "RECEIPT_MISQUOTED");
  CHECK(changed("digest", std::string(64, '0')) == "RECEIPT_MISQUOTED");
  CHECK(changed("dataset", "transport.rail") == "RECEIPT_MISQUOTED");
  CHECK(changed("something", "else") == "");
}

TEST_CASE("receipts of a dataset form a chain, in any order") {
  auto receipts = chain(4);
  CHECK(problems_of(lines_of(receipts)) == ";;;");
  std::reverse(receipts.begin(), receipts.end());
  CHECK(problems_of(lines_of(receipts)) == ";;;");
  receipts.push_back(receipts.front());
  CHECK(problems_of(lines_of(receipts)) == ";;;;");
}

TEST_CASE("a chain may start anywhere, a missing receipt within it is a gap") {
  const auto receipts = chain(6);
  CHECK(problems_of(text_of(receipts[4])) == "");
  CHECK(problems_of(lines_of({receipts[2], receipts[3]})) == ";");
  CHECK(problems_of(lines_of({receipts[1], receipts[2], receipts[5]})) == ";;CHAIN_GAP");
}

TEST_CASE("a receipt that was replaced by another with a right digest breaks the chain") {
  auto receipts = chain(3);
  receipts[1].counts.inserted = 1;
  receipts[1].digest = feature::receipt_digest(receipts[1]);
  CHECK(problems_of(lines_of(receipts)) == ";;CHAIN_BROKEN");
  auto first = receipt(1, std::string(64, 'a'));
  CHECK(problems_of(text_of(first)) == "CHAIN_BROKEN");
}

TEST_CASE("two receipts of one version are a fork") {
  const auto receipts = chain(2);
  auto other = receipts[1];
  other.counts.inserted = 1;
  other.digest = feature::receipt_digest(other);
  CHECK(problems_of(lines_of({receipts[0], receipts[1], other})) == ";CHAIN_FORKED;CHAIN_FORKED");
}

TEST_CASE("each dataset of a commit has a chain of its own, also where nothing changed in one") {
  const auto road = chain(2);
  auto both = receipt(3, road[1].digest);
  both.datasets.push_back({"transport.bridge", "uid-2", 1, ""});
  both.digest = feature::receipt_digest(both);
  auto unchanged = receipt(4, both.digest);
  unchanged.datasets.push_back({"transport.bridge", "uid-2", 1, ""});
  unchanged.digest = feature::receipt_digest(unchanged);
  CHECK(problems_of(lines_of({road[0], road[1], both, unchanged})) == ";;;");
  auto bridge = receipt(2, road[0].digest, "uid-2");
  CHECK(problems_of(lines_of({both, bridge})) == ";CHAIN_BROKEN");
  bridge = receipt(2, both.digest, "uid-2");
  CHECK(problems_of(lines_of({both, bridge, unchanged})) == ";;");
}

TEST_CASE("a receipt without effect is checked and not chained") {
  const auto receipts = chain(2);
  auto nothing = receipt(2, "");
  nothing.changed = false;
  nothing.commit_id.clear();
  nothing.digest = feature::receipt_digest(nothing);
  CHECK(problems_of(lines_of({receipts[0], receipts[1], nothing})) == ";;");
}

TEST_CASE("what holds no receipts is refused") {
  CHECK(problems_of("") == "error RECEIPTS_MISSING");
  CHECK(problems_of("[]") == "error RECEIPTS_MISSING");
  CHECK(problems_of(R"({"progress":{}})") == "error RECEIPTS_MISSING");
  CHECK(problems_of("receipt") == "error RECEIPT_MALFORMED");
  CHECK(problems_of(text_of(receipt(1, "")).substr(0, 100)) == "error RECEIPT_MALFORMED");
  CHECK(problems_of(R"({"a":1,"a":2})") == "error RECEIPT_MALFORMED");
  CHECK(problems_of(R"({"error":{"code":"NOT_FOUND"}})") == "RECEIPT_MALFORMED");
  CHECK(problems_of(R"({"receipt":null})") == "RECEIPT_MALFORMED");
}

}  // namespace
}  // namespace lt::client
