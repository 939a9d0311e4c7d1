#include "exchange/reading.hpp"

#include <algorithm>
#include <charconv>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include "base/status.hpp"
#include "exchange/chunk_pace.hpp"
#include "exchange/paging.hpp"
#include "exchange/replica.hpp"
#include "exchange/views.hpp"
#include "feature/receipt.hpp"
#include "feature/token.hpp"
#include "storage/acquire.hpp"
#include "storage/history.hpp"
#include "storage/publish.hpp"
#include "storage/read.hpp"
#include "storage/read_ahead.hpp"
#include "storage/view_read.hpp"
#include "wire/change.hpp"
#include "wire/encoder.hpp"
#include "wire/parts.hpp"
#include "wire/receipt.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;

// 0001-01-01 and 9999-12-31T23:59:59, the range of google.protobuf.Timestamp.
constexpr std::int64_t kMinSeconds = -62'135'596'800;
constexpr std::int64_t kMaxSeconds = 253'402'300'799;
constexpr std::int64_t kUsPerSecond = 1'000'000;
constexpr std::int32_t kNanosPerSecond = 1'000'000'000;
constexpr std::int32_t kNanosPerUs = 1'000;

// Of a unary answer: leaves room below the 4 MiB that clients accept.
constexpr std::size_t kMaxUnaryFeatureBytes = 3U << 20;

struct Range {
  storage::Dataset dataset;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::string from_digest, to_digest;
  NamedView view;           ///< what is seen at `to`
  NamedView from_view;      ///< what the reader saw at `from`
  storage::Position after;  ///< of a resumed answer: the last entry that was sent
  std::int64_t sent = 0;    ///< of a resumed answer: entries sent before
};

// Where the pages of an answer come from.
storage::PageSource pages_of(const Core& core, const Range& range) {
  return source_for(core, range.dataset, range.to, range.to_digest);
}

absl::Status out_of_range(const storage::Dataset& dataset, std::string_view what, std::int64_t version) {
  return make_error(
      absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
      fmt::format("{} {} is not in 0..{}, the versions of dataset \"{}\"", what, version, dataset.head, dataset.name),
      {{"dataset", dataset.name}, {"version", std::to_string(version)}, {"head", std::to_string(dataset.head)}});
}

absl::StatusOr<std::string> digest_at(const Core& core, const storage::Dataset& dataset, std::int64_t version) {
  if (version == 0) return std::string();
  if (version == dataset.head) return dataset.head_digest;
  return digest_to_read(core, dataset, version);
}

absl::Status forked(const storage::Dataset& dataset, std::string_view what, std::int64_t version) {
  return make_error(absl::StatusCode::kFailedPrecondition, "HISTORY_FORKED",
                    fmt::format("the {} stands at version {} of another history of dataset \"{}\" (the exchange was "
                                "restored); take a snapshot, compare, and go on from its cursor",
                                what, version, dataset.name),
                    {{"dataset", dataset.name}, {"version", std::to_string(version)}});
}

// True when this history has that version with that digest.
absl::StatusOr<bool> has_version(const Core& core, const storage::Dataset& dataset, std::int64_t version,
                                 std::string_view digest) {
  if (version < 0) return false;
  if (version > dataset.head) {
    // The head may be an old one, announced before the primary went away: only the primary knows that there is no more.
    LT_ASSIGN_OR_RETURN(const auto now, core.catalog.get_dataset(dataset.name));
    if (version > now.head) return false;
  }
  LT_ASSIGN_OR_RETURN(const auto here, digest_at(core, dataset, version));
  return here == digest;
}

absl::Status check_horizon(const storage::Dataset& dataset, std::int64_t oldest) {
  const auto status = storage::check_horizon(oldest, dataset.horizon);
  return status.ok() ? status : with_metadata(status, "dataset", dataset.name);
}

// Where a reader stands, when it is in this history.
struct Stand {
  std::int64_t version = 0;
  std::string view_revision;
};

absl::StatusOr<Stand> stand_of_cursor(const Core& core, const storage::Dataset& dataset, std::string_view token) {
  LT_ASSIGN_OR_RETURN(const auto cursor, feature::decode_cursor(token));
  if (cursor.positions.size() != 1 || cursor.positions.front().dataset_uid != dataset.uid) {
    return make_error(
        absl::StatusCode::kInvalidArgument, "CURSOR_OTHER_DATASET",
        fmt::format("the cursor does not stand in dataset \"{}\" alone; start from version 0", dataset.name));
  }
  const auto& position = cursor.positions.front();
  LT_ASSIGN_OR_RETURN(const bool known, has_version(core, dataset, position.version, position.digest));
  if (known) return Stand{position.version, cursor.view_revision};
  return forked(dataset, "cursor", position.version);
}

