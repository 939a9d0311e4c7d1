#include "rpc/server.hpp"

#include <thread>

#include <grpcpp/impl/codegen/client_unary_call.h>

#include "echo_harness.hpp"
#include "google/rpc/error_details.pb.h"

namespace {

using namespace lt::test;
using lt::make_error;
using lt::rpc::CallContext;

int health_of(Harness& harness, const std::string& name) {
  const auto context = Harness::make_context("");
  HealthRequest request;
  request.set_service(name);
  HealthResponse response;
  const grpc::internal::RpcMethod method("/grpc.health.v1.Health/Check", grpc::internal::RpcMethod::NORMAL_RPC);
  const auto status = grpc::internal::BlockingUnaryCall<HealthRequest, HealthResponse>(
      harness.channel.get(), method, context.get(), request, &response);
  REQUIRE(status.ok());
  return response.status();
}

constexpr int kServing = 1;
constexpr int kNotServing = 2;

}  // namespace

TEST_CASE("a unary call reaches its handler with identity, method and id") {
  Harness harness;
  std::string request_id;
  harness.service.echo = [&](CallContext& call, const EchoRequest& request, EchoResponse& response) {
    expect(call.identity().organisation == "operator");
    expect(call.identity().is_operator);
    expect(call.method() == "lienthong.test.EchoService/Echo");
    request_id = call.request_id();
    response.set_text(request.text() + "!");
    return absl::OkStatus();
  };
  const auto context = Harness::make_context("operator");
  EchoRequest request;
  request.set_text("chào");
  EchoResponse response;
  REQUIRE(harness.stub->Echo(context.get(), request, &response).ok());
  CHECK(response.text() == "chào!");
  const auto& metadata = context->GetServerInitialMetadata();
  const auto it = metadata.find("lienthong-request-id");
  REQUIRE(it != metadata.end());
  CHECK(std::string(it->second.data(), it->second.size()) == request_id);
  CHECK(eventually([&] { return harness.ended("Echo", "OK") == 1; }));
  CHECK(harness.metrics
            .gauge("lienthong_rpc_active", "calls being served", {{"method", "lienthong.test.EchoService/Echo"}})
            .value() == 0);
}

TEST_CASE("a call without identity is refused with how to give one") {
  Harness harness;
  const auto status = harness.call_echo("x", "");
  check_error(status, absl::StatusCode::kUnauthenticated, "IDENTITY_MISSING");
  CHECK_THAT(lt::message_of(status), Catch::Contains("-H 'lienthong-organisation: NAME'"));
}

TEST_CASE("a call of an unknown organisation is refused") {
  Harness harness;
  check_error(harness.call_echo("x", "nobody"), absl::StatusCode::kUnauthenticated, "ORGANISATION_UNKNOWN");
  check_error(harness.call_echo("x", std::string(129, 'a')), absl::StatusCode::kUnauthenticated,
              "ORGANISATION_UNKNOWN");
  check_error(harness.call_echo("x", "two words"), absl::StatusCode::kUnauthenticated, "ORGANISATION_UNKNOWN");
}

TEST_CASE("a call that names two organisations is refused") {
  Harness harness;
  const auto context = Harness::make_context("transport");
  lt::rpc::set_identity(*context, "operator");
  EchoResponse response;
  check_error(lt::rpc::from_grpc_status(harness.stub->Echo(context.get(), {}, &response)),
              absl::StatusCode::kUnauthenticated, "IDENTITY_AMBIGUOUS");
}

TEST_CASE("an error of the identity resolver goes to the caller") {
  Harness harness;
  check_error(harness.call_echo("x", "broken"), absl::StatusCode::kUnavailable, "DATABASE_DOWN");
}

TEST_CASE("the error of a handler reaches the caller with its details") {
  Harness harness;
  harness.service.echo = [](CallContext&, const EchoRequest&, EchoResponse&) {
    return make_error(absl::StatusCode::kFailedPrecondition, "MASS_DELETE", "too many deletes", {{"deletes", "11"}},
                      {{"changes", "allow it"}});
  };
  const auto status = harness.call_echo("x");
  check_error(status, absl::StatusCode::kFailedPrecondition, "MASS_DELETE");
  CHECK(lt::message_of(status) == "too many deletes");
  CHECK(lt::error_detail(status)->metadata.at("deletes") == "11");
  CHECK(lt::error_detail(status)->violations.at(0).description == "allow it");
  CHECK(harness.ended("Echo", "FAILED_PRECONDITION") == 1);
}

TEST_CASE("the largest error passes the metadata limit of a peer") {
  Harness harness;
  harness.service.echo = [](CallContext&, const EchoRequest&, EchoResponse&) {
    std::string message;
    std::vector<lt::FieldViolation> violations;
    for (int i = 0; i < 1000; ++i) {
      message += "ệ";
      violations.push_back({"đường[" + std::to_string(i) + "]", message});
    }
    return make_error(absl::StatusCode::kInvalidArgument, "FEATURES_INVALID", message, {}, violations);
  };
  const auto status = harness.call_echo("x");
  check_error(status, absl::StatusCode::kInvalidArgument, "FEATURES_INVALID");
  CHECK(lt::error_detail(status)->metadata.at("violations_total") == "1000");
}

