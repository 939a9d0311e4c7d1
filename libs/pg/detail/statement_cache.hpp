// Which statement texts are prepared on a session, least recently used out first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lt::pg::detail {

/// Names only: the session sends PREPARE and DEALLOCATE. Not thread-safe.
///
/// A text is worth preparing from its second use on: preparing costs a round trip, and texts used once (DDL of a
/// dataset, a migration) would push out the ones that pay.
class StatementCache {
 public:
  struct Entry {
    std::string key;
    std::string name;        ///< Server-side name; "" = not prepared.
    std::uint64_t uses = 0;  ///< Calls of use() so far.
  };

  explicit StatementCache(std::size_t capacity) : capacity_(capacity) {}

  /// The entry of `key`, made if absent, moved to the front, counted. Valid until the next call.
  Entry& use(std::string_view key);
  /// Gives the entry a fresh server-side name.
  void name(Entry& entry);
  /// Drops an entry. `on_server`: the server still knows its name, which must be deallocated.
  void forget(std::string_view key, bool on_server);
  /// Names that the server may forget; empties the list.
  std::vector<std::string> take_evicted();
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  std::size_t capacity_;
  std::uint64_t next_name_ = 1;
  std::list<Entry> entries_;  // most recent first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
  std::vector<std::string> evicted_;
};

}  // namespace lt::pg::detail
