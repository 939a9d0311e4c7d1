#include "wire/finding.hpp"

#include <string>

#include <fmt/format.h>

#include "base/status.hpp"

namespace lt::wire {

namespace v1 = lienthong::v1;

absl::StatusOr<std::optional<feature::Severity>> severity_from_proto(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_UNSPECIFIED: return std::nullopt;
    case v1::SEVERITY_ERROR: return feature::Severity::kError;
    case v1::SEVERITY_WARNING: return feature::Severity::kWarning;
    case v1::SEVERITY_INFO: return feature::Severity::kInfo;
    default: break;
  }
  return make_error(absl::StatusCode::kInvalidArgument, "FILTER_UNKNOWN",
                    fmt::format("severity {} is not known; send SEVERITY_ERROR, SEVERITY_WARNING or SEVERITY_INFO",
                                static_cast<int>(severity)));
}

v1::Severity severity_to_proto(feature::Severity severity) {
  switch (severity) {
    case feature::Severity::kError: return v1::SEVERITY_ERROR;
    case feature::Severity::kWarning: return v1::SEVERITY_WARNING;
    case feature::Severity::kInfo: return v1::SEVERITY_INFO;
  }
  return v1::SEVERITY_UNSPECIFIED;
}

void finding_to_proto(const feature::Finding& finding, std::string_view dataset, std::int64_t sequence,
                      v1::Finding* out) {
  out->Clear();
  out->set_rule(finding.rule);
  out->set_severity(severity_to_proto(finding.severity));
  out->set_reason(finding.reason);
  out->set_dataset(std::string(dataset));
  out->set_feature_id(finding.feature_id);
  out->set_sequence(sequence);
  out->set_field(finding.field);
  out->set_place(finding.place);
  out->set_message_vi(finding.message_vi);
  out->set_message_en(finding.message_en);
}

feature::Finding finding_from_proto(const v1::Finding& proto) {
  const auto severity = severity_from_proto(proto.severity());
  const bool known = severity.ok() && severity->has_value();
  return {proto.rule(),       known ? **severity : feature::Severity::kError,
          proto.reason(),     proto.feature_id(),
          proto.field(),      proto.place(),
          proto.message_vi(), proto.message_en()};
}

}  // namespace lt::wire
