// Quarantine from end to end: set aside, listed, superseded, corrected and released, discarded.
#include <thread>

#include <catch2/catch.hpp>

#include "exchange_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using Code = absl::StatusCode;
using Strings = std::vector<std::string>;

// With lanes out of range, so invalid.
v1::Change bad_point(const std::string& id, int x = 1) { return upsert_point(id, x, 99); }

class Fixture : public ExchangeFixture {
 public:
  using ExchangeFixture::ExchangeFixture;

  v1::PublishHeader quarantining(const std::string& dataset = "test.points") const {
    auto made = header(dataset);
    made.set_on_invalid(v1::INVALID_POLICY_QUARANTINE);
    return made;
  }
  absl::StatusOr<v1::Receipt> set_aside(const std::vector<v1::Change>& changes) {
    return publish(quarantining(), changes);
  }
  /// Sets `bad_point(id)` aside and returns the item.
  std::int64_t hold(const std::string& id) {
    must(set_aside({bad_point(id)}));
    return must(list("{}")).changes().rbegin()->quarantine_id();
  }

  absl::StatusOr<v1::ListQuarantineResponse> list(const std::string& json, const std::string& as = "transport") {
    auto request = from_json<v1::ListQuarantineRequest>(json);
    if (request.dataset().empty()) request.set_dataset("test.points");
    v1::ListQuarantineResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stub_->ListQuarantine(context(as).get(), request, &response)));
    return response;
  }
  v1::QuarantinedChange item(std::int64_t id) {
    const auto listed = must(list("{}"));
    for (const auto& one : listed.changes()) {
      if (one.quarantine_id() == id) return one;
    }
    throw std::runtime_error("no such item");
  }
  v1::QuarantineState state(std::int64_t id) { return item(id).state(); }

  /// Undoes every decision, as no call can.
  void hold_all() { must(database_.connect().execute("UPDATE lienthong.quarantine SET state = 'H'").status()); }

  v1::ReleaseQuarantineRequest release_of(std::int64_t id, std::optional<v1::Feature> corrected = {}) const {
    v1::ReleaseQuarantineRequest request;
    request.set_dataset("test.points");
    request.set_changeset_id(make_uuid7());
    auto* release = request.add_releases();
    release->set_quarantine_id(id);
    if (corrected) *release->mutable_corrected() = *corrected;
    return request;
  }
  absl::StatusOr<v1::Receipt> release(const v1::ReleaseQuarantineRequest& request,
                                      const std::string& as = "transport") {
    v1::ReleaseQuarantineResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stub_->ReleaseQuarantine(context(as).get(), request, &response)));
    return response.receipt();
  }
  absl::StatusOr<std::int64_t> discard(const std::string& json, const std::string& as = "transport") {
    auto request = from_json<v1::DiscardQuarantineRequest>(json);
    if (request.dataset().empty()) request.set_dataset("test.points");
    return discard(request, as);
  }
  absl::StatusOr<std::int64_t> discard(const v1::DiscardQuarantineRequest& request,
                                       const std::string& as = "transport") {
    v1::DiscardQuarantineResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stub_->DiscardQuarantine(context(as).get(), request, &response)));
    return response.discarded();
  }

  /// "ID lanes=N" of every feature at head.
  Strings points() {
    Strings lines;
    for (const auto& feature : must(snapshot(R"({"dataset":"test.points","form":"FEATURE_FORM_WKT"})")).entries) {
      const auto& lanes = feature.properties().fields().at("lanes").number_value();
      lines.push_back(feature.id() + " lanes=" + std::to_string(static_cast<int>(lanes)));
    }
    return lines;
  }
};

v1::Feature good_point(const std::string& id, int lanes) { return upsert_point(id, 1, lanes).feature(); }

Strings ids_of(const v1::ListQuarantineResponse& response) {
  Strings ids;
  for (const auto& one : response.changes()) ids.push_back(one.change().feature().id());
  return ids;
}

