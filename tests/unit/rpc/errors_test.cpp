#include "rpc/errors.hpp"

#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace {

using lt::rpc::from_grpc_status;
using lt::rpc::to_grpc_status;

google::rpc::Status details_of(const grpc::Status& status) {
  google::rpc::Status out;
  REQUIRE(out.ParseFromString(status.error_details()));
  return out;
}

template <class Message>
Message detail_of(const grpc::Status& status) {
  Message found;
  int count = 0;
  const auto details = details_of(status);
  for (const auto& any : details.details()) count += any.UnpackTo(&found) ? 1 : 0;
  REQUIRE(count == 1);
  return found;
}

std::vector<lt::FieldViolation> many_violations(std::size_t count, std::size_t length) {
  std::vector<lt::FieldViolation> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back({"changes[" + std::to_string(i) + "]", std::string(length, 'x')});
  }
  return out;
}

}  // namespace

TEST_CASE("every code goes to gRPC and back with reason, metadata and violations") {
  for (int code = 1; code <= 16; ++code) {
    const auto status = lt::make_error(static_cast<absl::StatusCode>(code), "SOME_REASON", "không được",
                                       {{"feature_id", "7"}}, {{"changes[3]", "remove it"}, {"header", "name it"}});
    const auto wire = to_grpc_status(status);
    CHECK(static_cast<int>(wire.error_code()) == code);
    CHECK(details_of(wire).code() == code);
    const auto back = from_grpc_status(wire);
    CHECK(static_cast<int>(back.code()) == code);
    CHECK(lt::message_of(back) == "không được");
    const auto detail = lt::error_detail(back);
    REQUIRE(detail);
    CHECK(detail->reason == "SOME_REASON");
    CHECK(detail->metadata == std::map<std::string, std::string>{{"feature_id", "7"}});
    REQUIRE(detail->violations.size() == 2);
    CHECK(detail->violations[1].field == "header");
    CHECK(detail->violations[1].description == "name it");
  }
  CHECK(to_grpc_status(absl::OkStatus()).ok());
  CHECK(from_grpc_status(grpc::Status::OK).ok());
}

TEST_CASE("an error without reason gets the name of its code") {
  for (int code = 1; code <= 16; ++code) {
    const auto info = detail_of<google::rpc::ErrorInfo>(to_grpc_status({static_cast<absl::StatusCode>(code), "m"}));
    CHECK(info.reason() == lt::rpc::code_name(static_cast<absl::StatusCode>(code)));
    CHECK(info.domain() == "lienthong");
  }
  CHECK(lt::rpc::code_name(absl::StatusCode::kInvalidArgument) == "INVALID_ARGUMENT");
}

TEST_CASE("details that fit are complete and say nothing of a cut") {
  const auto wire =
      to_grpc_status(lt::make_error(absl::StatusCode::kInvalidArgument, "R", "m", {}, many_violations(3, 100)));
  CHECK(detail_of<google::rpc::BadRequest>(wire).field_violations_size() == 3);
  CHECK(detail_of<google::rpc::ErrorInfo>(wire).metadata_size() == 0);
}

TEST_CASE("violations are cut to 4 KiB of details and their total is named") {
  for (const std::size_t length : {0UL, 1UL, 100UL, 511UL, 513UL, 10'000UL}) {
    const auto wire =
        to_grpc_status(lt::make_error(absl::StatusCode::kInvalidArgument, "R", "m", {}, many_violations(500, length)));
    INFO(length);
    CHECK(wire.error_details().size() <= lt::rpc::kMaxDetailsBytes);
    CHECK(detail_of<google::rpc::BadRequest>(wire).field_violations_size() > 3);
    CHECK(detail_of<google::rpc::ErrorInfo>(wire).metadata().at("violations_total") == "500");
  }
}

TEST_CASE("everything too large at once still fits and keeps code and reason") {
  std::map<std::string, std::string> metadata;
  for (int i = 0; i < 1000; ++i) metadata["k" + std::to_string(i)] = i % 2 == 0 ? "" : std::string(300, 'v');
  metadata["retry_after_ms"] = "1500";
  std::string message;
  for (int i = 0; i < 1000; ++i) message += "ệ";
  const auto wire = to_grpc_status(
      lt::make_error(absl::StatusCode::kAborted, std::string(500, 'R'), message, metadata, many_violations(5000, 400)));
  CHECK(wire.error_details().size() <= lt::rpc::kMaxDetailsBytes);
  CHECK(wire.error_message().size() <= lt::rpc::kMaxMessageBytes);
  CHECK(lt::is_utf8(wire.error_message()));
  CHECK(wire.error_message().ends_with("..."));
  const auto info = detail_of<google::rpc::ErrorInfo>(wire);
  CHECK(info.reason().size() == 63);
  CHECK(info.metadata().at("metadata_total") == "1001");
  CHECK(info.metadata().at("violations_total") == "5000");
}

TEST_CASE("a message is cut only beyond 1 KiB") {
  const std::string exact(1024, 'm');
  CHECK(to_grpc_status(absl::InternalError(exact)).error_message() == exact);
  const std::string cut = to_grpc_status(absl::InternalError(exact + "m")).error_message();
  CHECK(cut == std::string(1021, 'm') + "...");
}

TEST_CASE("text that is not UTF-8 becomes readable and the details survive") {
  const auto wire = to_grpc_status(
      lt::make_error(absl::StatusCode::kInvalidArgument, "R", "id a\xff\xC3 b\xE1\xBB", {}, {{"f\xff", "d"}}));
  CHECK(wire.error_message() == "id a?? b??");
  CHECK(from_grpc_status(wire).code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::error_reason(from_grpc_status(wire)) == "R");
}

TEST_CASE("retry_after_ms becomes RetryInfo") {
  const auto wire = to_grpc_status(
      lt::make_error(absl::StatusCode::kResourceExhausted, "SERVER_BUSY", "m", {{"retry_after_ms", "1500"}}));
  const auto retry = detail_of<google::rpc::RetryInfo>(wire);
  CHECK(retry.retry_delay().seconds() == 1);
  CHECK(retry.retry_delay().nanos() == 500'000'000);
  const auto odd =
      to_grpc_status(lt::make_error(absl::StatusCode::kUnavailable, "R", "m", {{"retry_after_ms", "soon"}}));
  CHECK(details_of(odd).details_size() == 1);
}

TEST_CASE("an error of gRPC itself keeps code and message and has no reason") {
  const auto status = from_grpc_status({grpc::StatusCode::UNAVAILABLE, "connection refused"});
  CHECK(status.code() == absl::StatusCode::kUnavailable);
  CHECK(lt::message_of(status) == "connection refused");
  CHECK(lt::error_reason(status).empty());
  CHECK(from_grpc_status({grpc::StatusCode::INTERNAL, "m", "\xff not a message"}).code() ==
        absl::StatusCode::kInternal);
}
