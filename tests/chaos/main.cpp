// lt_chaos: kills the exchange, PostgreSQL and the clients again and again and checks that no promise was broken. The
// same program is the driver and, as a child of itself, each of the clients.
#include <cstdio>
#include <filesystem>
#include <functional>
#include <random>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "base/status.hpp"
#include "chaos/checker.hpp"
#include "chaos/clients.hpp"
#include "chaos/driver.hpp"

namespace {

using lt::chaos::ClientOptions;

int fail(const absl::Status& status) {
  if (status.ok()) return 0;
  fmt::print(stderr, "{}: {}\n", lt::error_reason(status), lt::message_of(status));
  return lt::error_reason(status) == "CHAOS_VIOLATION" ? lt::chaos::kViolationExit : 1;
}

int run_check(const ClientOptions& options) {
  const lt::chaos::Verdict verdict = lt::chaos::check(options);
  for (const auto& fact : verdict.facts) fmt::print("chaos: {}\n", fact);
  for (const auto& violation : verdict.violations) fmt::print("chaos: VIOLATION: {}\n", violation);
  return verdict.violations.empty() ? 0 : 1;
}

void add_role(CLI::App& app, const std::string& name, ClientOptions& options, std::function<int()> run, int& code) {
  CLI::App* const role = app.add_subcommand(name)->group("");  // for the driver, not for people
  role->add_option("--endpoint", options.endpoint)->required();
  role->add_option("--directory", options.directory)->required();
  role->add_option("--seed", options.seed)->required();
  role->add_option("--publishers", options.publishers)->required();
  role->add_option("--publisher", options.publisher);
  role->add_option("--keep-versions", options.keep_versions);
  role->callback([&code, run = std::move(run)] {
    lt::chaos::stop_on_sigterm();
    const absl::Status logging = lt::init_logging({.level = "warn", .service = "chaos"});
    code = logging.ok() ? run() : fail(logging);
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Kills the exchange, PostgreSQL and clients at random, and checks what clients were promised.");
  lt::chaos::DriverOptions driver;
  ClientOptions client;
  int code = 0;
  std::int64_t duration_s = 0;
  driver.seed = std::random_device()();
  app.add_option("--kills", driver.kills, "kill -9 so many times")->check(CLI::PositiveNumber);
  app.add_option("--seed", driver.seed, "of contents and of the order of disturbances; printed");
  app.add_option("--duration", duration_s, "go on for at least so many seconds");
  app.add_option("--publishers", driver.publishers, "processes that publish")->check(CLI::PositiveNumber);
  app.add_option("--exchange", driver.exchange, "program (else the one beside this)");
  app.add_flag("--keep", driver.keep, "keep the files when all is well, too");
  add_role(
      app, "setup", client, [&] { return fail(lt::chaos::set_up(client)); }, code);
  add_role(
      app, "publisher", client, [&] { return fail(lt::chaos::run_publisher(client)); }, code);
  add_role(
      app, "reader", client, [&] { return fail(lt::chaos::run_reader(client)); }, code);
  add_role(
      app, "compaction", client, [&] { return fail(lt::chaos::run_compaction(client)); }, code);
  add_role(
      app, "check", client, [&] { return run_check(client); }, code);
  CLI11_PARSE(app, argc, argv);
  if (!app.get_subcommands().empty()) return code;
  driver.duration = std::chrono::seconds(duration_s);
  if (driver.exchange.empty()) {
    driver.exchange = std::filesystem::read_symlink("/proc/self/exe").replace_filename("lienthong-exchange").string();
  }
  return lt::chaos::run_driver(driver);
}
