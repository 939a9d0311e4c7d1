// The changes of a publish transaction, told to an Impact.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>

#include "pg/connection.hpp"
#include "storage/impact.hpp"

namespace lt::storage {

/// What features were before a changeset, as far as it has to be looked at.
class StatesBefore {
 public:
  StatesBefore(pg::Connection& connection, int dataset) : connection_(connection), dataset_(dataset) {}
  /// The state that this version made.
  void ask(std::string_view id, std::int64_t version) {
    ids_.emplace_back(id);
    versions_.push_back(version);
  }
  /// Reads what was asked for. Afterwards nothing is.
  [[nodiscard]] absl::Status add_to(Impact& impact);

 private:
  pg::Connection& connection_;
  int dataset_;
  std::vector<std::string> ids_;
  std::vector<std::int64_t> versions_;
};

/// The geometry of a stored record, if it has one.
[[nodiscard]] absl::Status add_record(std::string_view record, Impact& impact);

/// @param rows SELECT of ctid, box after (x1, y1, x2, y2), box before (px1, ...), prev_version, fid; boxes are null
/// without geometry. It is read by a cursor, in the transaction of the connection.
/// @param relation that a ctid is of, with a column `payload`.
[[nodiscard]] absl::Status add_touched(pg::Connection& connection, int dataset, const std::string& rows,
                                       const std::string& relation, Impact& impact);

}  // namespace lt::storage
