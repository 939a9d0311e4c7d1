#include "history/run/planner.hpp"

#include <algorithm>
#include <utility>

namespace lt::history {
namespace {

constexpr int kCounters = 2;  // few, so that publishers meet
constexpr int kPairs = 2;
constexpr int kOthers = 40;
constexpr int kNumbers = 1000;

// Of 100 changesets.
constexpr std::pair<Plan, int> kShares[] = {
    {Plan::kIncrement, 22}, {Plan::kPlain, 20},   {Plan::kPartial, 6}, {Plan::kChecked, 10}, {Plan::kPair, 20},
    {Plan::kSnapshot, 8},   {Plan::kCollapse, 4}, {Plan::kSkip, 6},    {Plan::kDryRun, 4},
};

std::vector<std::string> names(const std::string& stem, int count) {
  std::vector<std::string> made;
  for (int i = 0; i < count; ++i) made.push_back(stem + "-" + std::to_string(i));
  return made;
}

bool is_other(const std::string& id) { return id.starts_with("other"); }

}  // namespace

std::vector<std::string> datasets() { return {"history.bridge", "history.road"}; }
std::vector<std::string> counters() { return names("counter", kCounters); }
std::vector<std::string> pairs() { return names("pair", kPairs); }
std::vector<std::string> others() { return names("other", kOthers); }

Changeset first_changeset() {
  Changeset first;
  first.id = "first";
  first.dataset = datasets().front();
  const auto add = [&](const std::string& dataset, const std::string& id, int number) {
    Change change;
    change.dataset = dataset;
    change.id = id;
    change.op = 'I';
    change.value = {"first:" + dataset + ":" + id, number};
    first.changes.push_back(std::move(change));
  };
  for (const auto& dataset : datasets()) {
    for (const auto& id : counters()) add(dataset, id, 0);
    for (const auto& id : pairs()) add(dataset, id, 0);
    for (const auto& id : names("other", kOthers / 2)) add(dataset, id, 1);
  }
  return first;
}

Planner::Planner(Client& client, std::string name, std::uint64_t seed)
    : client_(client), name_(std::move(name)), random_(seed) {}

int Planner::pick(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }

std::string Planner::any_of(const std::vector<std::string>& names) {
  return names[static_cast<std::size_t>(pick(static_cast<int>(names.size())))];
}

std::vector<std::string> Planner::some_of(std::vector<std::string> names, int most) {
  std::shuffle(names.begin(), names.end(), random_);
  names.resize(std::min(names.size(), static_cast<std::size_t>(1 + pick(most))));
  return names;
}

Changeset Planner::begin(const std::string& dataset) {
  Changeset changeset;
  changeset.id = name_ + "-c" + std::to_string(++changesets_);
  changeset.dataset = dataset;
  return changeset;
}

Change Planner::change(const std::string& dataset, const std::string& id, char op) {
  Change made;
  made.dataset = dataset;
  made.id = id;
  made.op = op;
  if (op != 'D') made.value = {name_ + "-v" + std::to_string(++tokens_), pick(kNumbers)};
  return made;
}

std::optional<Changeset> Planner::increment() {
  const std::string dataset = any_of(datasets());
  const std::string id = any_of(counters());
  const auto found = client_.get_feature(dataset, id);
  if (!found) return std::nullopt;
  Changeset changeset = begin(dataset);
  Change one = change(dataset, id, chance(50) ? 'U' : 'P');
  one.value.number = found->value.number + 1;
  one.based_on = found->value.token;
  if (chance(50)) {
    one.base_version = found->version;
  } else {
    changeset.base_versions[dataset] = found->version;
  }
  changeset.changes.push_back(std::move(one));
  return changeset;
}

Changeset Planner::plain() {
  constexpr char kOps[] = {'P', 'P', 'P', 'P', 'P', 'D', 'D', 'I', 'U'};
  Changeset changeset = begin(any_of(datasets()));
  for (const auto& id : some_of(others(), 5)) {
    changeset.changes.push_back(change(changeset.dataset, id, kOps[pick(std::size(kOps))]));
  }
  return changeset;
}

Changeset Planner::partial() {
  Changeset changeset = begin(any_of(datasets()));
  for (const auto& id : some_of(others(), 3)) {
    Change one = change(changeset.dataset, id, 'U');
    one.value.number = 0;
    one.keep_number = true;
    changeset.changes.push_back(std::move(one));
  }
  return changeset;
}

Changeset Planner::change_some(const std::string& dataset, const FoundState& found) {
  Changeset changeset = begin(dataset);
  changeset.base_versions[dataset] = found.version;
  for (const auto& id : some_of(others(), 4)) {
    const auto known = found.features.find(id);
    Change one = change(dataset, id, known != found.features.end() && chance(25) ? 'D' : 'P');
    if (known != found.features.end()) one.based_on = known->second.token;
    changeset.changes.push_back(std::move(one));
  }
  return changeset;
}

std::optional<Changeset> Planner::checked() {
  const std::string dataset = any_of(datasets());
  const auto found = client_.read_snapshot(dataset);
  if (!found) return std::nullopt;
  return change_some(dataset, *found);
}

std::optional<Changeset> Planner::pair() {
  const std::string id = any_of(pairs());
  auto order = datasets();
  if (chance(50)) std::swap(order[0], order[1]);
  Changeset changeset = begin(any_of(order));
  const bool in_header = chance(50);
  std::optional<std::int64_t> number;
  for (const auto& dataset : order) {
    const auto found = client_.get_feature(dataset, id);
    if (!found || (number && *number != found->value.number)) return std::nullopt;  // between two commits
    number = found->value.number;
    Change one = change(dataset, id, 'U');
    one.value.number = *number + 1;
    one.based_on = found->value.token;
    if (in_header) {
      changeset.base_versions[dataset] = found->version;
    } else {
      one.base_version = found->version;
    }
    changeset.changes.push_back(std::move(one));
    if (in_header) continue;
    for (const auto& other : some_of(others(), 2)) changeset.changes.push_back(change(dataset, other));
  }
  return changeset;
}

std::optional<Changeset> Planner::snapshot() {
  constexpr int kOmitted = 2;
  constexpr int kMassOmitted = 30;
  const std::string dataset = any_of(datasets());
  const auto found = client_.read_snapshot(dataset);
  if (!found) return std::nullopt;
  Changeset changeset = begin(dataset);
  changeset.snapshot = true;
  changeset.skip_conflicts = chance(50);
  changeset.base_versions[dataset] = found->version;
  int omit = chance(10) ? kMassOmitted : pick(kOmitted + 1);
  for (const auto& [id, value] : found->features) {
    if (is_other(id) && omit > 0 && chance(30)) {
      --omit;
      continue;
    }
    Change one = change(dataset, id);
    one.based_on = value.token;
    if (!is_other(id) || chance(95)) one.value = value;
    changeset.changes.push_back(std::move(one));
  }
  for (const auto& id : some_of(others(), 2)) {
    if (!found->features.contains(id)) changeset.changes.push_back(change(dataset, id));
  }
  std::shuffle(changeset.changes.begin(), changeset.changes.end(), random_);
  return changeset;
}

std::optional<Changeset> Planner::skip() {
  constexpr int kAge = 8;
  const std::string dataset = any_of(datasets());
  const auto found = client_.read_snapshot(dataset);
  if (!found) return std::nullopt;
  Changeset changeset = change_some(dataset, *found);
  changeset.skip_conflicts = true;
  changeset.base_versions[dataset] = std::max<std::int64_t>(1, found->version - pick(kAge));
  return changeset;
}

Changeset Planner::collapse() {
  Changeset changeset = plain();
  changeset.collapse_repeated = chance(90);  // else it must be refused
  auto& first = changeset.changes.front();
  first = change(changeset.dataset, first.id);
  changeset.changes.push_back(change(changeset.dataset, changeset.changes.front().id));
  return changeset;
}

std::optional<Changeset> Planner::make(Plan plan) {
  switch (plan) {
    case Plan::kIncrement: return increment();
    case Plan::kPlain: return plain();
    case Plan::kPartial: return partial();
    case Plan::kChecked: return checked();
    case Plan::kPair: return pair();
    case Plan::kSnapshot: return snapshot();
    case Plan::kSkip: return skip();
    case Plan::kCollapse: return collapse();
    case Plan::kDryRun: break;
  }
  constexpr Plan kTried[] = {Plan::kIncrement, Plan::kPlain, Plan::kChecked, Plan::kSnapshot};
  auto changeset = make(kTried[pick(std::size(kTried))]);
  if (changeset) changeset->dry_run = true;
  return changeset;
}

std::optional<Changeset> Planner::make_any() {
  constexpr int kAll = 100;
  int place = pick(kAll);
  for (const auto& [plan, share] : kShares) {
    if (place < share) return make(plan);
    place -= share;
  }
  return make(Plan::kPlain);
}

Changeset Planner::with_other_content(const Changeset& changeset) {
  Changeset other = plain();
  other.id = changeset.id;
  return other;
}

}  // namespace lt::history
