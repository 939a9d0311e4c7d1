#include "lienthong/versions.hpp"

#include <charconv>
#include <string_view>

#include "base/status.hpp"
#include "lienthong/cli.hpp"

namespace lt::cli {
namespace {

constexpr std::string_view kDots = "..";

std::optional<std::int64_t> parse_version(std::string_view text) {
  std::int64_t version = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, version);
  if (error != std::errc() || stopped != end || version < 0) return std::nullopt;
  return version;
}

}  // namespace

absl::StatusOr<VersionRange> parse_version_range(const std::string& text) {
  const std::size_t dots = text.find(kDots);
  const absl::Status wrong =
      usage_error("'" + text + "' is no range of versions: write A..B for (A, B], or A.. to the head");
  if (dots == std::string::npos) return wrong;
  const auto from = parse_version(std::string_view(text).substr(0, dots));
  if (!from) return wrong;
  const std::string_view rest = std::string_view(text).substr(dots + kDots.size());
  if (rest.empty()) return VersionRange{*from, std::nullopt};
  const auto to = parse_version(rest);
  if (!to || *to < *from) return wrong;
  return VersionRange{*from, to};
}

absl::StatusOr<DatasetAt> parse_dataset_at(const std::string& text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string::npos && !text.empty()) return DatasetAt{text, std::nullopt};
  const auto version = at == std::string::npos ? std::nullopt : parse_version(std::string_view(text).substr(at + 1));
  if (!version || at == 0)
    return usage_error("'" + text + "' is no dataset: write DATASET, or DATASET@V for a version");
  return DatasetAt{text.substr(0, at), version};
}

}  // namespace lt::cli
