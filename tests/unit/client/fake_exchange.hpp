// An exchange that does what a test says, on a port of its own.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <catch2/catch.hpp>

#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/v1/catalog_service.grpc.pb.h"
#include "lienthong/v1/exchange_service.grpc.pb.h"
#include "rpc/errors.hpp"

namespace lt::client_test {

namespace v1 = lienthong::v1;

using PublishStream = grpc::ServerReaderWriter<v1::PublishResponse, v1::PublishRequest>;

/// The unset functions answer UNIMPLEMENTED. Handlers return our Status.
struct Behaviour {
  std::function<absl::Status(grpc::ServerContext&, PublishStream&)> publish;
  std::function<absl::Status(const v1::PublishChangesetRequest&, v1::PublishChangesetResponse*)> publish_changeset;
  std::function<absl::Status(const v1::StreamDiffRequest&, grpc::ServerContext&,
                             grpc::ServerWriter<v1::StreamDiffResponse>&)>
      diff;
  std::function<absl::Status(const v1::StreamChangesRequest&, grpc::ServerWriter<v1::StreamChangesResponse>&)> changes;
  std::function<absl::Status(const v1::StreamSnapshotRequest&, grpc::ServerWriter<v1::StreamSnapshotResponse>&)>
      snapshot;
  std::function<absl::Status(const v1::ListChangesetsRequest&, v1::ListChangesetsResponse*)> list_changesets;
  std::function<absl::Status(const v1::ListDatasetsRequest&, v1::ListDatasetsResponse*)> list_datasets;
  std::function<absl::Status(grpc::ServerContext&, const v1::GetDatasetRequest&, v1::GetDatasetResponse*)> get_dataset;
};

class FakeExchange : private v1::ExchangeService::Service {
 public:
  explicit FakeExchange(Behaviour behaviour) : behaviour_(std::move(behaviour)), catalog_(behaviour_) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::ExchangeService::Service*>(this));
    builder.RegisterService(&catalog_);
    server_ = builder.BuildAndStart();
    REQUIRE(server_ != nullptr);
  }
  FakeExchange(const FakeExchange&) = delete;
  FakeExchange& operator=(const FakeExchange&) = delete;
  ~FakeExchange() override { stop(); }

  void stop() {
    server_->Shutdown(std::chrono::system_clock::now());
    server_->Wait();
  }

  [[nodiscard]] client::Client client(std::chrono::seconds timeout = std::chrono::seconds(30)) const {
    client::Options options;
    options.timeout = timeout;
    return client(std::move(options));
  }
  [[nodiscard]] client::Client client(client::Options options) const {
    options.endpoint = "127.0.0.1:" + std::to_string(port_);
    options.organisation = "transport";
    auto made = client::Client::connect(options);
    REQUIRE(made.ok());
    return *std::move(made);
  }

 private:
  static grpc::Status unset() { return {grpc::StatusCode::UNIMPLEMENTED, "not part of this test"}; }

  grpc::Status Publish(grpc::ServerContext* context, PublishStream* stream) override {
    if (!behaviour_.publish) return unset();
    return rpc::to_grpc_status(behaviour_.publish(*context, *stream));
  }
  grpc::Status PublishChangeset(grpc::ServerContext*, const v1::PublishChangesetRequest* request,
                                v1::PublishChangesetResponse* response) override {
    if (!behaviour_.publish_changeset) return unset();
    return rpc::to_grpc_status(behaviour_.publish_changeset(*request, response));
  }
  grpc::Status StreamDiff(grpc::ServerContext* context, const v1::StreamDiffRequest* request,
                          grpc::ServerWriter<v1::StreamDiffResponse>* writer) override {
    if (!behaviour_.diff) return unset();
    return rpc::to_grpc_status(behaviour_.diff(*request, *context, *writer));
  }
  grpc::Status StreamChanges(grpc::ServerContext*, const v1::StreamChangesRequest* request,
                             grpc::ServerWriter<v1::StreamChangesResponse>* writer) override {
    if (!behaviour_.changes) return unset();
    return rpc::to_grpc_status(behaviour_.changes(*request, *writer));
  }
  grpc::Status StreamSnapshot(grpc::ServerContext*, const v1::StreamSnapshotRequest* request,
                              grpc::ServerWriter<v1::StreamSnapshotResponse>* writer) override {
    if (!behaviour_.snapshot) return unset();
    return rpc::to_grpc_status(behaviour_.snapshot(*request, *writer));
  }
  grpc::Status ListChangesets(grpc::ServerContext*, const v1::ListChangesetsRequest* request,
                              v1::ListChangesetsResponse* response) override {
    if (!behaviour_.list_changesets) return unset();
    return rpc::to_grpc_status(behaviour_.list_changesets(*request, response));
  }

  class Catalog : public v1::CatalogService::Service {
   public:
    explicit Catalog(const Behaviour& behaviour) : behaviour_(behaviour) {}
    grpc::Status ListDatasets(grpc::ServerContext*, const v1::ListDatasetsRequest* request,
                              v1::ListDatasetsResponse* response) override {
      if (!behaviour_.list_datasets) return unset();
      return rpc::to_grpc_status(behaviour_.list_datasets(*request, response));
    }
    grpc::Status GetDataset(grpc::ServerContext* context, const v1::GetDatasetRequest* request,
                            v1::GetDatasetResponse* response) override {
      if (!behaviour_.get_dataset) return unset();
      return rpc::to_grpc_status(behaviour_.get_dataset(*context, *request, response));
    }

   private:
    const Behaviour& behaviour_;
  };

  Behaviour behaviour_;
  Catalog catalog_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

/// Something that happens in a handler and that the test waits for.
class Event {
 public:
  void happened() {
    const std::lock_guard lock(mutex_);
    happened_ = true;
    changed_.notify_all();
  }
  /// False when it does not happen within a minute.
  [[nodiscard]] bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1), [&] { return happened_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool happened_ = false;
};

inline std::string metadata_of(const absl::Status& status, const std::string& key) {
  const auto detail = error_detail(status);
  if (!detail) return "(no detail)";
  const auto found = detail->metadata.find(key);
  return found == detail->metadata.end() ? "(absent)" : found->second;
}

}  // namespace lt::client_test
