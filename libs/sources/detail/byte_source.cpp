#include "sources/detail/byte_source.hpp"

#include <cpl_vsi.h>
#include <zlib.h>

#include <fmt/format.h>

#include "base/status.hpp"
#include "sources/detail/backend.hpp"
#include "sources/detail/gdal_support.hpp"

namespace lt::sources::detail {
namespace {

constexpr unsigned kGzipBuffer = 128U << 10;

absl::Status corrupt(const std::string& path, std::string_view why) {
  return make_error(absl::StatusCode::kDataLoss, "FILE_CORRUPT", fmt::format("{}: {}", base_name(path), why),
                    {{"file", base_name(path)}});
}

absl::Status unreadable(const std::string& path) {
  return make_error(absl::StatusCode::kInvalidArgument, "FILE_UNREADABLE",
                    fmt::format("{} cannot be opened for reading: check its permissions", base_name(path)),
                    {{"file", base_name(path)}});
}

class GzipSource final : public ByteSource {
 public:
  GzipSource(gzFile file, std::string path) : file_(file), path_(std::move(path)) { gzbuffer(file_, kGzipBuffer); }
  ~GzipSource() override { gzclose(file_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  absl::StatusOr<std::size_t> read(std::span<char> out) override {
    const int n = gzread(file_, out.data(), static_cast<unsigned>(out.size()));
    int error = Z_OK;
    const char* why = gzerror(file_, &error);
    // A stream that was cut off gives its bytes and then Z_BUF_ERROR, once nothing more comes.
    if (n < 0 || (n == 0 && error != Z_OK && error != Z_STREAM_END)) return corrupt(path_, why);
    return static_cast<std::size_t>(n);
  }

  absl::Status rewind() override {
    if (gzrewind(file_) != 0) return corrupt(path_, "cannot go back to the start");
    gzclearerr(file_);
    return absl::OkStatus();
  }

 private:
  gzFile file_;
  std::string path_;
};

class VsiSource final : public ByteSource {
 public:
  VsiSource(VSILFILE* file, std::string path) : file_(file), path_(std::move(path)) {}
  ~VsiSource() override {
    const GdalErrors quiet;
    VSIFCloseL(file_);
  }
  VsiSource(const VsiSource&) = delete;
  VsiSource& operator=(const VsiSource&) = delete;

  absl::StatusOr<std::size_t> read(std::span<char> out) override {
    const GdalErrors errors;
    const std::size_t n = VSIFReadL(out.data(), 1, out.size(), file_);
    if (errors.failed()) return corrupt(path_, errors.text());
    if (n == 0 && VSIFEofL(file_) == 0) return corrupt(path_, "reading stopped before the end");
    return n;
  }

  absl::Status rewind() override {
    const GdalErrors errors;
    if (VSIFSeekL(file_, 0, SEEK_SET) != 0) return corrupt(path_, "cannot go back to the start");
    return absl::OkStatus();
  }

 private:
  VSILFILE* file_;
  std::string path_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> open_plain_or_gzip(const std::string& path) {
  const gzFile file = gzopen(path.c_str(), "rbe");
  if (file == nullptr) return unreadable(path);
  return std::make_unique<GzipSource>(file, path);
}

absl::StatusOr<std::unique_ptr<ByteSource>> open_vsi(const std::string& path) {
  const GdalErrors errors;
  VSILFILE* file = VSIFOpenL(path.c_str(), "rb");
  if (file == nullptr) return unreadable(path);
  return std::make_unique<VsiSource>(file, path);
}

}  // namespace lt::sources::detail
