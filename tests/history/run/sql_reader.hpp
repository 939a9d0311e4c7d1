// A reader that knows the tables and nothing of the exchange.
#pragma once

#include <string>

#include "history/run/journal.hpp"
#include "pg/connection.hpp"

namespace lt::history {

/// Logs all heads and all features of one moment per read. Throws std::runtime_error when it cannot begin.
class SqlReader {
 public:
  SqlReader(Journal& journal, const std::string& url, bool standby);

  /// @param one_statement else several of one REPEATABLE READ transaction.
  void read(bool one_statement);

 private:
  absl::Status read_at_once(nlohmann::json& parts);
  absl::Status read_in_turn(nlohmann::json& parts);

  Journal& journal_;
  bool standby_;
  pg::Connection connection_;
  std::map<std::string, int> ids_;  ///< of the datasets
};

}  // namespace lt::history
