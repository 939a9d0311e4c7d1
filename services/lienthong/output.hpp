// What the program says: results on standard output, everything else on standard error.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <nlohmann/json_fwd.hpp>

namespace lt::cli {

/// Results for people or, with --json, for programs. Not thread-safe.
class Output {
 public:
  bool json = false;  ///< --json was given

  /// One JSON value as one line on standard output.
  void print_json(const nlohmann::ordered_json& value) const;
  /// One line of text, or of JSON that is already text, on standard output.
  void print(std::string_view line) const;
  /// A remark for people, on standard error.
  void note(std::string_view text) const;
  /// An error: with --json {"error":{...}} on standard output, for people "error: ..." with its violations, one a line,
  /// on standard error.
  /// @param members JSON object whose members the error object gets too, with --json; empty = none.
  void error(const absl::Status& status, const std::string& members = {}) const;
  /// Everything printed has reached the system. Errors: UNAVAILABLE OUTPUT_FAILED (disk full, closed pipe).
  [[nodiscard]] absl::Status flush() const;
};

/// {"error":{"code":"NOT_FOUND","reason":"DATASET_UNKNOWN","message":"...","details":{...}}}: details are the facts of
/// the error and, as "violations", a list of {"field","description"}.
[[nodiscard]] nlohmann::ordered_json error_to_json(const absl::Status& status);

/// 1234567 as "1,234,567".
[[nodiscard]] std::string with_thousands(long long number);

}  // namespace lt::cli
