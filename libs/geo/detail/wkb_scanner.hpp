// Reads hostile WKB without a tree and without recursion, as a stream of events.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/detail/wkb_writer.hpp"
#include "geo/geometry.hpp"

namespace lt::geo::detail {

/// Handler may have vertices(little-endian bytes, count) that takes all at once, or returns false to get each by
/// vertex(). It needs, each returning absl::Status: begin(type, dimension, count of vertices, rings or members; 1 for a
/// point), end(), begin_ring(vertices), end_ring(), vertex(const double*), empty_point(). The first error ends the
/// scan. Counts are checked against the bytes that follow before the handler sees them.
template <typename Handler>
class WkbScanner {
 public:
  /// @param srid what an SRID must equal; 0 refuses any.
  WkbScanner(std::string_view bytes, int srid, Handler& handler) : bytes_(bytes), srid_(srid), handler_(handler) {}

  /// Errors as in geometry.hpp, with the byte offset of the item that was wrong.
  [[nodiscard]] absl::Status run() {
    const absl::Status status = scan();
    return status.ok() ? status : annotate(status, fmt::format("wkb at byte {}", item_));
  }

 private:
  struct Header {
    GeometryType type = GeometryType::kGeometry;
    Dimension dimension = Dimension::kXY;
    bool little = true;
  };

  static constexpr std::uint32_t kIsoStep = 1000;
  static constexpr std::size_t kMinGeometryBytes = 9;  // byte order, type, count
  static constexpr std::size_t kMinRingBytes = 4;      // count

  [[nodiscard]] absl::Status scan() {
    LT_RETURN_IF_ERROR(geometry());
    while (!members_left_.empty()) {
      if (members_left_.back() == 0) {
        members_left_.pop_back();
        LT_RETURN_IF_ERROR(handler_.end());
        continue;
      }
      --members_left_.back();
      LT_RETURN_IF_ERROR(geometry());
    }
    item_ = at_;
    if (at_ == bytes_.size()) return absl::OkStatus();
    return refuse("GEOMETRY_MALFORMED", fmt::format("{} bytes follow the geometry", bytes_.size() - at_));
  }

  [[nodiscard]] absl::Status geometry() {
    const std::size_t start = at_;
    item_ = start;
    Header h;
    LT_RETURN_IF_ERROR(read_header(h));
    if (h.type == GeometryType::kPoint) return point(h);
    std::uint32_t count = 0;
    const bool line = h.type == GeometryType::kLineString;
    const std::size_t each = line ? vertex_bytes(h) : has_members(h.type) ? kMinGeometryBytes : kMinRingBytes;
    LT_RETURN_IF_ERROR(read_count(h.little, each, count));
    LT_RETURN_IF_ERROR(handler_.begin(h.type, h.dimension, count));
    if (has_members(h.type)) {
      members_left_.push_back(count);
      return absl::OkStatus();
    }
    if (line) {
      LT_RETURN_IF_ERROR(vertices(h, count));
    } else {
      for (std::uint32_t i = 0; i < count; ++i) LT_RETURN_IF_ERROR(ring(h));
    }
    item_ = start;
    return handler_.end();
  }

  [[nodiscard]] absl::Status point(const Header& h) {
    LT_RETURN_IF_ERROR(need(vertex_bytes(h)));
    LT_RETURN_IF_ERROR(handler_.begin(h.type, h.dimension, 1));
    const std::array<double, kMaxOrdinates> values = read_vertex(h);
    const bool all_nan =
        std::all_of(values.begin(), values.begin() + ordinates(h.dimension), [](double v) { return std::isnan(v); });
    LT_RETURN_IF_ERROR(all_nan ? handler_.empty_point() : handler_.vertex(values.data()));
    return handler_.end();
  }

  [[nodiscard]] absl::Status ring(const Header& h) {
    const std::size_t start = at_;
    item_ = start;
    std::uint32_t count = 0;
    LT_RETURN_IF_ERROR(read_count(h.little, vertex_bytes(h), count));
    LT_RETURN_IF_ERROR(handler_.begin_ring(count));
    LT_RETURN_IF_ERROR(vertices(h, count));
    item_ = start;
    return handler_.end_ring();
  }

  [[nodiscard]] absl::Status vertices(const Header& h, std::uint32_t count) {
    if constexpr (requires { handler_.vertices(std::string_view(), count); }) {
      const std::size_t size = count * vertex_bytes(h);
      if (h.little && handler_.vertices(bytes_.substr(at_, size), count)) {
        at_ += size;
        return absl::OkStatus();
      }
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      item_ = at_;
      const std::array<double, kMaxOrdinates> values = read_vertex(h);
      LT_RETURN_IF_ERROR(handler_.vertex(values.data()));
    }
    return absl::OkStatus();
  }

