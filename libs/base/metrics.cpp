#include "base/metrics.hpp"

#include <exception>
#include <utility>

#include <prometheus/counter.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>

#include "base/config.hpp"
#include "base/status.hpp"

namespace lt {
namespace {

constexpr std::size_t kServerThreads = 2;  // scrapes are rare and short

template <typename Make>
auto make_series(const std::string& name, const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (const std::exception& e) {
    spdlog::error("event=metric_refused name={} error=\"{}\"", name, e.what());
    return nullptr;
  }
}

}  // namespace

void Counter::increment(double by) {
  if (series_ != nullptr) series_->Increment(by);
}
double Counter::value() const { return series_ == nullptr ? 0 : series_->Value(); }

void Gauge::set(double value) {
  if (series_ != nullptr) series_->Set(value);
}
void Gauge::add(double by) {
  if (series_ != nullptr) series_->Increment(by);
}
double Gauge::value() const { return series_ == nullptr ? 0 : series_->Value(); }

void Histogram::observe(double value) {
  if (series_ != nullptr) series_->Observe(value);
}

struct Metrics::Impl {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return Counter(make_series(name, [&]() -> prometheus::Counter* {
    return &prometheus::BuildCounter().Name(name).Help(help).Register(*impl_->registry).Add(labels);
  }));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  return Gauge(make_series(name, [&]() -> prometheus::Gauge* {
    return &prometheus::BuildGauge().Name(name).Help(help).Register(*impl_->registry).Add(labels);
  }));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help, const std::vector<double>& buckets,
                             const MetricLabels& labels) {
  return Histogram(make_series(name, [&]() -> prometheus::Histogram* {
    return &prometheus::BuildHistogram().Name(name).Help(help).Register(*impl_->registry).Add(labels, buckets);
  }));
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(impl_->registry->Collect()); }

struct MetricsServer::Impl {
  std::shared_ptr<prometheus::Registry> registry;  // the exposer keeps a weak reference only
  std::unique_ptr<prometheus::Exposer> exposer;
  std::uint16_t port = 0;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;
MetricsServer::MetricsServer(MetricsServer&&) noexcept = default;
MetricsServer& MetricsServer::operator=(MetricsServer&&) noexcept = default;

absl::StatusOr<MetricsServer> MetricsServer::start(const std::string& address, const Metrics& metrics,
                                                   bool allow_remote) {
  LT_ASSIGN_OR_RETURN(const ListenAddress listen, parse_listen_address(address));
  if (!allow_remote && !listen.is_loopback()) {
    return make_error(absl::StatusCode::kFailedPrecondition, "METRICS_NOT_LOOPBACK",
                      "metrics would be served to the network on " + address +
                          " without authentication; listen on 127.0.0.1 or allow it in the configuration",
                      {{"address", address}});
  }
  auto impl = std::make_unique<Impl>();
  impl->registry = metrics.impl_->registry;
  try {
    const std::string host = listen.host == "localhost" ? "127.0.0.1" : listen.host;
    const bool v6 = host.find(':') != std::string::npos;
    impl->exposer = std::make_unique<prometheus::Exposer>(
        (v6 ? "[" + host + "]" : host) + ":" + std::to_string(listen.port), kServerThreads);
    impl->exposer->RegisterCollectable(impl->registry);
    const auto ports = impl->exposer->GetListeningPorts();
    impl->port = ports.empty() ? listen.port : static_cast<std::uint16_t>(ports.front());
  } catch (const std::exception&) {
    return make_error(absl::StatusCode::kUnavailable, "LISTEN_FAILED",
                      "cannot listen on " + address + " for metrics; choose another port, or 0 for a free one",
                      {{"address", address}});
  }
  return MetricsServer(std::move(impl));
}

std::uint16_t MetricsServer::port() const { return impl_->port; }

}  // namespace lt
