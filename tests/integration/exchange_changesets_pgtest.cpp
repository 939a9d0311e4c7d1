// Changesets with everything that their header may ask for: several datasets, partial updates, policies, scope,
// resumption.
#include <functional>
#include <map>
#include <random>
#include <tuple>

#include <catch2/catch.hpp>

#include "exchange_support.hpp"

namespace lt::test {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

v1::Change upsert_shape(const std::string& id, const std::string& wkt, const std::string& name = "a") {
  auto made =
      change(R"({"op":"OPERATION_UPSERT","dataset":"test.shapes","feature":{"properties":{"name":")" + name + "\"}}}");
  made.mutable_feature()->set_id(id);
  if (!wkt.empty()) made.mutable_feature()->set_wkt(wkt);
  return made;
}

v1::Change partial(const std::string& json) { return change(json); }

std::string lanes_of(ExchangeFixture& exchange, const std::string& id) {
  const auto found =
      must(exchange.feature(R"({"dataset":"test.points","id":")" + id + R"(","form":"FEATURE_FORM_WKT"})"));
  const auto& fields = found.feature().properties().fields();
  const auto lanes = fields.find("lanes");
  return (lanes == fields.end() ? "-" : std::to_string(static_cast<int>(lanes->second.number_value()))) + " " +
         fields.at("name").string_value() + " " + found.feature().wkt();
}

std::vector<std::string> ids_of(ExchangeFixture& exchange, const std::string& dataset) {
  std::vector<std::string> ids;
  for (const auto& feature : must(exchange.snapshot(R"({"dataset":")" + dataset + R"("})")).entries) {
    ids.push_back(feature.id());
  }
  return ids;
}

TEST_CASE("a changeset over two datasets is one commit of both, or of none") {
  auto config = exchange_config();
  config.publish_memory_bytes = GENERATE(std::int64_t{0}, std::int64_t{3 << 20});
  ExchangeFixture exchange(config);
  const auto first = must(exchange.publish(
      {upsert_point("bridge", 1), upsert_shape("road", "LINESTRING (500000 2000000, 500001 2000000)")}));
  REQUIRE(first.datasets_size() == 2);
  CHECK(first.datasets(0).version() == 1);
  CHECK(first.datasets(1).version() == 1);
  CHECK(first.counts().inserted() == 2);
  CHECK(ids_of(exchange, "test.points") == std::vector<std::string>{"bridge"});
  CHECK(ids_of(exchange, "test.shapes") == std::vector<std::string>{"road"});
  CHECK(must(exchange.dataset("test.shapes")).head_digest() == first.digest());
  CHECK(must(exchange.dataset("test.points")).head_digest() == first.digest());

  SECTION("only what changes gets a version") {
    const auto second = must(exchange.publish(
        {upsert_point("bridge", 2), upsert_shape("road", "LINESTRING (500000 2000000, 500001 2000000)")}));
    for (const auto& one : second.datasets()) CHECK(one.version() == (one.dataset() == "test.points" ? 2 : 1));
    for (const auto& one : second.datasets()) {
      CHECK(one.previous_digest() == (one.dataset() == "test.points" ? first.digest() : ""));
    }
    CHECK(second.counts().unchanged() == 1);
  }
  SECTION("a conflict in one refuses both") {
    auto absent = upsert_shape("nothing", "LINESTRING (500000 2000000, 500001 2000000)");
    absent.set_op(v1::OPERATION_UPDATE);
    const auto before = exchange.stored();
    const auto refused = exchange.publish({upsert_point("bridge", 3), absent});
    REQUIRE_ERROR(refused, kPrecondition, "FEATURE_NOT_FOUND");
    CHECK(metadata_of(refused.status(), "dataset") == "test.shapes");
    CHECK(exchange.stored() == before);
  }
  SECTION("base versions are per dataset") {
    must(exchange.publish({upsert_shape("road", "LINESTRING (500000 2000000, 500002 2000000)")}));
    auto header = exchange.header();
    header.set_base_version(1);
    (*header.mutable_base_versions())["test.shapes"] = 1;
    const std::vector<v1::Change> both{upsert_point("bridge", 4),
                                       upsert_shape("road", "LINESTRING (500000 2000000, 500003 2000000)")};
    const auto refused = exchange.publish(header, both);
    REQUIRE_ERROR(refused, kPrecondition, "VERSION_CONFLICT");
    CHECK(metadata_of(refused.status(), "found_version") == "2");
    (*header.mutable_base_versions())["test.shapes"] = 2;
    CHECK(must(exchange.publish(header, both)).counts().updated() == 2);
  }
  SECTION("the right to publish is needed for each") {
    must(exchange.create_dataset(R"({"name":"other.points","schema":{"fields":[]}})", "environment"));
    auto foreign = change(R"({"op":"OPERATION_UPSERT","dataset":"other.points","feature":{"id":"x"}})");
    REQUIRE_ERROR(exchange.publish({upsert_point("bridge", 5), foreign}), absl::StatusCode::kPermissionDenied,
                  "NOT_OWNER");
    foreign.set_dataset("nothing.there");
    REQUIRE_ERROR(exchange.publish({foreign}), absl::StatusCode::kNotFound, "DATASET_UNKNOWN");
  }
  SECTION("a snapshot is of one dataset") {
    REQUIRE_ERROR(
        exchange.publish_snapshot({upsert_point("bridge", 1), upsert_shape("road", "POINT (500001 2000000)")}),
        kInvalid, "SNAPSHOT_ONE_DATASET");
  }
}

