#include "base/status.hpp"

#include <absl/strings/cord.h>
#include <nlohmann/json.hpp>

namespace lt {
namespace {

// Internal carrier between make_error() and libs/rpc, which turns it into google.rpc messages.
constexpr char kDetailUrl[] = "lienthong/error-detail";

std::string encode(const ErrorDetail& detail) {
  nlohmann::json json{{"r", detail.reason}, {"m", detail.metadata}, {"v", nlohmann::json::array()}};
  for (const auto& v : detail.violations) json["v"].push_back({v.field, v.description});
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

absl::Status make_error(absl::StatusCode code, std::string_view reason, std::string_view message,
                        std::map<std::string, std::string> metadata, std::vector<FieldViolation> violations) {
  absl::Status status(code, absl::string_view(message.data(), message.size()));
  const ErrorDetail detail{std::string(reason), std::move(metadata), std::move(violations)};
  status.SetPayload(kDetailUrl, absl::Cord(encode(detail)));
  return status;
}

std::optional<ErrorDetail> error_detail(const absl::Status& status) {
  const auto payload = status.GetPayload(kDetailUrl);
  if (!payload) return std::nullopt;
  const auto json = nlohmann::json::parse(std::string(*payload), nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  ErrorDetail detail{json["r"].get<std::string>(), json["m"].get<std::map<std::string, std::string>>(), {}};
  for (const auto& v : json["v"]) detail.violations.push_back({v[0].get<std::string>(), v[1].get<std::string>()});
  return detail;
}

std::string error_reason(const absl::Status& status) {
  const auto detail = error_detail(status);
  return detail ? detail->reason : std::string();
}

absl::Status annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  absl::Status result(status.code(), std::string(context) + ": " + message_of(status));
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

absl::Status with_metadata(const absl::Status& status, std::string_view key, std::string_view value) {
  if (status.ok()) return status;
  ErrorDetail detail = error_detail(status).value_or(ErrorDetail{});
  detail.metadata[std::string(key)] = value;
  absl::Status result = status;
  result.SetPayload(kDetailUrl, absl::Cord(encode(detail)));
  return result;
}

}  // namespace lt
