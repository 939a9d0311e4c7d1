#include "storage/detail/staged_row.hpp"

#include <nlohmann/json.hpp>

#include "feature/value.hpp"

namespace lt::storage {
namespace {

// Properties by field number, for SQL.
std::string properties_json(const feature::State& state) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [number, value] : state.properties) json[std::to_string(number)] = feature::value_to_json(value);
  return json.dump();
}

}  // namespace

void add_box(pg::CopyEncoder& row, const feature::State* state) {
  const auto box = state && state->geometry ? geo::round_outwards(state->geometry->box) : std::nullopt;
  for (std::size_t i = 0; i < 4; ++i) {
    if (box) {
      row.add((*box)[i]);
    } else {
      row.add_null();
    }
  }
}

void add_nulls(pg::CopyEncoder& row, int columns) {
  for (int i = 0; i < columns; ++i) row.add_null();
}

void add_whole_state(pg::CopyEncoder& row, std::string_view record, const feature::State& state, int srid) {
  row.add_bytes(view(feature::content_hash(record)));
  if (state.geometry) {
    row.add_bytes(geo::to_ewkb(*state.geometry, srid));
  } else {
    row.add_null();
  }
  row.add_jsonb(properties_json(state));
  row.add_bytes(record);
}

}  // namespace lt::storage
