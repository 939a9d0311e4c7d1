// The life of a feature, undoing a changeset, and reading as of a time.
#include <cstring>
#include <map>

#include <google/protobuf/util/time_util.h>

#include "base/bytes.hpp"
#include "exchange_support.hpp"
#include "feature/record.hpp"
#include "geo/geometry.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;
using google::protobuf::util::TimeUtil;

constexpr std::size_t kMaxAnswerBytes = 3U << 20;

absl::StatusOr<v1::ListFeatureHistoryResponse> history(ExchangeFixture& exchange, const std::string& json) {
  v1::ListFeatureHistoryResponse response;
  LT_RETURN_IF_ERROR(rpc::from_grpc_status(exchange.stub_->ListFeatureHistory(
      ExchangeFixture::context("environment").get(), from_json<v1::ListFeatureHistoryRequest>(json), &response)));
  return response;
}

absl::StatusOr<v1::Receipt> revert(ExchangeFixture& exchange, v1::RevertChangesetRequest request,
                                   const std::string& organisation = "transport") {
  if (request.changeset_id().empty()) request.set_changeset_id(make_uuid7());
  v1::RevertChangesetResponse response;
  LT_RETURN_IF_ERROR(rpc::from_grpc_status(
      exchange.stub_->RevertChangeset(ExchangeFixture::context(organisation).get(), request, &response)));
  return response.receipt();
}
absl::StatusOr<v1::Receipt> revert(ExchangeFixture& exchange, const std::string& json,
                                   const std::string& organisation = "transport") {
  return revert(exchange, from_json<v1::RevertChangesetRequest>(json), organisation);
}

/// What a dataset holds at a version (the head without one), to the byte.
std::map<std::string, std::string> state_of(ExchangeFixture& exchange, const std::string& dataset,
                                            std::optional<int> version = std::nullopt) {
  const std::string at = version ? R"(,"version":)" + std::to_string(*version) : "";
  const auto answer =
      must(exchange.snapshot(R"({"dataset":")" + dataset + R"(","form":"FEATURE_FORM_RECORD")" + at + "}"));
  std::map<std::string, std::string> state;
  for (const auto& feature : answer.entries) state[feature.id()] = feature.record();
  return state;
}

int version_of(const v1::Receipt& receipt) { return static_cast<int>(receipt.datasets(0).version()); }

/// A line of so many vertices in test.shapes, as a record of 16 bytes a vertex.
std::string line_record(std::uint32_t vertices, double start) {
  std::string wkb("\x01\x02\x00\x00\x00", 5);
  append_u32(wkb, vertices);
  for (std::uint32_t i = 0; i < vertices; ++i) {
    for (const double ordinate : {start + i * 0.25, 2000000 + i * 0.5}) {
      char bytes[sizeof ordinate];
      std::memcpy(bytes, &ordinate, sizeof ordinate);
      wkb.append(bytes, sizeof bytes);
    }
  }
  feature::State state;
  state.geometry = must(geo::parse_wkb(wkb));
  return feature::encode_record(1, state);
}

v1::Receipt publish_line(ExchangeFixture& exchange, const std::string& id, std::uint32_t vertices, double start) {
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id(id);
  change.mutable_feature()->set_record(line_record(vertices, start));
  std::vector<v1::PublishRequest> messages{request_of(exchange.header("test.shapes"))};
  for (const auto& part : wire::split_into_parts(change.SerializeAsString(), 1)) messages.push_back(request_of(part));
  return must(exchange.publish_stream(messages));
}

v1::Change upsert_shape(const std::string& id, const std::string& name) {
  return change(R"({"op":"OPERATION_UPSERT","dataset":"test.shapes","feature":{"id":")" + id +
                R"j(","wkt":"POINT (500000 2000000)","properties":{"name":")j" + name + R"("}}})");
}

// --- history