absl::Status other_request(std::string_view what) {
  return make_error(
      absl::StatusCode::kInvalidArgument, "TOKEN_OTHER_REQUEST",
      fmt::format("resume_token is of an answer with another {}; send the request as it was, or without the token to "
                  "begin anew",
                  what),
      {{"field", std::string(what)}});
}

absl::StatusOr<feature::ResumeToken> read_token(const storage::Dataset& dataset, feature::AnswerKind kind,
                                                std::string_view text) {
  LT_ASSIGN_OR_RETURN(auto token, feature::decode_resume_token(text));
  if (token.kind != kind) return other_request("method");
  if (token.dataset_uid != dataset.uid) return other_request("dataset");
  return token;
}

// Puts the range where the token stands, if that is in this history.
absl::Status go_on(const Core& core, const feature::ResumeToken& token, Range& range) {
  for (const auto& [version, digest] :
       {std::pair(token.to, token.to_digest), std::pair(token.from, token.from_digest)}) {
    LT_ASSIGN_OR_RETURN(const bool known, has_version(core, range.dataset, version, digest));
    if (!known) return forked(range.dataset, "resume_token", version);
  }
  range.from = token.from;
  range.to = token.to;
  range.from_digest = token.from_digest;
  range.to_digest = token.to_digest;
  range.after = {token.last_version, token.last_id};
  range.sent = token.count;
  return absl::OkStatus();
}

