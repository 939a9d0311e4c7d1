#include "client/publisher.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"
#include "client/detail/connection.hpp"
#include "wire/change.hpp"
#include "wire/parts.hpp"
#include "wire/readable.hpp"
#include "wire/receipt.hpp"

namespace lt::client {
namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;

// Large enough that a message costs little per change, small enough for the 64 to 256 KiB that messages should have.
constexpr std::size_t kBatchBytes = 192U << 10;
// What PublishChangeset takes; a batch is far below its limit of bytes.
constexpr int kMaxUnaryChanges = 1000;

}  // namespace

class Publisher::Impl {
 public:
  Impl(std::shared_ptr<const Connection> connection, const feature::ChangesetHeader& header,
       const feature::Schema& schema, Progress progress, std::string content_sha256)
      : connection_(std::move(connection)),
        header_(header),
        content_sha256_(std::move(content_sha256)),
        schema_(schema),
        progress_(std::move(progress)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    if (!stream_ || outcome_) return;
    context_.TryCancel();
    reader_.join();
    (void)stream_->Finish();
  }

  // A stream costs several times as much as one call: it is opened only when there is more than one batch.
  absl::Status open() {
    if (header_.resume_attempt_id.empty()) return absl::OkStatus();
    LT_RETURN_IF_ERROR(open_stream());
    return wait_for_resumption();
  }

  std::string resumable_attempt() {
    const std::lock_guard lock(mutex_);
    return latest_.staged_sequence() > 0 ? latest_.attempt_id() : std::string();
  }

  /// The feature without its id; null for kDelete. A record is in the dataset's CRS: from another the readable form
  /// goes.
  absl::StatusOr<v1::Feature> feature_of(std::string_view id, const feature::State* state) const {
    v1::Feature out;
    if (state == nullptr) return out;
    if (header_.crs.empty() || header_.crs == schema_.crs) {
      out.set_record(feature::encode_record(schema_.revision, *state));
      return out;
    }
    if (auto written = wire::state_to_readable(schema_, *state, &out); !written.ok()) {
      return annotate(written, fmt::format("feature '{}'", id));
    }
    return out;
  }

  absl::Status add(feature::ChangeOp op, std::string_view id, std::optional<std::int64_t> base_version,
                   v1::Feature feature, const std::vector<std::string>& mask = {}) {
    if (finished_) return finished_error();
    if (ended()) return conclude();
    report_progress();
    v1::Change change;
    change.set_op(wire::operation_to_proto(op));
    *change.mutable_feature() = std::move(feature);
    change.mutable_feature()->set_id(id.data(), id.size());
    if (base_version) change.set_base_version(*base_version);
    change.mutable_update_mask()->Add(mask.begin(), mask.end());
    ++changes_;
    const std::size_t size = change.ByteSizeLong();
    if (size > wire::kMaxWholeBytes) return send_in_parts(change);
    if (batch_bytes_ > 0 && batch_bytes_ + size > kBatchBytes) LT_RETURN_IF_ERROR(flush());
    *pending_.mutable_batch()->add_changes() = std::move(change);
    batch_bytes_ += size;
    return batch_bytes_ >= kBatchBytes ? flush() : absl::OkStatus();
  }

  absl::StatusOr<feature::Receipt> finish() {
    if (finished_) return finished_error();
    finished_ = true;
    if (!outcome_ && !stream_ && pending_.batch().changes_size() <= kMaxUnaryChanges) {
      LT_RETURN_IF_ERROR(publish_at_once());
    } else if (!outcome_) {
      LT_RETURN_IF_ERROR(flush());
      v1::PublishRequest end;
      end.mutable_end()->set_changes(changes_);
      LT_RETURN_IF_ERROR(write(end));
      // False when the server has ended the call: conclude() then says how.
      if (!outcome_) (void)stream_->WritesDone();
      wait_for_end();
    }
    LT_RETURN_IF_ERROR(conclude());
    return wire::receipt_from_proto(*receipt_);
  }

