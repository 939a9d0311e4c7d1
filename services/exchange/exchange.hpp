// The exchange as a whole: database, calls, server, sweeper. `lienthong-exchange` runs one; `lienthong up` too.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "exchange/config.hpp"

namespace lt::exchange {

/// Start and stop from one thread. Needs a database that it may own (it migrates it). The destructor is stop().
class Exchange {
 public:
  /// Checks the VN-2000 systems, connects, migrates, adds these systems to PostGIS, takes the staging lock, sweeps,
  /// serves. Errors: those of geo::check_vn2000_systems(), pg::Connection::open(), pg::migrate(), rpc::Server::start(),
  /// MetricsServer::start().
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Exchange>> start(const Config& config);
  ~Exchange();

  /// "127.0.0.1:PORT" as chosen.
  [[nodiscard]] const std::string& address() const;
  [[nodiscard]] const std::string& metrics_address() const;

  /// Reports NOT_SERVING, lets calls end for Config::shutdown_grace, cancels the rest. Repeatable.
  void stop();

 private:
  struct Impl;
  explicit Exchange(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::exchange