TEST_CASE("the history of a feature tells who changed it when and why, with the states before and after") {
  ExchangeFixture exchange;
  auto first = exchange.header();
  first.set_message("đợt đầu");
  const auto inserted = must(exchange.publish(first, {upsert_point("a", 1, 2, "one"), upsert_point("b", 2)}));
  must(exchange.publish({upsert_point("b", 3)}));
  const auto updated = must(exchange.publish({upsert_point("a", 1, 4, "two")}));
  must(exchange.publish({delete_of("a")}));
  must(exchange.publish({upsert_point("a", 9, 5, "three")}));

  const auto page = must(history(exchange, R"({"dataset":"test.points","id":"a","form":"FEATURE_FORM_WKT"})"));
  REQUIRE(page.changes_size() == 4);
  CHECK(page.crs() == "EPSG:5897");
  CHECK(page.operation() == "identity");
  CHECK(page.next_page_token().empty());
  const auto& again = page.changes(0);
  CHECK(again.op() == v1::ENTRY_OP_INSERT);
  CHECK(again.version() == 5);
  CHECK_FALSE(again.has_before());
  CHECK(again.after().properties().fields().at("name").string_value() == "three");
  const auto& deleted = page.changes(1);
  CHECK(deleted.op() == v1::ENTRY_OP_DELETE);
  CHECK(deleted.version() == 4);
  CHECK_FALSE(deleted.has_after());
  CHECK(deleted.before().properties().fields().at("name").string_value() == "two");
  CHECK(deleted.before().version() == 3);
  const auto& changed = page.changes(2);
  CHECK(changed.op() == v1::ENTRY_OP_UPDATE);
  CHECK(changed.version() == 3);
  CHECK(changed.changeset_id() == updated.changeset_id());
  CHECK(changed.commit_id() == updated.commit_id());
  CHECK(same(changed.committed_at(), updated.committed_at()));
  CHECK(changed.before().properties().fields().at("lanes").number_value() == 2);
  CHECK(changed.after().properties().fields().at("lanes").number_value() == 4);
  const auto& made = page.changes(3);
  CHECK(made.op() == v1::ENTRY_OP_INSERT);
  CHECK(made.version() == 1);
  CHECK(made.organisation() == "transport");
  CHECK(made.message() == "đợt đầu");
  CHECK(made.changeset_id() == inserted.changeset_id());
  CHECK_FALSE(made.has_before());
  CHECK(made.after().wkt() == "POINT (500001 2000000)");
}

TEST_CASE("the history of a feature that was deleted is there, and goes on page by page") {
  ExchangeFixture exchange;
  for (int i = 0; i < 4; ++i) must(exchange.publish({upsert_point("a", i)}));
  must(exchange.publish({delete_of("a")}));
  std::string token;
  std::vector<std::int64_t> versions;
  int pages = 0;
  do {
    const auto page =
        must(history(exchange, R"({"dataset":"test.points","id":"a","page_size":2,"page_token":")" + token + R"("})"));
    for (const auto& one : page.changes()) versions.push_back(one.version());
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  CHECK(versions == std::vector<std::int64_t>{5, 4, 3, 2, 1});
  CHECK(pages == 3);
  const auto exact = must(history(exchange, R"({"dataset":"test.points","id":"a","page_size":5})"));
  CHECK(exact.next_page_token().empty());
}

TEST_CASE("the history of a feature is found by exactly its id") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1)}));
  REQUIRE_ERROR(history(exchange, R"({"dataset":"test.points","id":"A"})"), Code::kNotFound, "FEATURE_NOT_FOUND");
  REQUIRE_ERROR(history(exchange, R"({"dataset":"test.points"})"), Code::kInvalidArgument, "FEATURE_ID_MISSING");
  REQUIRE_ERROR(history(exchange, R"({"dataset":"no.such","id":"a"})"), Code::kNotFound, "DATASET_UNKNOWN");
  REQUIRE_ERROR(history(exchange, R"({"dataset":"test.points","id":"a","page_size":-1})"), Code::kInvalidArgument,
                "PAGE_SIZE_INVALID");
  REQUIRE_ERROR(history(exchange, R"({"dataset":"test.points","id":"a","page_token":"x"})"), Code::kInvalidArgument,
                "PAGE_TOKEN_MALFORMED");
}

