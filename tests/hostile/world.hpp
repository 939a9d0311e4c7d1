// The cluster, the exchange as a process of its own, and well-behaved callers of it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/status.h>
#include <grpcpp/grpcpp.h>

#include "lienthong/v1/catalog_service.grpc.pb.h"
#include "lienthong/v1/exchange_service.grpc.pb.h"
#include "memory.hpp"
#include "pg/cluster.hpp"
#include "support/temp_directory.hpp"

namespace lt::test {

namespace v1 = lienthong::v1;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// "server.write_stall" to "4s".
using Settings = std::map<std::string, std::string>;

/// One running lienthong-exchange; killed by the destructor.
class ExchangeProcess {
 public:
  ExchangeProcess(const std::string& database, const std::string& log, const Settings& settings);
  ~ExchangeProcess();
  ExchangeProcess(const ExchangeProcess&) = delete;
  ExchangeProcess& operator=(const ExchangeProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int port() const { return port_; }
  /// A connection that is shared with no other channel.
  [[nodiscard]] std::shared_ptr<grpc::Channel> channel() const;
  /// What it grew by since mark(), at its peak.
  void mark();
  [[nodiscard]] std::int64_t growth_kib() const { return status_kib(pid_, "VmHWM") - marked_; }
  [[nodiscard]] std::int64_t peak_kib() const { return status_kib(pid_, "VmHWM"); }
  /// Lines of its log with this text.
  [[nodiscard]] int logged(const std::string& text) const;

 private:
  pid_t pid_ = -1;
  int port_ = 0;
  std::string log_;
  std::int64_t marked_ = 0;
};

/// Another program of ours; killed by the destructor.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() { kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  /// With SIGKILL, and waits for its end.
  void kill();

 private:
  pid_t pid_;
};

/// This program again, as a client that stages a part of a publish and then does nothing any more.
[[nodiscard]] std::unique_ptr<Child> spawn_stuck_writer(int port);
/// What that program does; never returns.
int be_stuck_writer(int port);
inline constexpr char kStuckWriter[] = "--be-stuck-writer";

/// The cluster and what is in it; one for the whole program.
class World {
 public:
  static World& get();
  World();

  [[nodiscard]] std::unique_ptr<ExchangeProcess> start_exchange(const Settings& settings = {});
  [[nodiscard]] pid_t postmaster() const { return cluster_->postmaster_pid(); }
  /// One number from the database.
  [[nodiscard]] std::int64_t count(const std::string& sql);
  /// Sessions of the exchange that hold a transaction open.
  [[nodiscard]] std::int64_t open_transactions();
  [[nodiscard]] std::int64_t staged_tables();

  static constexpr int kFeatureBytes = 96 << 10;
  /// Features of test.large; LT_HOSTILE_MB sizes it.
  [[nodiscard]] static int large_count();
  /// Publishes test.large unless it is there.
  void need_large(ExchangeProcess& exchange);

 private:
  TempDirectory directory_;
  std::unique_ptr<pg::Cluster> cluster_;
  int exchanges_ = 0;
  bool prepared_ = false;
};

[[nodiscard]] std::unique_ptr<grpc::ClientContext> context_of(const std::string& organisation,
                                                              milliseconds limit = seconds(60));
/// Feature `number` of test.large: a line of kFeatureBytes.
[[nodiscard]] v1::Change large_change(int number);
[[nodiscard]] v1::Change small_change(const std::string& id, int lanes = 1);
[[nodiscard]] v1::PublishHeader header_of(const std::string& dataset);
/// Publishes features first..first+count-1 of test.large.
[[nodiscard]] absl::Status publish_large(ExchangeProcess& exchange, int count);

/// Someone who works as usual while others misbehave: publishes and reads all the time, on a connection of its own.
class NormalWork {
 public:
  NormalWork(const ExchangeProcess& exchange, std::string organisation);
  ~NormalWork();
  /// Ends the work. Throws if a call failed; else the calls made.
  int stop();
  [[nodiscard]] milliseconds median() const { return at(0.5); }
  [[nodiscard]] milliseconds slowest() const { return at(1); }

 private:
  void work(const std::stop_token& stop);
  [[nodiscard]] milliseconds at(double part) const;

  const std::string organisation_;
  std::shared_ptr<grpc::Channel> channel_;
  std::vector<milliseconds> times_;
  absl::Status failure_;
  std::jthread thread_;
};

/// Prints one figure: what was measured and the bound it must keep.
void report(const std::string& what, std::int64_t kib, std::int64_t bound_kib);

}  // namespace lt::test
