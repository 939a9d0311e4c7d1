#include "exchange/grpc_services.hpp"

#include <utility>

#include "base/status.hpp"
#include "exchange/administration.hpp"
#include "exchange/areas.hpp"
#include "exchange/attempts.hpp"
#include "exchange/cataloguing.hpp"
#include "exchange/history.hpp"
#include "exchange/publishing.hpp"
#include "exchange/quarantining.hpp"
#include "exchange/reading.hpp"
#include "exchange/watching.hpp"
#include "lienthong/v1/admin_service.grpc.pb.h"
#include "lienthong/v1/catalog_service.grpc.pb.h"
#include "lienthong/v1/exchange_service.grpc.pb.h"
#include "rpc/reactor.hpp"
#include "rpc/server.hpp"
#include "wire/finding.hpp"
#include "wire/receipt.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;
using Context = grpc::CallbackServerContext;
using Bytes = grpc::ByteBuffer;
using UnaryReactor = grpc::ServerUnaryReactor;
using WriteReactor = grpc::ServerWriteReactor<Bytes>;
using ReadReactor = grpc::ServerReadReactor<Bytes>;
using BidiReactor = grpc::ServerBidiReactor<Bytes, Bytes>;

// The generated services with every method taking and giving bytes, as rpc/reactor.hpp wants them.
using CatalogOfBytes = v1::CatalogService::WithRawCallbackMethod_CreateOrganisation<
    v1::CatalogService::WithRawCallbackMethod_ListOrganisations<v1::CatalogService::WithRawCallbackMethod_CreateDataset<
        v1::CatalogService::WithRawCallbackMethod_GetDataset<v1::CatalogService::WithRawCallbackMethod_ListDatasets<
            v1::CatalogService::WithRawCallbackMethod_GetSchema<v1::CatalogService::WithRawCallbackMethod_ImportAreas<
                v1::CatalogService::WithRawCallbackMethod_GetArea<v1::CatalogService::WithRawCallbackMethod_ListAreas<
                    v1::CatalogService::WithRawCallbackMethod_ListAreaLists<v1::CatalogService::Service>>>>>>>>>>;

// ImportAreas as a collector of the call.
class AreaCollector final : public rpc::Collector<v1::ImportAreasRequest, v1::ImportAreasResponse> {
 public:
  explicit AreaCollector(AreaImporting importing) : importing_(std::move(importing)) {}
  absl::Status on_message(v1::ImportAreasRequest&& message) override { return importing_.add(message); }
  absl::Status on_half_close(v1::ImportAreasResponse& response) override { return importing_.finish(response); }

 private:
  AreaImporting importing_;
};

class CatalogCalls final : public CatalogOfBytes {
 public:
  CatalogCalls(rpc::Runtime& runtime, const Core& core) : runtime_(runtime), core_(core) {}

