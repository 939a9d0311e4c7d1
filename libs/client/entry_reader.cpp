#include "client/entry_reader.hpp"

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "base/status.hpp"
#include "client/client.hpp"
#include "client/detail/connection.hpp"
#include "feature/record.hpp"
#include "wire/change.hpp"
#include "wire/parts.hpp"

namespace lt::client {
namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;

absl::Status malformed(std::string_view what) {
  return make_error(StatusCode::kDataLoss, "STREAM_MALFORMED",
                    fmt::format("the answer cannot be trusted: {}; read it again", what));
}

absl::Status incomplete(std::string_view what) {
  return make_error(StatusCode::kDataLoss, "STREAM_INCOMPLETE",
                    fmt::format("the answer is not complete: {}; read it again", what));
}

// The parts that the three kinds of answers have in common.
absl::StatusOr<feature::Entry> to_entry(v1::EntryOp op, v1::Feature& feature) {
  const auto known = wire::entry_op_from_proto(op);
  if (!known.ok()) return malformed(message_of(known.status()));
  feature::Entry entry;
  entry.op = *known;
  entry.id = std::move(*feature.mutable_id());
  entry.version = feature.version();
  const bool gone = entry.op == feature::EntryOp::kDelete || entry.op == feature::EntryOp::kLeave;
  if (gone) return entry;
  if (feature.record().size() < feature::kRecordPrefixBytes) {
    return malformed(fmt::format("{} of feature '{}' has no record", feature::to_string(entry.op), entry.id));
  }
  entry.record = std::move(*feature.mutable_record());
  return entry;
}

absl::StatusOr<feature::Entry> to_entry(v1::DiffEntry& proto) {
  LT_ASSIGN_OR_RETURN(auto entry, to_entry(proto.op(), *proto.mutable_feature()));
  entry.before = std::move(*proto.mutable_before()->mutable_record());
  return entry;
}

absl::StatusOr<feature::Entry> to_entry(v1::ChangeEntry& proto) {
  return to_entry(proto.op(), *proto.mutable_feature());
}

absl::StatusOr<feature::Entry> to_entry(v1::Feature& proto) { return to_entry(v1::ENTRY_OP_INSERT, proto); }

auto* list_of(v1::DiffEntries& entries) { return entries.mutable_entries(); }
auto* list_of(v1::ChangeEntries& entries) { return entries.mutable_entries(); }
auto* list_of(v1::Features& entries) { return entries.mutable_features(); }

auto* list_in(v1::StreamDiffResponse& response) { return list_of(*response.mutable_entries()); }
auto* list_in(v1::StreamChangesResponse& response) { return list_of(*response.mutable_entries()); }
auto* list_in(v1::StreamSnapshotResponse& response) { return list_of(*response.mutable_features()); }

bool has_list(const v1::StreamDiffResponse& response) { return response.has_entries(); }
bool has_list(const v1::StreamChangesResponse& response) { return response.has_entries(); }
bool has_list(const v1::StreamSnapshotResponse& response) { return response.has_features(); }

}  // namespace

class EntryReader::Impl {
 public:
  virtual ~Impl() = default;
  virtual absl::Status start() = 0;
  virtual absl::StatusOr<std::optional<feature::Entry>> next() = 0;

  v1::StreamHeader header;
  std::optional<v1::StreamEnd> end;
};

namespace {

const std::string& token_in(const v1::StreamDiffResponse& response) { return response.entries().resume_token(); }
const std::string& token_in(const v1::StreamChangesResponse& response) { return response.entries().resume_token(); }
const std::string& token_in(const v1::StreamSnapshotResponse& response) { return response.features().resume_token(); }

// The end that the header told, for an answer that begins anew.
void fix_end(v1::StreamDiffRequest& request, std::int64_t to) { request.set_to_version(to); }
void fix_end(v1::StreamChangesRequest& request, std::int64_t to) { request.set_to_version(to); }
void fix_end(v1::StreamSnapshotRequest& request, std::int64_t to) {
  request.clear_as_of_time();
  request.set_version(to);
}

// The exchange, or the way to it, is away for a while, or is busy; or it cut off a reader that had paused.
bool is_passing(const absl::Status& status) {
  if (status.code() == StatusCode::kUnavailable) return true;
  const std::string reason = error_reason(status);
  if (status.code() == StatusCode::kUnknown && reason.empty()) return true;  // what gRPC says when a connection breaks
  return reason == "PEER_STALLED" || reason == "SERVER_BUSY" || reason == "ORGANISATION_BUSY" ||
         reason == "POOL_EXHAUSTED";
}

}  // namespace

/// @tparam Response of the stream.  @tparam Item what its lists hold and its pieces make up.
template <typename Request, typename Response, typename Item>
class EntryReaderImpl : public EntryReader::Impl {
 public:
  using Call = std::unique_ptr<grpc::ClientReader<Response>> (v1::ExchangeService::Stub::*)(grpc::ClientContext*,
                                                                                            const Request&);

