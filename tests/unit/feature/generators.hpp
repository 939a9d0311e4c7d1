// Random schemas, states and values for property tests. Everything follows from a seed that tests print.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "feature/record.hpp"
#include "feature/schema.hpp"
#include "feature/value.hpp"
#include "geo/geometry.hpp"

namespace lt::feature::test {

/// LT_TEST_SEED, or a fixed one, so that a failing run can be repeated and a passing one means something.
inline std::uint64_t seed() {
  constexpr std::uint64_t kDefault = 20240506;
  const char* text = std::getenv("LT_TEST_SEED");
  return text ? std::strtoull(text, nullptr, 10) : kDefault;
}

class Random {
 public:
  explicit Random(std::uint64_t from) : engine_(from) {}

  std::uint64_t bits() { return engine_(); }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  template <typename T>
  T pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937_64 engine_;
};

inline std::string random_text(Random& random) {
  static const std::vector<std::string> kPieces{
      "a", "Z", "0", " ",         "\"", "\\", "\n",   "\t",           "đ", "Hà", "ộ", "\x01",
      "/", "<", "é", "e\xCC\x81", "漢", "😀",  "\x7F", "\xEF\xBF\xBF", "'"};
  std::string out;
  for (std::size_t n = random.below(12); n > 0; --n) out += random.pick(kPieces);
  return out;
}

inline std::int64_t random_int64(Random& random) {
  constexpr std::int64_t kExact = (std::int64_t{1} << 53) - 1;
  static const std::vector<std::int64_t> kEdges{0,
                                                -1,
                                                kExact,
                                                -kExact,
                                                kExact + 1,
                                                -kExact - 1,
                                                std::numeric_limits<std::int64_t>::max(),
                                                std::numeric_limits<std::int64_t>::min()};
  if (random.one_in(2)) return random.pick(kEdges);
  return static_cast<std::int64_t>(random.bits() >> random.below(64));
}

inline double random_finite(Random& random) {
  static const std::vector<double> kEdges{0.0,
                                          -0.0,
                                          0.1,
                                          1e21,
                                          1e-7,
                                          9007199254740993.0,
                                          std::numeric_limits<double>::max(),
                                          std::numeric_limits<double>::denorm_min(),
                                          -1.5};
  if (random.one_in(2)) return random.pick(kEdges);
  const double value = std::bit_cast<double>(random.bits());
  return std::isfinite(value) ? value : 0.5;
}

/// Without NaN, which equals nothing.
inline double random_double(Random& random) {
  if (random.one_in(10)) return std::numeric_limits<double>::infinity() * (random.one_in(2) ? 1 : -1);
  return random_finite(random);
}

inline Timestamp random_timestamp(Random& random) {
  constexpr std::int64_t kUsPerDay = 86'400'000'000, kUsPerMinute = 60'000'000;
  const std::int64_t first = kMinDate * kUsPerDay, last = (std::int64_t{kMaxDate} + 1) * kUsPerDay - 1;
  const std::int64_t local = random.one_in(4) ? (random.one_in(2) ? first : last) : random.between(first, last);
  if (random.one_in(3)) return {local, std::nullopt};
  const auto offset = static_cast<std::int16_t>(random.between(-1080, 1080));
  return {local - offset * kUsPerMinute, offset};
}

inline Decimal random_decimal(Random& random) {
  std::string text = random.one_in(2) ? "-" : "";
  text += random.one_in(3) ? "0" : std::to_string(1 + (random.bits() >> random.below(60) >> 1));
  if (random.one_in(2)) text += "." + std::to_string(random.bits()) + (random.one_in(2) ? "00" : "");
  return {text};
}

inline Json random_json(Random& random) {
  static const std::vector<std::string> kTexts{"{}",
                                               "[]",
                                               "true",
                                               "0",
                                               "\"\"",
                                               "\"\\u001f\\n€\"",
                                               "1e+300",
                                               "9007199254740992",
                                               "9223372036854776000",
                                               "100000000000000000000",
                                               "1e+21",
                                               "-1e-7",
                                               R"({"":null,"a":[1,{"b":"đ"}],"é":0.1})",
                                               "[null]",
                                               "5e-324"};
  return {random.pick(kTexts)};
}

inline Value random_value(FieldType type, Random& random) {
  switch (type) {
    case FieldType::kString: return random_text(random);
    case FieldType::kInt64: return random_int64(random);
    case FieldType::kDouble: return random_double(random);
    case FieldType::kBool: return random.one_in(2);
    case FieldType::kDate: return Date{static_cast<std::int32_t>(random.between(kMinDate, kMaxDate))};
    case FieldType::kTimestamp: return random_timestamp(random);
    case FieldType::kDecimal: return random_decimal(random);
    case FieldType::kBytes: {
      std::string bytes;
      for (std::size_t n = random.below(20); n > 0; --n) bytes.push_back(static_cast<char>(random.bits() & 0xFF));
      return Bytes{bytes};
    }
    case FieldType::kStringList: {
      StringList list;
      for (std::size_t n = random.below(4); n > 0; --n) list.push_back(random_text(random));
      return list;
    }
    case FieldType::kJson: break;
  }
  return random_json(random);
}

inline FieldType random_type(Random& random) { return static_cast<FieldType>(1 + random.below(10)); }

inline geo::Geometry random_geometry(Random& random) {
  static const std::vector<std::string> kTexts{"POINT EMPTY",
                                               "POINT (106.7 10.8)",
                                               "POINT Z (-0.0 1e-300 5)",
                                               "POINT M (1 2 3)",
                                               "LINESTRING (0 0, 1 1.5)",
                                               "LINESTRING EMPTY",
                                               "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
                                               "POLYGON ZM ((0 0 1 2, 1 0 1 2, 1 1 1 2, 0 0 1 2))",
                                               "MULTIPOINT ((1 2), EMPTY)",
                                               "MULTILINESTRING ((0 0, 1 1), (2 2, 3 3))",
                                               "MULTIPOLYGON EMPTY",
                                               "GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (0 0, 1 1))"};
  return geo::parse_wkt(random.pick(kTexts)).value();
}

inline State random_state(Random& random) {
  State state;
  if (!random.one_in(4)) state.geometry = random_geometry(random);
  for (std::size_t n = random.below(8); n > 0; --n) {
    const std::int64_t highest = random.one_in(2) ? 20 : kMaxFieldNumber;
    const auto number = static_cast<std::int32_t>(random.between(1, highest));
    state.properties.insert_or_assign(number, random_value(random_type(random), random));
  }
  return state;
}

inline Field random_field(std::int32_t number, Random& random) {
  Field field;
  field.number = number;
  field.name = "f" + std::to_string(number) + (random.one_in(3) ? " đường" : "");
  field.type = random_type(random);
  field.required = random.one_in(3);
  const bool text = field.type == FieldType::kString || field.type == FieldType::kStringList;
  const bool numeric =
      field.type == FieldType::kInt64 || field.type == FieldType::kDouble || field.type == FieldType::kDecimal;
  if (text && random.one_in(2)) field.allowed = {"QL", "ĐT", "\"x\""};
  if (numeric && random.one_in(2)) field.minimum = -std::abs(random_finite(random));
  if (numeric && random.one_in(2)) field.maximum = std::abs(random_finite(random));
  if (text && random.one_in(2)) field.max_length = static_cast<std::int32_t>(random.between(3, 1 << 30));
  field.allow_non_finite = field.type == FieldType::kDouble && random.one_in(2);
  if (random.one_in(3)) field.title_vi = "Tên đường";
  if (random.one_in(3)) field.title_en = "Road name";
  if (random.one_in(3)) field.unit = "m³/ngày";
  return field;
}

inline Schema random_schema(Random& random) {
  Schema schema;
  schema.revision = static_cast<std::int32_t>(random.between(1, 1000));
  if (!random.one_in(4)) {
    schema.crs = random.pick(std::vector<std::string>{"EPSG:4326", "EPSG:9210", "EPSG:3405"});
    schema.geometry.types = {static_cast<geo::GeometryType>(random.below(8))};
    if (random.one_in(2)) schema.geometry.dimensions = {geo::Dimension::kXYZ, geo::Dimension::kXY};
    schema.geometry.nullable = random.one_in(2);
  }
  std::int32_t number = 0;
  for (std::size_t n = random.below(8); n > 0; --n) {
    number += static_cast<std::int32_t>(random.between(1, 100));
    schema.fields.push_back(random_field(number, random));
  }
  return schema;
}

/// One to three bytes changed, removed, added or repeated.
inline std::string mutate(std::string bytes, Random& random) {
  for (std::size_t n = 1 + random.below(3); n > 0; --n) {
    const std::size_t at = random.below(bytes.size() + 1);
    const char byte = static_cast<char>(random.bits() & 0xFF);
    switch (random.below(5)) {
      case 0: bytes.insert(at, 1, byte); break;
      case 1: bytes.erase(at, 1 + random.below(3)); break;
      case 2: bytes.resize(at); break;
      case 3:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
        break;
      default:
        if (at < bytes.size()) bytes[at] = byte;
    }
  }
  return bytes;
}

}  // namespace lt::feature::test