  UnaryReactor* CreateOrganisation(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::CreateOrganisationRequest, v1::CreateOrganisationResponse>(
        runtime_, context, "lienthong.v1.CatalogService/CreateOrganisation", request, response,
        [this](auto& call, const auto& q, auto& a) { return create_organisation(core_, call.identity(), q, a); });
  }
  UnaryReactor* ListOrganisations(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListOrganisationsRequest, v1::ListOrganisationsResponse>(
        runtime_, context, "lienthong.v1.CatalogService/ListOrganisations", request, response,
        [this](auto&, const auto& q, auto& a) { return list_organisations(core_, q, a); });
  }
  UnaryReactor* CreateDataset(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::CreateDatasetRequest, v1::CreateDatasetResponse>(
        runtime_, context, "lienthong.v1.CatalogService/CreateDataset", request, response,
        [this](auto& call, const auto& q, auto& a) { return create_dataset(core_, call.identity(), q, a); });
  }
  UnaryReactor* GetDataset(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::GetDatasetRequest, v1::GetDatasetResponse>(
        runtime_, context, "lienthong.v1.CatalogService/GetDataset", request, response,
        [this](auto&, const auto& q, auto& a) { return get_dataset(core_, q, a); });
  }
  UnaryReactor* ListDatasets(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListDatasetsRequest, v1::ListDatasetsResponse>(
        runtime_, context, "lienthong.v1.CatalogService/ListDatasets", request, response,
        [this](auto&, const auto& q, auto& a) { return list_datasets(core_, q, a); });
  }
  UnaryReactor* GetSchema(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::GetSchemaRequest, v1::GetSchemaResponse>(
        runtime_, context, "lienthong.v1.CatalogService/GetSchema", request, response,
        [this](auto&, const auto& q, auto& a) { return get_schema(core_, q, a); });
  }
  ReadReactor* ImportAreas(Context* context, Bytes* response) override {
    return rpc::client_stream<v1::ImportAreasRequest, v1::ImportAreasResponse>(
        runtime_, context, "lienthong.v1.CatalogService/ImportAreas", response,
        [this](rpc::CallContext& call)
            -> absl::StatusOr<std::unique_ptr<rpc::Collector<v1::ImportAreasRequest, v1::ImportAreasResponse>>> {
          LT_ASSIGN_OR_RETURN(auto importing, AreaImporting::begin(core_, call.identity()));
          return std::make_unique<AreaCollector>(std::move(importing));
        });
  }
  UnaryReactor* GetArea(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::GetAreaRequest, v1::GetAreaResponse>(
        runtime_, context, "lienthong.v1.CatalogService/GetArea", request, response,
        [this](auto&, const auto& q, auto& a) { return get_area(core_, q, a); });
  }
  UnaryReactor* ListAreas(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListAreasRequest, v1::ListAreasResponse>(
        runtime_, context, "lienthong.v1.CatalogService/ListAreas", request, response,
        [this](auto&, const auto& q, auto& a) { return list_areas(core_, q, a); });
  }
  UnaryReactor* ListAreaLists(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListAreaListsRequest, v1::ListAreaListsResponse>(
        runtime_, context, "lienthong.v1.CatalogService/ListAreaLists", request, response,
        [this](auto&, const auto& q, auto& a) { return list_area_lists(core_, q, a); });
  }

 private:
  rpc::Runtime& runtime_;
  const Core& core_;
};

// Publish as a session of the call: messages in, progress and one receipt out.
class PublishSession final : public rpc::Session<v1::PublishRequest, v1::PublishResponse> {
 public:
  /// @param turn kept while the call goes on. @param pieces grows with a feature that comes in pieces.
  PublishSession(const Core& core, rpc::CallerIdentity caller, rpc::Quota::Share turn, rpc::Quota::Share pieces)
      : publishing_(core, std::move(caller)), turn_(std::move(turn)), pieces_(std::move(pieces)) {}

  absl::Status on_message(v1::PublishRequest&& message, rpc::Replies<v1::PublishResponse>& replies) override {
    if (receipt_sent_) return absl::OkStatus();  // the answer is known: what still comes is not needed
    switch (message.part_case()) {
      case v1::PublishRequest::kHeader: {
        LT_ASSIGN_OR_RETURN(const auto early, publishing_.begin(message.header()));
        if (early) send_receipt(*early, replies);
        break;
      }
      case v1::PublishRequest::kBatch: LT_RETURN_IF_ERROR(publishing_.add_batch(message.batch())); break;
      case v1::PublishRequest::kFeaturePart: LT_RETURN_IF_ERROR(add_part(message.feature_part())); break;
      case v1::PublishRequest::kEnd: return publishing_.end(message.end());
      default:
        return make_error(absl::StatusCode::kInvalidArgument, "PART_MISSING",
                          "a PublishRequest holds a header, a batch, a feature_part or the end");
    }
    if (!receipt_sent_) send_news(message.has_header(), replies);
    return absl::OkStatus();
  }

