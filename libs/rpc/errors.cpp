#include "rpc/errors.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace lt::rpc {
namespace {

constexpr std::size_t kMaxReason = 63;       // limit of google.rpc.ErrorInfo
constexpr std::size_t kMaxMetadataKey = 64;  // limit of google.rpc.ErrorInfo
constexpr std::size_t kMaxMetadataValue = 256;
constexpr std::size_t kMaxMetadata = 1024;      // all of one error, so that violations have room
constexpr std::size_t kMaxViolationText = 512;  // field and description each
constexpr std::size_t kReserve = 256;           // for RetryInfo, "violations_total", type URLs and lengths
constexpr char kRetryAfter[] = "retry_after_ms";

// Well-formed UTF-8 of at most `max` bytes: bad bytes become '?', the cut falls between code points and shows as "...".
std::string clean(std::string_view text, std::size_t max) {
  if (text.size() <= max && is_utf8(text)) return std::string(text);
  constexpr std::string_view kCut = "...";
  std::string out;
  std::size_t i = 0;
  std::size_t room = 0;  // length of `out` up to which the mark of a cut would still fit
  while (i < text.size()) {
    std::size_t length = 1;
    while (length < 4 && i + length <= text.size() && !is_utf8(text.substr(i, length))) ++length;
    const bool good = i + length <= text.size() && is_utf8(text.substr(i, length));
    const std::string_view piece = good ? text.substr(i, length) : std::string_view("?");
    if (out.size() + piece.size() > max) {
      out.resize(room);
      return out.append(kCut.substr(0, max - room));
    }
    out += piece;
    if (out.size() + kCut.size() <= max) room = out.size();
    i += good ? length : 1;
  }
  return out;
}

void fill_metadata(const ErrorDetail& detail, google::rpc::ErrorInfo& info) {
  constexpr std::size_t kFraming = 8;  // tags and lengths of one entry
  std::size_t used = 0;
  for (const auto& [key, value] : detail.metadata) {
    const std::string short_key = clean(key, kMaxMetadataKey);
    const std::string short_value = clean(value, kMaxMetadataValue);
    used += short_key.size() + short_value.size() + kFraming;
    if (used > kMaxMetadata) {
      (*info.mutable_metadata())["metadata_total"] = std::to_string(detail.metadata.size());
      return;
    }
    (*info.mutable_metadata())[short_key] = short_value;
  }
}

// Adds the violations that fit into `room` bytes; false when some did not.
bool fill_violations(const ErrorDetail& detail, std::size_t room, google::rpc::BadRequest& bad_request) {
  std::size_t used = 0;
  for (const auto& violation : detail.violations) {
    google::rpc::BadRequest::FieldViolation one;
    one.set_field(clean(violation.field, kMaxViolationText));
    one.set_description(clean(violation.description, kMaxViolationText));
    constexpr std::size_t kFraming = 4;  // tag and length of the entry
    used += one.ByteSizeLong() + kFraming;
    if (used > room) return false;
    *bad_request.add_field_violations() = std::move(one);
  }
  return true;
}

void add_retry_info(const ErrorDetail& detail, google::rpc::Status& out) {
  const auto it = detail.metadata.find(kRetryAfter);
  if (it == detail.metadata.end()) return;
  std::int64_t ms = 0;
  const char* const end = it->second.data() + it->second.size();
  if (std::from_chars(it->second.data(), end, ms).ptr != end || ms < 0) return;
  google::rpc::RetryInfo retry;
  constexpr std::int64_t kMsPerSecond = 1000;
  constexpr std::int32_t kNsPerMs = 1'000'000;
  retry.mutable_retry_delay()->set_seconds(ms / kMsPerSecond);
  retry.mutable_retry_delay()->set_nanos(static_cast<std::int32_t>(ms % kMsPerSecond) * kNsPerMs);
  out.add_details()->PackFrom(retry);
}

grpc::StatusCode to_grpc_code(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk: return grpc::StatusCode::OK;
    case absl::StatusCode::kCancelled: return grpc::StatusCode::CANCELLED;
    case absl::StatusCode::kUnknown: return grpc::StatusCode::UNKNOWN;
    case absl::StatusCode::kInvalidArgument: return grpc::StatusCode::INVALID_ARGUMENT;
    case absl::StatusCode::kDeadlineExceeded: return grpc::StatusCode::DEADLINE_EXCEEDED;
    case absl::StatusCode::kNotFound: return grpc::StatusCode::NOT_FOUND;
    case absl::StatusCode::kAlreadyExists: return grpc::StatusCode::ALREADY_EXISTS;
    case absl::StatusCode::kPermissionDenied: return grpc::StatusCode::PERMISSION_DENIED;
    case absl::StatusCode::kResourceExhausted: return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case absl::StatusCode::kFailedPrecondition: return grpc::StatusCode::FAILED_PRECONDITION;
    case absl::StatusCode::kAborted: return grpc::StatusCode::ABORTED;
    case absl::StatusCode::kOutOfRange: return grpc::StatusCode::OUT_OF_RANGE;
    case absl::StatusCode::kUnimplemented: return grpc::StatusCode::UNIMPLEMENTED;
    case absl::StatusCode::kInternal: return grpc::StatusCode::INTERNAL;
    case absl::StatusCode::kUnavailable: return grpc::StatusCode::UNAVAILABLE;
    case absl::StatusCode::kDataLoss: return grpc::StatusCode::DATA_LOSS;
    case absl::StatusCode::kUnauthenticated: return grpc::StatusCode::UNAUTHENTICATED;
    default: return grpc::StatusCode::UNKNOWN;
  }
}

