// What readers ask to see: read, named for ever, made ready.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include <absl/base/thread_annotations.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include "exchange/core.hpp"
#include "lienthong/v1/exchange_service.pb.h"
#include "storage/view_read.hpp"

namespace lt::exchange {

/// A view as an answer uses it.
struct NamedView {
  storage::ViewPtr view;  ///< null: the whole dataset
  std::string area;       ///< LIST:CODE; empty without an area of the catalog
  std::int64_t area_version = 0;

  [[nodiscard]] std::string revision() const { return view ? view->revision : std::string(); }
};

/// Views by their revision, which is a hash of what they are: the same view of the same area version always has the
/// same. They are kept in the database before anybody is told their revision. Thread-safe.
class ViewBook {
 public:
  /// What a request asks to see.
  /// @param as_in revision that an answer began with: an area of the same name stays at the version it had there.
  /// Errors: INVALID_ARGUMENT VIEW_AREA_INVALID, UNKNOWN_FIELD, CRS_UNKNOWN and the like, FILTER_*; those of
  /// storage::Areas::get_area() and geo::transform_area().
  [[nodiscard]] absl::StatusOr<NamedView> ask(const Core& core, const storage::Dataset& dataset,
                                              const lienthong::v1::View& asked, const std::string& as_in);
  /// The view of a cursor or a token. Errors: FAILED_PRECONDITION VIEW_UNKNOWN.
  [[nodiscard]] absl::StatusOr<NamedView> find(const Core& core, const storage::Dataset& dataset,
                                               const std::string& revision);

 private:
  [[nodiscard]] storage::ViewPtr cached(const std::string& revision);
  void remember(storage::ViewPtr view);

  absl::Mutex mutex_;
  std::list<storage::ViewPtr> recent_ ABSL_GUARDED_BY(mutex_);  ///< last used first
  std::size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace lt::exchange