TEST_CASE("an answer with the history of a large feature is cut at 3 MiB and loses nothing") {
  ExchangeFixture exchange;
  constexpr int kVersions = 5;
  for (int i = 0; i < kVersions; ++i) publish_line(exchange, "long", 60'000, 500000 + i);
  std::string token;
  std::vector<std::int64_t> versions;
  int pages = 0;
  do {
    const auto page =
        must(history(exchange, R"({"dataset":"test.shapes","id":"long","form":"FEATURE_FORM_RECORD","page_token":")" +
                                   token + R"("})"));
    CHECK(page.ByteSizeLong() <= kMaxAnswerBytes + 4096);
    for (const auto& one : page.changes()) {
      versions.push_back(one.version());
      CHECK_FALSE(one.too_large());
      CHECK(one.after().record() == line_record(60'000, 500000 + static_cast<double>(one.version() - 1)));
      CHECK(one.has_before() == (one.version() > 1));
    }
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  CHECK(versions == std::vector<std::int64_t>{5, 4, 3, 2, 1});
  CHECK(pages > 1);
}

TEST_CASE("states that do not fit into an answer are left out and said to be") {
  ExchangeFixture exchange;
  publish_line(exchange, "long", 120'000, 500000);
  publish_line(exchange, "long", 120'000, 500001);
  publish_line(exchange, "long", 220'000, 500001);
  const auto page = [&](const std::string& token) {
    return must(history(exchange, R"({"dataset":"test.shapes","id":"long","form":"FEATURE_FORM_RECORD","page_size":1,
                                      "page_token":")" +
                                      token + R"("})"));
  };
  const auto third = page("");
  REQUIRE(third.changes_size() == 1);
  CHECK(third.changes(0).too_large());
  CHECK_FALSE(third.changes(0).has_before());
  CHECK_FALSE(third.changes(0).has_after());
  CHECK(third.changes(0).changeset_id().size() > 0);
  const auto second = page(third.next_page_token());
  REQUIRE(second.changes_size() == 1);
  CHECK(second.changes(0).too_large());
  CHECK_FALSE(second.changes(0).has_before());
  CHECK(second.changes(0).after().record() == line_record(120'000, 500001));
  const auto first = page(second.next_page_token());
  REQUIRE(first.changes_size() == 1);
  CHECK_FALSE(first.changes(0).too_large());
  CHECK(first.changes(0).has_after());
}

// --- revert

TEST_CASE("a revert undoes inserts, updates and deletes to the byte") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("kept", 0), upsert_point("updated", 1), upsert_point("deleted", 2)}));
  auto header = exchange.header();
  header.set_changeset_id("wrong/1");
  must(exchange.publish(header,
                        {upsert_point("inserted", 3), upsert_point("updated", 4, 7, "x"), delete_of("deleted")}));
  const auto receipt = must(revert(exchange, R"({"dataset":"test.points","version":2})"));
  CHECK(version_of(receipt) == 3);
  CHECK(receipt.counts().inserted() == 1);
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.counts().deleted() == 1);
  CHECK(receipt.organisation() == "transport");
  CHECK(receipt.message().find("Reverts wrong/1 (commit ") == 0);
  CHECK(state_of(exchange, "test.points") == state_of(exchange, "test.points", 1));
}

TEST_CASE("a revert of a revert brings back what was reverted") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("kept", 0), upsert_point("updated", 1), upsert_point("deleted", 2)}));
  must(exchange.publish({upsert_point("inserted", 3), upsert_point("updated", 4), delete_of("deleted")}));
  must(revert(exchange, R"({"dataset":"test.points","version":2})"));
  const auto again = must(revert(exchange, R"({"dataset":"test.points","version":3})"));
  CHECK(version_of(again) == 4);
  CHECK(state_of(exchange, "test.points") == state_of(exchange, "test.points", 2));
  const auto third = must(revert(exchange, R"({"dataset":"test.points","version":4})"));
  CHECK(version_of(third) == 5);
  CHECK(state_of(exchange, "test.points") == state_of(exchange, "test.points", 1));
}

TEST_CASE("features that changed after the reverted version are conflicts that refuse the revert") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1), upsert_point("b", 2)}));
  must(exchange.publish({upsert_point("a", 3), upsert_point("b", 4)}));
  must(exchange.publish({upsert_point("b", 5)}));
  const std::string before = exchange.stored();
  const auto refused = revert(exchange, R"({"dataset":"test.points","version":2})");
  REQUIRE_ERROR(refused, Code::kFailedPrecondition, "VERSION_CONFLICT");
  CHECK_FALSE(metadata_of(refused.status(), "attempt_id").empty());
  CHECK(exchange.stored() == before);
}

