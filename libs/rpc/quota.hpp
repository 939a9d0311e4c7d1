// Fair shares of what there is only so much of: calls, streams, bytes of memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace lt::rpc {

/// Refuses instead of queueing, so that whoever asks for too much waits on its own side. The part of one organisation
/// is smaller than the whole, so that one alone cannot keep the others out. Thread-safe; must outlive its shares.
class Quota {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  struct Limits {
    std::uint64_t total = kUnlimited;             ///< Of all organisations together.
    std::uint64_t per_organisation = kUnlimited;  ///< Of each.
    std::chrono::milliseconds retry{1'000};       ///< Delay named in the RetryInfo of a refusal.
  };

  /// What one holder has taken; the destructor gives it back. Move-only, used by one thread at a time.
  class Share {
   public:
    Share() = default;
    ~Share() { release(); }
    Share(Share&& other) noexcept;
    Share& operator=(Share&& other) noexcept;

    /// Takes more. After an error the share is as it was. Errors: as take().
    [[nodiscard]] absl::Status grow(std::uint64_t amount);
    /// Gives everything back; the share can grow again.
    void release() noexcept;
    [[nodiscard]] std::uint64_t amount() const { return amount_; }

   private:
    friend class Quota;
    Quota* quota_ = nullptr;
    std::string organisation_;
    std::uint64_t amount_ = 0;
  };

  /// @param what is shared, in the plural, for messages: "calls in progress".
  Quota(std::string what, Limits limits) : what_(std::move(what)), limits_(limits) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  /// `amount` (0 is allowed: a share that grows later) for an organisation.
  /// Errors: RESOURCE_EXHAUSTED SERVER_BUSY all have too much together; ORGANISATION_BUSY this one has; both with
  /// RetryInfo.
  [[nodiscard]] absl::StatusOr<Share> take(const std::string& organisation, std::uint64_t amount);

  /// Taken now, by all.
  [[nodiscard]] std::uint64_t taken() const;

 private:
  [[nodiscard]] absl::Status add(const std::string& organisation, std::uint64_t amount);
  void remove(const std::string& organisation, std::uint64_t amount) noexcept;

  const std::string what_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::uint64_t taken_ = 0;                     ///< Guarded by mutex_.
  std::map<std::string, std::uint64_t> parts_;  ///< Guarded by mutex_; only organisations that have something.
};

}  // namespace lt::rpc
