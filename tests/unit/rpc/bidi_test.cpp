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
  std::atomic<int> dropped{0};
  std::atomic<int> alive{0};
  Signal destroyed;
};

using OnMessage = std::function<absl::Status(ChatRequest&&, ChatReplies&)>;
using OnHalfClose = std::function<absl::Status(ChatReplies&)>;

class Scripted : public Chatting {
 public:
  Scripted(Trace& trace, OnMessage on_message, OnHalfClose on_half_close)
      : trace_(trace), on_message_(std::move(on_message)), on_half_close_(std::move(on_half_close)) {
    ++trace_.alive;
  }
  ~Scripted() override {
    --trace_.alive;
    trace_.destroyed.set();
  }
  absl::Status on_message(ChatRequest&& request, ChatReplies& replies) override {
    ++trace_.messages;
    return on_message_(std::move(request), replies);
  }
  absl::Status on_half_close(ChatReplies& replies) override {
    ++trace_.half_closes;
    return on_half_close_(replies);
  }
  void on_cancel() override {
    expect(trace_.alive > 0);
    ++trace_.cancels;
  }

 private:
  Trace& trace_;
  OnMessage on_message_;
  OnHalfClose on_half_close_;
};

ChatResponse reply(const std::string& text) {
  ChatResponse response;
  response.set_text(text);
  return response;
}

absl::Status echo_message(ChatRequest&& request, ChatReplies& replies) {
  replies.send(reply(request.text()));
  return absl::OkStatus();
}

absl::Status end_well(ChatReplies& replies) {
  replies.send(reply("bye"));
  return absl::OkStatus();
}

void serve(Harness& harness, Trace& trace, const OnMessage& on_message = echo_message,
           const OnHalfClose& on_half_close = end_well) {
  harness.service.chat = [&trace, on_message,
                          on_half_close](CallContext&) -> absl::StatusOr<std::unique_ptr<Chatting>> {
    return std::make_unique<Scripted>(trace, on_message, on_half_close);
  };
}

using ChatStream = grpc::ClientReaderWriter<ChatRequest, ChatResponse>;

bool say(ChatStream& stream, const std::string& text) {
  ChatRequest request;
  request.set_text(text);
  return stream.Write(request);
}

std::vector<std::string> read_all(ChatStream& stream) {
  std::vector<std::string> texts;
  for (ChatResponse response; stream.Read(&response);) texts.push_back(response.text());
  return texts;
}

HarnessOptions one_thread() {
  HarnessOptions options;
  options.threads = 1;
  return options;
}

const std::string kLarge(256 * 1024, 'x');

}  // namespace

TEST_CASE("a session answers each message and then the half close") {
  for (const int count : {0, 1, 300}) {
    Harness harness;
    Trace trace;
    serve(harness, trace);
    const auto context = Harness::make_context();
    const auto stream = harness.stub->Chat(context.get());
    std::vector<std::string> expected;
    for (int i = 0; i < count; ++i) {
      expected.push_back(std::to_string(i));
      CHECK(say(*stream, expected.back()));
    }
    expected.emplace_back("bye");
    stream->WritesDone();
    CHECK(read_all(*stream) == expected);
    CHECK(stream->Finish().ok());
    CHECK(trace.destroyed.is_set());
    CHECK(trace.half_closes == 1);
    CHECK(trace.cancels == 0);
    CHECK(harness.ended("Chat", "OK") == 1);
  }
}

TEST_CASE("a client may wait for each answer before it goes on") {
  Harness harness(one_thread());
  Trace trace;
  serve(harness, trace);
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  ChatResponse response;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(say(*stream, std::to_string(i)));
    REQUIRE(stream->Read(&response));
    CHECK(response.text() == std::to_string(i));
    CHECK(harness.call_echo("the thread is free").ok());
  }
  stream->WritesDone();
  CHECK(read_all(*stream) == std::vector<std::string>{"bye"});
  CHECK(stream->Finish().ok());
}

TEST_CASE("an error in the middle comes after the answers before it") {
  Harness harness;
  Trace trace;
  serve(harness, trace, [](ChatRequest&& request, ChatReplies& replies) {
    for (int i = 0; i < 20; ++i) replies.send(reply(request.text()));
    return request.text() == "bad" ? make_error(absl::StatusCode::kInvalidArgument, "CHAT_BAD", "bad")
                                   : absl::OkStatus();
  });
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  CHECK(say(*stream, "good"));
  CHECK(say(*stream, "bad"));
  CHECK(read_all(*stream).size() == 40);
  check_error(lt::rpc::from_grpc_status(stream->Finish()), absl::StatusCode::kInvalidArgument, "CHAT_BAD");
  CHECK(trace.destroyed.is_set());
  CHECK(trace.half_closes == 0);
  CHECK(trace.cancels == 0);
  CHECK(trace.messages == 2);
}

