// Columns that staged rows, filled-in partial updates and rows of a first load share.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "feature/record.hpp"
#include "pg/copy.hpp"

namespace lt::storage {

/// The columns of a staged row, in the order of copy_staged.sql.
enum StagedColumn : std::size_t {
  kStagedSeq,
  kStagedBaseVersion,
  kStagedX1,
  kStagedY1,
  kStagedX2,
  kStagedY2,
  kStagedOp,
  kStagedFid,
  kStagedChangeHash,
  kStagedKind,
  kStagedSourceHash,
  kStagedContentHash,
  kStagedGeom,
  kStagedProps,
  kStagedPayload,
  kStagedMask,
  kStagedPartial,
  kStagedFindings,
  kStagedColumns
};

/// x1, y1, x2, y2 in single precision, rounded outwards; nulls without a state, geometry or ordinates.
void add_box(pg::CopyEncoder& row, const feature::State* state);
/// content_hash, geom, props, payload of a whole state, of which `record` is the encoding.
void add_whole_state(pg::CopyEncoder& row, std::string_view record, const Digest& content, const feature::State& state,
                     int srid);
/// Null for none.
void add_source(pg::CopyEncoder& row, const std::optional<Digest>& source_hash);
/// A row for the current table and one for the log of a first version.
void add_loaded(pg::CopyEncoder& feature_row, pg::CopyEncoder& log_row, std::string_view id, std::string_view record,
                const Digest& content, const std::optional<Digest>& source_hash, const feature::State& state, int srid);
void add_nulls(pg::CopyEncoder& row, int columns);

}  // namespace lt::storage
