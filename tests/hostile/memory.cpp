#include "memory.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace lt::test {

std::int64_t status_kib(pid_t pid, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::stoll(line.substr(field.size() + 1));
  }
  return 0;
}

void reset_peak(pid_t pid) {
  std::ofstream file("/proc/" + std::to_string(pid) + "/clear_refs");
  file << "5";  // proc(5): resets the peak resident set size
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string id = std::to_string(pid);
  std::ifstream file("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

int open_files(pid_t pid) {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/" + std::to_string(pid) + "/fd", error);
  return error ? 0 : static_cast<int>(std::distance(begin(files), end(files)));
}

ServerWatch::ServerWatch(pid_t postmaster)
    : postmaster_(postmaster), thread_([this](const std::stop_token& stop) {
        constexpr std::chrono::milliseconds kInterval{20};
        while (!stop.stop_requested()) {
          look();
          std::this_thread::sleep_for(kInterval);
        }
      }) {}

void ServerWatch::look() {
  std::int64_t together = 0;
  const auto children = children_of(postmaster_);
  for (const pid_t child : children) {
    const std::int64_t own = status_kib(child, "RssAnon");
    together += own;
    largest_ = std::max<std::int64_t>(largest_, own);
    peak_ = std::max<std::int64_t>(peak_, status_kib(child, "VmHWM"));
  }
  together_ = std::max<std::int64_t>(together_, together);
  processes_ = std::max<int>(processes_, static_cast<int>(children.size()));
}

}  // namespace lt::test
