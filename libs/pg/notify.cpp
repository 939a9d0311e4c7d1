#include "pg/notify.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include <libpq-fe.h>
#include <spdlog/spdlog.h>

#include "base/status.hpp"
#include "pg/connection.hpp"
#include "pg/detail/session.hpp"

namespace lt::pg {
namespace {

using Clock = std::chrono::steady_clock;

/// For poll(): rounded up, so that a wait does not end just before its deadline and spin.
int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kMost));
}

}  // namespace

Waker::Waker() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Only when the process has no descriptors left: waits then end at their deadlines alone.
  if (descriptor_ < 0) spdlog::error("event=pg_waker_failed errno={}", errno);
}

Waker::~Waker() {
  if (descriptor_ >= 0) close(descriptor_);
}

void Waker::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(descriptor_, &one, sizeof one);
}

bool Waker::clear() noexcept {
  std::uint64_t count = 0;
  return read(descriptor_, &count, sizeof count) == sizeof count;
}

bool Waker::wait_until(Clock::time_point deadline) {
  while (!clear()) {
    if (Clock::now() >= deadline) return false;
    pollfd event{descriptor_, POLLIN, 0};
    poll(&event, 1, milliseconds_until(deadline));
  }
  return true;
}

absl::Status Connection::listen(std::string_view channel) {
  LT_ASSIGN_OR_RETURN(const std::string quoted, quote_identifier(channel));
  return session_->execute_script("LISTEN " + quoted);
}

absl::StatusOr<std::optional<Notification>> Connection::wait_for_notification(Clock::time_point deadline,
                                                                              Waker* waker) {
  LT_RETURN_IF_ERROR(session_->check_ready());
  if (in_transaction()) {
    return make_error(absl::StatusCode::kFailedPrecondition, "TRANSACTION_OPEN",
                      "notifications come between transactions; commit or roll back first");
  }
  while (true) {
    if (!session_->probe()) return session_->error_of(nullptr);
    if (const std::unique_ptr<pgNotify, decltype(&PQfreemem)> found(PQnotifies(session_->raw()), &PQfreemem); found) {
      return Notification{found->relname, found->extra, found->be_pid};
    }
    if (waker != nullptr && waker->clear()) return std::nullopt;
    if (Clock::now() >= deadline) return std::nullopt;
    pollfd events[] = {{PQsocket(session_->raw()), POLLIN, 0}, {waker != nullptr ? waker->descriptor_ : -1, POLLIN, 0}};
    poll(events, std::size(events), milliseconds_until(deadline));
  }
}

}  // namespace lt::pg
