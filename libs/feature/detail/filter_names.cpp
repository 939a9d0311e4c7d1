#include "feature/detail/filter_names.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "feature/text.hpp"

namespace lt::feature::detail {
namespace {

constexpr std::size_t kMostNames = 5;
constexpr std::size_t kMostChars = kMaxFieldNameBytes;

// Code points, ASCII letters as small ones; well-formed UTF-8, of which the lead byte starts each.
std::vector<std::string> letters(std::string_view text) {
  std::vector<std::string> out;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (continues && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
    if (out.size() == kMostChars) break;
  }
  return out;
}

// Letters to insert, remove or replace. @source Levenshtein
std::size_t distance(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) out += (i > 0 ? ", " : "") + names[i];
  return names.size() > kMostNames ? out + ", …" : out;
}

}  // namespace

std::string suggest_names(std::string_view wanted, const Schema& schema) {
  const auto target = letters(wanted);
  const std::size_t nearest = std::max<std::size_t>(1, target.size() / 3);
  std::vector<std::pair<std::size_t, std::string>> close;
  std::vector<std::string> all;
  for (const Field& field : schema.fields) {
    all.push_back(fmt::format("\"{}\"", cut(field.name)));
    const auto name = letters(field.name);
    const std::size_t longer = std::max(name.size(), target.size());
    if (longer - std::min(name.size(), target.size()) > nearest) continue;
    const std::size_t d = distance(target, name);
    if (d <= nearest && d < longer) close.emplace_back(d, all.back());
  }
  if (all.empty()) return "the dataset has no properties";
  if (close.empty()) return "there are " + join(all);
  std::stable_sort(close.begin(), close.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (auto& [d, name] : close) names.push_back(std::move(name));
  return "did you mean " + join(names) + "?";
}

}  // namespace lt::feature::detail
