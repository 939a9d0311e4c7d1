#include "history/run/sql_reader.hpp"

#include <stdexcept>

#include <fmt/format.h>

#include "base/status.hpp"
#include "history/run/client.hpp"
#include "history/run/features.hpp"
#include "history/run/planner.hpp"

namespace lt::history {
namespace {

using Json = nlohmann::json;

pg::Connection open(const std::string& url) {
  pg::ConnectOptions options;
  options.url = url;
  options.purpose = "history-reader";
  options.statement_timeout = kCallLimit;
  auto connection = pg::Connection::open(options);
  if (!connection.ok()) throw std::runtime_error(message_of(connection.status()));
  return *std::move(connection);
}

// Properties by field number: 1 is `write`, 2 is `n`. $1: id of the dataset.
std::string features_sql(int id) {
  return fmt::format(
      "SELECT '{0}'::int4 AS dataset, h.head, h.digest, f.fid, f.props->>'1', (f.props->>'2')::int8,"
      " ST_AsBinary(f.geom, 'NDR')"
      " FROM lienthong.dataset_head h LEFT JOIN lienthong_data.feature_{0} f ON true WHERE h.dataset_id = {0}",
      id);
}

// Columns of features_sql().
void add_row(Json& part, const pg::Row& row) {
  part["version"] = row.get_int(1);
  part["digest"] = std::string(row.get_text(2));
  if (row.is_null(3)) return;
  const bool whole = !row.is_null(4) && !row.is_null(5) && !row.is_null(6);
  const Value value = whole ? to_value(std::string(row.get_text(4)), row.get_int(5), row.get_bytes(6)) : Value{"torn"};
  part["state"][std::string(row.get_text(3))] = to_json(value);
}

}  // namespace

SqlReader::SqlReader(Journal& journal, const std::string& url, bool standby)
    : journal_(journal), standby_(standby), connection_(open(url)) {
  const auto rows = connection_.execute("SELECT name, id FROM lienthong.dataset");
  if (!rows.ok()) throw std::runtime_error(message_of(rows.status()));
  for (int r = 0; r < rows->rows(); ++r) {
    ids_[std::string(rows->get_text(r, 0))] = static_cast<int>(rows->get_int(r, 1));
  }
}

absl::Status SqlReader::read_at_once(Json& parts) {
  std::string sql;
  std::map<std::int64_t, std::string> names;
  for (const auto& name : datasets()) {
    const int id = ids_.at(name);
    names[id] = name;
    sql += (sql.empty() ? "" : " UNION ALL ") + features_sql(id);
  }
  LT_ASSIGN_OR_RETURN(const auto rows, connection_.execute(sql));
  for (int r = 0; r < rows.rows(); ++r) add_row(parts[names[rows.get_int(r, 0)]], rows.row(r));
  return absl::OkStatus();
}

// Features first and heads last: the snapshot must hold them together.
absl::Status SqlReader::read_in_turn(Json& parts) {
  LT_RETURN_IF_ERROR(connection_.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  for (const auto& name : datasets()) {
    LT_ASSIGN_OR_RETURN(const auto rows, connection_.execute(features_sql(ids_.at(name))));
    for (int r = 0; r < rows.rows(); ++r) add_row(parts[name], rows.row(r));
  }
  for (const auto& name : datasets()) {
    LT_ASSIGN_OR_RETURN(const auto head,
                        connection_.execute("SELECT head FROM lienthong.dataset_head WHERE dataset_id = $1",
                                            pg::Params().add(std::int32_t{ids_.at(name)})));
    parts[name]["version"] = head.get_int(0, 0);
  }
  return connection_.commit();
}

void SqlReader::read(bool one_statement) {
  const std::string name = std::string(standby_ ? "standby " : "") + (one_statement ? "SQL statement" : "SQL snapshot");
  const std::string op = journal_.invoke({{"read", name}, {"apart", standby_}});
  Json parts = Json::object();
  for (const auto& dataset : datasets()) parts[dataset] = {{"dataset", dataset}, {"state", Json::object()}};
  const auto status = one_statement ? read_at_once(parts) : read_in_turn(parts);
  const std::int64_t at = now_ns();
  if (!status.ok()) {
    (void)connection_.rollback();
    journal_.end(op, "refused", at, {{"reason", error_reason(status)}, {"message", message_of(status)}});
    return;
  }
  Json seen = Json::array();
  for (auto& [dataset, part] : parts.items()) seen.push_back(std::move(part));
  journal_.end(op, "ok", at, {{"seen", std::move(seen)}});
}

}  // namespace lt::history
