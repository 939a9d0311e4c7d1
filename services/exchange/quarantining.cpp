#include "exchange/quarantining.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "base/status.hpp"
#include "exchange/paging.hpp"
#include "exchange/publishing.hpp"
#include "feature/record.hpp"
#include "feature/text.hpp"
#include "storage/acquire.hpp"
#include "storage/publish.hpp"
#include "storage/quarantine.hpp"
#include "wire/change.hpp"
#include "wire/finding.hpp"
#include "wire/receipt.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;
using google::protobuf::util::TimeUtil;

constexpr int kMaxItems = 1000;
// The limit of every unary publish.
constexpr std::size_t kMaxReleaseBytes = 3U << 20;

absl::Status invalid(std::string_view reason, std::string_view message,
                     std::map<std::string, std::string> metadata = {}) {
  return make_error(absl::StatusCode::kInvalidArgument, reason, message, std::move(metadata));
}

absl::StatusOr<std::optional<storage::QuarantineState>> state_from_proto(v1::QuarantineState state) {
  switch (state) {
    case v1::QUARANTINE_STATE_UNSPECIFIED: return std::nullopt;
    case v1::QUARANTINE_STATE_HELD: return storage::QuarantineState::kHeld;
    case v1::QUARANTINE_STATE_RELEASED: return storage::QuarantineState::kReleased;
    case v1::QUARANTINE_STATE_DISCARDED: return storage::QuarantineState::kDiscarded;
    case v1::QUARANTINE_STATE_SUPERSEDED: return storage::QuarantineState::kSuperseded;
    default: break;
  }
  return invalid("FILTER_UNKNOWN", fmt::format("state {} is not known; leave it out or send one of QuarantineState",
                                               static_cast<int>(state)));
}

v1::QuarantineState state_to_proto(storage::QuarantineState state) {
  switch (state) {
    case storage::QuarantineState::kHeld: return v1::QUARANTINE_STATE_HELD;
    case storage::QuarantineState::kReleased: return v1::QUARANTINE_STATE_RELEASED;
    case storage::QuarantineState::kDiscarded: return v1::QUARANTINE_STATE_DISCARDED;
    case storage::QuarantineState::kSuperseded: return v1::QUARANTINE_STATE_SUPERSEDED;
  }
  return v1::QUARANTINE_STATE_UNSPECIFIED;
}

// A dataset with what reads its items.
struct Home {
  storage::Dataset dataset;
  std::shared_ptr<const feature::Schema> schema;
};

absl::StatusOr<Home> open_home(const Core& core, const rpc::CallerIdentity& caller, const std::string& name) {
  Home home;
  LT_ASSIGN_OR_RETURN(home.dataset, core.catalog.get_dataset(name));
  LT_RETURN_IF_ERROR(check_may_publish(caller, home.dataset));
  LT_ASSIGN_OR_RETURN(home.schema, core.catalog.get_schema(home.dataset.id, home.dataset.schema_revision));
  return home;
}

void name_mask(const feature::FieldMask& mask, const feature::Schema& schema, v1::Change* out) {
  for (const std::int32_t number : mask) {
    const feature::Field* field = schema.find(number);
    out->add_update_mask(field != nullptr ? field->name : std::string(feature::kGeometryName));
  }
}

// The change as it was sent.
absl::StatusOr<v1::Change> sent_change(const storage::QuarantineItem& item, const feature::Schema& schema) {
  v1::Change change;
  if (item.form == storage::QuarantineForm::kChange) {
    if (change.ParseFromString(item.payload)) return change;
    return make_error(absl::StatusCode::kDataLoss, "QUARANTINE_MALFORMED",
                      fmt::format("quarantined change {} cannot be read; check the database", item.id),
                      {{"quarantine_id", std::to_string(item.id)}});
  }
  change.set_op(wire::operation_to_proto(static_cast<feature::ChangeOp>(item.op)));
  change.mutable_feature()->set_id(item.feature_id);
  change.mutable_feature()->set_record(item.payload);
  name_mask(item.mask, schema, &change);
  if (item.base_version) change.set_base_version(*item.base_version);
  return change;
}

absl::Status item_to_proto(const storage::QuarantineItem& item, const Home& home, v1::QuarantinedChange* out) {
  out->set_quarantine_id(item.id);
  out->set_dataset(home.dataset.name);
  out->set_too_large(item.payload.empty() && item.payload_bytes > 0);
  if (out->too_large()) {
    out->mutable_change()->mutable_feature()->set_id(item.feature_id);
  } else {
    LT_ASSIGN_OR_RETURN(*out->mutable_change(), sent_change(item, *home.schema));
  }
  out->set_feature_version(item.found_version);
  for (const auto& finding : item.findings) {
    wire::finding_to_proto(finding, home.dataset.name, item.sequence, out->add_findings());
  }
  out->set_state(state_to_proto(item.state));
  out->set_attempt_id(item.attempt_id);
  out->set_organisation(item.organisation);
  *out->mutable_quarantined_at() = TimeUtil::MicrosecondsToTimestamp(item.quarantined_us);
  if (item.decided_us) *out->mutable_decided_at() = TimeUtil::MicrosecondsToTimestamp(*item.decided_us);
  out->set_decided_by(item.decided_by);
  out->set_note(item.note);
  out->set_crs(item.crs);
  return absl::OkStatus();
}

