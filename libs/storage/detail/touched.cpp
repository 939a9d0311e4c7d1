#include "storage/detail/touched.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/record.hpp"
#include "storage/sql_text.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

enum Column : int { kPlace, kAfter, kBefore = kAfter + 4, kPrevVersion = kBefore + 4, kId };
constexpr std::int64_t kPageBytes = 4 << 20;

std::optional<geo::Box> box_at(const pg::Result& page, int row, int first) {
  if (page.is_null(row, first)) return std::nullopt;
  return geo::Box{page.get_float(row, first), page.get_float(row, first + 1), page.get_float(row, first + 2),
                  page.get_float(row, first + 3)};
}

absl::Status add_states_after(pg::Connection& connection, const std::string& relation,
                              const std::vector<std::string>& places, Impact& impact) {
  constexpr std::size_t kAtOnce = 500;
  for (std::size_t first = 0; first < places.size() && !impact.complete(); first += kAtOnce) {
    const auto begin = places.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(std::min(first + kAtOnce, places.size()));
    const auto params = pg::Params().add_text_array(std::vector<std::string>(begin, end));
    LT_ASSIGN_OR_RETURN(
        const auto states,
        connection.execute(fmt::format("SELECT payload FROM {} WHERE ctid = ANY ($1::tid[])", relation), params));
    for (int r = 0; r < states.rows(); ++r) LT_RETURN_IF_ERROR(add_record(states.get_bytes(r, 0), impact));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status add_record(std::string_view record, Impact& impact) {
  if (record.empty()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(const auto decoded, feature::decode_record(record));
  return decoded.state.geometry ? impact.add(*decoded.state.geometry) : absl::OkStatus();
}

absl::Status StatesBefore::add_to(Impact& impact) {
  const std::string sql = sql_for(sql::kStatesAt, dataset_);
  std::size_t done = 0;
  while (done < ids_.size() && !impact.complete()) {
    const auto from = static_cast<std::ptrdiff_t>(done);
    auto params = pg::Params().add_text_array(std::vector<std::string>(ids_.begin() + from, ids_.end()));
    params.add_int8_array(std::vector<std::int64_t>(versions_.begin() + from, versions_.end()));
    params.add(true).add(kPageBytes);
    for (int side = 0; side < 4; ++side) params.add(std::optional<double>());
    LT_ASSIGN_OR_RETURN(const auto states, connection_.execute(sql, params));
    if (states.empty()) return absl::InternalError("states before were asked for and not answered");
    for (int r = 0; r < states.rows(); ++r) LT_RETURN_IF_ERROR(add_record(states.get_bytes(r, 3), impact));
    done += static_cast<std::size_t>(states.rows());
  }
  ids_.clear();
  versions_.clear();
  return absl::OkStatus();
}

absl::Status add_touched(pg::Connection& connection, int dataset, const std::string& rows, const std::string& relation,
                         Impact& impact) {
  if (impact.complete()) return absl::OkStatus();
  LT_RETURN_IF_ERROR(connection.execute_script("DECLARE lt_touched NO SCROLL CURSOR FOR " + rows));
  StatesBefore before(connection, dataset);
  while (!impact.complete()) {
    LT_ASSIGN_OR_RETURN(const auto page, connection.execute("FETCH FORWARD 10000 FROM lt_touched"));
    if (page.empty()) break;
    std::vector<std::string> after;
    for (int r = 0; r < page.rows(); ++r) {
      if (const auto box = box_at(page, r, kAfter); box && impact.add(*box))
        after.emplace_back(page.get_text(r, kPlace));
      if (const auto box = box_at(page, r, kBefore); box && impact.add(*box)) {
        before.ask(page.get_text(r, kId), page.get_int(r, kPrevVersion));
      }
    }
    LT_RETURN_IF_ERROR(add_states_after(connection, relation, after, impact));
    LT_RETURN_IF_ERROR(before.add_to(impact));
  }
  return connection.execute_script("CLOSE lt_touched");
}

}  // namespace lt::storage
