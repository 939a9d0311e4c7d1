// The exchange as a service: health, reflection, metrics, readers that stall, stopping.
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include "exchange_support.hpp"
#include "support/test_cluster.hpp"

namespace lt::test {
namespace {

using Code = absl::StatusCode;

constexpr char kServing[] = "\x08\x01";     // grpc.health.v1.HealthCheckResponse{status: SERVING}
constexpr char kNotServing[] = "\x08\x02";  // {status: NOT_SERVING}

/// One message out, one message in, as bytes: gRPC ships no stubs of its health and reflection services.
std::string call_raw(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                     const std::string& request, const std::string& organisation = "") {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  if (!organisation.empty()) rpc::set_identity(context, organisation);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, method, &queue);
  int tag = 0;
  call->StartCall(&tag);
  if (!wait()) return "(no call)";
  const grpc::Slice slice(request);
  call->Write(grpc::ByteBuffer(&slice, 1), &tag);
  if (!wait()) return "(not written)";
  call->WritesDone(&tag);
  (void)wait();
  grpc::ByteBuffer response;
  call->Read(&response, &tag);
  const bool read = wait();
  grpc::Status status;
  call->Finish(&status, &tag);
  (void)wait();
  if (!read) return "(no answer: " + status.error_message() + status.error_details() + ")";
  grpc::Slice answer;
  if (!response.DumpToSingleSlice(&answer).ok()) return "(not dumped)";
  return {reinterpret_cast<const char*>(answer.begin()), answer.size()};
}

std::string health_of(ExchangeFixture& exchange, const std::string& service = "") {
  std::string request;
  if (!service.empty()) request = "\x0a" + std::string(1, static_cast<char>(service.size())) + service;  // service = 1
  return call_raw(exchange.channel_, "/grpc.health.v1.Health/Check", request);
}

/// The answer to "GET /metrics", whole.
std::string metrics_of(const std::string& address) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  std::string answer;
  if (::connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) {
    const std::string request = "GET /metrics HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n";
    (void)::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    char bytes[65536];
    for (ssize_t n = 0; (n = ::recv(socket, bytes, sizeof bytes, 0)) > 0;)
      answer.append(bytes, static_cast<std::size_t>(n));
  }
  ::close(socket);
  return answer;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Fills test.shapes with about 8 MiB: more than connection, transport and client together take without being read.
void publish_large(ExchangeFixture& exchange) {
  for (int i = 0; i < 8; ++i) {
    std::string wkt = "LINESTRING (500000 2000000";
    for (int v = 1; v < 60'000; ++v) wkt += ",500000." + std::to_string(v) + " 2000000";
    v1::Change made;
    made.set_op(v1::OPERATION_UPSERT);
    made.mutable_feature()->set_id("line-" + std::to_string(i));
    made.mutable_feature()->set_wkt(wkt + ")");
    must(exchange.publish(exchange.header("test.shapes"), {made}));
  }
}

/// A channel whose windows do not grow: one that does may take 16 MiB of a fast stream that nobody reads.
std::shared_ptr<grpc::Channel> narrow_channel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

/// Snapshots that are asked for and never read.
class StalledReaders {
 public:
  StalledReaders(ExchangeFixture& exchange, int count)
      : stub_(v1::ExchangeService::NewStub(narrow_channel(exchange.exchange_->address()))) {
    v1::StreamSnapshotRequest request;
    request.set_dataset("test.shapes");
    request.set_form(v1::FEATURE_FORM_RECORD);
    for (int i = 0; i < count; ++i) {
      contexts_.push_back(ExchangeFixture::context("environment", std::chrono::minutes(5)));
      readers_.push_back(stub_->StreamSnapshot(contexts_.back().get(), request));
    }
    // The first message of each: the server is at work on all of them.
    v1::StreamSnapshotResponse response;
    for (auto& reader : readers_) REQUIRE(reader->Read(&response));
  }
  ~StalledReaders() {
    for (auto& context : contexts_) context->TryCancel();
    for (auto& reader : readers_) (void)reader->Finish();
  }

 private:
  std::unique_ptr<v1::ExchangeService::Stub> stub_;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::StreamSnapshotResponse>>> readers_;
};

TEST_CASE("health says SERVING, for the server and for each service") {
  ExchangeFixture exchange;
  CHECK(health_of(exchange) == kServing);
  CHECK(health_of(exchange, "lienthong.v1.ExchangeService") == kServing);
  CHECK(health_of(exchange, "lienthong.v1.CatalogService") == kServing);
}

TEST_CASE("health says NOT_SERVING while the database is gone and SERVING when it is back") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 0)}));
  pg::ConnectOptions options;
  options.url = must(ensure_cluster(cluster_directory()));
  auto admin = must(pg::Connection::open(options));
  const std::string name = exchange.database_.name();
  must(admin.execute_script("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false"));
  must(admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
                     pg::Params().add(name)));
  CHECK(wait_until([&] { return health_of(exchange) == kNotServing; }));
  CHECK(health_of(exchange, "lienthong.v1.ExchangeService") == kNotServing);
  CHECK_FALSE(exchange.publish({upsert_point("a", 1)}).ok());
  must(admin.execute_script("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true"));
  CHECK(wait_until([&] { return health_of(exchange) == kServing; }));
  const auto receipt = must(exchange.publish({upsert_point("a", 1)}));
  CHECK(receipt.datasets(0).version() == 2);
}