TEST_CASE("the same changeset over two datasets in another order of the changes gives the same receipt") {
  ExchangeFixture exchange;
  const auto header = exchange.header();
  const auto first =
      must(exchange.publish(header, {upsert_point("a", 1), upsert_shape("b", "POINT (500001 2000000)")}));
  const auto again =
      must(exchange.publish(header, {upsert_shape("b", "POINT (500001 2000000)"), upsert_point("a", 1)}));
  CHECK(same(first, again));
}

TEST_CASE("a partial update changes what its mask names and keeps the rest byte for byte") {
  auto config = exchange_config();
  config.publish_memory_bytes = GENERATE(std::int64_t{0}, std::int64_t{3 << 20});
  ExchangeFixture exchange(config);
  must(exchange.publish({upsert_point("a", 1, 2, "one"), upsert_point("b", 2, 3, "two")}));
  const auto receipt = must(exchange.publish(
      {partial(R"({"op":"OPERATION_UPDATE","updateMask":["lanes"],"feature":{"id":"a","properties":{"lanes":7}}})"),
       partial(
           R"j({"op":"OPERATION_UPDATE","updateMask":["geometry","lanes"],"feature":{"id":"b","wkt":"POINT (500999 2000000)"}
})j")}));
  CHECK(receipt.counts().updated() == 2);
  CHECK(lanes_of(exchange, "a") == "7 one POINT (500001 2000000)");
  CHECK(lanes_of(exchange, "b") == "- two POINT (500999 2000000)");

  SECTION("equal content is unchanged") {
    const auto same_again = must(exchange.publish({partial(
        R"({"op":"OPERATION_UPDATE","updateMask":["lanes"],"feature":{"id":"a","properties":{"lanes":7}}})")}));
    CHECK_FALSE(same_again.changed());
    CHECK(same_again.counts().unchanged() == 1);
  }
  SECTION("a feature that is not there is a conflict") {
    REQUIRE_ERROR(
        exchange.publish({partial(
            R"({"op":"OPERATION_UPDATE","updateMask":["lanes"],"feature":{"id":"zz","properties":{"lanes":7}}})")}),
        kPrecondition, "FEATURE_NOT_FOUND");
  }
  SECTION("a mask needs UPDATE, known names, and names all that is sent") {
    REQUIRE_ERROR(
        exchange.publish({partial(
            R"({"op":"OPERATION_UPSERT","updateMask":["lanes"],"feature":{"id":"a","properties":{"lanes":7}}})")}),
        kInvalid, "MASK_NEEDS_UPDATE");
    REQUIRE_ERROR(
        exchange.publish({partial(R"({"op":"OPERATION_UPDATE","updateMask":["lane"],"feature":{"id":"a"}})")}),
        kInvalid, "UNKNOWN_FIELD");
    REQUIRE_ERROR(
        exchange.publish({partial(
            R"({"op":"OPERATION_UPDATE","updateMask":["name"],"feature":{"id":"a","properties":{"lanes":7}}})")}),
        kInvalid, "FIELD_NOT_IN_MASK");
    REQUIRE_ERROR(
        exchange.publish({partial(R"({"op":"OPERATION_UPDATE","updateMask":["name"],"feature":{"id":"a"}})")}),
        kInvalid, "FIELD_REQUIRED");
  }
}

TEST_CASE("conflicts are left out and listed when the header says so") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1), upsert_point("b", 1)}));
  must(exchange.publish({upsert_point("a", 2)}));
  auto header = exchange.header();
  header.set_base_version(1);
  header.set_on_conflict(v1::CONFLICT_POLICY_SKIP_AND_LIST);
  const auto receipt = must(exchange.publish(header, {upsert_point("a", 3), upsert_point("b", 3)}));
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.counts().skipped() == 1);
  CHECK(lanes_of(exchange, "a") == "2 a POINT (500002 2000000)");
  v1::ListConflictsRequest request;
  request.set_attempt_id(receipt.attempt_id());
  v1::ListConflictsResponse response;
  must(rpc::from_grpc_status(exchange.stub_->ListConflicts(exchange.context().get(), request, &response)));
  REQUIRE(response.conflicts_size() == 1);
  CHECK(response.conflicts(0).feature_id() == "a");
  CHECK(response.conflicts(0).kind() == v1::CONFLICT_KIND_CHANGED);
  CHECK(response.conflicts(0).expected_version() == 1);
  CHECK(response.conflicts(0).found_version() == 2);
  CHECK(response.conflicts(0).found_organisation() == "transport");
  CHECK(response.total() == 1);
}

