#include "rpc/stream.hpp"

#include <thread>

#include "echo_harness.hpp"

namespace {

using namespace lt::test;
using lt::make_error;
using lt::rpc::CallContext;
using lt::rpc::Produced;

// What a producer did, seen by the test.
struct Trace {
  std::atomic<std::int64_t> produced{0};
  Signal destroyed;
};

class Numbers : public Counted {
 public:
  Numbers(Trace& trace, std::int64_t count, std::int64_t size, absl::Status last = absl::OkStatus())
      : trace_(trace), count_(count), size_(static_cast<std::size_t>(size)), last_(std::move(last)) {}
  ~Numbers() override { trace_.destroyed.set(); }

  absl::StatusOr<Produced> next(CountResponse& out) override {
    expect(out.number() == 0);
    if (trace_.produced == count_) return last_.ok() ? absl::StatusOr<Produced>(false) : last_;
    out.set_number(++trace_.produced);
    out.set_padding(std::string(size_, 'x'));
    return true;
  }

 private:
  Trace& trace_;
  const std::int64_t count_;
  const std::size_t size_;
  const absl::Status last_;
};

constexpr std::int64_t kEndless = INT64_MAX;
constexpr std::int64_t kChunk = 64 * 1024;

template <class T, class... Args>
void serve(Harness& harness, Args&... args) {
  harness.service.count = [&](CallContext& call, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    return std::make_unique<T>(call, args...);
  };
}

// Gives what the test offers, and idles in between.
class Feed {
 public:
  void offer() {
    ++offered;
    wake();
  }
  std::atomic<std::int64_t> offered{0};
  std::atomic<std::int64_t> asked{0};
  Signal destroyed;
  Signal opened;
  std::function<void()> wake;
};

class FeedProducer : public Counted {
 public:
  FeedProducer(CallContext& call, Feed& feed) : feed_(feed) {
    feed_.wake = call.waker();
    feed_.opened.set();
  }
  ~FeedProducer() override { feed_.destroyed.set(); }
  absl::StatusOr<Produced> next(CountResponse& out) override {
    ++feed_.asked;
    if (given_ == feed_.offered) return Produced::idle();
    out.set_number(++given_);
    return true;
  }

 private:
  Feed& feed_;
  std::int64_t given_ = 0;
};

// Blocks in next() until cancelled.
class Blocked : public Counted {
 public:
  Blocked(CallContext& call, Signal& started, Signal& woken, Signal& destroyed)
      : call_(call), started_(started), woken_(woken), destroyed_(destroyed) {}
  ~Blocked() override { destroyed_.set(); }
  absl::StatusOr<Produced> next(CountResponse&) override {
    const auto scope = call_.scoped_on_cancel([this] { woken_.set(); });
    started_.set();
    expect(woken_.wait());
    return call_.check();
  }

 private:
  CallContext& call_;
  Signal& started_;
  Signal& woken_;
  Signal& destroyed_;
};

HarnessOptions one_thread() {
  HarnessOptions options;
  options.threads = 1;
  return options;
}

void serve_numbers(Harness& harness, Trace& trace, std::int64_t count, std::int64_t size,
                   const absl::Status& last = absl::OkStatus()) {
  harness.service.count = [&trace, count, size, last](CallContext&,
                                                      const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    return std::make_unique<Numbers>(trace, count, size, last);
  };
}

// Reads all; returns how many came, in order.
std::int64_t read_all(grpc::ClientReader<CountResponse>& reader) {
  std::int64_t count = 0;
  for (CountResponse message; reader.Read(&message);) {
    if (message.number() != ++count) FAIL("message " << message.number() << " instead of " << count);
  }
  return count;
}

}  // namespace

TEST_CASE("a stream gives its messages in order and ends") {
  for (const std::int64_t count : {0, 1, 1000}) {
    Harness harness;
    Trace trace;
    serve_numbers(harness, trace, count, 100);
    const auto context = Harness::make_context();
    const auto reader = harness.stub->Count(context.get(), {});
    CHECK(read_all(*reader) == count);
    CHECK(reader->Finish().ok());
    CHECK(trace.destroyed.is_set());
    CHECK(harness.ended("Count", "OK") == 1);
  }
}

TEST_CASE("a stream without client deadline has none for its producer") {
  Harness harness;
  Trace trace;
  CallContext::TimePoint seen;
  harness.service.count = [&](CallContext& call, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    seen = call.deadline();
    return std::make_unique<Numbers>(trace, 1, 1);
  };
  grpc::ClientContext context;
  lt::rpc::set_identity(context, "transport");
  const auto reader = harness.stub->Count(&context, {});
  CHECK(read_all(*reader) == 1);
  CHECK(reader->Finish().ok());
  CHECK(seen == CallContext::kNoDeadline);
}

