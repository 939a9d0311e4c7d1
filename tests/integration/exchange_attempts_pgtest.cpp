// What became of submissions, as callers see it: attempts, findings, conflicts; who may ask; how long they are kept.
#include <catch2/catch.hpp>

#include "exchange_support.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using Code = absl::StatusCode;
using Strings = std::vector<std::string>;

class Fixture : public ExchangeFixture {
 public:
  using ExchangeFixture::ExchangeFixture;

  absl::StatusOr<v1::Attempt> attempt(const std::string& id, const std::string& as = "transport") {
    v1::GetAttemptRequest request;
    request.set_attempt_id(id);
    v1::GetAttemptResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stub_->GetAttempt(context(as).get(), request, &response)));
    return response.attempt();
  }
  absl::StatusOr<v1::ListAttemptsResponse> list_attempts(const std::string& json, const std::string& as = "transport") {
    v1::ListAttemptsResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        stub_->ListAttempts(context(as).get(), from_json<v1::ListAttemptsRequest>(json), &response)));
    return response;
  }
  absl::StatusOr<v1::ListFindingsResponse> findings(const std::string& json, const std::string& as = "transport") {
    v1::ListFindingsResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        stub_->ListFindings(context(as).get(), from_json<v1::ListFindingsRequest>(json), &response)));
    return response;
  }
  absl::StatusOr<v1::ListFindingsResponse> findings_of(const std::string& attempt_id) {
    return findings(R"({"attemptId":")" + attempt_id + R"("})");
  }
  absl::StatusOr<v1::ListConflictsResponse> conflicts(const std::string& json, const std::string& as = "transport") {
    v1::ListConflictsResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(
        stub_->ListConflicts(context(as).get(), from_json<v1::ListConflictsRequest>(json), &response)));
    return response;
  }
  absl::StatusOr<v1::ListConflictsResponse> conflicts_of(const std::string& attempt_id) {
    return conflicts(R"({"attemptId":")" + attempt_id + R"("})");
  }
};

v1::Change with_op(v1::Change change, v1::Operation op) {
  change.set_op(op);
  return change;
}
v1::Change with_base(v1::Change change, std::int64_t version) {
  change.set_base_version(version);
  return change;
}

std::string summary(const v1::Finding& finding) {
  return finding.feature_id() + " " + finding.rule() + " " + finding.reason() + " " + finding.field();
}
Strings summaries(const v1::ListFindingsResponse& response) {
  Strings lines;
  for (const auto& finding : response.findings()) lines.push_back(summary(finding));
  return lines;
}
Strings summaries(const v1::ListConflictsResponse& response) {
  Strings lines;
  for (const auto& conflict : response.conflicts()) {
    lines.push_back(conflict.feature_id() + " " + v1::ConflictKind_Name(conflict.kind()) + " " +
                    (conflict.has_expected_version() ? std::to_string(conflict.expected_version()) : "-") + " " +
                    std::to_string(conflict.found_version()) + " " + conflict.found_organisation());
  }
  return lines;
}

