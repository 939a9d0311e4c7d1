// What the checker found.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lt::history {

/// A promise that was broken, and the lines of the logs that show it.
struct Violation {
  std::string kind;  ///< "G0", "G1a", "partial commit", "hole", ...
  std::string message;
  std::vector<std::size_t> lines;  ///< in History::lines
};

struct Report {
  std::vector<Violation> violations;
  std::map<std::string, std::int64_t> counts;  ///< the summary

  void add(std::string kind, std::string message, std::vector<std::size_t> lines) {
    violations.push_back({std::move(kind), std::move(message), std::move(lines)});
  }
};

}  // namespace lt::history