absl::StatusCode to_absl_code(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK: return absl::StatusCode::kOk;
    case grpc::StatusCode::CANCELLED: return absl::StatusCode::kCancelled;
    case grpc::StatusCode::UNKNOWN: return absl::StatusCode::kUnknown;
    case grpc::StatusCode::INVALID_ARGUMENT: return absl::StatusCode::kInvalidArgument;
    case grpc::StatusCode::DEADLINE_EXCEEDED: return absl::StatusCode::kDeadlineExceeded;
    case grpc::StatusCode::NOT_FOUND: return absl::StatusCode::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS: return absl::StatusCode::kAlreadyExists;
    case grpc::StatusCode::PERMISSION_DENIED: return absl::StatusCode::kPermissionDenied;
    case grpc::StatusCode::RESOURCE_EXHAUSTED: return absl::StatusCode::kResourceExhausted;
    case grpc::StatusCode::FAILED_PRECONDITION: return absl::StatusCode::kFailedPrecondition;
    case grpc::StatusCode::ABORTED: return absl::StatusCode::kAborted;
    case grpc::StatusCode::OUT_OF_RANGE: return absl::StatusCode::kOutOfRange;
    case grpc::StatusCode::UNIMPLEMENTED: return absl::StatusCode::kUnimplemented;
    case grpc::StatusCode::INTERNAL: return absl::StatusCode::kInternal;
    case grpc::StatusCode::UNAVAILABLE: return absl::StatusCode::kUnavailable;
    case grpc::StatusCode::DATA_LOSS: return absl::StatusCode::kDataLoss;
    case grpc::StatusCode::UNAUTHENTICATED: return absl::StatusCode::kUnauthenticated;
    default: return absl::StatusCode::kUnknown;
  }
}

}  // namespace

std::string code_name(absl::StatusCode code) { return absl::StatusCodeToString(code); }

grpc::Status to_grpc_status(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  ErrorDetail detail = error_detail(status).value_or(ErrorDetail{});
  if (detail.reason.empty()) detail.reason = code_name(status.code());
  const grpc::StatusCode code = to_grpc_code(status.code());

  google::rpc::Status out;
  out.set_code(code);
  out.set_message(clean(message_of(status), kMaxMessageBytes));
  google::rpc::ErrorInfo info;
  info.set_reason(clean(detail.reason, kMaxReason));
  info.set_domain(kErrorDomain);
  fill_metadata(detail, info);
  const std::size_t used = out.ByteSizeLong() + info.ByteSizeLong() + kReserve;
  google::rpc::BadRequest bad_request;
  if (!fill_violations(detail, kMaxDetailsBytes - used, bad_request)) {
    (*info.mutable_metadata())["violations_total"] = std::to_string(detail.violations.size());
  }
  out.add_details()->PackFrom(info);
  if (bad_request.field_violations_size() > 0) out.add_details()->PackFrom(bad_request);
  add_retry_info(detail, out);
  return {code, out.message(), out.SerializeAsString()};
}

absl::Status from_grpc_status(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const absl::StatusCode code = to_absl_code(status.error_code());
  google::rpc::Status in;
  if (status.error_details().empty() || !in.ParseFromString(status.error_details())) {
    return {code, status.error_message()};
  }
  ErrorDetail detail;
  for (const auto& any : in.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    if (any.UnpackTo(&info)) {
      detail.reason = info.reason();
      detail.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.UnpackTo(&bad_request)) {
      for (const auto& v : bad_request.field_violations()) detail.violations.push_back({v.field(), v.description()});
    }
  }
  if (detail.reason.empty() && detail.violations.empty()) return {code, status.error_message()};
  return make_error(code, detail.reason, status.error_message(), std::move(detail.metadata),
                    std::move(detail.violations));
}

}  // namespace lt::rpc