TEST_CASE("an accepted changeset is an attempt with its commit and counts") {
  Fixture f;
  const auto receipt = must(f.publish({upsert_point("a", 1), upsert_point("b", 2)}));
  const auto attempt = must(f.attempt(receipt.attempt_id()));
  CHECK(attempt.attempt_id() == receipt.attempt_id());
  CHECK(attempt.organisation() == "transport");
  CHECK(attempt.changeset_id() == receipt.changeset_id());
  CHECK(attempt.dataset() == "test.points");
  CHECK(attempt.outcome() == v1::ATTEMPT_OUTCOME_ACCEPTED);
  CHECK(attempt.commit_id() == receipt.commit_id());
  CHECK(attempt.reason().empty());
  CHECK(attempt.received() == 2);
  CHECK(attempt.counts().inserted() == 2);
  CHECK(attempt.findings() == 0);
  CHECK(attempt.started_at().seconds() <= attempt.ended_at().seconds());
  CHECK(attempt.started_at().seconds() > 1'700'000'000);
}

TEST_CASE("a dry run is an attempt with the counts that it would have had, and no commit") {
  Fixture f;
  auto header = f.header();
  header.set_dry_run(true);
  const auto receipt = must(f.publish(header, {upsert_point("a", 1)}));
  const auto attempt = must(f.attempt(receipt.attempt_id()));
  CHECK(attempt.outcome() == v1::ATTEMPT_OUTCOME_DRY_RUN);
  CHECK(attempt.commit_id().empty());
  CHECK(attempt.counts().inserted() == 1);
}

TEST_CASE("a refused changeset is an attempt with reason, and all its findings are listed afterwards") {
  Fixture f;
  const auto refused = f.publish({upsert_point("a", 1), upsert_point("b", 2, 99),
                                  change(R"({"op":"OPERATION_UPSERT","feature":{"id":"c","wkt":"POINT (1",
                                             "properties":{"name":"c"}}})"),
                                  upsert_point("d", 4, 2, std::string(21, 'x'))});
  REQUIRE_ERROR(refused, Code::kInvalidArgument, "VALUE_OUT_OF_RANGE");
  const auto id = metadata_of(refused.status(), "attempt_id");
  const auto attempt = must(f.attempt(id));
  CHECK(attempt.outcome() == v1::ATTEMPT_OUTCOME_REFUSED);
  CHECK(attempt.reason() == "VALUE_OUT_OF_RANGE");
  CHECK_THAT(attempt.error_message(), Catch::Contains("lanes"));
  CHECK(attempt.received() == 4);
  CHECK(attempt.findings() == 3);
  const auto listed = must(f.findings_of(id));
  REQUIRE(summaries(listed) ==
          Strings{"b D03 VALUE_OUT_OF_RANGE lanes", "c G01 GEOMETRY_MALFORMED geometry", "d F04 VALUE_TOO_LONG name"});
  CHECK(listed.total() == 3);
  for (const auto& finding : listed.findings()) {
    CHECK(finding.dataset() == "test.points");
    CHECK(finding.severity() == v1::SEVERITY_ERROR);
    CHECK_FALSE(finding.message_vi().empty());
    CHECK_FALSE(finding.message_en().empty());
    CHECK(finding.message_vi() != finding.message_en());
  }
  CHECK(listed.findings(0).sequence() == 2);
  CHECK(listed.findings(2).sequence() == 4);
}

TEST_CASE("a submission that named no dataset that there is, or was not its caller's, is an attempt too") {
  Fixture f;
  const auto unknown = f.publish(f.header("test.nothing"), {});
  REQUIRE_ERROR(unknown, Code::kNotFound, "DATASET_UNKNOWN");
  const auto attempt = must(f.attempt(metadata_of(unknown.status(), "attempt_id")));
  CHECK(attempt.dataset() == "test.nothing");
  CHECK(attempt.reason() == "DATASET_UNKNOWN");
  const auto denied = f.publish(f.header(), {upsert_point("a", 1)}, "environment");
  REQUIRE_ERROR(denied, Code::kPermissionDenied, "NOT_OWNER");
  CHECK(must(f.attempt(metadata_of(denied.status(), "attempt_id"), "environment")).organisation() == "environment");
}

