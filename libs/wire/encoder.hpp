// Stored records as the features that readers asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "feature/schema.hpp"
#include "geo/crs.hpp"
#include "lienthong/v1/feature.pb.h"

namespace lt::wire {

/// Writes features of one dataset in one form. Not thread-safe (it owns a transformer): one per stream.
class FeatureEncoder {
 public:
  /// @param schema a revision not older than any record that follows; copied.
  /// @param form unspecified = GEOJSON, whose geometries are computed in EPSG:4326.
  /// @param crs of the geometries in the other forms; empty = the dataset's.
  /// Errors: INVALID_ARGUMENT FORM_UNKNOWN, FORM_NEEDS_WGS84 (GEOJSON in another CRS), CRS_MISMATCH (a CRS where there
  /// is no geometry); those of geo::find_crs() and geo::Transformer::create().
  [[nodiscard]] static absl::StatusOr<FeatureEncoder> create(const feature::Schema& schema,
                                                             lienthong::v1::FeatureForm form,
                                                             std::string_view crs = {});

  /// CRS of the geometries written: "EPSG:4326" for GEOJSON, else the one asked for or the dataset's; empty without
  /// geometry.
  [[nodiscard]] const std::string& crs() const { return crs_; }
  /// Operation that computes them from the stored ones: "identity", "EPSG:6960", ...
  [[nodiscard]] const std::string& operation() const { return operation_; }

  /// Replaces `out`. An empty `record` (a deleted feature) gives id and version only. GeoJSON drops M, which RFC 7946
  /// does not have.
  /// Errors: DATA_LOSS RECORD_MALFORMED (stored bytes that cannot be read); OUT_OF_RANGE TRANSFORM_FAILED (a vertex
  /// outside the operation's domain) or JSON_TOO_DEEP (a json value deeper than protobuf readers accept): the message
  /// says which form still works. Metadata feature_id.
  [[nodiscard]] absl::Status encode(std::string_view id, std::int64_t version, std::string_view record,
                                    lienthong::v1::Feature* out) const;

 private:
  FeatureEncoder(const feature::Schema& schema, lienthong::v1::FeatureForm form);
  [[nodiscard]] absl::Status encode_record(std::string_view record, lienthong::v1::Feature* out) const;
  [[nodiscard]] absl::StatusOr<geo::Geometry> transformed(const geo::Geometry& geometry) const;
  [[nodiscard]] absl::Status encode_readable(std::string_view record, lienthong::v1::Feature* out) const;
  [[nodiscard]] absl::Status encode_geometry(const geo::Geometry& geometry, lienthong::v1::Feature* out) const;

  feature::Schema schema_;
  lienthong::v1::FeatureForm form_;
  std::string crs_;
  std::string operation_;
  std::optional<geo::Transformer> transformer_;  ///< only where it is not the identity
};

}  // namespace lt::wire
