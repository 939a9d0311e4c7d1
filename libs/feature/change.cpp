#include "feature/change.hpp"

#include <algorithm>

#include "base/status.hpp"
#include "feature/text.hpp"

namespace lt::feature {
namespace {

constexpr std::size_t kMaxChangesetIdBytes = 128;
// The NUL ends the tag, so that no other use of SHA-256 here can produce the same input.
constexpr std::string_view kChangeTag{"lt-change-1\0", 12};
constexpr std::string_view kChangesetTag{"lt-changeset-1\0", 15};

bool is_changeset_id_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("._:/-").find(c) != std::string_view::npos;
}

void append_flag(std::string& out, bool flag) { out.push_back(flag ? '\1' : '\0'); }

void append_optional(std::string& out, const std::optional<std::int64_t>& value) {
  append_flag(out, value.has_value());
  if (value) append_u64(out, static_cast<std::uint64_t>(*value));
}

}  // namespace

std::string_view to_string(ChangeOp op) {
  switch (op) {
    case ChangeOp::kInsert: return "INSERT";
    case ChangeOp::kUpdate: return "UPDATE";
    case ChangeOp::kUpsert: return "UPSERT";
    case ChangeOp::kDelete: return "DELETE";
  }
  return "";
}

std::string_view to_string(EntryOp op) {
  switch (op) {
    case EntryOp::kInsert: return "INSERT";
    case EntryOp::kEnter: return "ENTER";
    case EntryOp::kUpdate: return "UPDATE";
    case EntryOp::kLeave: return "LEAVE";
    case EntryOp::kDelete: return "DELETE";
  }
  return "";
}

absl::Status check_changeset_id(std::string_view id) {
  if (!id.empty() && id.size() <= kMaxChangesetIdBytes && std::all_of(id.begin(), id.end(), is_changeset_id_char)) {
    return absl::OkStatus();
  }
  return make_error(absl::StatusCode::kInvalidArgument, "CHANGESET_ID_INVALID",
                    "changeset_id \"" + cut(id) +
                        "\" is not 1 to 128 of A-Z a-z 0-9 . _ : / -; choose one, and send the " +
                        "same again when repeating the same changeset");
}

Digest change_hash(std::string_view dataset, const Change& change) {
  std::string bytes(kChangeTag);
  append_bytes(bytes, dataset);
  append_bytes(bytes, change.id);
  bytes.push_back(static_cast<char>(change.op));
  append_optional(bytes, change.base_version);
  append_flag(bytes, !change.record.empty());
  if (!change.record.empty()) bytes.append(view(content_hash(change.record)));
  return sha256(bytes);
}

ContentHasher::ContentHasher(const ChangesetHeader& header) {
  std::string bytes(kChangesetTag);
  bytes.push_back(static_cast<char>(header.kind));
  append_bytes(bytes, header.dataset);
  append_bytes(bytes, header.crs);
  append_optional(bytes, header.base_version);
  append_flag(bytes, header.allow_mass_delete);
  sha_.update(bytes);
}

}  // namespace lt::feature
