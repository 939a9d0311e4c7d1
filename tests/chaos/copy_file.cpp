#include "chaos/copy_file.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "chaos/journal.hpp"

namespace lt::chaos {
namespace {

std::string render(const std::string& cursor, std::int64_t version, const Copy& copy) {
  nlohmann::json features = nlohmann::json::object();
  for (const auto& [id, kept] : copy) features[id] = {kept.version, kept.hash};
  return nlohmann::json{{"cursor", cursor}, {"version", version}, {"features", std::move(features)}}.dump();
}

}  // namespace

absl::StatusOr<CopyFile> CopyFile::load(const std::string& path) {
  CopyFile file;
  file.path_ = path;
  const std::string text = read_file(path);
  if (text.empty()) return file;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return make_error(absl::StatusCode::kInternal, "JOURNAL_FAILED", path + " is no JSON");
  file.cursor_ = json["cursor"];
  file.version_ = json["version"];
  for (const auto& [id, kept] : json["features"].items()) file.copy_[id] = {kept[0], kept[1]};
  return file;
}

absl::StatusOr<client::EntryReader> CopyFile::open_diff(const client::Client& client, const std::string& dataset) {
  auto reader = client.diff(dataset, version_, std::nullopt, false, cursor_);
  const std::int64_t version = version_;
  if (error_reason(reader.status()) == "HISTORY_COMPACTED") {
    ++renewals_;
    reader = client.diff(dataset, 0);
    if (reader.ok()) *this = CopyFile(path_, renewals_);
  }
  LT_RETURN_IF_ERROR(reader.status());
  const std::int64_t from = reader->header().from_version();
  const std::int64_t to = reader->header().to_version();
  if (from == version_ && to >= version) return reader;
  return make_error(absl::StatusCode::kDataLoss, "CHAOS_VIOLATION",
                    fmt::format("{}: the copy stands at {}, its diff is ({}, {}]", dataset, version, from, to));
}

absl::Status CopyFile::advance(const client::Client& client, const std::string& dataset) {
  LT_ASSIGN_OR_RETURN(auto reader, open_diff(client, dataset));
  const std::int64_t from = version_;
  const std::int64_t to = reader.header().to_version();
  Copy copy = copy_;
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto entry, reader.next());
    if (!entry) break;
    LT_RETURN_IF_ERROR(apply(*entry, from, to, copy));
  }
  if (to == version_ && !cursor_.empty()) return absl::OkStatus();
  LT_RETURN_IF_ERROR(replace_file(path_, render(reader.end()->cursor(), to, copy)));
  cursor_ = reader.end()->cursor();
  version_ = to;
  copy_ = std::move(copy);
  return absl::OkStatus();
}

}  // namespace lt::chaos
