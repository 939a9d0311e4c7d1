// Publishing one changeset of any size.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/client.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "feature/record.hpp"
#include "feature/schema.hpp"

namespace lt::client {

/// Changes that the server has received and checked, and the last batch that it has staged.
using Progress = std::function<void(std::int64_t received, std::int64_t staged_sequence)>;

/// One publish call. Changes travel as records, or as WKB with properties when the header names another CRS than the
/// schema's, in batches of about 192 KiB; a larger change than 1 MiB travels in
/// pieces. What fits one batch, up to 1,000 changes, is sent by finish() in one call. Blocks in add() while the server
/// is busy. Not thread-safe. Destroying it before finish() has returned cancels the call: nothing is published then.
///
/// Nothing is retried here. After UNAVAILABLE, ABORTED or a lost receipt the same changeset may be published again
/// with the same changeset_id: it has its effect once. With resume_attempt_id in its header an upload goes on where it
/// broke off: add the same changes from the first one on, and those that the server has staged are not sent again.
class Publisher {
 public:
  /// @param schema its revision is the one that records are written in.
  /// @param progress called from within add() and finish(), on the thread that calls them; may be empty.
  /// With header.resume_attempt_id it waits for the server's word on what is staged; NOT_FOUND ATTEMPT_UNKNOWN: nothing
  /// is, open without it.
  /// @param content_sha256 hex content hash of the whole changeset if known: the receipt of an accepted one comes at
  /// once.
  [[nodiscard]] static absl::StatusOr<Publisher> open(const Client& client, const feature::ChangesetHeader& header,
                                                      const feature::Schema& schema, Progress progress = {},
                                                      const std::string& content_sha256 = {});
  Publisher(Publisher&&) noexcept;
  Publisher& operator=(Publisher&&) noexcept;
  ~Publisher();

  /// Sends one change, sooner or later. Once the server has refused the changeset its error is returned by every call.
  /// @param base_version absent = unchecked, 0 = must not exist.  @param state null for kDelete, only there.
  /// Errors: those of the server; INVALID_ARGUMENT STATE_MISSING; FAILED_PRECONDITION PUBLISHER_FINISHED; in another
  /// CRS those of wire::state_to_readable().
  [[nodiscard]] absl::Status add(feature::ChangeOp op, std::string_view id, std::optional<std::int64_t> base_version,
                                 const feature::State* state);
  /// An UPDATE of some fields: the feature must exist, and what `mask` does not name stays as it is.
  /// @param mask names of properties, and "geometry".  @param state holds these only; what it has not becomes null.
  [[nodiscard]] absl::Status update(std::string_view id, std::optional<std::int64_t> base_version,
                                    const feature::State& state, const std::vector<std::string>& mask);
  /// The same with a record that is already encoded, in the dataset's CRS; empty for kDelete.
  [[nodiscard]] absl::Status add_record(feature::ChangeOp op, std::string_view id,
                                        std::optional<std::int64_t> base_version, std::string_view record);

  /// Sends the rest and waits for the receipt.
  /// Errors: those of the server; DATA_LOSS RECEIPT_MISSING; FAILED_PRECONDITION PUBLISHER_FINISHED when called twice.
  [[nodiscard]] absl::StatusOr<feature::Receipt> finish();

  /// The attempt to resume when this one breaks off; empty while the server has staged nothing.
  [[nodiscard]] std::string resumable_attempt();

 private:
  class Impl;
  explicit Publisher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::client
