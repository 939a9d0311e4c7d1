#include "rules/repair.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "feature/text.hpp"

namespace lt::rules {
namespace {

using feature::cut;
using feature::Finding;
using feature::State;
using feature::Value;
using geo::GeometryType;

// WKB of a multi geometry of one part: byte order, type code, number of parts, the part.
constexpr char kLittleEndian = 1;
constexpr std::uint32_t kDimensionStep = 1000;

const icu::Normalizer2& nfc() {
  UErrorCode error = U_ZERO_ERROR;
  static const icu::Normalizer2* const instance = icu::Normalizer2::getNFCInstance(error);
  return *instance;  // its data is part of the ICU library: there is nothing that could be missing
}

// The text in form C; nothing when it is already.
std::optional<std::string> normalized(const std::string& text) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (ascii) return std::nullopt;
  UErrorCode error = U_ZERO_ERROR;
  const icu::StringPiece piece(text.data(), static_cast<std::int32_t>(text.size()));
  if (nfc().isNormalizedUTF8(piece, error) || U_FAILURE(error)) return std::nullopt;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  nfc().normalizeUTF8(0, piece, sink, nullptr, error);
  if (U_FAILURE(error) || out == text) return std::nullopt;
  return out;
}

// What changed in a value: the first text before and after, and where it stands.
struct TextChange {
  std::string before, after, place;
};

std::optional<TextChange> normalize(std::string& text) {
  auto after = normalized(text);
  if (!after) return std::nullopt;
  TextChange change{text, *after, {}};
  text = *std::move(after);
  return change;
}

std::optional<TextChange> normalize(feature::StringList& list) {
  std::optional<TextChange> first;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto change = normalize(list[i]);
    if (!change || first) continue;
    change->place = fmt::format("[{}]", i);
    first = std::move(change);
  }
  return first;
}

// A copy in form C; nothing when two names of one object would become equal. `first` gets the first change.
std::optional<nlohmann::json> normalized(const nlohmann::json& json, const std::string& path,
                                         std::optional<TextChange>& first) {
  const auto take = [&first, &path](std::string text) {
    auto change = normalize(text);
    if (change && !first) {
      change->place = path;
      first = std::move(change);
    }
    return text;
  };
  if (json.is_string()) return take(json.get<std::string>());
  if (json.is_array()) {
    auto out = nlohmann::json::array();
    for (std::size_t i = 0; i < json.size(); ++i) {
      auto item = normalized(json[i], fmt::format("{}[{}]", path, i), first);
      if (!item) return std::nullopt;
      out.push_back(*std::move(item));
    }
    return out;
  }
  if (!json.is_object()) return json;
  auto out = nlohmann::json::object();
  for (const auto& [name, value] : json.items()) {
    const std::string name_after = take(name);
    if (out.contains(name_after)) return std::nullopt;
    auto item = normalized(value, path.empty() ? name_after : path + "." + name_after, first);
    if (!item) return std::nullopt;
    out[name_after] = *std::move(item);
  }
  return out;
}

std::optional<TextChange> normalize(feature::Json& json) {
  if (!normalized(json.text)) return std::nullopt;
  const auto parsed = parse_json(json.text, feature::kMaxJsonDepth);
  if (!parsed.ok()) return std::nullopt;
  std::optional<TextChange> first;
  const auto after = normalized(*parsed, "", first);
  if (!after || !first) return std::nullopt;
  auto value = feature::value_from_json(feature::FieldType::kJson, *after);
  if (!value.ok()) return std::nullopt;
  json = std::get<feature::Json>(*std::move(value));
  return first;
}

std::optional<TextChange> normalize(Value& value) {
  if (auto* text = std::get_if<std::string>(&value)) return normalize(*text);
  if (auto* list = std::get_if<feature::StringList>(&value)) return normalize(*list);
  if (auto* json = std::get_if<feature::Json>(&value)) return normalize(*json);
  return std::nullopt;
}

Finding text_finding(std::string_view feature_id, const std::string& field, TextChange change) {
  const std::size_t before = utf8_length(change.before);
  const std::size_t after = utf8_length(change.after);
  return {"F01",
          feature::Severity::kInfo,
          "TEXT_NORMALIZED",
          std::string(feature_id),
          field,
          std::move(change.place),
          fmt::format("trường \"{}\": văn bản đã được chuẩn hóa Unicode NFC, từ \"{}\" ({} ký tự) thành \"{}\" ({} ký "
                      "tự); hãy sửa ở nguồn",
                      cut(field), cut(change.before), before, cut(change.after), after),
          fmt::format("field \"{}\": text was normalized to Unicode NFC, from \"{}\" ({} characters) to \"{}\" ({} "
                      "characters); correct it at the source",
                      cut(field), cut(change.before), before, cut(change.after), after)};
}

std::optional<GeometryType> multi_of(GeometryType type) {
  switch (type) {
    case GeometryType::kPoint: return GeometryType::kMultiPoint;
    case GeometryType::kLineString: return GeometryType::kMultiLineString;
    case GeometryType::kPolygon: return GeometryType::kMultiPolygon;
    default: return std::nullopt;
  }
}

void promote(geo::Geometry& geometry, GeometryType type) {
  const auto code = static_cast<std::uint32_t>(type) + kDimensionStep * static_cast<std::uint32_t>(geometry.dimension);
  std::string wkb(1, kLittleEndian);
  append_u32(wkb, code);
  append_u32(wkb, geometry.empty ? 0 : 1);
  if (!geometry.empty) wkb += geometry.wkb;
  geometry.wkb = std::move(wkb);
  geometry.type = type;
}

Finding promote_finding(std::string_view feature_id, GeometryType before, GeometryType after) {
  return {"G02",
          feature::Severity::kInfo,
          "GEOMETRY_PROMOTED",
          std::string(feature_id),
          std::string(feature::kGeometryName),
          {},
          fmt::format("hình học {} đã được chuyển thành {} gồm một phần, theo kiểu của tập dữ liệu", to_string(before),
                      to_string(after)),
          fmt::format("the {} became a {} of one part, the type of the dataset", to_string(before), to_string(after))};
}

}  // namespace

Repairer::Repairer(const feature::Schema& schema, const std::vector<feature::Repair>& repairs) : schema_(schema) {
  for (const auto repair : repairs) {
    if (repair == feature::Repair::kNfc) nfc_ = true;
    if (repair == feature::Repair::kPromoteToMulti) promote_ = true;
  }
}

std::vector<Finding> Repairer::repair(std::string_view feature_id, State& state) const {
  std::vector<Finding> findings;
  if (nfc_) {
    for (auto& [number, value] : state.properties) {
      auto change = normalize(value);
      if (!change) continue;
      const feature::Field* field = schema_.find(number);
      const std::string name = field != nullptr ? field->name : std::to_string(number);
      findings.push_back(text_finding(feature_id, name, *std::move(change)));
    }
  }
  if (promote_ && state.geometry && !schema_.geometry.allows(state.geometry->type)) {
    const GeometryType before = state.geometry->type;
    const auto after = multi_of(before);
    if (after && schema_.geometry.allows(*after)) {
      promote(*state.geometry, *after);
      findings.push_back(promote_finding(feature_id, before, *after));
    }
  }
  return findings;
}

}  // namespace lt::rules
