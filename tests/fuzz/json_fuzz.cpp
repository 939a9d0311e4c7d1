// JSON text from outside: any document, property values, receipts to be verified, schemas.
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "base/time.hpp"
#include "feature/receipt.hpp"
#include "feature/schema.hpp"
#include "feature/value.hpp"
#include "support.hpp"

namespace {

using namespace lt;

constexpr int kFieldTypes = 10;
constexpr int kMaxMembers = 6;

void require_canonical(const nlohmann::json& json) {
  const auto text = canonical_json(json);
  if (!text.ok()) return;
  const auto parsed = parse_json(*text);
  fuzz::require(parsed.ok(), "canonical JSON is well-formed");
  const auto again = canonical_json(*parsed);
  // 1e16 is written as an integer that is too large to be read as one.
  if (again.ok()) fuzz::require(*again == *text, "canonical JSON is its own canonical form");
}

void require_values(const nlohmann::json& json) {
  for (int type = 1; type <= kFieldTypes; ++type) {
    const auto value = feature::value_from_json(static_cast<feature::FieldType>(type), json);
    if (!value.ok()) {
      fuzz::require_refusal(value.status());
      continue;
    }
    fuzz::require(static_cast<int>(feature::type_of(*value)) == type, "a value has the type asked for");
    feature::State state;
    state.properties.emplace(type, *value);
    fuzz::require_state(state);
  }
}

void require_receipt(std::string_view text) {
  const auto receipt = feature::receipt_from_json(text);
  if (!receipt.ok()) return fuzz::require_refusal(receipt.status());
  const nlohmann::json json = feature::receipt_to_json(*receipt);
  const auto again = feature::receipt_from_json(json.dump());
  fuzz::require(again.ok() && *again == *receipt, "a receipt reads back");
  fuzz::require(feature::receipt_to_json(*again) == json, "a receipt has one JSON");
  fuzz::require(feature::receipt_digest(*again) == feature::receipt_digest(*receipt), "a receipt's digest is stable");
}

void require_schema(const nlohmann::json& json) {
  const auto schema = feature::schema_from_json(json);
  if (!schema.ok()) return fuzz::require_refusal(schema.status());
  const auto checked = feature::check_schema(*schema);
  if (!checked.ok()) return fuzz::require_refusal(checked);
  const auto again = feature::schema_from_json(feature::schema_to_json(*schema));
  fuzz::require(again.ok() && *again == *schema, "a schema that can be stored reads back");
}

void require_times(std::string_view text) {
  if (const auto time = parse_rfc3339(text); time.ok()) {
    fuzz::require(is_valid(*time), "a time that was read is valid");
    const auto again = parse_rfc3339(format_rfc3339(*time));
    fuzz::require(again.ok() && *again == *time, "a time reads back");
  }
  if (const auto day = parse_date(text); day.ok()) fuzz::require(format_date(*day) == text, "a date has one form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  require_receipt(text);
  require_times(text);
  const auto json = parse_json(text);
  if (!json.ok()) return 0;
  require_canonical(*json);
  require_values(*json);
  require_schema(*json);
  if (!json->is_object()) return 0;
  // Members of a document as values of their own: a seed of real properties reaches every type.
  int left = kMaxMembers;
  for (const auto& member : *json) {
    if (left-- == 0) break;
    require_values(member);
  }
  return 0;
}
