#include "exchange/reading.hpp"

#include <charconv>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include "base/status.hpp"
#include "exchange/paging.hpp"
#include "feature/receipt.hpp"
#include "storage/acquire.hpp"
#include "storage/publish.hpp"
#include "storage/read.hpp"
#include "wire/change.hpp"
#include "wire/encoder.hpp"
#include "wire/parts.hpp"
#include "wire/receipt.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;

// Of a unary answer: leaves room below the 4 MiB that clients accept.
constexpr std::size_t kMaxUnaryFeatureBytes = 3U << 20;

struct Range {
  storage::Dataset dataset;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::string cursor;  ///< position at `to`
};

absl::Status out_of_range(const storage::Dataset& dataset, std::string_view what, std::int64_t version) {
  return make_error(
      absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
      fmt::format("{} {} is not in 0..{}, the versions of dataset \"{}\"", what, version, dataset.head, dataset.name),
      {{"dataset", dataset.name}, {"version", std::to_string(version)}, {"head", std::to_string(dataset.head)}});
}

absl::StatusOr<std::string> digest_at(const Core& core, const storage::Dataset& dataset, std::int64_t version) {
  if (version == 0) return std::string();
  if (version == dataset.head) return dataset.head_digest;
  LT_ASSIGN_OR_RETURN(const auto receipt, storage::read_version(core.pool, dataset.id, version));
  return receipt.digest;
}

absl::StatusOr<std::int64_t> version_of_cursor(const Core& core, const storage::Dataset& dataset,
                                               std::string_view token) {
  LT_ASSIGN_OR_RETURN(const auto cursor, feature::decode_cursor(token));
  if (cursor.positions.size() != 1 || cursor.positions.front().dataset_uid != dataset.uid) {
    return make_error(
        absl::StatusCode::kInvalidArgument, "CURSOR_OTHER_DATASET",
        fmt::format("the cursor does not stand in dataset \"{}\" alone; start from version 0", dataset.name));
  }
  const auto& position = cursor.positions.front();
  const bool known = position.version >= 0 && position.version <= dataset.head;
  std::string digest;
  if (known) {
    LT_ASSIGN_OR_RETURN(digest, digest_at(core, dataset, position.version));
  }
  if (known && digest == position.digest) return position.version;
  return make_error(
      absl::StatusCode::kFailedPrecondition, "HISTORY_FORKED",
      fmt::format("the cursor stands at version {} of another history of dataset \"{}\" (the exchange was restored); "
                  "take a snapshot and compare",
                  position.version, dataset.name),
      {{"dataset", dataset.name}, {"version", std::to_string(position.version)}});
}

absl::StatusOr<std::string> cursor_at(const Core& core, const storage::Dataset& dataset, std::int64_t version) {
  LT_ASSIGN_OR_RETURN(auto digest, digest_at(core, dataset, version));
  return feature::encode_cursor({"", {{dataset.uid, version, std::move(digest)}}});
}

// `from_version`, `to_version` and `cursor` of a request against the head, read once.
template <typename Request>
absl::StatusOr<Range> resolve_range(const Core& core, const Request& request) {
  Range range;
  LT_ASSIGN_OR_RETURN(range.dataset, core.catalog.get_dataset(request.dataset()));
  range.to = request.has_to_version() ? request.to_version() : range.dataset.head;
  range.from = request.from_version();
  if (!request.cursor().empty()) {
    LT_ASSIGN_OR_RETURN(range.from, version_of_cursor(core, range.dataset, request.cursor()));
  }
  if (range.to < 0 || range.to > range.dataset.head) return out_of_range(range.dataset, "to_version", range.to);
  if (range.from < 0 || range.from > range.dataset.head) return out_of_range(range.dataset, "from_version", range.from);
  if (range.from > range.to) {
    return make_error(absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
                      fmt::format("from_version {} is after to_version {}", range.from, range.to),
                      {{"dataset", range.dataset.name}, {"head", std::to_string(range.dataset.head)}});
  }
  LT_ASSIGN_OR_RETURN(range.cursor, cursor_at(core, range.dataset, range.to));
  return range;
}

