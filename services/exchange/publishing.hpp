// One changeset on its way in: header, batches, parts, receipt.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "exchange/core.hpp"
#include "exchange/target.hpp"
#include "feature/change.hpp"
#include "feature/finding.hpp"
#include "feature/receipt.hpp"
#include "lienthong/v1/exchange_service.pb.h"
#include "storage/attempts.hpp"
#include "storage/publish.hpp"
#include "wire/parts.hpp"

namespace lt::exchange {

/// Datasets that one changeset may touch.
inline constexpr std::size_t kMaxDatasets = 32;
/// Findings that a stream sends while it goes on; ListFindings has the rest.
inline constexpr std::size_t kMaxStreamedFindings = 100;

/// Receives one changeset. One thread at a time. Destroying it before finish() leaves nothing behind, unless
/// break_off() kept it.
///
/// Every error names the attempt in its metadata ("attempt_id"). After an error the object must not be used again.
/// Invalid changes are no error when they come: they are findings, and finish() refuses the changeset (or has set them
/// aside), so that a publisher learns of all of them at once.
class Publishing {
 public:
  Publishing(const Core& core, rpc::CallerIdentity caller);
  ~Publishing();

  /// Takes the header: looks up the dataset, the right to publish it, the CRS, whether the id is known, and what an
  /// upload that broke off had staged.
  /// @return the receipt at once when this id was accepted with the content hash that the header carries.
  [[nodiscard]] absl::StatusOr<std::optional<feature::Receipt>> begin(const lienthong::v1::PublishHeader& header);
  /// After begin(): quarantined changes of the header's dataset that this changeset publishes.
  void release_quarantine(std::vector<std::int64_t> ids) { released_ = std::move(ids); }
  /// One of these as a batch of its own. @param crs "EPSG:n" of its wkt or wkb; empty: the dataset's.
  [[nodiscard]] absl::Status add_released(const lienthong::v1::Change& change, const std::string& crs);
  /// Checks and stages a batch. Errors: what is not about one feature; FINDINGS_TOO_MANY is the refusal itself.
  [[nodiscard]] absl::Status add_batch(const lienthong::v1::ChangeBatch& batch);
  [[nodiscard]] absl::Status add_part(const lienthong::v1::FeaturePart& part);
  /// Nothing may follow. Errors: INVALID_ARGUMENT END_MISMATCH, PART_OUT_OF_ORDER (the last feature is incomplete).
  [[nodiscard]] absl::Status end(const lienthong::v1::PublishEnd& end);
  /// Commits what end() completed, or refuses it with the first of what was wrong. Errors: those of storage::publish();
  /// INVALID_ARGUMENT HEADER_MISSING, END_MISSING (the stream was cut), CONTENT_HASH_MISMATCH, DUPLICATE_ID, and the
  /// reasons of findings.
  [[nodiscard]] absl::StatusOr<feature::Receipt> finish();
  /// The caller is gone: what is staged is kept for a resumption.
  void break_off();

  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] lienthong::v1::PublishProgress progress() const;
  /// Findings made since the last call, kMaxStreamedFindings over all calls.
  [[nodiscard]] std::vector<storage::AttemptFinding> take_findings();

 private:
  using MaybeReceipt = std::optional<feature::Receipt>;

  [[nodiscard]] absl::Status fail(const absl::Status& status);
  [[nodiscard]] absl::StatusOr<MaybeReceipt> open(const lienthong::v1::PublishHeader& header);
  [[nodiscard]] absl::StatusOr<MaybeReceipt> find_known();
  [[nodiscard]] absl::Status stage();
  [[nodiscard]] absl::Status resume();
  [[nodiscard]] absl::StatusOr<Target*> target_of(const std::string& dataset);
  [[nodiscard]] absl::Status take_sequence(std::int64_t sequence);
  [[nodiscard]] absl::Status add_changes(const lienthong::v1::ChangeBatch& batch);
  [[nodiscard]] absl::Status add_whole_part(const std::string& serialized);
  [[nodiscard]] absl::Status end_batch();
  [[nodiscard]] absl::Status add_change(const lienthong::v1::Change& message, const std::string& crs = {});
  [[nodiscard]] std::vector<feature::Finding> transform(Target& target, wire::IncomingChange& incoming,
                                                        feature::Change& change);
  [[nodiscard]] absl::Status add_decoded(const lienthong::v1::Change& message, Target& target,
                                         wire::IncomingChange incoming);
  [[nodiscard]] absl::Status add_invalid(const lienthong::v1::Change& message, Target& target,
                                         std::vector<feature::Finding> findings, const Digest& hash);
  void set_aside(const lienthong::v1::Change& message, const Target& target,
                 const std::vector<feature::Finding>& findings, const Digest& hash);
  [[nodiscard]] absl::StatusOr<storage::StagedKind> kind_of(const feature::State& state);
  void note_findings(const Target& target, const std::vector<feature::Finding>& findings);
  [[nodiscard]] absl::Status refusal() const;
  void note_duplicates(const storage::Sealed& sealed);
  [[nodiscard]] absl::StatusOr<feature::Receipt> commit();
  void store(storage::AttemptOutcome outcome, const absl::Status& why, const MaybeReceipt& receipt);

  const Core& core_;
  const rpc::CallerIdentity caller_;
  const std::int64_t started_us_;
  std::string attempt_id_;
  feature::ChangesetHeader header_;
  std::string crs_named_;         ///< "EPSG:n" that the header named, empty when it named none
  std::string declared_content_;  ///< hex, empty when the header has none
  std::map<std::string, std::unique_ptr<Target>> targets_;
  std::optional<storage::Scope> scope_;
  std::optional<storage::ScopeTest> scope_test_;
  std::unique_ptr<storage::StagedChangeset> staged_;  ///< null once the changeset is sure to be refused
  wire::PartAssembler parts_;
  std::vector<std::int64_t> released_;
  std::vector<storage::AttemptFinding> findings_;  ///< the first Limits::kept_findings
  std::size_t streamed_findings_ = 0;
  std::int64_t finding_count_ = 0;
  std::int64_t error_count_ = 0;
  absl::Status first_error_;
  storage::PublishReport report_;
  std::int64_t received_ = 0;
  std::int64_t last_sequence_ = 0;
  bool header_seen_ = false;
  bool begun_ = false;
  bool known_ = false;  ///< the changeset_id was accepted before: only the content is compared
  bool ended_ = false;
  bool stored_ = false;  ///< the attempt
};

/// PublishChangeset: at most 1,000 changes and 3 MiB in one message.
[[nodiscard]] absl::StatusOr<feature::Receipt> publish_changeset(const Core& core, const rpc::CallerIdentity& caller,
                                                                 const lienthong::v1::PublishChangesetRequest& request);

}  // namespace lt::exchange
