#include "client/entry_reader.hpp"

#include <thread>

#include "client/client.hpp"
#include "fake_exchange.hpp"
#include "wire/parts.hpp"

namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;
using lt::client_test::Behaviour;
using lt::client_test::FakeExchange;
using lt::feature::EntryOp;

v1::StreamDiffResponse header() {
  v1::StreamDiffResponse response;
  response.mutable_header()->set_dataset("a.b");
  response.mutable_header()->set_to_version(9);
  return response;
}

v1::StreamDiffResponse end(std::int64_t count) {
  v1::StreamDiffResponse response;
  response.mutable_end()->set_count(count);
  response.mutable_end()->set_cursor("cursor");
  return response;
}

v1::DiffEntry entry(const std::string& id, v1::EntryOp op = v1::ENTRY_OP_INSERT, const std::string& record = "record") {
  v1::DiffEntry made;
  made.set_op(op);
  made.mutable_feature()->set_id(id);
  made.mutable_feature()->set_version(4);
  made.mutable_feature()->set_record(record);
  return made;
}

v1::StreamDiffResponse entries(const std::vector<v1::DiffEntry>& list) {
  v1::StreamDiffResponse response;
  response.mutable_entries();
  for (const auto& one : list) *response.mutable_entries()->add_entries() = one;
  return response;
}

std::vector<v1::StreamDiffResponse> in_parts(const v1::DiffEntry& one, std::size_t piece_bytes) {
  std::vector<v1::StreamDiffResponse> responses;
  for (const auto& part : lt::wire::split_into_parts(one.SerializeAsString(), 1, piece_bytes)) {
    *responses.emplace_back().mutable_feature_part() = part;
  }
  return responses;
}

// What a client makes of a diff of these messages: the entries, and how it ended.
struct Outcome {
  std::vector<lt::feature::Entry> entries;
  absl::Status status;
  std::string cursor;
};

Outcome read_diff(const std::vector<v1::StreamDiffResponse>& messages, const absl::Status& last = absl::OkStatus()) {
  Behaviour behaviour;
  behaviour.diff = [&](const auto&, auto&, auto& writer) {
    for (const auto& message : messages) writer.Write(message);
    return last;
  };
  const FakeExchange exchange(behaviour);
  Outcome outcome;
  auto reader = exchange.client().diff("a.b", 0);
  outcome.status = reader.status();
  while (outcome.status.ok()) {
    const auto next = reader->next();
    outcome.status = next.status();
    if (!next.ok() || !*next) break;
    outcome.entries.push_back(**next);
  }
  if (!reader.ok()) return outcome;
  CHECK(reader->next().status() == outcome.status);
  if (reader->end()) outcome.cursor = reader->end()->cursor();
  CHECK(reader->end().has_value() == outcome.status.ok());
  return outcome;
}

void check_error(const Outcome& outcome, const std::string& reason) {
  INFO(lt::message_of(outcome.status));
  CHECK(outcome.status.code() == StatusCode::kDataLoss);
  CHECK(lt::error_reason(outcome.status) == reason);
}

TEST_CASE("a diff gives its entries in order and then its end") {
  auto update = entry("2", v1::ENTRY_OP_UPDATE);
  update.mutable_before()->set_record("before");
  const auto outcome =
      read_diff({header(), entries({entry("1"), update}), entries({entry("3", v1::ENTRY_OP_DELETE, "")}), end(3)});
  REQUIRE(outcome.status.ok());
  REQUIRE(outcome.entries.size() == 3);
  CHECK(outcome.entries[0].op == EntryOp::kInsert);
  CHECK(outcome.entries[0].record == "record");
  CHECK(outcome.entries[0].version == 4);
  CHECK(outcome.entries[0].before.empty());
  CHECK(outcome.entries[1].op == EntryOp::kUpdate);
  CHECK(outcome.entries[1].before == "before");
  CHECK(outcome.entries[2].op == EntryOp::kDelete);
  CHECK(outcome.entries[2].id == "3");
  CHECK(outcome.entries[2].record.empty());
  CHECK(outcome.cursor == "cursor");
}

TEST_CASE("an empty diff has a header and an end") {
  const auto outcome = read_diff({header(), end(0)});
  CHECK(outcome.status.ok());
  CHECK(outcome.entries.empty());
  CHECK(outcome.cursor == "cursor");
}

