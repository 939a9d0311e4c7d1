// google.protobuf.Struct as JSON and back, without going through text.
#pragma once

#include <google/protobuf/struct.pb.h>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

namespace lt::wire {

/// Levels of objects and lists that are followed, the outermost object counted.
inline constexpr int kMaxJsonDepth = 64;
/// Levels of an object that every protobuf reader can parse: most stop at 100 nested messages, an object takes three
/// of them (Struct, map entry, Value), and the messages around a feature the rest.
inline constexpr int kMaxPortableDepth = 30;

/// Fills `out` (cleared first) with a JSON object. Integers must have an exact binary64 form, so nothing is rounded.
/// Errors, INVALID_ARGUMENT: JSON_NOT_OBJECT, JSON_TOO_DEEP, VALUE_NOT_FINITE, VALUE_OUT_OF_RANGE (an integer that
/// binary64 cannot hold), TEXT_NOT_UTF8. `out` is then unspecified.
[[nodiscard]] absl::Status json_to_struct(const nlohmann::json& json, google::protobuf::Struct* out,
                                          int max_depth = kMaxJsonDepth);

/// The JSON object of a hostile Struct. A number without fraction within ±(2^53 − 1) becomes a JSON integer (except
/// −0, whose sign is kept); a Value without a kind is null.
/// Errors, INVALID_ARGUMENT: JSON_TOO_DEEP, VALUE_NOT_FINITE.
[[nodiscard]] absl::StatusOr<nlohmann::json> struct_to_json(const google::protobuf::Struct& value);
}  // namespace lt::wire
