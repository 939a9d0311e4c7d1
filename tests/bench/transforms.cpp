#include <chrono>
#include <cmath>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <proj.h>

#include "base/status.hpp"
#include "geo/crs.hpp"
#include "works.hpp"

namespace lt::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kVertices = 1'000'000;
constexpr std::size_t kOfOneLine = 20;  // as a road has
// EPSG:9210 to EPSG:4326 by EPSG:6960, as one operation.
constexpr char kPipeline[] =
    "+proj=pipeline +step +inv +proj=tmerc +lat_0=0 +lon_0=105.75 +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84 "
    "+step +proj=push +v_3 +step +proj=cart +ellps=WGS84 "
    "+step +proj=helmert +x=-191.90441429 +y=-39.30318279 +z=-111.45032835 +rx=-0.00928836 +ry=0.01975479 "
    "+rz=-0.00427372 +s=0.252906278 +convention=coordinate_frame "
    "+step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3 +step +proj=unitconvert +xy_in=rad +xy_out=deg";

struct Destroy {
  void operator()(PJ_CONTEXT* context) const { proj_context_destroy(context); }
  void operator()(PJ* operation) const { proj_destroy(operation); }
};

struct Vertices {
  std::vector<double> x, y;
};

// Along the coast, in EPSG:9210.
Vertices make_vertices() {
  Vertices made;
  for (std::size_t i = 0; i < kVertices; ++i) {
    const auto t = static_cast<double>(i) / kVertices;
    made.x.push_back(420'000 + 300'000 * t + 40 * std::sin(t * 9'000));
    made.y.push_back(1'000'000 + 1'400'000 * t);
  }
  return made;
}

absl::StatusOr<std::vector<geo::Geometry>> make_lines(const Vertices& vertices) {
  std::vector<geo::Geometry> lines;
  for (std::size_t from = 0; from < kVertices; from += kOfOneLine) {
    std::string text = "LINESTRING (";
    for (std::size_t i = from; i < from + kOfOneLine; ++i) {
      text += fmt::format("{}{} {}", i == from ? "" : ",", vertices.x[i], vertices.y[i]);
    }
    LT_ASSIGN_OR_RETURN(auto line, geo::parse_wkt(text + ")"));
    lines.push_back(std::move(line));
  }
  return lines;
}

double rate_since(Clock::time_point start) {
  return kVertices / std::chrono::duration<double>(Clock::now() - start).count();
}

absl::StatusOr<double> rate_of_lines(const geo::Transformer& transformer, const std::vector<geo::Geometry>& lines,
                                     geo::Box& reached) {
  const auto start = Clock::now();
  for (const auto& line : lines) {
    LT_ASSIGN_OR_RETURN(const auto moved, transformer.transform(line));
    reached.extend(moved.box);
  }
  return rate_since(start);
}

double rate_of_arrays(PJ* operation, Vertices vertices, geo::Box& reached) {
  constexpr std::size_t kStep = sizeof(double);
  const auto start = Clock::now();
  proj_trans_generic(operation, PJ_FWD, vertices.x.data(), kStep, kVertices, vertices.y.data(), kStep, kVertices,
                     nullptr, 0, 0, nullptr, 0, 0);
  const double rate = rate_since(start);
  for (std::size_t i = 0; i < kVertices; ++i) reached.extend(vertices.x[i], vertices.y[i]);
  return rate;
}

bool is_close(const geo::Box& a, const geo::Box& b) {
  constexpr double kDegrees = 1e-11;
  return std::abs(a.x1 - b.x1) < kDegrees && std::abs(a.y1 - b.y1) < kDegrees && std::abs(a.x2 - b.x2) < kDegrees &&
         std::abs(a.y2 - b.y2) < kDegrees;
}

}  // namespace

absl::StatusOr<Figures> rate_transform(const Options& options) {
  const std::unique_ptr<PJ_CONTEXT, Destroy> context(proj_context_create());
  const std::unique_ptr<PJ, Destroy> operation(proj_create(context.get(), kPipeline));
  if (!operation) return absl::InternalError("PROJ refuses the pipeline");
  LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs("EPSG:9210"));
  LT_ASSIGN_OR_RETURN(const auto to, geo::find_crs("EPSG:4326"));
  LT_ASSIGN_OR_RETURN(const auto transformer, geo::Transformer::create(from, to));
  const Vertices vertices = make_vertices();
  LT_ASSIGN_OR_RETURN(const auto lines, make_lines(vertices));
  Figures figures;
  for (int run = 0; run < options.runs; ++run) {
    geo::Box ours;
    geo::Box limit;
    LT_ASSIGN_OR_RETURN(const double rate, rate_of_lines(transformer, lines, ours));
    figures.ours.push_back(rate);
    figures.limit.push_back(rate_of_arrays(operation.get(), vertices, limit));
    if (!is_close(ours, limit)) return absl::InternalError("the two do not agree where the vertices are");
  }
  return figures;
}

}  // namespace lt::bench
