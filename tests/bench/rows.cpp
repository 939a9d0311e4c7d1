#include "rows.hpp"

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/value.hpp"
#include "pg/copy.hpp"

namespace lt::bench {

absl::StatusOr<std::vector<Feature>> read_features(const client::Client& client, const std::string& dataset,
                                                   std::size_t count) {
  LT_ASSIGN_OR_RETURN(auto reader, client.snapshot(dataset));
  std::vector<Feature> features;
  while (features.size() < count) {
    LT_ASSIGN_OR_RETURN(auto entry, reader.next());
    if (!entry) break;
    LT_ASSIGN_OR_RETURN(auto decoded, feature::decode_record(entry->record));
    features.push_back({std::move(entry->id), std::move(decoded.state)});
  }
  return features;
}

void edit(std::vector<Feature>& features, const feature::Schema& schema, int run) {
  for (const auto& field : schema.fields) {
    if (field.type != feature::FieldType::kString || !field.allowed.empty() || field.required) continue;
    for (auto& one : features) one.state.properties[field.number] = fmt::format("run {}", run);
    return;
  }
}

absl::Status create_limit_table(pg::Connection& connection, const std::string& table, int dataset) {
  return connection.execute_script(
      fmt::format("DROP TABLE IF EXISTS {0}; CREATE TABLE {0} AS SELECT version, fid, geom, props FROM "
                  "lienthong_data.feature_{1}; ALTER TABLE {0} ADD PRIMARY KEY (fid); CREATE INDEX ON {0} USING gist "
                  "(geom); ANALYZE {0}",
                  table, dataset));
}

std::string limit_rows(const std::vector<Feature>& features, int srid, const std::string& suffix) {
  constexpr int kColumns = 4;
  pg::CopyEncoder rows;
  for (const auto& one : features) {
    rows.begin_row(kColumns).add(std::int64_t{1}).add(one.id + suffix);
    if (one.state.geometry) {
      rows.add_bytes(geo::to_ewkb(*one.state.geometry, srid));
    } else {
      rows.add_null();
    }
    std::string json = "{";
    for (const auto& [number, value] : one.state.properties) {
      json += fmt::format("{}\"{}\":", json.size() > 1 ? "," : "", number);
      feature::append_json(json, value);
    }
    rows.add_jsonb(json + "}");
  }
  return rows.take();
}

}  // namespace lt::bench
