// Random geometries survive every form; random damage never crashes a parser, and what is still accepted is canonical.
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "geo/geometry.hpp"
#include "geo_support.hpp"

namespace lt::geo {
namespace {

constexpr int kGeometries = 2000;
constexpr int kMutants = 6000;

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }
  bool chance(std::uint32_t percent) { return below(100) < percent; }

  // Whole numbers, map-like numbers and any finite bit pattern.
  double ordinate() {
    switch (below(4)) {
      case 0: return static_cast<double>(below(20)) - 10;
      case 1: return -0.0;
      case 2: return std::uniform_real_distribution<double>(-180, 180)(engine_);
      default: break;
    }
    for (;;) {
      const auto value = std::bit_cast<double>(static_cast<std::uint64_t>(engine_()));
      if (std::isfinite(value)) return value;
    }
  }

 private:
  std::mt19937_64 engine_;
};

// Writes WKB by hand, independently of the library.
class Generator {
 public:
  Generator(Random& random, Dimension dimension) : random_(random), dimension_(dimension) {}

  test::Wkb geometry(std::uint32_t type, int depth) {
    test::Wkb out(!random_.chance(20));
    out.head(type + 1000 * static_cast<std::uint32_t>(dimension_));
    switch (type) {
      case 1: point(out); break;
      case 2: vertices(out, random_.chance(20) ? 0 : 2 + random_.below(5), false); break;
      case 3: rings(out); break;
      default: members(out, type, depth);
    }
    return out;
  }

 private:
  std::vector<double> vertex() {
    std::vector<double> values;
    for (int i = 0; i < ordinates(dimension_); ++i) values.push_back(random_.ordinate());
    return values;
  }
  static void put(test::Wkb& out, const std::vector<double>& values) {
    for (const double v : values) out.xy({v});
  }
  void point(test::Wkb& out) {
    if (random_.chance(20)) {
      put(out, std::vector<double>(static_cast<std::size_t>(ordinates(dimension_)), std::nan("")));
    } else {
      put(out, vertex());
    }
  }
  void vertices(test::Wkb& out, std::uint32_t n, bool closed) {
    out.u32(n);
    std::vector<double> first;
    for (std::uint32_t i = 0; i < n; ++i) {
      std::vector<double> v = vertex();
      if (i == 0) first = v;
      put(out, closed && i + 1 == n ? first : v);
    }
  }
  void rings(test::Wkb& out) {
    const std::uint32_t n = random_.below(3);
    out.u32(n);
    for (std::uint32_t i = 0; i < n; ++i) vertices(out, random_.chance(15) ? 0 : 4 + random_.below(4), true);
  }
  void members(test::Wkb& out, std::uint32_t type, int depth) {
    const std::uint32_t n = random_.below(4);
    out.u32(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t member = type < 7 ? type - 3 : 1 + random_.below(depth < 4 ? 7 : 6);
      out.add(geometry(member, depth + 1));
    }
  }
  Random& random_;
  Dimension dimension_;
};

Geometry random_geometry(Random& random, Dimension dimension) {
  const test::Wkb wkb = Generator(random, dimension).geometry(1 + random.below(7), 0);
  const auto parsed = parse_wkb(wkb.bytes);
  INFO(test::to_hex(wkb.bytes) << " " << (parsed.ok() ? "" : message_of(parsed.status())));
  REQUIRE(parsed.ok());
  return *parsed;
}

void check_same(const absl::StatusOr<Geometry>& got, const Geometry& wanted, const std::string& form) {
  INFO(form);
  REQUIRE(got.ok());
  REQUIRE(test::to_hex(got->wkb) == test::to_hex(wanted.wkb));
  REQUIRE(got->type == wanted.type);
  REQUIRE(got->dimension == wanted.dimension);
  REQUIRE(got->box == wanted.box);
  REQUIRE(got->vertices == wanted.vertices);
  REQUIRE(got->empty == wanted.empty);
}

