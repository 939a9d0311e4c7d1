#include "exchange/exchange.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "base/config.hpp"
#include "base/executor.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/status.hpp"
#include "exchange/core.hpp"
#include "exchange/grpc_services.hpp"
#include "rpc/runtime.hpp"
#include "rpc/server.hpp"

namespace lt::exchange {
namespace {

constexpr char kOperator[] = "operator";
constexpr std::chrono::seconds kHealthInterval{5};

pg::ConnectOptions connect_options(const Config& config) {
  pg::ConnectOptions options;
  options.url = config.database;
  options.purpose = "exchange";
  return options;
}

// "127.0.0.1:0" and the port that the system chose.
std::string with_port(const std::string& listen, int port) {
  return listen.substr(0, listen.rfind(':') + 1) + std::to_string(port);
}

}  // namespace

// Members in the order of their making; destroyed in reverse.
struct Exchange::Impl {
  Impl(const Config& settings, std::unique_ptr<storage::StagingOwner> owner)
      : config(settings),
        pool(connect_options(settings), settings.database_connections),
        catalog(pool),
        staging_owner(std::move(owner)),
        core{pool,
             catalog,
             *staging_owner,
             {settings.max_feature_bytes, static_cast<std::size_t>(settings.publish_memory_bytes),
              static_cast<std::size_t>(settings.staging_piece_bytes),
              static_cast<std::size_t>(settings.stream_chunk_bytes)}},
        executor(settings.worker_threads, settings.worker_queue, "exchange"),
        runtime(
            executor, [this](const std::string& name) { return resolve(name); }, metrics, rpc_limits(settings)),
        services(runtime, core),
        server(runtime, {settings.listen, 4 << 20}) {
    services.add_to(server);
  }

  static rpc::Limits rpc_limits(const Config& settings) {
    rpc::Limits limits;
    limits.write_timeout = settings.write_stall;
    return limits;
  }

  absl::StatusOr<rpc::CallerIdentity> resolve(const std::string& name) {
    LT_ASSIGN_OR_RETURN(const auto organisation, catalog.get_organisation(name));
    return rpc::CallerIdentity{organisation.name, organisation.name == kOperator};
  }

  void maintain(const std::stop_token& stop);
  void check_health();
  void sweep();

  const Config config;
  Metrics metrics;
  pg::Pool pool;
  storage::Catalog catalog;
  std::unique_ptr<storage::StagingOwner> staging_owner;
  Core core;
  Executor executor;
  rpc::Runtime runtime;
  GrpcServices services;
  rpc::Server server;
  std::optional<MetricsServer> metrics_server;
  std::string address;
  std::string metrics_address;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::jthread maintenance;
  bool stopped = false;
};

void Exchange::Impl::check_health() {
  auto connection = pool.acquire(std::chrono::milliseconds(kHealthInterval));
  const bool serving = connection.ok() ? (*connection)->execute("SELECT 1").ok()
                                       : error_reason(connection.status()) == "POOL_EXHAUSTED";  // busy is not ill
  server.set_serving(serving);
  metrics.gauge("lienthong_database_up", "1 while the database answers").set(serving ? 1 : 0);
  metrics.gauge("lienthong_database_connections", "Connections of the pool", {{"state", "in_use"}}).set(pool.in_use());
  metrics.gauge("lienthong_database_connections", "Connections of the pool", {{"state", "idle"}}).set(pool.idle());
}

void Exchange::Impl::sweep() {
  const auto dropped = staging_owner->sweep();
  if (!dropped.ok()) {
    log_event(spdlog::level::warn, "staging_sweep_failed", {{"error", message_of(dropped.status())}});
  } else if (*dropped > 0) {
    log_event(spdlog::level::info, "staging_swept", {{"tables", std::to_string(*dropped)}});
  }
}

void Exchange::Impl::maintain(const std::stop_token& stop) {
  auto next_sweep = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    check_health();
    if (std::chrono::steady_clock::now() >= next_sweep) {
      sweep();
      next_sweep = std::chrono::steady_clock::now() + config.staging_sweep;
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kHealthInterval, [] { return false; });
  }
}

Exchange::Exchange(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Exchange::~Exchange() { stop(); }

absl::StatusOr<std::unique_ptr<Exchange>> Exchange::start(const Config& config) {
  {
    LT_ASSIGN_OR_RETURN(auto connection, pg::Connection::open(connect_options(config)));
    LT_RETURN_IF_ERROR(storage::migrate_database(connection));
  }
  LT_ASSIGN_OR_RETURN(auto owner, storage::StagingOwner::start(connect_options(config)));
  auto impl = std::make_unique<Impl>(config, std::move(owner));
  LT_ASSIGN_OR_RETURN(auto metrics_server, MetricsServer::start(config.metrics_listen, impl->metrics));
  impl->metrics_address = with_port(config.metrics_listen, metrics_server.port());
  impl->metrics_server = std::move(metrics_server);
  LT_ASSIGN_OR_RETURN(const auto port, impl->server.start());
  impl->address = with_port(config.listen, port);
  auto* const raw = impl.get();
  impl->maintenance = std::jthread([raw](const std::stop_token& stop) { raw->maintain(stop); });
  log_event(spdlog::level::info, "exchange_serving", {{"address", impl->address}, {"metrics", impl->metrics_address}});
  return std::unique_ptr<Exchange>(new Exchange(std::move(impl)));
}

const std::string& Exchange::address() const { return impl_->address; }
const std::string& Exchange::metrics_address() const { return impl_->metrics_address; }

void Exchange::stop() {
  if (impl_->stopped) return;
  impl_->stopped = true;
  if (impl_->maintenance.joinable()) {
    impl_->maintenance.request_stop();
    impl_->maintenance.join();
  }
  impl_->server.shutdown(impl_->config.shutdown_grace);
  impl_->executor.shutdown();
  log_event(spdlog::level::info, "exchange_stopped", {});
}

}  // namespace lt::exchange