TEST_CASE("invalid changes are set aside as sent and the rest is accepted") {
  Fixture f;
  must(f.publish({upsert_point("a", 1), upsert_point("b", 1)}));
  const auto sent = bad_point("a", 7);
  const auto receipt = must(f.set_aside({upsert_point("b", 2), sent}));
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.counts().quarantined() == 1);
  CHECK(f.points() == Strings{"a lanes=2", "b lanes=2"});
  const auto listed = must(f.list("{}"));
  REQUIRE(listed.changes_size() == 1);
  const auto& item = listed.changes(0);
  CHECK(item.quarantine_id() > 0);
  CHECK(item.dataset() == "test.points");
  CHECK(same(item.change(), sent));
  CHECK(item.feature_version() == 1);
  CHECK(item.state() == v1::QUARANTINE_STATE_HELD);
  CHECK(item.attempt_id() == receipt.attempt_id());
  CHECK(item.organisation() == "transport");
  CHECK(item.quarantined_at().seconds() > 1'700'000'000);
  CHECK_FALSE(item.has_decided_at());
  CHECK_FALSE(item.too_large());
  REQUIRE(item.findings_size() == 1);
  const auto& finding = item.findings(0);
  CHECK(finding.reason() == "VALUE_OUT_OF_RANGE");
  CHECK(finding.rule() == "D03");
  CHECK(finding.field() == "lanes");
  CHECK(finding.dataset() == "test.points");
  CHECK(finding.sequence() == 2);
  CHECK(finding.feature_id() == "a");
  CHECK_FALSE(finding.message_vi().empty());
}

TEST_CASE("a changeset that is wholly quarantined makes no version and is recorded") {
  Fixture f;
  auto header = f.quarantining();
  const auto receipt = must(f.publish(header, {bad_point("a")}));
  CHECK_FALSE(receipt.changed());
  CHECK(receipt.counts().quarantined() == 1);
  CHECK(same(must(f.publish(header, {bad_point("a")})), receipt));
  CHECK(must(f.list("{}")).changes_size() == 1);
}

TEST_CASE("all copies of a repeated feature are set aside and the stored state stays") {
  Fixture f;
  must(f.publish({upsert_point("a", 1)}));
  const auto receipt = must(f.set_aside({upsert_point("a", 1, 3), upsert_point("b", 1), delete_of("a")}));
  CHECK(receipt.counts().quarantined() == 2);
  CHECK(f.points() == Strings{"a lanes=2", "b lanes=2"});
  const auto listed = must(f.list("{}"));
  REQUIRE(ids_of(listed) == Strings{"a", "a"});
  CHECK(listed.changes(0).change().op() == v1::OPERATION_UPSERT);
  CHECK_FALSE(listed.changes(0).change().feature().record().empty());
  CHECK(listed.changes(1).change().op() == v1::OPERATION_DELETE);
  for (const auto& item : listed.changes()) {
    CHECK(item.state() == v1::QUARANTINE_STATE_HELD);
    REQUIRE(item.findings_size() >= 1);
    CHECK(item.findings(0).reason() == "DUPLICATE_ID");
  }
}

TEST_CASE("quarantined ids count as present in a snapshot") {
  Fixture f;
  must(f.publish({upsert_point("a", 1), upsert_point("b", 1), upsert_point("c", 1)}));
  auto header = f.quarantining();
  header.set_kind(v1::CHANGESET_KIND_SNAPSHOT);
  const auto receipt = must(f.publish(header, {bad_point("a"), upsert_point("b", 1)}));
  CHECK(receipt.counts().deleted() == 1);
  CHECK(receipt.counts().quarantined() == 1);
  CHECK(f.points() == Strings{"a lanes=2", "b lanes=2"});
}