  absl::Status check_state(bool has_state, feature::ChangeOp op, std::string_view id) const {
    if (has_state == (op != feature::ChangeOp::kDelete)) return absl::OkStatus();
    return make_error(StatusCode::kInvalidArgument, "STATE_MISSING",
                      fmt::format("{} of feature '{}' {}", feature::to_string(op), id,
                                  has_state ? "must come without a state" : "needs a state"),
                      {{"feature_id", std::string(id)}});
  }

 private:
  static absl::Status finished_error() {
    return make_error(StatusCode::kFailedPrecondition, "PUBLISHER_FINISHED",
                      "this changeset has been finished; open another one");
  }

  void write_header(v1::PublishHeader& out) const {
    wire::header_to_proto(header_, &out);
    out.set_content_sha256(content_sha256_);
  }

  absl::Status open_stream() {
    v1::PublishRequest request;
    write_header(*request.mutable_header());
    connection_->prepare(context_);
    stream_ = connection_->exchange().Publish(&context_);
    reader_ = std::thread([this] { read_responses(); });
    return write(request);
  }

  absl::Status publish_at_once() {
    v1::PublishChangesetRequest request;
    write_header(*request.mutable_header());
    request.mutable_changes()->Swap(pending_.mutable_batch()->mutable_changes());
    auto response = connection_->call_without_deadline<v1::PublishChangesetResponse>(
        connection_->exchange(), &v1::ExchangeService::Stub::PublishChangeset, request);
    if (response.ok() && response->has_receipt()) receipt_ = std::move(*response->mutable_receipt());
    outcome_ = explain(response.status());
    return *outcome_;
  }

  // Reads all the time, so that the server is never stuck with its progress while we are writing.
  void read_responses() {
    v1::PublishResponse response;
    while (stream_->Read(&response)) {
      const std::lock_guard lock(mutex_);
      if (response.has_progress()) {
        latest_ = response.progress();
        fresh_ = true;
      } else if (response.has_receipt()) {
        receipt_ = response.receipt();
      }
      changed_.notify_one();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_one();
  }

  bool ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }

  // The first progress says which batches need not be sent again.
  absl::Status wait_for_resumption() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || fresh_; });
    if (fresh_) {
      skipped_sequence_ = latest_.staged_sequence();
      return absl::OkStatus();
    }
    lock.unlock();
    return conclude();
  }

  void report_progress() {
    v1::PublishProgress latest;
    {
      const std::lock_guard lock(mutex_);
      if (!std::exchange(fresh_, false)) return;
      latest = latest_;
    }
    if (progress_) progress_(latest.received(), latest.staged_sequence());
  }

  void wait_for_end() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return ended_ || fresh_; });
      const bool last = ended_;
      lock.unlock();
      report_progress();
      if (last) return;
      lock.lock();
    }
  }

  absl::Status write(const v1::PublishRequest& request) {
    if (!stream_) LT_RETURN_IF_ERROR(open_stream());
    if (outcome_) return *outcome_;
    if (stream_->Write(request)) return absl::OkStatus();
    return conclude();
  }

  absl::Status flush() {
    if (batch_bytes_ == 0) return outcome_.value_or(absl::OkStatus());
    pending_.mutable_batch()->set_sequence(++sequence_);
    auto written = is_staged() ? outcome_.value_or(absl::OkStatus()) : write(pending_);
    pending_.Clear();
    batch_bytes_ = 0;
    return written;
  }

  /// The server has this batch from the attempt that is resumed. Batches depend on nothing but the changes.
  [[nodiscard]] bool is_staged() const { return sequence_ <= skipped_sequence_; }

  absl::Status send_in_parts(const v1::Change& change) {
    LT_RETURN_IF_ERROR(flush());
    v1::PublishRequest request;
    ++sequence_;
    if (is_staged()) return absl::OkStatus();
    for (auto& part : wire::split_into_parts(change.SerializeAsString(), sequence_)) {
      *request.mutable_feature_part() = std::move(part);
      LT_RETURN_IF_ERROR(write(request));
    }
    return absl::OkStatus();
  }

  // How the call ended; call it once the server has ended it. OK means that the receipt is there, also when the
  // server did not want the rest (it knows this changeset).
  absl::Status conclude() {
    if (outcome_) return *outcome_;
    reader_.join();
    outcome_ = explain(connection_->status_of(stream_->Finish()));
    return *outcome_;
  }

  absl::Status explain(const absl::Status& status) const {
    const std::string again = fmt::format(
        "changeset '{}' may or may not be published; publishing it again with the same changeset_id is safe",
        header_.changeset_id);
    if (status.ok() && !receipt_) {
      return make_error(StatusCode::kDataLoss, "RECEIPT_MISSING",
                        "the exchange ended the call without a receipt: " + again);
    }
    const bool unclear = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
    return unclear ? annotate(status, again) : status;
  }

  std::shared_ptr<const Connection> connection_;
  const feature::ChangesetHeader header_;
  const std::string content_sha256_;
  const feature::Schema schema_;
  const Progress progress_;

  grpc::ClientContext context_;
  /// Uses context_; none before the first batch is full.
  std::unique_ptr<grpc::ClientReaderWriter<v1::PublishRequest, v1::PublishResponse>> stream_;
  std::thread reader_;
  std::optional<absl::Status> outcome_;  // set once the call has ended and reader_ is joined
  bool finished_ = false;
  std::int64_t changes_ = 0;

  v1::PublishRequest pending_;
  std::size_t batch_bytes_ = 0;
  std::int64_t sequence_ = 0;
  std::int64_t skipped_sequence_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;  // guarded by mutex_ until reader_ is joined, as the next three
  bool fresh_ = false;
  v1::PublishProgress latest_;
  std::optional<v1::Receipt> receipt_;
};

Publisher::Publisher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Publisher::Publisher(Publisher&&) noexcept = default;
Publisher& Publisher::operator=(Publisher&&) noexcept = default;
Publisher::~Publisher() = default;

absl::StatusOr<Publisher> Publisher::open(const Client& client, const feature::ChangesetHeader& header,
                                          const feature::Schema& schema, Progress progress,
                                          const std::string& content_sha256) {
  auto impl = std::make_unique<Impl>(client.connection_, header, schema, std::move(progress), content_sha256);
  LT_RETURN_IF_ERROR(impl->open());
  return Publisher(std::move(impl));
}

absl::Status Publisher::add(feature::ChangeOp op, std::string_view id, std::optional<std::int64_t> base_version,
                            const feature::State* state) {
  LT_RETURN_IF_ERROR(impl_->check_state(state != nullptr, op, id));
  LT_ASSIGN_OR_RETURN(auto feature, impl_->feature_of(id, state));
  return impl_->add(op, id, base_version, std::move(feature));
}

absl::Status Publisher::update(std::string_view id, std::optional<std::int64_t> base_version,
                               const feature::State& state, const std::vector<std::string>& mask) {
  LT_ASSIGN_OR_RETURN(auto feature, impl_->feature_of(id, &state));
  return impl_->add(feature::ChangeOp::kUpdate, id, base_version, std::move(feature), mask);
}

absl::Status Publisher::add_record(feature::ChangeOp op, std::string_view id, std::optional<std::int64_t> base_version,
                                   std::string_view record) {
  LT_RETURN_IF_ERROR(impl_->check_state(!record.empty(), op, id));
  v1::Feature feature;
  feature.set_record(record.data(), record.size());
  return impl_->add(op, id, base_version, std::move(feature));
}

absl::StatusOr<feature::Receipt> Publisher::finish() { return impl_->finish(); }

std::string Publisher::resumable_attempt() { return impl_->resumable_attempt(); }

}  // namespace lt::client