TEST_CASE("repairs of an accepted changeset are findings by attempt and by version") {
  Fixture f;
  auto header = f.header("test.shapes");
  header.add_repair(v1::REPAIR_NFC);
  const auto receipt = must(f.publish(header, {change(R"({"op":"OPERATION_UPSERT","feature":{"id":"a",
      "properties":{"name":"Ha\u0300"}}})")}));
  const auto listed = must(f.findings_of(receipt.attempt_id()));
  REQUIRE(summaries(listed) == Strings{"a F01 TEXT_NORMALIZED name"});
  CHECK(listed.findings(0).severity() == v1::SEVERITY_INFO);
  const auto by_version = must(f.findings(R"({"dataset":"test.shapes","version":"1"})"));
  CHECK(same(listed, by_version));
  CHECK(must(f.findings(R"({"dataset":"test.shapes","version":"1"})", "operator")).findings_size() == 1);
}

TEST_CASE("conflicts of a refused changeset are listed with what was found") {
  Fixture f;
  must(f.publish({upsert_point("a", 1), upsert_point("b", 2)}));
  must(f.publish({upsert_point("a", 5)}));
  const auto refused =
      f.publish({with_op(upsert_point("b", 9), v1::OPERATION_INSERT), with_base(upsert_point("a", 9), 1),
                 with_op(upsert_point("c", 9), v1::OPERATION_UPDATE), upsert_point("d", 1)});
  REQUIRE_FALSE(refused.ok());
  const auto id = metadata_of(refused.status(), "attempt_id");
  const auto listed = must(f.conflicts_of(id));
  REQUIRE(summaries(listed) == Strings{"a CONFLICT_KIND_CHANGED 1 2 transport", "b CONFLICT_KIND_EXISTS - 1 transport",
                                       "c CONFLICT_KIND_MISSING - 0 "});
  CHECK(listed.total() == 3);
  CHECK(listed.conflicts(0).has_found_at());
  CHECK_FALSE(listed.conflicts(2).has_found_at());
  CHECK(must(f.attempt(id)).conflicts() == 3);
}

TEST_CASE("conflicts that were skipped are listed by the attempt that was accepted") {
  Fixture f;
  must(f.publish({upsert_point("a", 1)}));
  auto header = f.header();
  header.set_on_conflict(v1::CONFLICT_POLICY_SKIP_AND_LIST);
  const auto receipt = must(f.publish(header, {with_base(upsert_point("a", 9), 0), upsert_point("b", 2)}));
  CHECK(receipt.counts().skipped() == 1);
  CHECK(receipt.counts().inserted() == 1);
  CHECK(summaries(must(f.conflicts_of(receipt.attempt_id()))) == Strings{"a CONFLICT_KIND_CHANGED 0 1 transport"});
}

TEST_CASE("findings and conflicts come in pages and findings by filter") {
  Fixture f;
  must(f.publish({upsert_point("a", 1), upsert_point("b", 1), upsert_point("c", 1)}));
  const auto invalid =
      f.publish({upsert_point("a", 1, 99), upsert_point("b", 1, 98), upsert_point("c", 1, 2, std::string(30, 'x'))});
  const auto id = metadata_of(invalid.status(), "attempt_id");
  const auto page = must(f.findings(R"({"attemptId":")" + id + R"(","pageSize":2})"));
  REQUIRE(page.findings_size() == 2);
  REQUIRE(page.total() == 3);
  const auto rest =
      must(f.findings(R"({"attemptId":")" + id + R"(","pageSize":2,"pageToken":")" + page.next_page_token() + R"("})"));
  REQUIRE(summaries(rest) == Strings{"c F04 VALUE_TOO_LONG name"});
  REQUIRE(rest.next_page_token().empty());
  CHECK(must(f.findings(R"({"attemptId":")" + id + R"(","rule":"D03"})")).findings_size() == 2);
  CHECK(must(f.findings(R"({"attemptId":")" + id + R"(","featureId":"b"})")).findings_size() == 1);
  CHECK(must(f.findings(R"({"attemptId":")" + id + R"(","severity":"SEVERITY_INFO"})")).findings_size() == 0);
  CHECK(must(f.findings(R"({"attemptId":")" + id + R"(","severity":"SEVERITY_INFO"})")).total() == 3);

  const auto conflicting = f.publish({with_base(upsert_point("a", 5), 0), with_base(upsert_point("b", 5), 0)});
  const auto conflict_id = metadata_of(conflicting.status(), "attempt_id");
  const auto first = must(f.conflicts(R"({"attemptId":")" + conflict_id + R"(","pageSize":1})"));
  REQUIRE(first.conflicts_size() == 1);
  const auto second = must(f.conflicts(R"({"attemptId":")" + conflict_id + R"(","pageSize":1,"pageToken":")" +
                                       first.next_page_token() + R"("})"));
  REQUIRE(second.conflicts(0).feature_id() == "b");
  REQUIRE(second.next_page_token().empty());
}