absl::StatusOr<Range> resolve_version(const Core& core, const std::string& name, std::optional<std::int64_t> version) {
  Range range;
  LT_ASSIGN_OR_RETURN(range.dataset, core.catalog.get_dataset(name));
  range.to = version.value_or(range.dataset.head);
  if (range.to < 0 || range.to > range.dataset.head) return out_of_range(range.dataset, "version", range.to);
  LT_ASSIGN_OR_RETURN(range.cursor, cursor_at(core, range.dataset, range.to));
  return range;
}

// How an entry becomes the message that the three answers carry.
struct DiffForm {
  using Response = v1::StreamDiffResponse;
  using Message = v1::DiffEntry;
  static Message* append(Response& r) { return r.mutable_entries()->add_entries(); }
  static absl::Status fill(const wire::FeatureEncoder& encoder, const feature::Entry& entry, Message* out) {
    out->set_op(wire::entry_op_to_proto(entry.op));
    if (!entry.before.empty()) LT_RETURN_IF_ERROR(encoder.encode(entry.id, 0, entry.before, out->mutable_before()));
    return encoder.encode(entry.id, entry.version, entry.record, out->mutable_feature());
  }
};

struct ChangesForm {
  using Response = v1::StreamChangesResponse;
  using Message = v1::ChangeEntry;
  static Message* append(Response& r) { return r.mutable_entries()->add_entries(); }
  static absl::Status fill(const wire::FeatureEncoder& encoder, const feature::Entry& entry, Message* out) {
    out->set_op(wire::entry_op_to_proto(entry.op));
    return encoder.encode(entry.id, entry.version, entry.record, out->mutable_feature());
  }
};

struct SnapshotForm {
  using Response = v1::StreamSnapshotResponse;
  using Message = v1::Feature;
  static Message* append(Response& r) { return r.mutable_features()->add_features(); }
  static absl::Status fill(const wire::FeatureEncoder& encoder, const feature::Entry& entry, Message* out) {
    return encoder.encode(entry.id, entry.version, entry.record, out);
  }
};

template <typename Form>
class EntryStream : public MessageStream<typename Form::Response> {
 public:
  using Response = typename Form::Response;

  EntryStream(std::unique_ptr<storage::PageReader> pages, wire::FeatureEncoder encoder, v1::StreamHeader header,
              std::string cursor, std::size_t chunk_bytes)
      : pages_(std::move(pages)),
        encoder_(std::move(encoder)),
        header_(std::move(header)),
        cursor_(std::move(cursor)),
        chunk_bytes_(chunk_bytes) {}

  absl::StatusOr<bool> next(Response& response) override {
    response.Clear();
    if (ended_) return false;
    if (!header_sent_) {
      header_sent_ = true;
      *response.mutable_header() = header_;
      return true;
    }
    if (next_part(response)) return true;
    LT_ASSIGN_OR_RETURN(const bool filled, fill_chunk(response));
    if (filled || next_part(response)) return true;
    ended_ = true;
    response.mutable_end()->set_count(count_);
    response.mutable_end()->set_cursor(cursor_);
    return true;
  }

 private:
  bool next_part(Response& response) {
    if (parts_.empty()) return false;
    *response.mutable_feature_part() = std::move(parts_.front());
    parts_.pop_front();
    return true;
  }

  absl::StatusOr<bool> have_entry() {
    while (position_ == entries_.size()) {
      if (!more_) return false;
      entries_.clear();
      position_ = 0;
      LT_ASSIGN_OR_RETURN(more_, pages_->next(entries_));
    }
    return true;
  }