TEST_CASE("repeats are taken as they stand last when the header says so") {
  auto config = exchange_config();
  config.publish_memory_bytes = GENERATE(std::int64_t{0}, std::int64_t{3 << 20});
  ExchangeFixture exchange(config);
  auto header = exchange.header();
  header.set_collapse_repeated(true);
  const std::vector<v1::Change> sent{upsert_point("a", 1), upsert_point("b", 1), upsert_point("a", 2), delete_of("b"),
                                     upsert_point("a", 3)};
  const auto receipt = must(exchange.publish(header, sent));
  CHECK(receipt.counts().inserted() == 1);
  CHECK(receipt.counts().unchanged() == 1);
  CHECK(receipt.counts().collapsed() == 3);
  CHECK(lanes_of(exchange, "a") == "2 a POINT (500003 2000000)");
  CHECK(same(receipt, must(exchange.publish(header, sent))));
}

TEST_CASE("invalid changes go to the quarantine when the header says so, and the stored state stays") {
  auto config = exchange_config();
  config.publish_memory_bytes = GENERATE(std::int64_t{0}, std::int64_t{3 << 20});
  ExchangeFixture exchange(config);
  must(exchange.publish({upsert_point("a", 1), upsert_point("b", 1)}));
  auto header = exchange.header();
  header.set_kind(v1::CHANGESET_KIND_SNAPSHOT);
  header.set_on_invalid(v1::INVALID_POLICY_QUARANTINE);
  auto unreadable = upsert_point("b", 2);
  unreadable.mutable_feature()->set_wkt("POINT (1");
  const std::vector<v1::Change> sent{upsert_point("a", 1, 99), unreadable, upsert_point("c", 1), upsert_point("c", 2),
                                     upsert_point("d", 4)};
  const auto receipt = must(exchange.publish(header, sent));
  CHECK(receipt.counts().quarantined() == 4);
  CHECK(receipt.counts().inserted() == 1);
  CHECK(receipt.counts().deleted() == 0);  // what is invalid counts as present
  CHECK(receipt.counts().findings() == 4);
  CHECK(ids_of(exchange, "test.points") == std::vector<std::string>{"a", "b", "d"});
  CHECK(lanes_of(exchange, "a") == "2 a POINT (500001 2000000)");
  CHECK(same(receipt, must(exchange.publish(header, sent))));
  CHECK(exchange.count("SELECT count(*) FROM lienthong.quarantine WHERE state = 'H'") == 4);
  must(exchange.publish({upsert_point("b", 7)}));
  CHECK(exchange.count("SELECT count(*) FROM lienthong.quarantine WHERE state = 'S' AND fid = 'b'") == 1);
  CHECK(exchange.count("SELECT count(*) FROM lienthong.quarantine WHERE state = 'H'") == 3);
}

