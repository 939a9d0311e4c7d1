#include "client/client.hpp"

#include <utility>

#include "base/status.hpp"
#include "client/detail/connection.hpp"

namespace lt::client {
namespace {

namespace v1 = lienthong::v1;
using Catalog = v1::CatalogService::Stub;
using Exchange = v1::ExchangeService::Stub;

// Fewer round trips than the server's default.
constexpr std::int32_t kPageSize = 1000;
// What a server takes in one message.
constexpr std::size_t kMaxMessageBytes = std::size_t{4} << 20;

/// Calls `fetch(request)` page by page and `visit(response)` for each until it returns false.
template <typename Request, typename Fetch, typename Visit>
absl::Status for_each_page(Request request, const Fetch& fetch, const Visit& visit) {
  request.set_page_size(kPageSize);
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto response, fetch(request));
    if (!visit(response) || response.next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(response.next_page_token());
  }
}

/// The same for items: `items(response)` are those of a page.
template <typename Request, typename Fetch, typename Items, typename Visit>
absl::Status for_each_item(Request request, const Fetch& fetch, const Items& items, const Visit& visit) {
  return for_each_page(std::move(request), fetch, [&](const auto& page) {
    for (const auto& item : items(page)) {
      if (!visit(item)) return false;
    }
    return true;
  });
}

}  // namespace

Client::Client(std::shared_ptr<const Connection> connection) : connection_(std::move(connection)) {}

absl::StatusOr<Client> Client::connect(Options options) {
  if (options.endpoint.empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "ENDPOINT_MISSING",
                      "no endpoint is given; name the exchange as HOST:PORT, for example 127.0.0.1:7460");
  }
  if (options.organisation.empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "ORGANISATION_MISSING",
                      "no organisation is given; name the one that calls, for example \"transport\"");
  }
  return Client(std::make_shared<const Connection>(std::move(options)));
}

absl::StatusOr<v1::Organisation> Client::create_organisation(const std::string& name, const std::string& title) const {
  v1::CreateOrganisationRequest request;
  request.mutable_organisation()->set_name(name);
  request.mutable_organisation()->set_title(title);
  LT_ASSIGN_OR_RETURN(auto response, connection_->call<v1::CreateOrganisationResponse>(
                                         connection_->catalog(), &Catalog::CreateOrganisation, request));
  return std::move(*response.mutable_organisation());
}

absl::StatusOr<std::vector<v1::Organisation>> Client::list_organisations() const {
  std::vector<v1::Organisation> all;
  const auto fetch = [&](const v1::ListOrganisationsRequest& request) {
    return connection_->call<v1::ListOrganisationsResponse>(connection_->catalog(), &Catalog::ListOrganisations,
                                                            request);
  };
  LT_RETURN_IF_ERROR(for_each_page(v1::ListOrganisationsRequest(), fetch, [&](const auto& page) {
    all.insert(all.end(), page.organisations().begin(), page.organisations().end());
    return true;
  }));
  return all;
}

absl::StatusOr<v1::Dataset> Client::create_dataset(const v1::Dataset& dataset) const {
  v1::CreateDatasetRequest request;
  *request.mutable_dataset() = dataset;
  LT_ASSIGN_OR_RETURN(auto response, connection_->call<v1::CreateDatasetResponse>(connection_->catalog(),
                                                                                  &Catalog::CreateDataset, request));
  return std::move(*response.mutable_dataset());
}

absl::StatusOr<v1::Dataset> Client::get_dataset(const std::string& name) const {
  v1::GetDatasetRequest request;
  request.set_name(name);
  LT_ASSIGN_OR_RETURN(auto response,
                      connection_->call<v1::GetDatasetResponse>(connection_->catalog(), &Catalog::GetDataset, request));
  return std::move(*response.mutable_dataset());
}

absl::StatusOr<std::vector<v1::Dataset>> Client::list_datasets() const {
  std::vector<v1::Dataset> all;
  const auto fetch = [&](const v1::ListDatasetsRequest& request) {
    return connection_->call<v1::ListDatasetsResponse>(connection_->catalog(), &Catalog::ListDatasets, request);
  };
  LT_RETURN_IF_ERROR(for_each_page(v1::ListDatasetsRequest(), fetch, [&](const auto& page) {
    all.insert(all.end(), page.datasets().begin(), page.datasets().end());
    return true;
  }));
  return all;
}

absl::StatusOr<v1::Schema> Client::get_schema(const std::string& dataset, std::int32_t revision) const {
  v1::GetSchemaRequest request;
  request.set_dataset(dataset);
  request.set_revision(revision);
  LT_ASSIGN_OR_RETURN(auto response,
                      connection_->call<v1::GetSchemaResponse>(connection_->catalog(), &Catalog::GetSchema, request));
  return std::move(*response.mutable_schema());
}