// Finds what is seen at both ends: at the end what the request names, else what the reader saw at the start.
// @param cursor_view revision of the cursor; nothing without one. @param as_in revision of the answer that goes on.
template <typename Request>
absl::Status find_views(const Core& core, const Request& request, const std::optional<std::string>& cursor_view,
                        const std::string& as_in, Range& range) {
  if (request.has_view()) {
    LT_ASSIGN_OR_RETURN(range.view, core.views->ask(core, range.dataset, request.view(), as_in));
  } else {
    LT_ASSIGN_OR_RETURN(range.view, core.views->find(core, range.dataset, cursor_view.value_or("")));
  }
  range.from_view = range.view;
  if (range.from == 0 || !cursor_view || *cursor_view == range.view.revision()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(range.from_view, core.views->find(core, range.dataset, *cursor_view));
  return absl::OkStatus();
}

// The rest of a diff or changes.
template <typename Request>
absl::StatusOr<Range> resume_range(const Core& core, const Request& request, feature::AnswerKind kind,
                                   bool include_before, Range range) {
  LT_ASSIGN_OR_RETURN(const auto token, read_token(range.dataset, kind, request.resume_token()));
  if (token.include_before != include_before) return other_request("include_before");
  std::optional<std::string> cursor_view;
  if (!request.cursor().empty()) {
    LT_ASSIGN_OR_RETURN(const auto cursor, feature::decode_cursor(request.cursor()));
    const feature::Cursor::Position start{token.dataset_uid, token.from, token.from_digest};
    if (cursor.positions != std::vector{start}) return other_request("cursor");
    cursor_view = cursor.view_revision;
  } else if (request.from_version() != token.from) {
    return other_request("from_version");
  }
  if (request.has_to_version() && request.to_version() != token.to) return other_request("to_version");
  LT_RETURN_IF_ERROR(go_on(core, token, range));
  LT_RETURN_IF_ERROR(find_views(core, request, cursor_view, token.view, range));
  if (range.view.revision() != token.view) return other_request("view");
  if (range.from_view.revision() != token.from_view) return other_request("cursor");
  return range;
}

// `from_version`, `to_version` and `cursor` of a request against the head, read once.
template <typename Request>
absl::StatusOr<Range> resolve_range(const Core& core, const Request& request, feature::AnswerKind kind,
                                    bool include_before = false) {
  Range range;
  LT_ASSIGN_OR_RETURN(range.dataset, dataset_to_read(core, request.dataset()));
  if (!request.resume_token().empty()) return resume_range(core, request, kind, include_before, std::move(range));
  range.to = request.has_to_version() ? request.to_version() : range.dataset.head;
  range.from = request.from_version();
  std::optional<std::string> cursor_view;
  if (!request.cursor().empty()) {
    LT_ASSIGN_OR_RETURN(auto stand, stand_of_cursor(core, range.dataset, request.cursor()));
    range.from = stand.version;
    cursor_view = std::move(stand.view_revision);
  }
  if (range.to < 0 || range.to > range.dataset.head) return out_of_range(range.dataset, "to_version", range.to);
  if (range.from < 0 || range.from > range.dataset.head) return out_of_range(range.dataset, "from_version", range.from);
  if (range.from > range.to) {
    return make_error(absl::StatusCode::kOutOfRange, "VERSION_OUT_OF_RANGE",
                      fmt::format("from_version {} is after to_version {}", range.from, range.to),
                      {{"dataset", range.dataset.name}, {"head", std::to_string(range.dataset.head)}});
  }
  LT_ASSIGN_OR_RETURN(range.from_digest, digest_at(core, range.dataset, range.from));
  LT_ASSIGN_OR_RETURN(range.to_digest, digest_at(core, range.dataset, range.to));
  LT_RETURN_IF_ERROR(find_views(core, request, cursor_view, {}, range));
  return range;
}

// Microseconds since 1970; what is finer is cut off, so that a time never gets a version after it.
absl::StatusOr<std::int64_t> time_from(const google::protobuf::Timestamp& time) {
  const bool in_range = time.seconds() >= kMinSeconds && time.seconds() <= kMaxSeconds && time.nanos() >= 0 &&
                        time.nanos() < kNanosPerSecond;
  if (in_range) return time.seconds() * kUsPerSecond + time.nanos() / kNanosPerUs;
  return make_error(absl::StatusCode::kInvalidArgument, "TIMESTAMP_INVALID",
                    "as_of_time is not a point in time of the years 1 to 9999");
}

// `version` or `as_of_time` of a request; nothing when it has neither.
template <typename Request>
absl::StatusOr<std::optional<std::int64_t>> asked_version(const Core& core, const Request& request) {
  if (request.has_version() && request.has_as_of_time()) {
    return make_error(absl::StatusCode::kInvalidArgument, "VERSION_AND_TIME",
                      "give version or as_of_time, not both: they name the same thing");
  }
  if (request.has_version()) return request.version();
  if (!request.has_as_of_time()) return std::nullopt;
  LT_ASSIGN_OR_RETURN(const auto time_us, time_from(request.as_of_time()));
  LT_ASSIGN_OR_RETURN(const auto dataset, dataset_to_read(core, request.dataset()));
  LT_ASSIGN_OR_RETURN(const auto version, storage::version_at(core.pool, dataset.id, time_us));
  return std::min(version, dataset.head);  // a version that is not announced yet cannot be read yet
}

absl::StatusOr<Range> resolve_version(const Core& core, const std::string& name, std::optional<std::int64_t> version) {
  Range range;
  LT_ASSIGN_OR_RETURN(range.dataset, dataset_to_read(core, name));
  range.to = version.value_or(range.dataset.head);
  if (range.to < 0 || range.to > range.dataset.head) return out_of_range(range.dataset, "version", range.to);
  LT_RETURN_IF_ERROR(check_horizon(range.dataset, range.to));
  LT_ASSIGN_OR_RETURN(range.to_digest, digest_at(core, range.dataset, range.to));
  return range;
}

// What a snapshot shows.
absl::Status see(const Core& core, const v1::StreamSnapshotRequest& request, const std::string& as_in, Range& range) {
  if (!request.has_view()) return absl::OkStatus();
  LT_ASSIGN_OR_RETURN(range.view, core.views->ask(core, range.dataset, request.view(), as_in));
  range.from_view = range.view;
  return absl::OkStatus();
}

// The rest of a snapshot. Its version is the token's, which as_of_time had led to.
absl::StatusOr<Range> resume_snapshot(const Core& core, const v1::StreamSnapshotRequest& request) {
  Range range;
  LT_ASSIGN_OR_RETURN(range.dataset, dataset_to_read(core, request.dataset()));
  LT_ASSIGN_OR_RETURN(const auto token,
                      read_token(range.dataset, feature::AnswerKind::kSnapshot, request.resume_token()));
  if (request.has_version() && request.version() != token.to) return other_request("version");
  LT_RETURN_IF_ERROR(go_on(core, token, range));
  LT_RETURN_IF_ERROR(check_horizon(range.dataset, range.to));
  LT_RETURN_IF_ERROR(see(core, request, token.view, range));
  if (range.view.revision() != token.view) return other_request("view");
  return range;
}

// How an entry becomes the message that the three answers carry.
struct DiffForm {
  using Response = v1::StreamDiffResponse;
  using Message = v1::DiffEntry;
  static Message* append(Response& r) { return r.mutable_entries()->add_entries(); }
  static void set_token(Response& r, std::string token) { r.mutable_entries()->set_resume_token(std::move(token)); }
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
  static void set_token(Response& r, std::string token) { r.mutable_entries()->set_resume_token(std::move(token)); }
  static absl::Status fill(const wire::FeatureEncoder& encoder, const feature::Entry& entry, Message* out) {
    out->set_op(wire::entry_op_to_proto(entry.op));
    return encoder.encode(entry.id, entry.version, entry.record, out->mutable_feature());
  }
};

struct SnapshotForm {
  using Response = v1::StreamSnapshotResponse;
  using Message = v1::Feature;
  static Message* append(Response& r) { return r.mutable_features()->add_features(); }
  static void set_token(Response& r, std::string token) { r.mutable_features()->set_resume_token(std::move(token)); }
  static absl::Status fill(const wire::FeatureEncoder& encoder, const feature::Entry& entry, Message* out) {
    return encoder.encode(entry.id, entry.version, entry.record, out);
  }
};

template <typename Form>
class EntryStream : public MessageStream<typename Form::Response> {
 public:
  using Response = typename Form::Response;

  EntryStream(std::unique_ptr<storage::PageReader> pages, wire::FeatureEncoder encoder, v1::StreamHeader header,
              feature::ResumeToken token, std::size_t chunk_bytes)
      : pages_(std::make_unique<storage::ReadAhead>(std::move(pages))),
        encoder_(std::move(encoder)),
        header_(std::move(header)),
        token_(std::move(token)),
        pace_(chunk_bytes),
        count_(token_.count) {}

  absl::StatusOr<bool> next(Response& response) override {
    response.Clear();
    if (ended_) return false;
    if (!header_sent_) {
      header_sent_ = true;
      *response.mutable_header() = header_;
      return true;
    }
    const std::size_t room = pace_.next(ChunkPace::Clock::now());
    if (next_part(response, room)) return true;
    LT_ASSIGN_OR_RETURN(const bool filled, fill_chunk(response, room));
    if (filled || next_part(response, room)) return true;
    ended_ = true;
    response.mutable_end()->set_count(count_);
    response.mutable_end()->set_cursor(
        feature::encode_cursor({token_.view, {{token_.dataset_uid, token_.to, token_.to_digest}}}));
    return true;
  }

 private:
  // The next piece of the entry that goes out in pieces, if there is one.
  bool next_part(Response& response, std::size_t room) {
    if (divided_.empty()) return false;
    *response.mutable_feature_part() = wire::make_part(divided_, divided_count_, offset_, room);
    offset_ += response.feature_part().bytes().size();
    pace_.sent(response.feature_part().bytes().size(), ChunkPace::Clock::now());
    if (offset_ == divided_.size()) {
      divided_ = {};
      this->pieces.release();
    }
    return true;
  }

  absl::StatusOr<bool> have_entry() {
    while (position_ == entries_.size()) {
      if (!more_) return false;
      entries_.clear();
      position_ = 0;
      const auto more = pages_->next(entries_);
      if (error_reason(more.status()) == "HISTORY_COMPACTED") {
        return with_metadata(more.status(), "dataset", header_.dataset());
      }
      LT_ASSIGN_OR_RETURN(more_, more);
    }
    return true;
  }

  // Adds entries until the chunk is full, or an entry is too large for any chunk and becomes parts after it.
  absl::StatusOr<bool> fill_chunk(Response& response, std::size_t room) {
    std::size_t bytes = 0;
    while (bytes < room) {
      LT_ASSIGN_OR_RETURN(const bool have, have_entry());
      if (!have) break;
      typename Form::Message message;
      const feature::Entry entry = std::exchange(entries_[position_++], {});
      LT_RETURN_IF_ERROR(Form::fill(encoder_, entry, &message));
      ++count_;
      const std::size_t size = message.ByteSizeLong();
      if (size > wire::kMaxWholeBytes) {
        LT_RETURN_IF_ERROR(this->pieces.grow(size));
        divided_ = message.SerializeAsString();
        offset_ = 0;
        ++divided_count_;
        break;
      }
      bytes += size;
      *Form::append(response) = std::move(message);
      stand_after(entry);
    }
    if (bytes > 0) Form::set_token(response, feature::encode_resume_token(token_));
    pace_.sent(bytes, ChunkPace::Clock::now());
    return bytes > 0;
  }

  void stand_after(const feature::Entry& entry) {
    token_.count = count_;
    token_.last_version = token_.by_id() ? 0 : entry.version;
    token_.last_id = entry.id;
  }

  std::unique_ptr<storage::PageReader> pages_;
  wire::FeatureEncoder encoder_;
  v1::StreamHeader header_;
  feature::ResumeToken token_;  ///< stands after the last entry that was sent in a list
  ChunkPace pace_;
  std::vector<feature::Entry> entries_;
  std::size_t position_ = 0;
  bool more_ = true;
  std::string divided_;  ///< serialized entry that goes out in pieces; empty: none
  std::size_t offset_ = 0;
  std::int64_t divided_count_ = 0;
  std::int64_t count_ = 0;
  bool header_sent_ = false;
  bool ended_ = false;
};

v1::StreamHeader header_of(const Range& range, const wire::FeatureEncoder& encoder, std::int32_t schema_revision) {
  v1::StreamHeader header;
  header.set_dataset(range.dataset.name);
  header.set_dataset_uid(range.dataset.uid);
  header.set_from_version(range.from);
  header.set_to_version(range.to);
  header.set_crs(encoder.crs());
  header.set_operation(encoder.operation());
  header.set_schema_revision(schema_revision);
  header.set_view_revision(range.view.revision());
  header.set_area_version(range.view.area_version);
  if (range.from_view.revision() != range.view.revision()) header.set_from_view_revision(range.from_view.revision());
  return header;
}

template <typename Form>
absl::StatusOr<std::unique_ptr<MessageStream<typename Form::Response>>> make_stream(
    const Core& core, const Range& range, feature::AnswerKind kind, bool include_before, v1::FeatureForm form,
    std::unique_ptr<storage::PageReader> pages) {
  LT_ASSIGN_OR_RETURN(const auto schema, schema_to_read(core, range.dataset.id, range.dataset.schema_revision));
  LT_ASSIGN_OR_RETURN(auto encoder,
                      wire::FeatureEncoder::create(*schema, form, range.view.view ? range.view.view->crs : ""));
  feature::ResumeToken token;
  token.kind = kind;
  token.dataset_uid = range.dataset.uid;
  token.from = range.from;
  token.to = range.to;
  token.from_digest = range.from_digest;
  token.to_digest = range.to_digest;
  token.include_before = include_before;
  token.count = range.sent;
  token.view = range.view.revision();
  token.from_view = range.from_view.revision();
  auto header = header_of(range, encoder, schema->revision);
  return std::make_unique<EntryStream<Form>>(std::move(pages), std::move(encoder), std::move(header), std::move(token),
                                             core.limits.stream_chunk_bytes);
}

storage::PageLimits page_limits(const Core& core) {
  storage::PageLimits limits;
  limits.bytes = static_cast<std::int64_t>(core.limits.stream_page_bytes);
  return limits;
}

absl::StatusOr<Range> range_of_snapshot(const Core& core, const v1::StreamSnapshotRequest& request) {
  if (!request.resume_token().empty()) return resume_snapshot(core, request);
  LT_ASSIGN_OR_RETURN(const auto version, asked_version(core, request));
  LT_ASSIGN_OR_RETURN(auto range, resolve_version(core, request.dataset(), version));
  LT_RETURN_IF_ERROR(see(core, request, {}, range));
  return range;
}

std::unique_ptr<storage::PageReader> diff_pages(const Core& core, const Range& range, bool include_before) {
  const auto source = pages_of(core, range);
  const auto limits = page_limits(core);
  if (range.from_view.revision() != range.view.revision()) {
    const auto whole = std::make_shared<const feature::View>();
    return storage::read_view_change(source, range.dataset.id, range.from,
                                     range.from_view.view ? range.from_view.view : whole, range.to,
                                     range.view.view ? range.view.view : whole, include_before, limits, range.after);
  }
  if (!range.view.view) {
    return storage::read_diff(source, range.dataset.id, range.from, range.to, include_before, limits, range.after);
  }
  return storage::read_diff(source, range.dataset.id, range.from, range.to, range.view.view, include_before, limits,
                            range.after);
}

absl::Status other_view(const Range& range) {
  return make_error(absl::StatusCode::kInvalidArgument, "CURSOR_OTHER_VIEW",
                    fmt::format("the cursor is of another view of dataset \"{}\"; StreamDiff leads from one view to "
                                "another, or send no view to stay with the cursor's",
                                range.dataset.name),
                    {{"dataset", range.dataset.name}});
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
  LT_ASSIGN_OR_RETURN(const auto dataset, dataset_to_read(core, request.dataset()));
  return storage::read_version(core.pool, dataset.id, request.version());
}

}  // namespace

