// The JSON objects of docs/cli.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

#include "feature/receipt.hpp"

namespace lienthong::v1 {
class Attempt;
class Conflict;
class Dataset;
class DatasetHead;
class Finding;
class Organisation;
}  // namespace lienthong::v1

namespace google::protobuf {
class Timestamp;
}

namespace lt::cli {

/// RFC 3339 in UTC; null when there is none.
[[nodiscard]] nlohmann::ordered_json time_to_json(bool present, const google::protobuf::Timestamp& time);

[[nodiscard]] nlohmann::ordered_json organisation_to_json(const ::lienthong::v1::Organisation& organisation);

/// With its schema in the form that `dataset create --schema` reads, when the message carries one.
/// Errors: those of wire::schema_from_proto().
[[nodiscard]] absl::StatusOr<nlohmann::ordered_json> dataset_to_json(const ::lienthong::v1::Dataset& dataset);

/// What `push` and `revert` print: the counts of the receipt, where it stands in `dataset`, and the receipt itself.
[[nodiscard]] nlohmann::ordered_json push_result_to_json(const feature::Receipt& receipt, const std::string& dataset);

/// What `log` and `show` print: who, when, why, the counts, and the receipt itself as anyone can check it.
[[nodiscard]] nlohmann::ordered_json changeset_to_json(const feature::Receipt& receipt, const std::string& dataset);

[[nodiscard]] nlohmann::ordered_json finding_to_json(const ::lienthong::v1::Finding& finding);
[[nodiscard]] nlohmann::ordered_json conflict_to_json(const ::lienthong::v1::Conflict& conflict);
[[nodiscard]] nlohmann::ordered_json attempt_to_json(const ::lienthong::v1::Attempt& attempt);
[[nodiscard]] nlohmann::ordered_json head_to_json(const ::lienthong::v1::DatasetHead& head);

/// "ERROR" of "SEVERITY_ERROR": the name of an enum value without what all its values start with.
[[nodiscard]] std::string short_name(const std::string& value_name, std::string_view prefix);

/// The part of the receipt that is about `dataset`; an empty one when it is not named.
[[nodiscard]] feature::DatasetVersion dataset_version_of(const feature::Receipt& receipt, const std::string& dataset);

}  // namespace lt::cli
