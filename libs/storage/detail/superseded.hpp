// Which changes of a range were followed by another one of the same feature within it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "storage/page_source.hpp"
#include "storage/read.hpp"

namespace lt::storage {

/// Read from the log in pages, in the order of (version, id), beside the changes themselves: so it is exact, and takes
/// bounded memory however many there are.
///
/// To be read before the changes that are looked up: compaction removes a change no later than its successor, so a
/// change that is still there had its successor there before. The other way round, a successor may be gone.
class Superseded {
 public:
  /// Those after `start` that a change up to version `b` replaced.
  Superseded(const PageSource& source, int dataset, std::int64_t b, PageLimits limits, const Position& start);
  /// Changes since the last prepare() may be asked for again.
  void rewind() { place_ = 0; }

  /// Reads the next page, if there is one and nothing is left of the last.
  [[nodiscard]] absl::Status prepare();
  /// @param version, id a change; not before the one asked for last.
  /// @return nothing when it is beyond what was read: prepare(), then read the change again.
  [[nodiscard]] std::optional<bool> contains(std::int64_t version, std::string_view id);

 private:
  [[nodiscard]] std::string_view id_at(std::size_t place) const;

  const PageSource& source_;
  std::string sql_;
  std::int64_t b_, rows_;
  Position last_;  ///< of the last page
  bool more_ = false;
  std::size_t place_ = 0;
  // A page, packed: a reader may keep it for as long as it takes its entries.
  std::vector<std::int64_t> versions_;
  std::vector<std::uint32_t> ends_;  ///< of each id in ids_
  std::string ids_;
};

}  // namespace lt::storage
