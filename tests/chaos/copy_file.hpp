// A consumer's copy of a dataset in a file, stored as a whole together with its cursor.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "chaos/model.hpp"
#include "client/client.hpp"

namespace lt::chaos {

class CopyFile {
 public:
  CopyFile() = default;
  /// Of a file that need not be there. Errors: INTERNAL JOURNAL_FAILED.
  [[nodiscard]] static absl::StatusOr<CopyFile> load(const std::string& path);

  /// Applies the diff from the cursor to the head and stores both, or changes nothing. A copy that is older than what
  /// compaction left is thrown away and made anew from nothing.
  /// Errors: those of the exchange; DATA_LOSS CHAOS_VIOLATION; INTERNAL JOURNAL_FAILED.
  [[nodiscard]] absl::Status advance(const client::Client& client, const std::string& dataset);

  /// How often that was so.
  [[nodiscard]] int renewals() const { return renewals_; }
  [[nodiscard]] std::int64_t version() const { return version_; }
  [[nodiscard]] const Copy& copy() const { return copy_; }

 private:
  CopyFile(std::string path, int renewals) : path_(std::move(path)), renewals_(renewals) {}
  [[nodiscard]] absl::StatusOr<client::EntryReader> open_diff(const client::Client& client, const std::string& dataset);

  std::string path_;
  std::string cursor_;
  std::int64_t version_ = 0;
  Copy copy_;
  int renewals_ = 0;
};

}  // namespace lt::chaos
