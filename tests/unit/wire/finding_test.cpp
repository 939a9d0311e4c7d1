#include "wire/finding.hpp"

#include <catch2/catch.hpp>

#include "base/status.hpp"

namespace lt::wire {
namespace {

namespace v1 = lienthong::v1;

feature::Finding some_finding(feature::Severity severity) {
  return {"F04", severity, "FIELD_REQUIRED", "QL1-7", "lanes", "POINT(1 2)", "thiếu", "missing"};
}

TEST_CASE("a finding goes to proto and back for each severity") {
  for (const auto severity : {feature::Severity::kError, feature::Severity::kWarning, feature::Severity::kInfo}) {
    v1::Finding proto;
    finding_to_proto(some_finding(severity), "test.points", 7, &proto);
    CHECK(proto.dataset() == "test.points");
    CHECK(proto.sequence() == 7);
    CHECK(proto.severity() == severity_to_proto(severity));
    CHECK(finding_from_proto(proto) == some_finding(severity));
  }
}

TEST_CASE("finding_to_proto replaces what was there") {
  v1::Finding proto;
  finding_to_proto(some_finding(feature::Severity::kError), "test.points", 7, &proto);
  finding_to_proto({}, "", 0, &proto);
  CHECK(proto.message_vi().empty());
  CHECK(proto.sequence() == 0);
}

TEST_CASE("an unspecified severity in a filter means any and an unknown one is refused") {
  CHECK(severity_from_proto(v1::SEVERITY_UNSPECIFIED).value() == std::nullopt);
  CHECK(severity_from_proto(v1::SEVERITY_WARNING).value() == feature::Severity::kWarning);
  const auto refused = severity_from_proto(static_cast<v1::Severity>(99));
  CHECK(refused.status().code() == absl::StatusCode::kInvalidArgument);
  CHECK(error_reason(refused.status()) == "FILTER_UNKNOWN");
}

TEST_CASE("a finding with a severity that this program does not know reads as an error") {
  v1::Finding proto;
  proto.set_severity(static_cast<v1::Severity>(99));
  CHECK(finding_from_proto(proto).severity == feature::Severity::kError);
}

}  // namespace
}  // namespace lt::wire
