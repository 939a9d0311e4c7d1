#include "storage/detail/staged_row.hpp"

#include "feature/value.hpp"

namespace lt::storage {
namespace {

// Properties by field number, for SQL.
std::string properties_json(const feature::State& state) {
  std::string json = "{";
  for (const auto& [number, value] : state.properties) {
    if (json.size() > 1) json += ',';
    json.append("\"").append(std::to_string(number)).append("\":");
    feature::append_json(json, value);
  }
  json += '}';
  return json;
}

// geom, props.
void add_columns(pg::CopyEncoder& row, const feature::State& state, int srid) {
  if (state.geometry) {
    row.add_bytes(geo::to_ewkb(*state.geometry, srid));
  } else {
    row.add_null();
  }
  row.add_jsonb(properties_json(state));
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

void add_whole_state(pg::CopyEncoder& row, std::string_view record, const Digest& content, const feature::State& state,
                     int srid) {
  row.add_bytes(view(content));
  add_columns(row, state, srid);
  row.add_bytes(record);
}

void add_source(pg::CopyEncoder& row, const std::optional<Digest>& source_hash) {
  if (source_hash) {
    row.add_bytes(view(*source_hash));
  } else {
    row.add_null();
  }
}

void add_loaded(pg::CopyEncoder& feature_row, pg::CopyEncoder& log_row, std::string_view id, std::string_view record,
                const Digest& content, const std::optional<Digest>& source_hash, const feature::State& state,
                int srid) {
  constexpr std::int64_t kVersion = 1, kNoVersion = 0;
  constexpr int kFeatureColumns = 11, kLogColumns = 11;
  constexpr char kInserted = 'I';
  feature_row.begin_row(kFeatureColumns).add(kVersion).add_char(kInserted);
  add_box(feature_row, &state);
  feature_row.add(id).add_bytes(view(content));
  add_source(feature_row, source_hash);
  add_columns(feature_row, state, srid);
  log_row.begin_row(kLogColumns).add(kVersion).add(kNoVersion).add(static_cast<std::int32_t>(record.size()));
  add_box(log_row, &state);
  log_row.add_char(kInserted).add(id).add_bytes(view(content)).add_bytes(record);
}

}  // namespace lt::storage
