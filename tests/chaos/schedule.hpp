// Which disturbances there are, and in which order they come.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "chaos/content.hpp"
#include "chaos/proxy.hpp"

namespace lt::chaos {

enum class Event : std::uint8_t {
  // kill -9
  kExchange,
  kExchangeAtCommit,
  kPostmaster,
  kServer,
  kServerAtCommit,
  kBackend,
  kBackendAtCommit,
  kPublisher,
  kPublishersAtCommit,
  kReader,
  kExchangeInCompaction,
  kServerInCompaction,
  // other disturbances
  kTerminateBackend,
  kCut,
  kCutAtCommit,
  kDelay,
  kBlackHole,
  kCompaction,
};

/// "exchange", "exchange at COMMIT", ...
[[nodiscard]] std::string_view to_string(Event event);
[[nodiscard]] bool is_at_commit(Event event);

struct Disturbance {
  Event event = Event::kExchange;
  Moment moment = Moment::kBefore;  ///< of those at COMMIT
};

/// Deals shuffled decks that hold every kind of disturbance, at COMMIT in every moment, so that a short run meets all.
class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) : random_(seed) {}
  [[nodiscard]] Disturbance next();
  Random& random() { return random_; }

 private:
  Random random_;
  std::vector<Disturbance> deck_;
};

}  // namespace lt::chaos