TEST_CASE("a later accepted state, equal content or delete takes the place of what waits") {
  Fixture f;
  must(f.publish({upsert_point("b", 1), upsert_point("c", 1)}));
  must(f.set_aside({bad_point("a"), bad_point("b"), bad_point("c"), bad_point("d")}));
  const auto accepted = must(f.publish({upsert_point("a", 2), upsert_point("b", 1), delete_of("c")}));
  const auto listed = must(f.list("{}"));
  REQUIRE(ids_of(listed) == Strings{"a", "b", "c", "d"});
  for (int i = 0; i < 3; ++i) {
    CHECK(listed.changes(i).state() == v1::QUARANTINE_STATE_SUPERSEDED);
    CHECK(listed.changes(i).has_decided_at());
    CHECK_THAT(listed.changes(i).note(), Catch::Contains(accepted.changeset_id()));
  }
  CHECK(listed.changes(3).state() == v1::QUARANTINE_STATE_HELD);
  CHECK(ids_of(must(f.list(R"({"state":"QUARANTINE_STATE_SUPERSEDED"})"))) == Strings{"a", "b", "c"});
  CHECK(ids_of(must(f.list(R"({"state":"QUARANTINE_STATE_HELD"})"))) == Strings{"d"});
}

TEST_CASE("a later quarantined change of a feature takes the place of the earlier one") {
  Fixture f;
  const auto first = f.hold("a");
  const auto second = f.hold("a");
  CHECK(f.state(first) == v1::QUARANTINE_STATE_SUPERSEDED);
  CHECK_FALSE(f.item(first).note().empty());
  CHECK(f.state(second) == v1::QUARANTINE_STATE_HELD);
}

TEST_CASE("a dry run sets nothing aside") {
  Fixture f;
  auto header = f.quarantining();
  header.set_dry_run(true);
  CHECK(must(f.publish(header, {bad_point("a")})).counts().quarantined() == 1);
  CHECK(must(f.list("{}")).changes_size() == 0);
}

TEST_CASE("a corrected feature is released under its id and the item names who did it") {
  Fixture f;
  must(f.publish({upsert_point("a", 1)}));
  const auto id = f.hold("a");
  auto request = f.release_of(id, good_point("", 4));
  request.set_message("đã sửa số làn");
  const auto receipt = must(f.release(request));
  CHECK(receipt.counts().updated() == 1);
  CHECK(receipt.datasets(0).version() == 2);
  CHECK(receipt.message() == "đã sửa số làn");
  CHECK(f.points() == Strings{"a lanes=4"});
  const auto item = f.item(id);
  CHECK(item.state() == v1::QUARANTINE_STATE_RELEASED);
  CHECK(item.decided_by() == "transport");
  CHECK(item.has_decided_at());
  CHECK_THAT(item.note(), Catch::Contains(request.changeset_id()));
}

TEST_CASE("several items are released in one version, in every form") {
  Fixture f;
  must(f.set_aside({bad_point("a"), bad_point("b"), bad_point("c")}));
  const auto listed = must(f.list("{}"));
  must(f.publish({upsert_point("record", 1, 5)}));
  const auto record =
      must(f.feature(R"({"dataset":"test.points","id":"record","form":"FEATURE_FORM_RECORD"})")).feature().record();
  v1::Feature as_record;
  as_record.set_record(record);
  auto request = f.release_of(listed.changes(0).quarantine_id(), good_point("a", 3));
  *request.add_releases() = f.release_of(listed.changes(1).quarantine_id(), as_record).releases(0);
  *request.add_releases() = f.release_of(listed.changes(2).quarantine_id(), good_point("", 7)).releases(0);
  const auto receipt = must(f.release(request));
  CHECK(receipt.counts().inserted() == 3);
  CHECK(f.points() == Strings{"a lanes=3", "b lanes=5", "c lanes=7", "record lanes=5"});
}

TEST_CASE("a feature that changed since is a conflict and nothing is released") {
  Fixture f;
  must(f.publish({upsert_point("b", 1)}));
  must(f.set_aside({bad_point("a"), bad_point("b")}));
  const auto listed = must(f.list("{}"));
  // The quarantine of another feature stays held, that of b is superseded; put it back to see the conflict itself.
  must(f.publish({upsert_point("b", 8)}));
  f.hold_all();
  auto request = f.release_of(listed.changes(0).quarantine_id(), good_point("", 3));
  *request.add_releases() = f.release_of(listed.changes(1).quarantine_id(), good_point("", 3)).releases(0);
  const auto refused = f.release(request);
  REQUIRE_ERROR(refused, Code::kFailedPrecondition, "VERSION_CONFLICT");
  CHECK(metadata_of(refused.status(), "feature_id") == "b");
  CHECK(metadata_of(refused.status(), "expected_version") == "1");
  CHECK(metadata_of(refused.status(), "found_version") == "2");
  CHECK(f.points() == Strings{"b lanes=2"});
  for (const auto& item : listed.changes()) CHECK(f.state(item.quarantine_id()) == v1::QUARANTINE_STATE_HELD);
}

