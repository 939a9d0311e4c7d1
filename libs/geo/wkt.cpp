#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/status.hpp"
#include "geo/detail/text.hpp"
#include "geo/detail/wkb_scanner.hpp"
#include "geo/detail/wkb_writer.hpp"
#include "geo/geometry.hpp"

namespace lt::geo {
namespace {

using detail::kMaxOrdinates;
using detail::refuse;

constexpr std::string_view kMalformed = "GEOMETRY_MALFORMED";

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

std::optional<Dimension> dimension_tag(std::string_view word) {
  if (word == "Z") return Dimension::kXYZ;
  if (word == "M") return Dimension::kXYM;
  if (word == "ZM") return Dimension::kXYZM;
  return std::nullopt;
}

struct Tag {
  GeometryType type = GeometryType::kGeometry;
  std::optional<Dimension> dimension;
};

// "POINTZM" -> POINT, ZM. No type name ends in Z or M, so the cut is unambiguous.
std::optional<Tag> split_tag(std::string_view word) {
  for (const std::string_view suffix : {"", "ZM", "Z", "M"}) {
    if (!word.ends_with(suffix)) continue;
    if (const auto type = geometry_type_from(word.substr(0, word.size() - suffix.size()))) {
      return Tag{*type, dimension_tag(suffix)};
    }
  }
  return std::nullopt;
}

// The dimension of text without a tag shows only at the first vertex, possibly after empty members have been written.
// One pass assumes XY; the first sign of something else ends it and a second pass runs with what was seen.
class WktParser {
 public:
  WktParser(std::string_view text, int srid, const GeometryLimits& limits)
      : text_(text), srid_(srid), limits_(limits), writer_(limits) {}

  absl::StatusOr<Geometry> parse() {
    absl::Status status = whole();
    if (restart_) {
      restart_ = false;
      at_ = 0;
      writer_ = detail::WkbWriter(limits_);
      status = whole();
    }
    if (!status.ok()) return annotate(status, fmt::format("wkt at character {}", item_));
    return std::move(writer_).finish();
  }

 private:
  absl::Status whole() {
    LT_RETURN_IF_ERROR(srid_prefix());
    LT_RETURN_IF_ERROR(geometry());
    if (peek() == '\0' && at_ == text_.size()) return absl::OkStatus();
    return refuse(kMalformed, "text follows the geometry");
  }

  absl::Status srid_prefix() {
    const std::size_t start = at_;
    if (word() != "SRID") {
      at_ = start;
      return absl::OkStatus();
    }
    LT_RETURN_IF_ERROR(expect('='));
    peek();
    std::int32_t found = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), found);
    if (error != std::errc()) return refuse(kMalformed, "expected a number after SRID=");
    at_ = static_cast<std::size_t>(end - text_.data());
    LT_RETURN_IF_ERROR(expect(';'));
    if (srid_ != 0 && found == srid_) return absl::OkStatus();
    return refuse("SRID_MISMATCH", srid_ == 0 ? fmt::format("SRID {} in a geometry that must not name one", found)
                                              : fmt::format("SRID {} where {} is expected", found, srid_));
  }

  absl::Status geometry() {
    peek();
    const std::size_t start = at_;
    Tag tag;
    LT_RETURN_IF_ERROR(read_tag(tag));
    LT_RETURN_IF_ERROR(detail::check_type(tag.type));
    if (tag.dimension) LT_RETURN_IF_ERROR(expect_dimension(*tag.dimension));
    return body(tag.type, start);
  }

  absl::Status read_tag(Tag& tag) {
    const std::string name = word();
    const auto found = split_tag(name);
    if (!found) return refuse(kMalformed, "expected a geometry type such as POINT or MULTIPOLYGON");
    tag = *found;
    if (tag.dimension) return absl::OkStatus();
    const std::size_t before = at_;
    tag.dimension = dimension_tag(word());
    if (!tag.dimension) at_ = before;
    return absl::OkStatus();
  }

  // What follows the tag, or a member of a multi-type, which has none.
  absl::Status body(GeometryType type, std::size_t start) {
    item_ = start;
    LT_RETURN_IF_ERROR(writer_.begin(type, dimension_));
    if (type == GeometryType::kPoint) {
      LT_RETURN_IF_ERROR(point_body());
    } else if (!empty()) {
      LT_RETURN_IF_ERROR(list([&] { return item(type); }));
    }
    item_ = start;
    return writer_.end();
  }

