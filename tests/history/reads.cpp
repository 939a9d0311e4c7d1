#include "history/reads.hpp"

#include <algorithm>

namespace lt::history {
namespace {

std::string at(const std::string& dataset, std::int64_t version) { return dataset + "@" + std::to_string(version); }
std::string text_of(const Value* value) {
  return value ? "'" + value->token + "' " + std::to_string(value->number) : "nothing";
}

struct Reader {
  const Transactions& transactions;
  const Replay& replay;
  const Windows& windows;
  Report& report;
};

// False, and reported, when nobody may ever see this value of this feature.
bool check_origin(const Reader& r, const Read& read, const Seen& seen, const std::string& id, const Value& value) {
  const auto origin = r.transactions.origins.find(value.token);
  if (origin == r.transactions.origins.end() || origin->second.dataset != seen.dataset || origin->second.id != id) {
    r.report.add("unwritten value",
                 at(seen.dataset, seen.version) + " " + id + " has " + text_of(&value) + ", which nobody wrote there",
                 {read.end_line});
    return false;
  }
  const auto& writer = r.transactions.all[origin->second.transaction];
  if (!writer.accepted() || writer.changeset->dry_run) {
    const std::string what = writer.changeset->dry_run ? "a dry run"
                             : writer.in_doubt         ? "a changeset without a known outcome"
                                                       : "a refused changeset";
    r.report.add("G1a", id + " was read with a value of " + what + ", " + writer.changeset->id,
                 {writer.line, read.end_line});
    return false;
  }
  if (origin->second.intermediate) {
    r.report.add("G1b", id + " was read with a value that " + writer.changeset->id + " itself replaced",
                 {writer.line, read.end_line});
    return false;
  }
  return true;
}

// Whether a state shows some effects of a commit and lacks others.
bool shows_part_of(const Reader& r, const Seen& seen, const Transaction& writer) {
  const auto version = writer.versions.find(seen.dataset);
  const auto& made = r.replay.of(seen.dataset);
  if (version == writer.versions.end() || version->second > made.head()) return false;
  const std::int64_t last = std::max(seen.version, version->second);
  int shown = 0;
  int missing = 0;
  for (const auto& effect : made.effects(version->second)) {
    if (made.find(effect.id, last)->version != version->second) continue;  // replaced by a later commit
    const auto found = seen.state.find(effect.id);
    const bool same =
        effect.value ? found != seen.state.end() && found->second == *effect.value : found == seen.state.end();
    ++(same ? shown : missing);
  }
  return shown > 0 && missing > 0;
}

void report_wrong_state(const Reader& r, const Read& read, const Seen& seen, const std::string& id,
                        const Value* expected, const Value* found) {
  std::vector<std::size_t> lines{read.end_line};
  std::string kind = "wrong read";
  const auto* step = r.replay.of(seen.dataset).find(id, seen.version);
  const Transaction* due = step ? r.transactions.writer(seen.dataset, step->version) : nullptr;
  const auto origin = found ? r.transactions.origins.find(found->token) : r.transactions.origins.end();
  const Transaction* came =
      origin == r.transactions.origins.end() ? nullptr : &r.transactions.all[origin->second.transaction];
  for (const auto* writer : {due, came}) {
    if (!writer) continue;
    lines.push_back(writer->line);
    if (shows_part_of(r, seen, *writer)) kind = "partial commit";
  }
  r.report.add(kind,
               at(seen.dataset, seen.version) + " must have " + id + " = " + text_of(expected) + ", " + read.name +
                   " saw " + text_of(found),
               lines);
}

void check_state(const Reader& r, const Read& read, const Seen& seen) {
  for (const auto& [id, value] : seen.state) {
    if (!check_origin(r, read, seen, id, value)) return;
  }
  const auto expected = r.replay.of(seen.dataset).state(seen.version);
  for (const auto& [id, value] : expected) {
    const auto found = seen.state.find(id);
    if (found != seen.state.end() && found->second == value) continue;
    return report_wrong_state(r, read, seen, id, &value, found == seen.state.end() ? nullptr : &found->second);
  }
  for (const auto& [id, value] : seen.state) {
    if (!expected.contains(id)) return report_wrong_state(r, read, seen, id, nullptr, &value);
  }
}

std::vector<Entry> expected_diff(const DatasetHistory& made, std::int64_t from, std::int64_t to) {
  std::vector<Entry> entries;
  for (const auto& [id, steps] : made.features()) {
    const Value* before = made.value(id, from);
    const Value* after = made.value(id, to);
    if (!before && !after) continue;
    if (before && after && *before == *after) continue;
    const char op = !before ? 'I' : !after ? 'D' : 'U';
    entries.push_back({op, id, made.find(id, to)->version, after ? std::optional(*after) : std::nullopt});
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.version, a.id) < std::tie(b.version, b.id); });
  return entries;
}