TEST_CASE("only the publisher and the operator learn of an attempt") {
  Fixture f;
  const auto id = must(f.publish({upsert_point("a", 1)})).attempt_id();
  REQUIRE_OK(f.attempt(id, "operator"));
  REQUIRE_ERROR(f.attempt(id, "environment"), Code::kNotFound, "ATTEMPT_UNKNOWN");
  REQUIRE_ERROR(f.attempt("nothing"), Code::kNotFound, "ATTEMPT_UNKNOWN");
  REQUIRE_ERROR(f.findings(R"({"attemptId":")" + id + R"("})", "environment"), Code::kNotFound, "ATTEMPT_UNKNOWN");
  REQUIRE_ERROR(f.conflicts(R"({"attemptId":")" + id + R"("})", "environment"), Code::kNotFound, "ATTEMPT_UNKNOWN");
  REQUIRE_ERROR(f.findings(R"({"dataset":"test.points","version":"1"})", "environment"), Code::kPermissionDenied,
                "NOT_OWNER");
}

TEST_CASE("an owner sees the findings of a version that the operator made, of this dataset") {
  Fixture f;
  auto header = f.header("test.shapes");
  header.add_repair(v1::REPAIR_NFC);
  auto other = upsert_point("p", 1, 2, "Ha\u0300");
  other.set_dataset("test.points");
  const auto receipt = must(f.publish(
      header, {change(R"({"op":"OPERATION_UPSERT","feature":{"id":"a","properties":{"name":"Ha\u0300"}}})"), other},
      "operator"));
  CHECK(summaries(must(f.findings(R"({"dataset":"test.shapes","version":"1"})"))) ==
        Strings{"a F01 TEXT_NORMALIZED name"});
  CHECK(must(f.findings(R"({"dataset":"test.shapes","version":"1"})", "operator")).findings_size() == 2);
  REQUIRE_ERROR(f.findings_of(receipt.attempt_id()), Code::kNotFound, "ATTEMPT_UNKNOWN");
}

TEST_CASE("requests for findings and conflicts that name nothing, or nothing known, are refused") {
  Fixture f;
  REQUIRE_ERROR(f.findings("{}"), Code::kInvalidArgument, "KEY_MISSING");
  REQUIRE_ERROR(f.findings(R"({"dataset":"test.points"})"), Code::kInvalidArgument, "KEY_MISSING");
  REQUIRE_ERROR(f.findings(R"({"dataset":"test.points","version":"1"})"), Code::kNotFound, "CHANGESET_UNKNOWN");
  REQUIRE_ERROR(f.findings(R"({"dataset":"test.nothing","version":"1"})"), Code::kNotFound, "DATASET_UNKNOWN");
  REQUIRE_ERROR(f.findings(R"({"attemptId":"x","severity":99})"), Code::kInvalidArgument, "FILTER_UNKNOWN");
  REQUIRE_ERROR(f.findings(R"({"attemptId":"x","pageSize":-1})"), Code::kInvalidArgument, "PAGE_SIZE_INVALID");
  REQUIRE_ERROR(f.findings(R"({"attemptId":"x","pageToken":"x"})"), Code::kInvalidArgument, "PAGE_TOKEN_MALFORMED");
  REQUIRE_ERROR(f.conflicts("{}"), Code::kInvalidArgument, "KEY_MISSING");
  REQUIRE_ERROR(f.conflicts(R"({"attemptId":"x"})"), Code::kNotFound, "ATTEMPT_UNKNOWN");
}