TEST_CASE("an exception of a handler becomes INTERNAL and tells nothing of its text") {
  Harness harness;
  harness.service.echo = [](CallContext&, const EchoRequest& request, EchoResponse&) -> absl::Status {
    if (request.text() == "odd") throw 7;
    throw std::runtime_error("SELECT secret");
  };
  for (const char* text : {"std", "odd"}) {
    const auto status = harness.call_echo(text);
    check_error(status, absl::StatusCode::kInternal, "INTERNAL");
    CHECK(lt::message_of(status).find("secret") == std::string::npos);
    CHECK_FALSE(lt::error_detail(status)->metadata.at("request_id").empty());
  }
}

TEST_CASE("an answer over the message limit is refused with a reason") {
  Harness harness;
  harness.service.echo = [](CallContext&, const EchoRequest&, EchoResponse& response) {
    response.set_text(std::string((4U << 20) + 1, 'x'));
    return absl::OkStatus();
  };
  check_error(harness.call_echo("x"), absl::StatusCode::kResourceExhausted, "MESSAGE_TOO_LARGE");
}

TEST_CASE("a unary handler sees the nearer of the caller's deadline and the server's bound") {
  HarnessOptions options;
  options.limits.unary_timeout = std::chrono::seconds(10);
  Harness harness(options);
  CallContext::TimePoint seen;
  harness.service.echo = [&](CallContext& call, const EchoRequest&, EchoResponse&) {
    seen = call.deadline();
    return absl::OkStatus();
  };
  REQUIRE(harness.call_echo("x").ok());
  CHECK(seen <= std::chrono::system_clock::now() + std::chrono::seconds(10));
  const auto context = Harness::make_context();
  const auto sooner = std::chrono::system_clock::now() + std::chrono::seconds(5);
  context->set_deadline(sooner);
  EchoResponse response;
  REQUIRE(harness.stub->Echo(context.get(), {}, &response).ok());
  CHECK(seen <= sooner + std::chrono::seconds(1));
}

TEST_CASE("a caller that gives up wakes the handler") {
  Harness harness;
  Signal started;
  Signal woken;
  absl::Status seen;
  harness.service.echo = [&](CallContext& call, const EchoRequest&, EchoResponse&) {
    const auto scope = call.scoped_on_cancel([&] { woken.set(); });
    started.set();
    expect(woken.wait());
    seen = call.check();
    return seen;
  };
  const auto context = Harness::make_context();
  std::thread client([&] {
    EchoResponse response;
    expect(harness.stub->Echo(context.get(), {}, &response).error_code() == grpc::StatusCode::CANCELLED);
  });
  REQUIRE(started.wait());
  context->TryCancel();
  client.join();
  REQUIRE(woken.wait());
  CHECK(eventually([&] { return harness.ended("Echo", "CANCELLED") == 1; }));
  check_error(seen, absl::StatusCode::kCancelled, "CALL_CANCELLED");
}

