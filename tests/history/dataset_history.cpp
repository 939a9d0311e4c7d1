#include "history/dataset_history.hpp"

#include <algorithm>

namespace lt::history {
namespace {

constexpr std::int64_t kMassDeleteFloor = 10;
constexpr std::int64_t kMassDeletePercent = 10;

struct Found {
  const Value* value = nullptr;  ///< null: it does not exist
  std::int64_t version = 0;      ///< of its last change; 0: it never existed
};

Found find_feature(const DatasetHistory& history, const std::string& id, std::int64_t version) {
  const auto* step = history.find(id, version);
  if (!step) return {};
  return {step->value ? &*step->value : nullptr, step->version};
}

Value value_of(const Change& change, const Found& found) {
  Value value = change.value;
  if (change.keep_number && found.value) value.number = found.value->number;
  return value;
}

// '=' no effect; I, U, D the effect; E, M, V the conflict.
char effect_of(const Change& change, const Found& found) {
  const bool exists = found.value != nullptr;
  if (change.op == 'D' && !exists) return '=';
  if (change.op != 'D' && exists && *found.value == value_of(change, found)) return '=';
  if (change.base_version == 0 && exists) return 'V';
  if (change.base_version.value_or(0) > 0 && found.version > *change.base_version) return 'V';
  if (change.op == 'I' && exists) return 'E';
  if (change.op == 'U' && !exists) return 'M';
  if (change.op == 'D') return 'D';
  return exists ? 'U' : 'I';
}

bool is_conflict(char effect) { return effect == 'E' || effect == 'M' || effect == 'V'; }

void add_effect(Evaluation& evaluation, const Change& change, const Found& found, bool skip_conflicts) {
  char effect = effect_of(change, found);
  if (is_conflict(effect)) {
    evaluation.conflicts.push_back({change.dataset, change.id, effect, found.version});
    if (skip_conflicts) return;
    effect = change.op == 'D' ? 'D' : found.value ? 'U' : 'I';
  }
  if (effect == '=') {
    ++evaluation.unchanged;
  } else if (effect == 'D') {
    evaluation.effects.push_back({'D', change.id, std::nullopt});
  } else {
    evaluation.effects.push_back({effect, change.id, value_of(change, found)});
  }
}

// The last change of each feature, which is the one that counts.
std::map<std::string, const Change*> last_changes(const Changeset& changeset, const std::string& dataset,
                                                  Evaluation& evaluation) {
  std::map<std::string, const Change*> last;
  for (const auto& change : changeset.changes) {
    if (change.dataset != dataset) continue;
    auto [place, first] = last.try_emplace(change.id, &change);
    if (first) continue;
    place->second = &change;
    ++evaluation.collapsed;
  }
  evaluation.duplicates = evaluation.collapsed > 0 && !changeset.collapse_repeated;
  return last;
}

// A snapshot deletes what it does not hold.
void add_absent(Evaluation& evaluation, const Changeset& changeset, const std::map<std::string, const Change*>& sent,
                const std::map<std::string, Value>& state, const DatasetHistory& history, std::int64_t version) {
  Change absent;
  absent.dataset = changeset.dataset;
  absent.op = 'D';
  const auto base = changeset.base_versions.find(changeset.dataset);
  if (base != changeset.base_versions.end()) absent.base_version = base->second;
  for (const auto& [id, value] : state) {
    if (sent.contains(id)) continue;
    absent.id = id;
    add_effect(evaluation, absent, find_feature(history, id, version), changeset.skip_conflicts);
  }
}

}  // namespace

void DatasetHistory::add(std::vector<Effect> effects) {
  const std::int64_t version = head() + 1;
  for (const auto& effect : effects) features_[effect.id].push_back({version, effect.op, effect.value});
  effects_.push_back(std::move(effects));
}

const std::vector<Effect>& DatasetHistory::effects(std::int64_t version) const {
  return effects_.at(static_cast<std::size_t>(version - 1));
}

const DatasetHistory::Step* DatasetHistory::next(const std::string& id, std::int64_t version) const {
  const auto found = features_.find(id);
  if (found == features_.end()) return nullptr;
  const auto& steps = found->second;
  const auto after = std::upper_bound(steps.begin(), steps.end(), version,
                                      [](std::int64_t v, const Step& step) { return v < step.version; });
  return after == steps.end() ? nullptr : &*after;
}

const DatasetHistory::Step* DatasetHistory::find(const std::string& id, std::int64_t version) const {
  const auto found = features_.find(id);
  if (found == features_.end()) return nullptr;
  const auto& steps = found->second;
  const auto after = std::upper_bound(steps.begin(), steps.end(), version,
                                      [](std::int64_t v, const Step& step) { return v < step.version; });
  return after == steps.begin() ? nullptr : &*std::prev(after);
}

const Value* DatasetHistory::value(const std::string& id, std::int64_t version) const {
  return find_feature(*this, id, version).value;
}

std::map<std::string, Value> DatasetHistory::state(std::int64_t version) const {
  std::map<std::string, Value> state;
  for (const auto& [id, steps] : features_) {
    if (const auto* now = value(id, version)) state.emplace(id, *now);
  }
  return state;
}

Evaluation evaluate(const Changeset& changeset, const std::string& dataset, const DatasetHistory& history,
                    std::int64_t version) {
  Evaluation evaluation;
  const auto changes = last_changes(changeset, dataset, evaluation);
  for (const auto& [id, change] : changes) {
    add_effect(evaluation, *change, find_feature(history, id, version), changeset.skip_conflicts);
  }
  if (!changeset.snapshot) return evaluation;
  const auto state = history.state(version);
  add_absent(evaluation, changeset, changes, state, history, version);
  const auto deletes = std::count_if(evaluation.effects.begin(), evaluation.effects.end(),
                                     [](const Effect& effect) { return effect.op == 'D'; });
  const std::int64_t allowed =
      std::max(kMassDeleteFloor, static_cast<std::int64_t>(state.size()) * kMassDeletePercent / 100);
  evaluation.mass_delete = !changeset.allow_mass_delete && (changes.empty() || deletes > allowed);
  return evaluation;
}

}  // namespace lt::history