std::uint32_t new_seed() { return std::random_device{}(); }

TEST_CASE("random geometries come back from every form bit for bit") {
  const std::uint32_t seed = new_seed();
  INFO("seed " << seed);
  Random random(seed);
  for (int i = 0; i < kGeometries; ++i) {
    const auto dimension = static_cast<Dimension>(random.below(4));
    const Geometry g = random_geometry(random, dimension);
    check_same(read_canonical_wkb(g.wkb), g, "canonical");
    check_same(parse_wkt(to_wkt(g)), g, to_wkt(g));
    check_same(parse_wkb(to_ewkb(g, 4756), 4756), g, "ewkb");
    const bool in_geojson = dimension == Dimension::kXY || (dimension == Dimension::kXYZ && !g.empty);
    if (in_geojson) check_same(parse_geojson(to_geojson(g)), g, to_geojson(g));
  }
}

std::string damage(Random& random, std::string text, std::string_view alphabet) {
  const std::uint32_t changes = 1 + random.below(3);
  for (std::uint32_t i = 0; i < changes && !text.empty(); ++i) {
    const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
    const char byte = random.chance(50) ? alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))]
                                        : static_cast<char>(random.below(256));
    switch (random.below(5)) {
      case 0: text[at] = byte; break;
      case 1: text[at] = static_cast<char>(static_cast<unsigned char>(text[at]) ^ (1U << random.below(8))); break;
      case 2: text.erase(at, 1 + random.below(8)); break;
      case 3: text.insert(at, 1, byte); break;
      default: text.resize(at);
    }
  }
  return text;
}

// A heap copy of exact size, so that the sanitizers see a read past the end.
template <typename Parse>
int mutate(Random& random, std::string_view alphabet, const std::function<std::string(const Geometry&)>& write,
           const Parse& parse) {
  int accepted = 0;
  for (int i = 0; i < kMutants; ++i) {
    const Geometry g = random_geometry(random, static_cast<Dimension>(random.below(4)));
    const std::string mutant = damage(random, write(g), alphabet);
    const std::vector<char> exact(mutant.begin(), mutant.end());
    const auto parsed = parse(std::string_view(exact.data(), exact.size()));
    if (!parsed.ok()) {
      REQUIRE_FALSE(error_reason(parsed.status()).empty());
      continue;
    }
    ++accepted;
    INFO(test::to_hex(mutant));
    check_same(read_canonical_wkb(parsed->wkb), *parsed, "canonical");
    check_same(parse_wkt(to_wkt(*parsed)), *parsed, to_wkt(*parsed));
  }
  return accepted;
}

TEST_CASE("damaged WKB never crashes and is canonical when accepted") {
  const std::uint32_t seed = new_seed();
  INFO("seed " << seed);
  Random random(seed);
  const auto parse = [](std::string_view b) { return parse_wkb(b, 4756); };
  const auto write = [&](const Geometry& g) { return random.chance(50) ? g.wkb : to_ewkb(g, 4756); };
  CHECK(mutate(random, std::string_view("\0\1\2\3\4\5\6\7\x80\xFF", 10), write, parse) > 0);
}

TEST_CASE("damaged WKT never crashes and is canonical when accepted") {
  const std::uint32_t seed = new_seed();
  INFO("seed " << seed);
  Random random(seed);
  const auto parse = [](std::string_view b) { return parse_wkt(b); };
  CHECK(mutate(random, "(),. 0123456789-+eEZMzmnaifPY", to_wkt, parse) > 0);
}

TEST_CASE("damaged GeoJSON never crashes and is canonical when accepted") {
  const std::uint32_t seed = new_seed();
  INFO("seed " << seed);
  Random random(seed);
  const auto parse = [](std::string_view b) { return parse_geojson(b); };
  CHECK(mutate(random, "[]{},:\"\\ 0123456789-+.eEtypcords", to_geojson, parse) > 0);
}

}  // namespace
}  // namespace lt::geo