  absl::Status on_half_close(rpc::Replies<v1::PublishResponse>& replies) override {
    if (receipt_sent_) return absl::OkStatus();
    auto receipt = publishing_.finish();
    send_findings(replies);
    if (!receipt.ok()) return receipt.status();
    send_receipt(*receipt, replies);
    return absl::OkStatus();
  }

  void on_cancel() override {
    if (!receipt_sent_) publishing_.break_off();
  }

 private:
  void send_findings(rpc::Replies<v1::PublishResponse>& replies) {
    const auto findings = publishing_.take_findings();
    if (findings.empty()) return;
    v1::PublishResponse response;
    for (const auto& [dataset, sequence, finding] : findings) {
      wire::finding_to_proto(finding, dataset, sequence, response.mutable_findings()->add_findings());
    }
    replies.send(std::move(response));
  }

  /// Progress, always after the header: it names the attempt; and the findings that are new.
  void send_news(bool must_arrive, rpc::Replies<v1::PublishResponse>& replies) {
    send_findings(replies);
    v1::PublishResponse response;
    *response.mutable_progress() = publishing_.progress();
    if (must_arrive) {
      replies.send(std::move(response));
    } else {
      replies.try_send(std::move(response));
    }
  }

  absl::Status add_part(const v1::FeaturePart& part) {
    const auto size = static_cast<std::int64_t>(part.bytes().size());
    LT_RETURN_IF_ERROR(pieces_.grow(part.bytes().size()));
    LT_RETURN_IF_ERROR(publishing_.add_part(part));
    if (part.offset() + size >= part.total()) pieces_.release();
    return absl::OkStatus();
  }

  void send_receipt(const feature::Receipt& receipt, rpc::Replies<v1::PublishResponse>& replies) {
    v1::PublishResponse response;
    wire::receipt_to_proto(receipt, response.mutable_receipt());
    replies.send(std::move(response));
    receipt_sent_ = true;
  }

  Publishing publishing_;
  rpc::Quota::Share turn_;
  rpc::Quota::Share pieces_;
  bool receipt_sent_ = false;
};

template <typename Response>
class StreamProducer final : public rpc::Producer<Response> {
 public:
  explicit StreamProducer(std::unique_ptr<MessageStream<Response>> stream) : stream_(std::move(stream)) {}
  absl::StatusOr<rpc::Produced> next(Response& out) override {
    LT_ASSIGN_OR_RETURN(const bool more, stream_->next(out));
    return rpc::Produced(more);
  }

 private:
  std::unique_ptr<MessageStream<Response>> stream_;
};

// Opens `open(core, request)` on the executor.
template <typename Request, typename Response, typename Open>
WriteReactor* serve_stream(rpc::Runtime& runtime, Context* context, const char* method, const Core& core,
                           const Bytes* request, Open open) {
  return rpc::server_stream<Request, Response>(
      runtime, context, method, request,
      [&core, open](rpc::CallContext& call,
                    const Request& asked) -> absl::StatusOr<std::unique_ptr<rpc::Producer<Response>>> {
        LT_ASSIGN_OR_RETURN(auto stream, open(core, asked));
        LT_ASSIGN_OR_RETURN(stream->pieces, core.pieces->take(call.identity().organisation, 0));
        return std::make_unique<StreamProducer<Response>>(std::move(stream));
      });
}

