#include "lienthong/command_up.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/signals.hpp"
#include "base/status.hpp"
#include "exchange/exchange.hpp"
#include "lienthong/detach.hpp"
#include "lienthong/endpoints.hpp"
#include "lienthong/run_lock.hpp"
#include "pg/cluster.hpp"

namespace lt::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kDefaultPort = 7460;
constexpr int kDefaultMetricsPort = 9460;
constexpr int kMaxPort = 65535;
constexpr mode_t kOthersMayPass = 022;

struct UpOptions {
  std::string data;
  std::string database;
  std::string config_file;
  int port = kDefaultPort;
  int metrics_port = kDefaultMetricsPort;
  int ready_fd = -1;
  bool detach = false;
};

// The directory by its real name, made if absent.
absl::StatusOr<std::string> data_directory(const std::string& given) {
  umask(kOthersMayPass);  // the database may run as another user, who has to get through
  std::error_code error;
  fs::create_directories(given, error);
  const fs::path real = error ? fs::path() : fs::canonical(given, error);
  if (!error && fs::is_directory(real)) return real.string();
  return make_error(absl::StatusCode::kFailedPrecondition, "DATA_DIRECTORY",
                    "cannot make the data directory " + given + ": " + (error ? error.message() : "it is a file"),
                    {{"data", given}});
}

std::string loopback(int port) { return "127.0.0.1:" + std::to_string(port); }

std::string log_path(const std::string& directory) { return directory + "/lienthong.log"; }

// All that `up` runs, in the order in which it is started; it ends in the opposite one.
struct Services {
  std::optional<pg::Cluster> cluster;
  std::unique_ptr<exchange::Exchange> exchange;
  Endpoints endpoints;
};

absl::StatusOr<Services> start_services(const std::string& directory, exchange::Config config,
                                        const UpOptions& options) {
  Services services;
  services.endpoints.database = options.database;
  config.database = options.database;
  if (options.database.empty()) {
    pg::ClusterOptions own;
    own.directory = directory;
    LT_ASSIGN_OR_RETURN(auto cluster, pg::Cluster::start(own));
    services.cluster = std::move(cluster);
    services.endpoints.database = services.cluster->url();
    config.database = services.cluster->socket_url();
  }
  config.listen = loopback(options.port);
  config.metrics_listen = loopback(options.metrics_port);
  LT_ASSIGN_OR_RETURN(services.exchange, exchange::Exchange::start(config));
  services.endpoints.exchange = services.exchange->address();
  services.endpoints.metrics = services.exchange->metrics_address();
  services.endpoints.pid = getpid();
  return services;
}

absl::Status stop_services(Services& services) {
  services.exchange->stop();
  services.exchange.reset();
  if (!services.cluster) return absl::OkStatus();
  return services.cluster->stop();
}

void tell_ready(const Cli& cli, const Endpoints& endpoints, const std::string& directory) {
  if (cli.output.json) return;
  cli.output.note(fmt::format("ready. try:  grpcurl -plaintext {} list\nstop with:   lienthong down --data {}",
                              endpoints.exchange, directory));
}

// Serves until SIGINT or SIGTERM. `options.ready_fd` is told when everything is there.
absl::Status serve(const Cli& cli, const std::string& directory, const UpOptions& options) {
  block_signals();
  // Addresses and the database are options of `up`; limits, times and logs may come from the file.
  LT_ASSIGN_OR_RETURN(const exchange::Config config, exchange::load_config(options.config_file));
  LT_RETURN_IF_ERROR(init_logging({config.log_level, config.log_format == "json", "lienthong", nullptr}));
  LT_ASSIGN_OR_RETURN(const RunLock lock, RunLock::acquire(directory));
  remove_endpoints(directory);  // those of a run that was killed
  LT_ASSIGN_OR_RETURN(Services services, start_services(directory, config, options));
  absl::Status status = write_endpoints(directory, services.endpoints);
  if (status.ok()) {
    const std::string ready = endpoints_to_json(services.endpoints).dump();
    if (options.ready_fd < 0) {
      cli.output.print(ready);
      status = cli.output.flush();
      tell_ready(cli, services.endpoints, directory);
    }
    report_ready(options.ready_fd, ready);
    const int signal_number = wait_for_signal();
    log_event(spdlog::level::info, "stopping", {{"signal", std::to_string(signal_number)}});
  }
  remove_endpoints(directory);
  const absl::Status stopped = stop_services(services);
  return status.ok() ? stopped : status;
}

absl::Status serve_in_background(const Cli& cli, const std::string& directory, const UpOptions& options) {
  std::vector<std::string> arguments{"up",
                                     "--data",
                                     directory,
                                     "--port",
                                     std::to_string(options.port),
                                     "--metrics-port",
                                     std::to_string(options.metrics_port)};
  if (!options.config_file.empty()) {
    std::error_code error;
    const fs::path config = fs::absolute(options.config_file, error);
    arguments.insert(arguments.end(), {"--config", config.string()});
  }
  // Not as an argument: everybody can read those, and a URL may hold a password.
  if (!options.database.empty()) setenv("LIENTHONG_DATABASE", options.database.c_str(), 1);
  LT_ASSIGN_OR_RETURN(const std::string ready, start_in_background(arguments, log_path(directory)));
  cli.output.print(ready);
  const auto endpoints = nlohmann::json::parse(ready, nullptr, false);
  if (!cli.output.json && endpoints.is_object()) {
    cli.output.note(fmt::format("ready, as process {}; log: {}\nstop with: lienthong down --data {}",
                                endpoints.value("pid", 0), log_path(directory), directory));
  }
  return absl::OkStatus();
}

absl::Status up(const Cli& cli, const UpOptions& options) {
  LT_ASSIGN_OR_RETURN(const std::string directory, data_directory(options.data));
  if (options.detach) return serve_in_background(cli, directory, options);
  const absl::Status status = serve(cli, directory, options);
  if (!status.ok()) report_failure(options.ready_fd, status);
  return status;
}

}  // namespace

void add_up(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<UpOptions>();
  CLI::App* verb = app.add_subcommand("up", "serve everything on this machine, with a database of its own");
  verb->add_option("--data", options->data, "directory of the database and of endpoints.json")->required();
  verb->add_option("--port", options->port, "gRPC port on 127.0.0.1, 0 = chosen")
      ->check(CLI::Range(0, kMaxPort))
      ->capture_default_str();
  verb->add_option("--metrics-port", options->metrics_port, "port of /metrics on 127.0.0.1, 0 = chosen")
      ->check(CLI::Range(0, kMaxPort))
      ->capture_default_str();
  verb->add_option("--database", options->database, "use the PostgreSQL server at this URL instead of a private one")
      ->envname("LIENTHONG_DATABASE");
  verb->add_option("--config", options->config_file,
                   "YAML file of limits, times and logs (as deploy/config/exchange.yaml)");
  verb->add_flag("--detach", options->detach, "run in the background; returns when ready");
  verb->add_option("--ready-fd", options->ready_fd)->group("");  // from --detach to the process it starts
  verb->callback([&cli, options] { cli.run = [&cli, options] { return up(cli, *options); }; });
}

}  // namespace lt::cli
