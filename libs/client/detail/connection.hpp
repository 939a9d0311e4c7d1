// The channel and stubs behind a Client.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/client.hpp"
#include "lienthong/v1/catalog_service.grpc.pb.h"
#include "lienthong/v1/exchange_service.grpc.pb.h"

namespace lt::client {

/// Immutable; shared by clients, readers and publishers.
class Connection {
 public:
  explicit Connection(Options options);

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] lienthong::v1::CatalogService::Stub& catalog() const { return *catalog_; }
  [[nodiscard]] lienthong::v1::ExchangeService::Stub& exchange() const { return *exchange_; }

  /// True once there is a connection; false when there is none after `wait`.
  [[nodiscard]] bool wait_until_connected(std::chrono::milliseconds wait) const;

  /// Names the caller; for a stream.
  void prepare(grpc::ClientContext& context) const;
  /// The same with the deadline of a unary call.
  void prepare_unary(grpc::ClientContext& context) const;

  /// The error as the server made it. Errors of gRPC itself get a reason: EXCHANGE_UNREACHABLE (UNAVAILABLE),
  /// CALL_DEADLINE (DEADLINE_EXCEEDED).
  [[nodiscard]] absl::Status status_of(const grpc::Status& status) const;

  /// Calls `(stub.*method)` and gives its response.
  template <typename Response, typename Stub, typename Request, typename Method>
  [[nodiscard]] absl::StatusOr<Response> call(Stub& stub, Method method, const Request& request) const {
    grpc::ClientContext context;
    prepare_unary(context);
    return finish_call<Response>(context, stub, method, request);
  }
  /// The same for what may take as long as it takes.
  template <typename Response, typename Stub, typename Request, typename Method>
  [[nodiscard]] absl::StatusOr<Response> call_without_deadline(Stub& stub, Method method,
                                                               const Request& request) const {
    grpc::ClientContext context;
    prepare(context);
    return finish_call<Response>(context, stub, method, request);
  }

 private:
  template <typename Response, typename Stub, typename Request, typename Method>
  [[nodiscard]] absl::StatusOr<Response> finish_call(grpc::ClientContext& context, Stub& stub, Method method,
                                                     const Request& request) const {
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return status_of(status);
    return response;
  }

  Options options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<lienthong::v1::CatalogService::Stub> catalog_;
  std::unique_ptr<lienthong::v1::ExchangeService::Stub> exchange_;
};

}  // namespace lt::client
