// Attempts with their findings and conflicts, and quarantined changes, at the level of storage.
#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "pg/connection.hpp"
#include "storage/attempts.hpp"
#include "storage/catalog.hpp"
#include "storage/quarantine.hpp"
#include "support/status.hpp"
#include "support/temp_database.hpp"

namespace {

using namespace lt;
using namespace lt::test;
using feature::Severity;
using storage::AttemptOutcome;
using storage::ConflictKind;
using storage::QuarantineState;

absl::Status migrate(const std::string& url) {
  pg::ConnectOptions options;
  options.url = url;
  LT_ASSIGN_OR_RETURN(auto connection, pg::Connection::open(options));
  return storage::migrate_database(connection);
}

constexpr std::int64_t kNoon = 1'700'000'000'000'000;

// A database with the organisation "transport" and the dataset "test.points", which is number 1.
class Fixture {
 public:
  Fixture() : database_(TempDatabase::with_template("storage_attempts", migrate)), connection_(database_.connect()) {
    must(connection_.execute("INSERT INTO lienthong.organisation (name) VALUES ('transport')").status());
    must(connection_
             .execute("WITH d AS (INSERT INTO lienthong.dataset (uid, name, owner_id) SELECT 'u', 'test.points', id "
                      "FROM lienthong.organisation WHERE name = 'transport' RETURNING id) "
                      "INSERT INTO lienthong.dataset_head (dataset_id) SELECT id FROM d")
             .status());
  }

  storage::Attempt attempt(const std::string& organisation = "transport") const {
    storage::Attempt made;
    made.attempt_id = make_uuid7();
    made.organisation = organisation;
    made.changeset_id = "c";
    made.dataset = "test.points";
    made.started_us = kNoon;
    made.ended_us = kNoon + 5;
    return made;
  }

  std::int64_t count(const std::string& table) {
    return must(connection_.execute("SELECT count(*) FROM lienthong." + table)).get_int(0, 0);
  }

  // Puts one item there and returns its id.
  std::int64_t quarantine(const std::string& fid, const std::string& payload, char state = 'H',
                          const std::string& findings = "[]") {
    pg::Params params;
    params.add(fid).add_bytes(payload).add_char(state).add(findings);
    return must(connection_.execute(
                    "INSERT INTO lienthong.quarantine (dataset_id, fid, attempt_id, organisation_id, sequence, op, "
                    "base_version, form, mask, payload, found_version, findings, state, quarantined_at) "
                    "SELECT 1, $1, 'at', o.id, 7, 'U', 4, 'R', '0,3', $2, 5, $4::jsonb, $3, now() "
                    "FROM lienthong.organisation o WHERE o.name = 'transport' RETURNING id",
                    params))
        .get_int(0, 0);
  }