TEST_CASE("a revert may skip features that changed afterwards") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1), upsert_point("b", 2)}));
  must(exchange.publish({upsert_point("a", 3), upsert_point("b", 4)}));
  must(exchange.publish({upsert_point("b", 5)}));
  const auto receipt =
      must(revert(exchange, R"({"dataset":"test.points","version":2,"on_conflict":"CONFLICT_POLICY_SKIP_AND_LIST"})"));
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.counts().skipped() == 1);
  const auto now = state_of(exchange, "test.points");
  CHECK(now.at("a") == state_of(exchange, "test.points", 1).at("a"));
  CHECK(now.at("b") == state_of(exchange, "test.points", 3).at("b"));
  v1::ListConflictsRequest request;
  request.set_attempt_id(receipt.attempt_id());
  v1::ListConflictsResponse conflicts;
  must(rpc::from_grpc_status(exchange.stub_->ListConflicts(ExchangeFixture::context().get(), request, &conflicts)));
  REQUIRE(conflicts.conflicts_size() == 1);
  CHECK(conflicts.conflicts(0).feature_id() == "b");
  CHECK(conflicts.conflicts(0).expected_version() == 2);
  CHECK(conflicts.conflicts(0).found_version() == 3);
}

TEST_CASE("a feature that was deleted and created again since is a conflict of a revert") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1)}));
  must(exchange.publish({delete_of("a")}));
  must(exchange.publish({upsert_point("a", 5)}));
  REQUIRE_ERROR(revert(exchange, R"({"dataset":"test.points","version":2})"), Code::kFailedPrecondition,
                "VERSION_CONFLICT");
}

TEST_CASE("a revert of what is back already changes nothing") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1)}));
  must(exchange.publish({upsert_point("a", 2)}));
  must(exchange.publish({upsert_point("a", 1)}));
  const auto receipt = must(revert(exchange, R"({"dataset":"test.points","version":2})"));
  CHECK_FALSE(receipt.changed());
  CHECK(receipt.counts().unchanged() == 1);
}

TEST_CASE("a revert of a large version goes through staging in pieces and back") {
  auto config = exchange_config();
  config.publish_memory_bytes = 4096;
  config.staging_piece_bytes = 64 << 10;
  ExchangeFixture exchange(config);
  constexpr int kBatches = 50;
  constexpr int kSize = 100;  // more features than one page of the reader holds
  std::vector<v1::PublishRequest> messages{request_of(exchange.header())};
  for (int b = 1; b <= kBatches; ++b) {
    std::vector<v1::Change> changes;
    for (int i = 0; i < kSize; ++i) changes.push_back(upsert_point(std::to_string(b) + "-" + std::to_string(i), i));
    messages.push_back(batch_of(b, changes));
  }
  must(exchange.publish_stream(messages));
  const auto gone = must(revert(exchange, R"({"dataset":"test.points","version":1})"));
  CHECK(gone.counts().deleted() == kBatches * kSize);
  CHECK(must(exchange.dataset()).feature_count() == 0);
  const auto back = must(revert(exchange, R"({"dataset":"test.points","version":2})"));
  CHECK(back.counts().inserted() == kBatches * kSize);
  CHECK(state_of(exchange, "test.points") == state_of(exchange, "test.points", 1));
}

