#include "sources/detail/ogr_value.hpp"

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "base/time.hpp"

namespace lt::sources::detail {
namespace {

using feature::FieldType;
using feature::Value;
using Result = absl::StatusOr<std::optional<Value>>;

// OGR's time zone flag: 0 unknown, 1 local, 100 UTC, each step from there a quarter of an hour.
constexpr int kFirstZone = 2;
constexpr int kUtcFlag = 100;
constexpr int kMinutesPerStep = 15;
constexpr std::int64_t kUsPerMs = 1'000;
constexpr std::int64_t kUsPerMinute = 60'000'000;
constexpr std::int64_t kUsPerDay = 86'400'000'000;
constexpr double kMsPerSecond = 1000.0;

absl::Status no_such_time(OGRFeatureH row, int index) {
  return make_error(absl::StatusCode::kInvalidArgument, "VALUE_OUT_OF_RANGE",
                    fmt::format("'{}' is not a day or time that exists", OGR_F_GetFieldAsString(row, index)));
}

Result moment(OGRFeatureH row, int index, bool with_time) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, zone = 0;
  float second = 0;
  if (OGR_F_GetFieldAsDateTimeEx(row, index, &year, &month, &day, &hour, &minute, &second, &zone) == 0) {
    return no_such_time(row, index);
  }
  const auto days = parse_date(fmt::format("{:04}-{:02}-{:02}", year, month, day));
  if (!days.ok()) return no_such_time(row, index);
  if (!with_time) return std::optional<Value>(feature::Date{*days});
  constexpr int kHoursPerDay = 24;
  constexpr int kMinutesPerHour = 60;
  if (hour >= kHoursPerDay || minute >= kMinutesPerHour) return no_such_time(row, index);
  const std::int64_t ms = std::llround(static_cast<double>(second) * kMsPerSecond);
  feature::Timestamp result;
  result.us = *days * kUsPerDay + (hour * kMinutesPerHour + minute) * kUsPerMinute + ms * kUsPerMs;
  if (zone >= kFirstZone) {
    const int offset = (zone - kUtcFlag) * kMinutesPerStep;
    result.offset_minutes = static_cast<std::int16_t>(offset);
    result.us -= offset * kUsPerMinute;
  }
  if (!is_valid({result.us, result.offset_minutes})) return no_such_time(row, index);
  return std::optional<Value>(result);
}

nlohmann::json number_list(OGRFeatureH row, int index, OGRFieldType type) {
  int count = 0;
  auto json = nlohmann::json::array();
  if (type == OFTRealList) {
    const double* values = OGR_F_GetFieldAsDoubleList(row, index, &count);
    for (int i = 0; i < count; ++i) json.push_back(values[i]);
  } else if (type == OFTInteger64List) {
    const GIntBig* values = OGR_F_GetFieldAsInteger64List(row, index, &count);
    for (int i = 0; i < count; ++i) json.push_back(static_cast<std::int64_t>(values[i]));
  } else {
    const int* values = OGR_F_GetFieldAsIntegerList(row, index, &count);
    for (int i = 0; i < count; ++i) json.push_back(values[i]);
  }
  return json;
}

Result list_value(OGRFeatureH row, int index, OGRFieldType type) {
  if (type != OFTStringList) {
    auto value = feature::value_from_json(FieldType::kJson, number_list(row, index, type));
    if (!value.ok()) return value.status();
    return std::optional<Value>(*std::move(value));
  }
  feature::StringList list;
  char** texts = OGR_F_GetFieldAsStringList(row, index);
  for (char** text = texts; text != nullptr && *text != nullptr; ++text) list.emplace_back(*text);
  return std::optional<Value>(std::move(list));
}

Result bytes_value(OGRFeatureH row, int index) {
  int count = 0;
  const GByte* data = OGR_F_GetFieldAsBinary(row, index, &count);
  std::string bytes;
  if (count > 0) bytes.assign(data, data + count);
  return std::optional<Value>(feature::Bytes{std::move(bytes)});
}

}  // namespace

FieldType natural_type(OGRFieldDefnH field) {
  const OGRFieldSubType sub = OGR_Fld_GetSubType(field);
  switch (OGR_Fld_GetType(field)) {
    case OFTInteger: return sub == OFSTBoolean ? FieldType::kBool : FieldType::kInt64;
    case OFTInteger64: return FieldType::kInt64;
    case OFTReal: return FieldType::kDouble;
    case OFTDate: return FieldType::kDate;
    case OFTDateTime: return FieldType::kTimestamp;
    case OFTBinary: return FieldType::kBytes;
    case OFTStringList: return FieldType::kStringList;
    case OFTIntegerList:
    case OFTInteger64List:
    case OFTRealList: return FieldType::kJson;
    case OFTString: return sub == OFSTJSON ? FieldType::kJson : FieldType::kString;
    default: return FieldType::kString;
  }
}

Result ogr_value(OGRFeatureH row, int index) {
  if (OGR_F_IsFieldSetAndNotNull(row, index) == 0) return std::optional<Value>();
  OGRFieldDefnH field = OGR_F_GetFieldDefnRef(row, index);
  const OGRFieldType type = OGR_Fld_GetType(field);
  switch (type) {
    case OFTInteger:
      if (OGR_Fld_GetSubType(field) == OFSTBoolean) {
        return std::optional<Value>(OGR_F_GetFieldAsInteger(row, index) != 0);
      }
      return std::optional<Value>(std::int64_t{OGR_F_GetFieldAsInteger(row, index)});
    case OFTInteger64: return std::optional<Value>(static_cast<std::int64_t>(OGR_F_GetFieldAsInteger64(row, index)));
    case OFTReal: return std::optional<Value>(OGR_F_GetFieldAsDouble(row, index));
    case OFTDate: return moment(row, index, false);
    case OFTDateTime: return moment(row, index, true);
    case OFTBinary: return bytes_value(row, index);
    case OFTStringList:
    case OFTIntegerList:
    case OFTInteger64List:
    case OFTRealList: return list_value(row, index, type);
    default: return std::optional<Value>(std::string(OGR_F_GetFieldAsString(row, index)));
  }
}

}  // namespace lt::sources::detail