TEST_CASE("reflection lists the services") {
  ExchangeFixture exchange;
  // ServerReflectionRequest{list_services: "*"}; the answer has each name as a string.
  const std::string answer =
      call_raw(exchange.channel_, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "\x3a\x01*");
  CHECK(contains(answer, "lienthong.v1.ExchangeService"));
  CHECK(contains(answer, "lienthong.v1.CatalogService"));
  CHECK(contains(answer, "grpc.health.v1.Health"));
}

TEST_CASE("bytes that are no changeset are refused with a reason") {
  ExchangeFixture exchange;
  const std::string answer =
      call_raw(exchange.channel_, "/lienthong.v1.ExchangeService/PublishChangeset", "\xff\xff\xff", "operator");
  CHECK(contains(answer, "the message cannot be parsed"));
  CHECK(contains(answer, "MESSAGE_MALFORMED"));
}

TEST_CASE("metrics count calls by method and code") {
  ExchangeFixture exchange;
  must(exchange.publish({upsert_point("a", 0)}));
  (void)exchange.publish({upsert_point("a", 0, 99)});
  std::string text;
  CHECK(wait_until(
      [&] {
        text = metrics_of(exchange.exchange_->metrics_address());
        return contains(
                   text,
                   R"(lienthong_rpc_total{code="INVALID_ARGUMENT",method="lienthong.v1.ExchangeService/PublishChangeset"} 1)") &&
               contains(text,
                        R"(lienthong_rpc_total{code="OK",method="lienthong.v1.ExchangeService/PublishChangeset"} 1)") &&
               contains(text, "lienthong_database_up 1");
      },
      std::chrono::seconds(20)));
  INFO(text.substr(0, 4000));
  CHECK(contains(text, "HTTP/1.1 200"));
  CHECK(contains(text, "lienthong_rpc_seconds_bucket"));
}

TEST_CASE("readers that stall hold up nobody and no database connection") {
  auto config = exchange_config();
  config.database_connections = 4;
  config.worker_threads = 4;
  ExchangeFixture exchange(config);
  publish_large(exchange);
  const StalledReaders stalled(exchange, 50);
  const std::string busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = '" + exchange.database_.name() +
                           "' AND pid <> pg_backend_pid() AND state <> 'idle'";
  CHECK(wait_until([&] { return exchange.count(busy) == 0; }, std::chrono::seconds(20)));
  // The streams are still open: all but their first messages wait.
  const std::string metrics = metrics_of(exchange.exchange_->metrics_address());
  INFO(metrics);
  CHECK(contains(metrics, R"(lienthong_rpc_active{method="lienthong.v1.ExchangeService/StreamSnapshot"} 50)"));
  for (int i = 0; i < 20; ++i) must(exchange.publish({upsert_point("a", i)}));
  CHECK(must(exchange.diff(R"({"dataset":"test.points"})")).entries.size() == 1);
  CHECK(must(exchange.snapshot(R"({"dataset":"test.shapes","form":"FEATURE_FORM_WKB"})")).entries.size() == 8);
}

TEST_CASE("stopping ends within the grace, also with readers that stall and a publish half done") {
  auto config = exchange_config();
  config.shutdown_grace = std::chrono::seconds(1);
  config.publish_memory_bytes = 0;
  ExchangeFixture exchange(config);
  publish_large(exchange);
  const std::string before = exchange.stored();
  const StalledReaders stalled(exchange, 5);
  const auto call = ExchangeFixture::context();
  const auto stream = exchange.stub_->Publish(call.get());
  REQUIRE(stream->Write(request_of(exchange.header())));
  REQUIRE(stream->Write(batch_of(1, {upsert_point("a", 0)})));
  REQUIRE(wait_until([&] { return exchange.staged_tables() == 1; }));

  const auto start = std::chrono::steady_clock::now();
  exchange.exchange_->stop();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(15));
  v1::PublishResponse progress;
  while (stream->Read(&progress)) CHECK_FALSE(progress.has_receipt());
  const auto ended = rpc::from_grpc_status(stream->Finish());
  CHECK_FALSE(ended.ok());
  CHECK(exchange.stored() == before);
  CHECK(exchange.staged_tables() == 0);
  CHECK(exchange.attempts() == 0);
  CHECK(exchange.dataset().status().code() == Code::kUnavailable);
  exchange.exchange_->stop();  // again: nothing happens
}

TEST_CASE("what an exchange that died left in staging is swept by the next one") {
  ExchangeFixture exchange;
  exchange.exchange_.reset();
  auto connection = exchange.database_.connect();
  must(
      connection.execute_script("CREATE UNLOGGED TABLE lienthong_staging.staged_999999_1_1 (a int);"
                                "INSERT INTO lienthong_staging.attempt"
                                "  (attempt_id, organisation, header_sha256, owner, prefix)"
                                "  VALUES ('dead', 'operator', '', 999999, 'staged_999999_1')"));
  REQUIRE(exchange.staged_tables() == 1);
  auto config = exchange_config();
  config.database = exchange.database_.url();
  exchange.exchange_ = must(exchange::Exchange::start(config));
  CHECK(wait_until([&] { return exchange.staged_tables() == 0 && exchange.attempts() == 0; }));
}

}  // namespace
}  // namespace lt::test
