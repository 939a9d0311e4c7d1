#include "exchange/exchange.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include <fmt/format.h>

#include "base/config.hpp"
#include "base/executor.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "exchange/area_book.hpp"
#include "exchange/core.hpp"
#include "exchange/grpc_services.hpp"
#include "exchange/head_board.hpp"
#include "exchange/replica.hpp"
#include "exchange/views.hpp"
#include "geo/vn2000.hpp"
#include "rpc/runtime.hpp"
#include "rpc/server.hpp"
#include "storage/acquire.hpp"
#include "storage/areas.hpp"
#include "storage/attempts.hpp"
#include "storage/retention.hpp"
#include "storage/spatial_references.hpp"

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

// Without them only SQL users of the geometries miss something.
void add_spatial_references(pg::Connection& connection) {
  const auto added = storage::add_spatial_references(connection);
  if (!added.ok()) {
    log_event(spdlog::level::err, "spatial_references_not_added",
              {{"error", message_of(added.status())},
               {"hint", "give the exchange's role the right to INSERT into spatial_ref_sys"}});
  } else if (*added > 0) {
    log_event(spdlog::level::info, "spatial_references_added", {{"systems", std::to_string(*added)}});
  }
}

}  // namespace

// Members in the order of their making; destroyed in reverse.
struct Exchange::Impl {
  Impl(const Config& settings, std::unique_ptr<storage::StagingOwner> owner)
      : config(settings),
        pool(connect_options(settings), settings.database_connections),
        catalog(pool),
        areas(pool),
        area_book(areas),
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
        server(runtime, server_options(settings)) {
    core.views = &views;
    core.areas = &areas;
    core.area_book = &area_book;
    core.limits.kept_findings = settings.kept_findings;
    core.limits.resumable = settings.resume_keep.count() > 0;
    set_quotas();
    set_replica();
    services.add_to(server);
  }

  static rpc::Limits rpc_limits(const Config& settings) {
    rpc::Limits limits;
    limits.max_active_calls = static_cast<std::size_t>(settings.max_calls);
    limits.max_organisation_calls = static_cast<std::size_t>(settings.max_calls_per_organisation);
    limits.unary_timeout = settings.unary_timeout;
    limits.write_timeout = settings.write_stall;
    limits.slowest_reader = static_cast<std::size_t>(settings.slowest_reader);
    limits.read_timeout = settings.read_stall;
    return limits;
  }

  static rpc::ServerOptions server_options(const Config& settings) {
    rpc::ServerOptions options;
    options.listen = settings.listen;
    options.keepalive_time = settings.keepalive_time;
    options.keepalive_timeout = settings.keepalive_timeout;
    options.connection_idle = settings.connection_idle;
    options.max_connection_streams = settings.max_streams_per_connection;
    options.max_metadata_bytes = settings.max_metadata_bytes;
    options.buffer_bytes = static_cast<std::size_t>(settings.buffer_bytes);
    return options;
  }

  void set_quotas() {
    const auto of = [](std::int64_t total, std::int64_t each) {
      return rpc::Quota::Limits{static_cast<std::uint64_t>(total), static_cast<std::uint64_t>(each)};
    };
    core.limits.stream_page_bytes = static_cast<std::size_t>(config.stream_page_bytes);
    core.publishes = std::make_shared<rpc::Quota>("publishes in progress",
                                                  of(config.max_publishes, config.max_publishes_per_organisation));
    core.pieces = std::make_shared<rpc::Quota>("bytes of features in pieces in memory",
                                               of(config.pieces_bytes, config.pieces_bytes / 2));
  }

  void set_replica() {
    if (config.database_read.empty()) return;
    ReplicaOptions options;
    options.connection.url = config.database_read;
    options.connections = config.database_connections;
    options.wait = config.replica_wait;
    replica = std::make_unique<Replica>(std::move(options), metrics);
    core.replica = replica.get();
  }

  absl::Status start_heads() {
    HeadBoardOptions options;
    options.connection = connect_options(config);
    options.poll_interval = config.heads_poll;
    LT_ASSIGN_OR_RETURN(heads, HeadBoard::start(std::move(options), metrics));
    core.heads = heads.get();
    core.announce_heads = [board = heads.get()] { board->announce(); };
    return absl::OkStatus();
  }

  // Organisations are never removed: one that was found is known for ever.
  absl::StatusOr<rpc::CallerIdentity> resolve(const std::string& name) {
    rpc::CallerIdentity identity{name, name == kOperator};
    {
      const std::lock_guard lock(organisations_mutex);
      if (organisations.contains(name)) return identity;
    }
    auto organisation = catalog.get_organisation(name);
    // Readers go on while the primary is away.
    if (replica && is_outage(organisation.status())) organisation = replica->catalog().get_organisation(name);
    if (!organisation.ok()) return organisation.status();
    const std::lock_guard lock(organisations_mutex);
    organisations.insert(name);
    return identity;
  }

  void maintain(const std::stop_token& stop);
  void check_health();
  void sweep();
  void forget_attempts();
  void retain(const std::stop_token& stop);
  void compact_all(const std::stop_token& stop);
  void compact_old(const storage::Dataset& dataset, const std::stop_token& stop);

