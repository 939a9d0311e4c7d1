#include "geo/detail/wkb_writer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/status.hpp"

namespace lt::geo::detail {
namespace {

constexpr char kLittleEndian = 1;
constexpr std::uint64_t kEmptyOrdinate = 0x7FF8000000000000U;
constexpr std::size_t kHeaderBytes = 1 + 4;
constexpr std::size_t kCountBytes = 4;
constexpr std::uint32_t kMinRingVertices = 4;
constexpr std::uint32_t kIsoDimensionStep = 1000;

void store_u64(char* out, std::uint64_t value) {
  for (std::size_t i = 0; i < sizeof value; ++i) out[i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
}

double load_double(const char* in) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof bits; ++i) {
    bits |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[i])) << (8 * i);
  }
  return std::bit_cast<double>(bits);
}

}  // namespace

absl::Status refuse(std::string_view reason, std::string_view message) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message);
}

absl::Status too_large(std::string_view what, std::uint64_t limit) {
  return make_error(absl::StatusCode::kResourceExhausted, "GEOMETRY_TOO_LARGE",
                    fmt::format("geometry has more than {} {}; split it", limit, what));
}

absl::Status check_type(GeometryType type) {
  if (type == GeometryType::kGeometry) {
    return refuse("GEOMETRY_MALFORMED", "GEOMETRY is an abstract type; name the concrete one");
  }
  if (type <= GeometryType::kGeometryCollection) return absl::OkStatus();
  return refuse(
      "GEOMETRY_CURVE",
      fmt::format("{} is not kept by the exchange; convert it to straight lines and polygons", to_string(type)));
}

absl::Status WkbWriter::check_place(GeometryType type, Dimension dimension) {
  LT_RETURN_IF_ERROR(check_type(type));
  if (!open_.empty()) {
    const GeometryType parent = open_.back().type;
    const GeometryType wanted = member_type(parent);
    if (wanted != GeometryType::kGeometry && wanted != type) {
      return refuse("GEOMETRY_MIXED_DIMENSION", fmt::format("a {} takes members of type {} only, not {}",
                                                            to_string(parent), to_string(wanted), to_string(type)));
    }
    if (dimension != geometry_.dimension) {
      return refuse("GEOMETRY_MIXED_DIMENSION",
                    fmt::format("{} member inside a geometry of dimension {}; all parts must have the same ordinates",
                                to_string(dimension), to_string(geometry_.dimension)));
    }
    LT_RETURN_IF_ERROR(add_part());
  }
  const int max_depth = std::min(limits_.max_depth, kMaxDepth);
  if (type == GeometryType::kGeometryCollection && ++depth_ > max_depth) {
    return too_large("levels of collections", static_cast<std::uint64_t>(std::max(max_depth, 0)));
  }
  return absl::OkStatus();
}

absl::Status WkbWriter::begin(GeometryType type, Dimension dimension) {
  LT_RETURN_IF_ERROR(check_place(type, dimension));
  const bool root = open_.empty();
  if (root) {
    geometry_.type = type;
    geometry_.dimension = dimension;
  } else {
    ++open_.back().count;
  }
  const bool with_srid = root && ewkb_srid_ != 0;
  const std::size_t count_bytes = type == GeometryType::kPoint ? 0 : kCountBytes;
  LT_RETURN_IF_ERROR(make_room(kHeaderBytes + count_bytes));
  geometry_.wkb.push_back(kLittleEndian);
  put_u32(type_code(type) | (with_srid ? kEwkbSrid : 0U));
  if (with_srid) put_u32(static_cast<std::uint32_t>(ewkb_srid_));
  open_.push_back({type, geometry_.wkb.size(), 0});
  if (type != GeometryType::kPoint) put_u32(0);
  return absl::OkStatus();
}

absl::Status WkbWriter::end() {
  const Frame frame = open_.back();
  open_.pop_back();
  if (frame.type == GeometryType::kPoint) return absl::OkStatus();
  if (frame.type == GeometryType::kLineString && frame.count == 1) {
    return refuse("GEOMETRY_TOO_FEW_POINTS", "a LINESTRING of one vertex; it needs none or at least two");
  }
  if (frame.type == GeometryType::kGeometryCollection) --depth_;
  patch_u32(frame.count_at, frame.count);
  return absl::OkStatus();
}

absl::Status WkbWriter::begin_ring() {
  LT_RETURN_IF_ERROR(add_part());
  LT_RETURN_IF_ERROR(make_room(kCountBytes));
  ++open_.back().count;
  ring_ = {GeometryType::kLineString, geometry_.wkb.size(), 0};
  in_ring_ = true;
  put_u32(0);
  return absl::OkStatus();
}