TEST_CASE("a feature that did not exist and was created since is a conflict") {
  Fixture f;
  const auto id = f.hold("a");
  must(f.publish({upsert_point("a", 8)}));
  f.hold_all();
  REQUIRE_ERROR(f.release(f.release_of(id, good_point("", 3))), Code::kFailedPrecondition, "VERSION_CONFLICT");
}

TEST_CASE("an item that is still invalid stays held and its findings are in the error") {
  Fixture f;
  const auto id = f.hold("a");
  for (const auto& request : {f.release_of(id), f.release_of(id, good_point("", 50))}) {
    const auto refused = f.release(request);
    REQUIRE_ERROR(refused, Code::kInvalidArgument, "VALUE_OUT_OF_RANGE");
    CHECK(metadata_of(refused.status(), "feature_id") == "a");
    CHECK_FALSE(metadata_of(refused.status(), "attempt_id").empty());
  }
  CHECK(f.state(id) == v1::QUARANTINE_STATE_HELD);
  CHECK(f.points().empty());
}

TEST_CASE("a copy of a repeated feature is released as it was sent, and the others give way") {
  Fixture f;
  must(f.publish({upsert_point("a", 1)}));
  auto insert = upsert_point("a", 1, 5);
  insert.set_op(v1::OPERATION_INSERT);
  must(f.set_aside({insert, upsert_point("a", 1, 6), delete_of("a")}));
  const auto listed = must(f.list("{}"));
  REQUIRE(listed.changes_size() == 3);
  // INSERT of a feature that is there is turned into what fits.
  must(f.release(f.release_of(listed.changes(0).quarantine_id())));
  CHECK(f.points() == Strings{"a lanes=5"});
  CHECK(f.state(listed.changes(0).quarantine_id()) == v1::QUARANTINE_STATE_RELEASED);
  CHECK(f.state(listed.changes(1).quarantine_id()) == v1::QUARANTINE_STATE_SUPERSEDED);
  CHECK(f.state(listed.changes(2).quarantine_id()) == v1::QUARANTINE_STATE_SUPERSEDED);
}

TEST_CASE("a delete stays a delete when it is released") {
  Fixture f;
  must(f.publish({upsert_point("a", 1), upsert_point("b", 1)}));
  must(f.set_aside({delete_of("a"), delete_of("a")}));
  const auto listed = must(f.list("{}"));
  REQUIRE(listed.changes_size() == 2);
  const auto receipt = must(f.release(f.release_of(listed.changes(1).quarantine_id())));
  CHECK(receipt.counts().deleted() == 1);
  CHECK(f.points() == Strings{"b lanes=2"});
}

TEST_CASE("a corrected state in the place of a delete is published") {
  Fixture f;
  must(f.publish({upsert_point("a", 1)}));
  must(f.set_aside({delete_of("a"), delete_of("a")}));
  const auto id = must(f.list("{}")).changes(0).quarantine_id();
  must(f.release(f.release_of(id, good_point("", 6))));
  CHECK(f.points() == Strings{"a lanes=6"});
}