  TempDatabase database_;
  pg::Connection connection_;
};

storage::AttemptFinding finding(std::int64_t sequence, const std::string& id, Severity severity = Severity::kError,
                                const std::string& rule = "F04") {
  return {"test.points", sequence, {rule, severity, "FIELD_REQUIRED", id, "name", "[1]", "thiếu", "missing"}};
}

std::vector<std::string> ids_of(const std::vector<storage::StoredFinding>& findings) {
  std::vector<std::string> ids;
  for (const auto& stored : findings) ids.push_back(stored.finding.finding.feature_id);
  return ids;
}

using Strings = std::vector<std::string>;

TEST_CASE("an attempt reads back as it was stored") {
  Fixture f;
  auto stored = f.attempt();
  stored.outcome = AttemptOutcome::kDryRun;
  stored.commit_id = "commit";
  stored.reason = "MASS_DELETE";
  stored.error_message = "quá nhiều";
  stored.received = 12;
  stored.counts = {1, 2, 3, 4, 5, 6, 7, 8};
  stored.findings = 9;
  stored.conflicts = 10;
  must(storage::store_attempt(f.connection_, stored, {}, {}));
  const auto found = must(storage::find_attempt(f.connection_, stored.attempt_id));
  REQUIRE(found);
  CHECK(found->attempt_id == stored.attempt_id);
  CHECK(found->organisation == "transport");
  CHECK(found->changeset_id == "c");
  CHECK(found->dataset == "test.points");
  CHECK(found->outcome == AttemptOutcome::kDryRun);
  CHECK(found->commit_id == "commit");
  CHECK(found->reason == "MASS_DELETE");
  CHECK(found->error_message == "quá nhiều");
  CHECK(found->started_us == kNoon);
  CHECK(found->ended_us == kNoon + 5);
  CHECK(found->received == 12);
  CHECK(found->counts == stored.counts);
  CHECK(found->findings == 9);
  CHECK(found->conflicts == 10);
}

TEST_CASE("an attempt that nobody stored is not found") {
  Fixture f;
  REQUIRE_FALSE(must(storage::find_attempt(f.connection_, make_uuid7())));
}

TEST_CASE("findings come by place in the changeset, those of one change as they were made") {
  Fixture f;
  const auto attempt = f.attempt();
  must(storage::store_attempt(f.connection_, attempt,
                              {finding(3, "c"), finding(1, "a1"), finding(2, "b"), finding(1, "a2")}, {}));
  const auto all = must(storage::list_findings(f.connection_, attempt.attempt_id, {}, 0, 10));
  REQUIRE(ids_of(all) == Strings{"a1", "a2", "b", "c"});
  REQUIRE(all[0].ordinal == 1);
  REQUIRE(all[3].ordinal == 4);
  REQUIRE(all[2].finding.sequence == 2);
  REQUIRE(all[2].finding.dataset == "test.points");
  REQUIRE(all[2].finding.finding == finding(2, "b").finding);
}

TEST_CASE("findings are filtered by severity, rule, feature and dataset, and paged by ordinal") {
  Fixture f;
  const auto attempt = f.attempt();
  auto other = finding(4, "d");
  other.dataset = "test.lines";
  must(storage::store_attempt(
      f.connection_, attempt,
      {finding(1, "a"), finding(2, "b", Severity::kWarning), finding(3, "c", Severity::kInfo, "F01"), other}, {}));
  const auto ids = [&](const storage::FindingFilter& filter, std::int64_t after = 0, int limit = 10) {
    return ids_of(must(storage::list_findings(f.connection_, attempt.attempt_id, filter, after, limit)));
  };
  CHECK(ids({}) == Strings{"a", "b", "c", "d"});
  CHECK(ids({Severity::kError, "", "", ""}) == Strings{"a", "d"});
  CHECK(ids({Severity::kWarning, "", "", ""}) == Strings{"b"});
  CHECK(ids({Severity::kInfo, "", "", ""}) == Strings{"c"});
  CHECK(ids({{}, "F01", "", ""}) == Strings{"c"});
  CHECK(ids({{}, "", "b", ""}) == Strings{"b"});
  CHECK(ids({{}, "", "", "test.lines"}) == Strings{"d"});
  CHECK(ids({Severity::kWarning, "F01", "", ""}).empty());
  CHECK(ids({}, 0, 2) == Strings{"a", "b"});
  CHECK(ids({}, 2, 2) == Strings{"c", "d"});
  CHECK(ids({}, 4, 2).empty());
  CHECK(must(storage::list_findings(f.connection_, make_uuid7(), {}, 0, 10)).empty());
}

TEST_CASE("conflicts come by dataset and feature with what was found") {
  Fixture f;
  const auto attempt = f.attempt();
  must(storage::store_attempt(f.connection_, attempt, {},
                              {{"b", "2", ConflictKind::kMissing, {}, 0, "", {}},
                               {"a", "9", ConflictKind::kChanged, 4, 6, "environment", kNoon},
                               {"b", "1", ConflictKind::kExists, 0, 3, "transport", kNoon + 1},
                               {"b", "3", ConflictKind::kOutOfScope, {}, 2, "transport", kNoon}}));
  const auto all = must(storage::list_conflicts(f.connection_, attempt.attempt_id, 0, 10));
  REQUIRE(all.size() == 4);
  CHECK(all[0].conflict.feature_id == "9");
  CHECK(all[0].conflict.kind == ConflictKind::kChanged);
  CHECK(all[0].conflict.expected_version == 4);
  CHECK(all[0].conflict.found_version == 6);
  CHECK(all[0].conflict.found_organisation == "environment");
  CHECK(all[0].conflict.found_us == kNoon);
  CHECK(all[1].conflict.kind == ConflictKind::kExists);
  CHECK(all[1].conflict.expected_version == 0);
  CHECK(all[2].conflict.kind == ConflictKind::kMissing);
  CHECK_FALSE(all[2].conflict.expected_version);
  CHECK_FALSE(all[2].conflict.found_us);
  CHECK(all[3].conflict.kind == ConflictKind::kOutOfScope);
  const auto second = must(storage::list_conflicts(f.connection_, attempt.attempt_id, 2, 1));
  REQUIRE(second.size() == 1);
  REQUIRE(second[0].ordinal == 3);
}

TEST_CASE("storing an attempt again replaces it with its findings and conflicts") {
  Fixture f;
  auto attempt = f.attempt();
  attempt.outcome = AttemptOutcome::kBrokenOff;
  must(storage::store_attempt(f.connection_, attempt, {finding(1, "a"), finding(2, "b")},
                              {{"d", "1", ConflictKind::kMissing, {}, 0, "", {}}}));
  attempt.outcome = AttemptOutcome::kAccepted;
  must(storage::store_attempt(f.connection_, attempt, {finding(1, "c")}, {}));
  CHECK(must(storage::find_attempt(f.connection_, attempt.attempt_id))->outcome == AttemptOutcome::kAccepted);
  CHECK(ids_of(must(storage::list_findings(f.connection_, attempt.attempt_id, {}, 0, 10))) == Strings{"c"});
  CHECK(f.count("conflict") == 0);
  CHECK(f.count("attempt") == 1);
}

TEST_CASE("an attempt that was accepted is never replaced") {
  Fixture f;
  auto attempt = f.attempt();
  attempt.outcome = AttemptOutcome::kAccepted;
  must(storage::store_attempt(f.connection_, attempt, {finding(1, "a")}, {}));
  attempt.outcome = AttemptOutcome::kRefused;
  REQUIRE_ERROR(storage::store_attempt(f.connection_, attempt, {}, {}), absl::StatusCode::kInternal,
                "ATTEMPT_NOT_STORED");
  CHECK(must(storage::find_attempt(f.connection_, attempt.attempt_id))->outcome == AttemptOutcome::kAccepted);
  CHECK(f.count("finding") == 1);
}

TEST_CASE("an attempt of another organisation is never replaced, and one of none is not stored") {
  Fixture f;
  auto attempt = f.attempt();
  must(storage::store_attempt(f.connection_, attempt, {finding(1, "a")}, {}));
  attempt.organisation = "operator";
  REQUIRE_ERROR(storage::store_attempt(f.connection_, attempt, {}, {}), absl::StatusCode::kInternal,
                "ATTEMPT_NOT_STORED");
  REQUIRE_ERROR(storage::store_attempt(f.connection_, f.attempt("nobody"), {}, {}), absl::StatusCode::kInternal,
                "ATTEMPT_NOT_STORED");
  CHECK(must(storage::find_attempt(f.connection_, attempt.attempt_id))->organisation == "transport");
  CHECK(f.count("finding") == 1);
}

TEST_CASE("an attempt is part of the transaction that is open, and else has its own") {
  Fixture f;
  const auto attempt = f.attempt();
  {
    auto transaction = must(pg::Transaction::begin(f.connection_));
    must(storage::store_attempt(f.connection_, attempt, {finding(1, "a")}, {}));
    REQUIRE(must(storage::find_attempt(f.connection_, attempt.attempt_id)));
    must(transaction.rollback());
  }
  REQUIRE_FALSE(must(storage::find_attempt(f.connection_, attempt.attempt_id)));
  must(storage::store_attempt(f.connection_, attempt, {finding(1, "a")}, {}));
  REQUIRE_FALSE(f.connection_.in_transaction());
  auto second = f.database_.connect();
  REQUIRE(must(storage::find_attempt(second, attempt.attempt_id)));
}

TEST_CASE("text that no database takes does not keep an attempt from being stored") {
  Fixture f;
  auto attempt = f.attempt();
  attempt.dataset = std::string("a\0b", 3);
  attempt.error_message = "\xFF" + std::string(20'000, 'x');
  auto bad = finding(1, std::string("x\0y", 3));
  bad.finding.message_en = "\xC3";
  must(storage::store_attempt(f.connection_, attempt, {bad}, {{"d", "\x80", ConflictKind::kMissing, {}, 0, "", {}}}));
  const auto found = must(storage::find_attempt(f.connection_, attempt.attempt_id));
  CHECK(found->dataset == "a?b");
  CHECK(found->error_message.size() < 5000);
  CHECK(ids_of(must(storage::list_findings(f.connection_, attempt.attempt_id, {}, 0, 1))) == Strings{"x?y"});
}

TEST_CASE("ten thousand findings and conflicts are stored in one go") {
  Fixture f;
  constexpr int kMany = 10'000;
  std::vector<storage::AttemptFinding> findings;
  std::vector<storage::Conflict> conflicts;
  for (int i = 1; i <= kMany; ++i) {
    findings.push_back(finding(i, "f" + std::to_string(i)));
    conflicts.push_back({"d", "f" + std::to_string(i), ConflictKind::kChanged, 1, 2, "transport", kNoon});
  }
  const auto attempt = f.attempt();
  must(storage::store_attempt(f.connection_, attempt, findings, conflicts));
  REQUIRE(f.count("finding") == kMany);
  REQUIRE(f.count("conflict") == kMany);
  REQUIRE(must(storage::list_findings(f.connection_, attempt.attempt_id, {}, kMany - 1, 10)).size() == 1);
}

TEST_CASE("attempts are listed newest first, filtered and paged") {
  Fixture f;
  std::vector<std::string> ids;
  const auto add = [&](auto change) {
    auto attempt = f.attempt();
    attempt.attempt_id = "0190-" + std::to_string(ids.size());  // ids of one millisecond have no order
    change(attempt);
    must(storage::store_attempt(f.connection_, attempt, {}, {}));
    ids.push_back(attempt.attempt_id);
  };
  add([](auto&) {});
  add([](auto& a) { a.organisation = "operator"; });
  add([](auto& a) { a.dataset = "test.lines"; });
  add([](auto& a) { a.changeset_id = "other"; });
  add([](auto& a) { a.outcome = AttemptOutcome::kAccepted; });
  const auto list = [&](const storage::AttemptFilter& filter, const std::string& before = "", int limit = 10) {
    Strings places;
    for (const auto& attempt : must(storage::list_attempts(f.connection_, filter, before, limit))) {
      const auto at = std::find(ids.begin(), ids.end(), attempt.attempt_id);
      places.push_back(std::to_string(at - ids.begin()));
    }
    return places;
  };
  CHECK(list({}) == Strings{"4", "3", "2", "1", "0"});
  CHECK(list({"transport", "", "", {}}) == Strings{"4", "3", "2", "0"});
  CHECK(list({"nobody", "", "", {}}).empty());
  CHECK(list({"", "test.lines", "", {}}) == Strings{"2"});
  CHECK(list({"", "", "other", {}}) == Strings{"3"});
  CHECK(list({"", "", "", AttemptOutcome::kAccepted}) == Strings{"4"});
  CHECK(list({"transport", "test.points", "c", AttemptOutcome::kRefused}) == Strings{"0"});
  CHECK(list({}, "", 2) == Strings{"4", "3"});
  CHECK(list({}, ids[3], 2) == Strings{"2", "1"});
  CHECK(list({}, ids[0], 2).empty());
}

TEST_CASE("attempts that ended before a time are forgotten with all that belongs to them, and no others") {
  Fixture f;
  const auto old_conflict = storage::Conflict{"d", "1", ConflictKind::kMissing, {}, 0, "", {}};
  for (int i = 0; i < 205; ++i) must(storage::store_attempt(f.connection_, f.attempt(), {finding(1, "a")}, {}));
  must(storage::store_attempt(f.connection_, f.attempt(), {}, {old_conflict}));
  auto young = f.attempt();
  young.ended_us = kNoon + 6;
  must(storage::store_attempt(f.connection_, young, {finding(1, "b")}, {old_conflict}));
  REQUIRE(must(storage::forget_attempts(f.connection_, kNoon + 5)) == 0);
  REQUIRE(must(storage::forget_attempts(f.connection_, kNoon + 6)) == 206);
  REQUIRE(must(storage::find_attempt(f.connection_, young.attempt_id)));
  CHECK(f.count("attempt") == 1);
  CHECK(f.count("finding") == 1);
  CHECK(f.count("conflict") == 1);
  REQUIRE(must(storage::forget_attempts(f.connection_, kNoon + 6)) == 0);
}

std::vector<std::string> features_of(const storage::QuarantinePage& page) {
  std::vector<std::string> ids;
  for (const auto& item : page.items) ids.push_back(item.feature_id);
  return ids;
}

TEST_CASE("a quarantined change reads back with mask, findings and payload") {
  Fixture f;
  const auto id = f.quarantine("a", "payload", 'H',
                               R"([{"rule":"F04","severity":"SEVERITY_WARNING","reason":"FIELD_REQUIRED",)"
                               R"("feature_id":"a","field":"name","place":"[1]","message_vi":"v","message_en":"e"}])");
  const auto item = must(storage::find_quarantined(f.connection_, 1, id));
  CHECK(item.id == id);
  CHECK(item.feature_id == "a");
  CHECK(item.attempt_id == "at");
  CHECK(item.organisation == "transport");
  CHECK(item.sequence == 7);
  CHECK(item.op == 'U');
  CHECK(item.base_version == 4);
  CHECK(item.form == storage::QuarantineForm::kRecord);
  CHECK(item.mask == feature::FieldMask{0, 3});
  CHECK(item.payload == "payload");
  CHECK(item.found_version == 5);
  CHECK(item.state == QuarantineState::kHeld);
  CHECK_FALSE(item.decided_us);
  REQUIRE(item.findings.size() == 1);
  CHECK(item.findings[0] ==
        feature::Finding{"F04", Severity::kWarning, "FIELD_REQUIRED", "a", "name", "[1]", "v", "e"});
  CHECK(must(storage::list_quarantine(f.connection_, 1, {}, 0, {})).items.at(0).findings == item.findings);
}

TEST_CASE("an item of another dataset, or none, is unknown") {
  Fixture f;
  const auto id = f.quarantine("a", "x");
  REQUIRE_ERROR(storage::find_quarantined(f.connection_, 2, id), absl::StatusCode::kNotFound, "QUARANTINE_UNKNOWN");
  REQUIRE_ERROR(storage::find_quarantined(f.connection_, 1, id + 1), absl::StatusCode::kNotFound, "QUARANTINE_UNKNOWN");
  REQUIRE_ERROR(storage::check_held(f.connection_, 2, {id}), absl::StatusCode::kNotFound, "QUARANTINE_UNKNOWN");
  REQUIRE_OK(storage::check_held(f.connection_, 1, {id}));
  REQUIRE_OK(storage::check_held(f.connection_, 1, {}));
}

TEST_CASE("items are listed oldest first, by state and feature, in pages") {
  Fixture f;
  for (const auto& [fid, state] :
       std::vector<std::pair<std::string, char>>{{"a", 'H'}, {"b", 'S'}, {"a", 'R'}, {"c", 'D'}, {"d", 'H'}}) {
    f.quarantine(fid, "x", state);
  }
  const auto list = [&](const storage::QuarantineFilter& filter, std::int64_t after = 0, int rows = 10) {
    storage::QuarantineLimits limits;
    limits.rows = rows;
    return must(storage::list_quarantine(f.connection_, 1, filter, after, limits));
  };
  CHECK(features_of(list({})) == Strings{"a", "b", "a", "c", "d"});
  CHECK_FALSE(list({}).more);
  CHECK(features_of(list({QuarantineState::kHeld, ""})) == Strings{"a", "d"});
  CHECK(features_of(list({QuarantineState::kSuperseded, ""})) == Strings{"b"});
  CHECK(features_of(list({{}, "a"})) == Strings{"a", "a"});
  CHECK(features_of(list({}, 0, 2)) == Strings{"a", "b"});
  CHECK(list({}, 0, 2).more);
  CHECK(features_of(list({}, list({}, 0, 2).items[1].id, 3)) == Strings{"a", "c", "d"});
  CHECK_FALSE(list({}, 0, 5).more);
  CHECK(list({}, 0, 4).more);
  CHECK(features_of(list({QuarantineState::kReleased, "b"})).empty());
}

TEST_CASE("a page ends at its bytes but has one item, and leaves out payloads over their limit") {
  Fixture f;
  storage::QuarantineLimits limits;
  limits.payload_bytes = 100;
  limits.bytes = 150;
  f.quarantine("a", std::string(100, 'x'));
  f.quarantine("b", std::string(101, 'x'));
  f.quarantine("c", std::string(60, 'x'));
  const auto first = must(storage::list_quarantine(f.connection_, 1, {}, 0, limits));
  REQUIRE(features_of(first) == Strings{"a", "b"});
  REQUIRE(first.more);
  REQUIRE(first.items[0].payload.size() == 100);
  REQUIRE(first.items[1].payload.empty());
  REQUIRE(first.items[1].payload_bytes == 101);
  const auto second = must(storage::list_quarantine(f.connection_, 1, {}, first.items[1].id, limits));
  REQUIRE(features_of(second) == Strings{"c"});
  REQUIRE_FALSE(second.more);
  limits.bytes = 1;
  REQUIRE(features_of(must(storage::list_quarantine(f.connection_, 1, {}, 0, limits))) == Strings{"a"});
}

TEST_CASE("discarding notes who, when and why, of all items or of none") {
  Fixture f;
  const auto a = f.quarantine("a", "x");
  const auto b = f.quarantine("b", "x");
  const auto released = f.quarantine("c", "x", 'R');
  const std::int64_t before = now_us();
  const auto decided = storage::discard_quarantined(f.connection_, 1, {a, released}, "operator", "no");
  REQUIRE_ERROR(decided, absl::StatusCode::kFailedPrecondition, "QUARANTINE_DECIDED");
  REQUIRE(error_detail(decided)->metadata["quarantine_id"] == std::to_string(released));
  REQUIRE(error_detail(decided)->metadata["state"] == "RELEASED");
  REQUIRE_ERROR(storage::discard_quarantined(f.connection_, 1, {a, 999}, "operator", "no"), absl::StatusCode::kNotFound,
                "QUARANTINE_UNKNOWN");
  REQUIRE(must(storage::find_quarantined(f.connection_, 1, a)).state == QuarantineState::kHeld);
  REQUIRE_FALSE(f.connection_.in_transaction());

  must(storage::discard_quarantined(f.connection_, 1, {b, a}, "operator", "trùng"));
  for (const auto id : {a, b}) {
    const auto item = must(storage::find_quarantined(f.connection_, 1, id));
    CHECK(item.state == QuarantineState::kDiscarded);
    CHECK(item.decided_by == "operator");
    CHECK(item.note == "trùng");
    REQUIRE(item.decided_us);
    constexpr std::int64_t kClockTolerance = 60'000'000;
    CHECK(*item.decided_us > before - kClockTolerance);
  }
  REQUIRE_ERROR(storage::discard_quarantined(f.connection_, 1, {a}, "operator", ""),
                absl::StatusCode::kFailedPrecondition, "QUARANTINE_DECIDED");
}

TEST_CASE("stored findings that cannot be read are an error that names the database") {
  Fixture f;
  const auto id = f.quarantine("a", "x", 'H', R"([{"severity":"strange"}])");
  REQUIRE_ERROR(storage::find_quarantined(f.connection_, 1, id), absl::StatusCode::kDataLoss, "FINDINGS_MALFORMED");
}

}  // namespace