using ExchangeOfBytes =
    v1::ExchangeService::WithRawCallbackMethod_Publish<v1::ExchangeService::WithRawCallbackMethod_PublishChangeset<
        v1::ExchangeService::WithRawCallbackMethod_StreamDiff<v1::ExchangeService::WithRawCallbackMethod_StreamChanges<
            v1::ExchangeService::WithRawCallbackMethod_StreamSnapshot<
                v1::ExchangeService::WithRawCallbackMethod_GetFeature<
                    v1::ExchangeService::WithRawCallbackMethod_ListChangesets<
                        v1::ExchangeService::WithRawCallbackMethod_GetChangeset<
                            v1::ExchangeService::WithRawCallbackMethod_ListFeatureHistory<
                                v1::ExchangeService::WithRawCallbackMethod_RevertChangeset<
                                    v1::ExchangeService::WithRawCallbackMethod_GetAttempt<
                                        v1::ExchangeService::WithRawCallbackMethod_ListAttempts<
                                            v1::ExchangeService::WithRawCallbackMethod_ListFindings<
                                                v1::ExchangeService::WithRawCallbackMethod_ListConflicts<
                                                    v1::ExchangeService::WithRawCallbackMethod_ListQuarantine<
                                                        v1::ExchangeService::WithRawCallbackMethod_ReleaseQuarantine<
                                                            v1::ExchangeService::
                                                                WithRawCallbackMethod_DiscardQuarantine<
                                                                    v1::ExchangeService::
                                                                        WithRawCallbackMethod_WatchHeads<
                                                                            v1::ExchangeService::
                                                                                Service>>>>>>>>>>>>>>>>>>;

class ExchangeCalls final : public ExchangeOfBytes {
 public:
  ExchangeCalls(rpc::Runtime& runtime, const Core& core) : runtime_(runtime), core_(core) {}

  BidiReactor* Publish(Context* context) override {
    return rpc::server_bidi<v1::PublishRequest, v1::PublishResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/Publish",
        [this](rpc::CallContext& call)
            -> absl::StatusOr<std::unique_ptr<rpc::Session<v1::PublishRequest, v1::PublishResponse>>> {
          const std::string& organisation = call.identity().organisation;
          LT_ASSIGN_OR_RETURN(auto turn, core_.publishes->take(organisation, 1));
          LT_ASSIGN_OR_RETURN(auto pieces, core_.pieces->take(organisation, 0));
          return std::make_unique<PublishSession>(core_, call.identity(), std::move(turn), std::move(pieces));
        });
  }
  UnaryReactor* PublishChangeset(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::PublishChangesetRequest, v1::PublishChangesetResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/PublishChangeset", request, response,
        [this](auto& call, const auto& q, auto& a) -> absl::Status {
          LT_ASSIGN_OR_RETURN(const auto receipt, publish_changeset(core_, call.identity(), q));
          wire::receipt_to_proto(receipt, a.mutable_receipt());
          return absl::OkStatus();
        });
  }
  WriteReactor* StreamDiff(Context* context, const Bytes* request) override {
    return serve_stream<v1::StreamDiffRequest, v1::StreamDiffResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/StreamDiff", core_, request, stream_diff);
  }
  WriteReactor* StreamChanges(Context* context, const Bytes* request) override {
    return serve_stream<v1::StreamChangesRequest, v1::StreamChangesResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/StreamChanges", core_, request, stream_changes);
  }
  WriteReactor* StreamSnapshot(Context* context, const Bytes* request) override {
    return serve_stream<v1::StreamSnapshotRequest, v1::StreamSnapshotResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/StreamSnapshot", core_, request, stream_snapshot);
  }
  UnaryReactor* GetFeature(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::GetFeatureRequest, v1::GetFeatureResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/GetFeature", request, response,
        [this](auto&, const auto& q, auto& a) { return get_feature(core_, q, a); });
  }
  UnaryReactor* ListChangesets(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListChangesetsRequest, v1::ListChangesetsResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/ListChangesets", request, response,
        [this](auto&, const auto& q, auto& a) { return list_changesets(core_, q, a); });
  }
  UnaryReactor* GetChangeset(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::GetChangesetRequest, v1::GetChangesetResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/GetChangeset", request, response,
        [this](auto& call, const auto& q, auto& a) { return get_changeset(core_, call.identity(), q, a); });
  }
  UnaryReactor* ListFeatureHistory(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListFeatureHistoryRequest, v1::ListFeatureHistoryResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/ListFeatureHistory", request, response,
        [this](auto&, const auto& q, auto& a) { return list_feature_history(core_, q, a); });
  }
  UnaryReactor* RevertChangeset(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::RevertChangesetRequest, v1::RevertChangesetResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/RevertChangeset", request, response,
        [this](auto& call, const auto& q, auto& a) { return revert_changeset(core_, call.identity(), q, a); });
  }
  UnaryReactor* GetAttempt(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::GetAttemptRequest, v1::GetAttemptResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/GetAttempt", request, response,
        [this](auto& call, const auto& q, auto& a) { return get_attempt(core_, call.identity(), q, a); });
  }
  UnaryReactor* ListAttempts(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListAttemptsRequest, v1::ListAttemptsResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/ListAttempts", request, response,
        [this](auto& call, const auto& q, auto& a) { return list_attempts(core_, call.identity(), q, a); });
  }
  UnaryReactor* ListFindings(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListFindingsRequest, v1::ListFindingsResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/ListFindings", request, response,
        [this](auto& call, const auto& q, auto& a) { return list_findings(core_, call.identity(), q, a); });
  }
  UnaryReactor* ListConflicts(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListConflictsRequest, v1::ListConflictsResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/ListConflicts", request, response,
        [this](auto& call, const auto& q, auto& a) { return list_conflicts(core_, call.identity(), q, a); });
  }
  UnaryReactor* ListQuarantine(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ListQuarantineRequest, v1::ListQuarantineResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/ListQuarantine", request, response,
        [this](auto& call, const auto& q, auto& a) { return list_quarantine(core_, call.identity(), q, a); });
  }
  UnaryReactor* ReleaseQuarantine(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::ReleaseQuarantineRequest, v1::ReleaseQuarantineResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/ReleaseQuarantine", request, response,
        [this](auto& call, const auto& q, auto& a) { return release_quarantine(core_, call.identity(), q, a); });
  }
  UnaryReactor* DiscardQuarantine(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::DiscardQuarantineRequest, v1::DiscardQuarantineResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/DiscardQuarantine", request, response,
        [this](auto& call, const auto& q, auto& a) { return discard_quarantine(core_, call.identity(), q, a); });
  }
  WriteReactor* WatchHeads(Context* context, const Bytes* request) override {
    return rpc::server_stream<v1::WatchHeadsRequest, v1::WatchHeadsResponse>(
        runtime_, context, "lienthong.v1.ExchangeService/WatchHeads", request,
        [this](rpc::CallContext& call, const auto& asked) { return watch_heads(core_, call, asked); });
  }

 private:
  rpc::Runtime& runtime_;
  const Core& core_;
};

