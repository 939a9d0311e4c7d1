#include "feature/change.hpp"

#include <algorithm>
#include <charconv>

#include "base/status.hpp"
#include "feature/text.hpp"

namespace lt::feature {
namespace {

constexpr std::size_t kMaxChangesetIdBytes = 128;
// The NUL ends the tag, so that no other use of SHA-256 here can produce the same input.
constexpr std::string_view kChangeTag{"lt-change-1\0", 12};
constexpr std::string_view kInvalidTag{"lt-invalid-1\0", 13};
constexpr std::string_view kChangesetTag{"lt-changeset-1\0", 15};
constexpr char kFilteredSnapshot = 'F';  // in the place of the kind
constexpr std::string_view kSourceTag{"lt-source-1\0", 12};

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
  return change_hash(dataset, change, change.record.empty() ? Digest{} : content_hash(change.record));
}

Digest change_hash(std::string_view dataset, const Change& change, const Digest& content, std::string_view crs) {
  std::string bytes(kChangeTag);
  append_bytes(bytes, dataset);
  append_bytes(bytes, change.id);
  bytes.push_back(static_cast<char>(change.op));
  append_optional(bytes, change.base_version);
  append_flag(bytes, !change.record.empty());
  if (!change.record.empty()) bytes.append(view(content));
  if (change.mask.empty() && crs.empty()) return sha256(bytes);
  append_u32(bytes, static_cast<std::uint32_t>(change.mask.size()));
  for (const std::int32_t field : change.mask) append_u32(bytes, static_cast<std::uint32_t>(field));
  if (!crs.empty()) append_bytes(bytes, crs);
  return sha256(bytes);
}

Digest source_hash(std::string_view crs, std::string_view operation, std::string_view wkb) {
  std::string bytes(kSourceTag);
  append_bytes(bytes, crs);
  append_bytes(bytes, operation);
  append_bytes(bytes, wkb);
  return sha256(bytes);
}

Digest invalid_change_hash(std::string_view dataset, std::string_view id, std::string_view sent) {
  std::string bytes(kInvalidTag);
  append_bytes(bytes, dataset);
  append_bytes(bytes, id);
  bytes.append(view(sha256(sent)));
  return sha256(bytes);
}

ContentHasher::ContentHasher(const ChangesetHeader& header) {
  std::string bytes(kChangesetTag);
  const bool filtered = !header.scope_filter.empty();
  bytes.push_back(filtered ? kFilteredSnapshot : static_cast<char>(header.kind));
  append_bytes(bytes, header.dataset);
  append_bytes(bytes, header.crs);
  append_optional(bytes, header.base_version);
  append_flag(bytes, header.allow_mass_delete);
  append_bytes(bytes, header.scope_wkt);
  if (filtered) append_bytes(bytes, header.scope_filter);
  bytes.push_back(static_cast<char>(header.on_conflict));
  bytes.push_back(static_cast<char>(header.on_invalid));
  append_flag(bytes, header.collapse_repeated);
  append_u32(bytes, static_cast<std::uint32_t>(header.repairs.size()));
  for (const Repair repair : header.repairs) bytes.push_back(static_cast<char>(repair));
  append_u32(bytes, static_cast<std::uint32_t>(header.base_versions.size()));
  for (const auto& [dataset, version] : header.base_versions) {
    append_bytes(bytes, dataset);
    append_u64(bytes, static_cast<std::uint64_t>(version));
  }
  sha_.update(bytes);
}

std::optional<std::int64_t> ChangesetHeader::base_version_of(const std::string& name) const {
  if (name == dataset) return base_version;
  const auto found = base_versions.find(name);
  return found == base_versions.end() ? std::nullopt : std::optional(found->second);
}

std::string to_string(const FieldMask& mask) {
  std::string text;
  for (const std::int32_t field : mask) text += (text.empty() ? "" : ",") + std::to_string(field);
  return text;
}

FieldMask mask_from_string(std::string_view text) {
  FieldMask mask;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at < end) {
    std::int32_t field = 0;
    const auto [next, error] = std::from_chars(at, end, field);
    if (error != std::errc()) break;
    mask.push_back(field);
    at = next + 1;  // the comma
  }
  return mask;
}

State apply_mask(State stored, const State& partial, const FieldMask& mask) {
  for (const std::int32_t field : mask) {
    if (field == kGeometryField) {
      stored.geometry = partial.geometry;
      continue;
    }
    const auto found = partial.properties.find(field);
    if (found == partial.properties.end()) {
      stored.properties.erase(field);
    } else {
      stored.properties.insert_or_assign(field, found->second);
    }
  }
  return stored;
}

}  // namespace lt::feature
