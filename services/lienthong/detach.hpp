// Running in the background: a fresh process of this program, and word from it when it is ready.
#pragma once

#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::cli {

/// Starts this program again with `arguments` plus `--ready-fd N` in a session of its own: standard input is
/// /dev/null, output and errors are appended to `log_path`, no other file of this process stays open. Returns what the
/// child reports with report_ready(), or its error from report_failure().
/// Must be called before any thread exists.
/// Errors: those of the child; UNAVAILABLE START_FAILED when it could not be started or ended without a word.
[[nodiscard]] absl::StatusOr<std::string> start_in_background(const std::vector<std::string>& arguments,
                                                              const std::string& log_path);

/// In the child: the text that the waiting parent gets. Closes `ready_fd`; does nothing when it is negative.
void report_ready(int ready_fd, const std::string& text);
/// In the child: `error` becomes the parent's, with code, reason and details.
void report_failure(int ready_fd, const absl::Status& error);

}  // namespace lt::cli
