// Calls of many messages and one answer.
#include <thread>

#include "echo_harness.hpp"

namespace {

using namespace lt::test;
using lt::make_error;
using lt::rpc::CallContext;

struct Trace {
  std::atomic<int> messages{0};
  std::atomic<int> half_closes{0};
  std::atomic<int> cancels{0};
  std::atomic<int> alive{0};
  Signal destroyed;
};

/// Joins the texts; "bad" is refused, "throw" throws, when it is the text so far also at the end.
class Joining : public Gathering {
 public:
  explicit Joining(Trace& trace) : trace_(trace) { ++trace_.alive; }
  ~Joining() override {
    --trace_.alive;
    trace_.destroyed.set();
  }
  absl::Status on_message(GatherRequest&& request) override {
    ++trace_.messages;
    if (request.text() == "throw") throw std::runtime_error("bug");
    if (request.text() == "bad") return make_error(absl::StatusCode::kInvalidArgument, "GATHER_BAD", "bad");
    text_ += request.text();
    return absl::OkStatus();
  }
  absl::Status on_half_close(GatherResponse& response) override {
    ++trace_.half_closes;
    if (text_ == "END THROW") throw std::runtime_error("bug");
    if (text_ == "END BAD") return make_error(absl::StatusCode::kAborted, "GATHER_LATE", "late");
    response.set_text(text_);
    return absl::OkStatus();
  }
  void on_cancel() override {
    expect(trace_.alive > 0);
    ++trace_.cancels;
  }

 private:
  Trace& trace_;
  std::string text_;
};

void serve(Harness& harness, Trace& trace) {
  harness.service.gather = [&trace](CallContext&) -> absl::StatusOr<std::unique_ptr<Gathering>> {
    return std::make_unique<Joining>(trace);
  };
}

using GatherStream = grpc::ClientWriter<GatherRequest>;

bool say(GatherStream& stream, const std::string& text) {
  GatherRequest request;
  request.set_text(text);
  return stream.Write(request);
}

absl::Status gather(Harness& harness, const std::vector<std::string>& texts, GatherResponse* response,
                    const std::string& organisation = "transport") {
  const auto context = Harness::make_context(organisation);
  const auto stream = harness.stub->Gather(context.get(), response);
  for (const auto& text : texts) {
    if (!say(*stream, text)) break;
  }
  stream->WritesDone();
  return lt::rpc::from_grpc_status(stream->Finish());
}

}  // namespace

TEST_CASE("a collector takes every message and answers once") {
  Harness harness;
  Trace trace;
  serve(harness, trace);
  GatherResponse response;
  CHECK(gather(harness, {}, &response).ok());
  CHECK(response.text().empty());
  CHECK(gather(harness, {"a"}, &response).ok());
  CHECK(response.text() == "a");
  std::vector<std::string> many;
  std::string joined;
  for (int i = 0; i < 300; ++i) joined += many.emplace_back(std::to_string(i) + ",");
  CHECK(gather(harness, many, &response).ok());
  CHECK(response.text() == joined);
  CHECK(trace.messages == 301);
  CHECK(trace.half_closes == 3);
  CHECK(trace.cancels == 0);
  CHECK(eventually([&] { return trace.alive == 0 && harness.runtime.active_calls() == 0; }));
  CHECK(harness.ended("Gather", "OK") == 3);
}

TEST_CASE("errors and exceptions of every part of a collector end the call") {
  Harness harness;
  Trace trace;
  serve(harness, trace);
  GatherResponse response;
  check_error(gather(harness, {"a", "bad", "b"}, &response), absl::StatusCode::kInvalidArgument, "GATHER_BAD");
  CHECK(trace.messages == 2);
  CHECK(trace.half_closes == 0);
  check_error(gather(harness, {"throw"}, &response), absl::StatusCode::kInternal, "INTERNAL");
  check_error(gather(harness, {"END ", "THROW"}, &response), absl::StatusCode::kInternal, "INTERNAL");
  check_error(gather(harness, {"END ", "BAD"}, &response), absl::StatusCode::kAborted, "GATHER_LATE");
  check_error(gather(harness, {"a"}, &response, ""), absl::StatusCode::kUnauthenticated, "IDENTITY_MISSING");
  harness.service.gather = [](CallContext&) -> absl::StatusOr<std::unique_ptr<Gathering>> {
    return make_error(absl::StatusCode::kPermissionDenied, "NOT_OWNER", "no");
  };
  check_error(gather(harness, {"a"}, &response), absl::StatusCode::kPermissionDenied, "NOT_OWNER");
  CHECK(eventually([&] { return trace.alive == 0 && harness.runtime.active_calls() == 0; }));
  CHECK(trace.cancels == 0);
}

TEST_CASE("a collector's messages and answer are bounded") {
  Harness harness;
  Trace trace;
  serve(harness, trace);
  GatherResponse response;
  const std::string large(std::size_t{3} << 20, 'x');
  check_error(gather(harness, {large, large}, &response), absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE");
  check_error(gather(harness, {std::string((std::size_t{4} << 20) + 1000, 'x')}, &response),
              absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE");
  CHECK(gather(harness, {large}, &response).ok());
  CHECK(response.text() == large);
}

TEST_CASE("a client that vanishes destroys the collector and is never taken for complete") {
  Harness harness;
  Trace trace;
  serve(harness, trace);
  constexpr int kRounds = 400;
  for (int i = 0; i < kRounds; ++i) {
    const auto context = Harness::make_context();
    GatherResponse response;
    const auto stream = harness.stub->Gather(context.get(), &response);
    for (int k = 0; k < i % 7; ++k) CHECK(say(*stream, "part"));
    context->TryCancel();
  }
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
  CHECK(trace.alive == 0);
  CHECK(trace.half_closes == 0);
  CHECK(trace.cancels > 0);
}

TEST_CASE("a client that stops sending to a collector is cut off") {
  HarnessOptions options;
  options.limits.read_timeout = std::chrono::milliseconds(100);
  Harness harness(options);
  Trace trace;
  serve(harness, trace);
  const auto context = Harness::make_context();
  GatherResponse response;
  const auto stream = harness.stub->Gather(context.get(), &response);
  CHECK(say(*stream, "part"));
  CHECK(trace.destroyed.wait());
  check_error(lt::rpc::from_grpc_status(stream->Finish()), absl::StatusCode::kCancelled, "PEER_STALLED");
  CHECK(trace.cancels == 1);
  CHECK(trace.half_closes == 0);
}