absl::StatusOr<v1::ImportAreasResponse> Client::import_areas(
    const v1::ImportAreasHeader& header, const std::function<absl::StatusOr<bool>(v1::Area&)>& next) const {
  grpc::ClientContext context;
  connection_->prepare(context);
  v1::ImportAreasResponse response;
  const auto stream = connection_->catalog().ImportAreas(&context, &response);
  const auto give_up = [&](absl::Status status) {
    context.TryCancel();  // a half import that ends well would be taken for a whole one
    (void)stream->Finish();
    return status;
  };
  v1::ImportAreasRequest request;
  *request.mutable_header() = header;
  bool open = stream->Write(request);
  while (open) {
    v1::Area* const area = request.mutable_area();
    area->Clear();
    const absl::StatusOr<bool> more = next(*area);
    if (!more.ok()) return give_up(more.status());
    if (!*more) break;
    if (request.ByteSizeLong() > kMaxMessageBytes) {
      return give_up(make_error(absl::StatusCode::kResourceExhausted, "GEOMETRY_TOO_LARGE",
                                "area " + area->code() + " is over 4 MiB; simplify it"));
    }
    open = stream->Write(request);
  }
  if (open) stream->WritesDone();
  const grpc::Status status = stream->Finish();  // also why a write failed
  if (!status.ok()) return connection_->status_of(status);
  return response;
}

absl::StatusOr<v1::Area> Client::get_area(const v1::GetAreaRequest& request) const {
  LT_ASSIGN_OR_RETURN(auto response,
                      connection_->call<v1::GetAreaResponse>(connection_->catalog(), &Catalog::GetArea, request));
  return std::move(*response.mutable_area());
}

absl::Status Client::list_areas(const std::string& list, const std::function<bool(const v1::Area&)>& visit) const {
  v1::ListAreasRequest first;
  first.set_list(list);
  const auto fetch = [&](const v1::ListAreasRequest& request) {
    return connection_->call<v1::ListAreasResponse>(connection_->catalog(), &Catalog::ListAreas, request);
  };
  return for_each_item(
      first, fetch, [](const auto& page) { return page.areas(); }, visit);
}

absl::StatusOr<std::vector<v1::AreaList>> Client::list_area_lists() const {
  std::vector<v1::AreaList> all;
  const auto fetch = [&](const v1::ListAreaListsRequest& request) {
    return connection_->call<v1::ListAreaListsResponse>(connection_->catalog(), &Catalog::ListAreaLists, request);
  };
  LT_RETURN_IF_ERROR(for_each_page(v1::ListAreaListsRequest(), fetch, [&](const auto& page) {
    all.insert(all.end(), page.lists().begin(), page.lists().end());
    return true;
  }));
  return all;
}

absl::StatusOr<v1::GetFeatureResponse> Client::get_feature(const std::string& dataset, const std::string& id,
                                                           std::optional<std::int64_t> version,
                                                           v1::FeatureForm form) const {
  v1::GetFeatureRequest request;
  request.set_dataset(dataset);
  request.set_id(id);
  if (version) request.set_version(*version);
  request.set_form(form);
  return connection_->call<v1::GetFeatureResponse>(connection_->exchange(), &Exchange::GetFeature, request);
}

absl::Status Client::list_changesets(const std::string& dataset,
                                     const std::function<bool(const v1::Changeset&)>& visit) const {
  v1::ListChangesetsRequest first;
  first.set_dataset(dataset);
  const auto fetch = [&](const v1::ListChangesetsRequest& request) {
    return connection_->call<v1::ListChangesetsResponse>(connection_->exchange(), &Exchange::ListChangesets, request);
  };
  return for_each_item(
      first, fetch, [](const auto& page) { return page.changesets(); }, visit);
}

absl::StatusOr<v1::Changeset> Client::get_changeset(const std::string& dataset, std::int64_t version) const {
  v1::GetChangesetRequest request;
  request.set_dataset(dataset);
  request.set_version(version);
  LT_ASSIGN_OR_RETURN(auto response, connection_->call<v1::GetChangesetResponse>(connection_->exchange(),
                                                                                 &Exchange::GetChangeset, request));
  return std::move(*response.mutable_changeset());
}

absl::StatusOr<v1::Changeset> Client::find_changeset(const std::string& changeset_id,
                                                     const std::string& organisation) const {
  v1::GetChangesetRequest request;
  request.set_changeset_id(changeset_id);
  request.set_organisation(organisation);
  LT_ASSIGN_OR_RETURN(auto response, connection_->call<v1::GetChangesetResponse>(connection_->exchange(),
                                                                                 &Exchange::GetChangeset, request));
  return std::move(*response.mutable_changeset());
}

