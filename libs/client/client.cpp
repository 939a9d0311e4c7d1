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
  return for_each_page(first, fetch, [&](const auto& page) {
    for (const auto& changeset : page.changesets()) {
      if (!visit(changeset)) return false;
    }
    return true;
  });
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

}  // namespace lt::client
