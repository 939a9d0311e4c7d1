// What every call of the exchange works with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <absl/status/status.h>

#include "pg/pool.hpp"
#include "rpc/call_context.hpp"
#include "rpc/quota.hpp"
#include "storage/catalog.hpp"
#include "storage/staging.hpp"

namespace lt::storage {
class Areas;
}

namespace lt::exchange {

class AreaBook;
class HeadBoard;
class Replica;
class ViewBook;

/// Limits that configuration may change; units in the names.
struct Limits {
  std::int64_t max_feature_bytes = 16 << 20;    ///< one feature, in the form sent and as a record
  std::size_t publish_memory_bytes = 3U << 20;  ///< a changeset up to this never touches a staging table
  std::size_t staging_piece_bytes = 4U << 20;   ///< a larger one is staged in pieces of this
  std::size_t stream_chunk_bytes = 192U << 10;  ///< one message of an answer
  std::size_t stream_page_bytes = 256U << 10;   ///< what one stream reads from the database at once
  std::int64_t kept_findings = 10'000;          ///< findings, and conflicts, kept of one attempt
  bool resumable = true;                        ///< uploads that broke off are kept for a while
};

/// Shared by all calls; its members outlive them.
struct Core {
  pg::Pool& pool;
  storage::Catalog& catalog;
  storage::StagingOwner& staging_owner;
  Limits limits;
  /// Publish calls in progress.
  std::shared_ptr<rpc::Quota> publishes = std::make_shared<rpc::Quota>("publishes in progress", rpc::Quota::Limits{});
  /// Bytes in memory of features that travel in pieces, either way.
  std::shared_ptr<rpc::Quota> pieces =
      std::make_shared<rpc::Quota>("bytes of features in pieces in memory", rpc::Quota::Limits{});
  /// Tells the readers of heads that there is a new one. Cheap; called after each commit.
  std::function<void()> announce_heads = [] {};
  ViewBook* views = nullptr;
  storage::Areas* areas = nullptr;
  AreaBook* area_book = nullptr;
  HeadBoard* heads = nullptr;
  Replica* replica = nullptr;  ///< null: everything is read from the primary
};

/// Errors: PERMISSION_DENIED OPERATOR_ONLY.
[[nodiscard]] absl::Status check_operator(const rpc::CallerIdentity& caller, std::string_view what);
/// A dataset's owner and the operator publish. Errors: PERMISSION_DENIED NOT_OWNER.
[[nodiscard]] absl::Status check_may_publish(const rpc::CallerIdentity& caller, const storage::Dataset& dataset);

}  // namespace lt::exchange
