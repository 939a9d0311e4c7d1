// The catalog calls, free of gRPC.
#pragma once

#include <absl/status/status.h>

#include "exchange/core.hpp"
#include "lienthong/v1/catalog_service.pb.h"

namespace lt::exchange {

/// Errors as documented in proto/lienthong/v1/catalog_service.proto.
[[nodiscard]] absl::Status create_organisation(const Core&, const rpc::CallerIdentity&,
                                               const lienthong::v1::CreateOrganisationRequest&,
                                               lienthong::v1::CreateOrganisationResponse&);
[[nodiscard]] absl::Status list_organisations(const Core&, const lienthong::v1::ListOrganisationsRequest&,
                                              lienthong::v1::ListOrganisationsResponse&);
[[nodiscard]] absl::Status create_dataset(const Core&, const rpc::CallerIdentity&,
                                          const lienthong::v1::CreateDatasetRequest&,
                                          lienthong::v1::CreateDatasetResponse&);
[[nodiscard]] absl::Status get_dataset(const Core&, const lienthong::v1::GetDatasetRequest&,
                                       lienthong::v1::GetDatasetResponse&);
[[nodiscard]] absl::Status list_datasets(const Core&, const lienthong::v1::ListDatasetsRequest&,
                                         lienthong::v1::ListDatasetsResponse&);
[[nodiscard]] absl::Status get_schema(const Core&, const lienthong::v1::GetSchemaRequest&,
                                      lienthong::v1::GetSchemaResponse&);

}  // namespace lt::exchange
