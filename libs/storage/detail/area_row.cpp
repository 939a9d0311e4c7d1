#include "storage/detail/area_row.hpp"

#include <vector>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "feature/fold.hpp"
#include "feature/text.hpp"
#include "storage_sql.hpp"

namespace lt::storage::detail {
namespace {

constexpr std::int64_t kMaxNamed = 20;        // lists in a message
constexpr std::int64_t kDaysTo2000 = 10'957;  // PostgreSQL counts days from 2000-01-01

std::vector<std::string> words_of(std::optional<std::string_view> text) {
  std::vector<std::string> words;
  std::string_view rest = text.value_or("");
  while (!rest.empty()) {
    const auto space = rest.find(' ');
    words.emplace_back(rest.substr(0, space));
    rest = space == std::string_view::npos ? std::string_view() : rest.substr(space + 1);
  }
  return words;
}

}  // namespace

std::string unit_id_of(std::string_view list, std::string_view code) {
  constexpr std::size_t kBytes = 16, kVersionAt = 6, kVariantAt = 8;
  Digest digest = Sha256().update("lienthong area ").update(list).update(":").update(code).finish();
  digest[kVersionAt] = static_cast<char>((static_cast<unsigned char>(digest[kVersionAt]) & 0x0FU) | 0x80U);
  digest[kVariantAt] = static_cast<char>((static_cast<unsigned char>(digest[kVariantAt]) & 0x3FU) | 0x80U);
  std::string hex = to_hex(view(digest).substr(0, kBytes));
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, "-");
  return hex;
}

std::optional<std::int32_t> date_from(const pg::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return static_cast<std::int32_t>(row.get_int(column) + kDaysTo2000);
}

AreaRow area_from(const pg::Row& row, std::optional<std::int64_t> version) {
  AreaRow found;
  found.id = static_cast<std::int32_t>(row.get_int(0));
  Area& area = found.area;
  area.unit_id = row.get_text(1);
  area.list = row.get_text(2);
  area.code = row.get_text(3);
  area.name = row.get_text(4);
  area.kind = row.get_text(5);
  area.level = row.get_text(6);
  area.valid_from = date_from(row, 7);
  area.valid_to = date_from(row, 8);
  found.newest = row.get_int(9);
  if (!row.is_null(10)) {
    area.version = version.value_or(found.newest);
    area.epsg = static_cast<int>(row.get_int(10));
    area.sha256 = to_hex(row.get_bytes(11));
  }
  area.predecessors = words_of(row.get_optional_text(12));
  area.successors = words_of(row.get_optional_text(13));
  return found;
}

absl::StatusOr<std::optional<AreaRow>> find_area(pg::Connection& connection, std::string_view list,
                                                 std::string_view code, std::optional<std::int64_t> version) {
  LT_ASSIGN_OR_RETURN(const auto result,
                      connection.execute(sql::kFindArea, pg::Params().add(list).add(code).add(version)));
  if (result.rows() == 0) return std::optional<AreaRow>();
  return std::optional<AreaRow>(area_from(result.row(0), version));
}

absl::Status check_list(pg::Connection& connection, const std::string& list) {
  const bool readable = feature::check_text(list).ok();
  if (readable) {
    LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kAreaListExists, pg::Params().add(list)));
    if (result.get_bool(0, 0)) return absl::OkStatus();
  }
  LT_ASSIGN_OR_RETURN(const auto lists, connection.execute(sql::kListAreaLists, pg::Params().add("").add(kMaxNamed)));
  std::string known;
  for (int r = 0; r < lists.rows(); ++r) known += (r == 0 ? "" : ", ") + std::string(lists.get_text(r, 0));
  return make_error(
      absl::StatusCode::kNotFound, "AREA_LIST_UNKNOWN",
      fmt::format("there is no list of areas \"{}\"; there is {}", feature::cut(list), feature::cut(known, 400)),
      {{"list", feature::cut(list)}});
}

absl::StatusOr<Candidates> match_areas(pg::Connection& connection, std::string_view name, std::size_t limit) {
  pg::Params params;
  params.add(name).add(feature::fold_name(name)).add(static_cast<std::int64_t>(limit + 1));
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kMatchAreas, params));
  Candidates candidates;
  for (int r = 0; r < result.rows(); ++r) {
    const pg::Row row = result.row(r);
    candidates.exact = row.get_bool(6);  // the same for all
    if (static_cast<std::size_t>(r) == limit) {
      candidates.text += ", and more";
      break;
    }
    Area area;
    area.list = row.get_text(0);
    area.code = row.get_text(1);
    area.name = feature::cut(row.get_text(2));
    area.valid_from = date_from(row, 3);
    area.valid_to = date_from(row, 4);
    candidates.text += (r == 0 ? "" : ", ") + describe_area(area);
    candidates.references += (r == 0 ? "" : " ") + area.reference();
    const auto successors = row.get_optional_text(5);
    if (successors) candidates.text += fmt::format(" (now {})", *successors);
  }
  return candidates;
}

}  // namespace lt::storage::detail