  // Adds entries until the chunk is full, or an entry is too large for any chunk and becomes parts after it.
  absl::StatusOr<bool> fill_chunk(Response& response) {
    std::size_t bytes = 0;
    while (bytes < chunk_bytes_) {
      LT_ASSIGN_OR_RETURN(const bool have, have_entry());
      if (!have) break;
      typename Form::Message message;
      LT_RETURN_IF_ERROR(Form::fill(encoder_, entries_[position_], &message));
      entries_[position_++] = {};
      ++count_;
      const std::size_t size = message.ByteSizeLong();
      if (size > wire::kMaxWholeBytes) {
        for (auto& part : wire::split_into_parts(message.SerializeAsString(), ++divided_))
          parts_.push_back(std::move(part));
        break;
      }
      bytes += size;
      *Form::append(response) = std::move(message);
    }
    return bytes > 0;
  }

  std::unique_ptr<storage::PageReader> pages_;
  wire::FeatureEncoder encoder_;
  v1::StreamHeader header_;
  const std::string cursor_;
  const std::size_t chunk_bytes_;
  std::vector<feature::Entry> entries_;
  std::size_t position_ = 0;
  bool more_ = true;
  std::deque<v1::FeaturePart> parts_;
  std::int64_t divided_ = 0;
  std::int64_t count_ = 0;
  bool header_sent_ = false;
  bool ended_ = false;
};

template <typename Form>
absl::StatusOr<std::unique_ptr<MessageStream<typename Form::Response>>> make_stream(
    const Core& core, const Range& range, v1::FeatureForm form, std::unique_ptr<storage::PageReader> pages) {
  LT_ASSIGN_OR_RETURN(const auto schema, core.catalog.get_schema(range.dataset.id, range.dataset.schema_revision));
  LT_ASSIGN_OR_RETURN(auto encoder, wire::FeatureEncoder::create(*schema, form));
  v1::StreamHeader header;
  header.set_dataset(range.dataset.name);
  header.set_dataset_uid(range.dataset.uid);
  header.set_from_version(range.from);
  header.set_to_version(range.to);
  header.set_crs(encoder.crs());
  header.set_operation(encoder.operation());
  header.set_schema_revision(schema->revision);
  return std::make_unique<EntryStream<Form>>(std::move(pages), std::move(encoder), std::move(header), range.cursor,
                                             core.limits.stream_chunk_bytes);
}

absl::Status changeset_unknown(std::string_view organisation, std::string_view changeset_id) {
  return make_error(absl::StatusCode::kNotFound, "CHANGESET_UNKNOWN",
                    fmt::format("organisation \"{}\" has no accepted changeset \"{}\"", organisation, changeset_id),
                    {{"changeset_id", std::string(changeset_id)}});
}

absl::StatusOr<feature::Receipt> find_receipt(const Core& core, const rpc::CallerIdentity& caller,
                                              const v1::GetChangesetRequest& request) {
  if (!request.changeset_id().empty()) {
    const std::string organisation = request.organisation().empty() ? caller.organisation : request.organisation();
    LT_ASSIGN_OR_RETURN(auto connection, storage::acquire(core.pool));
    LT_ASSIGN_OR_RETURN(const auto stored, storage::find_changeset(*connection, organisation, request.changeset_id()));
    if (!stored) return changeset_unknown(organisation, request.changeset_id());
    return stored->receipt;
  }
  if (request.dataset().empty()) {
    return make_error(absl::StatusCode::kInvalidArgument, "KEY_MISSING", "give dataset and version, or changeset_id");
  }
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.dataset()));
  return storage::read_version(core.pool, dataset.id, request.version());
}

}  // namespace

absl::StatusOr<std::unique_ptr<MessageStream<v1::StreamDiffResponse>>> stream_diff(
    const Core& core, const v1::StreamDiffRequest& request) {
  LT_ASSIGN_OR_RETURN(const auto range, resolve_range(core, request));
  return make_stream<DiffForm>(
      core, range, request.form(),
      storage::read_diff(core.pool, range.dataset.id, range.from, range.to, request.include_before()));
}

absl::StatusOr<std::unique_ptr<MessageStream<v1::StreamChangesResponse>>> stream_changes(
    const Core& core, const v1::StreamChangesRequest& request) {
  LT_ASSIGN_OR_RETURN(const auto range, resolve_range(core, request));
  return make_stream<ChangesForm>(core, range, request.form(),
                                  storage::read_changes(core.pool, range.dataset.id, range.from, range.to));
}