absl::StatusOr<std::unique_ptr<MessageStream<v1::StreamDiffResponse>>> stream_diff(
    const Core& core, const v1::StreamDiffRequest& request) {
  constexpr auto kKind = feature::AnswerKind::kDiff;
  LT_ASSIGN_OR_RETURN(const auto range, resolve_range(core, request, kKind, request.include_before()));
  LT_RETURN_IF_ERROR(check_horizon(range.dataset, storage::oldest_of_diff(range.from, range.to)));
  auto pages = diff_pages(core, range, request.include_before());
  return make_stream<DiffForm>(core, range, kKind, request.include_before(), request.form(), std::move(pages));
}

absl::StatusOr<std::unique_ptr<MessageStream<v1::StreamChangesResponse>>> stream_changes(
    const Core& core, const v1::StreamChangesRequest& request) {
  constexpr auto kKind = feature::AnswerKind::kChanges;
  LT_ASSIGN_OR_RETURN(const auto range, resolve_range(core, request, kKind));
  LT_RETURN_IF_ERROR(check_horizon(range.dataset, range.from));
  if (range.from_view.revision() != range.view.revision()) return other_view(range);
  const auto source = pages_of(core, range);
  const auto limits = page_limits(core);
  auto pages =
      range.view.view
          ? storage::read_changes(source, range.dataset.id, range.from, range.to, range.view.view, limits, range.after)
          : storage::read_changes(source, range.dataset.id, range.from, range.to, limits, range.after);
  return make_stream<ChangesForm>(core, range, kKind, false, request.form(), std::move(pages));
}

