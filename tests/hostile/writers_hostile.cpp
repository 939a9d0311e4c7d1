#include <unistd.h>

#include <catch2/catch.hpp>

#include "raw_peer.hpp"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"
#include "support/status.hpp"
#include "support/wait_until.hpp"
#include "world.hpp"

using namespace lt::test;

namespace {

constexpr char kPublish[] = "lienthong.v1.ExchangeService/Publish";

struct Writer {
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishRequest, v1::PublishResponse>> stream;

  absl::Status end() {
    for (v1::PublishResponse response; stream->Read(&response);) continue;
    return lt::rpc::from_grpc_status(stream->Finish());
  }
};

// A Publish with its header and `batches` batches of about 1 MiB.
Writer start_writer(v1::ExchangeService::Stub& stub, const std::string& organisation, int batches) {
  constexpr int kPerBatch = 10;
  static const v1::Change change = large_change(1);
  Writer writer;
  writer.context = context_of(organisation);
  writer.stream = stub.Publish(writer.context.get());
  v1::PublishRequest message;
  *message.mutable_header() = header_of("test.target");
  bool open = writer.stream->Write(message);
  for (int b = 0; open && b < batches; ++b) {
    message.mutable_batch()->Clear();
    message.mutable_batch()->set_sequence(b + 1);
    for (int i = 0; i < kPerBatch; ++i) {
      auto& one = *message.mutable_batch()->add_changes();
      one = change;
      one.mutable_feature()->set_id("w" + std::to_string(b * kPerBatch + i));
    }
    open = writer.stream->Write(message);
  }
  return writer;
}

std::string publish_header_message() {
  v1::PublishRequest message;
  *message.mutable_header() = header_of("test.target");
  return message.SerializeAsString();
}

}  // namespace

int lt::test::be_stuck_writer(int port) {
  const auto stub = v1::ExchangeService::NewStub(lt::rpc::make_channel("127.0.0.1:" + std::to_string(port)));
  const Writer writer = start_writer(*stub, "mallory", 5);
  for (;;) ::pause();
}

TEST_CASE("writers that stall are bounded in number and memory, cut off with a reason, and hold up nobody") {
  auto& world = World::get();
  const auto exchange = world.start_exchange({{"server.read_stall", "5s"}, {"publish.resume_keep", "0s"}});
  REQUIRE(wait_until([&] { return world.staged_tables() == 0; }, seconds(10)));
  exchange->mark();
  NormalWork normal(*exchange, "environment");
  const auto stub = v1::ExchangeService::NewStub(exchange->channel());
  constexpr int kWriters = 100, kAdmitted = 32, kStaged = 4;  // publish.max_streams_per_organisation
  std::vector<Writer> writers;
  for (int i = 0; i < kWriters; ++i) {
    writers.push_back(start_writer(*stub, "mallory", i < kStaged ? 5 : i < kAdmitted ? 1 : 0));
    if (i < kAdmitted) {
      v1::PublishResponse progress;
      REQUIRE(writers.back().stream->Read(&progress));  // it has a place
    }
  }
  REQUIRE(wait_until([&] { return world.staged_tables() == kStaged; }, seconds(10)));
  for (int i = kAdmitted; i < kWriters; ++i) {
    REQUIRE_ERROR(writers[static_cast<std::size_t>(i)].end(), absl::StatusCode::kResourceExhausted,
                  "ORGANISATION_BUSY");
  }
  for (int i = 0; i < kAdmitted; ++i) {
    REQUIRE_ERROR(writers[static_cast<std::size_t>(i)].end(), absl::StatusCode::kCancelled, "PEER_STALLED");
  }
  CHECK(wait_until([&] { return world.staged_tables() == 0; }, seconds(10)));
  CHECK(start_writer(*stub, "mallory", 0).stream->WritesDone());
  CHECK(normal.stop() > 20);
  CHECK(normal.median() < milliseconds(500));
  CHECK(normal.slowest() < seconds(5));
  // Each may hold publish.memory_bytes, the message at work, and what the allocator keeps of both.
  constexpr std::int64_t kBound = kAdmitted * 8 * kMiB;
  report("100 writers that stall", exchange->growth_kib(), kBound);
  CHECK(exchange->growth_kib() < kBound);
}

TEST_CASE("peers that vanish without a word are noticed and leave nothing") {
  auto& world = World::get();
  const auto exchange = world.start_exchange({{"server.keepalive_time", "1s"}, {"server.keepalive_timeout", "1s"}});
  const int files_before = open_files(exchange->pid());
  constexpr int kPeers = 20;
  RawCrowd crowd(exchange->port(), kPeers);
  std::vector<int> streams;
  for (auto& peer : crowd.peers()) {
    streams.push_back(peer->open(kPublish, "mallory"));
    peer->send_message(streams.back(), publish_header_message());
  }
  v1::PublishRequest batch;
  batch.mutable_batch()->set_sequence(1);
  *batch.mutable_batch()->add_changes() = large_change(1);
  for (std::size_t i = 0; i < crowd.size(); ++i) crowd[i].send_message(streams[i], batch.SerializeAsString());
  // Progress shows that the batch has arrived.
  REQUIRE(crowd.run_until(
      [&] {
        for (std::size_t i = 0; i < crowd.size(); ++i) {
          if (crowd[i].stream(streams[i]).received == 0) return false;
        }
        return true;
      },
      seconds(20)));
  CHECK(open_files(exchange->pid()) >= files_before + kPeers);
  for (auto& peer : crowd.peers()) peer->vanish();  // their sockets stay open: no FIN, no RST
  CHECK(wait_until([&] { return exchange->logged("CALL_CANCELLED") == kPeers; }, seconds(20)));
  CHECK(wait_until([&] { return open_files(exchange->pid()) < files_before + kPeers; }, seconds(20)));
  NormalWork normal(*exchange, "environment");
  CHECK(wait_until([&] { return world.open_transactions() == 0; }, seconds(10)));
  CHECK(normal.stop() > 0);
}

TEST_CASE("a client that is killed in the middle of a publish leaves nothing") {
  auto& world = World::get();
  const auto exchange = world.start_exchange({{"publish.resume_keep", "0s"}});
  REQUIRE(wait_until([&] { return world.staged_tables() == 0; }, seconds(10)));
  const auto client = spawn_stuck_writer(exchange->port());
  REQUIRE(wait_until([&] { return world.staged_tables() == 1; }, seconds(20)));
  REQUIRE(exchange->logged("CALL_CANCELLED") == 0);
  client->kill();
  CHECK(wait_until([&] { return world.staged_tables() == 0; }, seconds(20)));
  CHECK(wait_until([&] { return exchange->logged("CALL_CANCELLED") == 1; }, seconds(20)));
}
