#include "feature/detail/json_value.hpp"

#include <cmath>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "feature/text.hpp"
#include "feature/value.hpp"

namespace lt::feature::detail {
namespace {

constexpr std::int64_t kMaxExact = (std::int64_t{1} << 53) - 1;

absl::Status invalid(std::string_view reason, const std::string& message) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message);
}

bool is_wide_integer(const nlohmann::json& node) {
  if (node.is_number_unsigned()) return node.get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxExact);
  if (!node.is_number_integer()) return false;
  const auto value = node.get<std::int64_t>();
  return value > kMaxExact || value < -kMaxExact;
}

double as_double(const nlohmann::json& integer) {
  return integer.is_number_unsigned() ? static_cast<double>(integer.get<std::uint64_t>())
                                      : static_cast<double>(integer.get<std::int64_t>());
}

absl::Status check_number(const nlohmann::json& node, bool& wide) {
  if (node.is_number_float()) {
    if (std::isfinite(node.get<double>())) return absl::OkStatus();
    return invalid("VALUE_OUT_OF_RANGE", "json has no number that is not finite; send it as a string");
  }
  if (!is_wide_integer(node)) return absl::OkStatus();
  wide = true;
  if (canonical_number(as_double(node)) == node.dump()) return absl::OkStatus();
  return invalid("VALUE_OUT_OF_RANGE", "json integer " + node.dump() + " would be rounded; send it as a string");
}

absl::Status check_node(const nlohmann::json& node, int depth, bool& wide);

absl::Status check_members(const nlohmann::json& node, int depth, bool& wide) {
  if (depth == kMaxJsonDepth) {
    return invalid("VALUE_OUT_OF_RANGE", "json nested deeper than " + std::to_string(kMaxJsonDepth));
  }
  for (auto it = node.begin(); it != node.end(); ++it) {
    if (node.is_object()) LT_RETURN_IF_ERROR(check_text(it.key()));
    LT_RETURN_IF_ERROR(check_node(*it, depth + 1, wide));
  }
  return absl::OkStatus();
}

// Checks everything that the canonical writer takes for granted; sets `wide` when an integer has to become a double.
absl::Status check_node(const nlohmann::json& node, int depth, bool& wide) {
  switch (node.type()) {
    case nlohmann::json::value_t::object:
    case nlohmann::json::value_t::array: return check_members(node, depth, wide);
    case nlohmann::json::value_t::string: return check_text(node.get_ref<const std::string&>());
    case nlohmann::json::value_t::number_integer:
    case nlohmann::json::value_t::number_unsigned:
    case nlohmann::json::value_t::number_float: return check_number(node, wide);
    case nlohmann::json::value_t::boolean:
    case nlohmann::json::value_t::null: return absl::OkStatus();
    default: return invalid("VALUE_WRONG_TYPE", "not a json value");
  }
}

void widen(nlohmann::json& node) {
  if (is_wide_integer(node)) node = as_double(node);
  if (!node.is_structured()) return;
  for (auto& child : node) widen(child);
}

}  // namespace

absl::StatusOr<std::string> canonical_json_value(const nlohmann::json& json) {
  if (json.is_null()) return invalid("VALUE_WRONG_TYPE", "json null is the absence of a value; leave the property out");
  bool wide = false;
  LT_RETURN_IF_ERROR(check_node(json, 0, wide));
  if (!wide) return canonical_json(json);
  nlohmann::json copy = json;
  widen(copy);
  return canonical_json(copy);
}

absl::Status check_json_text(std::string_view text) {
  const auto parsed = parse_json(text, kMaxJsonDepth);
  if (!parsed.ok()) return invalid("VALUE_WRONG_TYPE", message_of(parsed.status()));
  LT_ASSIGN_OR_RETURN(const std::string canonical, canonical_json_value(*parsed));
  if (canonical == text) return absl::OkStatus();
  return invalid("VALUE_WRONG_TYPE", "json \"" + cut(text) + "\" is not in its RFC 8785 form");
}

}  // namespace lt::feature::detail
