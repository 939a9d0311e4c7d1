// The publisher process.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/status.hpp"
#include "chaos/clients.hpp"
#include "chaos/content.hpp"
#include "chaos/journal.hpp"
#include "client/client.hpp"
#include "client/publisher.hpp"
#include "feature/receipt.hpp"
#include "lienthong/v1/exchange_service.grpc.pb.h"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"
#include "wire/change.hpp"
#include "wire/receipt.hpp"

namespace lt::chaos {
namespace {

namespace v1 = lienthong::v1;

constexpr std::chrono::milliseconds kRetryPause{100};
constexpr std::chrono::seconds kUnaryDeadline{30};
constexpr std::uint64_t kLongestPauseMs = 60;
/// One small changeset of so many goes by the unary call.
constexpr std::uint64_t kUnaryOneOf = 3;

absl::Status violation(std::string_view message) {
  return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION", message);
}

class PublisherProcess {
 public:
  PublisherProcess(const ClientOptions& options, Journal journal)
      : options_(options),
        author_{options.seed, options.publisher},
        journal_(std::move(journal)),
        random_(options.seed + static_cast<std::uint64_t>(getpid())) {}

  absl::Status run() {
    recall();
    if (acknowledged_) LT_RETURN_IF_ERROR(repeat());
    while (!stop_wanted() || pending_ > 0) {
      if (pending_ == 0) {
        pending_ = next_;
        LT_RETURN_IF_ERROR(journal_.write({{"intent", pending_}}));
      }
      LT_RETURN_IF_ERROR(publish_pending());
      std::this_thread::sleep_for(std::chrono::milliseconds(random_.below(kLongestPauseMs)));
    }
    return absl::OkStatus();
  }

 private:
  // Where the killed predecessor stood.
  void recall() {
    for (const auto& line : journal_.before()) {
      if (line.contains("intent")) pending_ = line["intent"];
      if (!line.contains("receipt")) continue;
      acknowledged_ = {line["number"].get<std::int64_t>(), line["receipt"].dump()};
      pending_ = 0;
    }
    next_ = std::max(pending_, acknowledged_ ? acknowledged_->first + 1 : 1);
  }

  // What was acknowledged has the same receipt for ever.
  absl::Status repeat() {
    const auto& [number, receipt] = *acknowledged_;
    LT_ASSIGN_OR_RETURN(const auto again, publish_until_answered(number));
    if (feature::receipt_to_json(again).dump() != receipt) {
      return violation(fmt::format("{} was acknowledged with {} and then with {}",
                                   changeset_id_of(author_.publisher, number), receipt,
                                   feature::receipt_to_json(again).dump()));
    }
    return journal_.write({{"repeat", number}});
  }

  absl::Status publish_pending() {
    LT_ASSIGN_OR_RETURN(const auto receipt, publish_until_answered(pending_));
    if (receipt.changeset_id != changeset_id_of(author_.publisher, pending_) || receipt.organisation != kOwner ||
        receipt.digest != feature::receipt_digest(receipt)) {
      return violation("a receipt that is not of this changeset, or whose digest is wrong: " +
                       feature::receipt_to_json(receipt).dump());
    }
    LT_RETURN_IF_ERROR(journal_.write({{"number", pending_}, {"receipt", feature::receipt_to_json(receipt)}}));
    next_ = pending_ + 1;
    pending_ = 0;
    return absl::OkStatus();
  }

  absl::StatusOr<feature::Receipt> publish_until_answered(std::int64_t number) {
    const ChangesetContent content = make_content(author_, number);
    while (true) {
      auto receipt = publish_once(content);
      if (receipt.ok()) return receipt;
      const absl::Status status = receipt.status();
      if (!may_retry(status)) {
        return violation(fmt::format("{} was refused: {} {}: {}", content.header.changeset_id,
                                     absl::StatusCodeToString(status.code()), error_reason(status),
                                     message_of(status)));
      }
      const std::string reason = error_reason(status);  // none when nobody answers
      LT_RETURN_IF_ERROR(journal_.write(
          {{"retry", number}, {"reason", reason.empty() ? absl::StatusCodeToString(status.code()) : reason}}));
      // A new connection: the old one would wait longer and longer before it tries to reach the exchange again.
      if (absl::IsUnavailable(status)) client_.reset();
      std::this_thread::sleep_for(kRetryPause);
    }
  }

  absl::StatusOr<feature::Receipt> publish_once(const ChangesetContent& content) {
    // The streaming client publishes one dataset at a time.
    if (content.shape == Shape::kBoth) return publish_unary(content);
    if (content.shape == Shape::kSmall && random_.below(kUnaryOneOf) == 0) return publish_unary(content);
    if (!client_) {
      LT_ASSIGN_OR_RETURN(
          auto client, client::Client::connect({.endpoint = options_.endpoint, .organisation = std::string(kOwner)}));
      client_ = std::move(client);
    }
    LT_ASSIGN_OR_RETURN(auto publisher, client::Publisher::open(*client_, content.header, dataset_schema()));
    for (const auto& change : content.changes.at(content.header.dataset)) {
      LT_RETURN_IF_ERROR(publisher.add_record(change.op, change.id, change.base_version, change.record));
    }
    return publisher.finish();
  }

  absl::StatusOr<feature::Receipt> publish_unary(const ChangesetContent& content) const {
    v1::PublishChangesetRequest request;
    wire::header_to_proto(content.header, request.mutable_header());
    for (const auto& [dataset, changes] : content.changes) {
      for (const auto& change : changes) {
        v1::Change* const made = request.add_changes();
        made->set_op(wire::operation_to_proto(change.op));
        made->mutable_feature()->set_id(change.id);
        if (dataset != content.header.dataset) made->set_dataset(dataset);
        if (change.base_version) made->set_base_version(*change.base_version);
        if (!change.record.empty()) made->mutable_feature()->set_record(change.record);
      }
    }
    grpc::ClientContext context;
    rpc::set_identity(context, std::string(kOwner));
    context.set_deadline(std::chrono::system_clock::now() + kUnaryDeadline);
    const auto stub = v1::ExchangeService::NewStub(rpc::make_channel(options_.endpoint));
    v1::PublishChangesetResponse response;
    LT_RETURN_IF_ERROR(rpc::from_grpc_status(stub->PublishChangeset(&context, request, &response)));
    return wire::receipt_from_proto(response.receipt());
  }

  const ClientOptions options_;
  const Author author_;
  Journal journal_;
  Random random_;  // pauses and ways of sending only: what is sent follows from the number
  std::optional<client::Client> client_;
  std::int64_t next_ = 1;
  std::int64_t pending_ = 0;                                            // 0: none
  std::optional<std::pair<std::int64_t, std::string>> acknowledged_{};  // the last one: number and receipt
};

}  // namespace

absl::Status run_publisher(const ClientOptions& options) {
  LT_ASSIGN_OR_RETURN(auto journal, Journal::open(publisher_journal(options.directory, options.publisher)));
  return PublisherProcess(options, std::move(journal)).run();
}

}  // namespace lt::chaos
