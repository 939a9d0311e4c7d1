// What a publisher sends next.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "history/run/client.hpp"

namespace lt::history {

/// In both datasets: counters go up by one in each state; pairs have the same number in both datasets; the others
/// change in any way.
[[nodiscard]] std::vector<std::string> datasets();
[[nodiscard]] std::vector<std::string> counters();
[[nodiscard]] std::vector<std::string> pairs();
[[nodiscard]] std::vector<std::string> others();

/// What is there before the publishers start.
[[nodiscard]] Changeset first_changeset();

enum class Plan : std::uint8_t {
  kIncrement,  ///< read a counter, add one, with base_version
  kPlain,      ///< a few features, unchecked; INSERT and UPDATE may not fit
  kPartial,    ///< update_mask
  kChecked,    ///< read a snapshot, change some of it, with the header's base_version
  kPair,       ///< both datasets at once, with base_version and without
  kSnapshot,   ///< read a snapshot, change a little, send it whole, with base_version
  kSkip,       ///< an old base_version and SKIP_AND_LIST
  kCollapse,   ///< a feature twice, collapse_repeated
  kDryRun,     ///< one of the others, as a dry run
};

/// Makes changesets of one publisher; reads what it needs through its client, which logs that too.
class Planner {
 public:
  /// @param name of the publisher: begins its changeset ids and tokens.
  Planner(Client& client, std::string name, std::uint64_t seed);

  /// Nothing when what was read does not allow the plan just now.
  [[nodiscard]] std::optional<Changeset> make(Plan plan);
  /// Any plan, the frequent ones more often.
  [[nodiscard]] std::optional<Changeset> make_any();
  /// Other content under the id of `changeset`.
  [[nodiscard]] Changeset with_other_content(const Changeset& changeset);

  /// 0..bound-1.
  int pick(int bound);
  bool chance(int percent) { return pick(100) < percent; }

 private:
  std::string any_of(const std::vector<std::string>& names);
  std::vector<std::string> some_of(std::vector<std::string> names, int most);
  Changeset begin(const std::string& dataset);
  Change change(const std::string& dataset, const std::string& id, char op = 'P');

  std::optional<Changeset> increment();
  Changeset plain();
  Changeset partial();
  std::optional<Changeset> checked();
  std::optional<Changeset> pair();
  std::optional<Changeset> snapshot();
  std::optional<Changeset> skip();
  Changeset collapse();
  Changeset change_some(const std::string& dataset, const FoundState& found);

  Client& client_;
  std::string name_;
  std::mt19937_64 random_;
  std::int64_t changesets_ = 0;
  std::int64_t tokens_ = 0;
};

}  // namespace lt::history