using AdminOfBytes = v1::AdminService::WithRawCallbackMethod_CompactHistory<v1::AdminService::Service>;

class AdminCalls final : public AdminOfBytes {
 public:
  AdminCalls(rpc::Runtime& runtime, const Core& core) : runtime_(runtime), core_(core) {}

  UnaryReactor* CompactHistory(Context* context, const Bytes* request, Bytes* response) override {
    return rpc::unary<v1::CompactHistoryRequest, v1::CompactHistoryResponse>(
        runtime_, context, "lienthong.v1.AdminService/CompactHistory", request, response,
        [this](auto& call, const auto& q, auto& a) { return compact_history(core_, call.identity(), q, a); });
  }

 private:
  rpc::Runtime& runtime_;
  const Core& core_;
};

}  // namespace

struct GrpcServices::Impl {
  Impl(rpc::Runtime& runtime, const Core& core)
      : catalog(runtime, core), exchange(runtime, core), admin(runtime, core) {}
  CatalogCalls catalog;
  ExchangeCalls exchange;
  AdminCalls admin;
};

GrpcServices::GrpcServices(rpc::Runtime& runtime, const Core& core) : impl_(new Impl(runtime, core)) {}
GrpcServices::~GrpcServices() = default;

void GrpcServices::add_to(rpc::Server& server) {
  server.add<v1::CatalogService>(impl_->catalog);
  server.add<v1::ExchangeService>(impl_->exchange);
  server.add<v1::AdminService>(impl_->admin);
}

}  // namespace lt::exchange
