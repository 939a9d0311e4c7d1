#include "base/status.hpp"

#include <catch2/catch.hpp>

namespace {

absl::Status fail_at(int step) {
  LT_RETURN_IF_ERROR(step == 1 ? lt::make_error(absl::StatusCode::kAborted, "FIRST", "first") : absl::OkStatus());
  LT_RETURN_IF_ERROR(step == 2 ? lt::make_error(absl::StatusCode::kNotFound, "SECOND", "second") : absl::OkStatus());
  return absl::OkStatus();
}

absl::StatusOr<int> add(absl::StatusOr<int> a, absl::StatusOr<int> b) {
  LT_ASSIGN_OR_RETURN(const int x, std::move(a));
  LT_ASSIGN_OR_RETURN(const int y, std::move(b));
  return x + y;
}

}  // namespace

TEST_CASE("make_error keeps code, message, reason, metadata and violations") {
  const auto status = lt::make_error(absl::StatusCode::kInvalidArgument, "UNKNOWN_FIELD", "no field 'làn'",
                                     {{"feature_id", "7"}}, {{"changes[3]", "remove it"}});
  CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  CHECK(lt::message_of(status) == "no field 'làn'");
  CHECK(lt::error_reason(status) == "UNKNOWN_FIELD");
  const auto detail = lt::error_detail(status);
  REQUIRE(detail);
  CHECK(detail->metadata == std::map<std::string, std::string>{{"feature_id", "7"}});
  REQUIRE(detail->violations.size() == 1);
  CHECK(detail->violations[0].field == "changes[3]");
  CHECK(detail->violations[0].description == "remove it");
}

TEST_CASE("a status without detail has no reason") {
  CHECK(lt::error_reason(absl::OkStatus()).empty());
  CHECK(lt::error_reason(absl::InternalError("x")).empty());
  CHECK_FALSE(lt::error_detail(absl::InternalError("x")));
}

TEST_CASE("metadata that is not UTF-8 does not lose the reason") {
  const auto status = lt::make_error(absl::StatusCode::kInternal, "REASON", "m", {{"id", "a\xff"}});
  CHECK(lt::error_reason(status) == "REASON");
  CHECK(lt::error_detail(status)->metadata.at("id") == "a\xEF\xBF\xBD");
}

TEST_CASE("annotate puts context before the message and keeps the rest") {
  const auto status = lt::annotate(lt::make_error(absl::StatusCode::kAborted, "CONFLICT", "changed"), "dataset a.b");
  CHECK(status.code() == absl::StatusCode::kAborted);
  CHECK(lt::message_of(status) == "dataset a.b: changed");
  CHECK(lt::error_reason(status) == "CONFLICT");
  CHECK(lt::annotate(absl::OkStatus(), "x").ok());
}

TEST_CASE("the return macros stop at the first error and pass values") {
  CHECK(fail_at(0).ok());
  CHECK(lt::error_reason(fail_at(1)) == "FIRST");
  CHECK(lt::error_reason(fail_at(2)) == "SECOND");
  CHECK(*add(2, 3) == 5);
  CHECK(add(absl::NotFoundError("a"), absl::AbortedError("b")).status().code() == absl::StatusCode::kNotFound);
  CHECK(add(1, absl::AbortedError("b")).status().code() == absl::StatusCode::kAborted);
}