  const Config config;
  Metrics metrics;
  pg::Pool pool;
  storage::Catalog catalog;
  storage::Areas areas;
  AreaBook area_book;
  std::mutex organisations_mutex;
  std::unordered_set<std::string> organisations;  ///< guarded by organisations_mutex: those known to exist
  std::unique_ptr<storage::StagingOwner> staging_owner;
  std::unique_ptr<HeadBoard> heads;
  std::unique_ptr<Replica> replica;
  ViewBook views;
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
  std::jthread retention;  ///< apart: compacting may take long, and health is not to wait for it
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
  const auto dropped = staging_owner->sweep(config.resume_keep);
  if (!dropped.ok()) {
    log_event(spdlog::level::warn, "staging_sweep_failed", {{"error", message_of(dropped.status())}});
  } else if (*dropped > 0) {
    log_event(spdlog::level::info, "staging_swept", {{"tables", std::to_string(*dropped)}});
  }
}

void Exchange::Impl::forget_attempts() {
  if (config.attempts_kept.count() == 0) return;
  const auto forgotten = [this]() -> absl::StatusOr<std::int64_t> {
    LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(pool));
    const auto kept = std::chrono::duration_cast<std::chrono::microseconds>(config.attempts_kept);
    return storage::forget_attempts(*connection, now_us() - kept.count());
  }();
  if (!forgotten.ok()) {
    log_event(spdlog::level::warn, "attempts_not_forgotten", {{"error", message_of(forgotten.status())}});
  } else if (*forgotten > 0) {
    log_event(spdlog::level::info, "attempts_forgotten", {{"attempts", std::to_string(*forgotten)}});
  }
}

void Exchange::Impl::maintain(const std::stop_token& stop) {
  auto next_sweep = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    check_health();
    if (replica) replica->check();
    if (std::chrono::steady_clock::now() >= next_sweep) {
      sweep();
      forget_attempts();
      next_sweep = std::chrono::steady_clock::now() + config.staging_sweep;
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, kHealthInterval, [] { return false; });
  }
}

void Exchange::Impl::compact_old(const storage::Dataset& dataset, const std::stop_token& stop) {
  const auto done = [&]() -> absl::StatusOr<storage::Compaction> {
    std::int64_t horizon = dataset.horizon;  // without a new one, what was interrupted is finished
    if (config.history_kept.count() > 0) {
      LT_ASSIGN_OR_RETURN(const auto old, storage::version_older_than(pool, dataset.id, config.history_kept));
      horizon = std::max(horizon, old.value_or(0));
    }
    return storage::compact(pool, dataset.id, horizon, [&stop] { return stop.stop_requested(); });
  }();
  if (!done.ok()) {
    log_event(spdlog::level::warn, "history_not_compacted",
              {{"dataset", dataset.name}, {"error", message_of(done.status())}});
  } else if (done->removed > 0 || done->horizon > dataset.horizon) {
    log_event(spdlog::level::info, "history_compacted",
              {{"dataset", dataset.name},
               {"horizon", std::to_string(done->horizon)},
               {"removed", std::to_string(done->removed)}});
  }
}

void Exchange::Impl::compact_all(const std::stop_token& stop) {
  constexpr int kPage = 100;
  std::string after;
  while (!stop.stop_requested()) {
    const auto datasets = catalog.list_datasets(after, kPage);
    if (!datasets.ok()) {
      log_event(spdlog::level::warn, "history_not_compacted", {{"error", message_of(datasets.status())}});
      return;
    }
    for (const auto& dataset : *datasets) {
      if (!stop.stop_requested()) compact_old(dataset, stop);
    }
    if (datasets->size() < kPage) return;
    after = datasets->back().name;
  }
}

void Exchange::Impl::retain(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    compact_all(stop);
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, config.retention_interval, [] { return false; });
  }
}

Exchange::Exchange(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Exchange::~Exchange() { stop(); }

absl::StatusOr<std::unique_ptr<Exchange>> Exchange::start(const Config& config) {
  LT_RETURN_IF_ERROR(geo::check_vn2000_systems());
  {
    LT_ASSIGN_OR_RETURN(auto connection, pg::Connection::open(connect_options(config)));
    LT_RETURN_IF_ERROR(storage::migrate_database(connection));
    LT_RETURN_IF_ERROR(storage::seed_areas(connection));
    add_spatial_references(connection);
  }
  LT_ASSIGN_OR_RETURN(auto owner, storage::StagingOwner::start(connect_options(config)));
  auto impl = std::make_unique<Impl>(config, std::move(owner));
  LT_RETURN_IF_ERROR(impl->start_heads());
  LT_ASSIGN_OR_RETURN(auto metrics_server, MetricsServer::start(config.metrics_listen, impl->metrics));
  impl->metrics_address = with_port(config.metrics_listen, metrics_server.port());
  impl->metrics_server = std::move(metrics_server);
  LT_ASSIGN_OR_RETURN(const auto port, impl->server.start());
  impl->address = with_port(config.listen, port);
  auto* const raw = impl.get();
  impl->maintenance = std::jthread([raw](const std::stop_token& stop) { raw->maintain(stop); });
  impl->retention = std::jthread([raw](const std::stop_token& stop) { raw->retain(stop); });
  log_event(spdlog::level::info, "exchange_serving", {{"address", impl->address}, {"metrics", impl->metrics_address}});
  return std::unique_ptr<Exchange>(new Exchange(std::move(impl)));
}

const std::string& Exchange::address() const { return impl_->address; }
const std::string& Exchange::metrics_address() const { return impl_->metrics_address; }

void Exchange::stop() {
  if (impl_->stopped) return;
  impl_->stopped = true;
  for (auto* const thread : {&impl_->maintenance, &impl_->retention}) thread->request_stop();
  for (auto* const thread : {&impl_->maintenance, &impl_->retention}) {
    if (thread->joinable()) thread->join();
  }
  impl_->server.shutdown(impl_->config.shutdown_grace);
  impl_->executor.shutdown();
  log_event(spdlog::level::info, "exchange_stopped", {});
}

}  // namespace lt::exchange
