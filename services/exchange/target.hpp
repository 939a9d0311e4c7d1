// One dataset of a changeset, ready to read and check its changes.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "exchange/core.hpp"
#include "feature/change.hpp"
#include "feature/schema.hpp"
#include "geo/crs.hpp"
#include "geo/validity.hpp"
#include "rules/coordinates.hpp"
#include "rules/repair.hpp"
#include "rules/schema_rules.hpp"
#include "storage/scope.hpp"
#include "wire/change.hpp"

namespace lt::exchange {

/// Another CRS that geometries of a dataset come in.
struct Source {
  geo::Crs crs;
  rules::CoordinateChecker coordinates;
  geo::Transformer transformer;  ///< to the dataset's CRS
};

struct Target {
  storage::Dataset dataset;
  std::shared_ptr<const feature::Schema> schema;
  std::optional<geo::Crs> crs;  ///< none: a dataset without geometry
  wire::ChangeDecoder decoder;
  rules::SchemaChecker checker;
  rules::Repairer repairer;
  std::string sent_crs;  ///< "EPSG:n" of wkt and wkb: the header's, else the dataset's; empty without geometry
  std::map<int, absl::StatusOr<Source>> sources;  ///< by EPSG code, those met so far
  std::size_t place = 0;                          ///< in the staging

  /// Errors: those of geo::find_crs() and geo::Transformer::create().
  [[nodiscard]] absl::StatusOr<const Source*> source(int epsg);
};

/// Looks the dataset up, the caller's right to publish it, and how to come from the CRS that the header named to the
/// dataset's. @param header for its repairs. @param crs empty: the dataset's own.
/// Errors: NOT_FOUND DATASET_UNKNOWN; PERMISSION_DENIED NOT_OWNER; INVALID_ARGUMENT CRS_MISMATCH (the dataset has no
/// geometry) and those of geo::find_crs(); FAILED_PRECONDITION NO_OPERATION.
[[nodiscard]] absl::StatusOr<std::unique_ptr<Target>> open_target(const Core& core, const rpc::CallerIdentity& caller,
                                                                  const feature::ChangesetHeader& header,
                                                                  const std::string& crs, const std::string& name);

/// The scope of a snapshot whose header has one.
/// Errors: INVALID_ARGUMENT SCOPE_INVALID (not WKT of a valid polygon in the dataset's CRS); those of
/// feature::Filter::parse().
[[nodiscard]] absl::StatusOr<storage::Scope> read_scope(const Target& target, const feature::ChangesetHeader& header);

}  // namespace lt::exchange