bool has_state(const v1::Feature& feature) {
  return feature.geometry_case() != v1::Feature::GEOMETRY_NOT_SET || feature.has_properties() ||
         !feature.record().empty();
}

// The corrected feature under the id that the item has. An id that was itself the mistake may be replaced.
absl::StatusOr<v1::Feature> corrected_feature(const v1::QuarantineRelease& release, const std::string& sent_id) {
  v1::Feature corrected = release.corrected();
  if (corrected.id().empty()) corrected.set_id(sent_id);
  if (corrected.id() == sent_id || !feature::check_feature_id(sent_id).ok()) return corrected;
  return invalid(
      "FEATURE_ID_DIFFERS",
      fmt::format("quarantined change {} is of feature '{}', the corrected feature is '{}'; leave the id out",
                  release.quarantine_id(), feature::cut(sent_id), feature::cut(corrected.id())),
      {{"quarantine_id", std::to_string(release.quarantine_id())}, {"feature_id", feature::cut(sent_id)}});
}

// What is published for an item.
struct Released {
  v1::Change change;
  std::string crs;  ///< of its wkt or wkb, empty: the dataset's
};

// Fits the feature as it was when the item was set aside, or conflicts.
absl::StatusOr<v1::Change> released_change(const storage::QuarantineItem& item, const feature::Schema& schema,
                                           const v1::QuarantineRelease& release) {
  LT_ASSIGN_OR_RETURN(auto change, sent_change(item, schema));
  change.clear_dataset();
  change.set_base_version(item.found_version);
  // A partial update stays one: what it does not name is not in the item.
  const bool partial = change.op() == v1::OPERATION_UPDATE && !change.update_mask().empty();
  if (release.has_corrected()) {
    LT_ASSIGN_OR_RETURN(*change.mutable_feature(), corrected_feature(release, change.feature().id()));
    const bool stays_delete = change.op() == v1::OPERATION_DELETE && !has_state(release.corrected());
    if (partial || stays_delete) return change;
    change.clear_update_mask();
    change.set_op(v1::OPERATION_UPSERT);
    return change;
  }
  const bool whole = change.op() == v1::OPERATION_INSERT || change.op() == v1::OPERATION_UPDATE;
  if (whole && change.update_mask().empty()) change.set_op(v1::OPERATION_UPSERT);
  return change;
}

absl::StatusOr<Released> load_release(const Core& core, const Home& home, const v1::QuarantineRelease& release) {
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_ASSIGN_OR_RETURN(const auto item,
                      storage::find_quarantined(*connection, home.dataset.id, release.quarantine_id()));
  LT_ASSIGN_OR_RETURN(auto change, released_change(item, *home.schema, release));
  return Released{std::move(change), release.has_corrected() ? std::string() : item.crs};
}

absl::StatusOr<std::vector<std::int64_t>> release_ids(const v1::ReleaseQuarantineRequest& request) {
  if (request.releases().empty()) {
    return invalid("RELEASES_MISSING", "the request releases nothing; name quarantined changes in releases");
  }
  if (request.releases_size() > kMaxItems || request.ByteSizeLong() > kMaxReleaseBytes) {
    return invalid("CHANGESET_TOO_LARGE",
                   fmt::format("{} releases, {} bytes: ReleaseQuarantine takes at most {} and {} bytes; send several",
                               request.releases_size(), request.ByteSizeLong(), kMaxItems, kMaxReleaseBytes));
  }
  std::set<std::int64_t> seen;
  std::vector<std::int64_t> ids;
  for (const auto& release : request.releases()) {
    if (!seen.insert(release.quarantine_id()).second) {
      return invalid("RELEASE_TWICE", fmt::format("quarantined change {} is released twice", release.quarantine_id()),
                     {{"quarantine_id", std::to_string(release.quarantine_id())}});
    }
    ids.push_back(release.quarantine_id());
  }
  return ids;
}