  EntryReaderImpl(std::shared_ptr<const Connection> connection, Request request, Call call)
      : connection_(std::move(connection)),
        request_(std::move(request)),
        call_(call),
        parts_(connection_->options().max_feature_bytes),
        resumes_left_(connection_->options().resumes) {}
  EntryReaderImpl(const EntryReaderImpl&) = delete;
  EntryReaderImpl& operator=(const EntryReaderImpl&) = delete;

  ~EntryReaderImpl() override { cancel(); }

  absl::Status start() override {
    LT_ASSIGN_OR_RETURN(header, open());
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<feature::Entry>> next() override {
    while (failure_.ok()) {
      auto entry = advance();
      if (entry.ok()) return entry;
      cancel();
      failure_ = resume(entry.status());
    }
    return failure_;
  }

 private:
  /// Calls, and reads the header.
  absl::StatusOr<v1::StreamHeader> open() {
    stream_.reset();  // before its context
    context_ = std::make_unique<grpc::ClientContext>();
    connection_->prepare(*context_);
    finished_ = false;
    stream_ = (connection_->exchange().*call_)(context_.get(), request_);
    if (!stream_->Read(&response_)) {
      LT_RETURN_IF_ERROR(finish());
      return incomplete("it ended before its header");
    }
    if (!response_.has_header()) return malformed("it does not start with a header");
    return std::move(*response_.mutable_header());
  }

  /// Goes on with an answer that broke off, after what was given already. Else the error that broke it off.
  absl::Status resume(const absl::Status& broken) {
    constexpr std::chrono::milliseconds kFirstPause{50};
    // Without a token nobody checks that it is still the same history.
    const bool can_resume = is_passing(broken) && (!token_.empty() || given_ == 0);
    auto pause = kFirstPause;
    while (can_resume && resumes_left_-- > 0) {
      if (!connection_->wait_until_connected(connection_->options().resume_wait)) return broken;
      const absl::Status again = open_again();
      if (again.ok() || !is_passing(again)) return again;
      cancel();
      std::this_thread::sleep_for(pause);
      pause *= 2;
    }
    return broken;
  }

  absl::Status open_again() {
    if (token_.empty()) {
      fix_end(request_, header.to_version());
    } else {
      request_.set_resume_token(token_);
    }
    received_ = received_at_token_;
    index_ = size_ = 0;
    parts_ = wire::PartAssembler(connection_->options().max_feature_bytes);
    LT_ASSIGN_OR_RETURN(const auto now, open());
    const bool same = now.dataset_uid() == header.dataset_uid() && now.from_version() == header.from_version() &&
                      now.to_version() == header.to_version() && now.schema_revision() == header.schema_revision() &&
                      now.view_revision() == header.view_revision() && now.crs() == header.crs();
    return same ? absl::OkStatus() : malformed("it was resumed as another answer");
  }

  absl::StatusOr<std::optional<feature::Entry>> advance() {
    for (;;) {
      LT_ASSIGN_OR_RETURN(auto entry, receive());
      if (!entry) return entry;
      // What came in pieces after the last token comes again when an answer is resumed.
      if (++received_ <= given_) continue;
      ++given_;
      return entry;
    }
  }

  absl::StatusOr<std::optional<feature::Entry>> receive() {
    while (index_ >= size_) {
      if (end) return std::optional<feature::Entry>();
      LT_ASSIGN_OR_RETURN(auto whole, read_message());
      if (whole) return whole;
    }
    LT_ASSIGN_OR_RETURN(auto entry, to_entry(*list_in(response_)->Mutable(index_)));
    ++index_;
    return std::optional<feature::Entry>(std::move(entry));
  }

  /// Reads one message: a list into response_, the end into `end`, or a piece. The entry if it was a last piece.
  absl::StatusOr<std::optional<feature::Entry>> read_message() {
    index_ = size_ = 0;
    if (!stream_->Read(&response_)) {
      LT_RETURN_IF_ERROR(finish());
      return incomplete(fmt::format("it ended after {} entries without its end mark", received_));
    }
    if (response_.has_feature_part()) return read_part();
    if (const auto whole = parts_.check_complete(); !whole.ok()) return malformed(message_of(whole));
    if (response_.has_end()) {
      LT_RETURN_IF_ERROR(read_end());
      return std::optional<feature::Entry>();
    }
    if (!has_list(response_)) return malformed("a message is neither entries nor the end");
    size_ = list_in(response_)->size();
    keep_token();
    return std::optional<feature::Entry>();
  }

  /// The token stands after the list just read, which is given out before anything else is read.
  void keep_token() {
    if (token_in(response_).empty()) return;
    token_ = token_in(response_);
    received_at_token_ = received_ + size_;
    resumes_left_ = connection_->options().resumes;
  }

  absl::StatusOr<std::optional<feature::Entry>> read_part() {
    const auto bytes = parts_.add(response_.feature_part());
    if (!bytes.ok()) return malformed(message_of(bytes.status()));
    if (!*bytes) return std::optional<feature::Entry>();
    Item item;
    if (!item.ParseFromString(**bytes)) return malformed("the pieces of a message do not make up an entry");
    LT_ASSIGN_OR_RETURN(auto entry, to_entry(item));
    return std::optional<feature::Entry>(std::move(entry));
  }

  absl::Status read_end() {
    v1::StreamEnd announced = std::move(*response_.mutable_end());
    if (announced.count() != received_) {
      return incomplete(fmt::format("{} entries came, {} were sent", received_, announced.count()));
    }
    if (stream_->Read(&response_)) return malformed("something follows the end mark");
    LT_RETURN_IF_ERROR(finish());
    end = std::move(announced);
    return absl::OkStatus();
  }

  absl::Status finish() {
    finished_ = true;
    return connection_->status_of(stream_->Finish());
  }

  void cancel() {
    if (finished_ || !stream_) return;
    context_->TryCancel();
    (void)finish();
  }

  std::shared_ptr<const Connection> connection_;
  Request request_;
  const Call call_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<Response>> stream_;  // uses context_
  Response response_;
  wire::PartAssembler parts_;
  int index_ = 0;              // of the next entry in response_
  int size_ = 0;               // entries in response_
  std::int64_t received_ = 0;  // entries of the answer, as if it had never broken off
  std::int64_t given_ = 0;     // of these to the caller
  std::string token_;          // the last one
  std::int64_t received_at_token_ = 0;
  int resumes_left_;
  bool finished_ = false;
  absl::Status failure_;
};

EntryReader::EntryReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EntryReader::EntryReader(EntryReader&&) noexcept = default;
EntryReader& EntryReader::operator=(EntryReader&&) noexcept = default;
EntryReader::~EntryReader() = default;

const v1::StreamHeader& EntryReader::header() const { return impl_->header; }
const std::optional<v1::StreamEnd>& EntryReader::end() const { return impl_->end; }
absl::StatusOr<std::optional<feature::Entry>> EntryReader::next() { return impl_->next(); }

absl::StatusOr<EntryReader> Client::diff(const std::string& dataset, std::int64_t from, std::optional<std::int64_t> to,
                                         bool include_before, const std::string& cursor,
                                         const std::optional<v1::View>& view) const {
  v1::StreamDiffRequest request;
  request.set_dataset(dataset);
  request.set_from_version(from);
  if (to) request.set_to_version(*to);
  request.set_cursor(cursor);
  request.set_form(v1::FEATURE_FORM_RECORD);
  request.set_include_before(include_before);
  if (view) *request.mutable_view() = *view;
  using Reader = EntryReaderImpl<v1::StreamDiffRequest, v1::StreamDiffResponse, v1::DiffEntry>;
  auto impl = std::make_unique<Reader>(connection_, std::move(request), &v1::ExchangeService::Stub::StreamDiff);
  LT_RETURN_IF_ERROR(impl->start());
  return EntryReader(std::move(impl));
}

absl::StatusOr<EntryReader> Client::changes(const std::string& dataset, std::int64_t from,
                                            std::optional<std::int64_t> to, const std::string& cursor,
                                            const std::optional<v1::View>& view) const {
  v1::StreamChangesRequest request;
  request.set_dataset(dataset);
  request.set_from_version(from);
  if (to) request.set_to_version(*to);
  request.set_cursor(cursor);
  request.set_form(v1::FEATURE_FORM_RECORD);
  if (view) *request.mutable_view() = *view;
  using Reader = EntryReaderImpl<v1::StreamChangesRequest, v1::StreamChangesResponse, v1::ChangeEntry>;
  auto impl = std::make_unique<Reader>(connection_, std::move(request), &v1::ExchangeService::Stub::StreamChanges);
  LT_RETURN_IF_ERROR(impl->start());
  return EntryReader(std::move(impl));
}

absl::StatusOr<EntryReader> Client::snapshot(const std::string& dataset, std::optional<std::int64_t> version,
                                             const std::optional<v1::View>& view) const {
  v1::StreamSnapshotRequest request;
  if (view) *request.mutable_view() = *view;
  request.set_dataset(dataset);
  if (version) request.set_version(*version);
  return open_snapshot(request);
}

absl::StatusOr<EntryReader> Client::snapshot_at(const std::string& dataset, std::int64_t time_us,
                                                const std::optional<v1::View>& view) const {
  v1::StreamSnapshotRequest request;
  if (view) *request.mutable_view() = *view;
  request.set_dataset(dataset);
  *request.mutable_as_of_time() = google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(time_us);
  return open_snapshot(request);
}

absl::StatusOr<EntryReader> Client::open_snapshot(v1::StreamSnapshotRequest& request) const {
  request.set_form(v1::FEATURE_FORM_RECORD);
  using Reader = EntryReaderImpl<v1::StreamSnapshotRequest, v1::StreamSnapshotResponse, v1::Feature>;
  auto impl = std::make_unique<Reader>(connection_, request, &v1::ExchangeService::Stub::StreamSnapshot);
  LT_RETURN_IF_ERROR(impl->start());
  return EntryReader(std::move(impl));
}

}  // namespace lt::client