TEST_CASE("a partial update stays one when it is released") {
  Fixture f;
  must(f.publish({upsert_point("a", 1, 2, "tên")}));
  must(f.set_aside({change(R"({"op":"OPERATION_UPDATE","updateMask":["lanes"],
      "feature":{"id":"a","properties":{"lanes":99}}})")}));
  const auto id = must(f.list("{}")).changes(0).quarantine_id();
  v1::Feature lanes;
  (*lanes.mutable_properties()->mutable_fields())["lanes"].set_number_value(8);
  must(f.release(f.release_of(id, lanes)));
  const auto stored = must(f.feature(R"({"dataset":"test.points","id":"a","form":"FEATURE_FORM_WKT"})")).feature();
  CHECK(stored.properties().fields().at("lanes").number_value() == 8);
  CHECK(stored.properties().fields().at("name").string_value() == "tên");
  CHECK_FALSE(stored.wkt().empty());
}

TEST_CASE("repeated partial updates are listed with their mask and released as sent") {
  Fixture f;
  must(f.publish({upsert_point("a", 1, 2, "tên")}));
  const auto update = [](int lanes) {
    return change(R"({"op":"OPERATION_UPDATE","updateMask":["lanes"],"feature":{"id":"a","properties":{"lanes":)" +
                  std::to_string(lanes) + "}}}");
  };
  must(f.set_aside({update(5), update(6)}));
  const auto listed = must(f.list("{}"));
  REQUIRE(listed.changes_size() == 2);
  REQUIRE(listed.changes(1).change().update_mask_size() == 1);
  CHECK(listed.changes(1).change().update_mask(0) == "lanes");
  must(f.release(f.release_of(listed.changes(1).quarantine_id())));
  CHECK(f.points() == Strings{"a lanes=6"});
}

TEST_CASE("a repair makes an item valid") {
  Fixture f;
  must(f.create_dataset(R"({"name":"test.multi","schema":{"crs":"EPSG:5897","geometry":{"types":
      ["GEOMETRY_TYPE_MULTIPOINT"]},"fields":[]}})"));
  must(f.publish(f.quarantining("test.multi"),
                 {change(R"j({"op":"OPERATION_UPSERT","feature":{"id":"a","wkt":"POINT (500000 2000000)"}})j")}));
  const auto listed = must(f.list(R"({"dataset":"test.multi"})"));
  REQUIRE(listed.changes_size() == 1);
  auto request = f.release_of(listed.changes(0).quarantine_id());
  request.set_dataset("test.multi");
  REQUIRE_ERROR(f.release(request), Code::kInvalidArgument, "GEOMETRY_WRONG_TYPE");
  request.add_repair(v1::REPAIR_PROMOTE_TO_MULTI);
  CHECK(must(f.release(request)).counts().inserted() == 1);
}

TEST_CASE("a release that is sent again gives the same receipt, with other content it is refused") {
  Fixture f;
  const auto id = f.hold("a");
  const auto request = f.release_of(id, good_point("", 4));
  const auto receipt = must(f.release(request));
  must(f.publish({upsert_point("a", 9)}));
  CHECK(same(must(f.release(request)), receipt));
  auto other = request;
  *other.mutable_releases(0)->mutable_corrected() = good_point("", 5);
  REQUIRE_ERROR(f.release(other), Code::kAlreadyExists, "CHANGESET_ID_REUSED");
  CHECK(f.points() == Strings{"a lanes=2"});
}

TEST_CASE("what is decided is not released again") {
  Fixture f;
  const auto released = f.hold("a");
  must(f.release(f.release_of(released, good_point("", 4))));
  const auto again = f.release(f.release_of(released, good_point("", 5)));
  REQUIRE_ERROR(again, Code::kFailedPrecondition, "QUARANTINE_DECIDED");
  CHECK(metadata_of(again.status(), "state") == "RELEASED");
  const auto discarded = f.hold("b");
  must(f.discard(R"({"quarantineIds":[")" + std::to_string(discarded) + R"("]})"));
  REQUIRE_ERROR(f.release(f.release_of(discarded, good_point("", 5))), Code::kFailedPrecondition, "QUARANTINE_DECIDED");
  CHECK(f.points() == Strings{"a lanes=4"});
}