  [[nodiscard]] absl::Status read_header(Header& h) {
    LT_RETURN_IF_ERROR(need(1 + sizeof(std::uint32_t)));
    const auto order = static_cast<unsigned char>(bytes_[at_++]);
    if (order > 1) return refuse("GEOMETRY_MALFORMED", fmt::format("byte order is {}, not 0 or 1", order));
    h.little = order == 1;
    const std::uint32_t code = read_u32(h.little);
    const std::uint32_t iso = code & ~(kEwkbZ | kEwkbM | kEwkbSrid);
    const std::uint32_t iso_dimension = iso / kIsoStep;
    if (iso_dimension > 3 || iso % kIsoStep > static_cast<std::uint32_t>(GeometryType::kTriangle)) {
      return refuse("GEOMETRY_MALFORMED", fmt::format("{} is not a WKB type code", code));
    }
    const auto d = static_cast<Dimension>(iso_dimension);
    h.dimension = dimension_of(has_z(d) || (code & kEwkbZ) != 0, has_m(d) || (code & kEwkbM) != 0);
    h.type = static_cast<GeometryType>(iso % kIsoStep);
    LT_RETURN_IF_ERROR(check_type(h.type));
    return (code & kEwkbSrid) != 0 ? check_srid(h.little) : absl::OkStatus();
  }

  [[nodiscard]] absl::Status check_srid(bool little) {
    LT_RETURN_IF_ERROR(need(sizeof(std::uint32_t)));
    const std::uint32_t found = read_u32(little);
    if (srid_ != 0 && found == static_cast<std::uint32_t>(srid_)) return absl::OkStatus();
    return refuse("SRID_MISMATCH", srid_ == 0 ? fmt::format("SRID {} in a geometry that must not name one", found)
                                              : fmt::format("SRID {} where {} is expected", found, srid_));
  }

  // Hostile counts end here, before anything is allocated for them.
  [[nodiscard]] absl::Status read_count(bool little, std::size_t each, std::uint32_t& count) {
    LT_RETURN_IF_ERROR(need(sizeof(std::uint32_t)));
    count = read_u32(little);
    if (count <= (bytes_.size() - at_) / each) return absl::OkStatus();
    return refuse("GEOMETRY_MALFORMED",
                  fmt::format("truncated: {} items of at least {} bytes are announced, {} bytes follow", count, each,
                              bytes_.size() - at_));
  }

  [[nodiscard]] absl::Status need(std::size_t bytes) const {
    if (bytes_.size() - at_ >= bytes) return absl::OkStatus();
    return refuse("GEOMETRY_MALFORMED",
                  fmt::format("truncated: {} bytes needed, {} follow", bytes, bytes_.size() - at_));
  }

  [[nodiscard]] static std::size_t vertex_bytes(const Header& h) {
    return static_cast<std::size_t>(ordinates(h.dimension)) * sizeof(double);
  }

  template <typename Word>
  [[nodiscard]] Word read_word(bool little) {
    Word value = 0;
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
      const std::size_t shift = 8 * (little ? i : sizeof(Word) - 1 - i);
      value |= static_cast<Word>(static_cast<Word>(static_cast<unsigned char>(bytes_[at_ + i])) << shift);
    }
    at_ += sizeof(Word);
    return value;
  }
  [[nodiscard]] std::uint32_t read_u32(bool little) { return read_word<std::uint32_t>(little); }

  [[nodiscard]] std::array<double, kMaxOrdinates> read_vertex(const Header& h) {
    std::array<double, kMaxOrdinates> values{};
    const auto n = static_cast<std::size_t>(ordinates(h.dimension));
    for (std::size_t i = 0; i < n; ++i) values[i] = std::bit_cast<double>(read_word<std::uint64_t>(h.little));
    return values;
  }

  std::string_view bytes_;
  int srid_;
  Handler& handler_;
  std::size_t at_ = 0;
  std::size_t item_ = 0;
  std::vector<std::uint32_t> members_left_;
};

/// Events of a scan straight into a writer.
class WriterHandler {
 public:
  explicit WriterHandler(WkbWriter& writer) : writer_(writer) {}
  [[nodiscard]] absl::Status begin(GeometryType type, Dimension d, std::uint32_t) { return writer_.begin(type, d); }
  [[nodiscard]] absl::Status end() { return writer_.end(); }
  [[nodiscard]] absl::Status begin_ring(std::uint32_t) { return writer_.begin_ring(); }
  [[nodiscard]] absl::Status end_ring() { return writer_.end_ring(); }
  [[nodiscard]] absl::Status vertex(const double* values) { return writer_.vertex(values); }
  [[nodiscard]] absl::Status empty_point() { return writer_.empty_point(); }

 protected:
  WkbWriter& writer_;
};

/// The same, many vertices at a time. Not for handlers that look at each.
class BulkHandler final : public WriterHandler {
 public:
  using WriterHandler::WriterHandler;
  [[nodiscard]] bool vertices(std::string_view raw, std::uint32_t count) { return writer_.append_sound(raw, count); }
};

/// For bytes that were checked when they were first parsed, by whichever limits.
inline constexpr GeometryLimits kNoLimits{UINT32_MAX, UINT32_MAX, UINT32_MAX, kMaxDepth};

}  // namespace lt::geo::detail
