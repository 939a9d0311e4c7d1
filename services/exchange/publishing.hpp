// One changeset on its way in: header, batches, parts, receipt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "exchange/core.hpp"
#include "feature/change.hpp"
#include "feature/receipt.hpp"
#include "lienthong/v1/exchange_service.pb.h"
#include "rules/schema_rules.hpp"
#include "storage/publish.hpp"
#include "wire/change.hpp"
#include "wire/parts.hpp"

namespace lt::exchange {

/// Receives one changeset. One thread at a time. Destroying it before finish() leaves nothing behind.
///
/// Every error names the attempt in its metadata ("attempt_id"). After an error the object must not be used again.
class Publishing {
 public:
  Publishing(const Core& core, rpc::CallerIdentity caller);
  ~Publishing();

  /// Takes the header: looks up the dataset, the right to publish it, the CRS, and whether the id is known.
  /// @return the receipt at once when this id was accepted with the content hash that the header carries.
  [[nodiscard]] absl::StatusOr<std::optional<feature::Receipt>> begin(const lienthong::v1::PublishHeader& header);
  /// Checks and stages a batch. An error lists what is wrong with each feature of the batch, up to 20.
  [[nodiscard]] absl::Status add_batch(const lienthong::v1::ChangeBatch& batch);
  [[nodiscard]] absl::Status add_part(const lienthong::v1::FeaturePart& part);
  /// Nothing may follow. Errors: INVALID_ARGUMENT END_MISMATCH, PART_OUT_OF_ORDER (the last feature is incomplete).
  [[nodiscard]] absl::Status end(const lienthong::v1::PublishEnd& end);
  /// Commits what end() completed. Errors: those of storage::publish() and StagedChanges::seal(); INVALID_ARGUMENT
  /// HEADER_MISSING, END_MISSING (the stream was cut), CONTENT_HASH_MISMATCH.
  [[nodiscard]] absl::StatusOr<feature::Receipt> finish();

  [[nodiscard]] bool begun() const { return staged_ != nullptr; }
  [[nodiscard]] lienthong::v1::PublishProgress progress() const;

 private:
  [[nodiscard]] absl::Status note(const absl::Status& status) const;
  [[nodiscard]] absl::StatusOr<std::optional<feature::Receipt>> open(const lienthong::v1::PublishHeader& header);
  [[nodiscard]] absl::Status check_crs();
  [[nodiscard]] absl::StatusOr<std::optional<storage::StoredChangeset>> find_known();
  [[nodiscard]] absl::Status take_sequence(std::int64_t sequence);
  /// Moves staged_sequence_ after the batch last_sequence_ was added; `before` is what was staged before it.
  void note_staged(std::int64_t before);
  [[nodiscard]] absl::Status add_change(const lienthong::v1::Change& change);
  [[nodiscard]] absl::Status add_changes(const lienthong::v1::ChangeBatch& batch);

  const Core& core_;
  const rpc::CallerIdentity caller_;
  const std::string attempt_id_;
  feature::ChangesetHeader header_;
  std::string declared_content_;  ///< hex, empty when the header has none
  storage::Dataset dataset_;
  std::shared_ptr<const feature::Schema> schema_;
  std::optional<geo::Crs> crs_;
  std::optional<wire::ChangeDecoder> decoder_;
  std::optional<rules::SchemaChecker> checker_;
  std::unique_ptr<storage::StagedChanges> staged_;
  wire::PartAssembler parts_;
  std::int64_t last_sequence_ = 0;
  std::int64_t staged_sequence_ = 0;
  bool ended_ = false;
};

/// PublishChangeset: at most 1,000 changes and 3 MiB in one message.
[[nodiscard]] absl::StatusOr<feature::Receipt> publish_changeset(const Core& core, const rpc::CallerIdentity& caller,
                                                                 const lienthong::v1::PublishChangesetRequest& request);

}  // namespace lt::exchange
