// The gRPC face of the exchange. The only file pair of this service that includes gRPC.
#pragma once

#include <memory>

#include "exchange/core.hpp"
#include "rpc/runtime.hpp"

namespace lt::rpc {
class Server;
}

namespace lt::exchange {

/// Implementations of CatalogService and ExchangeService; must outlive the server that they are added to.
class GrpcServices {
 public:
  /// Both must outlive the object.
  GrpcServices(rpc::Runtime& runtime, const Core& core);
  ~GrpcServices();
  void add_to(rpc::Server& server);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::exchange
