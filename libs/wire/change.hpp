// What publishers send, read into the domain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "feature/schema.hpp"
#include "geo/crs.hpp"
#include "geo/geometry.hpp"
#include "lienthong/v1/exchange_service.pb.h"
#include "lienthong/v1/feature.pb.h"

namespace lt::wire {

/// Bytes of PublishHeader.message.
inline constexpr std::size_t kMaxMessageBytes = 4096;
/// Bytes of Scope.area_wkt.
inline constexpr std::size_t kMaxScopeBytes = 1U << 20;

/// Errors: INVALID_ARGUMENT OPERATION_MISSING (unspecified, or a number that is not known).
[[nodiscard]] absl::StatusOr<feature::ChangeOp> operation_from_proto(lienthong::v1::Operation op);
[[nodiscard]] lienthong::v1::Operation operation_to_proto(feature::ChangeOp op);

/// Errors: INVALID_ARGUMENT ENTRY_OP_UNKNOWN.
[[nodiscard]] absl::StatusOr<feature::EntryOp> entry_op_from_proto(lienthong::v1::EntryOp op);
[[nodiscard]] lienthong::v1::EntryOp entry_op_to_proto(feature::EntryOp op);

/// Unspecified is CHANGES. Errors: INVALID_ARGUMENT KIND_UNKNOWN.
[[nodiscard]] absl::StatusOr<feature::ChangesetKind> kind_from_proto(lienthong::v1::ChangesetKind kind);
[[nodiscard]] lienthong::v1::ChangesetKind kind_to_proto(feature::ChangesetKind kind);

/// The header as sent; whether dataset and CRS exist and fit is for the caller. content_sha256 is only checked to be
/// empty or 64 hexadecimal digits and stays in the proto; the scope is read by the caller, who knows CRS and schema.
/// Errors, INVALID_ARGUMENT: SCOPE_NEEDS_SNAPSHOT, SCOPE_MISSING (a scope without area and filter), SCOPE_TOO_LARGE,
/// POLICY_UNKNOWN (on_conflict, on_invalid, repair), DATASET_MISSING, CHANGESET_ID_INVALID, KIND_UNKNOWN,
/// MESSAGE_TOO_LONG, TEXT_NOT_UTF8 and TEXT_HAS_NUL (field message), BASE_VERSION_INVALID (negative),
/// CONTENT_HASH_INVALID.
[[nodiscard]] absl::StatusOr<feature::ChangesetHeader> header_from_proto(const lienthong::v1::PublishHeader& proto);
/// The inverse; replaces `out`.
void header_to_proto(const feature::ChangesetHeader& header, lienthong::v1::PublishHeader* out);

/// One change as sent, before it is checked against the rules of the schema.
struct IncomingChange {
  feature::ChangeOp op = feature::ChangeOp::kUpsert;
  std::string id;
  std::optional<std::int64_t> base_version;
  feature::State state;     ///< without geometry and properties for kDelete
  feature::FieldMask mask;  ///< what `state` changes; empty = everything
  int epsg = 0;             ///< CRS of the geometry as it was sent; 0 without one
};

/// Reads changes of one dataset. Immutable, so safe to share between threads.
class ChangeDecoder {
 public:
  /// @param crs the dataset's CRS; null for a dataset without geometry. Both are copied.
  ChangeDecoder(const feature::Schema& schema, const geo::Crs* crs, geo::GeometryLimits limits = {});

  /// The same with wkt and wkb in the CRS EPSG:`epsg`. The geometry stays in it: whoever stages the change transforms
  /// it.
  [[nodiscard]] ChangeDecoder in_crs(int epsg) const;

  /// Reads hostile input. A geometry keeps the CRS that it was sent in: geojson EPSG:4326, a record the dataset's.
  /// Checks the form only: required properties, ranges, code lists and geometry types are rules. A property that is
  /// null is absent from the state. For OPERATION_DELETE only the id and base_version are read. Every error is
  /// INVALID_ARGUMENT (RESOURCE_EXHAUSTED for GEOMETRY_TOO_LARGE), carries metadata "feature_id" (cut to 128 code
  /// points), a violation and, where one field is to blame, "field"; reasons:
  ///   OPERATION_MISSING, FEATURE_MISSING, FEATURE_ID_* of feature::check_feature_id(), BASE_VERSION_INVALID
  ///   FEATURE_FORM_MIXED      `record` together with a geometry or properties
  ///   GEOJSON_NEEDS_WGS84     `geojson` where in_crs() named another CRS than EPSG:4326
  ///   RECORD_IN_OTHER_CRS     `record` where in_crs() named another CRS than the dataset's
  ///   GEOMETRY_*, SRID_MISMATCH of geo, field "geometry"
  ///   GEOMETRY_NOT_ALLOWED    a geometry for a dataset that has none
  ///   UNKNOWN_FIELD           a property that the schema does not have; the message names the nearest one
  ///   VALUE_*, TEXT_*, JSON_TOO_DEEP of the value, field = name of the property
  ///   MASK_NEEDS_UPDATE       update_mask with another op than OPERATION_UPDATE
  ///   FIELD_NOT_IN_MASK       a geometry or property that update_mask does not name
  ///   RECORD_MALFORMED, SCHEMA_REVISION_UNKNOWN (the record's revision is newer than the schema's, or below 1)
  [[nodiscard]] absl::StatusOr<IncomingChange> decode(const lienthong::v1::Change& change) const;

 private:
  [[nodiscard]] absl::Status decode_state(const lienthong::v1::Feature& feature, IncomingChange& out) const;
  [[nodiscard]] absl::Status decode_geometry(const lienthong::v1::Feature& feature, IncomingChange& out) const;
  [[nodiscard]] absl::Status decode_properties(const lienthong::v1::Feature& feature, feature::State& out) const;
  [[nodiscard]] absl::Status decode_record(std::string_view record, IncomingChange& out) const;
  [[nodiscard]] absl::Status decode_mask(const lienthong::v1::Change& change, IncomingChange& out) const;

  feature::Schema schema_;
  int dataset_epsg_ = 0;  ///< 0: no geometry
  int sent_epsg_ = 0;     ///< of wkt and wkb
  bool named_ = false;    ///< by in_crs(): what is in another CRS disagrees with it
  geo::GeometryLimits limits_;
};

}  // namespace lt::wire
