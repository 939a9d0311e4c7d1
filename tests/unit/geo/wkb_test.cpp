#include <cmath>
#include <limits>

#include "geo/geometry.hpp"
#include "geo_support.hpp"

namespace lt::geo {
namespace {

using test::failed;
using test::hex;
using test::refused;
using test::says;
using test::to_hex;
using test::too_large;
using test::Wkb;

constexpr std::uint32_t kZ = 0x80000000U, kM = 0x40000000U, kSrid = 0x20000000U;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t kEmptyBits = 0x7FF8000000000000U;

Wkb line(std::initializer_list<double> values) {
  return Wkb().head(2).u32(static_cast<std::uint32_t>(values.size() / 2)).xy(values);
}
Wkb polygon(std::initializer_list<double> ring) {
  return Wkb().head(3).u32(1).u32(static_cast<std::uint32_t>(ring.size() / 2)).xy(ring);
}

TEST_CASE("parse_wkb reads a point and tells what it is") {
  const auto g = parse_wkb(hex("01 01000000 000000000000F03F 0000000000000040")).value();
  CHECK(g.type == GeometryType::kPoint);
  CHECK(g.dimension == Dimension::kXY);
  CHECK(g.box == Box{1, 2, 1, 2});
  CHECK(g.vertices == 1);
  CHECK_FALSE(g.empty);
  CHECK(to_hex(g.wkb) == "0101000000000000000000f03f0000000000000040");
}

TEST_CASE("parse_wkb makes one canonical form of every byte order and dialect") {
  const std::string canonical = Wkb().head(1001).xy({1, 2, 3}).bytes;
  CHECK(parse_wkb(canonical)->wkb == canonical);
  CHECK(parse_wkb(Wkb(false).head(1001).xy({1, 2, 3}).bytes)->wkb == canonical);
  CHECK(parse_wkb(Wkb().head(1 | kZ).xy({1, 2, 3}).bytes)->wkb == canonical);
  CHECK(parse_wkb(Wkb(false).head(1 | kZ | kSrid).u32(4756).xy({1, 2, 3}).bytes, 4756)->wkb == canonical);
  CHECK(parse_wkb(Wkb().head(1001 | kZ).xy({1, 2, 3}).bytes)->wkb == canonical);
}

TEST_CASE("parse_wkb reads M and ZM of both dialects") {
  CHECK(parse_wkb(Wkb().head(1 | kM).xy({1, 2, 3}).bytes)->wkb == Wkb().head(2001).xy({1, 2, 3}).bytes);
  CHECK(parse_wkb(Wkb().head(1 | kZ | kM).xy({1, 2, 3, 4}).bytes)->wkb == Wkb().head(3001).xy({1, 2, 3, 4}).bytes);
  CHECK(parse_wkb(Wkb().head(3001).xy({1, 2, 3, 4}).bytes)->dimension == Dimension::kXYZM);
}

TEST_CASE("parse_wkb takes members of another byte order than the whole") {
  const auto g =
      parse_wkb(Wkb(false).head(4).u32(2).add(Wkb().head(1).xy({1, 2})).add(Wkb(false).head(1).xy({3, 4})).bytes);
  REQUIRE(g.ok());
  CHECK(g->wkb == Wkb().head(4).u32(2).add(Wkb().head(1).xy({1, 2})).add(Wkb().head(1).xy({3, 4})).bytes);
  CHECK(g->vertices == 2);
  CHECK(g->box == Box{1, 2, 3, 4});
}

TEST_CASE("parse_wkb takes empty geometries of every type") {
  for (std::uint32_t type = 2; type <= 7; ++type) {
    const std::string bytes = Wkb().head(type).u32(0).bytes;
    const auto g = parse_wkb(bytes);
    REQUIRE(g.ok());
    CHECK(g->wkb == bytes);
    CHECK(g->empty);
    CHECK(g->vertices == 0);
    CHECK(g->box.empty());
  }
}

TEST_CASE("parse_wkb takes an empty ring and a line of no vertices inside a multi-line") {
  CHECK(parse_wkb(Wkb().head(3).u32(1).u32(0).bytes)->empty);
  CHECK(parse_wkb(Wkb().head(5).u32(1).add(Wkb().head(2).u32(0)).bytes)->empty);
}

TEST_CASE("parse_wkb makes one POINT EMPTY of every NaN") {
  const std::string canonical = Wkb().head(1).bits(kEmptyBits).bits(kEmptyBits).bytes;
  CHECK(parse_wkb(canonical)->wkb == canonical);
  CHECK(parse_wkb(Wkb().head(1).bits(0xFFF8000000000000U).bits(0x7FF0000000000001U).bytes)->wkb == canonical);
  CHECK(parse_wkb(canonical)->empty);
  const auto multi = parse_wkb(Wkb(false).head(1004).u32(1).add(Wkb(false).head(1001).xy({-kNan, kNan, kNan})).bytes);
  REQUIRE(multi.ok());
  CHECK(multi->wkb ==
        Wkb().head(1004).u32(1).add(Wkb().head(1001).bits(kEmptyBits).bits(kEmptyBits).bits(kEmptyBits)).bytes);
}

TEST_CASE("parse_wkb keeps the sign of zero") {
  const std::string bytes = Wkb().head(1).xy({-0.0, 0.0}).bytes;
  CHECK(parse_wkb(bytes)->wkb == bytes);
}

TEST_CASE("parse_wkb accepts a ring closed by the other zero") {
  CHECK(parse_wkb(polygon({0.0, 0, 1, 0, 1, 1, -0.0, 0}).bytes).ok());
}

TEST_CASE("parse_wkb refuses NaN and infinity") {
  CHECK(refused(parse_wkb(Wkb().head(1).xy({1, kNan}).bytes), "GEOMETRY_NOT_FINITE"));
  CHECK(refused(parse_wkb(Wkb().head(2001).xy({kNan, kNan, 1}).bytes), "GEOMETRY_NOT_FINITE"));
  CHECK(refused(parse_wkb(Wkb().head(1).xy({kInfinity, 2}).bytes), "GEOMETRY_NOT_FINITE"));
  CHECK(refused(parse_wkb(line({0, 0, kNan, kNan}).bytes), "GEOMETRY_NOT_FINITE"));
  CHECK(refused(parse_wkb(Wkb().head(1002).u32(2).xy({0, 0, 0, 1, 1, -kInfinity}).bytes), "GEOMETRY_NOT_FINITE"));
}

TEST_CASE("parse_wkb names the byte of the vertex that is wrong") {
  CHECK(says(parse_wkb(line({0, 0, kNan, 1}).bytes), "byte 25"));
}

TEST_CASE("parse_wkb refuses rings that are not closed in every ordinate") {
  CHECK(refused(parse_wkb(polygon({0, 0, 1, 0, 1, 1, 0, 0.5}).bytes), "GEOMETRY_NOT_CLOSED"));
  const auto z = Wkb().head(1003).u32(1).u32(4).xy({0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 2});
  CHECK(refused(parse_wkb(z.bytes), "GEOMETRY_NOT_CLOSED"));
}

TEST_CASE("parse_wkb refuses lines of one vertex and rings of fewer than four") {
  CHECK(refused(parse_wkb(line({0, 0}).bytes), "GEOMETRY_TOO_FEW_POINTS"));
  CHECK(refused(parse_wkb(polygon({0, 0}).bytes), "GEOMETRY_TOO_FEW_POINTS"));
  CHECK(refused(parse_wkb(polygon({0, 0, 1, 1, 0, 0}).bytes), "GEOMETRY_TOO_FEW_POINTS"));
  CHECK(parse_wkb(line({0, 0, 1, 1}).bytes).ok());
  CHECK(parse_wkb(polygon({0, 0, 1, 0, 1, 1, 0, 0}).bytes).ok());
}

TEST_CASE("parse_wkb refuses curves, surfaces and TIN by their codes") {
  for (std::uint32_t type = 8; type <= 17; ++type) {
    CHECK(refused(parse_wkb(Wkb().head(type).u32(0).bytes), "GEOMETRY_CURVE"));
    CHECK(refused(parse_wkb(Wkb().head(type + 3000).u32(0).bytes), "GEOMETRY_CURVE"));
    CHECK(refused(parse_wkb(Wkb().head(7).u32(1).add(Wkb().head(type).u32(0)).bytes), "GEOMETRY_CURVE"));
  }
}

TEST_CASE("parse_wkb refuses type codes that do not exist") {
  for (const std::uint32_t code : {0U, 18U, 99U, 999U, 1000U, 4001U, 0x10000001U}) {
    CHECK(refused(parse_wkb(Wkb().head(code).u32(0).bytes), "GEOMETRY_MALFORMED"));
  }
}

TEST_CASE("parse_wkb refuses members that the multi-type forbids") {
  for (std::uint32_t multi = 4; multi <= 6; ++multi) {
    for (std::uint32_t member = 1; member <= 7; ++member) {
      if (member == multi - 3) continue;
      const Wkb inner = member == 1 ? Wkb().head(1).xy({1, 2}) : Wkb().head(member).u32(0);
      CHECK(refused(parse_wkb(Wkb().head(multi).u32(1).add(inner).bytes), "GEOMETRY_MIXED_DIMENSION"));
    }
  }
}

TEST_CASE("parse_wkb refuses members with other ordinates than the whole") {
  CHECK(refused(parse_wkb(Wkb().head(4).u32(1).add(Wkb().head(1001).xy({1, 2, 3})).bytes), "GEOMETRY_MIXED_DIMENSION"));
  CHECK(refused(parse_wkb(Wkb().head(1007).u32(1).add(Wkb().head(2001).xy({1, 2, 3})).bytes),
                "GEOMETRY_MIXED_DIMENSION"));
}

TEST_CASE("parse_wkb refuses every truncation and one byte more") {
  const auto collection = Wkb().head(7).u32(3).add(polygon({0, 0, 1, 0, 1, 1, 0, 0})).add(line({0, 0, 1, 1}));
  const std::string whole = Wkb(collection).add(Wkb().head(4).u32(1).add(Wkb().head(1).xy({5, 5}))).bytes;
  REQUIRE(parse_wkb(whole).ok());
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CHECK(refused(parse_wkb(std::string_view(whole).substr(0, n)), "GEOMETRY_MALFORMED"));
  }
  CHECK(refused(parse_wkb(whole + '\0'), "GEOMETRY_MALFORMED"));
}

TEST_CASE("parse_wkb refuses a byte order other than 0 and 1") {
  CHECK(refused(parse_wkb(hex("02 01000000 000000000000F03F 0000000000000040")), "GEOMETRY_MALFORMED"));
}

TEST_CASE("parse_wkb refuses counts that the bytes cannot hold, without reserving memory") {
  for (std::uint32_t type = 2; type <= 7; ++type) {
    CHECK(refused(parse_wkb(Wkb().head(type).u32(0xFFFFFFFFU).bytes), "GEOMETRY_MALFORMED"));
  }
  CHECK(refused(parse_wkb(Wkb().head(3).u32(1).u32(0xFFFFFFFFU).bytes), "GEOMETRY_MALFORMED"));
}

TEST_CASE("parse_wkb compares every SRID with the one expected") {
  const auto ewkb = Wkb().head(1 | kSrid).u32(4326).xy({1, 2});
  CHECK(parse_wkb(ewkb.bytes, 4326).ok());
  CHECK(refused(parse_wkb(ewkb.bytes, 4756), "SRID_MISMATCH"));
  CHECK(refused(parse_wkb(ewkb.bytes), "SRID_MISMATCH"));
  CHECK(refused(parse_wkb(Wkb().head(1 | kSrid).u32(0).xy({1, 2}).bytes), "SRID_MISMATCH"));
  const auto nested = Wkb().head(4 | kSrid).u32(4326).u32(1).add(ewkb);
  CHECK(parse_wkb(nested.bytes, 4326)->wkb == Wkb().head(4).u32(1).add(Wkb().head(1).xy({1, 2})).bytes);
  const auto other = Wkb().head(4 | kSrid).u32(4326).u32(1).add(Wkb().head(1 | kSrid).u32(9210).xy({1, 2}));
  CHECK(refused(parse_wkb(other.bytes, 4326), "SRID_MISMATCH"));
}

TEST_CASE("parse_wkb stops at the limit of vertices, parts and bytes, and not before") {
  const std::string two = line({0, 0, 1, 1}).bytes;
  GeometryLimits limits;
  limits.max_vertices = 2;
  CHECK(parse_wkb(two, 0, limits).ok());
  limits.max_vertices = 1;
  CHECK(too_large(parse_wkb(two, 0, limits)));

  const std::string parts = Wkb().head(5).u32(2).add(line({0, 0, 1, 1})).add(Wkb().head(2).u32(0)).bytes;
  limits = {};
  limits.max_parts = 2;
  limits.max_bytes = static_cast<std::uint32_t>(parts.size());
  CHECK(parse_wkb(parts, 0, limits).ok());
  limits.max_parts = 1;
  CHECK(too_large(parse_wkb(parts, 0, limits)));
  limits.max_parts = 2;
  --limits.max_bytes;
  CHECK(too_large(parse_wkb(parts, 0, limits)));
}

TEST_CASE("parse_wkb counts rings as parts") {
  GeometryLimits limits;
  limits.max_parts = 1;
  CHECK(parse_wkb(polygon({0, 0, 1, 0, 1, 1, 0, 0}).bytes, 0, limits).ok());
  CHECK(too_large(parse_wkb(Wkb().head(3).u32(2).u32(0).u32(0).bytes, 0, limits)));
}

Wkb nested_collections(int levels) {
  Wkb wkb;
  for (int i = 1; i < levels; ++i) wkb.head(7).u32(1);
  return wkb.head(7).u32(0);
}

TEST_CASE("parse_wkb allows collections as deep as the limit") {
  CHECK(parse_wkb(nested_collections(8).bytes).ok());
  CHECK(too_large(parse_wkb(nested_collections(9).bytes)));
  GeometryLimits none;
  none.max_depth = 0;
  CHECK(too_large(parse_wkb(nested_collections(1).bytes, 0, none)));
  CHECK(parse_wkb(Wkb().head(4).u32(0).bytes, 0, none).ok());
}

TEST_CASE("parse_wkb survives absurd nesting whatever the limit says") {
  GeometryLimits limits;
  limits.max_depth = std::numeric_limits<int>::max();
  CHECK(parse_wkb(nested_collections(256).bytes, 0, limits).ok());
  CHECK(too_large(parse_wkb(nested_collections(1'000'000).bytes, 0, limits)));
}

TEST_CASE("collections beside each other do not add up to depth") {
  Wkb wide = Wkb().head(7).u32(20);
  for (int i = 0; i < 20; ++i) wide.add(Wkb().head(7).u32(0));
  CHECK(parse_wkb(wide.bytes).ok());
}

TEST_CASE("to_ewkb writes PostGIS flags and the SRID once, outside") {
  const Geometry g = test::wkt("MULTIPOINT ZM ((1 2 3 4))");
  CHECK(to_ewkb(g, 9210) ==
        Wkb().head(4 | kZ | kM | kSrid).u32(9210).u32(1).add(Wkb().head(1 | kZ | kM).xy({1, 2, 3, 4})).bytes);
  CHECK(to_ewkb(test::wkt("POINT M EMPTY"), 4326) ==
        Wkb().head(1 | kM | kSrid).u32(4326).bits(kEmptyBits).bits(kEmptyBits).bits(kEmptyBits).bytes);
}

TEST_CASE("parse_wkb of to_ewkb gives the geometry back") {
  for (const char* text : {"POINT (1 2)", "POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1))",
                           "GEOMETRYCOLLECTION M (LINESTRING M (0 0 1, 1 1 2), POINT M EMPTY)"}) {
    const Geometry g = test::wkt(text);
    CHECK(parse_wkb(to_ewkb(g, 5897), 5897)->wkb == g.wkb);
  }
}

TEST_CASE("read_canonical_wkb gives back what was written") {
  const Geometry g = test::wkt("GEOMETRYCOLLECTION Z (POLYGON Z ((0 0 1, 1 0 1, 1 1 1, 0 0 1)), POINT Z EMPTY)");
  const auto read = read_canonical_wkb(g.wkb);
  REQUIRE(read.ok());
  CHECK(read->wkb == g.wkb);
  CHECK(read->box == g.box);
  CHECK(read->type == g.type);
  CHECK(read->dimension == g.dimension);
  CHECK(read->vertices == g.vertices);
}

TEST_CASE("read_canonical_wkb refuses damaged bytes and right bytes in another form") {
  const auto lost = [](const std::string& bytes) {
    return failed(read_canonical_wkb(bytes), absl::StatusCode::kDataLoss, "RECORD_MALFORMED");
  };
  CHECK(lost(""));
  CHECK(lost(Wkb().head(1).xy({1}).bytes));
  CHECK(lost(Wkb(false).head(1).xy({1, 2}).bytes));
  CHECK(lost(Wkb().head(1 | kZ).xy({1, 2, 3}).bytes));
  CHECK(lost(Wkb().head(1 | kSrid).u32(4326).xy({1, 2}).bytes));
  CHECK(lost(Wkb().head(1).bits(0xFFF8000000000000U).bits(0xFFF8000000000000U).bytes));
}

TEST_CASE("read_canonical_wkb reads what was parsed with wider limits than usual") {
  GeometryLimits limits;
  limits.max_depth = 100;
  const auto g = parse_wkb(nested_collections(100).bytes, 0, limits);
  REQUIRE(g.ok());
  CHECK(read_canonical_wkb(g->wkb).ok());
  CHECK_FALSE(to_wkt(*g).empty());
}

}  // namespace
}  // namespace lt::geo
