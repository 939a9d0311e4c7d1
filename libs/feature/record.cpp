#include "feature/record.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/schema.hpp"
#include "feature/text.hpp"

namespace lt::feature {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint64_t kNanBits = 0x7FF8'0000'0000'0000;
constexpr std::uint16_t kNoOffset = 0x7FFF;

std::uint64_t bits_of(double value) {
  if (std::isnan(value)) return kNanBits;
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

struct AppendValue {
  std::string& out;

  void operator()(const std::string& text) const { append_bytes(out, text); }
  void operator()(std::int64_t value) const { append_u64(out, static_cast<std::uint64_t>(value)); }
  void operator()(double value) const { append_u64(out, bits_of(value)); }
  void operator()(bool value) const { out.push_back(value ? '\1' : '\0'); }
  void operator()(Date date) const { append_u32(out, static_cast<std::uint32_t>(date.days)); }
  void operator()(Timestamp value) const {
    append_u64(out, static_cast<std::uint64_t>(value.us));
    append_u16(out, value.offset_minutes ? static_cast<std::uint16_t>(*value.offset_minutes) : kNoOffset);
  }
  void operator()(const Decimal& value) const { append_bytes(out, value.text); }
  void operator()(const Bytes& value) const { append_bytes(out, value.bytes); }
  void operator()(const StringList& list) const {
    append_uvarint(out, list.size());
    for (const std::string& item : list) append_bytes(out, item);
  }
  void operator()(const Json& json) const { append_bytes(out, json.text); }
};

// One pass over the bytes of a record; remembers where it is for messages.
class Decoder {
 public:
  Decoder(std::string_view record, const geo::GeometryLimits* limits)
      : size_(record.size()), reader_(record), limits_(limits) {}

  absl::StatusOr<DecodedRecord> run() {
    DecodedRecord decoded;
    LT_RETURN_IF_ERROR(read_revision(decoded.schema_revision));
    const auto format = reader_.u8();
    if (!format) return malformed("the format byte is missing");
    if (*format != kFormat) return malformed(fmt::format("format {} is not known; this reader knows 1", *format));
    LT_RETURN_IF_ERROR(read_geometry(decoded.state.geometry));
    LT_RETURN_IF_ERROR(read_properties(decoded.state.properties));
    if (!reader_.at_end()) return malformed(fmt::format("{} bytes follow the last property", reader_.remaining()));
    return decoded;
  }

 private:
  [[nodiscard]] absl::Status malformed(std::string_view what) const {
    return make_error(absl::StatusCode::kInvalidArgument, "RECORD_MALFORMED",
                      fmt::format("record is not canonical near byte {}: {}", size_ - reader_.remaining(), what));
  }

  absl::Status read_revision(std::int32_t& revision) {
    const auto raw = reader_.u32();
    if (!raw) return malformed("the schema revision is cut off");
    if (*raw == 0 || *raw > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) {
      return malformed(fmt::format("schema revision {} is outside 1..2^31 - 1", *raw));
    }
    revision = static_cast<std::int32_t>(*raw);
    return absl::OkStatus();
  }

  absl::Status read_geometry(std::optional<geo::Geometry>& out) {
    const auto wkb = reader_.bytes();
    if (!wkb) return malformed("the geometry is cut off or its length is no shortest uvarint");
    if (wkb->empty()) return absl::OkStatus();
    auto geometry = limits_ ? geo::parse_wkb(*wkb, 0, *limits_) : geo::read_canonical_wkb(*wkb);
    if (!geometry.ok() && limits_) return annotate(geometry.status(), "geometry of the record");
    if (!geometry.ok()) return malformed(message_of(geometry.status()));
    if (geometry->wkb != *wkb) return malformed("the geometry is not canonical WKB");
    out = *std::move(geometry);
    return absl::OkStatus();
  }

  absl::Status read_properties(std::map<std::int32_t, Value>& out) {
    const auto count = reader_.uvarint();
    if (!count) return malformed("the property count is cut off or no shortest uvarint");
    if (*count > kMaxProperties)
      return malformed(fmt::format("{} properties are more than {}", *count, kMaxProperties));
    std::uint64_t previous = 0;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto number = reader_.uvarint();
      if (!number) return malformed("a field number is cut off or no shortest uvarint");
      if (*number <= previous) return malformed(fmt::format("field number {} does not follow {}", *number, previous));
      if (*number > static_cast<std::uint64_t>(kMaxFieldNumber)) {
        return malformed(fmt::format("field number {} is beyond {}", *number, kMaxFieldNumber));
      }
      previous = *number;
      LT_ASSIGN_OR_RETURN(Value value, read_value(*number));
      out.emplace_hint(out.end(), static_cast<std::int32_t>(*number), std::move(value));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Value> read_value(std::uint64_t number) {
    const auto tag = reader_.u8();
    if (!tag) return malformed(fmt::format("the type of field {} is cut off", number));
    auto value = read_typed(*tag);
    if (!value)
      return malformed(fmt::format("the value of field {} (type tag {}) is cut off or malformed", number, *tag));
    const absl::Status checked = check_value(*value);
    if (!checked.ok()) return malformed(fmt::format("field {}: {}", number, message_of(checked)));
    return *std::move(value);
  }

  std::optional<Value> read_typed(std::uint8_t tag) {
    switch (static_cast<FieldType>(tag)) {
      case FieldType::kString: return text<std::string>();
      case FieldType::kInt64: return map(reader_.u64(), [](auto v) { return static_cast<std::int64_t>(v); });
      case FieldType::kDouble: return read_double();
      case FieldType::kBool: return read_bool();
      case FieldType::kDate: return map(reader_.u32(), [](auto v) { return Date{static_cast<std::int32_t>(v)}; });
      case FieldType::kTimestamp: return read_timestamp();
      case FieldType::kDecimal: return text<Decimal>();
      case FieldType::kBytes: return text<Bytes>();
      case FieldType::kStringList: return read_list();
      case FieldType::kJson: return text<Json>();
    }
    return std::nullopt;
  }

  template <typename Raw, typename Make>
  static std::optional<Value> map(const std::optional<Raw>& raw, Make make) {
    if (!raw) return std::nullopt;
    return Value(make(*raw));
  }

  template <typename T>
  std::optional<Value> text() {
    return map(reader_.bytes(), [](std::string_view raw) { return T{std::string(raw)}; });
  }

  std::optional<Value> read_double() {
    const auto bits = reader_.u64();
    if (!bits) return std::nullopt;
    double value = 0;
    std::memcpy(&value, &*bits, sizeof value);
    if (bits_of(value) != *bits) return std::nullopt;  // a NaN other than the canonical one
    return Value(value);
  }

  std::optional<Value> read_bool() {
    const auto raw = reader_.u8();
    if (!raw || *raw > 1) return std::nullopt;
    return Value(*raw == 1);
  }

  std::optional<Value> read_timestamp() {
    const auto us = reader_.u64();
    const auto offset = reader_.u16();
    if (!us || !offset) return std::nullopt;
    Timestamp value{static_cast<std::int64_t>(*us), std::nullopt};
    if (*offset != kNoOffset) value.offset_minutes = static_cast<std::int16_t>(*offset);
    return Value(value);
  }

  std::optional<Value> read_list() {
    const auto count = reader_.uvarint();
    // Each item takes a byte at least: a hostile count cannot ask for memory that the record does not have.
    if (!count || *count > reader_.remaining()) return std::nullopt;
    StringList list;
    for (std::uint64_t i = 0; i < *count; ++i) {
      const auto item = reader_.bytes();
      if (!item) return std::nullopt;
      list.emplace_back(*item);
    }
    return Value(std::move(list));
  }

  std::size_t size_;
  ByteReader reader_;
  const geo::GeometryLimits* limits_;
};

}  // namespace

std::string encode_record(std::int32_t schema_revision, const State& state) {
  constexpr std::size_t kBytesPerProperty = 16;  // a guess that saves most growth
  std::string out;
  const std::size_t wkb_size = state.geometry ? state.geometry->wkb.size() : 0;
  out.reserve(kRecordPrefixBytes + wkb_size + state.properties.size() * kBytesPerProperty + kBytesPerProperty);
  append_u32(out, static_cast<std::uint32_t>(schema_revision));
  out.push_back(static_cast<char>(kFormat));
  append_bytes(out, state.geometry ? std::string_view(state.geometry->wkb) : std::string_view());
  append_uvarint(out, state.properties.size());
  for (const auto& [number, value] : state.properties) {
    append_uvarint(out, static_cast<std::uint64_t>(number));
    out.push_back(static_cast<char>(type_of(value)));
    std::visit(AppendValue{out}, value);
  }
  return out;
}

absl::StatusOr<DecodedRecord> decode_record(std::string_view record) { return Decoder(record, nullptr).run(); }

absl::StatusOr<DecodedRecord> decode_record(std::string_view record, const geo::GeometryLimits& limits) {
  return Decoder(record, &limits).run();
}

Digest content_hash(std::string_view record) { return sha256(record.substr(kRecordPrefixBytes)); }

absl::Status check_feature_id(std::string_view id) {
  const auto invalid = [](std::string_view reason, const std::string& message) {
    return make_error(absl::StatusCode::kInvalidArgument, reason, message);
  };
  if (id.empty())
    return invalid("FEATURE_ID_MISSING", "feature has no id; the publisher chooses one that stays the same");
  if (id.size() > kMaxFeatureIdBytes) {
    return invalid("FEATURE_ID_TOO_LONG", fmt::format("feature id \"{}\" has {} bytes; at most {} are allowed", cut(id),
                                                      id.size(), kMaxFeatureIdBytes));
  }
  if (!is_utf8(id)) return invalid("FEATURE_ID_INVALID", fmt::format("feature id \"{}\" is not UTF-8", cut(id)));
  if (has_control_character(id)) {
    return invalid("FEATURE_ID_INVALID", fmt::format("feature id \"{}\" has a control character; remove it", cut(id)));
  }
  return absl::OkStatus();
}

}  // namespace lt::feature
