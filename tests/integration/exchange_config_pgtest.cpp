// What the exchange is configured with: the file that is shipped, and limits that contradict each other.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "exchange/chunk_pace.hpp"
#include "exchange/config.hpp"
#include "support/status.hpp"
#include "support/temp_directory.hpp"

using namespace lt;
using namespace lt::test;
using exchange::ChunkPace;
using std::chrono::milliseconds;

namespace {

absl::StatusOr<exchange::Config> load(const std::string& yaml) {
  const TempDirectory directory;
  const std::string path = directory.path() + "/exchange.yaml";
  std::ofstream(path) << yaml;
  return exchange::load_config(path);
}

}  // namespace

TEST_CASE("the configuration file that is shipped says what the defaults are") {
  // Without the dots: the folder need not be there.
  const std::filesystem::path path = LT_TEST_DATA "/../../deploy/config/exchange.yaml";
  const auto shipped = exchange::load_config(path.lexically_normal().string());
  REQUIRE_OK(shipped);
  CHECK(*shipped == exchange::Config{});
}

TEST_CASE("limits of peers are refused where they would keep every peer out") {
  for (const char* key :
       {"unary_timeout", "write_stall", "read_stall", "keepalive_time", "keepalive_timeout", "connection_idle"}) {
    REQUIRE_ERROR(load("server:\n  " + std::string(key) + ": 99ms\n"), absl::StatusCode::kInvalidArgument,
                  "CONFIG_INVALID");
    REQUIRE_OK(load("server:\n  " + std::string(key) + ": 100ms\n"));
  }
  for (const char* key :
       {"max_calls", "max_calls_per_organisation", "max_streams_per_connection", "slowest_reader", "buffer_bytes"}) {
    REQUIRE_ERROR(load("server:\n  " + std::string(key) + ": 0\n"), absl::StatusCode::kInvalidArgument,
                  "CONFIG_INVALID");
  }
  REQUIRE_ERROR(load("publish:\n  max_streams: 0\n"), absl::StatusCode::kInvalidArgument, "CONFIG_INVALID");
  // Half of pieces_bytes must hold one feature.
  const std::string feature = "publish:\n  max_feature_bytes: 1048576\nserver:\n  pieces_bytes: ";
  REQUIRE_OK(load(feature + "2097152\n"));
  REQUIRE_ERROR(load(feature + "2097151\n"), absl::StatusCode::kInvalidArgument, "CONFIG_INVALID");
}

TEST_CASE("messages start small, grow for a reader that keeps up and shrink for one that does not") {
  constexpr std::size_t kLargest = 192U << 10;
  ChunkPace pace(kLargest);
  auto now = ChunkPace::Clock::now();
  const auto send = [&](milliseconds taken_after) {
    const std::size_t bytes = pace.next(now);
    pace.sent(bytes, now);
    now += taken_after;
    return bytes;
  };
  std::size_t sent = 0;
  std::size_t bytes = 0;
  // What transports buffer by themselves proves nothing.
  while (sent <= ChunkPace::kBufferedAhead) {
    bytes = send(milliseconds(1));
    REQUIRE(bytes == ChunkPace::kFirst);
    sent += bytes;
  }
  for (std::size_t expected = 2 * ChunkPace::kFirst; expected < kLargest; expected *= 2) {
    CHECK(send(milliseconds(1)) == expected);
  }
  CHECK(send(milliseconds(1)) == kLargest);
  CHECK(send(milliseconds(500)) == kLargest);  // neither fast nor slow
  CHECK(send(milliseconds(1000)) == kLargest);
  CHECK(send(milliseconds(1000)) == kLargest / 2);
  for (int i = 0; i < 10; ++i) bytes = send(milliseconds(4000));
  CHECK(bytes == ChunkPace::kSmallest);
}

TEST_CASE("no message is filled beyond a limit that is smaller than the first one would be") {
  ChunkPace pace(1024);
  const auto now = ChunkPace::Clock::now();
  CHECK(pace.next(now) == 1024);
  pace.sent(1024, now);
  CHECK(pace.next(now + milliseconds(5000)) == 1024);
}
