// Counters, gauges and histograms of the process, served to Prometheus.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace lt {

/// Label names and values of one series. Values come from small closed sets (method, code), never from users' data.
using MetricLabels = std::map<std::string, std::string>;

/// Handles to one series each; cheap to copy, thread-safe, valid as long as the Metrics that gave them. A handle that
/// could not be made (see Metrics) does nothing.
class Counter {
 public:
  explicit Counter(prometheus::Counter* series) : series_(series) {}
  void increment(double by = 1);
  [[nodiscard]] double value() const;

 private:
  prometheus::Counter* series_;
};

class Gauge {
 public:
  explicit Gauge(prometheus::Gauge* series) : series_(series) {}
  void set(double value);
  void add(double by);
  [[nodiscard]] double value() const;

 private:
  prometheus::Gauge* series_;
};

class Histogram {
 public:
  explicit Histogram(prometheus::Histogram* series) : series_(series) {}
  void observe(double value);

 private:
  prometheus::Histogram* series_;
};

/// The series of one process. Thread-safe. Asking again for a name with equal labels gives the same series. A name that
/// is malformed or already of another kind is a programming error: it is logged, and the handle does nothing.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  [[nodiscard]] Counter counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  [[nodiscard]] Gauge gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  /// @param buckets upper bounds, rising, in the unit that the name ends with.
  [[nodiscard]] Histogram histogram(const std::string& name, const std::string& help,
                                    const std::vector<double>& buckets, const MetricLabels& labels = {});

  /// All series in the Prometheus text format.
  [[nodiscard]] std::string text() const;

 private:
  friend class MetricsServer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Serves GET /metrics over HTTP until destroyed.
class MetricsServer {
 public:
  /// @param address "127.0.0.1:9460", "[::1]:0"; port 0 = chosen by the system.
  /// @param allow_remote needed for any address that is not loopback: the page has no authentication.
  /// Errors: INVALID_ARGUMENT LISTEN_ADDRESS_INVALID; FAILED_PRECONDITION METRICS_NOT_LOOPBACK; UNAVAILABLE
  /// LISTEN_FAILED the port is taken.
  [[nodiscard]] static absl::StatusOr<MetricsServer> start(const std::string& address, const Metrics& metrics,
                                                           bool allow_remote = false);
  ~MetricsServer();
  MetricsServer(MetricsServer&&) noexcept;
  MetricsServer& operator=(MetricsServer&&) noexcept;

  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt
