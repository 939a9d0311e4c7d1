// Reading history through views, in pages as storage/read.hpp does. What the box of a view excludes is neither sent by
// the database nor looked at here.
#pragma once

#include <cstdint>
#include <memory>

#include "feature/view.hpp"
#include "storage/read.hpp"

namespace lt::storage {

using ViewPtr = std::shared_ptr<const feature::View>;

/// Net change in (a, b] of what a view shows, by version and id of the last change. LEAVE entries have no record.
/// @param include_before also the state before of UPDATE, LEAVE and DELETE: the last one inside.
/// Beyond those of PageReader, errors of feature::ViewLens.
[[nodiscard]] std::unique_ptr<PageReader> read_diff(const PageSource& source, int dataset, std::int64_t a,
                                                    std::int64_t b, ViewPtr view, bool include_before,
                                                    PageLimits limits = {}, Position after = {});
/// Every change in (a, b] that shows in a view, by version and id.
[[nodiscard]] std::unique_ptr<PageReader> read_changes(const PageSource& source, int dataset, std::int64_t a,
                                                       std::int64_t b, ViewPtr view, PageLimits limits = {},
                                                       Position after = {});
/// The features of a version that a view shows, by id.
[[nodiscard]] std::unique_ptr<PageReader> read_snapshot(const PageSource& source, int dataset, std::int64_t version,
                                                        ViewPtr view, PageLimits limits = {}, Position after = {});
/// From what one view shows at `a` to what another shows at `b`, by id. Its cost follows the ids that exist or ever
/// did. States whose columns or CRS the reader gets otherwise than before are updates. An entry's version is that of
/// the state, or of the change that ended it, and may be before `a`.
[[nodiscard]] std::unique_ptr<PageReader> read_view_change(const PageSource& source, int dataset, std::int64_t a,
                                                           ViewPtr before, std::int64_t b, ViewPtr after,
                                                           bool include_before, PageLimits limits = {},
                                                           Position position = {});

}  // namespace lt::storage
