#include "storage/quarantine.hpp"

#include <map>

#include <fmt/format.h>

#include "base/status.hpp"
#include "storage_sql.hpp"

namespace lt::storage {
namespace {

std::string_view to_string(QuarantineState state) {
  switch (state) {
    case QuarantineState::kHeld: return "HELD";
    case QuarantineState::kReleased: return "RELEASED";
    case QuarantineState::kDiscarded: return "DISCARDED";
    case QuarantineState::kSuperseded: return "SUPERSEDED";
  }
  return "";
}

absl::StatusOr<QuarantineItem> item_from(const pg::Row& row) {
  QuarantineItem item;
  item.id = row.get_int(0);
  item.feature_id = row.get_text(1);
  item.attempt_id = row.get_text(2);
  item.organisation = row.get_text(3);
  item.sequence = row.get_int(4);
  item.op = row.get_char(5);
  item.base_version = row.get_optional_int(6);
  item.form = static_cast<QuarantineForm>(row.get_char(7));
  item.payload = row.get_optional_bytes(8).value_or("");
  item.payload_bytes = row.get_int(9);
  item.found_version = row.get_int(10);
  LT_ASSIGN_OR_RETURN(item.findings, feature::findings_from_json(row.get_text(11)));
  item.state = static_cast<QuarantineState>(row.get_char(12));
  item.quarantined_us = row.get_timestamp_us(13);
  item.decided_us = row.get_optional_timestamp_us(14);
  item.decided_by = row.get_text(15);
  item.note = row.get_text(16);
  item.mask = feature::mask_from_string(row.get_text(17));
  item.crs = row.get_text(18);
  return item;
}

absl::Status unknown(std::int64_t id) {
  return make_error(absl::StatusCode::kNotFound, "QUARANTINE_UNKNOWN",
                    fmt::format("the dataset has no quarantined change {}; ListQuarantine names them", id),
                    {{"quarantine_id", std::to_string(id)}});
}

}  // namespace

absl::StatusOr<QuarantinePage> list_quarantine(pg::Connection& connection, int dataset, const QuarantineFilter& filter,
                                               std::int64_t after, const QuarantineLimits& limits) {
  pg::Params params;
  params.add(std::int32_t{dataset}).add(after);
  params.add(filter.state ? std::string(1, static_cast<char>(*filter.state)) : std::string()).add(filter.feature_id);
  params.add(std::int64_t{limits.rows}).add(limits.payload_bytes).add(limits.bytes);
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kPageQuarantine, params));
  constexpr int kMoreColumn = 19;
  QuarantinePage page;
  for (int r = 0; r < result.rows(); ++r) {
    LT_ASSIGN_OR_RETURN(auto item, item_from(result.row(r)));
    page.items.push_back(std::move(item));
    page.more = result.get_bool(r, kMoreColumn);
  }
  return page;
}

absl::StatusOr<QuarantineItem> find_quarantined(pg::Connection& connection, int dataset, std::int64_t id) {
  const auto params = pg::Params().add(std::int32_t{dataset}).add(id);
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kFindQuarantined, params));
  if (result.rows() == 0) return unknown(id);
  return item_from(result.row(0));
}

absl::Status check_held(pg::Connection& connection, int dataset, const std::vector<std::int64_t>& ids) {
  const auto params = pg::Params().add(std::int32_t{dataset}).add_int8_array(ids);
  LT_ASSIGN_OR_RETURN(const auto result, connection.execute(sql::kQuarantineStates, params));
  std::map<std::int64_t, int> rows;
  for (int r = 0; r < result.rows(); ++r) rows[result.get_int(r, 0)] = r;
  for (const std::int64_t id : ids) {
    const auto found = rows.find(id);
    if (found == rows.end()) return unknown(id);
    const auto state = static_cast<QuarantineState>(result.get_char(found->second, 1));
    if (state == QuarantineState::kHeld) continue;
    return make_error(absl::StatusCode::kFailedPrecondition, "QUARANTINE_DECIDED",
                      fmt::format("quarantined change {} is {} already; list those that are held with ListQuarantine",
                                  id, to_string(state)),
                      {{"quarantine_id", std::to_string(id)}, {"state", std::string(to_string(state))}});
  }
  return absl::OkStatus();
}

absl::Status discard_quarantined(pg::Connection& connection, int dataset, const std::vector<std::int64_t>& ids,
                                 const std::string& organisation, const std::string& note) {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(connection));
  LT_RETURN_IF_ERROR(connection.execute(sql::kLockQuarantine, pg::Params().add(std::int32_t{dataset})).status());
  LT_RETURN_IF_ERROR(check_held(connection, dataset, ids));
  pg::Params params;
  params.add(std::int32_t{dataset}).add_int8_array(ids).add(organisation).add(note);
  LT_ASSIGN_OR_RETURN(const auto discarded, connection.execute(sql::kDiscardQuarantined, params));
  if (discarded.affected() != static_cast<std::int64_t>(ids.size())) {
    return absl::InternalError("quarantined changes were decided under the lock of their dataset");
  }
  return transaction.commit();
}

}  // namespace lt::storage
