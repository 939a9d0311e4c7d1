#include "feature/finding.hpp"

#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"

namespace lt::feature {
namespace {

constexpr std::string_view kSeverityPrefix = "SEVERITY_";

std::optional<Severity> severity_from(std::string_view name) {
  for (const auto severity : {Severity::kError, Severity::kWarning, Severity::kInfo}) {
    if (name == std::string(kSeverityPrefix) + std::string(to_string(severity))) return severity;
  }
  return std::nullopt;
}

absl::Status malformed(std::string_view what) {
  return make_error(absl::StatusCode::kDataLoss, "FINDINGS_MALFORMED",
                    fmt::format("stored findings: {}; check the database", what));
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::kError: return "ERROR";
    case Severity::kWarning: return "WARNING";
    case Severity::kInfo: return "INFO";
  }
  return "";
}

std::string findings_to_json(const std::vector<Finding>& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& finding : findings) {
    list.push_back({{"rule", finding.rule},
                    {"severity", std::string(kSeverityPrefix) + std::string(to_string(finding.severity))},
                    {"reason", finding.reason},
                    {"feature_id", finding.feature_id},
                    {"field", finding.field},
                    {"place", finding.place},
                    {"message_vi", finding.message_vi},
                    {"message_en", finding.message_en}});
  }
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

absl::StatusOr<std::vector<Finding>> findings_from_json(std::string_view json) {
  const auto list = parse_json(json);
  if (!list.ok() || !list->is_array()) return malformed("not a list");
  std::vector<Finding> findings;
  for (const auto& one : *list) {
    if (!one.is_object()) return malformed("an item is no object");
    const auto text = [&one](const char* name) {
      const auto found = one.find(name);
      return found != one.end() && found->is_string() ? found->template get<std::string>() : std::string();
    };
    const auto severity = severity_from(text("severity"));
    if (!severity) return malformed("an item has no severity");
    findings.push_back({text("rule"), *severity, text("reason"), text("feature_id"), text("field"), text("place"),
                        text("message_vi"), text("message_en")});
  }
  return findings;
}

}  // namespace lt::feature
