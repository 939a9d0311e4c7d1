#include "base/config.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace {

struct TestConfig {
  std::string listen = "127.0.0.1:7461";
  int threads = 8;
  std::int64_t max_bytes = 4096;
  double ratio = 0.5;
  bool metrics = true;
  std::chrono::milliseconds grace{30'000};
  std::vector<std::string> peers{"one"};
  lt::ConfigFields fields;

  TestConfig() {
    fields.add("server", "listen", listen);
    fields.add("server", "threads", threads, 1, 256);
    fields.add("server", "max_bytes", max_bytes);
    fields.add("server", "ratio", ratio);
    fields.add("server", "metrics", metrics);
    fields.add("server", "shutdown_grace", grace);
    fields.add("sync", "peers", peers);
  }

  absl::Status load(const std::string& yaml, const std::map<std::string, std::string>& environment = {}) {
    return fields.load_text(yaml, [environment](const std::string& name) -> std::optional<std::string> {
      const auto it = environment.find(name);
      if (it == environment.end()) return std::nullopt;
      return it->second;
    });
  }
};

void check_error(const absl::Status& status, const std::string& reason, const std::string& part) {
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(status) == reason);
  CHECK_THAT(lt::message_of(status), Catch::Contains(part));
}

}  // namespace

TEST_CASE("an empty configuration keeps the defaults") {
  for (const char* yaml : {"", "# nothing\n", "server:\n", "{}"}) {
    TestConfig config;
    REQUIRE(config.load(yaml).ok());
    CHECK(config.listen == "127.0.0.1:7461");
    CHECK(config.threads == 8);
    CHECK(config.peers == std::vector<std::string>{"one"});
  }
}

TEST_CASE("a configuration fills members of every type") {
  TestConfig config;
  REQUIRE(config
              .load("server:\n  listen: '[::1]:1'\n  threads: 256\n  max_bytes: -9223372036854775808\n  ratio: 1e-3\n"
                    "  metrics: false\n  shutdown_grace: 5m\nsync:\n  peers: [a, 'b c']\n")
              .ok());
  CHECK(config.listen == "[::1]:1");
  CHECK(config.threads == 256);
  CHECK(config.max_bytes == INT64_MIN);
  CHECK(config.ratio == 0.001);
  CHECK_FALSE(config.metrics);
  CHECK(config.grace == std::chrono::minutes(5));
  CHECK(config.peers == std::vector<std::string>{"a", "b c"});
}

TEST_CASE("an unknown key is refused with its line and the nearest known key") {
  TestConfig config;
  const auto status = config.load("server:\n  listen: a:1\n  thread: 4\n");
  check_error(status, "CONFIG_UNKNOWN_KEY", "server.thread (line 3)");
  CHECK_THAT(lt::message_of(status), Catch::Contains("server.threads"));
  check_error(config.load("serve:\n  listen: x\n"), "CONFIG_UNKNOWN_KEY", "did you mean server.listen");
}

TEST_CASE("values of the wrong type or range are refused") {
  TestConfig config;
  check_error(config.load("server:\n  threads: 0\n"), "CONFIG_INVALID", "server.threads (line 2)");
  check_error(config.load("server:\n  threads: 257\n"), "CONFIG_INVALID", "from 1 to 256");
  check_error(config.load("server:\n  threads: 4.5\n"), "CONFIG_INVALID", "whole number");
  check_error(config.load("server:\n  threads: [1]\n"), "CONFIG_INVALID", "single value");
  check_error(config.load("server:\n  max_bytes: 9223372036854775808\n"), "CONFIG_INVALID", "whole number");
  check_error(config.load("server:\n  ratio: nan\n"), "CONFIG_INVALID", "a number");
  check_error(config.load("server:\n  metrics: yes\n"), "CONFIG_INVALID", "true or false");
  check_error(config.load("server:\n  shutdown_grace: 30\n"), "CONFIG_INVALID", "duration");
  check_error(config.load("server:\n  shutdown_grace: -1s\n"), "CONFIG_INVALID", "duration");
  check_error(config.load("server:\n  shutdown_grace: 99999999h\n"), "CONFIG_INVALID", "duration");
  check_error(config.load("sync:\n  peers: a\n"), "CONFIG_INVALID", "list");
  check_error(config.load("server: 5\n"), "CONFIG_INVALID", "section");
  check_error(config.load("- a\n"), "CONFIG_INVALID", "sections");
  check_error(config.load("server:\n  listen: a\n  listen: b\n"), "CONFIG_INVALID", "twice");
  check_error(config.load("server: {listen: [\n"), "CONFIG_INVALID", "malformed YAML");
}

