// Reading a diff, changes or a snapshot, entry by entry.
#pragma once

#include <memory>
#include <optional>

#include <absl/status/statusor.h>

#include "feature/change.hpp"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::client {

class Connection;

/// One answer of the exchange in RECORD form. One that breaks off because the exchange or the way to it is away, or
/// because the reader had paused for too long, is resumed by its token, Options::resumes times between two messages;
/// its entries still come exactly once, to the end fixed at the start. Holds one message (at most 4 MiB) or one divided
/// entry at a time; a slow reader slows the server down. Not thread-safe. Destroying it before the end cancels the
/// call.
class EntryReader {
 public:
  class Impl;  ///< One kind of answer; not for users.

  EntryReader(EntryReader&&) noexcept;
  EntryReader& operator=(EntryReader&&) noexcept;
  ~EntryReader();

  /// What is being read: known from the start.
  [[nodiscard]] const lienthong::v1::StreamHeader& header() const;

  /// The next entry; nothing after the last one, when the answer was complete. An error is final and is given again.
  /// Errors: those of the server, when resuming HISTORY_FORKED and HISTORY_COMPACTED too; DATA_LOSS STREAM_INCOMPLETE
  /// (it ended without StreamEnd, or the count differs), STREAM_MALFORMED (messages out of order, an entry without its
  /// record, a piece that does not fit).
  [[nodiscard]] absl::StatusOr<std::optional<feature::Entry>> next();

  /// Set once next() has returned nothing: its cursor belongs to the data just read.
  [[nodiscard]] const std::optional<lienthong::v1::StreamEnd>& end() const;

 private:
  friend class Client;
  explicit EntryReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lt::client
