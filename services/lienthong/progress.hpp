// A bar for people who wait. Nothing is shown unless standard error is a terminal.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace lt::cli {

/// One line on standard error that is redrawn in place, and cleared at the end. Not thread-safe.
class Progress {
 public:
  /// @param label what is done: "sending".
  /// @param total features to come, when known.
  explicit Progress(std::string label, std::optional<std::int64_t> total = std::nullopt);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Draws at most ten times a second.
  void update(std::int64_t done);
  /// Another stage of the same work: "sent; the exchange is checking".
  void label(std::string text);
  /// Clears the line.
  void clear();

 private:
  void draw();

  const bool shown_;
  std::string label_;
  const std::optional<std::int64_t> total_;
  std::int64_t done_ = 0;
  const std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace lt::cli