TEST_CASE("attempts are listed for their organisation, and for the operator of all") {
  Fixture f;
  must(f.publish({upsert_point("a", 1)}));
  const auto refused = f.publish({upsert_point("a", 1, 99)});
  REQUIRE_FALSE(refused.ok());
  must(f.publish(f.header("test.shapes"), {}));
  must(f.publish(f.header(), {}, "operator"));
  const auto mine = must(f.list_attempts("{}"));
  REQUIRE(mine.attempts_size() == 3);
  for (int i = 1; i < 3; ++i) CHECK(mine.attempts(i - 1).attempt_id() > mine.attempts(i).attempt_id());
  CHECK(must(f.list_attempts("{}", "environment")).attempts_size() == 0);
  CHECK(must(f.list_attempts("{}", "operator")).attempts_size() == 4);
  CHECK(must(f.list_attempts(R"({"organisation":"operator"})", "operator")).attempts_size() == 1);
  CHECK(must(f.list_attempts(R"({"organisation":"transport"})", "operator")).attempts_size() == 3);
  REQUIRE_ERROR(f.list_attempts(R"({"organisation":"transport"})", "environment"), Code::kPermissionDenied,
                "OPERATOR_ONLY");
  const auto bad = must(f.list_attempts(R"({"outcome":"ATTEMPT_OUTCOME_REFUSED"})"));
  REQUIRE(bad.attempts_size() == 1);
  CHECK(bad.attempts(0).attempt_id() == metadata_of(refused.status(), "attempt_id"));
  CHECK(must(f.list_attempts(R"({"dataset":"test.shapes"})")).attempts_size() == 1);
  CHECK(must(f.list_attempts(R"({"changesetId":")" + bad.attempts(0).changeset_id() + R"("})")).attempts_size() == 1);
  REQUIRE_ERROR(f.list_attempts(R"({"outcome":99})"), Code::kInvalidArgument, "FILTER_UNKNOWN");
  REQUIRE_ERROR(f.list_attempts(R"({"pageSize":-1})"), Code::kInvalidArgument, "PAGE_SIZE_INVALID");
  REQUIRE_ERROR(f.list_attempts(R"({"pageToken":"?"})"), Code::kInvalidArgument, "PAGE_TOKEN_MALFORMED");
}

TEST_CASE("pages of attempts together are the whole list") {
  Fixture f;
  for (int i = 0; i < 5; ++i) must(f.publish({upsert_point("a", i)}));
  const auto whole = must(f.list_attempts("{}"));
  Strings ids, paged;
  for (const auto& attempt : whole.attempts()) ids.push_back(attempt.attempt_id());
  std::string token;
  int pages = 0;
  do {
    const auto page = must(f.list_attempts(R"({"pageSize":2,"pageToken":")" + token + R"("})"));
    for (const auto& attempt : page.attempts()) paged.push_back(attempt.attempt_id());
    token = page.next_page_token();
    ++pages;
  } while (!token.empty());
  REQUIRE(ids.size() == 5);
  REQUIRE(paged == ids);
  REQUIRE(pages == 3);
}

TEST_CASE("attempts are forgotten after the configured time") {
  auto config = exchange_config();
  config.attempts_kept = std::chrono::milliseconds(1);
  config.staging_sweep = std::chrono::milliseconds(1);
  Fixture f(config);
  const auto receipt = must(f.publish({upsert_point("a", 1)}));
  REQUIRE(wait_until([&] { return f.count("SELECT count(*) FROM lienthong.attempt") == 0; }));
  REQUIRE_ERROR(f.attempt(receipt.attempt_id()), Code::kNotFound, "ATTEMPT_UNKNOWN");
  REQUIRE_ERROR(f.findings(R"({"dataset":"test.points","version":"1"})"), Code::kNotFound, "ATTEMPT_UNKNOWN");
  REQUIRE(must(f.changeset(R"({"changesetId":")" + receipt.changeset_id() + R"("})")).digest() == receipt.digest());
}

}  // namespace
