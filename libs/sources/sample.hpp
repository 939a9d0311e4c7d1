// Realistic data of any size out of a seed: for the demo, tests and benches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "feature/schema.hpp"
#include "sources/gdal_reader.hpp"

namespace lt::sources {

/// All people, addresses and numbers in samples are invented.
struct SampleOptions {
  std::string kind;        ///< "roads", "parcels" or "stations"
  std::int64_t count = 0;  ///< features, >= 0; parcels: at most kMaxSampleParcels
  std::uint64_t seed = 1;
  std::string province_code = "01";  ///< ADM-2025
  std::string crs;                   ///< "" = the province's VN-2000 TM-3 zone; else EPSG:4326, or any CRS in metres
};

/// As many parcels as lie within 60 km of the province's place.
inline constexpr std::int64_t kMaxSampleParcels = 20'000'000;

/// Schema of a kind, with Vietnamese titles and code lists. `crs` is "EPSG:n".
/// Errors: INVALID_ARGUMENT SAMPLE_KIND_UNKNOWN.
[[nodiscard]] absl::StatusOr<feature::Schema> sample_schema(std::string_view kind, std::string_view crs);

/// The CRS that the options mean.
/// Errors: INVALID_ARGUMENT PROVINCE_UNKNOWN, CRS_UNKNOWN, CRS_DEPRECATED.
[[nodiscard]] absl::StatusOr<std::string> sample_crs(const SampleOptions& options);

/// Gives features 1..count. Feature i depends on kind, seed, province, CRS and i only, not on count, the machine or the
/// C library. Memory does not depend on count.
///   roads     lines of national, provincial, communal and town roads; each starts exactly where the one before on its
///             route ends
///   parcels   quadrilaterals that tile the plane: neighbours share vertices to the bit
///   stations  points in groups of about twenty
/// Coordinates are whole millimetres (1e-8 degrees).
class SampleGenerator {
 public:
  /// Errors: INVALID_ARGUMENT SAMPLE_KIND_UNKNOWN, SAMPLE_TOO_LARGE (or a negative count), PROVINCE_UNKNOWN,
  /// CRS_UNKNOWN, CRS_DEPRECATED.
  [[nodiscard]] static absl::StatusOr<SampleGenerator> create(const SampleOptions& options);
  SampleGenerator(SampleGenerator&&) noexcept;
  SampleGenerator& operator=(SampleGenerator&&) noexcept;
  ~SampleGenerator();

  [[nodiscard]] const feature::Schema& schema() const;
  [[nodiscard]] absl::StatusOr<std::optional<SourceFeature>> next();

 private:
  struct Impl;
  explicit SampleGenerator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One edit of a history. DELETE has an empty state.
struct SampleEdit {
  feature::ChangeOp op = feature::ChangeOp::kUpdate;
  std::string id;
  feature::State state;
};

/// The edits that lead from the sample after `version` − 1 rounds of edits to the next: about 70 % updates, 20 %
/// inserts (features count + 1, ...) and 10 % deletes, clustered in a few places. Each feature at most once a round;
/// never of a feature that a round before deleted; updates add up and always change something. All rounds have `edits`
/// edits (the earlier ones are replayed: time and memory are proportional to version * edits, not to count). Where too
/// few features are left to change, inserts take their place.
class SampleEdits {
 public:
  /// @param version 1 = the first round after the sample itself.
  /// Errors: as SampleGenerator; INVALID_ARGUMENT SAMPLE_VERSION_INVALID (version < 1 or edits < 0).
  [[nodiscard]] static absl::StatusOr<SampleEdits> create(const SampleOptions& options, int version,
                                                          std::int64_t edits);
  SampleEdits(SampleEdits&&) noexcept;
  SampleEdits& operator=(SampleEdits&&) noexcept;
  ~SampleEdits();

  [[nodiscard]] const feature::Schema& schema() const;
  [[nodiscard]] absl::StatusOr<std::optional<SampleEdit>> next();

 private:
  struct Impl;
  explicit SampleEdits(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::sources