absl::StatusOr<std::unique_ptr<MessageStream<v1::StreamSnapshotResponse>>> stream_snapshot(
    const Core& core, const v1::StreamSnapshotRequest& request) {
  LT_ASSIGN_OR_RETURN(const auto range, range_of_snapshot(core, request));
  const auto source = pages_of(core, range);
  auto pages =
      range.view.view
          ? storage::read_snapshot(source, range.dataset.id, range.to, range.view.view, page_limits(core), range.after)
          : storage::read_snapshot(source, range.dataset.id, range.to, page_limits(core), range.after);
  return make_stream<SnapshotForm>(core, range, feature::AnswerKind::kSnapshot, false, request.form(),
                                   std::move(pages));
}

absl::Status get_feature(const Core& core, const v1::GetFeatureRequest& request, v1::GetFeatureResponse& response) {
  LT_RETURN_IF_ERROR(feature::check_feature_id(request.id()));
  LT_ASSIGN_OR_RETURN(const auto version, asked_version(core, request));
  LT_ASSIGN_OR_RETURN(const auto range, resolve_version(core, request.dataset(), version));
  LT_ASSIGN_OR_RETURN(const auto entry,
                      storage::read_feature(pages_of(core, range), range.dataset.id, request.id(), range.to));
  if (!entry) {
    return make_error(
        absl::StatusCode::kNotFound, "FEATURE_NOT_FOUND",
        fmt::format("dataset \"{}\" has no feature '{}' at version {}", range.dataset.name, request.id(), range.to),
        {{"dataset", range.dataset.name}, {"feature_id", request.id()}, {"version", std::to_string(range.to)}});
  }
  LT_ASSIGN_OR_RETURN(const auto schema, schema_to_read(core, range.dataset.id, range.dataset.schema_revision));
  LT_ASSIGN_OR_RETURN(const auto encoder, wire::FeatureEncoder::create(*schema, request.form(), request.crs()));
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