  absl::Status item(GeometryType type) {
    peek();
    const std::size_t start = at_;
    switch (type) {
      case GeometryType::kLineString: return tuple();
      case GeometryType::kPolygon: return ring(start);
      case GeometryType::kMultiPoint:
        if (peek() != '(' && !empty_ahead()) return bare_point(start);
        [[fallthrough]];
      case GeometryType::kMultiLineString:
      case GeometryType::kMultiPolygon: return body(detail::member_type(type), start);
      default: return geometry();
    }
  }

  absl::Status point_body() {
    if (empty()) return writer_.empty_point();
    LT_RETURN_IF_ERROR(expect('('));
    LT_RETURN_IF_ERROR(tuple());
    return expect(')');
  }

  // MULTIPOINT (1 2, 3 4)
  absl::Status bare_point(std::size_t start) {
    item_ = start;
    LT_RETURN_IF_ERROR(writer_.begin(GeometryType::kPoint, dimension_));
    LT_RETURN_IF_ERROR(tuple());
    return writer_.end();
  }

  absl::Status ring(std::size_t start) {
    item_ = start;
    LT_RETURN_IF_ERROR(writer_.begin_ring());
    if (!empty()) LT_RETURN_IF_ERROR(list([this] { return tuple(); }));
    item_ = start;
    return writer_.end_ring();
  }

  template <typename Item>
  absl::Status list(const Item& one) {
    LT_RETURN_IF_ERROR(expect('('));
    do {
      LT_RETURN_IF_ERROR(one());
    } while (accept(','));
    return expect(')');
  }

  absl::Status tuple() {
    peek();
    const std::size_t start = at_;
    std::array<double, kMaxOrdinates> values{};
    std::size_t n = 0;
    while (n == 0 || (peek() != ',' && peek() != ')')) {
      if (n == kMaxOrdinates) return refuse(kMalformed, "a vertex has at most four ordinates");
      LT_RETURN_IF_ERROR(number(values[n]));
      ++n;
    }
    item_ = start;
    if (n < 2) return refuse(kMalformed, "a vertex has at least two ordinates");
    LT_RETURN_IF_ERROR(expect_count(n));
    return writer_.vertex(values.data());
  }

  absl::Status number(double& value) {
    peek();
    item_ = at_;
    std::size_t digits = at_;
    if (digits < text_.size() && (text_[digits] == '+' || text_[digits] == '-')) ++digits;
    const char first = digits < text_.size() ? text_[digits] : '\0';
    if (!detail::is_digit(first) && first != '.') return no_number(digits);
    if (text_[at_] == '+') ++at_;  // from_chars takes no plus sign
    LT_RETURN_IF_ERROR(detail::read_decimal(text_, at_, value));
    const char next = at_ < text_.size() ? text_[at_] : '\0';
    if (detail::is_space(next) || next == ',' || next == ')') return absl::OkStatus();
    return refuse(kMalformed, "expected a space, comma or closing bracket after a number");
  }

  absl::Status no_number(std::size_t from) const {
    std::size_t end = from;
    while (end < text_.size() && detail::is_letter(text_[end])) ++end;
    const std::string name = upper(text_.substr(from, std::min<std::size_t>(end - from, sizeof "INFINITY")));
    if (name == "NAN" || name == "INF" || name == "INFINITY") {
      return refuse("GEOMETRY_NOT_FINITE", "an ordinate is not a finite number");
    }
    return refuse(kMalformed, "expected a number");
  }

  absl::Status expect_count(std::size_t n) {
    if (n == static_cast<std::size_t>(ordinates(dimension_)) && dimension_known_) return absl::OkStatus();
    if (!dimension_known_) {
      return expect_dimension(n == 2 ? Dimension::kXY : n == 3 ? Dimension::kXYZ : Dimension::kXYZM);
    }
    return refuse("GEOMETRY_MIXED_DIMENSION",
                  fmt::format("a vertex of {} ordinates in a geometry of dimension {}", n, to_string(dimension_)));
  }

