// Bytes of a plain, gzipped or zipped file, in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::sources::detail {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills the front of `out`; 0 = end. Errors: DATA_LOSS FILE_CORRUPT (bad or cut-off compression, disk error).
  [[nodiscard]] virtual absl::StatusOr<std::size_t> read(std::span<char> out) = 0;
  [[nodiscard]] virtual absl::Status rewind() = 0;
};

/// A plain or gzipped file, told apart by its first bytes.
/// Errors: INVALID_ARGUMENT FILE_UNREADABLE.
[[nodiscard]] absl::StatusOr<std::unique_ptr<ByteSource>> open_plain_or_gzip(const std::string& path);

/// Any GDAL virtual path, such as /vsizip/a.zip/b.geojson.
[[nodiscard]] absl::StatusOr<std::unique_ptr<ByteSource>> open_vsi(const std::string& path);

}  // namespace lt::sources::detail