absl::Status WkbWriter::end_ring() {
  in_ring_ = false;
  patch_u32(ring_.count_at, ring_.count);
  if (ring_.count == 0) return absl::OkStatus();
  const std::size_t step = static_cast<std::size_t>(ordinates(geometry_.dimension)) * sizeof(double);
  if (ring_.count > 1 && !is_closed(ring_.count_at + kCountBytes, geometry_.wkb.size() - step)) {
    return refuse("GEOMETRY_NOT_CLOSED",
                  "the first and last vertex of a ring differ; repeat the first vertex at the end");
  }
  if (ring_.count >= kMinRingVertices) return absl::OkStatus();
  return refuse("GEOMETRY_TOO_FEW_POINTS",
                fmt::format("a ring of {} vertices; it needs none or at least {}", ring_.count, kMinRingVertices));
}

absl::Status WkbWriter::vertex(const double* values) {
  const auto n = static_cast<std::size_t>(ordinates(geometry_.dimension));
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(values[i])) {
      return refuse("GEOMETRY_NOT_FINITE", fmt::format("ordinate {} of a vertex is not a finite number", i + 1));
    }
  }
  if (geometry_.vertices >= limits_.max_vertices) return too_large("vertices", limits_.max_vertices);
  LT_RETURN_IF_ERROR(make_room(n * sizeof(double)));
  char raw[kMaxOrdinates * sizeof(double)];
  for (std::size_t i = 0; i < n; ++i) store_u64(raw + i * sizeof(double), std::bit_cast<std::uint64_t>(values[i]));
  geometry_.wkb.append(raw, n * sizeof(double));
  geometry_.box.extend(values[0], values[1]);
  ++geometry_.vertices;
  ++(in_ring_ ? ring_.count : open_.back().count);
  return absl::OkStatus();
}

bool WkbWriter::append_sound(std::string_view raw, std::uint32_t count) {
  const auto n = static_cast<std::size_t>(ordinates(geometry_.dimension));
  if (count > limits_.max_vertices - std::min(geometry_.vertices, limits_.max_vertices)) return false;
  if (geometry_.wkb.size() + raw.size() > limits_.max_bytes) return false;
  Box box = geometry_.box;
  for (const char* at = raw.data(); at != raw.data() + raw.size(); at += n * sizeof(double)) {
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::isfinite(load_double(at + i * sizeof(double)))) return false;
    }
    box.extend(load_double(at), load_double(at + sizeof(double)));
  }
  geometry_.wkb.append(raw);
  geometry_.box = box;
  geometry_.vertices += count;
  (in_ring_ ? ring_.count : open_.back().count) += count;
  return true;
}

absl::Status WkbWriter::empty_point() {
  const auto n = static_cast<std::size_t>(ordinates(geometry_.dimension));
  LT_RETURN_IF_ERROR(make_room(n * sizeof(double)));
  char raw[sizeof(double)];
  store_u64(raw, kEmptyOrdinate);
  for (std::size_t i = 0; i < n; ++i) geometry_.wkb.append(raw, sizeof raw);
  return absl::OkStatus();
}

Geometry WkbWriter::finish() && {
  geometry_.empty = geometry_.vertices == 0;
  return std::move(geometry_);
}

absl::Status WkbWriter::add_part() {
  if (parts_ >= limits_.max_parts) return too_large("parts (rings and members)", limits_.max_parts);
  ++parts_;
  return absl::OkStatus();
}

absl::Status WkbWriter::make_room(std::size_t bytes) {
  if (geometry_.wkb.size() + bytes <= limits_.max_bytes) return absl::OkStatus();
  return too_large("bytes", limits_.max_bytes);
}

std::uint32_t WkbWriter::type_code(GeometryType type) const {
  const auto base = static_cast<std::uint32_t>(type);
  const Dimension d = geometry_.dimension;
  if (ewkb_srid_ != 0) return base | (has_z(d) ? kEwkbZ : 0U) | (has_m(d) ? kEwkbM : 0U);
  return base + kIsoDimensionStep * static_cast<std::uint32_t>(d);
}

void WkbWriter::put_u32(std::uint32_t value) {
  const std::size_t at = geometry_.wkb.size();
  geometry_.wkb.append(sizeof value, '\0');
  patch_u32(at, value);
}

void WkbWriter::patch_u32(std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    geometry_.wkb[at + i] = static_cast<char>((value >> (8 * i)) & 0xFFU);
  }
}

// As numbers, so that 0.0 closes -0.0.
bool WkbWriter::is_closed(std::size_t first, std::size_t last) const {
  const char* bytes = geometry_.wkb.data();
  for (int i = 0; i < ordinates(geometry_.dimension); ++i) {
    const std::size_t at = static_cast<std::size_t>(i) * sizeof(double);
    if (load_double(bytes + first + at) != load_double(bytes + last + at)) return false;
  }
  return true;
}

std::string ewkb_of_xy(const Geometry& geometry, int srid) {
  constexpr std::size_t kTypeEnd = 1 + sizeof(std::uint32_t);
  std::string out;
  out.reserve(geometry.wkb.size() + sizeof(std::uint32_t));
  out.push_back(kLittleEndian);
  append_u32(out, static_cast<std::uint32_t>(geometry.type) | kEwkbSrid);
  append_u32(out, static_cast<std::uint32_t>(srid));
  return out.append(geometry.wkb, kTypeEnd);
}

}  // namespace lt::geo::detail
