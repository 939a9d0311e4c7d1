// The log of one client: see history/log.hpp.
#pragma once

#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>

#include <nlohmann/json.hpp>

namespace lt::history {

/// Nanoseconds of the monotonic clock that all processes of this machine share.
[[nodiscard]] std::int64_t now_ns();

/// Thread-safe. Throws std::runtime_error when the file cannot be written: a history with gaps says nothing.
class Journal {
 public:
  /// `DIRECTORY/NAME.jsonl`; replaces what is there. Operations are named NAME-1, NAME-2, ...
  Journal(const std::string& directory, const std::string& name);

  [[nodiscard]] std::string next_op();
  void write(const nlohmann::json& line);
  /// Writes the beginning of an operation, whose members are `what`. @return its name.
  std::string invoke(nlohmann::json what);
  /// Writes its end. @param event "ok", "refused" or "unknown".
  void end(const std::string& op, const std::string& event, std::int64_t at, nlohmann::json what);

 private:
  std::mutex mutex_;
  std::string name_;
  std::ofstream file_;
  std::int64_t ops_ = 0;
};

}  // namespace lt::history
