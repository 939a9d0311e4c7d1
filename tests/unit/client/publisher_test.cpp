#include "client/publisher.hpp"

#include <thread>

#include "fake_exchange.hpp"
#include "wire/change.hpp"
#include "wire/parts.hpp"

namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;
using lt::client::Publisher;
using lt::client_test::Behaviour;
using lt::client_test::FakeExchange;
using lt::client_test::PublishStream;
using lt::feature::ChangeOp;

lt::feature::ChangesetHeader header() {
  lt::feature::ChangesetHeader made;
  made.dataset = "a.b";
  made.changeset_id = "set-1";
  made.base_version = 3;
  return made;
}

lt::feature::Schema schema() {
  lt::feature::Schema made;
  made.revision = 2;
  return made;
}

lt::feature::State state(std::size_t bytes) {
  lt::feature::State made;
  made.properties = {{1, std::string(bytes, 'v')}};
  return made;
}

v1::PublishResponse receipt(const std::string& digest = "d1") {
  v1::PublishResponse response;
  response.mutable_receipt()->set_changeset_id("set-1");
  response.mutable_receipt()->set_digest(digest);
  return response;
}

v1::PublishResponse progress(std::int64_t received) {
  v1::PublishResponse response;
  response.mutable_progress()->set_received(received);
  response.mutable_progress()->set_staged_sequence(received * 10);
  return response;
}

// Everything that a publisher sent.
struct Received {
  v1::PublishHeader header;
  std::vector<v1::Change> changes;
  std::vector<std::int64_t> sequences;  // of batches and divided changes, in order
  std::size_t largest_message = 0;
  int divided = 0;
  int calls = 0;               // PublishChangeset
  int ends = 0;                // of streams
  std::int64_t announced = 0;  // changes, by the end
};

absl::Status receive(PublishStream& stream, Received& out) {
  v1::PublishRequest request;
  lt::wire::PartAssembler parts;
  while (stream.Read(&request)) {
    out.largest_message = std::max(out.largest_message, request.ByteSizeLong());
    if (request.has_header()) out.header = request.header();
    if (request.has_batch()) {
      out.sequences.push_back(request.batch().sequence());
      out.changes.insert(out.changes.end(), request.batch().changes().begin(), request.batch().changes().end());
    }
    if (request.has_end()) {
      ++out.ends;
      out.announced = request.end().changes();
    }
    if (!request.has_feature_part()) continue;
    LT_ASSIGN_OR_RETURN(const auto whole, parts.add(request.feature_part()));
    if (!whole) continue;
    out.sequences.push_back(request.feature_part().sequence());
    ++out.divided;
    if (!out.changes.emplace_back().ParseFromString(*whole)) return absl::InternalError("not a change");
  }
  return parts.check_complete();
}

// An exchange that takes everything and gives a receipt.
Behaviour taking(Received& received) {
  Behaviour behaviour;
  behaviour.publish = [&](auto&, PublishStream& stream) {
    LT_RETURN_IF_ERROR(receive(stream, received));
    stream.Write(receipt());
    return absl::OkStatus();
  };
  behaviour.publish_changeset = [&](const auto& request, auto* response) {
    ++received.calls;
    received.header = request.header();
    received.changes.assign(request.changes().begin(), request.changes().end());
    *response->mutable_receipt() = receipt().receipt();
    return absl::OkStatus();
  };
  return behaviour;
}