TEST_CASE("a revert brings back features that are too large for a message or a batch") {
  ExchangeFixture exchange;
  publish_line(exchange, "longest", 300'000, 500000);
  for (const char* id : {"a", "b", "c"}) publish_line(exchange, id, 60'000, 500000);
  const auto before = state_of(exchange, "test.shapes");
  std::vector<v1::Change> deletes;
  for (const char* id : {"a", "b", "c", "longest"}) deletes.push_back(delete_of(id));
  const auto gone = must(exchange.publish(exchange.header("test.shapes"), deletes));
  const auto receipt = must(revert(exchange, R"({"reverted_changeset_id":")" + gone.changeset_id() + R"("})"));
  CHECK(receipt.counts().inserted() == 4);
  CHECK(state_of(exchange, "test.shapes") == before);
}

TEST_CASE("a revert undoes a changeset in all its datasets, and only there") {
  ExchangeFixture exchange;
  must(exchange.publish(exchange.header("test.shapes"), {upsert_shape("s", "old")}));
  const auto both = must(exchange.publish({upsert_point("p", 1), upsert_shape("s", "new")}));
  REQUIRE(both.datasets_size() == 2);
  const auto receipt = must(revert(exchange, R"({"reverted_changeset_id":")" + both.changeset_id() + R"("})"));
  CHECK(receipt.datasets_size() == 2);
  CHECK(receipt.counts().deleted() == 1);
  CHECK(receipt.counts().updated() == 1);
  CHECK(state_of(exchange, "test.points").empty());
  CHECK(state_of(exchange, "test.shapes") == state_of(exchange, "test.shapes", 1));

  // test.shapes is addressed without effect: its head, which the receipt names, is another changeset's.
  const auto half = must(exchange.publish({upsert_point("q", 1), upsert_shape("s", "old")}));
  REQUIRE(half.counts().unchanged() == 1);
  const auto undone = must(revert(exchange, R"({"reverted_changeset_id":")" + half.changeset_id() + R"("})"));
  CHECK(undone.counts().deleted() == 1);
  CHECK(undone.counts().updated() == 0);
  CHECK(state_of(exchange, "test.shapes") == state_of(exchange, "test.shapes", 1));
}

TEST_CASE("a dry run of a revert counts and keeps nothing") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1)}));
  const std::string before = exchange.stored();
  const auto receipt = must(revert(exchange, R"({"dataset":"test.points","version":1,"dry_run":true})"));
  CHECK(receipt.counts().deleted() == 1);
  CHECK(receipt.digest().empty());
  CHECK(exchange.stored() == before);
}

TEST_CASE("a revert repeated with its id has its effect once") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1)}));
  const std::string request = R"({"dataset":"test.points","version":1,"changeset_id":"undo/1","message":"sai"})";
  const auto first = must(revert(exchange, request));
  CHECK(first.message() == "sai");
  CHECK(same(first, must(revert(exchange, request))));
  CHECK(must(exchange.dataset()).head() == 2);
  REQUIRE_ERROR(revert(exchange, R"({"dataset":"test.points","version":2,"changeset_id":"undo/1"})"),
                Code::kAlreadyExists, "CHANGESET_ID_REUSED");
}

TEST_CASE("a revert names what there is to undo, by who may") {
  ExchangeFixture exchange;
  const auto made = must(exchange.publish({upsert_point("a", 1)}));
  const auto nothing = must(exchange.publish({upsert_point("a", 1)}));
  REQUIRE_ERROR(revert(exchange, R"({"reverted_changeset_id":")" + nothing.changeset_id() + R"("})"),
                Code::kFailedPrecondition, "NOTHING_TO_REVERT");
  REQUIRE_ERROR(revert(exchange, R"({"dataset":"test.points","version":2})"), Code::kNotFound, "CHANGESET_UNKNOWN");
  REQUIRE_ERROR(revert(exchange, R"({"reverted_changeset_id":"none"})"), Code::kNotFound, "CHANGESET_UNKNOWN");
  REQUIRE_ERROR(revert(exchange, R"({})"), Code::kInvalidArgument, "KEY_MISSING");
  REQUIRE_ERROR(revert(exchange, R"({"dataset":"test.points","version":1,"reverted_changeset_id":"x"})"),
                Code::kInvalidArgument, "KEY_AMBIGUOUS");
  REQUIRE_ERROR(revert(exchange, R"({"dataset":"test.points","version":1,"changeset_id":"no spaces"})"),
                Code::kInvalidArgument, "CHANGESET_ID_INVALID");
  REQUIRE_ERROR(revert(exchange, R"({"dataset":"test.points","version":1})", "environment"), Code::kPermissionDenied,
                "NOT_OWNER");
  const auto by_operator =
      must(revert(exchange, R"({"organisation":"transport","reverted_changeset_id":")" + made.changeset_id() + R"("})",
                  "operator"));
  CHECK(by_operator.organisation() == "operator");
  CHECK(by_operator.counts().deleted() == 1);
}

