// What the tests of wire share.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <catch2/catch.hpp>

#include "base/status.hpp"
#include "feature/schema.hpp"

namespace lt::wire_test {

/// `message` written as proto3 JSON, for readable tests.
template <typename Message>
Message from_text(const std::string& json) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  INFO(json);
  INFO(std::string(status.message().data(), status.message().size()));
  REQUIRE(status.ok());
  return message;
}

inline std::string metadata_of(const absl::Status& status, const std::string& key) {
  const auto detail = error_detail(status);
  if (!detail) return "(no detail)";
  const auto found = detail->metadata.find(key);
  return found == detail->metadata.end() ? "(absent)" : found->second;
}

inline bool says(const absl::Status& status, std::string_view text) {
  return message_of(status).find(text) != std::string::npos;
}

inline feature::Field field(std::int32_t number, std::string name, feature::FieldType type) {
  feature::Field made;
  made.number = number;
  made.name = std::move(name);
  made.type = type;
  return made;
}

/// One field of each type, numbered 1 to 10.
inline feature::Schema every_type(std::string crs) {
  using feature::FieldType;
  feature::Schema schema;
  schema.revision = 3;
  schema.crs = std::move(crs);
  if (!schema.crs.empty()) schema.geometry.types = {geo::GeometryType::kGeometry};
  schema.fields = {field(1, "name", FieldType::kString),        field(2, "lanes", FieldType::kInt64),
                   field(3, "width", FieldType::kDouble),       field(4, "open", FieldType::kBool),
                   field(5, "built", FieldType::kDate),         field(6, "measured", FieldType::kTimestamp),
                   field(7, "price", FieldType::kDecimal),      field(8, "photo", FieldType::kBytes),
                   field(9, "aliases", FieldType::kStringList), field(10, "extra", FieldType::kJson)};
  return schema;
}

}  // namespace lt::wire_test