std::vector<Entry> expected_changes(const DatasetHistory& made, std::int64_t from, std::int64_t to) {
  std::vector<Entry> entries;
  for (std::int64_t version = from + 1; version <= std::min(to, made.head()); ++version) {
    const auto begin = static_cast<std::ptrdiff_t>(entries.size());
    for (const auto& effect : made.effects(version)) entries.push_back({effect.op, effect.id, version, effect.value});
    std::sort(entries.begin() + begin, entries.end(), [](const Entry& a, const Entry& b) { return a.id < b.id; });
  }
  return entries;
}

// True, and reported, when of one version some changes are there and others are not.
bool is_partial(const Reader& r, const Read& read, const Seen& seen, const std::vector<Entry>& expected) {
  std::map<std::int64_t, int> shown;
  std::map<std::int64_t, int> due;
  for (const auto& entry : expected) {
    ++due[entry.version];
    if (std::find(seen.entries.begin(), seen.entries.end(), entry) != seen.entries.end()) ++shown[entry.version];
  }
  for (const auto& [version, count] : shown) {
    if (count == due[version]) continue;
    const auto* writer = r.transactions.writer(seen.dataset, version);
    r.report.add("partial commit",
                 read.name + " of " + seen.dataset + " shows " + std::to_string(count) + " of " +
                     std::to_string(due[version]) + " changes of version " + std::to_string(version),
                 {read.end_line, writer ? writer->line : read.invoke_line});
    return true;
  }
  return false;
}

void check_entries(const Reader& r, const Read& read, const Seen& seen) {
  for (const auto& entry : seen.entries) {
    if (entry.value && !check_origin(r, read, seen, entry.id, *entry.value)) return;
  }
  const auto& made = r.replay.of(seen.dataset);
  const auto expected = seen.form == SeenForm::kDiff ? expected_diff(made, seen.from, seen.version)
                                                     : expected_changes(made, seen.from, seen.version);
  if (expected == seen.entries || is_partial(r, read, seen, expected)) return;
  const auto [want, have] = std::mismatch(expected.begin(), expected.end(), seen.entries.begin(), seen.entries.end());
  const auto text = [](auto place, auto end) {
    if (place == end) return std::string("nothing");
    return std::string(1, place->op) + " " + place->id + "@" + std::to_string(place->version) + " " +
           text_of(place->value ? &*place->value : nullptr);
  };
  r.report.add("wrong read",
               read.name + " " + at(seen.dataset, seen.from) + ".." + std::to_string(seen.version) + " must have " +
                   text(want, expected.end()) + ", it has " + text(have, seen.entries.end()),
               {read.end_line});
}

