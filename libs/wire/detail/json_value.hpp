// One google.protobuf.Value as JSON.
#pragma once

#include <google/protobuf/struct.pb.h>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

namespace lt::wire::detail {

/// As wire::struct_to_json(), for one value in which at most `depth_left` levels of objects and lists may stand.
[[nodiscard]] absl::StatusOr<nlohmann::json> value_to_json(const google::protobuf::Value& value, int depth_left);

}  // namespace lt::wire::detail
