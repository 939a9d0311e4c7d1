#include "exchange/head_board.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/status.hpp"
#include "pg/replication.hpp"

namespace lt::exchange {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kChannel[] = "lienthong_heads";
/// A database that hangs for longer is treated as one that is away.
constexpr std::chrono::seconds kAnswerTimeout{5};
constexpr std::chrono::seconds kConnectTimeout{5};
constexpr std::chrono::milliseconds kFirstPause{50};
constexpr std::chrono::milliseconds kLongestPause{2'000};
/// Between two readings: with more commits than this allows, several are announced together. A single one is not
/// delayed.
constexpr std::chrono::milliseconds kLeastInterval{5};
/// Heads whose standbys do not confirm them are read again at the next turn.
constexpr std::chrono::milliseconds kReplicationWait{500};

bool same(const storage::Dataset& a, const storage::Dataset& b) {
  return a.uid == b.uid && a.name == b.name && a.head == b.head && a.head_digest == b.head_digest &&
         a.horizon == b.horizon && a.owner == b.owner && a.schema_revision == b.schema_revision;
}

bool intersects(const std::vector<int>& sorted, const std::vector<int>& some) {
  return std::any_of(some.begin(), some.end(),
                     [&](int id) { return std::binary_search(sorted.begin(), sorted.end(), id); });
}

HeadBoardOptions with_timeouts(HeadBoardOptions options) {
  options.connection.purpose = "exchange/heads";
  options.connection.answer_timeout = kAnswerTimeout;
  options.connection.connect_timeout =
      std::min<std::chrono::milliseconds>(options.connection.connect_timeout, kConnectTimeout);
  return options;
}

}  // namespace

const HeadBoard::Entry* HeadBoard::Heads::find(int dataset) const {
  const auto at = std::lower_bound(entries.begin(), entries.end(), dataset,
                                   [](const Entry& entry, int id) { return entry.head.id < id; });
  return at != entries.end() && at->head.id == dataset ? &*at : nullptr;
}

const HeadBoard::Entry* HeadBoard::Heads::find(const std::string& name) const {
  const auto at =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) { return entry.head.name == name; });
  return at != entries.end() ? &*at : nullptr;
}

HeadBoard::HeadBoard(HeadBoardOptions options, Metrics& metrics)
    : options_(with_timeouts(std::move(options))),
      connected_gauge_(metrics.gauge("lienthong_heads_connected", "1 while new heads are read from the database")),
      watchers_gauge_(metrics.gauge("lienthong_head_watchers", "Calls of WatchHeads in progress")) {}

absl::StatusOr<std::unique_ptr<HeadBoard>> HeadBoard::start(HeadBoardOptions options, Metrics& metrics) {
  std::unique_ptr<HeadBoard> board(new HeadBoard(std::move(options), metrics));
  LT_RETURN_IF_ERROR(board->connect());
  LT_RETURN_IF_ERROR(board->read());
  auto* const raw = board.get();
  board->thread_ = std::jthread([raw](const std::stop_token& stop) { raw->run(stop); });
  return board;
}

HeadBoard::~HeadBoard() {
  thread_.request_stop();
  waker_.wake();
}

void HeadBoard::announce() {
  announced_ = true;
  ++tickets_;
  waker_.wake();
}

std::shared_ptr<const HeadBoard::Heads> HeadBoard::heads() const {
  const std::lock_guard lock(mutex_);
  return heads_;
}

std::unique_ptr<HeadBoard::Subscription> HeadBoard::subscribe(std::vector<int> datasets, std::function<void()> wake) {
  std::unique_ptr<Subscription> subscription;
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t ticket = ++tickets_;
    const std::uint64_t id = next_id_++;
    subscribers_.emplace(id, Subscriber{std::move(datasets), std::move(wake), ticket});
    watchers_gauge_.set(static_cast<double>(subscribers_.size()));
    subscription.reset(new Subscription(*this, id, ticket));
  }
  waker_.wake();
  return subscription;
}

HeadBoard::Subscription::~Subscription() { board_.unsubscribe(id_); }

bool HeadBoard::Subscription::is_fresh() const { return board_.served_.load() >= ticket_; }

void HeadBoard::unsubscribe(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  subscribers_.erase(id);
  watchers_gauge_.set(static_cast<double>(subscribers_.size()));
}