TEST_CASE("a cancel reaches a handler although every executor thread is held") {
  HarnessOptions options;
  options.threads = 1;
  Harness harness(options);
  Signal woken;
  harness.service.echo = [&](CallContext& call, const EchoRequest&, EchoResponse&) {
    const auto scope = call.scoped_on_cancel([&] { woken.set(); });
    return woken.wait() ? call.check() : absl::OkStatus();
  };
  const auto context = Harness::make_context();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  EchoResponse response;
  CHECK(harness.stub->Echo(context.get(), {}, &response).error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
  CHECK(woken.wait());
}

TEST_CASE("a full executor refuses the next call at once and says when to retry") {
  HarnessOptions options;
  options.threads = 1;
  options.max_queue = 0;
  Harness harness(options);
  Signal started;
  Signal release;
  harness.service.echo = [&](CallContext&, const EchoRequest& request, EchoResponse&) {
    if (request.text() == "hold") {
      started.set();
      expect(release.wait());
    }
    return absl::OkStatus();
  };
  std::thread holder([&] { expect(harness.call_echo("hold").ok()); });
  REQUIRE(started.wait());
  const auto context = Harness::make_context();
  EchoResponse response;
  const auto wire = harness.stub->Echo(context.get(), {}, &response);
  check_error(lt::rpc::from_grpc_status(wire), absl::StatusCode::kResourceExhausted, "SERVER_BUSY");
  CHECK(wire.error_details().find("google.rpc.RetryInfo") != std::string::npos);
  release.set();
  holder.join();
  CHECK(eventually([&] { return harness.call_echo("x").ok(); }));
}

TEST_CASE("one call more than max_active_calls is refused") {
  HarnessOptions options;
  options.limits.max_active_calls = 1;
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
  check_error(harness.call_echo("x"), absl::StatusCode::kResourceExhausted, "SERVER_BUSY");
  release.set();
  holder.join();
  CHECK(eventually([&] { return harness.runtime.active_calls() == 0; }));
  CHECK(harness.call_echo("x").ok());
}

TEST_CASE("one call more than an organisation may have is refused, another organisation's is not") {
  HarnessOptions options;
  options.limits.max_organisation_calls = 1;
  options.limits.busy_retry = std::chrono::milliseconds(2500);
  Harness harness(options);
  Signal started;
  Signal release;
  harness.service.echo = [&](CallContext&, const EchoRequest& request, EchoResponse&) {
    if (request.text() != "hold") return absl::OkStatus();
    started.set();
    expect(release.wait());
    return absl::OkStatus();
  };
  std::thread holder([&] { expect(harness.call_echo("hold", "transport").ok()); });
  REQUIRE(started.wait());
  const auto refused = harness.call_echo("x", "transport");
  check_error(refused, absl::StatusCode::kResourceExhausted, "ORGANISATION_BUSY");
  CHECK(lt::error_detail(refused)->metadata.at("retry_after_ms") == "2500");
  CHECK(lt::error_detail(refused)->metadata.at("organisation") == "transport");
  CHECK(harness.call_echo("x", "operator").ok());
  release.set();
  holder.join();
  CHECK(eventually([&] { return harness.call_echo("x", "transport").ok(); }));
  CHECK(eventually([&] { return harness.runtime.organisation_calls().taken() == 0; }));
}

TEST_CASE("a request over the limit is refused with a reason, far over it by gRPC itself") {
  HarnessOptions options;
  options.limits.max_message_bytes = 1000;
  Harness harness(options);
  constexpr std::size_t kFraming = 3;  // tag and length of the text
  harness.service.echo = [](CallContext&, const EchoRequest&, EchoResponse&) { return absl::OkStatus(); };
  CHECK(harness.call_echo(std::string(1000 - kFraming, 'x')).ok());
  check_error(harness.call_echo(std::string(1001 - kFraming, 'x')), absl::StatusCode::kResourceExhausted,
              "MESSAGE_TOO_LARGE");
  check_error(harness.call_echo(std::string(1001 + lt::rpc::kReceiveSlackBytes, 'x')),
              absl::StatusCode::kResourceExhausted, "");
}

TEST_CASE("health follows the state of the server") {
  Harness harness;
  CHECK(health_of(harness, "") == kServing);
  CHECK(health_of(harness, "lienthong.test.EchoService") == kServing);
  harness.server.set_serving(false);
  CHECK(health_of(harness, "") == kNotServing);
  CHECK(health_of(harness, "lienthong.test.EchoService") == kNotServing);
  harness.server.set_serving(true);
  CHECK(health_of(harness, "lienthong.test.EchoService") == kServing);
}

TEST_CASE("reflection lists the services") {
  Harness harness;
  const auto context = Harness::make_context("");
  const grpc::internal::RpcMethod method("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                                         grpc::internal::RpcMethod::BIDI_STREAMING);
  const std::unique_ptr<grpc::ClientReaderWriter<ReflectionRequest, ReflectionResponse>> stream(
      grpc::internal::ClientReaderWriterFactory<ReflectionRequest, ReflectionResponse>::Create(harness.channel.get(),
                                                                                               method, context.get()));
  ReflectionRequest request;
  request.set_list_services("*");
  ReflectionResponse response;
  REQUIRE(stream->Write(request));
  REQUIRE(stream->Read(&response));
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) names.push_back(service.name());
  CHECK_THAT(names, Catch::VectorContains(std::string("lienthong.test.EchoService")));
  stream->WritesDone();
  CHECK(stream->Finish().ok());
}

TEST_CASE("a server listens on loopback only and on a free port only") {
  Harness harness;
  for (const char* address : {"0.0.0.0:0", "[::]:0", "192.0.2.1:7460", "example.org:7460"}) {
    lt::rpc::Server server(harness.runtime, {.listen = address});
    check_error(server.start().status(), absl::StatusCode::kFailedPrecondition, "LISTEN_NEEDS_TLS");
  }
  CHECK(lt::rpc::check_listen_address("127.0.0.1:0").ok());
  CHECK(lt::rpc::check_listen_address("localhost:7460").ok());
  CHECK(lt::rpc::check_listen_address("[::1]:7460").ok());
  check_error(lt::rpc::check_listen_address("7460"), absl::StatusCode::kInvalidArgument, "LISTEN_ADDRESS_INVALID");
  lt::rpc::Server second(harness.runtime, {.listen = harness.endpoint});
  check_error(second.start().status(), absl::StatusCode::kUnavailable, "LISTEN_FAILED");
}

TEST_CASE("a call in progress ends well within the grace of a shutdown") {
  Harness harness;
  Signal started;
  Signal release;
  harness.service.echo = [&](CallContext&, const EchoRequest&, EchoResponse&) {
    started.set();
    expect(release.wait());
    return absl::OkStatus();
  };
  std::thread client([&] { expect(harness.call_echo("x").ok()); });
  REQUIRE(started.wait());
  std::thread stopper([&] { harness.server.shutdown(kPatience); });
  release.set();
  client.join();
  stopper.join();
  const auto context = Harness::make_context();
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  EchoResponse response;
  CHECK(harness.stub->Echo(context.get(), {}, &response).error_code() == grpc::StatusCode::UNAVAILABLE);
}
