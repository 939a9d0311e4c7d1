// Rows of areas, and what their references may have meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "pg/connection.hpp"
#include "storage/areas.hpp"

namespace lt::storage::detail {

/// A unit as find_area.sql gives it.
struct AreaRow {
  std::int32_t id = 0;
  std::int64_t newest = 0;  ///< version of the newest polygon
  Area area;                ///< without the bytes of the polygon; version 0 when the one asked for is not there
};

/// "01a2…": a UUID of version 8 out of list and code, so that a unit is the same one everywhere.
/// @source RFC 9562 §5.8
[[nodiscard]] std::string unit_id_of(std::string_view list, std::string_view code);

/// Days since 1970-01-01.
[[nodiscard]] std::optional<std::int32_t> date_from(const pg::Row& row, int column);

/// @param version the one asked for; absent = the newest.
[[nodiscard]] AreaRow area_from(const pg::Row& row, std::optional<std::int64_t> version);

/// Nothing when there is no such unit.
[[nodiscard]] absl::StatusOr<std::optional<AreaRow>> find_area(pg::Connection& connection, std::string_view list,
                                                               std::string_view code,
                                                               std::optional<std::int64_t> version);

/// Errors: NOT_FOUND AREA_LIST_UNKNOWN.
[[nodiscard]] absl::Status check_list(pg::Connection& connection, const std::string& list);

/// Units that a code or name may mean.
struct Candidates {
  bool exact = false;      ///< code or name are theirs; else they are only alike
  std::string text;        ///< for a message: each as describe_area(), with its successors
  std::string references;  ///< LIST:CODE, one space between
};
[[nodiscard]] absl::StatusOr<Candidates> match_areas(pg::Connection& connection, std::string_view name,
                                                     std::size_t limit);

}  // namespace lt::storage::detail
