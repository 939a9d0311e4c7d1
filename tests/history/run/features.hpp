// How a value of a history is a feature of the exchange: property `write` is the token, `n` the number, and the point
// follows from the token, so that a feature made of halves of two others is noticed.
#pragma once

#include <string>
#include <vector>

#include "history/log.hpp"
#include "lienthong/v1/catalog_service.pb.h"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::history {

inline constexpr char kOwner[] = "history";

/// An empty dataset for such features.
[[nodiscard]] lienthong::v1::Dataset make_dataset(const std::string& name);

[[nodiscard]] lienthong::v1::PublishHeader to_header(const Changeset& changeset);
[[nodiscard]] lienthong::v1::Change to_proto(const Change& change, const Changeset& changeset);

/// A feature read in WKB form. One whose point does not belong to its token has a token that nobody wrote.
[[nodiscard]] Value to_value(const lienthong::v1::Feature& feature);
/// @param wkb little-endian.
[[nodiscard]] Value to_value(const std::string& token, std::int64_t number, std::string_view wkb);

/// [TOKEN, NUMBER]
[[nodiscard]] nlohmann::json to_json(const Value& value);

}  // namespace lt::history