TEST_CASE("a dry run counts, lists and keeps nothing") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1)}));
  const auto before = exchange.stored();
  auto header = exchange.header();
  header.set_dry_run(true);
  header.set_on_invalid(v1::INVALID_POLICY_QUARANTINE);
  const auto receipt = must(exchange.publish(header, {upsert_point("a", 2), upsert_point("b", 1, 99)}));
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.counts().quarantined() == 1);
  CHECK(receipt.digest().empty());
  CHECK(exchange.stored() == before);
  CHECK(exchange.count("SELECT count(*) FROM lienthong.quarantine") == 0);
  v1::GetAttemptRequest request;
  request.set_attempt_id(receipt.attempt_id());
  v1::GetAttemptResponse response;
  must(rpc::from_grpc_status(exchange.stub_->GetAttempt(exchange.context().get(), request, &response)));
  CHECK(response.attempt().outcome() == v1::ATTEMPT_OUTCOME_DRY_RUN);
  CHECK(response.attempt().findings() == 1);
}

TEST_CASE("all errors of a refused changeset are listed, not just those of one batch") {
  ExchangeFixture exchange;
  const auto refused = exchange.publish_stream({request_of(exchange.header()), batch_of(1, {upsert_point("a", 1, 99)}),
                                                batch_of(2, {upsert_point("b", 1)}),
                                                batch_of(3, {upsert_point("c", 1, 77), upsert_point("d", 1, 78)})});
  REQUIRE_ERROR(refused, kInvalid, "VALUE_OUT_OF_RANGE");
  CHECK(metadata_of(refused.status(), "findings_total") == "3");
  v1::ListFindingsRequest request;
  request.set_attempt_id(metadata_of(refused.status(), "attempt_id"));
  v1::ListFindingsResponse response;
  must(rpc::from_grpc_status(exchange.stub_->ListFindings(exchange.context().get(), request, &response)));
  REQUIRE(response.findings_size() == 3);
  CHECK(response.findings(0).feature_id() == "a");
  CHECK(response.findings(0).sequence() == 1);
  CHECK(response.findings(2).feature_id() == "d");
  CHECK(response.findings(2).sequence() == 4);
}

// ---- scope

const char* const kWest = "POLYGON ((500000 1999000, 500100 1999000, 500100 2001000, 500000 2001000, 500000 1999000))";

struct ScopedFixture : ExchangeFixture {
  ScopedFixture() {
    std::vector<v1::Change> all;
    for (int i = 0; i < 5; ++i) all.push_back(upsert_point("w" + std::to_string(i), 10 * i));
    for (int i = 0; i < 5; ++i) all.push_back(upsert_point("e" + std::to_string(i), 1000 + 10 * i));
    must(publish(all));
  }
  v1::PublishHeader scoped(const std::string& wkt = kWest) {
    auto made = header();
    made.set_kind(v1::CHANGESET_KIND_SNAPSHOT);
    made.mutable_scope()->set_area_wkt(wkt);
    return made;
  }
};

TEST_CASE("a scoped snapshot deletes only what is inside its scope") {
  ScopedFixture exchange;
  // w0 stays, w1 changes, w2 moves out, w3 and w4 are gone; the border counts as inside.
  const auto receipt = must(exchange.publish(exchange.scoped(), {upsert_point("w0", 0), upsert_point("w1", 10, 9),
                                                                 upsert_point("w2", 500), upsert_point("n", 100)}));
  CHECK(receipt.counts().unchanged() == 1);
  CHECK(receipt.counts().updated() == 2);
  CHECK(receipt.counts().inserted() == 1);
  CHECK(receipt.counts().deleted() == 2);
  CHECK(ids_of(exchange, "test.points") ==
        std::vector<std::string>{"e0", "e1", "e2", "e3", "e4", "n", "w0", "w1", "w2"});
}

TEST_CASE("a scoped snapshot may not touch what is outside, as sent and as stored") {
  ScopedFixture exchange;
  const auto before = exchange.stored();
  const auto fresh = exchange.publish(exchange.scoped(), {upsert_point("w0", 0), upsert_point("new", 5000)});
  REQUIRE_ERROR(fresh, kPrecondition, "OUT_OF_SCOPE");
  REQUIRE_ERROR(exchange.publish(exchange.scoped(), {upsert_point("e1", 1000, 9)}), kPrecondition, "OUT_OF_SCOPE");
  CHECK(exchange.stored() == before);
  // One that comes in is fine.
  const auto receipt = must(
      exchange.publish(exchange.scoped(), {upsert_point("e1", 50), upsert_point("w0", 0), upsert_point("w1", 10),
                                           upsert_point("w2", 20), upsert_point("w3", 30), upsert_point("w4", 40)}));
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.counts().deleted() == 0);
}