TEST_CASE("durations are read in each unit") {
  TestConfig config;
  REQUIRE(config.load("server: {shutdown_grace: 250ms}").ok());
  CHECK(config.grace == std::chrono::milliseconds(250));
  REQUIRE(config.load("server: {shutdown_grace: 30s}").ok());
  CHECK(config.grace == std::chrono::seconds(30));
  REQUIRE(config.load("server: {shutdown_grace: 2h}").ok());
  CHECK(config.grace == std::chrono::hours(2));
  REQUIRE(config.load("server: {shutdown_grace: 0s}").ok());
  CHECK(config.grace.count() == 0);
}

TEST_CASE("the environment wins over the file") {
  TestConfig config;
  REQUIRE(config
              .load("server:\n  threads: 2\n", {{"LIENTHONG_SERVER_THREADS", "3"},
                                                {"LIENTHONG_SYNC_PEERS", "x,y"},
                                                {"LIENTHONG_SERVER_SHUTDOWN_GRACE", "1s"}})
              .ok());
  CHECK(config.threads == 3);
  CHECK(config.peers == std::vector<std::string>{"x", "y"});
  CHECK(config.grace == std::chrono::seconds(1));
  check_error(config.load("", {{"LIENTHONG_SERVER_THREADS", "many"}}), "CONFIG_INVALID", "LIENTHONG_SERVER_THREADS");
}

TEST_CASE("a configuration file is read, a missing one is an error") {
  const std::string path = "/tmp/lienthong_config_test_" + std::to_string(getpid()) + ".yaml";
  TestConfig config;
  const auto missing = config.fields.load_file(path);
  CHECK(missing.code() == absl::StatusCode::kNotFound);
  CHECK(lt::error_reason(missing) == "CONFIG_NOT_FOUND");
  std::ofstream(path) << "server: {threads: 5}\n";
  CHECK(config.fields.load_file(path).ok());
  CHECK(config.threads == 5);
  std::ofstream(path, std::ios::trunc).flush();
  CHECK(config.fields.load_file(path).ok());
  std::remove(path.c_str());
  CHECK(config.fields.load_file("").ok());
}

TEST_CASE("listen addresses are parsed and loopback is recognised") {
  const auto v6 = lt::parse_listen_address("[::1]:0");
  REQUIRE(v6.ok());
  CHECK(v6->host == "::1");
  CHECK(v6->port == 0);
  for (const char* text : {"127.0.0.1:65535", "127.8.9.10:1", "localhost:1", "[::1]:1"}) {
    INFO(text);
    CHECK(lt::parse_listen_address(text)->is_loopback());
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example.org:1", "127.0.0.256:1", "127.0.0:1"}) {
    INFO(text);
    CHECK_FALSE(lt::parse_listen_address(text)->is_loopback());
  }
  for (const char* text :
       {"", ":1", "host", "host:", "host:65536", "host:-1", "::1:1", "[]:1", "a b:1", "unix:/tmp/x"}) {
    INFO(text);
    CHECK(lt::error_reason(lt::parse_listen_address(text).status()) == "LISTEN_ADDRESS_INVALID");
  }
}