// Enough for more than one batch, so that a stream is open.
void add_batches(Publisher& publisher) {
  const auto one = state(10'000);
  for (int i = 0; i < 50; ++i) REQUIRE(publisher.add(ChangeOp::kUpsert, std::to_string(i), {}, &one).ok());
}

Publisher open(const FakeExchange& exchange, lt::client::Progress on_progress = {}) {
  auto publisher = Publisher::open(exchange.client(), header(), schema(), std::move(on_progress));
  REQUIRE(publisher.ok());
  return *std::move(publisher);
}

TEST_CASE("a changeset without changes is a header and a receipt") {
  Received received;
  const FakeExchange exchange(taking(received));
  auto publisher = open(exchange);
  const auto got = publisher.finish();
  REQUIRE(got.ok());
  CHECK(got->digest == "d1");
  CHECK(received.header.dataset() == "a.b");
  CHECK(received.header.changeset_id() == "set-1");
  CHECK(received.header.base_version() == 3);
  CHECK(received.changes.empty());
  CHECK(received.calls == 1);
  CHECK(received.ends == 0);
}

TEST_CASE("what fits one batch goes in one call, what does not in a stream") {
  Received received;
  const FakeExchange exchange(taking(received));
  const auto small = state(1);
  for (const int changes : {1000, 1001}) {
    auto publisher = open(exchange);
    for (int i = 0; i < changes; ++i) REQUIRE(publisher.add(ChangeOp::kUpsert, std::to_string(i), {}, &small).ok());
    REQUIRE(publisher.finish().ok());
  }
  CHECK(received.calls == 1);
  CHECK(received.ends == 1);
  CHECK(received.announced == 1001);
}

TEST_CASE("changes arrive as they were added") {
  Received received;
  const FakeExchange exchange(taking(received));
  auto publisher = open(exchange);
  const auto one = state(5);
  REQUIRE(publisher.add(ChangeOp::kUpdate, "1", 7, &one).ok());
  REQUIRE(publisher.add(ChangeOp::kDelete, "2", std::nullopt, nullptr).ok());
  REQUIRE(publisher.add_record(ChangeOp::kUpsert, "3", 0, lt::feature::encode_record(1, one)).ok());
  REQUIRE(publisher.finish().ok());
  REQUIRE(received.changes.size() == 3);
  CHECK(received.calls == 1);
  CHECK(received.changes[0].op() == v1::OPERATION_UPDATE);
  CHECK(received.changes[0].base_version() == 7);
  CHECK(received.changes[0].feature().record() == lt::feature::encode_record(2, one));
  CHECK(received.changes[1].op() == v1::OPERATION_DELETE);
  CHECK_FALSE(received.changes[1].has_base_version());
  CHECK(received.changes[1].feature().record().empty());
  CHECK(received.changes[2].feature().id() == "3");
  CHECK(received.changes[2].has_base_version());
  CHECK(received.changes[2].base_version() == 0);
}

TEST_CASE("in another CRS changes travel as WKB with properties") {
  Received received;
  const FakeExchange exchange(taking(received));
  auto made = schema();
  made.crs = "EPSG:5897";
  made.geometry.types = {lt::geo::GeometryType::kPoint};
  made.fields.emplace_back();
  made.fields.back().number = 1;
  made.fields.back().name = "name";
  auto one = state(5);
  one.geometry = lt::geo::parse_wkt("POINT (105.8542 21.0285)").value();
  for (const char* crs : {"", "EPSG:5897", "EPSG:4326"}) {
    INFO(crs);
    auto in_crs = header();
    in_crs.crs = crs;
    auto publisher = Publisher::open(exchange.client(), in_crs, made);
    REQUIRE(publisher.ok());
    REQUIRE(publisher->add(ChangeOp::kUpsert, "1", {}, &one).ok());
    REQUIRE(publisher->update("2", {}, one, {"name", "geometry"}).ok());
    REQUIRE(publisher->add(ChangeOp::kDelete, "3", {}, nullptr).ok());
    REQUIRE(publisher->finish().ok());
    REQUIRE(received.changes.size() == 3);
    const bool elsewhere = received.header.crs() == "EPSG:4326";
    for (int n = 0; n < 2; ++n) {
      const auto& feature = received.changes[static_cast<std::size_t>(n)].feature();
      CHECK(feature.record().empty() == elsewhere);
      CHECK(feature.wkb() == (elsewhere ? one.geometry->wkb : ""));
      CHECK(feature.properties().fields().contains("name") == elsewhere);
    }
    CHECK(received.changes[1].update_mask_size() == 2);
    CHECK_FALSE(received.changes[2].feature().has_properties());
  }
}

TEST_CASE("many changes travel in batches of bounded size, numbered without gaps") {
  Received received;
  const FakeExchange exchange(taking(received));
  auto publisher = open(exchange);
  const auto one = state(1000);
  for (int i = 0; i < 2000; ++i) REQUIRE(publisher.add(ChangeOp::kUpsert, std::to_string(i), {}, &one).ok());
  REQUIRE(publisher.finish().ok());
  REQUIRE(received.changes.size() == 2000);
  for (std::size_t i = 0; i < received.changes.size(); ++i) {
    REQUIRE(received.changes[i].feature().id() == std::to_string(i));
  }
  CHECK(received.sequences.size() > 5);
  for (std::size_t i = 0; i < received.sequences.size(); ++i) {
    CHECK(received.sequences[i] == static_cast<std::int64_t>(i + 1));
  }
  CHECK(received.largest_message > 64U << 10);
  CHECK(received.largest_message <= 256U << 10);
}

TEST_CASE("a large change travels in pieces, in its place") {
  Received received;
  const FakeExchange exchange(taking(received));
  auto publisher = open(exchange);
  const auto small = state(10);
  const auto large = state(6 << 20);
  REQUIRE(publisher.add(ChangeOp::kUpsert, "1", {}, &small).ok());
  REQUIRE(publisher.add(ChangeOp::kUpsert, "2", 9, &large).ok());
  REQUIRE(publisher.add(ChangeOp::kUpsert, "3", {}, &small).ok());
  REQUIRE(publisher.finish().ok());
  REQUIRE(received.changes.size() == 3);
  CHECK(received.divided == 1);
  CHECK(received.ends == 1);
  CHECK(received.announced == 3);
  CHECK(received.sequences == std::vector<std::int64_t>{1, 2, 3});
  CHECK(received.changes[1].feature().id() == "2");
  CHECK(received.changes[1].base_version() == 9);
  CHECK(received.changes[1].feature().record() == lt::feature::encode_record(2, large));
  CHECK(received.largest_message < 2U << 20);
}

TEST_CASE("a change needs a state, a delete must not have one") {
  Received received;
  const FakeExchange exchange(taking(received));
  auto publisher = open(exchange);
  const auto one = state(1);
  const auto missing = publisher.add(ChangeOp::kInsert, "7", {}, nullptr);
  CHECK(missing.code() == StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(missing) == "STATE_MISSING");
  CHECK(lt::client_test::metadata_of(missing, "feature_id") == "7");
  CHECK(lt::error_reason(publisher.add(ChangeOp::kDelete, "7", {}, &one)) == "STATE_MISSING");
  CHECK(lt::error_reason(publisher.add_record(ChangeOp::kUpdate, "7", {}, "")) == "STATE_MISSING");
  REQUIRE(publisher.finish().ok());
  CHECK(received.changes.empty());
}

TEST_CASE("a refusal in the middle ends the publishing with the server's error") {
  Behaviour behaviour;
  behaviour.publish = [](auto&, PublishStream& stream) {
    v1::PublishRequest request;
    stream.Read(&request);
    stream.Read(&request);
    return lt::make_error(StatusCode::kInvalidArgument, "UNKNOWN_FIELD", "no field 'x'", {{"feature_id", "0"}},
                          {{"feature '0': x", "is not there"}});
  };
  const FakeExchange exchange(behaviour);
  auto publisher = open(exchange);
  const auto one = state(10'000);
  absl::Status status;
  // The server no longer reads: flow control would block for ever if its answer were not noticed.
  for (int i = 0; status.ok() && i < 1'000'000; ++i) {
    status = publisher.add(ChangeOp::kUpsert, std::to_string(i), {}, &one);
  }
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == "UNKNOWN_FIELD");
  CHECK(lt::client_test::metadata_of(status, "feature_id") == "0");
  CHECK(lt::error_detail(status)->violations.size() == 1);
  CHECK(publisher.add(ChangeOp::kUpsert, "more", {}, &one) == status);
  CHECK(publisher.finish().status() == status);
}

TEST_CASE("a refusal at the end is the error of finish") {
  Behaviour behaviour;
  behaviour.publish = [](auto&, PublishStream& stream) {
    Received received;
    LT_RETURN_IF_ERROR(receive(stream, received));
    return lt::make_error(StatusCode::kAborted, "CONCURRENT_PUBLISH", "somebody else was faster");
  };
  behaviour.publish_changeset = [](auto&, auto*) {
    return lt::make_error(StatusCode::kAborted, "CONCURRENT_PUBLISH", "somebody else was faster");
  };
  const FakeExchange exchange(behaviour);
  for (const bool batches : {false, true}) {
    auto publisher = open(exchange);
    if (batches) add_batches(publisher);
    const auto status = publisher.finish().status();
    CHECK(status.code() == StatusCode::kAborted);
    CHECK(lt::error_reason(status) == "CONCURRENT_PUBLISH");
    CHECK(lt::message_of(status) == "somebody else was faster");
  }
}

TEST_CASE("a receipt that comes before everything was sent is the receipt") {
  Behaviour behaviour;
  std::string content_sha256;
  behaviour.publish = [&](auto&, PublishStream& stream) {
    v1::PublishRequest request;
    stream.Read(&request);
    content_sha256 = request.header().content_sha256();
    stream.Write(receipt("known"));
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  auto publisher = Publisher::open(exchange.client(), header(), schema(), {}, std::string(64, 'a'));
  REQUIRE(publisher.ok());
  const auto one = state(10'000);
  for (int i = 0; i < 2'000; ++i) REQUIRE(publisher->add(ChangeOp::kUpsert, std::to_string(i), {}, &one).ok());
  const auto got = publisher->finish();
  REQUIRE(got.ok());
  CHECK(got->digest == "known");
  CHECK(content_sha256 == std::string(64, 'a'));
}

TEST_CASE("a resumed upload does not send again what is staged") {
  Received whole;
  {
    const FakeExchange exchange(taking(whole));
    auto publisher = open(exchange);
    const auto one = state(10'000);
    for (int i = 0; i < 100; ++i) REQUIRE(publisher.add(ChangeOp::kUpsert, std::to_string(i), {}, &one).ok());
    REQUIRE(publisher.finish().ok());
  }
  REQUIRE(whole.sequences.size() > 3);
  Received rest;
  Behaviour behaviour;
  behaviour.publish = [&](auto&, PublishStream& stream) {
    v1::PublishRequest request;
    stream.Read(&request);
    rest.header = request.header();
    v1::PublishResponse response;
    response.mutable_progress()->set_attempt_id("attempt-1");
    response.mutable_progress()->set_staged_sequence(2);
    stream.Write(response);
    LT_RETURN_IF_ERROR(receive(stream, rest));
    stream.Write(receipt());
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  auto resumed = header();
  resumed.resume_attempt_id = "attempt-1";
  auto publisher = Publisher::open(exchange.client(), resumed, schema());
  REQUIRE(publisher.ok());
  CHECK(publisher->resumable_attempt() == "attempt-1");
  const auto one = state(10'000);
  for (int i = 0; i < 100; ++i) REQUIRE(publisher->add(ChangeOp::kUpsert, std::to_string(i), {}, &one).ok());
  REQUIRE(publisher->finish().ok());
  CHECK(rest.sequences == std::vector<std::int64_t>(whole.sequences.begin() + 2, whole.sequences.end()));
  CHECK(rest.changes.size() < whole.changes.size());
  CHECK(rest.changes.back().feature().id() == "99");
  CHECK(rest.announced == 100);
}

TEST_CASE("an upload of which nothing is staged cannot be resumed") {
  Behaviour behaviour;
  behaviour.publish = [&](auto&, PublishStream& stream) {
    v1::PublishRequest request;
    stream.Read(&request);
    return lt::make_error(StatusCode::kNotFound, "ATTEMPT_UNKNOWN", "nothing is staged");
  };
  const FakeExchange exchange(behaviour);
  auto resumed = header();
  resumed.resume_attempt_id = "attempt-1";
  const auto publisher = Publisher::open(exchange.client(), resumed, schema());
  CHECK(lt::error_reason(publisher.status()) == "ATTEMPT_UNKNOWN");
}

TEST_CASE("a server that goes away is told with what to do") {
  Behaviour behaviour;
  lt::client_test::Event reading;
  behaviour.publish = [&](auto&, PublishStream& stream) {
    reading.happened();
    Received received;
    (void)receive(stream, received);
    return absl::Status(StatusCode::kUnavailable, "stopping");
  };
  FakeExchange exchange(behaviour);
  auto publisher = open(exchange);
  add_batches(publisher);
  REQUIRE(reading.wait());
  exchange.stop();
  const auto status = publisher.finish().status();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK(lt::message_of(status).find("publishing it again with the same changeset_id is safe") != std::string::npos);
}

TEST_CASE("a call that ends well without a receipt is lost data") {
  Behaviour behaviour;
  behaviour.publish = [](auto&, PublishStream& stream) {
    Received received;
    return receive(stream, received);
  };
  behaviour.publish_changeset = [](auto&, auto*) { return absl::OkStatus(); };
  const FakeExchange exchange(behaviour);
  for (const bool batches : {false, true}) {
    auto publisher = open(exchange);
    if (batches) add_batches(publisher);
    const auto status = publisher.finish().status();
    CHECK(status.code() == StatusCode::kDataLoss);
    CHECK(lt::error_reason(status) == "RECEIPT_MISSING");
  }
}

TEST_CASE("a finished publisher takes nothing more") {
  Received received;
  const FakeExchange exchange(taking(received));
  auto publisher = open(exchange);
  REQUIRE(publisher.finish().ok());
  const auto again = publisher.finish().status();
  CHECK(again.code() == StatusCode::kFailedPrecondition);
  CHECK(lt::error_reason(again) == "PUBLISHER_FINISHED");
  CHECK(lt::error_reason(publisher.add(ChangeOp::kDelete, "1", {}, nullptr)) == "PUBLISHER_FINISHED");
}

TEST_CASE("progress is reported on the publishing thread, the last one included") {
  Behaviour behaviour;
  behaviour.publish = [](auto&, PublishStream& stream) {
    v1::PublishRequest request;
    std::int64_t received = 0;
    while (stream.Read(&request)) {
      // More answers than a client that does not read them would let through.
      for (int i = 0; i < 1000; ++i) stream.Write(progress(++received));
    }
    stream.Write(progress(1'000'000));
    stream.Write(receipt());
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  std::int64_t last = 0;
  std::int64_t last_sequence = 0;
  bool same_thread = true;
  const auto here = std::this_thread::get_id();
  auto publisher = open(exchange, [&](std::int64_t received, std::int64_t staged) {
    same_thread = same_thread && std::this_thread::get_id() == here;
    CHECK(received > last);
    last = received;
    last_sequence = staged;
  });
  const auto one = state(100'000);
  for (int i = 0; i < 200; ++i) REQUIRE(publisher.add(ChangeOp::kUpsert, std::to_string(i), {}, &one).ok());
  REQUIRE(publisher.finish().ok());
  CHECK(last == 1'000'000);
  CHECK(last_sequence == 10'000'000);
  CHECK(same_thread);
}

TEST_CASE("one call that nobody answers is told with what to do") {
  FakeExchange exchange({});
  auto publisher = open(exchange);
  exchange.stop();
  const auto status = publisher.finish().status();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK(lt::message_of(status).find("publishing it again with the same changeset_id is safe") != std::string::npos);
}

TEST_CASE("a publisher that is dropped before it has sent anything sends nothing") {
  Received received;
  const FakeExchange exchange(taking(received));
  const auto one = state(10);
  {
    auto publisher = open(exchange);
    REQUIRE(publisher.add(ChangeOp::kUpsert, "1", {}, &one).ok());
  }
  CHECK(received.calls == 0);
  CHECK(received.changes.empty());
}

TEST_CASE("a publisher that is dropped cancels its call") {
  lt::client_test::Event cancelled;
  int ends = -1;
  Behaviour behaviour;
  behaviour.publish = [&](grpc::ServerContext& context, PublishStream& stream) {
    Received received;
    (void)receive(stream, received);
    ends = received.ends;
    if (context.IsCancelled()) cancelled.happened();
    return absl::OkStatus();
  };
  const FakeExchange exchange(behaviour);
  {
    const auto one = state(10);
    auto publisher = open(exchange);
    add_batches(publisher);
    auto moved = std::move(publisher);
    REQUIRE(moved.add(ChangeOp::kUpsert, "last", {}, &one).ok());
  }
  CHECK(cancelled.wait());
  CHECK(ends == 0);
}

}  // namespace