TEST_CASE("an error in the middle comes after the messages before it") {
  Harness harness;
  Trace trace;
  serve_numbers(harness, trace, 7, 10, make_error(absl::StatusCode::kOutOfRange, "HISTORY_COMPACTED", "gone"));
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  CHECK(read_all(*reader) == 7);
  check_error(lt::rpc::from_grpc_status(reader->Finish()), absl::StatusCode::kOutOfRange, "HISTORY_COMPACTED");
  CHECK(trace.destroyed.is_set());
}

TEST_CASE("errors and exceptions of the opener and of next end the call") {
  Harness harness;
  class Throwing : public Counted {
   public:
    absl::StatusOr<Produced> next(CountResponse&) override { throw std::runtime_error("bug"); }
  };
  const auto call = [&] {
    const auto context = Harness::make_context();
    const auto reader = harness.stub->Count(context.get(), {});
    CHECK(read_all(*reader) == 0);
    return lt::rpc::from_grpc_status(reader->Finish());
  };
  harness.service.count = [](CallContext&, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    return make_error(absl::StatusCode::kNotFound, "DATASET_NOT_FOUND", "no dataset");
  };
  check_error(call(), absl::StatusCode::kNotFound, "DATASET_NOT_FOUND");
  harness.service.count = [](CallContext&, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    throw std::runtime_error("bug");
  };
  check_error(call(), absl::StatusCode::kInternal, "INTERNAL");
  harness.service.count = [](CallContext&, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    return std::make_unique<Throwing>();
  };
  check_error(call(), absl::StatusCode::kInternal, "INTERNAL");
}

TEST_CASE("a stream without identity is refused before it is opened") {
  Harness harness;
  bool opened = false;
  harness.service.count = [&](CallContext&, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    opened = true;
    return absl::InternalError("opened");
  };
  const auto context = Harness::make_context("");
  const auto reader = harness.stub->Count(context.get(), {});
  CHECK(read_all(*reader) == 0);
  check_error(lt::rpc::from_grpc_status(reader->Finish()), absl::StatusCode::kUnauthenticated, "IDENTITY_MISSING");
  CHECK_FALSE(opened);
}

