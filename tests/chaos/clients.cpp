#include "chaos/clients.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include "base/status.hpp"
#include "chaos/content.hpp"
#include "chaos/journal.hpp"
#include "lienthong/v1/admin_service.grpc.pb.h"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"
#include "wire/catalog.hpp"

namespace lt::chaos {
namespace {

constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::seconds kAnswerLimit{60};

/// The other one keeps its whole history, which the checker then compares change by change.
std::string compacted_dataset() { return dataset_name(kDatasets - 1); }

volatile std::sig_atomic_t stopping = 0;  // set by a signal handler: no other kind of variable may be

}  // namespace

std::string publisher_journal(const std::string& directory, int publisher) {
  return fmt::format("{}/publisher-{}.jsonl", directory, publisher);
}
std::string reader_journal(const std::string& directory) { return directory + "/reader.jsonl"; }
std::string reader_copy(const std::string& directory, int dataset) {
  return fmt::format("{}/copy-{}.json", directory, dataset);
}

std::string compaction_journal(const std::string& directory) { return directory + "/compaction.jsonl"; }

bool may_retry(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsAborted(status) || absl::IsDeadlineExceeded(status) ||
         error_reason(status) == "POOL_EXHAUSTED" || error_reason(status) == "SERVER_BUSY" ||
         error_reason(status) == "ORGANISATION_BUSY" || error_reason(status) == "RECEIPT_MISSING";
}

void stop_on_sigterm() {
  struct sigaction action {};
  action.sa_handler = [](int) { stopping = 1; };
  sigaction(SIGTERM, &action, nullptr);
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_UNBLOCK, &term, nullptr);  // the driver starts its children with it blocked
}

bool stop_wanted() { return stopping != 0; }

absl::StatusOr<client::Client> connect_when_ready(const std::string& endpoint, std::string_view organisation) {
  const auto end = std::chrono::steady_clock::now() + kAnswerLimit;
  while (true) {
    // A new connection each time: an old one would wait longer and longer before it tries again.
    LT_ASSIGN_OR_RETURN(auto client,
                        client::Client::connect({.endpoint = endpoint, .organisation = std::string(organisation)}));
    absl::Status status = client.list_organisations().status();
    if (status.ok()) return client;
    if (!may_retry(status) || std::chrono::steady_clock::now() > end) return status;
    std::this_thread::sleep_for(kPause);
  }
}

absl::Status set_up(const ClientOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect_when_ready(options.endpoint, "operator"));
  const auto organisation = client.create_organisation(std::string(kOwner), "publishes while everything is killed");
  if (error_reason(organisation.status()) != "ORGANISATION_EXISTS") LT_RETURN_IF_ERROR(organisation.status());
  for (int i = 0; i < kDatasets; ++i) {
    lienthong::v1::Dataset dataset;
    dataset.set_name(dataset_name(i));
    dataset.set_owner(std::string(kOwner));
    wire::schema_to_proto(dataset_schema(), dataset.mutable_schema());
    const auto created = client.create_dataset(dataset);
    if (error_reason(created.status()) != "DATASET_EXISTS") LT_RETURN_IF_ERROR(created.status());
  }
  return absl::OkStatus();
}

absl::Status run_compaction(const ClientOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect_when_ready(options.endpoint, kOwner));
  LT_ASSIGN_OR_RETURN(const auto dataset, client.get_dataset(compacted_dataset()));
  const auto stub = lienthong::v1::AdminService::NewStub(rpc::make_channel(options.endpoint));
  lienthong::v1::CompactHistoryRequest request;
  request.set_dataset(compacted_dataset());
  const std::int64_t last = dataset.head() - options.keep_versions;
  if (dataset.horizon() >= last) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const auto journal, Journal::open(compaction_journal(options.directory)));
  LT_RETURN_IF_ERROR(journal.write({{"horizon", dataset.horizon()}}));
  // Version by version, so that a kill most likely comes in the middle of one.
  for (std::int64_t horizon = dataset.horizon() + 1; horizon <= last; ++horizon) {
    request.set_horizon(horizon);
    grpc::ClientContext context;
    rpc::set_identity(context, "operator");
    lienthong::v1::CompactHistoryResponse response;
    absl::Status status = rpc::from_grpc_status(stub->CompactHistory(&context, request, &response));
    if (may_retry(status)) return status;
    if (status.ok() && response.horizon() >= horizon) continue;
    return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION",
                      fmt::format("compacting to {}: horizon {}, {} {}: {}", horizon, response.horizon(),
                                  absl::StatusCodeToString(status.code()), error_reason(status), message_of(status)));
  }
  return absl::OkStatus();
}

}  // namespace lt::chaos