TEST_CASE("requests to release that name nothing, too much or something else are refused") {
  Fixture f;
  const auto id = f.hold("a");
  auto request = f.release_of(id, good_point("other", 4));
  REQUIRE_ERROR(f.release(request), Code::kInvalidArgument, "FEATURE_ID_DIFFERS");
  request = f.release_of(id, good_point("", 4));
  *request.add_releases() = request.releases(0);
  REQUIRE_ERROR(f.release(request), Code::kInvalidArgument, "RELEASE_TWICE");
  REQUIRE_ERROR(f.release(f.release_of(id + 1)), Code::kNotFound, "QUARANTINE_UNKNOWN");
  request.clear_releases();
  REQUIRE_ERROR(f.release(request), Code::kInvalidArgument, "RELEASES_MISSING");
  for (int i = 0; i < 1001; ++i) request.add_releases()->set_quarantine_id(i);
  REQUIRE_ERROR(f.release(request), Code::kInvalidArgument, "CHANGESET_TOO_LARGE");
  request = f.release_of(id, good_point("", 4));
  request.set_changeset_id("no spaces");
  REQUIRE_ERROR(f.release(request), Code::kInvalidArgument, "CHANGESET_ID_INVALID");
  request = f.release_of(id);
  request.set_dataset("test.shapes");
  REQUIRE_ERROR(f.release(request), Code::kNotFound, "QUARANTINE_UNKNOWN");
  request.set_dataset("test.nothing");
  REQUIRE_ERROR(f.release(request), Code::kNotFound, "DATASET_UNKNOWN");
  CHECK(f.state(id) == v1::QUARANTINE_STATE_HELD);
}

TEST_CASE("discarded items stay listed with who, when and why; all or none") {
  Fixture f;
  must(f.set_aside({bad_point("a"), bad_point("b")}));
  const auto listed = must(f.list("{}"));
  const std::string a = std::to_string(listed.changes(0).quarantine_id());
  const std::string b = std::to_string(listed.changes(1).quarantine_id());
  REQUIRE_ERROR(f.discard(R"({"quarantineIds":[")" + a + R"(","999"]})"), Code::kNotFound, "QUARANTINE_UNKNOWN");
  CHECK(f.state(listed.changes(0).quarantine_id()) == v1::QUARANTINE_STATE_HELD);
  CHECK(must(f.discard(R"({"quarantineIds":[")" + a + R"(",")" + a + R"("],"note":"đo sai"})", "operator")) == 1);
  const auto item = f.item(listed.changes(0).quarantine_id());
  CHECK(item.state() == v1::QUARANTINE_STATE_DISCARDED);
  CHECK(item.decided_by() == "operator");
  CHECK(item.note() == "đo sai");
  CHECK(item.has_decided_at());
  REQUIRE_ERROR(f.discard(R"({"quarantineIds":[")" + b + R"(",")" + a + R"("]})"), Code::kFailedPrecondition,
                "QUARANTINE_DECIDED");
  CHECK(f.state(listed.changes(1).quarantine_id()) == v1::QUARANTINE_STATE_HELD);
}

TEST_CASE("requests to discard that name nothing, or say too much, are refused") {
  Fixture f;
  REQUIRE_ERROR(f.discard("{}"), Code::kInvalidArgument, "IDS_MISSING");
  v1::DiscardQuarantineRequest request;
  request.set_dataset("test.points");
  for (int i = 0; i < 1001; ++i) request.add_quarantine_ids(i);
  REQUIRE_ERROR(f.discard(request), Code::kInvalidArgument, "TOO_MANY_IDS");
  request.clear_quarantine_ids();
  request.add_quarantine_ids(f.hold("a"));
  request.set_note(std::string(4097, 'x'));
  REQUIRE_ERROR(f.discard(request), Code::kInvalidArgument, "MESSAGE_TOO_LONG");
  request.set_note(std::string("a\0b", 3));
  REQUIRE_ERROR(f.discard(request), Code::kInvalidArgument, "TEXT_HAS_NUL");
  request.set_note(std::string(4096, 'x'));
  REQUIRE_OK(f.discard(request));
}

