// Which server a page is read from.
#pragma once

#include <functional>
#include <utility>

#include <absl/status/status.h>

#include "pg/pool.hpp"
#include "storage/acquire.hpp"

namespace lt::storage {

/// Runs reads of one answer, each on a connection that it finds. A pool is the simplest source.
class PageSource {
 public:
  /// Reads on the connection it is given: one statement, or several that may each see newer commits. May be called a
  /// second time, from the start, when a server fails; so what it fills must be cleared by it.
  using Read = std::function<absl::Status(pg::Connection&)>;
  using Run = std::function<absl::Status(const Read&)>;

  PageSource(pg::Pool& pool)  // implicit: whoever has a pool has a source
      : run_([&pool](const Read& read) -> absl::Status {
          auto connection = acquire(pool);
          if (!connection.ok()) return connection.status();
          return read(**connection);
        }) {}
  explicit PageSource(Run run) : run_(std::move(run)) {}

  /// Errors: those of acquire() and of `read`.
  [[nodiscard]] absl::Status run(const Read& read) const { return run_(read); }

 private:
  Run run_;
};

}  // namespace lt::storage
