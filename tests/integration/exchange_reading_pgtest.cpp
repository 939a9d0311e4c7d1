// Answers that break off and go on, compacted history, and an exchange that is restarted under its readers.
#include <functional>
#include <thread>

#include <catch2/catch.hpp>

#include "client/client.hpp"
#include "exchange_support.hpp"
#include "lienthong/v1/admin_service.grpc.pb.h"

namespace lt::test {
namespace {

exchange::Config small_messages() {
  auto config = exchange_config();
  config.stream_chunk_bytes = 1 << 10;
  config.stream_page_bytes = 1 << 10;
  return config;
}

/// One answer, message by message.
template <typename Response>
struct Messages {
  std::vector<Response> list;
  absl::Status status;
};

const std::string& token_of(const v1::StreamDiffResponse& r) { return r.entries().resume_token(); }
const std::string& token_of(const v1::StreamChangesResponse& r) { return r.entries().resume_token(); }
const std::string& token_of(const v1::StreamSnapshotResponse& r) { return r.features().resume_token(); }

v1::Change upsert_shape(const std::string& id, const std::string& wkt, const std::string& name = "a") {
  v1::Change made;
  made.set_op(v1::OPERATION_UPSERT);
  made.mutable_feature()->set_id(id);
  made.mutable_feature()->set_wkt(wkt);
  (*made.mutable_feature()->mutable_properties()->mutable_fields())["name"].set_string_value(name);
  return made;
}

/// About 15 bytes for each vertex.
std::string long_line(int vertices, int first = 500000) {
  std::string wkt = "LINESTRING (" + std::to_string(first) + " 1999999";
  for (int i = 1; i < vertices; ++i) wkt += "," + std::to_string(500000 + i) + " 2000000";
  return wkt + ")";
}

class ReadingFixture : public ExchangeFixture {
 public:
  explicit ReadingFixture(exchange::Config config = small_messages())
      : ExchangeFixture(std::move(config)), admin_(v1::AdminService::NewStub(channel_)) {}

  Messages<v1::StreamDiffResponse> call(const v1::StreamDiffRequest& request) {
    const auto context = ExchangeFixture::context("environment");
    return collect(*stub_->StreamDiff(context.get(), request));
  }
  Messages<v1::StreamChangesResponse> call(const v1::StreamChangesRequest& request) {
    const auto context = ExchangeFixture::context("environment");
    return collect(*stub_->StreamChanges(context.get(), request));
  }
  Messages<v1::StreamSnapshotResponse> call(const v1::StreamSnapshotRequest& request) {
    const auto context = ExchangeFixture::context("environment");
    return collect(*stub_->StreamSnapshot(context.get(), request));
  }

  absl::StatusOr<v1::CompactHistoryResponse> compact(std::int64_t horizon, const std::string& organisation = "operator",
                                                     const std::string& dataset = "test.points") {
    v1::CompactHistoryRequest request;
    request.set_dataset(dataset);
    request.set_horizon(horizon);
    v1::CompactHistoryResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(admin_->CompactHistory(context(organisation).get(), request, &response)));
    return response;
  }

  /// Five versions of test.points: p0 to p119 each changed at times, some deleted and there again.
  void make_history() {
    for (int v = 1; v <= 5; ++v) {
      std::vector<v1::Change> list;
      for (int i = 0; i < 120; ++i) {
        const std::string id = "p" + std::to_string(i);
        if (v > 1 && (i + v) % 4 == 0) {
          list.push_back(delete_of(id));
        } else if (v == 1 || (i + v) % 3 == 0) {
          list.push_back(upsert_point(id, i, v));
        }
      }
      REQUIRE(must(publish(list)).datasets(0).version() == v);
    }
  }

  std::unique_ptr<v1::AdminService::Stub> admin_;

