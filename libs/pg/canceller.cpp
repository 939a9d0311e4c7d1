#include "pg/canceller.hpp"

#include <array>
#include <string>

#include <libpq-fe.h>

#include "base/status.hpp"

namespace lt::pg {

void Canceller::Free::operator()(pg_cancel* handle) const { PQfreeCancel(handle); }

absl::Status Canceller::cancel() {
  const std::lock_guard lock(mutex_);
  if (!handle_) return absl::OkStatus();
  cancelled_ = true;
  if (shielded_) return absl::OkStatus();
  std::array<char, 256> text{};  // the size that libpq recommends
  if (PQcancel(handle_.get(), text.data(), text.size()) != 0) return absl::OkStatus();
  return make_error(absl::StatusCode::kUnavailable, "CANCEL_FAILED",
                    std::string("the database server could not be told to cancel: ") + text.data());
}

Canceller::Shield::Shield(Canceller& canceller) : canceller_(canceller) {
  const std::lock_guard lock(canceller_.mutex_);
  canceller_.shielded_ = true;
}

Canceller::Shield::~Shield() {
  const std::lock_guard lock(canceller_.mutex_);
  canceller_.shielded_ = false;
}

}  // namespace lt::pg
