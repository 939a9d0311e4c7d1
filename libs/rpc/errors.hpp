// absl::Status to grpc::Status and back, with google.rpc details.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace lt::rpc {

/// Most bytes of the details (a serialized google.rpc.Status) and of the message of one error: together they fit into
/// the 8 KiB that a peer takes as metadata by default.
inline constexpr std::size_t kMaxDetailsBytes = 4096;
inline constexpr std::size_t kMaxMessageBytes = 1024;

/// The domain of ErrorInfo.
inline constexpr char kErrorDomain[] = "lienthong";

/// Always has google.rpc.ErrorInfo: the reason of make_error(), or else the name of the code. Violations become
/// google.rpc.BadRequest, cut to what fits, then with ErrorInfo metadata "violations_total". Metadata that does not fit
/// is cut, then with "metadata_total". Metadata "retry_after_ms" also becomes google.rpc.RetryInfo. Text that is not
/// UTF-8 has '?' for each bad byte.
[[nodiscard]] grpc::Status to_grpc_status(const absl::Status& status);

/// Code, message and detail of an error as make_error() gave them. An error of gRPC itself (no ErrorInfo) has no
/// reason.
[[nodiscard]] absl::Status from_grpc_status(const grpc::Status& status);

/// "INVALID_ARGUMENT": the upper-case name of a code, as in google.rpc.Code.
[[nodiscard]] std::string code_name(absl::StatusCode code);

}  // namespace lt::rpc
