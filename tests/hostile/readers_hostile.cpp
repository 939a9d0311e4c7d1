#include <catch2/catch.hpp>

#include "raw_peer.hpp"
#include "rpc/errors.hpp"
#include "support/status.hpp"
#include "world.hpp"

using namespace lt::test;

namespace {

constexpr char kStreamDiff[] = "lienthong.v1.ExchangeService/StreamDiff";

std::string diff_of(const std::string& dataset) {
  v1::StreamDiffRequest request;
  request.set_dataset(dataset);
  request.set_form(v1::FEATURE_FORM_RECORD);
  return request.SerializeAsString();
}

// 5 MiB in features of 1 KiB, for a reader to take in small messages.
void need_many(ExchangeProcess& exchange) {
  const auto stub = v1::ExchangeService::NewStub(exchange.channel());
  const auto context = context_of("mallory");
  const auto stream = stub->Publish(context.get());
  v1::PublishRequest message;
  *message.mutable_header() = header_of("test.target");
  stream->Write(message);
  constexpr int kBatches = 5, kPerBatch = 1000, kBytes = 1000;
  for (int b = 0; b < kBatches; ++b) {
    message.mutable_batch()->Clear();
    message.mutable_batch()->set_sequence(b + 1);
    for (int i = 0; i < kPerBatch; ++i) {
      auto& change = *message.mutable_batch()->add_changes();
      change = small_change("f" + std::to_string(b * kPerBatch + i));
      (*change.mutable_feature()->mutable_properties()->mutable_fields())["name"].set_string_value(
          std::string(kBytes, 'n'));
    }
    stream->Write(message);
  }
  message.mutable_end()->set_changes(kBatches * kPerBatch);
  stream->Write(message);
  stream->WritesDone();
  for (v1::PublishResponse response; stream->Read(&response);) continue;
  must(lt::rpc::from_grpc_status(stream->Finish()));
}

}  // namespace

TEST_CASE("readers at 1 KiB/s are served with little memory and no database session; those that take nothing are cut") {
  auto& world = World::get();
  // A message of 8 KiB must be taken within 2 s + 7.4 s; at 1 KiB/s it takes 8 s.
  const auto exchange = world.start_exchange({{"server.write_stall", "2s"}, {"server.slowest_reader", "1100"}});
  world.need_large(*exchange);
  need_many(*exchange);
  exchange->mark();
  NormalWork normal(*exchange, "environment");

  constexpr std::size_t kSlow = 50, kSlowOfLarge = 50, kTakeNothing = 20;
  RawCrowd crowd(exchange->port(), kSlow + kSlowOfLarge + kTakeNothing);
  std::vector<int> streams;
  for (std::size_t i = 0; i < crowd.size(); ++i) {
    const bool large = i >= kSlow && i < kSlow + kSlowOfLarge;
    streams.push_back(crowd[i].open(kStreamDiff, "mallory"));
    crowd[i].send_message(streams.back(), diff_of(large ? "test.large" : "test.target"), true);
  }
  const auto over = [&](std::size_t from, std::size_t to) {
    std::size_t n = 0;
    for (std::size_t i = from; i < to; ++i) n += crowd[i].stream(streams[i]).over() ? 1U : 0U;
    return n;
  };
  constexpr int kMostSeconds = 40, kLeastSeconds = 10;
  int second = 0;
  for (; second < kMostSeconds; ++second) {
    if (second >= kLeastSeconds && over(kSlow + kSlowOfLarge, crowd.size()) == kTakeNothing) break;
    crowd.run(seconds(1));
    for (std::size_t i = 0; i < kSlow + kSlowOfLarge; ++i) crowd[i].grant(streams[i], 1024);
  }
  CHECK(over(kSlow + kSlowOfLarge, crowd.size()) == kTakeNothing);
  CHECK(over(0, kSlow + kSlowOfLarge) == 0);
  CHECK(crowd[0].stream(streams[0]).received >= 65'535 + (second - 1) * 1024);
  CHECK(exchange->logged("PEER_STALLED") == static_cast<int>(kTakeNothing));

  CHECK(normal.stop() > 50);
  CHECK(normal.median() < milliseconds(500));
  CHECK(normal.slowest() < seconds(5));
  CHECK(world.open_transactions() == 0);
  constexpr std::int64_t kBound = static_cast<std::int64_t>(kSlow + kSlowOfLarge + kTakeNothing) * kMiB;
  report("120 slow readers", exchange->growth_kib(), kBound);
  CHECK(exchange->growth_kib() < kBound);
}
