// Entries of a diff or of changes as lines.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

#include "feature/change.hpp"
#include "feature/record.hpp"
#include "feature/schema.hpp"
#include "geo/crs.hpp"

namespace lt::cli {

/// Writes entries of one dataset. Not thread-safe.
class EntryWriter {
 public:
  /// @param schema the newest revision: it names every field number that older records use.
  /// @param as_read CRS of the entries' geometries when they are to be written as they are; empty: they are in the
  /// dataset's CRS, and are computed in WGS 84 by its pinned operation.
  /// Errors: those of geo::find_crs() and geo::Transformer::create().
  [[nodiscard]] static absl::StatusOr<EntryWriter> create(feature::Schema schema, const std::string& as_read = {});

  /// {"op","id","geometry","properties","version"}; with `with_before` also "before", null for an insert.
  /// Errors: those of feature::decode_record() and geo::Transformer::transform().
  [[nodiscard]] absl::StatusOr<std::string> to_json(const feature::Entry& entry, bool with_before) const;

  /// {"geometry","properties"} of a record; null for an empty one. Errors: as to_json().
  [[nodiscard]] absl::StatusOr<std::string> state_to_json(const std::string& record) const;

  /// One line for people: op, version, id, and what changed where the state before is known.
  [[nodiscard]] absl::StatusOr<std::string> to_text(const feature::Entry& entry) const;

 private:
  explicit EntryWriter(feature::Schema schema) : schema_(std::move(schema)) {}
  [[nodiscard]] absl::StatusOr<std::string> state_members(const std::string& record) const;
  [[nodiscard]] absl::StatusOr<std::string> geometry_text(const feature::State& state) const;
  [[nodiscard]] nlohmann::ordered_json properties_of(const feature::State& state) const;
  [[nodiscard]] absl::StatusOr<std::string> difference(const feature::Entry& entry) const;

  feature::Schema schema_;
  std::optional<geo::Transformer> to_wgs84_;  ///< only where it is not the identity
};

}  // namespace lt::cli
