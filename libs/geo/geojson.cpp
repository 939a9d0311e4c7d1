#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/detail/json_cursor.hpp"
#include "geo/detail/text.hpp"
#include "geo/detail/wkb_scanner.hpp"
#include "geo/detail/wkb_writer.hpp"
#include "geo/geometry.hpp"

namespace lt::geo {
namespace {

using detail::refuse;

constexpr std::string_view kMalformed = "GEOMETRY_MALFORMED";
constexpr int kJsonDepthBeside = 32;        // for coordinates and for members that are ignored
constexpr int kJsonDepthPerCollection = 2;  // an object and its "geometries"
constexpr std::size_t kMaxPosition = 3;

constexpr std::array<std::string_view, 8> kNames = {
    "", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"};

absl::StatusOr<GeometryType> type_from(const std::string& name) {
  for (std::size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<GeometryType>(i);
  }
  if (name == "Feature" || name == "FeatureCollection") {
    return refuse(kMalformed,
                  fmt::format("a {} is not a geometry; send the value of its \"geometry\" member only", name));
  }
  const auto other = geometry_type_from(name);
  if (!other) return refuse(kMalformed, "\"type\" is not a GeoJSON geometry type such as Point or MultiPolygon");
  LT_RETURN_IF_ERROR(detail::check_type(*other));
  return refuse(kMalformed, fmt::format("\"type\" must be written {}", kNames[static_cast<std::size_t>(*other)]));
}

// Places of the members of one geometry object that matter; all others are ignored (RFC 7946 §6.1).
struct Members {
  std::optional<std::size_t> type, coordinates, geometries, crs;
  std::size_t end = 0;
};

// Works on text that check_json() accepted. The dimension shows at the first position, possibly after empty parts have
// been written: one pass assumes XY, a second one runs with XYZ if that is what was found.
class GeoJsonParser {
 public:
  GeoJsonParser(std::string_view text, const GeometryLimits& limits) : in_(text), limits_(limits), writer_(limits) {}

  absl::StatusOr<Geometry> parse() {
    absl::Status status = whole();
    if (restart_) {
      restart_ = false;
      in_.move_to(0);
      writer_ = detail::WkbWriter(limits_);
      status = whole();
    }
    if (!status.ok()) return annotate(status, "geojson at " + detail::json_path(in_.text(), item_));
    return std::move(writer_).finish();
  }

 private:
  // The check of the text stops at a NUL, so what stands behind the geometry is looked at here.
  absl::Status whole() {
    LT_RETURN_IF_ERROR(geometry());
    here();
    return in_.at() == in_.text().size() ? absl::OkStatus() : refuse(kMalformed, "text follows the geometry");
  }

  absl::Status geometry() {
    const std::size_t start = here();
    if (!in_.accept('{')) return refuse(kMalformed, "a geometry is a json object with \"type\" and \"coordinates\"");
    const Members members = find_members();
    item_ = start;
    if (members.crs) {
      return refuse(kMalformed,
                    "\"crs\" is not part of RFC 7946; coordinates are WGS 84, transform them or send WKT or WKB");
    }
    GeometryType type{};
    LT_RETURN_IF_ERROR(read_type(members, type));
    const bool collection = type == GeometryType::kGeometryCollection;
    const auto& content = collection ? members.geometries : members.coordinates;
    if (!content)
      return refuse(kMalformed, fmt::format("member \"{}\" is missing", collection ? "geometries" : "coordinates"));
    in_.move_to(*content);
    LT_RETURN_IF_ERROR(body(type, start));
    in_.move_to(members.end);
    return absl::OkStatus();
  }

  Members find_members() {
    Members members;
    while (!in_.accept('}')) {
      const std::string name = in_.read_string();
      in_.accept(':');
      const std::size_t at = here();
      if (name == "type") members.type = at;
      if (name == "coordinates") members.coordinates = at;
      if (name == "geometries") members.geometries = at;
      if (name == "crs") members.crs = at;
      in_.skip_value();
      in_.accept(',');
    }
    members.end = in_.at();
    return members;
  }

  absl::Status read_type(const Members& members, GeometryType& type) {
    if (!members.type) return refuse(kMalformed, "member \"type\" is missing");
    in_.move_to(*members.type);
    if (in_.peek() != '"') return refuse(kMalformed, "\"type\" is not a string");
    LT_ASSIGN_OR_RETURN(type, type_from(in_.read_string()));
    return absl::OkStatus();
  }

  absl::Status body(GeometryType type, std::size_t start) {
    item_ = start;
    LT_RETURN_IF_ERROR(writer_.begin(type, dimension_));
    if (type == GeometryType::kPoint) {
      LT_RETURN_IF_ERROR(position(true));
    } else {
      LT_RETURN_IF_ERROR(array([&] { return item(type); }));
    }
    item_ = start;
    return writer_.end();
  }

  absl::Status item(GeometryType type) {
    switch (type) {
      case GeometryType::kLineString: return position(false);
      case GeometryType::kPolygon: return ring();
      case GeometryType::kGeometryCollection: return geometry();
      default: return body(detail::member_type(type), here());
    }
  }

  absl::Status ring() {
    const std::size_t start = here();
    LT_RETURN_IF_ERROR(writer_.begin_ring());
    LT_RETURN_IF_ERROR(array([this] { return position(false); }));
    item_ = start;
    return writer_.end_ring();
  }

  template <typename Item>
  absl::Status array(const Item& one) {
    here();
    if (!in_.accept('[')) return refuse(kMalformed, "expected a json array");
    while (!in_.accept(']')) {
      LT_RETURN_IF_ERROR(one());
      in_.accept(',');
    }
    return absl::OkStatus();
  }

  absl::Status position(bool may_be_empty) {
    const std::size_t start = here();
    std::array<double, kMaxPosition> values{};
    std::size_t n = 0;
    const auto one = [&] {
      if (n < kMaxPosition) return number(values[n++]);
      return refuse(kMalformed, "a position has at most three numbers: longitude, latitude, height");
    };
    LT_RETURN_IF_ERROR(array(one));
    item_ = start;
    if (n == 0 && may_be_empty) return writer_.empty_point();
    if (n < 2) return refuse(kMalformed, "a position has at least two numbers: longitude, latitude");
    LT_RETURN_IF_ERROR(expect_dimension(n == 2 ? Dimension::kXY : Dimension::kXYZ));
    return writer_.vertex(values.data());
  }

  absl::Status number(double& value) {
    std::size_t at = here();
    if (in_.peek() != '-' && !detail::is_digit(in_.peek())) return refuse(kMalformed, "expected a number");
    LT_RETURN_IF_ERROR(detail::read_decimal(in_.text(), at, value));
    in_.move_to(at);
    return absl::OkStatus();
  }

  absl::Status expect_dimension(Dimension d) {
    if (!dimension_known_) {
      dimension_known_ = true;
      restart_ = d != dimension_;
      dimension_ = d;
      return restart_ ? refuse(kMalformed, "read again with the dimension that was found") : absl::OkStatus();
    }
    if (d == dimension_) return absl::OkStatus();
    return refuse(
        "GEOMETRY_MIXED_DIMENSION",
        fmt::format("a position of {} numbers in a geometry of dimension {}; all positions must have the same",
                    ordinates(d), to_string(dimension_)));
  }

  std::size_t here() {
    in_.peek();
    item_ = in_.at();
    return item_;
  }

  detail::JsonCursor in_;
  GeometryLimits limits_;
  detail::WkbWriter writer_;
  std::size_t item_ = 0;  // start of what a message is about
  Dimension dimension_ = Dimension::kXY;
  bool dimension_known_ = false;
  bool restart_ = false;
};

class GeoJsonText {
 public:
  absl::Status begin(GeometryType type, Dimension dimension, std::uint32_t) {
    const bool object = open_.empty() || open_.back().type == GeometryType::kGeometryCollection;
    separate();
    if (object) {
      out += fmt::format(R"({{"type":"{}","{}":)", kNames[static_cast<std::size_t>(type)],
                         type == GeometryType::kGeometryCollection ? "geometries" : "coordinates");
    }
    with_z_ = detail::has_z(dimension);
    open(type, object);
    return absl::OkStatus();
  }
  absl::Status end() {
    const Level level = open_.back();
    open_.pop_back();
    if (level.type != GeometryType::kPoint) out += ']';
    if (level.object) out += '}';
    return absl::OkStatus();
  }
  absl::Status begin_ring(std::uint32_t) {
    separate();
    open(GeometryType::kLineString, false);
    return absl::OkStatus();
  }
  absl::Status end_ring() { return end(); }
  absl::Status vertex(const double* values) {
    if (open_.back().type != GeometryType::kPoint) separate();
    out += '[';
    append(values[0]);
    out += ',';
    append(values[1]);
    if (with_z_) {
      out += ',';
      append(values[2]);
    }
    out += ']';
    return absl::OkStatus();
  }
  absl::Status empty_point() {
    out += "[]";
    return absl::OkStatus();
  }

  std::string out;

 private:
  struct Level {
    GeometryType type;
    bool object;
    std::uint32_t written = 0;
  };
  // "-0" is an integer to many readers of JSON and loses its sign there; "-0.0" keeps it.
  void append(double value) {
    const std::size_t start = out.size();
    detail::append_decimal(out, value);
    if (std::string_view(out).substr(start) == "-0") out += ".0";
  }
  void separate() {
    if (!open_.empty() && open_.back().written++ > 0) out += ',';
  }
  void open(GeometryType type, bool object) {
    open_.push_back({type, object, 0});
    if (type != GeometryType::kPoint) out += '[';
  }
  std::vector<Level> open_;
  bool with_z_ = false;
};

}  // namespace

absl::StatusOr<Geometry> parse_geojson(std::string_view text, const GeometryLimits& limits) {
  if (text.size() > limits.max_bytes) return detail::too_large("bytes", limits.max_bytes);
  const int depth = kJsonDepthBeside + kJsonDepthPerCollection * std::min(limits.max_depth, detail::kMaxDepth);
  LT_RETURN_IF_ERROR(detail::check_json(text, depth));
  return GeoJsonParser(text, limits).parse();
}

std::string to_geojson(const Geometry& geometry) {
  GeoJsonText text;
  if (!detail::WkbScanner(geometry.wkb, 0, text).run().ok()) return {};
  return std::move(text.out);
}

}  // namespace lt::geo
