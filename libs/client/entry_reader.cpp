#include "client/entry_reader.hpp"

#include <string>
#include <utility>

#include <fmt/format.h>

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

/// @tparam Response of the stream.  @tparam Item what its lists hold and its pieces make up.
template <typename Response, typename Item>
class EntryReaderImpl : public EntryReader::Impl {
 public:
  explicit EntryReaderImpl(std::shared_ptr<const Connection> connection)
      : connection_(std::move(connection)), parts_(connection_->options().max_feature_bytes) {
    connection_->prepare(context_);
  }
  EntryReaderImpl(const EntryReaderImpl&) = delete;
  EntryReaderImpl& operator=(const EntryReaderImpl&) = delete;

  ~EntryReaderImpl() override { cancel(); }

  grpc::ClientContext* context() { return &context_; }
  void take(std::unique_ptr<grpc::ClientReader<Response>> stream) { stream_ = std::move(stream); }

  absl::Status start() override {
    if (!stream_->Read(&response_)) {
      LT_RETURN_IF_ERROR(finish());
      return incomplete("it ended before its header");
    }
    if (!response_.has_header()) return malformed("it does not start with a header");
    header = std::move(*response_.mutable_header());
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<feature::Entry>> next() override {
    if (!failure_.ok()) return failure_;
    auto entry = advance();
    if (!entry.ok()) {
      failure_ = entry.status();
      cancel();
    }
    return entry;
  }

 private:
  absl::StatusOr<std::optional<feature::Entry>> advance() {
    while (index_ >= size_) {
      if (end) return std::optional<feature::Entry>();
      LT_ASSIGN_OR_RETURN(auto whole, read_message());
      if (whole) return whole;
    }
    LT_ASSIGN_OR_RETURN(auto entry, to_entry(*list_in(response_)->Mutable(index_)));
    ++index_;
    ++count_;
    return std::optional<feature::Entry>(std::move(entry));
  }

  /// Reads one message: a list into response_, the end into `end`, or a piece. The entry if it was a last piece.
  absl::StatusOr<std::optional<feature::Entry>> read_message() {
    index_ = size_ = 0;
    if (!stream_->Read(&response_)) {
      LT_RETURN_IF_ERROR(finish());
      return incomplete(fmt::format("it ended after {} entries without its end mark", count_));
    }
    if (response_.has_feature_part()) return read_part();
    if (const auto whole = parts_.check_complete(); !whole.ok()) return malformed(message_of(whole));
    if (response_.has_end()) {
      LT_RETURN_IF_ERROR(read_end());
      return std::optional<feature::Entry>();
    }
    if (!has_list(response_)) return malformed("a message is neither entries nor the end");
    size_ = list_in(response_)->size();
    return std::optional<feature::Entry>();
  }

  absl::StatusOr<std::optional<feature::Entry>> read_part() {
    const auto bytes = parts_.add(response_.feature_part());
    if (!bytes.ok()) return malformed(message_of(bytes.status()));
    if (!*bytes) return std::optional<feature::Entry>();
    Item item;
    if (!item.ParseFromString(**bytes)) return malformed("the pieces of a message do not make up an entry");
    LT_ASSIGN_OR_RETURN(auto entry, to_entry(item));
    ++count_;
    return std::optional<feature::Entry>(std::move(entry));
  }

  absl::Status read_end() {
    v1::StreamEnd announced = std::move(*response_.mutable_end());
    if (announced.count() != count_) {
      return incomplete(fmt::format("{} entries came, {} were sent", count_, announced.count()));
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
    context_.TryCancel();
    (void)finish();
  }

  std::shared_ptr<const Connection> connection_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<Response>> stream_;  // uses context_
  Response response_;
  wire::PartAssembler parts_;
  int index_ = 0;  // of the next entry in response_
  int size_ = 0;   // entries in response_
  std::int64_t count_ = 0;
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
                                         bool include_before, const std::string& cursor) const {
  v1::StreamDiffRequest request;
  request.set_dataset(dataset);
  request.set_from_version(from);
  if (to) request.set_to_version(*to);
  request.set_cursor(cursor);
  request.set_form(v1::FEATURE_FORM_RECORD);
  request.set_include_before(include_before);
  auto impl = std::make_unique<EntryReaderImpl<v1::StreamDiffResponse, v1::DiffEntry>>(connection_);
  impl->take(connection_->exchange().StreamDiff(impl->context(), request));
  LT_RETURN_IF_ERROR(impl->start());
  return EntryReader(std::move(impl));
}

absl::StatusOr<EntryReader> Client::changes(const std::string& dataset, std::int64_t from,
                                            std::optional<std::int64_t> to, const std::string& cursor) const {
  v1::StreamChangesRequest request;
  request.set_dataset(dataset);
  request.set_from_version(from);
  if (to) request.set_to_version(*to);
  request.set_cursor(cursor);
  request.set_form(v1::FEATURE_FORM_RECORD);
  auto impl = std::make_unique<EntryReaderImpl<v1::StreamChangesResponse, v1::ChangeEntry>>(connection_);
  impl->take(connection_->exchange().StreamChanges(impl->context(), request));
  LT_RETURN_IF_ERROR(impl->start());
  return EntryReader(std::move(impl));
}

absl::StatusOr<EntryReader> Client::snapshot(const std::string& dataset, std::optional<std::int64_t> version) const {
  v1::StreamSnapshotRequest request;
  request.set_dataset(dataset);
  if (version) request.set_version(*version);
  request.set_form(v1::FEATURE_FORM_RECORD);
  auto impl = std::make_unique<EntryReaderImpl<v1::StreamSnapshotResponse, v1::Feature>>(connection_);
  impl->take(connection_->exchange().StreamSnapshot(impl->context(), request));
  LT_RETURN_IF_ERROR(impl->start());
  return EntryReader(std::move(impl));
}

}  // namespace lt::client
