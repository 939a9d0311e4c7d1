// One dataset as the accepted changesets made it, and what a changeset does to it: the promises of the API in their
// simplest form, without any storage.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "history/log.hpp"

namespace lt::history {

/// What one version did to one feature.
struct Effect {
  char op = 'I';  ///< I insert, U update, D delete
  std::string id;
  std::optional<Value> value;  ///< absent for D
};

class DatasetHistory {
 public:
  struct Step {
    std::int64_t version = 0;
    char op = 'I';
    std::optional<Value> value;
  };

  /// The next version.
  void add(std::vector<Effect> effects);

  [[nodiscard]] std::int64_t head() const { return static_cast<std::int64_t>(effects_.size()); }
  /// Of version 1..head().
  [[nodiscard]] const std::vector<Effect>& effects(std::int64_t version) const;
  /// The last step of a feature up to a version; null when there is none.
  [[nodiscard]] const Step* find(const std::string& id, std::int64_t version) const;
  /// The first step after a version; null when there is none.
  [[nodiscard]] const Step* next(const std::string& id, std::int64_t version) const;
  /// The value at a version; null when the feature did not exist.
  [[nodiscard]] const Value* value(const std::string& id, std::int64_t version) const;
  [[nodiscard]] const std::map<std::string, std::vector<Step>>& features() const { return features_; }
  [[nodiscard]] std::map<std::string, Value> state(std::int64_t version) const;

 private:
  std::vector<std::vector<Effect>> effects_;
  std::map<std::string, std::vector<Step>> features_;
};

/// What a changeset does to one of its datasets at a version.
struct Evaluation {
  /// Without skip_conflicts also those of conflicting changes: what it did if it was accepted all the same.
  std::vector<Effect> effects;
  std::vector<Conflict> conflicts;
  std::int64_t unchanged = 0;
  std::int64_t collapsed = 0;
  bool duplicates = false;   ///< a feature twice without collapse_repeated
  bool mass_delete = false;  ///< a snapshot would delete more than it may
};
[[nodiscard]] Evaluation evaluate(const Changeset& changeset, const std::string& dataset, const DatasetHistory& history,
                                  std::int64_t version);

}  // namespace lt::history