TEST_CASE("the scope of a snapshot must be a polygon, of a snapshot") {
  ScopedFixture exchange;
  REQUIRE_ERROR(exchange.publish(exchange.scoped("POINT (1 1)"), {}), kInvalid, "SCOPE_INVALID");
  REQUIRE_ERROR(exchange.publish(exchange.scoped("POLYGON EMPTY"), {}), kInvalid, "SCOPE_INVALID");
  REQUIRE_ERROR(exchange.publish(exchange.scoped("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))"), {}), kInvalid,
                "SCOPE_INVALID");
  REQUIRE_ERROR(exchange.publish(exchange.scoped("nonsense"), {}), kInvalid, "SCOPE_INVALID");
  auto header = exchange.scoped();
  header.set_kind(v1::CHANGESET_KIND_CHANGES);
  REQUIRE_ERROR(exchange.publish(header, {}), kInvalid, "SCOPE_NEEDS_SNAPSHOT");
  REQUIRE_ERROR(exchange.publish(exchange.scoped(), {}), kPrecondition, "EMPTY_SNAPSHOT");
}

struct FilteredFixture : ExchangeFixture {
  using ExchangeFixture::ExchangeFixture;
  v1::PublishHeader filtered(const std::string& filter, const std::string& wkt = "") {
    auto made = header();
    made.set_kind(v1::CHANGESET_KIND_SNAPSHOT);
    made.mutable_scope()->set_filter(filter);
    made.mutable_scope()->set_area_wkt(wkt);
    return made;
  }
};

v1::Change without_lanes(const std::string& id, const std::string& name = "a") {
  auto made = upsert_point(id, 0, 1, name);
  made.mutable_feature()->mutable_properties()->mutable_fields()->erase("lanes");
  return made;
}

TEST_CASE("a snapshot of what a filter holds for deletes only that, and may touch only that") {
  FilteredFixture exchange;
  // Features of lanes 1 to 4, in the west and in the east; one that has none.
  std::vector<v1::Change> all;
  for (int lanes = 1; lanes <= 4; ++lanes) {
    all.push_back(upsert_point("w" + std::to_string(lanes), 10 * lanes, lanes));
    all.push_back(upsert_point("e" + std::to_string(lanes), 1000 + lanes, lanes));
  }
  all.push_back(without_lanes("null"));
  must(exchange.publish(all));

  SECTION("without an area") {
    // w3 stays, e3 leaves the scope, n is new, w1 comes in; w4 and e4 are gone.
    const auto receipt =
        must(exchange.publish(exchange.filtered("lanes >= 3"), {upsert_point("w3", 30, 3), upsert_point("e3", 1003, 1),
                                                                upsert_point("n", 5, 4), upsert_point("w1", 10, 5)}));
    CHECK(receipt.counts().unchanged() == 1);
    CHECK(receipt.counts().updated() == 2);
    CHECK(receipt.counts().inserted() == 1);
    CHECK(receipt.counts().deleted() == 2);
    CHECK(ids_of(exchange, "test.points") == std::vector<std::string>{"e1", "e2", "e3", "n", "null", "w1", "w2", "w3"});
  }
  SECTION("inside an area") {
    const auto receipt = must(exchange.publish(exchange.filtered("lanes >= 3", kWest), {upsert_point("w4", 40, 4)}));
    CHECK(receipt.counts().deleted() == 1);
    CHECK(ids_of(exchange, "test.points") ==
          std::vector<std::string>{"e1", "e2", "e3", "e4", "null", "w1", "w2", "w4"});
  }
  SECTION("of what a spatial filter holds for") {
    const auto receipt = must(
        exchange.publish(exchange.filtered(std::string("S_INTERSECTS(geometry, ") + kWest + ") AND lanes IS NOT NULL"),
                         {upsert_point("w1", 10, 1), upsert_point("w2", 20, 2)}));
    CHECK(receipt.counts().deleted() == 2);
    CHECK(ids_of(exchange, "test.points") == std::vector<std::string>{"e1", "e2", "e3", "e4", "null", "w1", "w2"});
  }
  SECTION("not what is outside, as sent and as stored") {
    const auto before = exchange.stored();
    const auto header = exchange.filtered("lanes >= 3");
    REQUIRE_ERROR(exchange.publish(header, {upsert_point("w1", 11, 1)}), kPrecondition, "OUT_OF_SCOPE");
    REQUIRE_ERROR(exchange.publish(header, {upsert_point("new", 11, 2)}), kPrecondition, "OUT_OF_SCOPE");
    // NULL is not in the scope either.
    REQUIRE_ERROR(exchange.publish(header, {without_lanes("null", "b")}), kPrecondition, "OUT_OF_SCOPE");
    const auto west = exchange.filtered("lanes >= 3", kWest);
    REQUIRE_ERROR(exchange.publish(west, {upsert_point("e3", 1004, 3)}), kPrecondition, "OUT_OF_SCOPE");
    CHECK(exchange.stored() == before);
  }
  SECTION("the filter belongs to the content") {
    auto header = exchange.filtered("lanes >= 4");
    const std::vector<v1::Change> kept{upsert_point("w4", 40, 4)};
    const auto first = must(exchange.publish(header, kept));
    CHECK(first.counts().deleted() == 1);
    CHECK(same(must(exchange.publish(header, kept)), first));
    header.mutable_scope()->set_filter("lanes > 3");
    REQUIRE_ERROR(exchange.publish(header, kept), absl::StatusCode::kAlreadyExists, "CHANGESET_ID_REUSED");
  }
}

