#include "client/detail/connection.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"

namespace lt::client {

namespace v1 = lienthong::v1;

Connection::Connection(Options options) : options_(std::move(options)), channel_(rpc::make_channel(options_.endpoint)) {
  catalog_ = v1::CatalogService::NewStub(channel_);
  exchange_ = v1::ExchangeService::NewStub(channel_);
}

bool Connection::wait_until_connected(std::chrono::milliseconds wait) const {
  return channel_->WaitForConnected(std::chrono::system_clock::now() + wait);
}

void Connection::prepare(grpc::ClientContext& context) const { rpc::set_identity(context, options_.organisation); }

void Connection::prepare_unary(grpc::ClientContext& context) const {
  prepare(context);
  context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
}

absl::Status Connection::status_of(const grpc::Status& status) const {
  const absl::Status error = rpc::from_grpc_status(status);
  if (error.ok() || !error_reason(error).empty()) return error;
  if (error.code() == absl::StatusCode::kUnavailable) {
    return make_error(error.code(), "EXCHANGE_UNREACHABLE",
                      fmt::format("the exchange at {} cannot be reached or went away ({}); check that it runs and that "
                                  "the endpoint is right, then try again",
                                  options_.endpoint, message_of(error)),
                      {{"endpoint", options_.endpoint}});
  }
  if (error.code() == absl::StatusCode::kDeadlineExceeded) {
    return make_error(error.code(), "CALL_DEADLINE",
                      fmt::format("no answer from {} within {} s; try again, or allow more time", options_.endpoint,
                                  options_.timeout.count()));
  }
  return error;
}

}  // namespace lt::client
