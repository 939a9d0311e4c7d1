// Reading a page while the one before is on its way to the reader.
#pragma once

#include <future>
#include <memory>
#include <vector>

#include "storage/read.hpp"

namespace lt::storage {

/// Gives what `pages` gives. With each page that is asked for, the next one begins to be read, on a thread of its own
/// that ends with it: one page more in memory, and a connection for as long as its statement takes.
class ReadAhead : public PageReader {
 public:
  explicit ReadAhead(std::unique_ptr<PageReader> pages) : pages_(std::move(pages)) {}
  /// Waits for the page that is being read.
  ~ReadAhead() override = default;

  [[nodiscard]] absl::StatusOr<bool> next(std::vector<feature::Entry>& entries) override;

 private:
  struct Page {
    std::vector<feature::Entry> entries;
    absl::StatusOr<bool> more = true;
  };
  [[nodiscard]] Page read() const;

  std::unique_ptr<PageReader> pages_;
  std::future<Page> ahead_;  ///< after pages_: its end is waited for first
};

}  // namespace lt::storage
