#include "sources/detail/sink.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/status.hpp"

namespace lt::sources::detail {
namespace {

absl::Status sync(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return unwritable(path, std::generic_category().message(errno));
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  return result == 0 ? absl::OkStatus() : unwritable(path, std::generic_category().message(error));
}

}  // namespace

absl::Status unwritable(const std::string& path, std::string_view why) {
  const std::string file = std::filesystem::path(path).filename().string();
  return make_error(
      absl::StatusCode::kFailedPrecondition, "FILE_UNWRITABLE",
      fmt::format("{} cannot be written: {}; check the folder, its permissions and free space", file, why),
      {{"file", file}});
}

TempFile::TempFile(const std::string& final_path) : final_(final_path) {
  const std::filesystem::path p(final_path);
  // The ending stays last: GDAL wants it so.
  path_ = (p.parent_path() / fmt::format(".{}.{}{}", p.stem().string(), make_uuid7(), p.extension().string())).string();
}

TempFile::~TempFile() {
  constexpr std::array<const char*, 4> kSideFiles{"", "-journal", "-wal", "-shm"};
  std::error_code ignored;
  for (const char* suffix : kSideFiles) std::filesystem::remove(path_ + suffix, ignored);
}

absl::Status TempFile::publish() {
  LT_RETURN_IF_ERROR(sync(path_, O_RDONLY));
  if (std::rename(path_.c_str(), final_.c_str()) != 0) {
    return unwritable(final_, std::generic_category().message(errno));
  }
  const std::string folder = std::filesystem::path(final_).parent_path().string();
  return sync(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

}  // namespace lt::sources::detail