TEST_CASE("a filter that cannot be decided for a feature refuses the snapshot and says so") {
  FilteredFixture exchange;
  const auto big = [](const std::string& id, std::int64_t value) {
    auto made = upsert_point(id, 1);
    (*made.mutable_feature()->mutable_properties()->mutable_fields())["big"].set_string_value(std::to_string(value));
    return made;
  };
  constexpr std::int64_t kLargest = 9223372036854775807;
  must(exchange.publish({big("large", kLargest), big("small", 1), big("out", -5)}));
  const auto header = exchange.filtered("big + 1 > 0");
  // As sent.
  auto refused = exchange.publish(header, {big("small", 1), big("large", kLargest)});
  REQUIRE_ERROR(refused, kInvalid, "SCOPE_OVERFLOW");
  CHECK(metadata_of(refused.status(), "feature_id") == "large");
  // As stored: absent, and sent outside of the scope.
  REQUIRE_ERROR(exchange.publish(header, {big("small", 1)}), kPrecondition, "SCOPE_UNDECIDABLE");
  refused = exchange.publish(header, {big("small", 1), big("large", -7)});
  REQUIRE_ERROR(refused, kPrecondition, "SCOPE_UNDECIDABLE");
  CHECK(metadata_of(refused.status(), "feature_id") == "large");
  // Elsewhere it does not matter.
  const auto east = exchange.filtered("big + 1 > 0",
                                      "POLYGON ((500900 1999000, 501000 1999000, 501000 2001000, "
                                      "500900 1999000))");
  auto allowing = east;
  allowing.set_allow_mass_delete(true);
  CHECK_FALSE(must(exchange.publish(allowing, {})).changed());
  // What is replaced inside the scope is not looked at.
  const auto receipt = must(exchange.publish(header, {big("large", 7)}));
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.counts().deleted() == 1);
  CHECK(ids_of(exchange, "test.points") == std::vector<std::string>{"large", "out"});
}

