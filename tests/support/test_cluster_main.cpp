// test_cluster start|stop|hold DIR: the tests' PostgreSQL cluster from the command line.
// start: make and start it unless it runs; prints its URL. stop: stop it and remove its files.
// hold: run a durable cluster as a child until standard input ends; for tests that kill its owner.
#include <cstdio>
#include <string_view>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/status.hpp"
#include "pg/cluster.hpp"
#include "support/test_cluster.hpp"

namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int report(const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", lt::error_reason(status).c_str(), lt::message_of(status).c_str());
  return kFailed;
}

int start(const std::string& directory) {
  const auto url = lt::test::ensure_cluster(directory);
  if (url.ok()) std::printf("%s\n", url->c_str());
  return report(url.status());
}

int hold(const std::string& directory) {
  lt::pg::ClusterOptions options;
  options.directory = directory;
  const auto cluster = lt::pg::Cluster::start(options);
  if (!cluster.ok()) return report(cluster.status());
  std::printf("ready %d %s\n", cluster->postmaster_pid(), cluster->url().c_str());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("test_cluster"));
  const std::string_view verb = argc == 3 ? argv[1] : "";
  if (verb == "start") return start(argv[2]);
  if (verb == "stop") return report(lt::test::remove_cluster(argv[2]));
  if (verb == "hold") return hold(argv[2]);
  std::fprintf(stderr, "usage: test_cluster start|stop|hold DIR\n");
  return kUsage;
}
