#include "exchange/watching.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/util/time_util.h>

#include "base/status.hpp"
#include "exchange/head_board.hpp"

namespace lt::exchange {
namespace {

namespace v1 = lienthong::v1;
using google::protobuf::util::TimeUtil;

/// Heads of one message: at up to about 300 bytes each it stays well below the 4 MiB that clients accept.
constexpr int kMaxHeads = 8'000;

void fill(const storage::Dataset& head, v1::DatasetHead& out) {
  out.set_dataset(head.name);
  out.set_dataset_uid(head.uid);
  out.set_version(head.head);
  out.set_digest(head.head_digest);
  if (head.changed_us) *out.mutable_committed_at() = TimeUtil::MicrosecondsToTimestamp(*head.changed_us);
  out.set_horizon(head.horizon);
}

// Remembers only up to which reading of the board its heads were sent, so that a slow reader costs nothing: when it
// reads again it gets the last head of each dataset.
class HeadStream final : public rpc::Producer<v1::WatchHeadsResponse> {
 public:
  HeadStream(HeadBoard& board, std::vector<int> datasets, std::function<void()> wake)
      : board_(board), datasets_(datasets), subscription_(board.subscribe(std::move(datasets), std::move(wake))) {}

  absl::StatusOr<rpc::Produced> next(v1::WatchHeadsResponse& out) override {
    if (!sending_ && !begin()) return rpc::Produced::idle();
    while (position_ < sending_->entries.size() && out.heads_size() < kMaxHeads) {
      const auto& entry = sending_->entries[position_++];
      if (entry.changed > sent_ && is_wanted(entry.head.id)) fill(entry.head, *out.add_heads());
    }
    if (position_ < sending_->entries.size()) return true;
    sent_ = sending_->reading;
    sending_.reset();
    const bool first = !std::exchange(started_, true);
    if (out.heads_size() > 0 || first) return true;
    return rpc::Produced::idle();
  }

 private:
  // False when there is nothing to send yet.
  bool begin() {
    if (!started_ && !subscription_->is_fresh()) return false;
    auto heads = board_.heads();
    if (started_ && heads->reading == sent_) return false;
    const bool complete =
        std::all_of(datasets_.begin(), datasets_.end(), [&](int id) { return heads->find(id) != nullptr; });
    if (!started_ && !complete) return false;  // created a moment ago, while the heads could not be read
    sending_ = std::move(heads);
    position_ = 0;
    return true;
  }

  bool is_wanted(int id) const {
    return datasets_.empty() || std::binary_search(datasets_.begin(), datasets_.end(), id);
  }

  HeadBoard& board_;
  const std::vector<int> datasets_;  ///< sorted; empty: all
  const std::unique_ptr<HeadBoard::Subscription> subscription_;
  std::shared_ptr<const HeadBoard::Heads> sending_;  ///< a reading that is being sent
  std::size_t position_ = 0;
  std::uint64_t sent_ = 0;
  bool started_ = false;
};

// The board first: a dataset that it knows costs no statement.
absl::StatusOr<std::vector<int>> ids_of(const Core& core, const v1::WatchHeadsRequest& request) {
  std::vector<int> ids;
  const auto heads = core.heads->heads();
  for (const auto& name : request.datasets()) {
    if (const auto* known = heads->find(name)) {
      ids.push_back(known->head.id);
      continue;
    }
    LT_ASSIGN_OR_RETURN(const auto dataset, core.catalog.get_dataset(name));
    ids.push_back(dataset.id);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace

absl::StatusOr<std::unique_ptr<rpc::Producer<v1::WatchHeadsResponse>>> watch_heads(
    const Core& core, rpc::CallContext& call, const v1::WatchHeadsRequest& request) {
  LT_ASSIGN_OR_RETURN(auto ids, ids_of(core, request));
  return std::make_unique<HeadStream>(*core.heads, std::move(ids), call.waker());
}

}  // namespace lt::exchange