 private:
  template <typename Response>
  static Messages<Response> collect(grpc::ClientReader<Response>& reader) {
    Messages<Response> messages;
    Response response;
    while (reader.Read(&response)) messages.list.push_back(response);
    messages.status = rpc::from_grpc_status(reader.Finish());
    return messages;
  }
};

v1::DiffEntry entry_of(const v1::StreamDiffResponse&) { return {}; }
v1::ChangeEntry entry_of(const v1::StreamChangesResponse&) { return {}; }
v1::Feature entry_of(const v1::StreamSnapshotResponse&) { return {}; }

/// The entries in lists and in pieces from message `first` on, in order, as text: in bytes the order of properties
/// varies.
template <typename Response>
std::vector<std::string> entries_from(const std::vector<Response>& messages, std::size_t first) {
  std::vector<std::string> entries;
  wire::PartAssembler assembler;
  for (std::size_t i = first; i < messages.size(); ++i) {
    if (messages[i].has_feature_part()) {
      const auto whole = must(assembler.add(messages[i].feature_part()));
      if (!whole) continue;
      decltype(entry_of(messages[i])) entry;
      if (!entry.ParseFromString(*whole)) throw std::runtime_error("the parts are no entry");
      entries.push_back(entry.ShortDebugString());
    } else {
      for (const auto& entry : entries_of(messages[i])) entries.push_back(entry.ShortDebugString());
    }
  }
  return entries;
}

/// Resumes after each message that has a token; each time the rest is that of the unbroken answer. @return how often.
template <typename Request>
int check_resumed_everywhere(ReadingFixture& f, const Request& request, const std::function<void()>& meanwhile = {}) {
  const auto whole = f.call(request);
  must(whole.status);
  if (meanwhile) meanwhile();
  int resumed = 0;
  for (std::size_t i = 0; i < whole.list.size(); ++i) {
    if (token_of(whole.list[i]).empty()) continue;
    Request again = request;
    again.set_resume_token(token_of(whole.list[i]));
    const auto rest = f.call(again);
    must(rest.status);
    REQUIRE(rest.list.size() >= 2);
    REQUIRE(same(rest.list.front(), whole.list.front()));
    REQUIRE(same(rest.list.back(), whole.list.back()));
    REQUIRE(entries_from(rest.list, 1) == entries_from(whole.list, i + 1));
    ++resumed;
  }
  return resumed;
}

TEST_CASE("an answer resumed after any of its messages goes on with exactly the rest, though the head moved") {
  ReadingFixture f;
  f.make_history();
  const auto publish_more = [&] {
    std::vector<v1::Change> list;
    for (int i = 0; i < 40; ++i) list.push_back(upsert_point("p" + std::to_string(i), 100 + i, 9));
    must(f.publish(list));
    must(f.publish({delete_of("p1"), upsert_point("q1", 1)}));
  };
  constexpr int kSeveral = 5;
  SECTION("a diff") {
    for (const char* json : {R"({"dataset":"test.points"})", R"({"dataset":"test.points","includeBefore":true})",
                             R"({"dataset":"test.points","fromVersion":"2","form":"FEATURE_FORM_RECORD"})",
                             R"({"dataset":"test.points","fromVersion":"1","toVersion":"4"})"}) {
      INFO(json);
      CHECK(check_resumed_everywhere(f, from_json<v1::StreamDiffRequest>(json), publish_more) >= 1);
    }
    CHECK(check_resumed_everywhere(f, from_json<v1::StreamDiffRequest>(R"({"dataset":"test.points"})")) >= kSeveral);
  }
  SECTION("a diff from a cursor") {
    auto request = from_json<v1::StreamDiffRequest>(R"({"dataset":"test.points","toVersion":"1"})");
    request.set_cursor(must(f.diff(request)).end.cursor());
    request.clear_to_version();
    CHECK(check_resumed_everywhere(f, request, publish_more) >= kSeveral);
  }
  SECTION("changes") {
    const auto request = from_json<v1::StreamChangesRequest>(R"({"dataset":"test.points"})");
    CHECK(check_resumed_everywhere(f, request, publish_more) >= kSeveral);
  }
  SECTION("a snapshot of the head") {
    const auto request = from_json<v1::StreamSnapshotRequest>(R"({"dataset":"test.points"})");
    CHECK(check_resumed_everywhere(f, request, publish_more) >= kSeveral);
  }
  SECTION("a snapshot of an older version") {
    const auto request = from_json<v1::StreamSnapshotRequest>(R"({"dataset":"test.points","version":"1"})");
    CHECK(check_resumed_everywhere(f, request, publish_more) >= kSeveral);
  }
  SECTION("a snapshot by time: the token knows its version") {
    const auto request =
        from_json<v1::StreamSnapshotRequest>(R"({"dataset":"test.points","asOfTime":"2999-01-01T00:00:00Z"})");
    CHECK(check_resumed_everywhere(f, request, publish_more) >= kSeveral);
  }
  SECTION("an answer resumed twice") {
    auto request = from_json<v1::StreamDiffRequest>(R"({"dataset":"test.points"})");
    request.set_resume_token(token_of(f.call(request).list.at(1)));
    CHECK(check_resumed_everywhere(f, request, publish_more) >= 1);
  }
}

TEST_CASE("an empty answer has no token") {
  ReadingFixture f;
  const auto empty = f.call(from_json<v1::StreamDiffRequest>(R"({"dataset":"test.points"})"));
  must(empty.status);
  CHECK(empty.list.size() == 2);
}

TEST_CASE("an entry in pieces has no token of its own: it comes again after the token before it") {
  ReadingFixture f;
  const auto point = [](const char* id) { return upsert_shape(id, "POINT (500000 2000000)"); };
  must(f.publish(f.header("test.shapes"), {point("a"), upsert_shape("b", long_line(90'000)), point("c")}));
  const auto request = from_json<v1::StreamDiffRequest>(R"({"dataset":"test.shapes","form":"FEATURE_FORM_WKT"})");
  CHECK(check_resumed_everywhere(f, request) == 2);
  const auto whole = f.call(request);
  CHECK(whole.list.back().end().count() == 3);
  CHECK(entries_from(whole.list, 1).size() == 3);
}

absl::Status refusal(ReadingFixture& f, const v1::StreamDiffRequest& request) { return f.call(request).status; }

TEST_CASE("a resume token of another request is refused, and so is one that is none") {
  ReadingFixture f;
  f.make_history();
  const auto request = from_json<v1::StreamDiffRequest>(R"({"dataset":"test.points","fromVersion":"2"})");
  const std::string token = token_of(f.call(request).list.at(1));
  const std::string cursor = f.call(request).list.back().end().cursor();
  auto again = request;
  again.set_resume_token(token);
  must(refusal(f, again));

  SECTION("of another dataset, method, range or content") {
    const auto expect_other = [](const absl::Status& status, const std::string& field) {
      INFO(field);
      CHECK(status.code() == absl::StatusCode::kInvalidArgument);
      CHECK(error_reason(status) == "TOKEN_OTHER_REQUEST");
      CHECK(metadata_of(status, "field") == field);
    };
    auto other = again;
    other.set_dataset("test.shapes");
    expect_other(refusal(f, other), "dataset");
    other = again;
    other.set_from_version(1);
    expect_other(refusal(f, other), "from_version");
    other = again;
    other.set_to_version(4);
    expect_other(refusal(f, other), "to_version");
    other = again;
    other.set_include_before(true);
    expect_other(refusal(f, other), "include_before");
    other = again;
    other.set_cursor(cursor);
    expect_other(refusal(f, other), "cursor");
    auto changes = from_json<v1::StreamChangesRequest>(R"({"dataset":"test.points","fromVersion":"2"})");
    changes.set_resume_token(token);
    expect_other(f.call(changes).status, "method");
    auto snapshot = from_json<v1::StreamSnapshotRequest>(R"({"dataset":"test.points"})");
    snapshot.set_resume_token(token);
    expect_other(f.call(snapshot).status, "method");
    snapshot.clear_resume_token();
    snapshot.set_resume_token(token_of(f.call(snapshot).list.at(1)));
    snapshot.set_version(4);
    expect_other(f.call(snapshot).status, "version");
  }
  SECTION("the fixed end may be said again") {
    again.set_to_version(5);
    must(refusal(f, again));
  }
  SECTION("another form is allowed") {
    again.set_form(v1::FEATURE_FORM_RECORD);
    must(refusal(f, again));
  }
  SECTION("changed or cut") {
    for (const std::string& bad :
         {token.substr(1), token.substr(0, token.size() - 1), token + "A", std::string("x"), cursor}) {
      again.set_resume_token(bad);
      const auto status = refusal(f, again);
      CHECK(status.code() == absl::StatusCode::kInvalidArgument);
      CHECK(error_reason(status) == "TOKEN_MALFORMED");
    }
  }
}

void check_compacted(const absl::Status& status, std::int64_t horizon) {
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(error_reason(status) == "HISTORY_COMPACTED");
  CHECK(metadata_of(status, "horizon") == std::to_string(horizon));
  CHECK(metadata_of(status, "dataset") == "test.points");
}

TEST_CASE("after compaction what is promised reads exactly as before, and the rest says that it is gone") {
  ReadingFixture f;
  f.make_history();
  constexpr std::int64_t kHorizon = 3;
  constexpr std::int64_t kHead = 5;
  const auto diff = [&](std::int64_t a, std::int64_t b) {
    return f.diff(R"({"dataset":"test.points","includeBefore":true,"fromVersion":")" + std::to_string(a) +
                  R"(","toVersion":")" + std::to_string(b) + R"("})");
  };
  const auto changes = [&](std::int64_t a, std::int64_t b) {
    return f.changes(R"({"dataset":"test.points","fromVersion":")" + std::to_string(a) + R"(","toVersion":")" +
                     std::to_string(b) + R"("})");
  };
  const auto snapshot = [&](std::int64_t v) {
    return f.snapshot(R"({"dataset":"test.points","version":")" + std::to_string(v) + R"("})");
  };
  const auto text_of = [](const auto& answer) {
    std::string text = answer.header.ShortDebugString() + answer.end.ShortDebugString();
    for (const auto& entry : answer.entries) text += entry.ShortDebugString();
    return text;
  };
  const auto all = [&](const std::function<void(const std::string&, bool, const absl::StatusOr<std::string>&)>& visit) {
    const auto text = [&](const auto& answer) -> absl::StatusOr<std::string> {
      if (!answer.ok()) return answer.status();
      return text_of(*answer);
    };
    for (std::int64_t a = 0; a <= kHead; ++a) {
      for (std::int64_t b = a; b <= kHead; ++b) {
        const std::string range = std::to_string(a) + ".." + std::to_string(b);
        visit("diff " + range, (a == 0 ? b : a) >= kHorizon, text(diff(a, b)));
        visit("changes " + range, a >= kHorizon, text(changes(a, b)));
      }
      visit("snapshot " + std::to_string(a), a >= kHorizon, text(snapshot(a)));
    }
  };
  std::map<std::string, std::string> before;
  all([&](const std::string& name, bool, const auto& text) { before[name] = must(text); });

  const auto done = must(f.compact(kHorizon));
  CHECK(done.horizon() == kHorizon);
  CHECK(done.removed() > 0);
  CHECK(must(f.dataset()).horizon() == kHorizon);
  CHECK(must(f.dataset("test.shapes")).horizon() == 0);
  all([&](const std::string& name, bool readable, const auto& text) {
    INFO(name);
    if (!readable) return check_compacted(text.status(), kHorizon);
    REQUIRE(text.ok());
    CHECK(*text == before.at(name));
  });

  CHECK(must(f.feature(R"({"dataset":"test.points","id":"p0","version":"3"})")).feature().id() == "p0");
  check_compacted(f.feature(R"({"dataset":"test.points","id":"p0","version":"2"})").status(), kHorizon);
  CHECK(must(f.list_changesets(R"({"dataset":"test.points"})")).changesets_size() == kHead);
  CHECK(must(f.changeset(R"({"dataset":"test.points","version":"1"})")).datasets(0).version() == 1);
  CHECK(must(f.compact(kHorizon)).removed() == 0);
  CHECK(must(f.compact(1)).horizon() == kHorizon);
}

TEST_CASE("cursors and resume tokens of versions that were compacted say so") {
  ReadingFixture f;
  f.make_history();
  const auto request = from_json<v1::StreamDiffRequest>(R"({"dataset":"test.points","fromVersion":"1"})");
  auto resumed = request;
  resumed.set_resume_token(token_of(f.call(request).list.at(1)));
  auto from_cursor = from_json<v1::StreamDiffRequest>(R"({"dataset":"test.points","toVersion":"2"})");
  from_cursor.set_cursor(must(f.diff(from_cursor)).end.cursor());
  from_cursor.clear_to_version();
  must(f.compact(2));
  check_compacted(f.call(resumed).status, 2);
  must(f.call(from_cursor).status);
  must(f.compact(3));
  check_compacted(f.call(from_cursor).status, 3);
}

TEST_CASE("a stream whose history is compacted under it ends with HISTORY_COMPACTED, never with wrong data") {
  ReadingFixture f;
  // Far over what the transport takes ahead of the reader.
  constexpr int kFeatures = 60;
  for (int v = 1; v <= 2; ++v) {
    std::vector<v1::PublishRequest> messages{request_of(f.header("test.shapes"))};
    for (int i = 0; i < kFeatures; ++i) {
      messages.push_back(batch_of(i + 1, {upsert_shape("s" + std::to_string(i), long_line(10'000, 500000 + v))}));
    }
    must(f.publish_stream(messages));
  }
  auto request =
      from_json<v1::StreamSnapshotRequest>(R"({"dataset":"test.shapes","version":"1","form":"FEATURE_FORM_WKT"})");
  const auto context = ExchangeFixture::context("environment");
  const auto reader = f.stub_->StreamSnapshot(context.get(), request);
  v1::StreamSnapshotResponse response;
  REQUIRE(reader->Read(&response));
  must(f.compact(2, "operator", "test.shapes"));
  while (reader->Read(&response)) {
    CHECK_FALSE(response.has_end());
    for (const auto& feature : response.features().features()) CHECK(feature.version() == 1);
  }
  const auto status = rpc::from_grpc_status(reader->Finish());
  CHECK(status.code() == absl::StatusCode::kOutOfRange);
  CHECK(error_reason(status) == "HISTORY_COMPACTED");
  CHECK(metadata_of(status, "dataset") == "test.shapes");
}

TEST_CASE("only the operator compacts, and only to a version that is there") {
  ReadingFixture f;
  f.make_history();
  CHECK(error_reason(f.compact(2, "transport").status()) == "OPERATOR_ONLY");
  CHECK(f.compact(2, "transport").status().code() == absl::StatusCode::kPermissionDenied);
  CHECK(error_reason(f.compact(2, "operator", "test.nothing").status()) == "DATASET_UNKNOWN");
  for (const std::int64_t horizon : {-1, 0, 6}) {
    const auto status = f.compact(horizon).status();
    CHECK(status.code() == absl::StatusCode::kOutOfRange);
    CHECK(error_reason(status) == "VERSION_OUT_OF_RANGE");
    CHECK(metadata_of(status, "head") == "5");
  }
  CHECK(must(f.dataset()).horizon() == 0);
  CHECK(must(f.compact(5)).horizon() == 5);
}

TEST_CASE("retention compacts what is older than the configured time, and finishes what was interrupted") {
  auto config = small_messages();
  config.retention_interval = std::chrono::milliseconds(20);
  SECTION("by age") {
    config.history_kept = std::chrono::hours(24);
    ReadingFixture f(config);
    f.make_history();
    auto connection = f.database_.connect();
    must(
        connection.execute("UPDATE lienthong.dataset_version SET committed_at = committed_at - interval '2 days'"
                           " WHERE version <= 3"));
    CHECK(wait_until([&] { return must(f.dataset()).horizon() == 3; }));
    must(f.snapshot(R"({"dataset":"test.points","version":"3"})"));
  }
  SECTION("what was interrupted") {
    ReadingFixture f(config);
    f.make_history();
    auto connection = f.database_.connect();
    must(connection.execute("UPDATE lienthong.dataset_head SET horizon = 4 WHERE head = 5"));
    CHECK(wait_until([&] { return f.count("SELECT count(*) FROM lienthong.compaction WHERE compacted = 4") == 1; }));
    CHECK(must(f.dataset()).horizon() == 4);
  }
}

TEST_CASE("a reader goes on by itself when the exchange is restarted under it: each entry exactly once") {
  auto config = small_messages();
  config.shutdown_grace = std::chrono::milliseconds(50);
  ReadingFixture f(config);
  // Far over what the transport takes ahead of the reader.
  constexpr int kFeatures = 4000;
  std::vector<v1::PublishRequest> messages{request_of(f.header("test.shapes"))};
  const std::string name(500, 'n');
  for (int i = 0; i < kFeatures; ++i) {
    messages.push_back(batch_of(i + 1, {upsert_shape("s" + std::to_string(i), "POINT (500000 2000000)", name)}));
  }
  must(f.publish_stream(messages));
  client::Options options;
  options.endpoint = f.exchange_->address();
  options.organisation = "environment";
  const auto client = must(client::Client::connect(options));
  auto reader = must(client.diff("test.shapes", 0));
  std::set<std::string> ids;
  int restarts = 0;
  for (;;) {
    const auto entry = must(reader.next());
    if (!entry) break;
    REQUIRE(ids.insert(entry->id).second);
    if (ids.size() % 1500 != 0) continue;
    config.database = f.database_.url();
    config.listen = f.exchange_->address();
    f.exchange_.reset();
    f.exchange_ = must(exchange::Exchange::start(config));
    must(f.publish(f.header("test.shapes"), {delete_of("s" + std::to_string(restarts))}));
    ++restarts;
  }
  CHECK(restarts == 2);
  CHECK(ids.size() == kFeatures);
  REQUIRE(reader.end());
  CHECK(reader.end()->count() == kFeatures);
}

}  // namespace
}  // namespace lt::test