absl::Status Client::list_feature_history(const std::string& dataset, const std::string& id, v1::FeatureForm form,
                                          const std::function<bool(const v1::FeatureChange&)>& visit) const {
  v1::ListFeatureHistoryRequest first;
  first.set_dataset(dataset);
  first.set_id(id);
  first.set_form(form);
  const auto fetch = [&](const v1::ListFeatureHistoryRequest& request) {
    return connection_->call<v1::ListFeatureHistoryResponse>(connection_->exchange(), &Exchange::ListFeatureHistory,
                                                             request);
  };
  return for_each_item(
      first, fetch, [](const auto& page) { return page.changes(); }, visit);
}

absl::StatusOr<v1::Receipt> Client::revert_changeset(const v1::RevertChangesetRequest& request) const {
  LT_ASSIGN_OR_RETURN(auto response, connection_->call_without_deadline<v1::RevertChangesetResponse>(
                                         connection_->exchange(), &Exchange::RevertChangeset, request));
  return std::move(*response.mutable_receipt());
}

absl::StatusOr<v1::Attempt> Client::get_attempt(const std::string& attempt_id) const {
  v1::GetAttemptRequest request;
  request.set_attempt_id(attempt_id);
  LT_ASSIGN_OR_RETURN(auto response, connection_->call<v1::GetAttemptResponse>(connection_->exchange(),
                                                                               &Exchange::GetAttempt, request));
  return std::move(*response.mutable_attempt());
}

absl::Status Client::list_attempts(const v1::ListAttemptsRequest& request,
                                   const std::function<bool(const v1::Attempt&)>& visit) const {
  const auto fetch = [&](const v1::ListAttemptsRequest& page) {
    return connection_->call<v1::ListAttemptsResponse>(connection_->exchange(), &Exchange::ListAttempts, page);
  };
  return for_each_item(
      request, fetch, [](const auto& page) { return page.attempts(); }, visit);
}

absl::Status Client::list_findings(const v1::ListFindingsRequest& request,
                                   const std::function<bool(const v1::Finding&)>& visit) const {
  const auto fetch = [&](const v1::ListFindingsRequest& page) {
    return connection_->call<v1::ListFindingsResponse>(connection_->exchange(), &Exchange::ListFindings, page);
  };
  return for_each_item(
      request, fetch, [](const auto& page) { return page.findings(); }, visit);
}

absl::Status Client::list_conflicts(const std::string& attempt_id,
                                    const std::function<bool(const v1::Conflict&)>& visit) const {
  v1::ListConflictsRequest first;
  first.set_attempt_id(attempt_id);
  const auto fetch = [&](const v1::ListConflictsRequest& request) {
    return connection_->call<v1::ListConflictsResponse>(connection_->exchange(), &Exchange::ListConflicts, request);
  };
  return for_each_item(
      first, fetch, [](const auto& page) { return page.conflicts(); }, visit);
}

absl::Status Client::list_quarantine(const v1::ListQuarantineRequest& request,
                                     const std::function<bool(const v1::QuarantinedChange&)>& visit) const {
  const auto fetch = [&](const v1::ListQuarantineRequest& page) {
    return connection_->call<v1::ListQuarantineResponse>(connection_->exchange(), &Exchange::ListQuarantine, page);
  };
  return for_each_item(
      request, fetch, [](const auto& page) { return page.changes(); }, visit);
}

absl::StatusOr<v1::Receipt> Client::release_quarantine(const v1::ReleaseQuarantineRequest& request) const {
  LT_ASSIGN_OR_RETURN(auto response, connection_->call<v1::ReleaseQuarantineResponse>(
                                         connection_->exchange(), &Exchange::ReleaseQuarantine, request));
  return std::move(*response.mutable_receipt());
}

absl::StatusOr<std::int64_t> Client::discard_quarantine(const v1::DiscardQuarantineRequest& request) const {
  LT_ASSIGN_OR_RETURN(const auto response, connection_->call<v1::DiscardQuarantineResponse>(
                                               connection_->exchange(), &Exchange::DiscardQuarantine, request));
  return response.discarded();
}

absl::Status Client::watch_heads(const std::vector<std::string>& datasets,
                                 const std::function<bool(const v1::DatasetHead&)>& visit) const {
  v1::WatchHeadsRequest request;
  request.mutable_datasets()->Add(datasets.begin(), datasets.end());
  grpc::ClientContext context;
  connection_->prepare(context);
  const auto stream = connection_->exchange().WatchHeads(&context, request);
  v1::WatchHeadsResponse response;
  while (stream->Read(&response)) {
    for (const auto& head : response.heads()) {
      if (visit(head)) continue;
      context.TryCancel();
      (void)stream->Finish();
      return absl::OkStatus();
    }
  }
  return connection_->status_of(stream->Finish());
}

}  // namespace lt::client
