// LIKE of filters: the time is that of the text, whatever the pattern.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lt::feature::detail {

/// A pattern of SQL's LIKE: % any text, _ one code point, backslash takes the next sign as it is. Pattern and texts are
/// well-formed UTF-8.
class LikePattern {
 public:
  /// @param pattern ends in no lone backslash.
  explicit LikePattern(std::string_view pattern);
  /// True when it fits the whole text.
  [[nodiscard]] bool matches(std::string_view text) const;

 private:
  using Bits = std::vector<std::uint64_t>;

  // What stands between two %.
  class Segment {
   public:
    void add(std::string_view sign) { signs_.emplace_back(sign); }
    void add_any() { signs_.emplace_back(); }
    /// Nothing may be added afterwards.
    void close();
    [[nodiscard]] bool empty() const { return signs_.empty(); }
    [[nodiscard]] std::size_t signs() const { return signs_.size(); }
    /// Bytes that it takes at the start of the text, if it fits there.
    [[nodiscard]] std::optional<std::size_t> fit(std::string_view text) const;
    /// The byte behind the first place where it fits.
    [[nodiscard]] std::optional<std::size_t> find_end(std::string_view text) const;

   private:
    [[nodiscard]] std::optional<std::size_t> find_with_any(std::string_view text) const;
    [[nodiscard]] const Bits& places_of(std::string_view sign) const;

    std::vector<std::string> signs_;                    // code points, "" = any
    std::string plain_;                                 // all of them, when none is any
    std::vector<std::pair<std::string, Bits>> places_;  // by code point: where it fits; only with any
    Bits any_;                                          // where every other code point fits
  };

  std::vector<Segment> segments_;  // the first is bound to the start of the text, the last to its end
};

}  // namespace lt::feature::detail