TEST_CASE("errors and exceptions of every part of a session end the call") {
  Harness harness;
  Trace trace;
  const auto call = [&] {
    const auto context = Harness::make_context();
    const auto stream = harness.stub->Chat(context.get());
    (void)say(*stream, "x");
    stream->WritesDone();
    CHECK(read_all(*stream).empty());
    return lt::rpc::from_grpc_status(stream->Finish());
  };
  harness.service.chat = [](CallContext&) -> absl::StatusOr<std::unique_ptr<Chatting>> {
    return make_error(absl::StatusCode::kPermissionDenied, "NOT_OWNER", "no");
  };
  check_error(call(), absl::StatusCode::kPermissionDenied, "NOT_OWNER");
  harness.service.chat = [](CallContext&) -> absl::StatusOr<std::unique_ptr<Chatting>> {
    throw std::runtime_error("b");
  };
  check_error(call(), absl::StatusCode::kInternal, "INTERNAL");
  serve(harness, trace, [](ChatRequest&&, ChatReplies&) -> absl::Status { throw std::runtime_error("bug"); });
  check_error(call(), absl::StatusCode::kInternal, "INTERNAL");
  const auto quiet = [](ChatRequest&&, ChatReplies&) { return absl::OkStatus(); };
  serve(harness, trace, quiet, [](ChatReplies&) -> absl::Status { throw std::runtime_error("bug"); });
  check_error(call(), absl::StatusCode::kInternal, "INTERNAL");
  serve(harness, trace, quiet, [](ChatReplies&) { return make_error(absl::StatusCode::kAborted, "CONFLICT", "c"); });
  check_error(call(), absl::StatusCode::kAborted, "CONFLICT");
  CHECK(trace.alive == 0);
}

TEST_CASE("a full executor refuses a session") {
  HarnessOptions options = one_thread();
  options.max_queue = 0;
  Harness harness(options);
  Signal started;
  Signal release;
  harness.service.echo = [&](CallContext&, const EchoRequest&, EchoResponse&) {
    started.set();
    expect(release.wait());
    return absl::OkStatus();
  };
  std::thread holder([&] { expect(harness.call_echo("hold").ok()); });
  REQUIRE(started.wait());
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  CHECK(read_all(*stream).empty());
  check_error(lt::rpc::from_grpc_status(stream->Finish()), absl::StatusCode::kResourceExhausted, "SERVER_BUSY");
  release.set();
  holder.join();
}

TEST_CASE("a client that vanishes destroys the session and is never taken for complete") {
  Harness harness;
  for (const bool answers : {true, false}) {
    Trace trace;
    serve(harness, trace, [answers](ChatRequest&& request, ChatReplies& replies) {
      if (answers) replies.send(reply(request.text()));
      return absl::OkStatus();
    });
    constexpr int kRounds = 400;
    for (int i = 0; i < kRounds; ++i) {
      const auto context = Harness::make_context();
      const auto stream = harness.stub->Chat(context.get());
      for (int k = 0; k < i % 7; ++k) CHECK(say(*stream, "part"));
      if (answers && i % 2 == 0 && i % 7 > 0) {
        ChatResponse response;
        CHECK(stream->Read(&response));
      }
      context->TryCancel();
    }
    CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
    CHECK(trace.alive == 0);
    CHECK(trace.half_closes == 0);
    CHECK(trace.cancels > 0);
  }
}

TEST_CASE("a client whose connection breaks destroys the session") {
  Harness harness;
  Trace trace;
  serve(harness, trace);
  {
    auto channel = lt::rpc::make_channel(harness.endpoint);
    const auto stub = EchoService::NewStub(channel);
    const auto context = Harness::make_context();
    const auto stream = stub->Chat(context.get());
    CHECK(say(*stream, "part"));
    ChatResponse response;
    REQUIRE(stream->Read(&response));
    context->set_deadline(std::chrono::system_clock::now());
    context->TryCancel();
  }
  CHECK(trace.destroyed.wait());
  CHECK(trace.half_closes == 0);
  CHECK(trace.cancels == 1);
}

