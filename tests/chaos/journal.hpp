// A client's own log: one JSON object a line, on disk before the client goes on. What it says of acknowledged receipts
// is what the checker believes.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <nlohmann/json.hpp>

namespace lt::chaos {

/// Appends to one file. Survives a kill at any moment: a line that was cut is removed when the file is opened again.
class Journal {
 public:
  /// Errors: INTERNAL JOURNAL_FAILED.
  [[nodiscard]] static absl::StatusOr<Journal> open(const std::string& path);
  ~Journal();
  Journal(Journal&& other) noexcept;
  Journal& operator=(Journal&&) = delete;

  /// Lines that were there when it was opened.
  [[nodiscard]] const std::vector<nlohmann::json>& before() const { return before_; }
  /// Returns once the line is on disk. Errors: INTERNAL JOURNAL_FAILED.
  [[nodiscard]] absl::Status write(const nlohmann::json& line) const;

 private:
  Journal(int file, std::vector<nlohmann::json> before) : file_(file), before_(std::move(before)) {}
  int file_;
  std::vector<nlohmann::json> before_;
};

/// Whole lines of a journal; none when there is no file. Errors: INTERNAL JOURNAL_FAILED (a line that is no JSON).
[[nodiscard]] absl::StatusOr<std::vector<nlohmann::json>> read_journal(const std::string& path);

/// Replaces a file as a whole, on disk when it returns. Errors: INTERNAL JOURNAL_FAILED.
[[nodiscard]] absl::Status replace_file(const std::string& path, const std::string& content);
/// "" when there is no file.
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace lt::chaos
