#include "pg/replication.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/status.hpp"

namespace lt::pg {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstPause{2};
constexpr std::chrono::milliseconds kLongestPause{100};

// $1: a WAL position, or null for "what is on this server's disk now", which is after every commit that the statement
// can see. "FIRST n (...)" calls n standbys "sync" and the rest "potential"; "ANY n (...)" calls all "quorum"; a list
// alone is FIRST 1. The function and not the view pg_stat_replication: the view joins a copy of pg_stat_activity.
constexpr std::string_view kReplicated = R"(
SELECT p.lsn::text, n.names = '' OR (
  SELECT count(*) FROM pg_stat_get_wal_senders() w WHERE w.sync_state IN ('sync', 'quorum') AND w.flush_lsn >= p.lsn
) >= coalesce((regexp_match(n.names, '^(?:first|any)?\s*(\d+)\s*\(', 'i'))[1]::int, 1)
FROM (SELECT btrim(current_setting('synchronous_standby_names')) AS names) n,
     (SELECT coalesce($1::pg_lsn, pg_current_wal_flush_lsn()) AS lsn) p)";

struct Answer {
  std::string position;
  bool replicated = false;
};

absl::StatusOr<Answer> ask(Connection& connection, const std::optional<std::string>& position) {
  Params params;
  params.add(position);
  LT_ASSIGN_OR_RETURN(const Result result, connection.execute(kReplicated, params));
  return Answer{std::string(result.get_text(0, 0)), result.get_bool(0, 1)};
}

}  // namespace

absl::StatusOr<bool> is_replicated(Connection& connection) {
  LT_ASSIGN_OR_RETURN(const Answer answer, ask(connection, std::nullopt));
  return answer.replicated;
}

absl::Status wait_until_replicated(Connection& connection, Clock::time_point deadline) {
  LT_ASSIGN_OR_RETURN(Answer answer, ask(connection, std::nullopt));
  auto pause = kFirstPause;
  while (!answer.replicated) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      return make_error(
          absl::StatusCode::kUnavailable, "COMMIT_UNCONFIRMED",
          "committed on the primary, but no synchronous standby has confirmed it; look it up again later");
    }
    std::this_thread::sleep_for(std::min(pause, left));
    pause = std::min(pause * 2, kLongestPause);
    LT_ASSIGN_OR_RETURN(answer, ask(connection, answer.position));
  }
  return absl::OkStatus();
}

}  // namespace lt::pg
