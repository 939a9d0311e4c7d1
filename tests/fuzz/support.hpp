// What the fuzz targets share: the properties that must hold for every input. One that does not ends the program, and
// libFuzzer keeps the input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "feature/record.hpp"
#include "feature/schema.hpp"
#include "geo/geometry.hpp"

/// What libFuzzer calls for each input; every target defines it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,  // NOLINT(readability-identifier-naming)
                                      std::size_t size);

namespace lt::fuzz {

/// libFuzzer's bytes as text.
[[nodiscard]] std::string_view text_of(const std::uint8_t* data, std::size_t size);

/// Ends the program with `property` on standard error unless it holds.
void require(bool holds, std::string_view property);

/// A refusal of hostile input: the caller's fault with a reason and a message, never INTERNAL or without words.
void require_refusal(const absl::Status& status);

/// Everything that geometry.hpp promises of a geometry that a parser accepted: canonical bytes that read back as they
/// are, WKT, GeoJSON and EWKB that give the same geometry again, a box and counts that agree with a second reading.
void require_geometry(const geo::Geometry& geometry);

using GeometryParser = std::function<absl::StatusOr<geo::Geometry>(const geo::GeometryLimits&)>;

/// Runs `parse` with the default limits and with small ones: what the first accepts obeys require_geometry(), the
/// second accepts the same or says GEOMETRY_TOO_LARGE, and nothing past its limits.
void require_parser(const GeometryParser& parse);

/// What record.hpp and value.hpp promise of a state: the record reads back byte by byte, each property has a JSON form
/// that reads back, also through text.
void require_state(const feature::State& state);

/// One field of each type (1 to 10), and one of each with all the limits it can have (11 to 20), so that every branch
/// of the rules can be reached. Revision 3.
/// @param crs "EPSG:n", or empty for a dataset without geometry.
[[nodiscard]] feature::Schema every_type(const std::string& crs);

/// Revision of every_type().
inline constexpr std::int32_t kRevision = 3;

}  // namespace lt::fuzz
