// The exchange as programs and connectors use it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "client/entry_reader.hpp"
#include "lienthong/v1/catalog_service.pb.h"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::client {

struct Options {
  std::string endpoint;              ///< "127.0.0.1:7460"
  std::string organisation;          ///< who calls
  std::chrono::seconds timeout{30};  ///< of one unary call; streams have none and live as long as the connection
  std::int64_t max_feature_bytes = 64 << 20;  ///< of one divided entry that is received
  int resumes = 5;  ///< tries to go on with an answer that broke off, until the next of its messages comes; 0: none
  std::chrono::milliseconds resume_wait{15'000};  ///< for the connection, before each try
};

/// A connection to one exchange. Copies share it; safe to use from several threads. Errors of the server keep their
/// code, reason, metadata and violations.
class Client {
 public:
  /// Returns without waiting for the server: the first call finds out whether it is there (UNAVAILABLE).
  /// Errors: INVALID_ARGUMENT ENDPOINT_MISSING, ORGANISATION_MISSING.
  [[nodiscard]] static absl::StatusOr<Client> connect(Options options);

  [[nodiscard]] absl::StatusOr<lienthong::v1::Organisation> create_organisation(const std::string& name,
                                                                                const std::string& title) const;
  /// All pages, by name.
  [[nodiscard]] absl::StatusOr<std::vector<lienthong::v1::Organisation>> list_organisations() const;

  [[nodiscard]] absl::StatusOr<lienthong::v1::Dataset> create_dataset(const lienthong::v1::Dataset& dataset) const;
  [[nodiscard]] absl::StatusOr<lienthong::v1::Dataset> get_dataset(const std::string& name) const;
  /// All pages, by name, without schemas.
  [[nodiscard]] absl::StatusOr<std::vector<lienthong::v1::Dataset>> list_datasets() const;
  /// @param revision 0 = the current one.
  [[nodiscard]] absl::StatusOr<lienthong::v1::Schema> get_schema(const std::string& dataset,
                                                                 std::int32_t revision = 0) const;

  /// @param version absent = the head now.
  [[nodiscard]] absl::StatusOr<lienthong::v1::GetFeatureResponse> get_feature(
      const std::string& dataset, const std::string& id, std::optional<std::int64_t> version = std::nullopt,
      lienthong::v1::FeatureForm form = lienthong::v1::FEATURE_FORM_GEOJSON) const;

  /// Calls `visit` for each changeset of a dataset, newest first, page by page, until it returns false.
  [[nodiscard]] absl::Status list_changesets(const std::string& dataset,
                                             const std::function<bool(const lienthong::v1::Changeset&)>& visit) const;
  [[nodiscard]] absl::StatusOr<lienthong::v1::Changeset> get_changeset(const std::string& dataset,
                                                                       std::int64_t version) const;
  /// @param organisation publisher of the changeset; empty = the caller.
  [[nodiscard]] absl::StatusOr<lienthong::v1::Changeset> find_changeset(const std::string& changeset_id,
                                                                        const std::string& organisation = {}) const;

  /// The net change in (from, to]. They return once the server's header is there, or with its refusal.
  /// @param to absent = the head now.  @param cursor if not empty, wins over `from`.
  /// @param view what to see; absent = what the cursor's reader saw, without a cursor everything.
  [[nodiscard]] absl::StatusOr<EntryReader> diff(const std::string& dataset, std::int64_t from,
                                                 std::optional<std::int64_t> to = std::nullopt,
                                                 bool include_before = false, const std::string& cursor = {},
                                                 const std::optional<lienthong::v1::View>& view = std::nullopt) const;
  /// Every single change in (from, to].
  [[nodiscard]] absl::StatusOr<EntryReader> changes(
      const std::string& dataset, std::int64_t from, std::optional<std::int64_t> to = std::nullopt,
      const std::string& cursor = {}, const std::optional<lienthong::v1::View>& view = std::nullopt) const;
  /// All features of one version, as INSERTs.
  [[nodiscard]] absl::StatusOr<EntryReader> snapshot(
      const std::string& dataset, std::optional<std::int64_t> version = std::nullopt,
      const std::optional<lienthong::v1::View>& view = std::nullopt) const;
  /// The same of the last version committed at or before a time.
  /// @param time_us microseconds since 1970 UTC, in the years 1 to 9999.
  [[nodiscard]] absl::StatusOr<EntryReader> snapshot_at(
      const std::string& dataset, std::int64_t time_us,
      const std::optional<lienthong::v1::View>& view = std::nullopt) const;

  // What lists calls `visit` for each item, page by page, until it returns false. Of their requests the page size and
  // token are chosen here.

  /// Every change of a feature, newest first, also when it was deleted.
  [[nodiscard]] absl::Status list_feature_history(
      const std::string& dataset, const std::string& id, lienthong::v1::FeatureForm form,
      const std::function<bool(const lienthong::v1::FeatureChange&)>& visit) const;
  /// Without deadline: it may take as long as publishing the changeset did.
  [[nodiscard]] absl::StatusOr<lienthong::v1::Receipt> revert_changeset(
      const lienthong::v1::RevertChangesetRequest& request) const;

  [[nodiscard]] absl::StatusOr<lienthong::v1::Attempt> get_attempt(const std::string& attempt_id) const;
  /// Newest first.
  [[nodiscard]] absl::Status list_attempts(const lienthong::v1::ListAttemptsRequest& request,
                                           const std::function<bool(const lienthong::v1::Attempt&)>& visit) const;
  [[nodiscard]] absl::Status list_findings(const lienthong::v1::ListFindingsRequest& request,
                                           const std::function<bool(const lienthong::v1::Finding&)>& visit) const;
  [[nodiscard]] absl::Status list_conflicts(const std::string& attempt_id,
                                            const std::function<bool(const lienthong::v1::Conflict&)>& visit) const;

  /// Oldest first.
  [[nodiscard]] absl::Status list_quarantine(
      const lienthong::v1::ListQuarantineRequest& request,
      const std::function<bool(const lienthong::v1::QuarantinedChange&)>& visit) const;
  [[nodiscard]] absl::StatusOr<lienthong::v1::Receipt> release_quarantine(
      const lienthong::v1::ReleaseQuarantineRequest& request) const;
  /// @return how many were discarded.
  [[nodiscard]] absl::StatusOr<std::int64_t> discard_quarantine(
      const lienthong::v1::DiscardQuarantineRequest& request) const;

  /// The heads of `datasets` (empty = all) now, then each new one as it comes; blocks until `visit` returns false or
  /// the call ends, which without an error it does not. Errors: those of the server; EXCHANGE_UNREACHABLE when the
  /// connection breaks.
  [[nodiscard]] absl::Status watch_heads(const std::vector<std::string>& datasets,
                                         const std::function<bool(const lienthong::v1::DatasetHead&)>& visit) const;

 private:
  friend class Publisher;
  explicit Client(std::shared_ptr<const Connection> connection);
  [[nodiscard]] absl::StatusOr<EntryReader> open_snapshot(lienthong::v1::StreamSnapshotRequest& request) const;
  std::shared_ptr<const Connection> connection_;
};

}  // namespace lt::client
