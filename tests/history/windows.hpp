// Which versions of a dataset an operation can have met: real time, as the clients saw it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "history/transactions.hpp"

namespace lt::history {

class Windows {
 public:
  Windows(const History& history, const Transactions& transactions);

  struct Bound {
    std::int64_t version = 0;
    std::size_t line = 0;  ///< of the operation that sets it
  };
  /// The newest version that somebody knew before `time`: an operation that begins then must not miss it.
  [[nodiscard]] Bound oldest(const std::string& dataset, std::int64_t time) const;
  /// The newest version whose changeset had been sent before `time`: an operation that ends then cannot know more.
  [[nodiscard]] std::int64_t newest(const std::string& dataset, std::int64_t time) const;

 private:
  struct Point {
    std::int64_t time = 0;
    Bound bound;
  };
  static void make_running_maximum(std::vector<Point>& points);
  static Bound last_before(const std::map<std::string, std::vector<Point>>& all, const std::string& dataset,
                           std::int64_t time);

  std::map<std::string, std::vector<Point>> known_;
  std::map<std::string, std::vector<Point>> sent_;
};

/// Versions in the order of real time, and each read between what was known when it began and what was sent when it
/// ended. Violations found: "real time", "stale read", "read from the future".
void check_real_time(const History& history, const Transactions& transactions, const Windows& windows, Report& report);

}  // namespace lt::history