TEST_CASE("the filter of a scope must fit the dataset") {
  FilteredFixture exchange;
  REQUIRE_ERROR(exchange.publish(exchange.filtered("lanes >="), {}), kInvalid, "FILTER_SYNTAX");
  REQUIRE_ERROR(exchange.publish(exchange.filtered("lane = 1"), {}), kInvalid, "FILTER_UNKNOWN_PROPERTY");
  REQUIRE_ERROR(exchange.publish(exchange.filtered("lanes = 'a'"), {}), kInvalid, "FILTER_TYPE");
  REQUIRE_ERROR(exchange.publish(exchange.filtered("name = '" + std::string(70'000, 'x') + "'"), {}),
                absl::StatusCode::kResourceExhausted, "FILTER_TOO_LARGE");
  REQUIRE_ERROR(exchange.publish(exchange.filtered(""), {}), kInvalid, "SCOPE_MISSING");
  auto header = exchange.filtered("lanes = 1");
  header.set_kind(v1::CHANGESET_KIND_CHANGES);
  REQUIRE_ERROR(exchange.publish(header, {}), kInvalid, "SCOPE_NEEDS_SNAPSHOT");
}

TEST_CASE("a feature without geometry is outside of an area, as sent and as stored") {
  ScopedFixture exchange;
  must(exchange.publish({upsert_shape("bare", ""), upsert_shape("west", "POINT (500050 2000000)")}));
  auto header = exchange.scoped();
  header.set_dataset("test.shapes");
  const auto west = upsert_shape("west", "POINT (500050 2000000)");
  REQUIRE_ERROR(exchange.publish(header, {west, upsert_shape("bare", "", "b")}), kPrecondition, "OUT_OF_SCOPE");
  CHECK(must(exchange.publish(header, {west, upsert_shape("bare", "POINT (500051 2000000)")})).counts().updated() == 1);
}

/// What a dataset of points must hold after a scoped snapshot: id -> (x, lanes).
using Points = std::map<std::string, std::pair<int, int>>;
using InScope = std::function<bool(std::pair<int, int>)>;

Points after_snapshot(const Points& stored, const Points& sent, const InScope& in_scope) {
  Points after;
  for (const auto& [id, point] : stored) {
    if (!in_scope(point)) after[id] = point;
  }
  for (const auto& [id, point] : sent) {
    const auto before = stored.find(id);
    const bool known_inside = before != stored.end() && in_scope(before->second);
    if (in_scope(point) || known_inside) after[id] = point;  // else a conflict, left out
  }
  return after;
}

Points random_points(std::mt19937& random, int most) {
  Points points;
  const auto below = [&random](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int i = below(most) + 1; i > 0; --i) {
    points["f" + std::to_string(below(40))] = {20 * below(10), 1 + below(4)};
  }
  return points;
}

TEST_CASE("random snapshots of random scopes leave what they should") {
  auto config = exchange_config();
  config.publish_memory_bytes = GENERATE(std::int64_t{0}, std::int64_t{3 << 20});
  config.staging_piece_bytes = 0;
  FilteredFixture exchange(config);
  const auto is_west = [](int x) { return x <= 100; };
  const std::string west = std::string("S_INTERSECTS(geometry, ") + kWest + ")";
  const std::vector<std::tuple<std::string, std::string, InScope>> scopes{
      {"lanes = 2", "", [](auto p) { return p.second == 2; }},
      {"lanes * 2 + 1 > 4", "", [](auto p) { return p.second * 2 + 1 > 4; }},
      {"lanes IN (1, 4) AND NOT name = 'z'", kWest, [&](auto p) { return p.second % 3 == 1 && is_west(p.first); }},
      {west + " OR lanes = 3", "", [&](auto p) { return is_west(p.first) || p.second == 3; }},
      {"NOT " + west + " AND lanes + 1 < 4", "", [&](auto p) { return !is_west(p.first) && p.second < 3; }},
      {"", kWest, [&](auto p) { return is_west(p.first); }},
  };
  std::mt19937 random(20240506);
  Points stored;
  std::int64_t deleted = 0, skipped = 0;
  for (int run = 0; run < 90; ++run) {
    const auto& [filter, wkt, in_scope] = scopes[random() % scopes.size()];
    const Points fresh = random_points(random, 25);
    std::vector<v1::Change> changes;
    for (const auto& [id, point] : fresh) changes.push_back(upsert_point(id, point.first, point.second));
    if (run % 3 == 0) {  // something for the next ones to work with
      must(exchange.publish(changes));
      for (const auto& [id, point] : fresh) stored[id] = point;
      continue;
    }
    auto header = exchange.filtered(filter, wkt);
    header.set_allow_mass_delete(true);
    header.set_on_conflict(v1::CONFLICT_POLICY_SKIP_AND_LIST);
    INFO("run " << run << ": " << filter << " " << wkt);
    const auto receipt = must(exchange.publish(header, changes));
    stored = after_snapshot(stored, fresh, in_scope);
    deleted += receipt.counts().deleted();
    skipped += receipt.counts().skipped();
    Points found;
    for (const auto& feature :
         must(exchange.snapshot(R"({"dataset":"test.points","form":"FEATURE_FORM_WKT"})")).entries) {
      const auto lanes = static_cast<int>(feature.properties().fields().at("lanes").number_value());
      found[feature.id()] = {std::stoi(feature.wkt().substr(sizeof "POINT (" - 1)) - 500000, lanes};
    }
    REQUIRE(found == stored);
  }
  CHECK(deleted > 50);
  CHECK(skipped > 20);
}

TEST_CASE("a snapshot with a base version does not delete what others made after it") {
  ScopedFixture exchange;
  must(exchange.publish({upsert_point("later", 50)}));
  std::vector<v1::Change> exported;
  for (int i = 0; i < 5; ++i) exported.push_back(upsert_point("w" + std::to_string(i), 10 * i));
  auto header = exchange.scoped();
  header.set_base_version(1);
  const auto refused = exchange.publish(header, exported);
  REQUIRE_ERROR(refused, kPrecondition, "VERSION_CONFLICT");
  CHECK(metadata_of(refused.status(), "feature_id") == "later");
  header.set_on_conflict(v1::CONFLICT_POLICY_SKIP_AND_LIST);
  const auto receipt = must(exchange.publish(header, exported));
  CHECK_FALSE(receipt.changed());
  CHECK(receipt.counts().skipped() == 1);
}

// ---- resumption

TEST_CASE("an upload that broke off is resumed from the batch after the last one staged") {
  auto config = exchange_config();
  config.publish_memory_bytes = 0;
  config.staging_piece_bytes = 64 << 10;
  config.resume_keep = std::chrono::minutes(1);
  ExchangeFixture exchange(config);
  const auto batch = [](int n) {
    std::vector<v1::Change> changes;
    for (int i = 0; i < 300; ++i) changes.push_back(upsert_point("f" + std::to_string(n * 300 + i), n));
    return batch_of(n + 1, changes);
  };
  auto header = exchange.header();
  std::string attempt;
  {
    const auto call = exchange.context();
    const auto stream = exchange.stub_->Publish(call.get());
    REQUIRE(stream->Write(request_of(header)));
    v1::PublishResponse response;
    REQUIRE(stream->Read(&response));
    attempt = response.progress().attempt_id();
    REQUIRE_FALSE(attempt.empty());
    for (int n = 0; n < 4; ++n) REQUIRE(stream->Write(batch(n)));
    std::int64_t received = 0;
    while (received < 1200 && stream->Read(&response)) received = response.progress().received();
    call->TryCancel();
    CHECK_FALSE(stream->Finish().ok());
  }
  const auto outcome = [&] {
    return exchange.count("SELECT count(*) FROM lienthong.attempt WHERE outcome = 'B' AND attempt_id = '" + attempt +
                          "'");
  };
  REQUIRE(wait_until([&] { return outcome() == 1; }));
  CHECK(exchange.staged_tables() == 1);

  header.set_resume_attempt_id(attempt);
  SECTION("with the same header") {
    const auto call = exchange.context();
    const auto stream = exchange.stub_->Publish(call.get());
    REQUIRE(stream->Write(request_of(header)));
    v1::PublishResponse response;
    REQUIRE(stream->Read(&response));
    const auto staged = response.progress().staged_sequence();
    CHECK(response.progress().attempt_id() == attempt);
    CHECK(response.progress().received() == staged * 300);
    REQUIRE(staged >= 1);
    for (auto n = static_cast<int>(staged); n < 6; ++n) REQUIRE(stream->Write(batch(n)));
    REQUIRE(stream->Write(end_of(1800)));
    stream->WritesDone();
    std::optional<v1::Receipt> receipt;
    while (stream->Read(&response)) {
      if (response.has_receipt()) receipt = response.receipt();
    }
    must(rpc::from_grpc_status(stream->Finish()));
    REQUIRE(receipt);
    CHECK(receipt->counts().inserted() == 1800);
    CHECK(receipt->attempt_id() == attempt);
    CHECK(exchange.staged_tables() == 0);
    // The content hash is that of the whole: sent again in one go it is the same changeset.
    header.clear_resume_attempt_id();
    std::vector<v1::PublishRequest> whole{request_of(header)};
    for (int n = 0; n < 6; ++n) whole.push_back(batch(n));
    CHECK(same(must(exchange.publish_stream(whole)), *receipt));
  }
  SECTION("not with another header, nor by another organisation") {
    auto other = header;
    other.set_collapse_repeated(true);
    REQUIRE_ERROR(exchange.publish_stream({request_of(other)}), absl::StatusCode::kNotFound, "ATTEMPT_UNKNOWN");
    REQUIRE_ERROR(exchange.publish(header, {}, "operator"), absl::StatusCode::kNotFound, "ATTEMPT_UNKNOWN");
  }
}

}  // namespace
}  // namespace lt::test
