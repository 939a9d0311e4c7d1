#include "chaos/schedule.hpp"

#include <utility>

namespace lt::chaos {

std::string_view to_string(Event event) {
  switch (event) {
    case Event::kExchange: return "exchange";
    case Event::kExchangeAtCommit: return "exchange at COMMIT";
    case Event::kPostmaster: return "postmaster";
    case Event::kServer: return "whole PostgreSQL";
    case Event::kServerAtCommit: return "whole PostgreSQL at COMMIT";
    case Event::kBackend: return "backend";
    case Event::kBackendAtCommit: return "backend at its COMMIT";
    case Event::kPublisher: return "publisher";
    case Event::kPublishersAtCommit: return "all publishers at COMMIT";
    case Event::kReader: return "reader";
    case Event::kExchangeInCompaction: return "exchange in compaction";
    case Event::kServerInCompaction: return "whole PostgreSQL in compaction";
    case Event::kTerminateBackend: return "backend ended politely";
    case Event::kCut: return "connections cut";
    case Event::kCutAtCommit: return "connection cut at COMMIT";
    case Event::kDelay: return "bytes delayed";
    case Event::kBlackHole: return "black hole";
    case Event::kCompaction: return "compaction";
  }
  return "";
}

bool is_at_commit(Event event) {
  return event == Event::kExchangeAtCommit || event == Event::kServerAtCommit || event == Event::kBackendAtCommit ||
         event == Event::kPublishersAtCommit || event == Event::kCutAtCommit;
}

Disturbance Schedule::next() {
  if (deck_.empty()) {
    for (const Event event :
         {Event::kExchangeAtCommit, Event::kServerAtCommit, Event::kBackendAtCommit, Event::kCutAtCommit}) {
      for (const Moment moment : {Moment::kBefore, Moment::kAfter, Moment::kAfterReply}) {
        deck_.push_back({event, moment});
      }
    }
    deck_.push_back({Event::kPublishersAtCommit, Moment::kAfter});
    for (const Event event : {Event::kExchange, Event::kExchange, Event::kPostmaster, Event::kServer, Event::kServer,
                              Event::kBackend, Event::kPublisher, Event::kPublisher, Event::kReader, Event::kReader,
                              Event::kTerminateBackend, Event::kCut, Event::kDelay, Event::kBlackHole,
                              Event::kExchangeInCompaction, Event::kServerInCompaction, Event::kCompaction}) {
      deck_.push_back({event, Moment::kBefore});
    }
    for (std::size_t i = deck_.size(); i > 1; --i) std::swap(deck_[i - 1], deck_[random_.below(i)]);
  }
  const Disturbance dealt = deck_.back();
  deck_.pop_back();
  return dealt;
}

}  // namespace lt::chaos