void check_feature(const Reader& r, const Read& read, const Seen& seen) {
  if (seen.value && !check_origin(r, read, seen, seen.id, *seen.value)) return;
  const auto& made = r.replay.of(seen.dataset);
  const std::int64_t oldest = read.may_lag ? 0 : r.windows.oldest(seen.dataset, read.invoked).version;
  const std::int64_t newest = std::min(made.head(), r.windows.newest(seen.dataset, read.ended));
  for (std::int64_t version = newest; version >= oldest; --version) {
    const auto* step = made.find(seen.id, version);
    const bool exists = step && step->value;
    if (!exists && !seen.value) return;
    if (exists && seen.value && *step->value == *seen.value && step->version == seen.version) return;
  }
  r.report.add("wrong read",
               seen.dataset + " " + seen.id + " was read as " + text_of(seen.value ? &*seen.value : nullptr) +
                   " of version " + std::to_string(seen.version) + ", which it had at no version from " +
                   std::to_string(oldest) + " to " + std::to_string(newest),
               {read.end_line});
}

void check_digest(const Reader& r, const Read& read, const Seen& seen) {
  const auto* writer = r.transactions.writer(seen.dataset, seen.version);
  if (seen.digest.empty() || !writer || !writer->receipt || writer->receipt->digest == seen.digest) return;
  r.report.add("digest differs", "the head " + at(seen.dataset, seen.version) + " was read with digest " + seen.digest,
               {writer->line, read.end_line});
}

// What was seen of several datasets at one moment must not lie between two datasets of one commit.
void check_cut(const Reader& r, const Read& read) {
  std::map<std::string, const Seen*> parts;
  for (const auto& seen : read.seen) parts[seen.dataset] = &seen;
  if (parts.size() < 2) return;
  for (const auto& [dataset, seen] : parts) {
    for (std::int64_t version = seen->version; version >= 1; --version) {
      const auto* writer = r.transactions.writer(dataset, version);
      if (!writer || writer->versions.size() < 2) continue;
      for (const auto& [other, other_version] : writer->versions) {
        const auto part = parts.find(other);
        if (part == parts.end() || part->second->version >= other_version) continue;
        r.report.add("partial commit",
                     read.name + " saw " + at(dataset, seen->version) + " with " + at(other, part->second->version) +
                         ", but " + writer->changeset->id + " made " + at(dataset, version) + " and " +
                         at(other, other_version) + " at once",
                     {writer->line, read.end_line});
        return;
      }
      if (writer->versions.size() >= parts.size()) break;  // what is older cannot be cut when this is not
    }
  }
}

void check_pairs(const History& history, const Reader& r, const Read& read) {
  for (const auto& pair : history.pairs) {
    const Seen* first = nullptr;
    for (const auto& seen : read.seen) {
      if (seen.form != SeenForm::kState) continue;
      if (!first) {
        first = &seen;
        continue;
      }
      const auto a = first->state.find(pair);
      const auto b = seen.state.find(pair);
      const bool in_first = a != first->state.end();
      const bool in_second = b != seen.state.end();
      if (in_first == in_second && (!in_first || a->second.number == b->second.number)) continue;
      r.report.add("partial commit",
                   read.name + " saw pair " + pair + " as " + text_of(in_first ? &a->second : nullptr) + " in " +
                       at(first->dataset, first->version) + " and " + text_of(in_second ? &b->second : nullptr) +
                       " in " + at(seen.dataset, seen.version),
                   {read.end_line});
    }
  }
}

}  // namespace

void check_reads(const History& history, const Transactions& transactions, const Replay& replay, const Windows& windows,
                 Report& report) {
  const Reader reader{transactions, replay, windows, report};
  for (const auto& read : history.reads) {
    for (const auto& seen : read.seen) {
      if (seen.form == SeenForm::kReceipts) continue;
      if (seen.form == SeenForm::kFeature) {
        check_feature(reader, read, seen);
        continue;
      }
      if (seen.version > replay.of(seen.dataset).head()) {
        report.add("wrong read", at(seen.dataset, seen.version) + " was read, but nobody is known to have written it",
                   {read.end_line});
        continue;
      }
      check_digest(reader, read, seen);
      if (seen.form == SeenForm::kState) check_state(reader, read, seen);
      if (seen.form == SeenForm::kDiff || seen.form == SeenForm::kChanges) check_entries(reader, read, seen);
    }
    check_cut(reader, read);
    check_pairs(history, reader, read);
  }
}

}  // namespace lt::history
