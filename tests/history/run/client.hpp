// A client of the exchange that writes down what it does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <grpcpp/grpcpp.h>

#include "history/log.hpp"
#include "history/run/journal.hpp"
#include "lienthong/v1/catalog_service.grpc.pb.h"
#include "lienthong/v1/exchange_service.grpc.pb.h"

namespace lt::history {

/// Longer than an operation may take: what hangs ends, and is then found by its times.
inline constexpr std::chrono::seconds kCallLimit{35};

struct PublishOptions {
  bool stream = false;  ///< Publish instead of PublishChangeset
  std::chrono::milliseconds limit = kCallLimit;
};

struct Answer {
  Outcome outcome = Outcome::kUnknown;
  bool may_retry = false;
  bool made_version = false;
};

struct FoundFeature {
  std::int64_t version = 0;
  Value value;
};
struct FoundState {
  std::int64_t version = 0;
  std::map<std::string, Value> features;
};

/// One call at a time, unless said otherwise. Every method logs its call and what came of it.
class Client {
 public:
  Client(const std::string& endpoint, Journal& journal);

  /// Makes the organisation and the datasets; not logged. Throws std::runtime_error.
  void set_up(const std::set<std::string>& datasets);

  /// Sends a changeset once. May be called by several threads.
  Answer publish(const Changeset& changeset, const PublishOptions& options = {});

  /// Absent: no such feature, or the call failed.
  std::optional<FoundFeature> get_feature(const std::string& dataset, const std::string& id);
  /// @param version absent = the head.
  std::optional<FoundState> read_snapshot(const std::string& dataset, std::optional<std::int64_t> version = {});
  /// From the cursor to the head; the cursor moves on.
  void read_diff(const std::string& dataset, std::string& cursor);
  /// Of versions that are known to be there.
  void read_old_diff(const std::string& dataset, std::int64_t from, std::int64_t to);
  /// @return the version read to, or `from` when the call failed.
  std::int64_t read_changes(const std::string& dataset, std::int64_t from);
  /// All accepted changesets that made a version.
  void list_receipts(const std::string& dataset);
  /// Until `stop`.
  void watch_heads(const std::set<std::string>& datasets, const std::atomic<bool>& stop);

 private:
  struct Reply;
  Reply send(const Changeset& changeset, const PublishOptions& options);
  grpc::Status send_unary(const Changeset& changeset, grpc::ClientContext& context, lienthong::v1::Receipt& receipt);
  grpc::Status send_stream(const Changeset& changeset, grpc::ClientContext& context, lienthong::v1::Receipt& receipt);
  void read_diff(const lienthong::v1::StreamDiffRequest& request, std::string& cursor);
  std::optional<nlohmann::json> list_conflicts(const std::string& attempt_id);
  bool end_read(const std::string& op, const grpc::Status& status, nlohmann::json seen);

  Journal& journal_;
  std::unique_ptr<lienthong::v1::CatalogService::Stub> catalog_;
  std::unique_ptr<lienthong::v1::ExchangeService::Stub> stub_;
};

}  // namespace lt::history