absl::StatusOr<std::unique_ptr<MessageStream<v1::StreamSnapshotResponse>>> stream_snapshot(
    const Core& core, const v1::StreamSnapshotRequest& request) {
  const auto version = request.has_version() ? std::optional(request.version()) : std::nullopt;
  LT_ASSIGN_OR_RETURN(const auto range, resolve_version(core, request.dataset(), version));
  return make_stream<SnapshotForm>(core, range, request.form(),
                                   storage::read_snapshot(core.pool, range.dataset.id, range.to));
}

absl::Status get_feature(const Core& core, const v1::GetFeatureRequest& request, v1::GetFeatureResponse& response) {
  LT_RETURN_IF_ERROR(feature::check_feature_id(request.id()));
  const auto version = request.has_version() ? std::optional(request.version()) : std::nullopt;
  LT_ASSIGN_OR_RETURN(const auto range, resolve_version(core, request.dataset(), version));
  LT_ASSIGN_OR_RETURN(const auto entry, storage::read_feature(core.pool, range.dataset.id, request.id(), range.to));
  if (!entry) {
    return make_error(
        absl::StatusCode::kNotFound, "FEATURE_NOT_FOUND",
        fmt::format("dataset \"{}\" has no feature '{}' at version {}", range.dataset.name, request.id(), range.to),
        {{"dataset", range.dataset.name}, {"feature_id", request.id()}, {"version", std::to_string(range.to)}});
  }
  LT_ASSIGN_OR_RETURN(const auto schema, core.catalog.get_schema(range.dataset.id, range.dataset.schema_revision));
  LT_ASSIGN_OR_RETURN(const auto encoder, wire::FeatureEncoder::create(*schema, request.form()));
  LT_RETURN_IF_ERROR(encoder.encode(entry->id, entry->version, entry->record, response.mutable_feature()));
  response.set_crs(encoder.crs());
  response.set_operation(encoder.operation());
  if (response.ByteSizeLong() <= kMaxUnaryFeatureBytes) return absl::OkStatus();
  return make_error(absl::StatusCode::kOutOfRange, "FEATURE_TOO_LARGE",
                    fmt::format("feature '{}' has {} bytes in this form; read it with StreamSnapshot", request.id(),
                                response.ByteSizeLong()),
                    {{"feature_id", request.id()}});
}

absl::Status list_changesets(const Core& core, const v1::ListChangesetsRequest& request,
                             v1::ListChangesetsResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(request.dataset()));
  LT_ASSIGN_OR_RETURN(const int limit, page_size(request.page_size()));
  LT_ASSIGN_OR_RETURN(const auto token, read_page_token(request.page_token()));
  std::int64_t before = dataset.head + 1;
  if (!token.empty()) {
    const auto parsed = std::from_chars(token.data(), token.data() + token.size(), before);
    if (parsed.ec != std::errc() || parsed.ptr != token.data() + token.size()) {
      return make_error(absl::StatusCode::kInvalidArgument, "PAGE_TOKEN_MALFORMED",
                        "page_token is not one that ListChangesets gave; start without one");
    }
  }
  LT_ASSIGN_OR_RETURN(const auto versions, storage::list_versions(core.pool, dataset.id, before, limit));
  for (const auto& version : versions) {
    wire::receipt_to_proto(version.receipt, response.add_changesets()->mutable_receipt());
  }
  if (!versions.empty() && versions.back().version > 1) {
    response.set_next_page_token(make_page_token(std::to_string(versions.back().version)));
  }
  return absl::OkStatus();
}

absl::Status get_changeset(const Core& core, const rpc::CallerIdentity& caller, const v1::GetChangesetRequest& request,
                           v1::GetChangesetResponse& response) {
  LT_ASSIGN_OR_RETURN(const auto receipt, find_receipt(core, caller, request));
  wire::receipt_to_proto(receipt, response.mutable_changeset()->mutable_receipt());
  return absl::OkStatus();
}

}  // namespace lt::exchange
