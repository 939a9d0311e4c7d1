#include "base/metrics.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace {

std::string http_get(std::uint16_t port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(fd >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  REQUIRE(send(fd, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;) answer.append(buffer, static_cast<std::size_t>(n));
  close(fd);
  return answer;
}

}  // namespace

TEST_CASE("metrics with equal names and labels are one series") {
  lt::Metrics metrics;
  metrics.counter("lienthong_test_total", "help", {{"code", "OK"}}).increment();
  metrics.counter("lienthong_test_total", "help", {{"code", "OK"}}).increment(2);
  metrics.counter("lienthong_test_total", "help", {{"code", "ABORTED"}}).increment();
  CHECK(metrics.counter("lienthong_test_total", "help", {{"code", "OK"}}).value() == 3);
  const std::string text = metrics.text();
  CHECK(text.find("lienthong_test_total{code=\"OK\"} 3") != std::string::npos);
  CHECK(text.find("lienthong_test_total{code=\"ABORTED\"} 1") != std::string::npos);
}

TEST_CASE("gauges go up and down and histograms count into buckets") {
  lt::Metrics metrics;
  auto gauge = metrics.gauge("lienthong_active", "help");
  gauge.add(3);
  gauge.add(-1);
  CHECK(gauge.value() == 2);
  gauge.set(7);
  CHECK(gauge.value() == 7);
  auto histogram = metrics.histogram("lienthong_seconds", "help", {0.1, 1});
  histogram.observe(0.05);
  histogram.observe(0.5);
  histogram.observe(5);
  const std::string text = metrics.text();
  CHECK(text.find("lienthong_seconds_bucket{le=\"0.1\"} 1") != std::string::npos);
  CHECK(text.find("lienthong_seconds_bucket{le=\"1\"} 2") != std::string::npos);
  CHECK(text.find("lienthong_seconds_bucket{le=\"+Inf\"} 3") != std::string::npos);
}

TEST_CASE("a metric name of another kind gives a handle that does nothing") {
  lt::Metrics metrics;
  metrics.counter("lienthong_x", "help").increment();
  auto gauge = metrics.gauge("lienthong_x", "help");
  gauge.set(5);
  CHECK(gauge.value() == 0);
  CHECK(metrics.counter("lienthong_x", "help").value() == 1);
}

TEST_CASE("the metrics server answers on a port that the system chose") {
  lt::Metrics metrics;
  metrics.counter("lienthong_served_total", "help").increment(42);
  const auto server = lt::MetricsServer::start("127.0.0.1:0", metrics);
  REQUIRE(server.ok());
  REQUIRE(server->port() != 0);
  const std::string answer = http_get(server->port(), "/metrics");
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.find("lienthong_served_total 42") != std::string::npos);
}

TEST_CASE("the metrics server refuses a taken port") {
  lt::Metrics metrics;
  const auto first = lt::MetricsServer::start("127.0.0.1:0", metrics);
  REQUIRE(first.ok());
  const auto second = lt::MetricsServer::start("127.0.0.1:" + std::to_string(first->port()), metrics);
  REQUIRE_FALSE(second.ok());
  CHECK(second.status().code() == absl::StatusCode::kUnavailable);
  CHECK(lt::error_reason(second.status()) == "LISTEN_FAILED");
}

TEST_CASE("the metrics server stays on loopback unless told") {
  lt::Metrics metrics;
  const auto refused = lt::MetricsServer::start("0.0.0.0:0", metrics);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().code() == absl::StatusCode::kFailedPrecondition);
  CHECK(lt::error_reason(refused.status()) == "METRICS_NOT_LOOPBACK");
  CHECK(lt::MetricsServer::start("0.0.0.0:0", metrics, true).ok());
  CHECK(lt::error_reason(lt::MetricsServer::start("9460", metrics).status()) == "LISTEN_ADDRESS_INVALID");
}
