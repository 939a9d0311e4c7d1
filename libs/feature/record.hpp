// The canonical record: one feature's state as exact bytes. Format: docs/canonical.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "base/bytes.hpp"
#include "feature/value.hpp"
#include "geo/geometry.hpp"

namespace lt::feature {

/// The state of one feature, without its id.
struct State {
  std::optional<geo::Geometry> geometry;     ///< in the dataset's CRS, x = easting or longitude first
  std::map<std::int32_t, Value> properties;  ///< by field number; absent = null
  bool operator==(const State&) const = default;
};

struct DecodedRecord {
  std::int32_t schema_revision = 0;
  State state;
};

/// Bytes of the schema revision before the hashed part.
inline constexpr std::size_t kRecordPrefixBytes = 4;

inline constexpr std::size_t kMaxProperties = 10'000;
inline constexpr std::size_t kMaxFeatureIdBytes = 128;

/// Schema revision, then the hashed part. `state` holds what check_value() accepts under numbers 1..10,000; NaNs of any
/// bits become the one canonical NaN.
[[nodiscard]] std::string encode_record(std::int32_t schema_revision, const State& state);

/// Reads a record that was accepted before. Only the one canonical form is accepted, so that encode_record() of the
/// result gives the same bytes; memory is bounded by the record's size. Errors: INVALID_ARGUMENT RECORD_MALFORMED (the
/// message says what and near which byte).
[[nodiscard]] absl::StatusOr<DecodedRecord> decode_record(std::string_view record);

/// The same for what a peer sent, with limits to its geometry.
/// Errors: as above, or a geometry reason of geo/geometry.hpp (RESOURCE_EXHAUSTED GEOMETRY_TOO_LARGE for a limit).
[[nodiscard]] absl::StatusOr<DecodedRecord> decode_record(std::string_view record, const geo::GeometryLimits& limits);

/// SHA-256 of the record without its revision prefix: the one meaning of equality. `record` has at least the prefix.
[[nodiscard]] Digest content_hash(std::string_view record);

/// Checks an id: 1..128 bytes of UTF-8 without control characters below U+0020 or U+007F.
/// Errors: INVALID_ARGUMENT FEATURE_ID_MISSING, FEATURE_ID_TOO_LONG, FEATURE_ID_INVALID.
[[nodiscard]] absl::Status check_feature_id(std::string_view id);

}  // namespace lt::feature
