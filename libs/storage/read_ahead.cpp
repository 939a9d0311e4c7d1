#include "storage/read_ahead.hpp"

#include <iterator>
#include <utility>

namespace lt::storage {

ReadAhead::Page ReadAhead::read() const {
  Page page;
  // A page may be empty although there are more: changes that others superseded, and nothing else.
  do {
    page.more = pages_->next(page.entries);
  } while (page.entries.empty() && page.more.ok() && *page.more);
  return page;
}

absl::StatusOr<bool> ReadAhead::next(std::vector<feature::Entry>& entries) {
  Page page = ahead_.valid() ? ahead_.get() : read();
  if (!page.more.ok()) return page.more;
  if (*page.more) ahead_ = std::async(std::launch::async, [this] { return read(); });
  entries.insert(entries.end(), std::make_move_iterator(page.entries.begin()),
                 std::make_move_iterator(page.entries.end()));
  return page.more;
}

}  // namespace lt::storage