TEST_CASE("the request says what is wanted, in record form") {
  v1::StreamDiffRequest seen;
  Behaviour behaviour;
  behaviour.diff = [&](const auto& request, auto&, auto& writer) {
    seen = request;
    writer.Write(header());
    writer.Write(end(0));
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  auto reader = exchange.client().diff("a.b", 3, 9, true, "from here");
  REQUIRE(reader.ok());
  CHECK(reader->header().to_version() == 9);
  CHECK_FALSE(reader->end().has_value());
  REQUIRE(reader->next().ok());
  CHECK(seen.dataset() == "a.b");
  CHECK(seen.from_version() == 3);
  CHECK(seen.to_version() == 9);
  CHECK(seen.include_before());
  CHECK(seen.cursor() == "from here");
  CHECK(seen.form() == v1::FEATURE_FORM_RECORD);
  auto to_head = exchange.client().diff("a.b", 3);
  REQUIRE(to_head.ok());
  REQUIRE(to_head->next().ok());
  CHECK_FALSE(seen.has_to_version());
}

TEST_CASE("a divided entry is put together between the others") {
  const auto large = entry("2", v1::ENTRY_OP_UPDATE, std::string(3 << 20, 'g'));
  std::vector<v1::StreamDiffResponse> messages{header(), entries({entry("1")})};
  const auto parts = in_parts(large, lt::wire::kPieceBytes);
  messages.insert(messages.end(), parts.begin(), parts.end());
  messages.push_back(entries({entry("3")}));
  messages.push_back(end(3));
  const auto outcome = read_diff(messages);
  REQUIRE(outcome.status.ok());
  REQUIRE(outcome.entries.size() == 3);
  CHECK(outcome.entries[1].id == "2");
  CHECK(outcome.entries[1].op == EntryOp::kUpdate);
  CHECK(outcome.entries[1].record == large.feature().record());
  CHECK(outcome.entries[2].id == "3");
}

TEST_CASE("an answer that ends too early is incomplete") {
  SECTION("without an end") { check_error(read_diff({header(), entries({entry("1")})}), "STREAM_INCOMPLETE"); }
  SECTION("without anything") { check_error(read_diff({}), "STREAM_INCOMPLETE"); }
  SECTION("with fewer entries than were sent") {
    check_error(read_diff({header(), entries({entry("1")}), end(2)}), "STREAM_INCOMPLETE");
  }
}

TEST_CASE("entries that came before an answer broke off were given") {
  const auto outcome = read_diff({header(), entries({entry("1"), entry("2")})});
  CHECK(outcome.entries.size() == 2);
}

TEST_CASE("an answer with messages out of order is malformed") {
  auto parts = in_parts(entry("2", v1::ENTRY_OP_UPDATE, std::string(100, 'g')), 60);
  REQUIRE(parts.size() == 2);
  SECTION("no header") { check_error(read_diff({entries({entry("1")}), end(1)}), "STREAM_MALFORMED"); }
  SECTION("two headers") { check_error(read_diff({header(), header(), end(0)}), "STREAM_MALFORMED"); }
  SECTION("an empty message") { check_error(read_diff({header(), v1::StreamDiffResponse()}), "STREAM_MALFORMED"); }
  SECTION("something after the end") {
    check_error(read_diff({header(), end(0), entries({entry("1")})}), "STREAM_MALFORMED");
  }
  SECTION("an entry without a record") {
    check_error(read_diff({header(), entries({entry("1", v1::ENTRY_OP_UPDATE, "")}), end(1)}), "STREAM_MALFORMED");
  }
  SECTION("an entry without an operation") {
    check_error(read_diff({header(), entries({entry("1", v1::ENTRY_OP_UNSPECIFIED)}), end(1)}), "STREAM_MALFORMED");
  }
  SECTION("a piece missing") { check_error(read_diff({header(), parts[1], end(1)}), "STREAM_MALFORMED"); }
  SECTION("an end between pieces") { check_error(read_diff({header(), parts[0], end(1)}), "STREAM_MALFORMED"); }
  SECTION("a wrong hash") {
    parts[1].mutable_feature_part()->set_sha256(std::string(32, 'x'));
    check_error(read_diff({header(), parts[0], parts[1], end(1)}), "STREAM_MALFORMED");
  }
  SECTION("pieces that are no entry") {
    v1::StreamDiffResponse nonsense;
    *nonsense.mutable_feature_part() = lt::wire::split_into_parts("\xff\xff\xff", 1).front();
    check_error(read_diff({header(), nonsense, end(1)}), "STREAM_MALFORMED");
  }
}

TEST_CASE("an error of the server is kept, at the start and in the middle") {
  const auto error =
      lt::make_error(StatusCode::kFailedPrecondition, "HISTORY_FORKED", "another history", {{"dataset", "a.b"}});
  const auto at_start = read_diff({}, error);
  const auto in_the_middle = read_diff({header(), entries({entry("1")})}, error);
  const auto after_the_end = read_diff({header(), entries({entry("1")}), end(1)}, error);
  for (const auto* outcome : {&at_start, &in_the_middle, &after_the_end}) {
    CHECK(outcome->status.code() == StatusCode::kFailedPrecondition);
    CHECK(lt::error_reason(outcome->status) == "HISTORY_FORKED");
    CHECK(lt::client_test::metadata_of(outcome->status, "dataset") == "a.b");
  }
}

TEST_CASE("changes and snapshots are read as entries too") {
  Behaviour behaviour;
  behaviour.changes = [](const v1::StreamChangesRequest& request, auto& writer) {
    CHECK(request.form() == v1::FEATURE_FORM_RECORD);
    CHECK(request.from_version() == 2);
    v1::StreamChangesResponse response;
    response.mutable_header();
    writer.Write(response);
    auto* change = response.mutable_entries()->add_entries();
    change->set_op(v1::ENTRY_OP_UPDATE);
    change->mutable_feature()->set_id("c");
    change->mutable_feature()->set_record("record");
    writer.Write(response);
    response.mutable_end()->set_count(1);
    writer.Write(response);
    return absl::OkStatus();
  };
  behaviour.snapshot = [](const v1::StreamSnapshotRequest& request, auto& writer) {
    CHECK(request.form() == v1::FEATURE_FORM_RECORD);
    CHECK(request.version() == 5);
    v1::StreamSnapshotResponse response;
    response.mutable_header();
    writer.Write(response);
    auto* feature = response.mutable_features()->add_features();
    feature->set_id("s");
    feature->set_version(3);
    feature->set_record("record");
    writer.Write(response);
    v1::Feature divided = *feature;
    divided.set_id("t");
    for (const auto& part : lt::wire::split_into_parts(divided.SerializeAsString(), 1, 10)) {
      *response.mutable_feature_part() = part;
      writer.Write(response);
    }
    response.mutable_end()->set_count(2);
    writer.Write(response);
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  const auto client = exchange.client();
  auto changes = client.changes("a.b", 2);
  REQUIRE(changes.ok());
  const auto change = changes->next();
  REQUIRE(change.ok());
  CHECK((*change)->op == EntryOp::kUpdate);
  CHECK((*change)->id == "c");
  CHECK_FALSE(changes->next()->has_value());

  auto snapshot = client.snapshot("a.b", 5);
  REQUIRE(snapshot.ok());
  const auto feature = snapshot->next();
  REQUIRE(feature.ok());
  CHECK((*feature)->op == EntryOp::kInsert);
  CHECK((*feature)->id == "s");
  CHECK((*feature)->version == 3);
  const auto divided = snapshot->next();
  REQUIRE(divided.ok());
  CHECK((*divided)->id == "t");
  CHECK((*divided)->record == "record");
  CHECK_FALSE(snapshot->next()->has_value());
}

TEST_CASE("a reader that is dropped cancels its call") {
  lt::client_test::Event cancelled;
  Behaviour behaviour;
  behaviour.diff = [&](const auto&, grpc::ServerContext& context, auto& writer) {
    writer.Write(header());
    const auto message = entries({entry("1", v1::ENTRY_OP_INSERT, std::string(1000, 'r'))});
    while (writer.Write(message)) {
    }
    if (context.IsCancelled()) cancelled.happened();
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  {
    auto reader = exchange.client().diff("a.b", 0);
    REQUIRE(reader.ok());
    REQUIRE(reader->next().ok());
    auto moved = std::move(*reader);
    REQUIRE(moved.next().ok());
  }
  CHECK(cancelled.wait());
}

v1::StreamDiffResponse with_token(v1::StreamDiffResponse response, const std::string& token) {
  response.mutable_entries()->set_resume_token(token);
  return response;
}

// What one call of a diff sends, and how it ends.
struct Answer {
  std::vector<v1::StreamDiffResponse> messages;
  absl::Status status;
};

absl::Status gone() { return lt::make_error(StatusCode::kUnavailable, "SERVER_STOPPING", "stopping"); }

// An exchange whose calls give these answers, one after another, the last one again and again.
class BreakingExchange {
 public:
  explicit BreakingExchange(std::vector<Answer> answers) : answers_(std::move(answers)), exchange_(behaviour()) {}

  Outcome read(std::optional<std::int64_t> to = std::nullopt) {
    lt::client::Options options;
    options.resume_wait = std::chrono::seconds(10);
    const auto client = exchange_.client(options);
    auto reader = client.diff("a.b", 3, to, true, "cursor");
    REQUIRE(reader.ok());
    Outcome outcome;
    for (;;) {
      const auto next = reader->next();
      outcome.status = next.status();
      if (!next.ok() || !*next) break;
      outcome.entries.push_back(**next);
    }
    if (reader->end()) outcome.cursor = reader->end()->cursor();
    return outcome;
  }
  std::vector<v1::StreamDiffRequest> requests;

 private:
  Behaviour behaviour() {
    Behaviour made;
    made.diff = [this](const v1::StreamDiffRequest& request, auto&, auto& writer) {
      const auto& answer = answers_[std::min(requests.size(), answers_.size() - 1)];
      requests.push_back(request);
      for (const auto& message : answer.messages) writer.Write(message);
      return answer.status;
    };
    return made;
  }

  const std::vector<Answer> answers_;
  const FakeExchange exchange_;
};

std::string ids_of(const Outcome& outcome) {
  std::string ids;
  for (const auto& one : outcome.entries) ids += one.id;
  return ids;
}

TEST_CASE("an answer that breaks off goes on by its last token, each entry once") {
  BreakingExchange exchange(
      {{{header(), with_token(entries({entry("1")}), "t1"), with_token(entries({entry("2"), entry("3")}), "t2")},
        gone()},
       {{header(), with_token(entries({entry("4")}), "t3"), end(4)}, {}}});
  const auto outcome = exchange.read();
  CHECK(outcome.status.ok());
  CHECK(ids_of(outcome) == "1234");
  CHECK(outcome.cursor == "cursor");
  REQUIRE(exchange.requests.size() == 2);
  CHECK(exchange.requests[0].resume_token().empty());
  CHECK(exchange.requests[1].resume_token() == "t2");
  CHECK(exchange.requests[1].from_version() == 3);
  CHECK(exchange.requests[1].cursor() == "cursor");
  CHECK(exchange.requests[1].include_before());
  CHECK_FALSE(exchange.requests[1].has_to_version());
}

TEST_CASE("what came in pieces after the last token comes again and is given once") {
  const auto parts = in_parts(entry("2", v1::ENTRY_OP_UPDATE, std::string(100, 'g')), 60);
  REQUIRE(parts.size() == 2);
  std::vector<v1::StreamDiffResponse> first{header(), with_token(entries({entry("1")}), "t1"), parts[0]};
  SECTION("broken off after the whole entry") { first.push_back(parts[1]); }
  SECTION("broken off in the middle of it") {}
  BreakingExchange exchange({{first, gone()}, {{header(), parts[0], parts[1], entries({entry("3")}), end(3)}, {}}});
  const auto outcome = exchange.read();
  CHECK(outcome.status.ok());
  CHECK(ids_of(outcome) == "123");
  CHECK(exchange.requests.at(1).resume_token() == "t1");
}

TEST_CASE("an answer that breaks off before its first entry begins anew, to the same end") {
  BreakingExchange exchange({{{header()}, gone()}, {{header(), entries({entry("1")}), end(1)}, {}}});
  CHECK(ids_of(exchange.read()) == "1");
  REQUIRE(exchange.requests.size() == 2);
  CHECK(exchange.requests[1].resume_token().empty());
  CHECK(exchange.requests[1].to_version() == header().header().to_version());
}

TEST_CASE("an answer that gave entries without a token is not resumed") {
  BreakingExchange exchange({{{header(), entries({entry("1")})}, gone()}});
  const auto outcome = exchange.read();
  CHECK(lt::error_reason(outcome.status) == "SERVER_STOPPING");
  CHECK(exchange.requests.size() == 1);
}

TEST_CASE("resuming ends after five tries without progress, and starts to count anew with each message") {
  SECTION("no progress") {
    BreakingExchange exchange({{{header(), with_token(entries({entry("1")}), "t1")}, gone()}, {{header()}, gone()}});
    const auto outcome = exchange.read();
    CHECK(lt::error_reason(outcome.status) == "SERVER_STOPPING");
    CHECK(ids_of(outcome) == "1");
    CHECK(exchange.requests.size() == 1 + 5);
  }
  SECTION("a little each time") {
    std::vector<Answer> answers;
    for (int i = 0; i < 9; ++i) {
      const std::string name = std::to_string(i);
      answers.push_back({{header(), with_token(entries({entry(name)}), "t" + name)}, gone()});
    }
    answers.push_back({{header(), end(9)}, {}});
    BreakingExchange exchange(answers);
    const auto outcome = exchange.read();
    CHECK(outcome.status.ok());
    CHECK(ids_of(outcome) == "012345678");
  }
}

TEST_CASE("a refusal to resume is final and kept") {
  const auto forked = lt::make_error(StatusCode::kFailedPrecondition, "HISTORY_FORKED", "another history");
  BreakingExchange exchange({{{header(), with_token(entries({entry("1")}), "t1")}, gone()}, {{}, forked}});
  CHECK(lt::error_reason(exchange.read().status) == "HISTORY_FORKED");
  CHECK(exchange.requests.size() == 2);
}

TEST_CASE("a reader that paused too long, or meets a busy exchange, resumes; one that is refused does not") {
  const auto [code, reason, calls] =
      GENERATE(table<StatusCode, const char*, std::size_t>({{StatusCode::kCancelled, "PEER_STALLED", 2},
                                                            {StatusCode::kResourceExhausted, "SERVER_BUSY", 2},
                                                            {StatusCode::kUnavailable, "CONNECTION_LOST", 2},
                                                            {StatusCode::kOutOfRange, "HISTORY_COMPACTED", 1},
                                                            {StatusCode::kDeadlineExceeded, "CALL_DEADLINE", 1}}));
  BreakingExchange exchange(
      {{{header(), with_token(entries({entry("1")}), "t1")}, lt::make_error(code, reason, "it broke off")},
       {{header(), end(1)}, {}}});
  const auto outcome = exchange.read();
  CHECK(exchange.requests.size() == calls);
  CHECK(outcome.status.ok() == (calls == 2));
}

TEST_CASE("an answer that is resumed as another one is malformed") {
  auto other = header();
  SECTION("of another end") { other.mutable_header()->set_to_version(10); }
  SECTION("of another dataset") { other.mutable_header()->set_dataset_uid("other"); }
  BreakingExchange exchange({{{header(), with_token(entries({entry("1")}), "t1")}, gone()}, {{other, end(1)}, {}}});
  check_error(exchange.read(), "STREAM_MALFORMED");
}

TEST_CASE("a resumed answer must add up: its count is of the whole") {
  BreakingExchange exchange({{{header(), with_token(entries({entry("1")}), "t1")}, gone()},
                             {{header(), with_token(entries({entry("2")}), "t2"), end(1)}, {}}});
  check_error(exchange.read(), "STREAM_INCOMPLETE");
}

TEST_CASE("an exchange that stays away ends the reading with the error that broke it off") {
  Behaviour behaviour;
  behaviour.diff = [&](const auto&, grpc::ServerContext& context, auto& writer) {
    writer.Write(header());
    writer.Write(with_token(entries({entry("1")}), "t1"));
    while (!context.IsCancelled()) std::this_thread::yield();
    return gone();
  };
  FakeExchange exchange(behaviour);
  lt::client::Options options;
  options.resume_wait = std::chrono::milliseconds(200);
  auto reader = exchange.client(options).diff("a.b", 0);
  REQUIRE(reader.ok());
  REQUIRE(reader->next().ok());
  exchange.stop();
  const auto next = reader->next();
  CHECK(next.status().code() == StatusCode::kUnavailable);
  CHECK(reader->next().status() == next.status());
}

}  // namespace