TEST_CASE("only who may publish the dataset sees and decides what is quarantined") {
  Fixture f;
  const auto id = f.hold("a");
  REQUIRE_ERROR(f.list("{}", "environment"), Code::kPermissionDenied, "NOT_OWNER");
  REQUIRE_ERROR(f.release(f.release_of(id, good_point("", 4)), "environment"), Code::kPermissionDenied, "NOT_OWNER");
  REQUIRE_ERROR(f.discard(R"({"quarantineIds":[")" + std::to_string(id) + R"("]})", "environment"),
                Code::kPermissionDenied, "NOT_OWNER");
  CHECK(must(f.list("{}", "operator")).changes_size() == 1);
  CHECK(must(f.release(f.release_of(id, good_point("", 4)), "operator")).organisation() == "operator");
  CHECK(f.item(id).decided_by() == "operator");
}

TEST_CASE("quarantine is listed by feature and in pages, oldest first") {
  Fixture f;
  must(f.set_aside({bad_point("a"), bad_point("b"), bad_point("c")}));
  const auto first = must(f.list(R"({"pageSize":2})"));
  REQUIRE(ids_of(first) == Strings{"a", "b"});
  const auto second = must(f.list(R"({"pageSize":2,"pageToken":")" + first.next_page_token() + R"("})"));
  REQUIRE(ids_of(second) == Strings{"c"});
  REQUIRE(second.next_page_token().empty());
  CHECK(must(f.list(R"({"pageSize":3})")).next_page_token().empty());
  CHECK(ids_of(must(f.list(R"({"featureId":"b"})"))) == Strings{"b"});
  CHECK(must(f.list(R"({"dataset":"test.shapes"})")).changes_size() == 0);
  REQUIRE_ERROR(f.list(R"({"state":99})"), Code::kInvalidArgument, "FILTER_UNKNOWN");
  REQUIRE_ERROR(f.list(R"({"pageSize":-1})"), Code::kInvalidArgument, "PAGE_SIZE_INVALID");
  REQUIRE_ERROR(f.list(R"({"pageToken":"x"})"), Code::kInvalidArgument, "PAGE_TOKEN_MALFORMED");
  REQUIRE_ERROR(f.list(R"({"dataset":"test.nothing"})"), Code::kNotFound, "DATASET_UNKNOWN");
}

TEST_CASE("a change over 1 MiB is held whole, listed without its content, and released") {
  Fixture f;
  auto large = change(R"j({"op":"OPERATION_UPSERT","feature":{"id":"a","wkt":"POINT (500000 2000000)",
      "properties":{"lanes":2}}})j");
  (*large.mutable_feature()->mutable_properties()->mutable_fields())["name"].set_string_value(
      std::string((1 << 20) + 1, 'x'));
  must(f.set_aside({large, bad_point("b")}));
  const auto listed = must(f.list("{}"));
  REQUIRE(ids_of(listed) == Strings{"a", "b"});
  CHECK(listed.changes(0).too_large());
  CHECK(listed.changes(0).change().feature().properties().fields().empty());
  CHECK_FALSE(listed.changes(1).too_large());
  const auto id = listed.changes(0).quarantine_id();
  REQUIRE_ERROR(f.release(f.release_of(id)), Code::kInvalidArgument, "VALUE_TOO_LONG");
  must(f.release(f.release_of(id, good_point("", 3))));
  CHECK(f.points() == Strings{"a lanes=3"});
}

TEST_CASE("two releases of one item at the same time: one is accepted, the other learns of it") {
  Fixture f;
  const auto id = f.hold("a");
  std::vector<absl::StatusOr<v1::Receipt>> answers(4, absl::UnknownError(""));
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      threads.emplace_back(
          [&f, &answers, i, id] { answers[i] = f.release(f.release_of(id, good_point("", static_cast<int>(i) + 1))); });
    }
  }
  int accepted = 0;
  for (const auto& answer : answers) {
    if (answer.ok()) {
      ++accepted;
      continue;
    }
    const auto reason = error_reason(answer.status());
    INFO(describe(answer.status()));
    CHECK((reason == "QUARANTINE_DECIDED" || reason == "VERSION_CONFLICT"));
  }
  CHECK(accepted == 1);
  CHECK(f.state(id) == v1::QUARANTINE_STATE_RELEASED);
  CHECK(f.points().size() == 1);
}

}  // namespace