TEST_CASE("a message over the limit ends the stream with a reason") {
  Harness harness;
  Trace trace;
  serve_numbers(harness, trace, 1, 4 << 20);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  CHECK(read_all(*reader) == 0);
  check_error(lt::rpc::from_grpc_status(reader->Finish()), absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE");
}

TEST_CASE("a peer that does not read holds no executor thread and a bounded number of messages") {
  Harness harness(one_thread());
  Trace trace;
  serve_numbers(harness, trace, kEndless, kChunk);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  REQUIRE(harness.stalled([&] { return trace.produced.load(); }));
  CHECK(trace.produced > 0);
  CHECK(trace.produced * kChunk <= 16 << 20);
  CHECK(eventually([&] { return harness.executor.running() == 0; }));
  // Read on: the stream continues where it stood.
  CountResponse message;
  const std::int64_t before = trace.produced;
  for (std::int64_t i = 1; i <= before + 50; ++i) {
    REQUIRE(reader->Read(&message));
    if (message.number() != i) FAIL("message " << message.number() << " instead of " << i);
  }
  context->TryCancel();
  while (reader->Read(&message)) {
  }
  CHECK(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
  CHECK(trace.destroyed.wait());
}

TEST_CASE("a peer that does not read is cut off after the write timeout") {
  HarnessOptions options = one_thread();
  options.limits.write_timeout = std::chrono::milliseconds(100);
  Harness harness(options);
  Trace trace;
  serve_numbers(harness, trace, kEndless, kChunk);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  CHECK(trace.destroyed.wait());
  CHECK(eventually([&] { return harness.ended("Count", "CANCELLED") == 1; }));
  CHECK(harness.call_echo("x").ok());
  for (CountResponse message; reader->Read(&message);) {
  }
  CHECK_FALSE(reader->Finish().ok());
}

TEST_CASE("a peer that reads outlives the write timeout") {
  HarnessOptions options;
  options.limits.write_timeout = std::chrono::milliseconds(20);
  Harness harness(options);
  Trace trace;
  serve_numbers(harness, trace, kEndless, 10);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  CountResponse message;
  const auto until = std::chrono::steady_clock::now() + 10 * options.limits.write_timeout;
  bool read = true;
  while (read && std::chrono::steady_clock::now() < until) read = reader->Read(&message);
  CHECK(read);
  context->TryCancel();
  while (reader->Read(&message)) {
  }
  CHECK(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
}

TEST_CASE("a cancel wakes a producer that blocks") {
  Harness harness;
  Signal started;
  Signal woken;
  Signal destroyed;
  serve<Blocked>(harness, started, woken, destroyed);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  REQUIRE(started.wait());
  context->TryCancel();
  CHECK(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
  CHECK(woken.wait());
  CHECK(destroyed.wait());
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
}

TEST_CASE("an idle stream holds no thread and continues when woken") {
  Harness harness(one_thread());
  Feed feed;
  serve<FeedProducer>(harness, feed);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  REQUIRE(feed.opened.wait());
  REQUIRE(harness.call_echo("x").ok());
  CountResponse message;
  for (std::int64_t i = 1; i <= 500; ++i) {
    feed.offer();
    REQUIRE(reader->Read(&message));
    CHECK(message.number() == i);
  }
  const std::int64_t asked = feed.asked;
  feed.wake();
  CHECK(eventually([&] { return feed.asked > asked; }));
  context->TryCancel();
  CHECK_FALSE(reader->Read(&message));
  CHECK(reader->Finish().error_code() == grpc::StatusCode::CANCELLED);
  CHECK(feed.destroyed.wait());
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
  feed.wake();
}

TEST_CASE("wakes from several threads lose no message") {
  Harness harness;
  Feed feed;
  serve<FeedProducer>(harness, feed);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  REQUIRE(feed.opened.wait());
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::thread> wakers;
  for (int t = 0; t < kThreads; ++t) {
    wakers.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) feed.offer();
    });
  }
  CountResponse message;
  for (std::int64_t i = 1; i <= kThreads * kEach; ++i) {
    REQUIRE(reader->Read(&message));
    if (message.number() != i) FAIL("message " << message.number() << " instead of " << i);
  }
  for (auto& waker : wakers) waker.join();
  context->TryCancel();
}

TEST_CASE("a shutdown ends idle streams at once with a reason") {
  Harness harness;
  Feed feed;
  serve<FeedProducer>(harness, feed);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  REQUIRE(feed.opened.wait());
  const auto began = std::chrono::steady_clock::now();
  std::thread stopper([&] { harness.server.shutdown(kPatience); });
  CountResponse message;
  CHECK_FALSE(reader->Read(&message));
  check_error(lt::rpc::from_grpc_status(reader->Finish()), absl::StatusCode::kUnavailable, "SERVER_STOPPING");
  stopper.join();
  CHECK(std::chrono::steady_clock::now() - began < kPatience / 2);
  CHECK(feed.destroyed.is_set());
}

TEST_CASE("a shutdown cancels a stalled stream when its grace is over") {
  Harness harness(one_thread());
  Trace trace;
  serve_numbers(harness, trace, kEndless, kChunk);
  const auto context = Harness::make_context();
  const auto reader = harness.stub->Count(context.get(), {});
  REQUIRE(harness.stalled([&] { return trace.produced.load(); }));
  const auto began = std::chrono::steady_clock::now();
  harness.server.shutdown(std::chrono::milliseconds(200));
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(took >= std::chrono::milliseconds(150));
  CHECK(took < std::chrono::seconds(20));
  CHECK(trace.destroyed.is_set());
  CHECK(harness.runtime.active_calls() == 0);
}

TEST_CASE("many streams of peers that vanish at any moment all end") {
  Harness harness;
  std::vector<std::unique_ptr<Trace>> traces;
  std::mutex mutex;
  harness.service.count = [&](CallContext&, const CountRequest&) -> absl::StatusOr<std::unique_ptr<Counted>> {
    const std::lock_guard lock(mutex);
    traces.push_back(std::make_unique<Trace>());
    return std::make_unique<Numbers>(*traces.back(), kEndless, 1000);
  };
  for (int i = 0; i < 200; ++i) {
    const auto context = Harness::make_context();
    const auto reader = harness.stub->Count(context.get(), {});
    CountResponse message;
    for (int k = 0; k < i % 5; ++k) CHECK(reader->Read(&message));
    context->TryCancel();
  }
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
  const std::lock_guard lock(mutex);
  for (const auto& trace : traces) CHECK(trace->destroyed.is_set());
}