TEST_CASE("a version whose states before were compacted cannot be reverted, the next one can") {
  ExchangeFixture exchange;
  for (int i = 0; i < 4; ++i) must(exchange.publish({upsert_point("a", i)}));
  auto connection = exchange.database_.connect();
  must(connection.execute("UPDATE lienthong.dataset_head SET horizon = 2"));
  REQUIRE_ERROR(revert(exchange, R"({"dataset":"test.points","version":2})"), Code::kOutOfRange, "HISTORY_COMPACTED");
  const auto newest = must(revert(exchange, R"({"dataset":"test.points","version":4})"));
  CHECK(newest.counts().updated() == 1);
}

// --- as of a time

std::string time_json(const google::protobuf::Timestamp& time) { return "\"" + TimeUtil::ToString(time) + "\""; }

TEST_CASE("a snapshot as of a time is the last version committed by then") {
  ExchangeFixture exchange;
  const auto first = must(exchange.publish({upsert_point("a", 1)}));
  const auto second = must(exchange.publish({upsert_point("a", 2), upsert_point("b", 2)}));
  const auto third = must(exchange.publish({delete_of("a")}));
  const auto version_at = [&](const google::protobuf::Timestamp& time) {
    const auto answer = must(exchange.snapshot(R"({"dataset":"test.points","as_of_time":)" + time_json(time) + "}"));
    return std::pair(answer.header.to_version(), answer.entries.size());
  };
  const auto microsecond = TimeUtil::MicrosecondsToDuration(1);
  CHECK(version_at(first.committed_at() - microsecond) == std::pair(std::int64_t{0}, std::size_t{0}));
  CHECK(version_at(first.committed_at()) == std::pair(std::int64_t{1}, std::size_t{1}));
  CHECK(version_at(second.committed_at() - microsecond) == std::pair(std::int64_t{1}, std::size_t{1}));
  CHECK(version_at(second.committed_at()) == std::pair(std::int64_t{2}, std::size_t{2}));
  CHECK(version_at(third.committed_at()) == std::pair(std::int64_t{3}, std::size_t{1}));
  CHECK(version_at(third.committed_at() + TimeUtil::HoursToDuration(1)) == std::pair(std::int64_t{3}, std::size_t{1}));
}

TEST_CASE("a feature as of a time is the state that it had then") {
  ExchangeFixture exchange;
  const auto first = must(exchange.publish({upsert_point("a", 1, 2)}));
  must(exchange.publish({upsert_point("a", 1, 3)}));
  const auto at = [&](const google::protobuf::Timestamp& time) {
    return exchange.feature(R"({"dataset":"test.points","id":"a","as_of_time":)" + time_json(time) + "}");
  };
  CHECK(must(at(first.committed_at())).feature().version() == 1);
  CHECK(must(at(first.committed_at() + TimeUtil::HoursToDuration(1))).feature().version() == 2);
  REQUIRE_ERROR(at(first.committed_at() - TimeUtil::MicrosecondsToDuration(1)), Code::kNotFound, "FEATURE_NOT_FOUND");
}

TEST_CASE("a time of another form, or beside a version, is refused") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 1)}));
  const std::string both = R"("version":1,"as_of_time":"2026-01-01T00:00:00Z"})";
  REQUIRE_ERROR(exchange.snapshot(R"({"dataset":"test.points",)" + both), Code::kInvalidArgument, "VERSION_AND_TIME");
  REQUIRE_ERROR(exchange.feature(R"({"dataset":"test.points","id":"a",)" + both), Code::kInvalidArgument,
                "VERSION_AND_TIME");
  v1::StreamSnapshotRequest request;
  request.set_dataset("test.points");
  request.mutable_as_of_time()->set_nanos(-1);
  const auto call = ExchangeFixture::context();
  REQUIRE_ERROR(read_all<v1::Feature>(*exchange.stub_->StreamSnapshot(call.get(), request)).status(),
                Code::kInvalidArgument, "TIMESTAMP_INVALID");
  request.mutable_as_of_time()->set_nanos(0);
  request.mutable_as_of_time()->set_seconds(253'402'300'800);
  const auto next_call = ExchangeFixture::context();
  REQUIRE_ERROR(read_all<v1::Feature>(*exchange.stub_->StreamSnapshot(next_call.get(), request)).status(),
                Code::kInvalidArgument, "TIMESTAMP_INVALID");
}

}  // namespace
}  // namespace lt::test