absl::Status HeadBoard::connect() {
  LT_ASSIGN_OR_RETURN(auto connection, pg::Connection::open(options_.connection));
  // For NOTIFY alone, which is a commit: it must not wait for a disk or a standby, and nothing is lost with it.
  LT_RETURN_IF_ERROR(connection.execute_script("SET synchronous_commit = off"));
  LT_RETURN_IF_ERROR(connection.listen(kChannel));
  connection_ = std::move(connection);
  return absl::OkStatus();
}

absl::Status HeadBoard::read() {
  LT_ASSIGN_OR_RETURN(auto found, storage::list_heads(*connection_));
  const absl::Status replicated = pg::wait_until_replicated(*connection_, Clock::now() + kReplicationWait);
  if (replicated.ok()) {
    store(std::move(found));
  } else if (error_reason(replicated) != "COMMIT_UNCONFIRMED") {
    return replicated;
  }
  connected_ = true;
  connected_gauge_.set(1);
  pause_ = {};
  return absl::OkStatus();
}

// Keeps what has not changed with the number of the reading that brought it.
void HeadBoard::store(std::vector<storage::Dataset> found) {
  const auto before = heads();
  auto after = std::make_shared<Heads>();
  after->reading = before->reading + 1;
  after->entries.reserve(found.size());
  changed_.clear();
  for (auto& head : found) {
    const Entry* known = before->find(head.id);
    const bool unchanged = known != nullptr && same(known->head, head);
    if (!unchanged) changed_.push_back(head.id);
    after->entries.push_back({std::move(head), unchanged ? known->changed : after->reading});
  }
  if (changed_.empty() && after->entries.size() == before->entries.size()) return;
  const std::lock_guard lock(mutex_);
  heads_ = std::move(after);
}

void HeadBoard::serve(std::uint64_t ticket, const std::vector<int>& changed) {
  std::vector<std::function<void()>> wakes;  // called without the lock
  {
    const std::lock_guard lock(mutex_);
    const std::uint64_t before = served_.exchange(ticket);
    for (const auto& [id, subscriber] : subscribers_) {
      const bool waits = subscriber.ticket > before && subscriber.ticket <= ticket;
      const bool concerned =
          !changed.empty() && (subscriber.datasets.empty() || intersects(subscriber.datasets, changed));
      if (waits || concerned) wakes.push_back(subscriber.wake);
    }
  }
  for (const auto& wake : wakes) wake();
}

// Reads and tells everybody. What was asked for before the reading is answered by it, also when it fails.
absl::Status HeadBoard::refresh() {
  const std::uint64_t ticket = tickets_.load();
  const bool announced = announced_.exchange(false);
  changed_.clear();
  absl::Status status = read();
  serve(ticket, changed_);
  if (status.ok() && announced) status = connection_->execute_script("NOTIFY lienthong_heads");
  if (!status.ok() && announced) announced_ = true;
  return status;
}

void HeadBoard::reconnect(const absl::Status& lost, const std::stop_token& stop) {
  if (connected_.exchange(false)) {
    log_event(spdlog::level::warn, "heads_disconnected", {{"error", message_of(lost)}});
  }
  connected_gauge_.set(0);
  connection_.reset();
  pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
  const auto end = Clock::now() + pause_;
  // Subscribers get what is known; a commit of this process says that the database is back.
  while (waker_.wait_until(end) && !announced_ && !stop.stop_requested()) serve(tickets_.load(), {});
}

// True when the heads are to be read: a notification of another session, a ticket, or the deadline.
bool HeadBoard::wait(Clock::time_point deadline) {
  while (true) {
    auto received = connection_->wait_for_notification(deadline, &waker_);
    if (!received.ok()) return true;  // the reading will say what is wrong
    if (!*received) return tickets_.load() > served_.load() || Clock::now() >= deadline;
    if ((*received)->backend_pid != connection_->backend_pid()) return true;
  }
}

void HeadBoard::run(const std::stop_token& stop) {
  auto last = Clock::now();
  while (!stop.stop_requested()) {
    if (connection_ && !wait(last + options_.poll_interval)) continue;
    if (stop.stop_requested()) return;
    std::this_thread::sleep_until(last + kLeastInterval);
    const bool was_connected = connected_.load();
    absl::Status status = connection_ ? absl::OkStatus() : connect();
    if (status.ok()) {
      status = refresh();
    } else {
      serve(tickets_.load(), {});
    }
    last = Clock::now();
    if (!status.ok()) {
      reconnect(status, stop);
    } else if (!was_connected) {
      log_event(spdlog::level::info, "heads_connected", {});
    }
  }
}

}  // namespace lt::exchange
