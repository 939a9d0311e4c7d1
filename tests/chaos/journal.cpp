#include "chaos/journal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"

namespace lt::chaos {
namespace {

constexpr mode_t kMode = 0644;

absl::Status failed(std::string_view what, const std::string& path) {
  return make_error(absl::StatusCode::kInternal, "JOURNAL_FAILED",
                    fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(file, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(done));
  }
  return fdatasync(file) == 0;
}

}  // namespace

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

absl::StatusOr<std::vector<nlohmann::json>> read_journal(const std::string& path) {
  const std::string text = read_file(path);
  std::vector<nlohmann::json> lines;
  std::size_t start = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    auto line = nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(start),
                                      text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    if (line.is_discarded()) {
      return make_error(absl::StatusCode::kInternal, "JOURNAL_FAILED",
                        fmt::format("{}: no JSON at byte {}", path, start));
    }
    lines.push_back(std::move(line));
    start = end + 1;
  }
  return lines;
}

absl::Status replace_file(const std::string& path, const std::string& content) {
  const std::string temporary = path + ".tmp";
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (file < 0) return failed("write", temporary);
  const bool written = write_all(file, content);
  ::close(file);
  if (!written) return failed("write", temporary);
  return std::rename(temporary.c_str(), path.c_str()) == 0 ? absl::OkStatus() : failed("rename", temporary);
}

absl::StatusOr<Journal> Journal::open(const std::string& path) {
  LT_ASSIGN_OR_RETURN(auto before, read_journal(path));
  const std::size_t whole = read_file(path).rfind('\n') + 1;  // npos + 1 = 0
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode);
  if (file < 0) return failed("open", path);
  Journal journal(file, std::move(before));
  return ftruncate(file, static_cast<off_t>(whole)) == 0 ? absl::StatusOr<Journal>(std::move(journal))
                                                         : failed("cut", path);
}

Journal::Journal(Journal&& other) noexcept : file_(std::exchange(other.file_, -1)), before_(std::move(other.before_)) {}

Journal::~Journal() {
  if (file_ >= 0) ::close(file_);
}

absl::Status Journal::write(const nlohmann::json& line) const {
  return write_all(file_, line.dump() + "\n") ? absl::OkStatus() : failed("write", "a journal");
}

}  // namespace lt::chaos
