#include "sources/detail/backend.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <absl/strings/ascii.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/status.hpp"

namespace lt::sources::detail {

absl::Status at(const absl::Status& status, const Place& place) {
  if (status.ok()) return status;
  ErrorDetail detail = error_detail(status).value_or(ErrorDetail{"UNKNOWN", {}, {}});
  std::string where = fmt::format("{}: feature {}", place.file, place.position);
  if (!place.id.empty()) where += fmt::format(" (id '{}')", place.id);
  if (!place.field.empty()) where += fmt::format(", field '{}'", place.field);
  detail.metadata["file"] = place.file;
  detail.metadata["position"] = std::to_string(place.position);
  if (!place.id.empty()) detail.metadata["feature_id"] = place.id;
  if (!place.field.empty()) detail.metadata["field"] = place.field;
  return make_error(status.code(), detail.reason, where + ": " + message_of(status), std::move(detail.metadata),
                    std::move(detail.violations));
}

void GeometryStats::add(geo::GeometryType type, geo::Dimension dimension) {
  types_.insert(type);
  dimensions_.insert(dimension);
}

void GeometryStats::add_refused(const absl::Status& why, std::int64_t position) {
  if (refused_++ == 0) first_refused_ = fmt::format("feature {}: {}", position, message_of(why));
}

void GeometryStats::apply(const std::string& crs, InferredSchema& out) const {
  if (refused_ > 0) {
    out.notes.push_back(fmt::format("{} geometries cannot be kept; the first is {}", refused_, first_refused_));
  }
  if (types_.empty()) {
    out.notes.emplace_back("no geometry was found: taken as a dataset without geometry");
    return;
  }
  out.schema.crs = crs;
  out.schema.geometry.types.assign(types_.begin(), types_.end());
  out.schema.geometry.dimensions.assign(dimensions_.begin(), dimensions_.end());
  out.schema.geometry.nullable = nulls_ > 0;
  if (nulls_ > 0) out.notes.push_back(fmt::format("{} features have no geometry: null geometry is allowed", nulls_));
  if (dimensions_.size() > 1) {
    std::vector<std::string> names;
    for (const auto d : dimensions_) names.emplace_back(geo::to_string(d));
    out.notes.push_back(
        fmt::format("geometries of several dimensions were found, all are allowed: {}", fmt::join(names, ", ")));
  }
}

void IdCandidates::add(const std::vector<std::pair<std::string, std::string>>& values) {
  if (count_++ >= kLooksAt) return;
  for (const auto& [name, text] : values) {
    const bool is_new = !text.empty() && seen_[name].insert(text).second;
    const auto [it, first] = unique_.try_emplace(name, true);
    if (!is_new) it->second = false;
  }
}

std::vector<std::string> IdCandidates::names() const {
  const auto looked_at = static_cast<std::size_t>(std::min(count_, kLooksAt));
  std::vector<std::string> result;
  for (const auto& [name, unique] : unique_) {
    if (unique && seen_.at(name).size() == looked_at) result.push_back(name);
  }
  return result;
}

absl::Status no_own_ids(const std::vector<std::string>& candidates) {
  const std::string hint = candidates.empty()
                               ? std::string("no field is filled and unique in every feature: add one to the file")
                               : fmt::format("name a field with --id-field; filled and unique: {}", listed(candidates));
  return make_error(absl::StatusCode::kInvalidArgument, "FEATURE_ID_MISSING",
                    fmt::format("the file's features have no ids of their own (a row number is not one); {}", hint));
}

std::string base_name(const std::string& path) {
  std::filesystem::path p(path);
  if (p.filename().empty()) p = p.parent_path();
  return p.filename().string();
}

std::string ending(const std::string& path) {
  const std::string name = absl::AsciiStrToLower(base_name(path));
  const std::filesystem::path p(name);
  const std::string last = p.extension().string();
  constexpr std::array kWrappers{".gz", ".zip"};
  if (std::find(kWrappers.begin(), kWrappers.end(), last) == kWrappers.end()) return last;
  return p.stem().extension().string() + last;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kAtMost = 10;
  const std::size_t n = std::min(names.size(), kAtMost);
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(n), ", "));
  if (names.size() > n) text += fmt::format(" and {} more", names.size() - n);
  return text;
}

}  // namespace lt::sources::detail
