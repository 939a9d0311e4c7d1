// The JSON objects of docs/cli.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

#include "feature/receipt.hpp"

namespace lienthong::v1 {
class Dataset;
class Organisation;
}  // namespace lienthong::v1

namespace lt::cli {

[[nodiscard]] nlohmann::ordered_json organisation_to_json(const ::lienthong::v1::Organisation& organisation);

/// With its schema in the form that `dataset create --schema` reads, when the message carries one.
/// Errors: those of wire::schema_from_proto().
[[nodiscard]] absl::StatusOr<nlohmann::ordered_json> dataset_to_json(const ::lienthong::v1::Dataset& dataset);

/// What `push` prints: the counts of the receipt, and where it stands in `dataset`.
[[nodiscard]] nlohmann::ordered_json push_result_to_json(const feature::Receipt& receipt, const std::string& dataset);

/// What `log` and `show` print: who, when, why, the counts, and the receipt itself as anyone can check it.
[[nodiscard]] nlohmann::ordered_json changeset_to_json(const feature::Receipt& receipt, const std::string& dataset);

/// The part of the receipt that is about `dataset`; an empty one when it is not named.
[[nodiscard]] feature::DatasetVersion dataset_version_of(const feature::Receipt& receipt, const std::string& dataset);

}  // namespace lt::cli