TEST_CASE("a cancel tells a session at work and comes to it afterwards") {
  Harness harness;
  Trace trace;
  Signal started;
  Signal woken;
  CallContext* call = nullptr;
  harness.service.chat = [&](CallContext& context) -> absl::StatusOr<std::unique_ptr<Chatting>> {
    call = &context;
    const auto work = [&](ChatRequest&&, ChatReplies&) {
      const auto scope = call->scoped_on_cancel([&] { woken.set(); });
      started.set();
      expect(woken.wait());
      expect(call->cancelled());
      return absl::OkStatus();
    };
    return std::make_unique<Scripted>(trace, work, end_well);
  };
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  CHECK(say(*stream, "work"));
  REQUIRE(started.wait());
  context->TryCancel();
  CHECK(stream->Finish().error_code() == grpc::StatusCode::CANCELLED);
  CHECK(trace.destroyed.wait());
  CHECK(trace.cancels == 1);
  CHECK(trace.half_closes == 0);
}

TEST_CASE("a peer that takes no answers stops being read, and gets every answer later") {
  Harness harness(one_thread());
  Trace trace;
  serve(harness, trace, [](ChatRequest&& request, ChatReplies& replies) {
    replies.send(reply(request.text() + kLarge));
    return absl::OkStatus();
  });
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  constexpr int kMessages = 400;
  std::thread writer([&] {
    for (int i = 0; i < kMessages; ++i) {
      if (!say(*stream, std::to_string(i))) return;
    }
    stream->WritesDone();
  });
  const bool stalled = harness.stalled([&] { return trace.messages.load(); });
  CHECK(stalled);
  CHECK(trace.messages < kMessages / 2);
  CHECK(eventually([&] { return harness.executor.running() == 0; }));
  ChatResponse response;
  for (int i = 0; i < kMessages; ++i) {
    const std::string number = std::to_string(i);
    if (!stream->Read(&response) || response.text().compare(0, number.size() + 1, number + "x") != 0) {
      FAIL_CHECK("answer " << i << " is missing");
      break;
    }
  }
  writer.join();
  CHECK(read_all(*stream) == std::vector<std::string>{"bye"});
  CHECK(stream->Finish().ok());
}

TEST_CASE("progress that does not fit is dropped, what must arrive arrives") {
  Harness harness;
  Trace trace;
  Signal sent;
  constexpr int kProgress = 300;
  serve(
      harness, trace, [](ChatRequest&&, ChatReplies&) { return absl::OkStatus(); },
      [&](ChatReplies& replies) {
        for (int i = 0; i < kProgress; ++i) trace.dropped += replies.try_send(reply(kLarge)) ? 0 : 1;
        expect(replies.unsent() == 64);
        replies.send(reply("receipt"));
        sent.set();
        return absl::OkStatus();
      });
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  stream->WritesDone();
  REQUIRE(sent.wait());
  CHECK(trace.dropped > 0);
  const auto texts = read_all(*stream);
  CHECK(texts.size() == static_cast<std::size_t>(kProgress - trace.dropped + 1));
  CHECK(texts.back() == "receipt");
  CHECK(stream->Finish().ok());
}

TEST_CASE("a peer that takes no answers is cut off after the write timeout") {
  HarnessOptions options;
  options.limits.write_timeout = std::chrono::milliseconds(100);
  Harness harness(options);
  Trace trace;
  serve(harness, trace, [](ChatRequest&&, ChatReplies& replies) {
    for (int i = 0; i < 60; ++i) replies.send(reply(kLarge));
    return absl::OkStatus();
  });
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  CHECK(say(*stream, "much"));
  CHECK(trace.destroyed.wait());
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
  CHECK(harness.ended("Chat", "CANCELLED") == 1);
  CHECK(trace.half_closes == 0);
  CHECK(trace.cancels == 1);
}

TEST_CASE("a peer that sends nothing is told so after the read timeout") {
  HarnessOptions options;
  options.limits.read_timeout = std::chrono::milliseconds(100);
  Harness harness(options);
  for (const int messages : {0, 1, 3}) {
    Trace trace;
    serve(harness, trace);
    const auto context = Harness::make_context();
    const auto stream = harness.stub->Chat(context.get());
    for (int i = 0; i < messages; ++i) CHECK(say(*stream, "part"));
    CHECK(read_all(*stream).size() == static_cast<std::size_t>(messages));
    check_error(lt::rpc::from_grpc_status(stream->Finish()), absl::StatusCode::kCancelled, "PEER_STALLED");
    CHECK(trace.messages == messages);
    CHECK(trace.half_closes == 0);
    CHECK(trace.cancels == 1);
    CHECK(trace.alive == 0);
  }
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
}