// Everything that can be refused before a submission begins. A changeset that was accepted is not refused because its
// items are released: sending it again gives its receipt.
absl::Status check_releases(const Core& core, const rpc::CallerIdentity& caller, const Home& home,
                            const v1::ReleaseQuarantineRequest& request, const std::vector<std::int64_t>& ids) {
  LT_RETURN_IF_ERROR(feature::check_changeset_id(request.changeset_id()));
  {
    LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
    LT_ASSIGN_OR_RETURN(const auto known,
                        storage::find_changeset(*connection, caller.organisation, request.changeset_id()));
    if (!known) LT_RETURN_IF_ERROR(storage::check_held(*connection, home.dataset.id, ids));
  }
  for (const auto& release : request.releases()) {
    if (release.corrected().id().empty()) continue;
    LT_RETURN_IF_ERROR(load_release(core, home, release).status());
  }
  return absl::OkStatus();
}

v1::PublishHeader header_of(const v1::ReleaseQuarantineRequest& request) {
  v1::PublishHeader header;
  header.set_dataset(request.dataset());
  header.set_changeset_id(request.changeset_id());
  header.set_message(request.message());
  *header.mutable_repair() = request.repair();
  return header;
}

}  // namespace

absl::Status list_quarantine(const Core& core, const rpc::CallerIdentity& caller,
                             const v1::ListQuarantineRequest& request, v1::ListQuarantineResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto home, open_home(core, caller, request.dataset()));
  storage::QuarantineFilter filter{{}, request.feature_id()};
  LT_ASSIGN_OR_RETURN(filter.state, state_from_proto(request.state()));
  storage::QuarantineLimits limits;
  LT_ASSIGN_OR_RETURN(limits.rows, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto after, read_number_token(request.page_token()));
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_ASSIGN_OR_RETURN(const auto page, storage::list_quarantine(*connection, home.dataset.id, filter, after, limits));
  for (const auto& item : page.items) {
    LT_RETURN_IF_ERROR(item_to_proto(item, home, response.add_changes()));
  }
  if (page.more) response.set_next_page_token(make_page_token(std::to_string(page.items.back().id)));
  return absl::OkStatus();
}

absl::Status release_quarantine(const Core& core, const rpc::CallerIdentity& caller,
                                const v1::ReleaseQuarantineRequest& request, v1::ReleaseQuarantineResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto home, open_home(core, caller, request.dataset()));
  LT_ASSIGN_OR_RETURN(auto ids, release_ids(request));
  LT_RETURN_IF_ERROR(check_releases(core, caller, home, request, ids));
  Publishing publishing(core, caller);
  LT_ASSIGN_OR_RETURN(const auto early, publishing.begin(header_of(request)));
  if (early) {
    wire::receipt_to_proto(*early, response.mutable_receipt());
    return absl::OkStatus();
  }
  publishing.release_quarantine(std::move(ids));
  std::int64_t sequence = 0;
  for (const auto& release : request.releases()) {
    // One at a time: an item as it was sent may be as large as a feature can be.
    LT_ASSIGN_OR_RETURN(const Released released, load_release(core, home, release));
    LT_RETURN_IF_ERROR(publishing.add_released(released.change, released.crs));
    ++sequence;
  }
  v1::PublishEnd end;
  end.set_changes(sequence);
  LT_RETURN_IF_ERROR(publishing.end(end));
  LT_ASSIGN_OR_RETURN(const auto receipt, publishing.finish());
  wire::receipt_to_proto(receipt, response.mutable_receipt());
  return absl::OkStatus();
}

absl::Status discard_quarantine(const Core& core, const rpc::CallerIdentity& caller,
                                const v1::DiscardQuarantineRequest& request, v1::DiscardQuarantineResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.dataset()));
  LT_RETURN_IF_ERROR(check_may_publish(caller, dataset));
  if (request.quarantine_ids().empty()) return invalid("IDS_MISSING", "the request names no quarantine_ids");
  if (request.quarantine_ids_size() > kMaxItems) {
    return invalid("TOO_MANY_IDS",
                   fmt::format("{} quarantine_ids; send at most {} at once", request.quarantine_ids_size(), kMaxItems));
  }
  if (request.note().size() > wire::kMaxMessageBytes) {
    return invalid("MESSAGE_TOO_LONG",
                   fmt::format("note has {} bytes; send at most {}", request.note().size(), wire::kMaxMessageBytes));
  }
  LT_RETURN_IF_ERROR(annotate(feature::check_text(request.note()), "note"));
  const std::set<std::int64_t> once(request.quarantine_ids().begin(), request.quarantine_ids().end());
  const std::vector<std::int64_t> ids(once.begin(), once.end());
  LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
  LT_RETURN_IF_ERROR(storage::discard_quarantined(*connection, dataset.id, ids, caller.organisation, request.note()));
  response.set_discarded(static_cast<std::int64_t>(ids.size()));
  return absl::OkStatus();
}

}  // namespace lt::exchange
