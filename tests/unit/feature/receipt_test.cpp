#include "feature/receipt.hpp"

#include <catch2/catch.hpp>

#include <limits>

#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "generators.hpp"

namespace lt::feature {
namespace {

using nlohmann::json;

Receipt receipt() {
  Receipt out{"c1", "a1", "push/1", "transport",          "vì sao", 1'700'000'000'000'000, true,
              {},   {},   {},       std::string(64, 'a'), ""};
  out.datasets = {{"roads", "uid-1", 3, std::string(64, 'b'), {{"EPSG:4326", "EPSG:6960"}}},
                  {"bridges", "uid-2", 1, ""}};
  out.counts = {1, 2, 3, 4, 5, 6};
  out.digest = receipt_digest(out);
  return out;
}

Cursor random_cursor(test::Random& random) {
  Cursor cursor{random.one_in(2) ? "" : "view-7", {}};
  for (std::size_t n = random.below(4); n > 0; --n) {
    Cursor::Position position{"uid-" + std::to_string(n), static_cast<std::int64_t>(random.bits() >> 1), ""};
    if (random.one_in(2)) position.digest = to_hex(view(sha256(position.dataset_uid)));
    cursor.positions.push_back(position);
  }
  return cursor;
}

std::string cursor_reason(std::string_view token) {
  const auto cursor = decode_cursor(token);
  if (cursor.ok()) return "OK";
  CHECK(cursor.status().code() == absl::StatusCode::kInvalidArgument);
  return error_reason(cursor.status());
}

// A token whose checksum is right, so that only the content is judged.
std::string token_of(std::string bytes) {
  bytes.append(view(sha256(bytes)).substr(0, 4));
  return to_base64url(bytes);
}

}  // namespace

TEST_CASE("a receipt survives its JSON text") {
  const Receipt full = receipt();
  const auto back = receipt_from_json(receipt_to_json(full).dump());
  REQUIRE(back.ok());
  CHECK(*back == full);
  CHECK(receipt_from_json("{}").value() == Receipt{});
  CHECK(receipt_to_json(Receipt{}) == json::object());
  Receipt touching = receipt();
  touching.areas = {"ADM-2025:22", "ADM-2025:91"};
  CHECK(receipt_to_json(touching)["areas"] == json({"ADM-2025:22", "ADM-2025:91"}));
  CHECK(receipt_from_json(receipt_to_json(touching).dump()).value() == touching);
  CHECK(receipt_digest(touching) != receipt().digest);
  CHECK(error_reason(receipt_from_json(R"({"areas":[1]})").status()) == "RECEIPT_MALFORMED");
}

TEST_CASE("the JSON of a receipt leaves defaults out and writes int64 as strings") {
  Receipt small{"", "a1", "x", "transport", "", 0, false, {{"roads", "uid-1", 3, ""}}, {}, {}, "", ""};
  small.counts.unchanged = 9;
  CHECK(receipt_to_json(small) ==
        json::parse(R"({"attempt_id":"a1","changeset_id":"x","organisation":"transport","counts":{"unchanged":"9"},
                        "datasets":[{"dataset":"roads","dataset_uid":"uid-1","version":"3"}]})"));
}

TEST_CASE("the commit time is written as proto3 JSON writes it") {
  const auto written = [](std::int64_t us) {
    Receipt at;
    at.committed_us = us;
    return receipt_to_json(at)["committed_at"].get<std::string>();
  };
  CHECK(written(1'700'000'000'000'000) == "2023-11-14T22:13:20Z");
  CHECK(written(1'700'000'000'100'000) == "2023-11-14T22:13:20.100Z");
  CHECK(written(1'700'000'000'123'450) == "2023-11-14T22:13:20.123450Z");
  CHECK(written(-1) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("the digest of a receipt covers every member but itself") {
  const Receipt base = receipt();
  CHECK(base.digest.size() == 64);
  const auto differs = [&](auto change) {
    Receipt changed = base;
    change(changed);
    return receipt_digest(changed) != base.digest;
  };
  CHECK_FALSE(differs([](Receipt& r) { r.digest = "other"; }));
  CHECK(differs([](Receipt& r) { r.commit_id += "x"; }));
  CHECK(differs([](Receipt& r) { r.attempt_id += "x"; }));
  CHECK(differs([](Receipt& r) { r.changeset_id += "x"; }));
  CHECK(differs([](Receipt& r) { r.organisation += "x"; }));
  CHECK(differs([](Receipt& r) { r.message += "x"; }));
  CHECK(differs([](Receipt& r) { ++r.committed_us; }));
  CHECK(differs([](Receipt& r) { r.changed = false; }));
  CHECK(differs([](Receipt& r) { std::swap(r.datasets[0], r.datasets[1]); }));
  CHECK(differs([](Receipt& r) { r.datasets[0].previous_digest[0] = 'c'; }));
  CHECK(differs([](Receipt& r) { ++r.datasets[1].version; }));
  CHECK(differs([](Receipt& r) { r.datasets[0].transformations[0].source_crs += "0"; }));
  CHECK(differs([](Receipt& r) { r.datasets[0].transformations[0].operation += "0"; }));
  CHECK(differs([](Receipt& r) { r.datasets[0].transformations.clear(); }));
  CHECK(differs([](Receipt& r) { ++r.counts.skipped; }));
  CHECK(differs([](Receipt& r) { r.content_sha256[0] = 'c'; }));
}

TEST_CASE("a malformed receipt is refused") {
  for (const char* text :
       {"", "[]", "{", R"({"commit_id":1})", R"({"changed":"yes"})", R"({"committed_at":"yesterday"})",
        R"({"committed_at":"2024-01-01T00:00:00"})", R"({"datasets":{}})", R"({"datasets":[1]})",
        R"({"datasets":[{"version":"x"}]})", R"({"datasets":[{"transformations":{}}]})",
        R"({"datasets":[{"transformations":[{"crs":"EPSG:4326"}]}]})", R"({"counts":{"inserted":true}})",
        R"({"counts":[]})", R"({"counts":{"lost":"1"}})", R"({"extra":1})", R"({"datasets":[{"version":""}]})",
        R"({"counts":{"inserted":"99999999999999999999"}})"}) {
    const auto result = receipt_from_json(text);
    INFO(text);
    REQUIRE_FALSE(result.ok());
    CHECK(result.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(error_reason(result.status()) == "RECEIPT_MALFORMED");
  }
}

TEST_CASE("a commit time at another offset is read unless its year has no text in UTC") {
  const auto with_time = [](const std::string& text) {
    return receipt_from_json(R"({"committed_at":")" + text + R"("})");
  };
  for (const std::string last : {"9999-12-31T05:59:59.999999-18:00", "0001-01-01T18:00:00+18:00"}) {
    INFO(last);
    const auto receipt = with_time(last);
    REQUIRE(receipt.ok());
    const auto again = receipt_from_json(receipt_to_json(*receipt).dump());
    REQUIRE(again.ok());
    CHECK(*again == *receipt);
  }
  for (const std::string beyond : {"9999-12-31T06:00:00-18:00", "0001-01-01T17:59:59.999999+18:00"}) {
    INFO(beyond);
    const auto refused = with_time(beyond);
    CHECK(refused.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(error_reason(refused.status()) == "RECEIPT_MALFORMED");
  }
}

TEST_CASE("cursors survive their token, which stands in a URL or a shell unquoted") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  for (int run = 0; run < 2000; ++run) {
    const Cursor cursor = random_cursor(random);
    const std::string token = encode_cursor(cursor);
    INFO("run " << run << " " << token);
    REQUIRE(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
            std::string::npos);
    const auto back = decode_cursor(token);
    REQUIRE(back.ok());
    REQUIRE(*back == cursor);
  }
}

TEST_CASE("a mutated cursor is refused") {
  const std::uint64_t seed = test::seed();
  INFO("LT_TEST_SEED=" << seed);
  test::Random random(seed);
  for (int run = 0; run < 5000; ++run) {
    const std::string token = encode_cursor(random_cursor(random));
    const std::string mutated = test::mutate(token, random);
    if (mutated == token) continue;
    INFO("run " << run << " " << token << " -> " << mutated);
    REQUIRE(cursor_reason(mutated) == "CURSOR_MALFORMED");
  }
}

TEST_CASE("a cursor has at most 1,000 positions") {
  Cursor cursor;
  cursor.positions.assign(kMaxCursorPositions, {"u", 1, ""});
  CHECK(cursor_reason(encode_cursor(cursor)) == "OK");
  cursor.positions.push_back({"u", 1, ""});
  CHECK(cursor_reason(encode_cursor(cursor)) == "CURSOR_MALFORMED");
}

TEST_CASE("a forged cursor is refused where its content is wrong") {
  const auto forged = [](std::string_view hex) { return cursor_reason(token_of(*from_hex(hex))); };
  CHECK(forged("010000") == "OK");
  CHECK(forged("01000101750100") == "OK");          // uid "u", version 1, no digest
  CHECK(forged("020000") == "CURSOR_MALFORMED");    // another form
  CHECK(forged("01000000") == "CURSOR_MALFORMED");  // a byte too many
  CHECK(forged("0100010175"
               "0102") == "CURSOR_MALFORMED");  // digest flag 2
  CHECK(forged("0100010175"
               "01"
               "01"
               "aa") == "CURSOR_MALFORMED");  // digest cut off
  CHECK(forged("01000101"
               "00"
               "0100") == "CURSOR_MALFORMED");  // U+0000 in the uid
  CHECK(forged("010001"
               "0175"
               "ffffffffffffffffff01"
               "00") == "CURSOR_MALFORMED");  // version beyond int64
  CHECK(forged("0100"
               "ffffffffffffffffff01") == "CURSOR_MALFORMED");  // hostile count
  CHECK(cursor_reason("") == "CURSOR_MALFORMED");
  CHECK(cursor_reason("AAAA") == "CURSOR_MALFORMED");
  CHECK(cursor_reason(std::string(1 << 20, 'A')) == "CURSOR_MALFORMED");
}

TEST_CASE("a cursor with a malformed digest cannot be read back") {
  CHECK(cursor_reason(encode_cursor({"", {{"u", 1, "abcd"}}})) == "CURSOR_MALFORMED");
  CHECK(cursor_reason(encode_cursor({"", {{"u", 1, "not hex"}}})) == "CURSOR_MALFORMED");
}

}  // namespace lt::feature