  absl::Status expect_dimension(Dimension d) {
    if (!dimension_known_) {
      dimension_known_ = true;
      restart_ = d != dimension_;
      dimension_ = d;
      return restart_ ? refuse(kMalformed, "read again with the dimension that was found") : absl::OkStatus();
    }
    if (d == dimension_) return absl::OkStatus();
    return refuse("GEOMETRY_MIXED_DIMENSION",
                  fmt::format("{} part inside a geometry of dimension {}; all parts must have "
                              "the same ordinates",
                              to_string(d), to_string(dimension_)));
  }

  // Next character that is not white space; '\0' at the end.
  char peek() {
    while (at_ < text_.size() && detail::is_space(text_[at_])) ++at_;
    item_ = at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  absl::Status expect(char c) {
    if (accept(c)) return absl::OkStatus();
    return refuse(kMalformed, fmt::format("expected '{}'{}", c, at_ == text_.size() ? " but the text ends" : ""));
  }

  // Upper-cased letters at the next place, possibly none.
  std::string word() {
    peek();
    const std::size_t start = at_;
    constexpr std::size_t kLongest = sizeof "GEOMETRYCOLLECTIONZM";
    while (at_ < text_.size() && at_ - start < kLongest && detail::is_letter(text_[at_])) ++at_;
    return upper(text_.substr(start, at_ - start));
  }

  bool empty() {
    const std::size_t before = at_;
    if (word() == "EMPTY") return true;
    at_ = before;
    return false;
  }

  bool empty_ahead() {
    const std::size_t before = at_;
    const bool found = empty();
    at_ = before;
    return found;
  }

  std::string_view text_;
  int srid_;
  GeometryLimits limits_;
  detail::WkbWriter writer_;
  std::size_t at_ = 0;
  std::size_t item_ = 0;  // start of what a message is about
  Dimension dimension_ = Dimension::kXY;
  bool dimension_known_ = false;
  bool restart_ = false;
};

class WktText {
 public:
  absl::Status begin(GeometryType type, Dimension dimension, std::uint32_t count) {
    const bool tagged = open_.empty() || open_.back().type == GeometryType::kGeometryCollection;
    separate();
    if (tagged) {
      out += to_string(type);
      constexpr std::array<std::string_view, 4> kTags = {" ", " Z ", " M ", " ZM "};
      out += kTags[static_cast<std::size_t>(dimension)];
    }
    ordinates_ = static_cast<std::size_t>(ordinates(dimension));
    open(type, count);
    return absl::OkStatus();
  }
  absl::Status end() {
    const Level level = open_.back();
    open_.pop_back();
    if (level.type != GeometryType::kPoint && level.count > 0) out += ')';
    return absl::OkStatus();
  }
  absl::Status begin_ring(std::uint32_t count) {
    separate();
    open(GeometryType::kLineString, count);
    return absl::OkStatus();
  }
  absl::Status end_ring() { return end(); }
  absl::Status vertex(const double* values) {
    const bool point = open_.back().type == GeometryType::kPoint;
    if (point) {
      out += '(';
    } else {
      separate();
    }
    for (std::size_t i = 0; i < ordinates_; ++i) {
      if (i > 0) out += ' ';
      detail::append_decimal(out, values[i]);
    }
    if (point) out += ')';
    return absl::OkStatus();
  }
  absl::Status empty_point() {
    out += "EMPTY";
    return absl::OkStatus();
  }

  std::string out;

 private:
  struct Level {
    GeometryType type;
    std::uint32_t count;
    std::uint32_t written = 0;
  };
  void separate() {
    if (!open_.empty() && open_.back().written++ > 0) out += ", ";
  }
  void open(GeometryType type, std::uint32_t count) {
    open_.push_back({type, count, 0});
    if (type != GeometryType::kPoint) out += count == 0 ? "EMPTY" : "(";
  }
  std::vector<Level> open_;
  std::size_t ordinates_ = 2;
};

}  // namespace

absl::StatusOr<Geometry> parse_wkt(std::string_view text, int srid, const GeometryLimits& limits) {
  if (text.size() > limits.max_bytes) return detail::too_large("bytes", limits.max_bytes);
  return WktParser(text, srid, limits).parse();
}

std::string to_wkt(const Geometry& geometry) {
  WktText text;
  if (!detail::WkbScanner(geometry.wkb, 0, text).run().ok()) return {};
  return std::move(text.out);
}

}  // namespace lt::geo
