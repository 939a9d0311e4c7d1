// Histories made by hand, for the tests of the checker.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/status.hpp"
#include "history/checker.hpp"

namespace lt::history {

using Json = nlohmann::json;

/// Changes. The token says who wrote the value, the number is what counters and pairs count.
inline Json put(const std::string& dataset, const std::string& id, const std::string& token, int number = 0) {
  return {{"dataset", dataset}, {"id", id}, {"op", "P"}, {"value", Json::array({token, number})}};
}
inline Json remove(const std::string& dataset, const std::string& id) {
  return {{"dataset", dataset}, {"id", id}, {"op", "D"}};
}
inline Json based(Json change, std::int64_t base_version, const std::string& token) {
  change["base_version"] = base_version;
  change["based_on"] = token;
  return change;
}
inline Json value(const std::string& token, int number = 0) { return Json::array({token, number}); }

/// Seen by readers.
inline Json state(const std::string& dataset, std::int64_t version, const Json& features) {
  return {{"dataset", dataset}, {"version", version}, {"state", features}};
}
inline Json head(const std::string& dataset, std::int64_t version) {
  return {{"dataset", dataset}, {"version", version}};
}

struct Times {
  int from = 0, to = 0;
};

/// Datasets "a" and "b", counter "n", pair "p". What the exchange answers is written by hand, except that receipts
/// have the digest and the chain that they should have.
class LogMaker {
 public:
  LogMaker() { line({{"event", "config"}, {"datasets", {"a", "b"}}, {"counters", {"n"}}, {"pairs", {"p"}}}); }

  using Versions = std::map<std::string, std::int64_t>;

  Json changeset(const std::string& id, const std::vector<Json>& changes) const {
    return {
        {"changeset_id", id}, {"dataset", changes.empty() ? "a" : changes.front()["dataset"]}, {"changes", changes}};
  }
  void sent(const std::string& op, int at, const Json& changeset) {
    line({{"event", "invoke"}, {"op", op}, {"at", at}, {"publish", changeset}});
  }
  void acknowledged(const std::string& op, int at, const Json& receipt) {
    line({{"event", "ok"}, {"op", op}, {"at", at}, {"receipt", receipt}});
  }
  void refused(const std::string& op, int at, const std::string& reason, const Json& metadata = Json::object()) {
    line({{"event", "refused"}, {"op", op}, {"at", at}, {"reason", reason}, {"metadata", metadata}});
  }
  void unknown(const std::string& op, int at) {
    line({{"event", "unknown"}, {"op", op}, {"at", at}, {"reason", "CALL_DEADLINE"}});
  }

  /// The receipt of the changeset that made these versions, next in the chain of each dataset.
  Json receipt(const std::string& id, const Versions& versions, const Json& counts) {
    Json made{{"changeset_id", id}, {"commit_id", "commit-" + id}, {"changed", true}, {"counts", counts}};
    made["committed_at"] = "2026-01-01T00:00:" + std::to_string(10 + receipts_++) + "Z";
    for (const auto& [dataset, version] : versions) {
      Json part{{"dataset", dataset}, {"version", std::to_string(version)}};
      const auto before = digests_.find({dataset, version - 1});
      if (version > 1) part["previous_digest"] = before == digests_.end() ? std::string(64, 'f') : before->second;
      made["datasets"].push_back(part);
    }
    seal(made);
    for (const auto& [dataset, version] : versions) digests_[{dataset, version}] = made["digest"].get<std::string>();
    return made;
  }
  static void seal(Json& receipt) {
    receipt.erase("digest");
    receipt["digest"] = to_hex(view(sha256(canonical_json(receipt).value())));
  }

  /// A changeset that is acknowledged. Named by its id. @return its receipt.
  Json commit(const std::string& id, Times times, const std::vector<Json>& changes, const Versions& versions,
              const Json& counts) {
    sent(id, times.from, changeset(id, changes));
    const Json made = receipt(id, versions, counts);
    acknowledged(id, times.to, made);
    return made;
  }
  /// The same that only inserts.
  Json insert(const std::string& id, Times times, const std::vector<Json>& changes, const Versions& versions) {
    return commit(id, times, changes, versions, {{"inserted", std::to_string(changes.size())}});
  }
  Json update(const std::string& id, Times times, const std::vector<Json>& changes, const Versions& versions) {
    return commit(id, times, changes, versions, {{"updated", std::to_string(changes.size())}});
  }

  void read(Times times, const std::vector<Json>& seen, bool may_lag = false) {
    const std::string op = "r" + std::to_string(++reads_);
    line({{"event", "invoke"}, {"op", op}, {"at", times.from}, {"read", "reader"}, {"may_lag", may_lag}});
    line({{"event", "ok"}, {"op", op}, {"at", times.to}, {"seen", seen}});
  }

  void line(const Json& json) { text_ += json.dump() + "\n"; }

  [[nodiscard]] History history() const {
    History made;
    std::istringstream input(text_);
    const auto status = add_log(made, "test.jsonl", input);
    if (!status.ok()) throw std::runtime_error(message_of(status));
    return made;
  }
  [[nodiscard]] Report report() const { return check(history()); }
  /// Kinds of the violations found.
  [[nodiscard]] std::set<std::string> kinds() const {
    std::set<std::string> found;
    for (const auto& violation : report().violations) found.insert(violation.kind);
    return found;
  }

 private:
  std::string text_;
  int reads_ = 0;
  int receipts_ = 0;
  std::map<std::pair<std::string, std::int64_t>, std::string> digests_;
};

}  // namespace lt::history
