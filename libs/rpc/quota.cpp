#include "rpc/quota.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/status.hpp"

namespace lt::rpc {

Quota::Share::Share(Share&& other) noexcept
    : quota_(std::exchange(other.quota_, nullptr)),
      organisation_(std::move(other.organisation_)),
      amount_(std::exchange(other.amount_, 0)) {}

Quota::Share& Quota::Share::operator=(Share&& other) noexcept {
  if (this == &other) return *this;
  release();
  quota_ = std::exchange(other.quota_, nullptr);
  organisation_ = std::move(other.organisation_);
  amount_ = std::exchange(other.amount_, 0);
  return *this;
}

absl::Status Quota::Share::grow(std::uint64_t amount) {
  if (quota_ == nullptr) return absl::OkStatus();
  LT_RETURN_IF_ERROR(quota_->add(organisation_, amount));
  amount_ += amount;
  return absl::OkStatus();
}

void Quota::Share::release() noexcept {
  if (quota_ != nullptr && amount_ > 0) quota_->remove(organisation_, amount_);
  amount_ = 0;
}

absl::StatusOr<Quota::Share> Quota::take(const std::string& organisation, std::uint64_t amount) {
  Share share;
  share.quota_ = this;
  share.organisation_ = organisation;
  LT_RETURN_IF_ERROR(share.grow(amount));
  return share;
}

std::uint64_t Quota::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

absl::Status Quota::add(const std::string& organisation, std::uint64_t amount) {
  if (amount == 0) return absl::OkStatus();
  const std::string retry = std::to_string(limits_.retry.count());
  const std::lock_guard lock(mutex_);
  const auto it = parts_.find(organisation);
  const std::uint64_t own = it == parts_.end() ? 0 : it->second;
  if (amount > limits_.per_organisation - own) {
    return make_error(absl::StatusCode::kResourceExhausted, "ORGANISATION_BUSY",
                      fmt::format("\"{}\" has {} {}, {} more would pass its limit of {}; let some end, then retry",
                                  organisation, own, what_, amount, limits_.per_organisation),
                      {{"organisation", organisation},
                       {"limit", std::to_string(limits_.per_organisation)},
                       {"retry_after_ms", retry}});
  }
  if (amount > limits_.total - taken_) {
    return make_error(absl::StatusCode::kResourceExhausted, "SERVER_BUSY",
                      fmt::format("the server has {} {}, {} more would pass its limit of {}; retry later", taken_,
                                  what_, amount, limits_.total),
                      {{"limit", std::to_string(limits_.total)}, {"retry_after_ms", retry}});
  }
  parts_[organisation] += amount;
  taken_ += amount;
  return absl::OkStatus();
}

void Quota::remove(const std::string& organisation, std::uint64_t amount) noexcept {
  const std::lock_guard lock(mutex_);
  taken_ -= amount;
  const auto it = parts_.find(organisation);
  it->second -= amount;
  if (it->second == 0) parts_.erase(it);
}

}  // namespace lt::rpc
