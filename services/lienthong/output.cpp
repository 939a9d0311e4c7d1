#include "lienthong/output.hpp"

#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/status.hpp"

namespace lt::cli {
namespace {

constexpr std::size_t kThousandsDigits = 3;

std::string text_of(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void write_line(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fputc('\n', file);
}

}  // namespace

nlohmann::ordered_json error_to_json(const absl::Status& status) {
  nlohmann::ordered_json details = nlohmann::ordered_json::object();
  const auto detail = error_detail(status);
  if (detail) {
    for (const auto& [name, value] : detail->metadata) details[name] = value;
    nlohmann::ordered_json violations = nlohmann::ordered_json::array();
    for (const FieldViolation& violation : detail->violations) {
      violations.push_back({{"field", violation.field}, {"description", violation.description}});
    }
    if (!violations.empty()) details["violations"] = std::move(violations);
  }
  nlohmann::ordered_json error;
  error["code"] = absl::StatusCodeToString(status.code());
  error["reason"] = detail ? detail->reason : std::string();
  error["message"] = message_of(status);
  error["details"] = std::move(details);
  return {{"error", std::move(error)}};
}

void Output::print_json(const nlohmann::ordered_json& value) const { write_line(stdout, text_of(value)); }

void Output::print(std::string_view line) const { write_line(stdout, line); }

void Output::note(std::string_view text) const { write_line(stderr, text); }

void Output::error(const absl::Status& status, const std::string& members) const {
  if (json) {
    auto object = error_to_json(status);
    if (!members.empty()) object["error"].update(nlohmann::ordered_json::parse(members));
    print_json(object);
    return;
  }
  const auto detail = error_detail(status);
  const std::string reason =
      detail && !detail->reason.empty() ? detail->reason : absl::StatusCodeToString(status.code());
  note("error: " + message_of(status) + " (" + reason + ")");
  if (!detail) return;
  for (const FieldViolation& violation : detail->violations)
    note("  " + violation.field + ": " + violation.description);
  const auto attempt = detail->metadata.find("attempt_id");
  if (attempt != detail->metadata.end()) note("  attempt " + attempt->second + ": see lienthong findings, conflicts");
}

absl::Status Output::flush() const {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return absl::OkStatus();
  return make_error(absl::StatusCode::kUnavailable, "OUTPUT_FAILED",
                    "standard output could not be written to the end: the result is incomplete");
}

std::string with_thousands(long long number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + kThousandsDigits;) {
    at -= kThousandsDigits;
    digits.insert(at, ",");
  }
  return digits;
}

}  // namespace lt::cli
