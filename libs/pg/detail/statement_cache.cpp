#include "pg/detail/statement_cache.hpp"

#include <utility>

namespace lt::pg::detail {

StatementCache::Entry& StatementCache::use(std::string_view key) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
  } else {
    if (entries_.size() >= capacity_) forget(entries_.back().key, true);
    entries_.push_front({std::string(key), {}, 0});
    by_key_.emplace(entries_.front().key, entries_.begin());
  }
  ++entries_.front().uses;
  return entries_.front();
}

void StatementCache::name(Entry& entry) { entry.name = "lt_" + std::to_string(next_name_++); }

void StatementCache::forget(std::string_view key, bool on_server) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  const auto entry = found->second;
  by_key_.erase(found);
  if (on_server && !entry->name.empty()) evicted_.push_back(std::move(entry->name));
  entries_.erase(entry);
}

std::vector<std::string> StatementCache::take_evicted() { return std::exchange(evicted_, {}); }

}  // namespace lt::pg::detail
