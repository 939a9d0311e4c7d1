// lienthong-exchange: the exchange as a program of its own.
#include <cstdio>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/status.hpp"
#include "exchange/exchange.hpp"

namespace {

int fail(const absl::Status& status) {
  fmt::print(stderr, "error: {} ({})\n", lt::message_of(status), lt::error_reason(status));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  lt::block_signals();
  std::string path;
  bool check_only = false;
  CLI::App app("The exchange of Liên Thông: publishing, history and diffs over gRPC.");
  app.add_option("--config", path, "YAML file; see deploy/config/exchange.yaml");
  app.add_flag("--check-config", check_only, "Read the configuration, say what is wrong with it, and end");
  CLI11_PARSE(app, argc, argv);
  const auto config = lt::exchange::load_config(path);
  if (!config.ok()) return fail(config.status());
  if (check_only) return 0;
  const auto logging = lt::init_logging({config->log_level, config->log_format == "json", "exchange", nullptr});
  if (!logging.ok()) return fail(logging);
  auto exchange = lt::exchange::Exchange::start(*config);
  if (!exchange.ok()) return fail(exchange.status());
  lt::wait_for_signal();
  (*exchange)->stop();
  return 0;
}