TEST_CASE("a peer that keeps sending outlives the read timeout, and a handler may take longer than it") {
  HarnessOptions options;
  options.limits.read_timeout = std::chrono::milliseconds(300);
  Harness harness(options);
  Trace trace;
  const auto started = std::chrono::steady_clock::now();
  serve(harness, trace, [started](ChatRequest&&, ChatReplies& replies) {
    // The first message is worked on for longer than the timeout, the others take it in sum.
    while (std::chrono::steady_clock::now() < started + std::chrono::milliseconds(400)) std::this_thread::yield();
    replies.send(reply("done"));
    return absl::OkStatus();
  });
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  ChatResponse response;
  while (std::chrono::steady_clock::now() < started + std::chrono::milliseconds(900)) {
    REQUIRE(say(*stream, "part"));
    REQUIRE(stream->Read(&response));
  }
  stream->WritesDone();
  CHECK(read_all(*stream) == std::vector<std::string>{"bye"});
  CHECK(stream->Finish().ok());
}

TEST_CASE("read timeouts that meet messages, half closes and cancels lose no call") {
  HarnessOptions options;
  options.limits.read_timeout = std::chrono::milliseconds(1);
  Harness harness(options);
  Trace trace;
  serve(harness, trace);
  constexpr int kCalls = 300;
  for (int i = 0; i < kCalls; ++i) {
    const auto context = Harness::make_context();
    const auto stream = harness.stub->Chat(context.get());
    for (int k = 0; k < i % 4; ++k) (void)say(*stream, "part");
    if (i % 3 == 0) context->TryCancel();
    if (i % 3 == 1) stream->WritesDone();
    (void)read_all(*stream);
    const auto status = stream->Finish();
    CHECK((status.ok() || status.error_code() == grpc::StatusCode::CANCELLED));
  }
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
  CHECK(trace.alive == 0);
}

TEST_CASE("bytes that are no message end a call of any kind with a reason") {
  Harness harness;
  Trace trace;
  serve(harness, trace);
  harness.service.count = [](CallContext&, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    expect(false);
    return absl::InternalError("opened");
  };
  for (const char* const method : {"Echo", "Count", "Chat"}) {
    CAPTURE(method);
    const auto context = Harness::make_context();
    const std::string path = std::string("/lienthong.test.EchoService/") + method;
    const grpc::internal::RpcMethod rpc_method(path.c_str(), grpc::internal::RpcMethod::BIDI_STREAMING);
    using Factory = grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>;
    const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
        Factory::Create(harness.channel.get(), rpc_method, context.get()));
    const grpc::Slice slice("\xff\xff\xff");
    CHECK(stream->Write(grpc::ByteBuffer(&slice, 1)));
    stream->WritesDone();
    for (grpc::ByteBuffer ignored; stream->Read(&ignored);) continue;
    check_error(lt::rpc::from_grpc_status(stream->Finish()), absl::StatusCode::kInvalidArgument, "MESSAGE_MALFORMED");
  }
  CHECK(trace.messages == 0);
}

TEST_CASE("a message over the limit ends a session with a reason, one at the limit does not") {
  HarnessOptions options;
  options.limits.max_message_bytes = 1000;
  Harness harness(options);
  Trace trace;
  serve(harness, trace, [](ChatRequest&&, ChatReplies&) { return absl::OkStatus(); });
  constexpr std::size_t kFraming = 3;  // tag and length of the text
  for (const std::size_t bytes : {std::size_t{1000}, std::size_t{1001}}) {
    const auto context = Harness::make_context();
    const auto stream = harness.stub->Chat(context.get());
    CHECK(say(*stream, std::string(bytes - kFraming, 'x')));
    stream->WritesDone();
    (void)read_all(*stream);
    const auto status = lt::rpc::from_grpc_status(stream->Finish());
    if (bytes == 1000) {
      CHECK(status.ok());
    } else {
      check_error(status, absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE");
    }
  }
}

TEST_CASE("a shutdown cancels a session that waits for its client when the grace is over") {
  Harness harness;
  Trace trace;
  serve(harness, trace);
  const auto context = Harness::make_context();
  const auto stream = harness.stub->Chat(context.get());
  CHECK(say(*stream, "part"));
  ChatResponse response;
  REQUIRE(stream->Read(&response));
  harness.server.shutdown(std::chrono::milliseconds(50));
  CHECK(trace.destroyed.is_set());
  CHECK(trace.cancels == 1);
  CHECK(trace.half_closes == 0);
  CHECK_FALSE(stream->Finish().ok());
}
