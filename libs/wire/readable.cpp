#include "wire/readable.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "feature/value.hpp"
#include "wire/json.hpp"

namespace lt::wire {

absl::Status state_to_readable(const feature::Schema& schema, const feature::State& state,
                               lienthong::v1::Feature* out) {
  if (state.geometry) out->set_wkb(state.geometry->wkb);
  nlohmann::json properties = nlohmann::json::object();
  for (const auto& [number, value] : state.properties) {
    const feature::Field* const field = schema.find(number);
    if (field == nullptr) {
      return make_error(absl::StatusCode::kInvalidArgument, "UNKNOWN_FIELD",
                        fmt::format("field number {} is not in the schema", number));
    }
    properties[field->name] = feature::value_to_json(value);
  }
  return json_to_struct(properties, out->mutable_properties(), kMaxPortableDepth);
}

}  // namespace lt::wire
