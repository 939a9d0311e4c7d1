#include "chaos/model.hpp"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "feature/record.hpp"

namespace lt::chaos {
namespace {

using feature::ChangeOp;
using feature::Entry;
using feature::EntryOp;

constexpr std::size_t kMostListed = 5;

absl::Status violation(std::string_view message) {
  return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION", message);
}

std::string hash_of(std::string_view record) { return to_hex(view(feature::content_hash(record))); }

}  // namespace

absl::StatusOr<Applied> apply(const ChangesetContent& content, const std::string& dataset, std::int64_t version,
                              Copy& copy) {
  Applied applied;
  const auto changes = content.changes.find(dataset);
  if (changes == content.changes.end()) return applied;
  std::map<std::string, Effect> effects;
  std::set<std::string> sent;
  for (const auto& change : changes->second) {
    sent.insert(change.id);
    const auto found = copy.find(change.id);
    const bool exists = found != copy.end();
    if (change.op == ChangeOp::kDelete) {
      if (exists) effects[change.id] = {EntryOp::kDelete, change.id, {version, {}}};
      if (!exists) ++applied.counts.unchanged;
      continue;
    }
    const std::string hash = hash_of(change.record);
    if (exists && found->second.hash == hash) {
      ++applied.counts.unchanged;
      continue;
    }
    if (exists && change.op == ChangeOp::kInsert) {
      return violation(fmt::format("{} as {} version {} inserts '{}', which exists since version {}",
                                   content.header.changeset_id, dataset, version, change.id, found->second.version));
    }
    effects[change.id] = {exists ? EntryOp::kUpdate : EntryOp::kInsert, change.id, {version, hash}};
  }
  if (content.header.kind == feature::ChangesetKind::kSnapshot) {
    for (const auto& [id, kept] : copy) {
      if (!sent.contains(id)) effects[id] = {EntryOp::kDelete, id, {version, {}}};
    }
  }
  for (auto& [id, effect] : effects) {
    if (effect.op == EntryOp::kInsert) ++applied.counts.inserted;
    if (effect.op == EntryOp::kUpdate) ++applied.counts.updated;
    if (effect.op == EntryOp::kDelete) ++applied.counts.deleted;
    if (effect.op == EntryOp::kDelete) {
      copy.erase(id);
    } else {
      copy[id] = effect.after;
    }
    applied.effects.push_back(std::move(effect));
  }
  return applied;
}

absl::Status apply(const Entry& entry, std::int64_t after, std::int64_t to, Copy& copy) {
  const bool exists = copy.contains(entry.id);
  const bool fits = entry.op == EntryOp::kInsert ? !exists : exists;
  if (!fits || entry.version <= after || entry.version > to) {
    return violation(fmt::format("diff ({}, {}] has {} of '{}' at version {}, which {} in the copy", after, to,
                                 feature::to_string(entry.op), entry.id, entry.version, exists ? "is" : "is not"));
  }
  if (entry.op == EntryOp::kDelete) {
    copy.erase(entry.id);
  } else {
    copy[entry.id] = {entry.version, hash_of(entry.record)};
  }
  return absl::OkStatus();
}

absl::StatusOr<Copy> read_copy(client::EntryReader& reader) {
  Copy copy;
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto entry, reader.next());
    if (!entry) return copy;
    LT_RETURN_IF_ERROR(apply(*entry, 0, reader.header().to_version(), copy));
  }
}

std::string difference(std::string_view left, const Copy& a, std::string_view right, const Copy& b) {
  std::string text;
  std::size_t count = 0;
  const auto show = [](const Copy& copy, const std::string& id) {
    const auto found = copy.find(id);
    return found == copy.end() ? std::string("nothing")
                               : fmt::format("version {} {:.12}", found->second.version, found->second.hash);
  };
  std::set<std::string> ids;
  for (const auto& [id, kept] : a) ids.insert(id);
  for (const auto& [id, kept] : b) ids.insert(id);
  for (const auto& id : ids) {
    const auto in_a = a.find(id);
    const auto in_b = b.find(id);
    if (in_a != a.end() && in_b != b.end() && in_a->second == in_b->second) continue;
    if (++count <= kMostListed) text += fmt::format("; '{}': {}, {}", id, show(a, id), show(b, id));
  }
  return count == 0 ? text : fmt::format("{} and {} differ in {} features{}", left, right, count, text);
}

}  // namespace lt::chaos
