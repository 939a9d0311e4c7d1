#include "exchange/cataloguing.hpp"

#include <google/protobuf/util/time_util.h>

#include "base/status.hpp"
#include "exchange/paging.hpp"
#include "wire/catalog.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;
using google::protobuf::util::TimeUtil;

constexpr std::size_t kMaxTitleBytes = 512;

absl::Status check_title(const std::string& title) {
  if (title.size() <= kMaxTitleBytes && title.find('\0') == std::string::npos) return absl::OkStatus();
  return make_error(absl::StatusCode::kInvalidArgument, "TITLE_INVALID",
                    "title is longer than 512 bytes or has U+0000");
}

void fill(const storage::Organisation& organisation, v1::Organisation* out) {
  out->set_name(organisation.name);
  out->set_title(organisation.title);
  *out->mutable_created_at() = TimeUtil::MicrosecondsToTimestamp(organisation.created_us);
}

void fill(const storage::Dataset& dataset, v1::Dataset* out) {
  out->set_name(dataset.name);
  out->set_uid(dataset.uid);
  out->set_owner(dataset.owner);
  out->set_title(dataset.title);
  out->set_head(dataset.head);
  out->set_head_digest(dataset.head_digest);
  out->set_feature_count(dataset.feature_count);
  out->set_horizon(dataset.horizon);
  *out->mutable_created_at() = TimeUtil::MicrosecondsToTimestamp(dataset.created_us);
  if (dataset.changed_us) *out->mutable_changed_at() = TimeUtil::MicrosecondsToTimestamp(*dataset.changed_us);
}

absl::Status fill_with_schema(const Core& core, const storage::Dataset& dataset, v1::Dataset* out) {
  fill(dataset, out);
  LT_ASSIGN_OR_RETURN(const auto schema, core.catalog.get_schema(dataset.id, dataset.schema_revision));
  wire::schema_to_proto(*schema, out->mutable_schema());
  return absl::OkStatus();
}

}  // namespace

absl::Status create_organisation(const Core& core, const rpc::CallerIdentity& caller,
                                 const v1::CreateOrganisationRequest& request,
                                 v1::CreateOrganisationResponse& response) {
  LT_RETURN_IF_ERROR(check_operator(caller, "creates organisations"));
  LT_RETURN_IF_ERROR(check_title(request.organisation().title()));
  LT_ASSIGN_OR_RETURN(const auto organisation,
                      core.catalog.create_organisation(request.organisation().name(), request.organisation().title()));
  fill(organisation, response.mutable_organisation());
  return absl::OkStatus();
}

absl::Status list_organisations(const Core& core, const v1::ListOrganisationsRequest& request,
                                v1::ListOrganisationsResponse& response) {
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after, read_page_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(const auto organisations, core.catalog.list_organisations(after, limit));
  for (const auto& organisation : organisations) fill(organisation, response.add_organisations());
  if (static_cast<int>(organisations.size()) == limit) {
    response.set_next_page_token(make_page_token(organisations.back().name));
  }
  return absl::OkStatus();
}

absl::Status create_dataset(const Core& core, const rpc::CallerIdentity& caller,
                            const v1::CreateDatasetRequest& request, v1::CreateDatasetResponse& response) {
  const v1::Dataset& asked = request.dataset();
  const std::string owner = asked.owner().empty() ? caller.organisation : asked.owner();
  if (owner != caller.organisation) LT_RETURN_IF_ERROR(check_operator(caller, "creates datasets for another owner"));
  LT_RETURN_IF_ERROR(check_title(asked.title()));
  LT_ASSIGN_OR_RETURN(auto schema, wire::schema_from_proto(asked.schema()));
  schema.revision = 1;
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.create_dataset(asked.name(), owner, asked.title(), schema));
  return fill_with_schema(core, dataset, response.mutable_dataset());
}

absl::Status get_dataset(const Core& core, const v1::GetDatasetRequest& request, v1::GetDatasetResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.name()));
  return fill_with_schema(core, dataset, response.mutable_dataset());
}

absl::Status list_datasets(const Core& core, const v1::ListDatasetsRequest& request,
                           v1::ListDatasetsResponse& response) {
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after, read_page_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(const auto datasets, core.catalog.list_datasets(after, limit));
  for (const auto& dataset : datasets) fill(dataset, response.add_datasets());
  if (static_cast<int>(datasets.size()) == limit) response.set_next_page_token(make_page_token(datasets.back().name));
  return absl::OkStatus();
}

absl::Status get_schema(const Core& core, const v1::GetSchemaRequest& request, v1::GetSchemaResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.dataset()));
  const std::int32_t revision = request.revision() == 0 ? dataset.schema_revision : request.revision();
  LT_ASSIGN_OR_RETURN(const auto schema, core.catalog.get_schema(dataset.id, revision));
  wire::schema_to_proto(*schema, response.mutable_schema());
  return absl::OkStatus();
}

}  // namespace lt::exchange
