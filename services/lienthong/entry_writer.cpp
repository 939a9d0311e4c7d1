#include "lienthong/entry_writer.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"

namespace lt::cli {
namespace {

constexpr const char* kWgs84 = "EPSG:4326";
constexpr std::size_t kShownValueBytes = 40;

std::string quoted(const std::string& text) { return nlohmann::json(text).dump(); }

std::string short_value(const std::string& text) {
  if (text.size() <= kShownValueBytes) return text;
  std::size_t cut = kShownValueBytes;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0U) == 0x80U) --cut;  // never inside a character
  return text.substr(0, cut) + "…";
}

std::string shown(const nlohmann::ordered_json& properties, const std::string& name) {
  const auto found = properties.find(name);
  return found == properties.end() ? "null" : short_value(found->dump());
}

}  // namespace

absl::StatusOr<EntryWriter> EntryWriter::create(feature::Schema schema, const std::string& as_read) {
  EntryWriter writer(std::move(schema));
  if (writer.schema_.crs.empty() || !as_read.empty()) return writer;
  LT_ASSIGN_OR_RETURN(const geo::Crs from, geo::find_crs(writer.schema_.crs));
  LT_ASSIGN_OR_RETURN(const geo::Crs to, geo::find_crs(kWgs84));
  LT_ASSIGN_OR_RETURN(auto transformer, geo::Transformer::create(from, to));
  if (!transformer.is_identity()) writer.to_wgs84_ = std::move(transformer);
  return writer;
}

absl::StatusOr<std::string> EntryWriter::to_json(const feature::Entry& entry, bool with_before) const {
  LT_ASSIGN_OR_RETURN(const std::string after, state_members(entry.record));
  std::string line = fmt::format(R"({{"op":"{}","id":{},{},"version":{})", feature::to_string(entry.op),
                                 quoted(entry.id), after, entry.version);
  if (with_before) {
    LT_ASSIGN_OR_RETURN(const std::string before, state_to_json(entry.before));
    line += R"(,"before":)" + before;
  }
  return line + "}";
}

absl::StatusOr<std::string> EntryWriter::state_to_json(const std::string& record) const {
  if (record.empty()) return std::string("null");
  LT_ASSIGN_OR_RETURN(const std::string members, state_members(record));
  return "{" + members + "}";
}

absl::StatusOr<std::string> EntryWriter::state_members(const std::string& record) const {
  if (record.empty()) return std::string(R"("geometry":null,"properties":null)");
  LT_ASSIGN_OR_RETURN(const feature::DecodedRecord decoded, feature::decode_record(record));
  LT_ASSIGN_OR_RETURN(const std::string geometry, geometry_text(decoded.state));
  return fmt::format(R"("geometry":{},"properties":{})", geometry, properties_of(decoded.state).dump());
}

absl::StatusOr<std::string> EntryWriter::geometry_text(const feature::State& state) const {
  if (!state.geometry) return std::string("null");
  if (!to_wgs84_) return geo::to_geojson(*state.geometry);
  LT_ASSIGN_OR_RETURN(const geo::Geometry transformed, to_wgs84_->transform(*state.geometry));
  return geo::to_geojson(transformed);
}

nlohmann::ordered_json EntryWriter::properties_of(const feature::State& state) const {
  nlohmann::ordered_json properties = nlohmann::ordered_json::object();
  for (const auto& [number, value] : state.properties) {
    const feature::Field* field = schema_.find(number);
    // A field that only a newer schema knows still shows, under its number.
    properties[field != nullptr ? field->name : "#" + std::to_string(number)] = feature::value_to_json(value);
  }
  return properties;
}

absl::StatusOr<std::string> EntryWriter::to_text(const feature::Entry& entry) const {
  LT_ASSIGN_OR_RETURN(const std::string changed, difference(entry));
  return fmt::format("{:<7} v{:<5} {:<24} {}", feature::to_string(entry.op), entry.version, entry.id, changed);
}

absl::StatusOr<std::string> EntryWriter::difference(const feature::Entry& entry) const {
  if (entry.record.empty()) return std::string();
  LT_ASSIGN_OR_RETURN(const feature::DecodedRecord after, feature::decode_record(entry.record));
  const nlohmann::ordered_json now = properties_of(after.state);
  if (entry.before.empty()) return short_value(now.dump());
  LT_ASSIGN_OR_RETURN(const feature::DecodedRecord before, feature::decode_record(entry.before));
  const nlohmann::ordered_json then = properties_of(before.state);
  std::string text;
  for (const feature::Field& field : schema_.fields) {
    if (then.value(field.name, nlohmann::ordered_json()) == now.value(field.name, nlohmann::ordered_json())) continue;
    text += fmt::format("{}{}: {} → {}", text.empty() ? "" : "; ", field.name, shown(then, field.name),
                        shown(now, field.name));
  }
  if (before.state.geometry != after.state.geometry) text += text.empty() ? "geometry" : "; geometry";
  return text;
}

}  // namespace lt::cli
