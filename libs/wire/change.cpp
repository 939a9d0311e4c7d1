#include "wire/change.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/status.hpp"
#include "feature/text.hpp"
#include "wire/detail/json_value.hpp"
#include "wire/json.hpp"

namespace lt::wire {
namespace {

namespace v1 = lienthong::v1;
using absl::StatusCode;

constexpr int kWgs84 = 4326;
constexpr std::string_view kGeometryField = "geometry";
constexpr std::size_t kDigestHexLength = 64;
// Longer names than a schema can have are not compared with its names.
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kNamesListed = 8;

absl::Status invalid(std::string_view reason, std::string_view message) {
  return make_error(StatusCode::kInvalidArgument, reason, message);
}

// The same error, saying which feature and field it is about; code and reason stay.
absl::Status at_place(const absl::Status& status, std::string_view id, std::string_view field) {
  auto detail = error_detail(status).value_or(ErrorDetail{});
  const std::string shown = feature::cut(id, kMaxNameBytes);
  detail.metadata["feature_id"] = shown;
  const std::string place = fmt::format("feature '{}'", shown);
  if (!field.empty()) {
    detail.metadata["field"] = feature::cut(field, kMaxNameBytes);
    detail.violations = {{fmt::format("{}: {}", place, detail.metadata["field"]), message_of(status)}};
  } else {
    detail.violations = {{place, message_of(status)}};
  }
  const std::string message = fmt::format("{}: {}", detail.violations.front().field, message_of(status));
  return make_error(status.code(), detail.reason, message, std::move(detail.metadata), std::move(detail.violations));
}

// An error that already names its field.
class FieldError {
 public:
  FieldError(absl::Status status, std::string_view field) : status_(std::move(status)) {
    if (status_.ok()) return;
    auto detail = error_detail(status_).value_or(ErrorDetail{});
    detail.metadata["field"] = std::string(field);
    status_ = make_error(status_.code(), detail.reason, message_of(status_), std::move(detail.metadata));
  }
  operator absl::Status() && { return std::move(status_); }  // NOLINT: reads as the status it is

 private:
  absl::Status status_;
};

std::string field_of(const absl::Status& status) {
  const auto detail = error_detail(status);
  if (!detail) return {};
  const auto field = detail->metadata.find("field");
  return field == detail->metadata.end() ? std::string() : field->second;
}

// Levenshtein distance in bytes.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

const feature::Field* nearest(const feature::Schema& schema, std::string_view name) {
  if (name.size() > kMaxNameBytes) return nullptr;
  const feature::Field* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (const auto& field : schema.fields) {
    const std::size_t apart = distance(name, field.name);
    if (apart < best_distance) {
      best = &field;
      best_distance = apart;
    }
  }
  return best;
}

std::string known_names(const feature::Schema& schema) {
  if (schema.fields.empty()) return "the schema has no fields";
  std::string names = "known fields are ";
  for (std::size_t i = 0; i < std::min(kNamesListed, schema.fields.size()); ++i) {
    names += (i == 0 ? "'" : ", '") + schema.fields[i].name + "'";
  }
  if (schema.fields.size() > kNamesListed) names += fmt::format(" and {} more", schema.fields.size() - kNamesListed);
  return names;
}

absl::Status unknown_field(const feature::Schema& schema, std::string_view name) {
  const feature::Field* near = nearest(schema, name);
  const std::string hint = near != nullptr ? fmt::format("did you mean '{}'?", near->name) : known_names(schema);
  return FieldError(invalid("UNKNOWN_FIELD", fmt::format("revision {} of the schema has no field '{}'; {}",
                                                         schema.revision, feature::cut(name), hint)),
                    name);
}

// The smallest name that the schema does not have, so that the same change always gives the same error.
std::string first_unknown(const feature::Schema& schema, const google::protobuf::Struct& properties) {
  std::optional<std::string> first;
  for (const auto& [name, value] : properties.fields()) {
    if (schema.find(std::string_view(name)) == nullptr && (!first || name < *first)) first = name;
  }
  return first.value_or("");
}

absl::Status check_base_version(std::optional<std::int64_t> version) {
  if (!version || *version >= 0) return absl::OkStatus();
  return invalid("BASE_VERSION_INVALID",
                 fmt::format("base_version {} is negative; leave it out (unchecked), or send 0 (must not exist) or a "
                             "version",
                             *version));
}

bool has_readable_form(const v1::Feature& feature) {
  return feature.geometry_case() != v1::Feature::GEOMETRY_NOT_SET || feature.has_properties();
}

absl::Status check_message(std::string_view message) {
  if (message.size() > kMaxMessageBytes) {
    return invalid("MESSAGE_TOO_LONG",
                   fmt::format("message has {} bytes; send at most {}", message.size(), kMaxMessageBytes));
  }
  return annotate(feature::check_text(message), "message");
}

absl::Status check_content_hash(std::string_view hash) {
  if (hash.empty() || (hash.size() == kDigestHexLength && from_hex(hash))) return absl::OkStatus();
  return invalid("CONTENT_HASH_INVALID", "content_sha256 is not 64 hexadecimal digits; leave it out or send SHA-256");
}

absl::Status policy_unknown(std::string_view field, int value, std::string_view known) {
  return invalid("POLICY_UNKNOWN", fmt::format("{} {} is not known; send {}", field, value, known));
}

absl::Status read_policies(const v1::PublishHeader& proto, feature::ChangesetHeader& header) {
  switch (proto.on_conflict()) {
    case v1::CONFLICT_POLICY_UNSPECIFIED:
    case v1::CONFLICT_POLICY_REJECT: header.on_conflict = feature::ConflictPolicy::kReject; break;
    case v1::CONFLICT_POLICY_SKIP_AND_LIST: header.on_conflict = feature::ConflictPolicy::kSkipAndList; break;
    default:
      return policy_unknown("on_conflict", static_cast<int>(proto.on_conflict()),
                            "CONFLICT_POLICY_REJECT or CONFLICT_POLICY_SKIP_AND_LIST");
  }
  switch (proto.on_invalid()) {
    case v1::INVALID_POLICY_UNSPECIFIED:
    case v1::INVALID_POLICY_REJECT: header.on_invalid = feature::InvalidPolicy::kReject; break;
    case v1::INVALID_POLICY_QUARANTINE: header.on_invalid = feature::InvalidPolicy::kQuarantine; break;
    default:
      return policy_unknown("on_invalid", static_cast<int>(proto.on_invalid()),
                            "INVALID_POLICY_REJECT or INVALID_POLICY_QUARANTINE");
  }
  for (const int repair : proto.repair()) {
    if (repair != v1::REPAIR_NFC && repair != v1::REPAIR_PROMOTE_TO_MULTI) {
      return policy_unknown("repair", repair, "REPAIR_NFC or REPAIR_PROMOTE_TO_MULTI");
    }
    header.repairs.push_back(static_cast<feature::Repair>(repair));
  }
  std::sort(header.repairs.begin(), header.repairs.end());
  header.repairs.erase(std::unique(header.repairs.begin(), header.repairs.end()), header.repairs.end());
  return absl::OkStatus();
}

absl::Status read_scope(const v1::PublishHeader& proto, feature::ChangesetHeader& header) {
  if (!proto.has_scope()) return absl::OkStatus();
  if (header.kind != feature::ChangesetKind::kSnapshot) {
    return invalid("SCOPE_NEEDS_SNAPSHOT", "a scope belongs to a snapshot; leave it out, or send kind SNAPSHOT");
  }
  if (proto.scope().area_wkt().empty() && proto.scope().filter().empty()) {
    return invalid("SCOPE_MISSING", "the scope has neither area nor filter; set scope.area_wkt or scope.filter");
  }
  if (proto.scope().area_wkt().size() > kMaxScopeBytes) {
    return invalid("SCOPE_TOO_LARGE", fmt::format("scope.area_wkt has {} bytes; send at most {}",
                                                  proto.scope().area_wkt().size(), kMaxScopeBytes));
  }
  header.scope_wkt = proto.scope().area_wkt();
  header.scope_filter = proto.scope().filter();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<feature::ChangeOp> operation_from_proto(v1::Operation op) {
  switch (op) {
    case v1::OPERATION_INSERT: return feature::ChangeOp::kInsert;
    case v1::OPERATION_UPDATE: return feature::ChangeOp::kUpdate;
    case v1::OPERATION_UPSERT: return feature::ChangeOp::kUpsert;
    case v1::OPERATION_DELETE: return feature::ChangeOp::kDelete;
    default: break;
  }
  return invalid("OPERATION_MISSING",
                 fmt::format("op {} is no operation; send OPERATION_INSERT, OPERATION_UPDATE, OPERATION_UPSERT or "
                             "OPERATION_DELETE",
                             static_cast<int>(op)));
}

v1::Operation operation_to_proto(feature::ChangeOp op) {
  switch (op) {
    case feature::ChangeOp::kInsert: return v1::OPERATION_INSERT;
    case feature::ChangeOp::kUpdate: return v1::OPERATION_UPDATE;
    case feature::ChangeOp::kUpsert: return v1::OPERATION_UPSERT;
    case feature::ChangeOp::kDelete: return v1::OPERATION_DELETE;
  }
  return v1::OPERATION_UNSPECIFIED;
}

absl::StatusOr<feature::EntryOp> entry_op_from_proto(v1::EntryOp op) {
  switch (op) {
    case v1::ENTRY_OP_INSERT: return feature::EntryOp::kInsert;
    case v1::ENTRY_OP_ENTER: return feature::EntryOp::kEnter;
    case v1::ENTRY_OP_UPDATE: return feature::EntryOp::kUpdate;
    case v1::ENTRY_OP_LEAVE: return feature::EntryOp::kLeave;
    case v1::ENTRY_OP_DELETE: return feature::EntryOp::kDelete;
    default: break;
  }
  return invalid(
      "ENTRY_OP_UNKNOWN",
      fmt::format("op {} of an entry is not known; is this program older than the server?", static_cast<int>(op)));
}

v1::EntryOp entry_op_to_proto(feature::EntryOp op) {
  switch (op) {
    case feature::EntryOp::kInsert: return v1::ENTRY_OP_INSERT;
    case feature::EntryOp::kEnter: return v1::ENTRY_OP_ENTER;
    case feature::EntryOp::kUpdate: return v1::ENTRY_OP_UPDATE;
    case feature::EntryOp::kLeave: return v1::ENTRY_OP_LEAVE;
    case feature::EntryOp::kDelete: return v1::ENTRY_OP_DELETE;
  }
  return v1::ENTRY_OP_UNSPECIFIED;
}

absl::StatusOr<feature::ChangesetKind> kind_from_proto(v1::ChangesetKind kind) {
  switch (kind) {
    case v1::CHANGESET_KIND_UNSPECIFIED:
    case v1::CHANGESET_KIND_CHANGES: return feature::ChangesetKind::kChanges;
    case v1::CHANGESET_KIND_SNAPSHOT: return feature::ChangesetKind::kSnapshot;
    default: break;
  }
  return invalid("KIND_UNKNOWN", fmt::format("kind {} is not known; send CHANGESET_KIND_CHANGES or "
                                             "CHANGESET_KIND_SNAPSHOT",
                                             static_cast<int>(kind)));
}

v1::ChangesetKind kind_to_proto(feature::ChangesetKind kind) {
  return kind == feature::ChangesetKind::kSnapshot ? v1::CHANGESET_KIND_SNAPSHOT : v1::CHANGESET_KIND_CHANGES;
}

absl::StatusOr<feature::ChangesetHeader> header_from_proto(const v1::PublishHeader& proto) {
  if (proto.dataset().empty()) {
    return invalid("DATASET_MISSING",
                   "the header names no dataset; set header.dataset, for example "
                   "\"transport.road_segment\"");
  }
  feature::ChangesetHeader header;
  LT_RETURN_IF_ERROR(feature::check_changeset_id(proto.changeset_id()));
  LT_ASSIGN_OR_RETURN(header.kind, kind_from_proto(proto.kind()));
  LT_RETURN_IF_ERROR(check_message(proto.message()));
  if (proto.has_base_version()) header.base_version = proto.base_version();
  LT_RETURN_IF_ERROR(check_base_version(header.base_version));
  LT_RETURN_IF_ERROR(check_content_hash(proto.content_sha256()));
  header.changeset_id = proto.changeset_id();
  header.dataset = proto.dataset();
  header.crs = proto.crs();
  header.allow_mass_delete = proto.allow_mass_delete();
  header.message = proto.message();
  header.dry_run = proto.dry_run();
  header.collapse_repeated = proto.collapse_repeated();
  header.resume_attempt_id = proto.resume_attempt_id();
  LT_RETURN_IF_ERROR(read_policies(proto, header));
  LT_RETURN_IF_ERROR(read_scope(proto, header));
  for (const auto& [dataset, version] : proto.base_versions()) {
    LT_RETURN_IF_ERROR(check_base_version(version));
    header.base_versions.emplace(dataset, version);
  }
  return header;
}

void header_to_proto(const feature::ChangesetHeader& header, v1::PublishHeader* out) {
  out->Clear();
  out->set_dataset(header.dataset);
  out->set_changeset_id(header.changeset_id);
  out->set_kind(kind_to_proto(header.kind));
  out->set_crs(header.crs);
  out->set_message(header.message);
  if (header.base_version) out->set_base_version(*header.base_version);
  out->set_allow_mass_delete(header.allow_mass_delete);
  out->set_dry_run(header.dry_run);
  for (const auto& [dataset, version] : header.base_versions) (*out->mutable_base_versions())[dataset] = version;
  if (header.has_scope()) {
    out->mutable_scope()->set_area_wkt(header.scope_wkt);
    out->mutable_scope()->set_filter(header.scope_filter);
  }
  if (header.on_conflict == feature::ConflictPolicy::kSkipAndList) {
    out->set_on_conflict(v1::CONFLICT_POLICY_SKIP_AND_LIST);
  }
  if (header.on_invalid == feature::InvalidPolicy::kQuarantine) out->set_on_invalid(v1::INVALID_POLICY_QUARANTINE);
  for (const auto repair : header.repairs) out->add_repair(static_cast<v1::Repair>(repair));
  out->set_collapse_repeated(header.collapse_repeated);
  out->set_resume_attempt_id(header.resume_attempt_id);
}

ChangeDecoder::ChangeDecoder(const feature::Schema& schema, const geo::Crs* crs, geo::GeometryLimits limits)
    : schema_(schema), limits_(limits) {
  if (crs != nullptr) dataset_epsg_ = sent_epsg_ = crs->epsg;
}

ChangeDecoder ChangeDecoder::in_crs(int epsg) const {
  ChangeDecoder other = *this;
  other.sent_epsg_ = epsg;
  other.named_ = true;
  return other;
}

absl::StatusOr<IncomingChange> ChangeDecoder::decode(const v1::Change& change) const {
  const std::string& id = change.feature().id();
  const auto op = operation_from_proto(change.op());
  if (!op.ok()) return at_place(op.status(), id, "");
  if (!change.has_feature()) {
    return at_place(invalid("FEATURE_MISSING", "the change has no feature; set change.feature with at least its id"),
                    id, "");
  }
  if (auto checked = feature::check_feature_id(id); !checked.ok()) return at_place(checked, id, "");

  IncomingChange incoming;
  incoming.op = *op;
  incoming.id = id;
  if (change.has_base_version()) incoming.base_version = change.base_version();
  if (auto checked = check_base_version(incoming.base_version); !checked.ok()) return at_place(checked, id, "");
  if (incoming.op != feature::ChangeOp::kDelete) {
    if (auto read = decode_state(change.feature(), incoming); !read.ok()) {
      return at_place(read, id, field_of(read));
    }
  }
  if (auto read = decode_mask(change, incoming); !read.ok()) return at_place(read, id, field_of(read));
  return incoming;
}

absl::Status ChangeDecoder::decode_mask(const v1::Change& change, IncomingChange& out) const {
  if (change.update_mask().empty()) return absl::OkStatus();
  if (out.op != feature::ChangeOp::kUpdate) {
    return invalid("MASK_NEEDS_UPDATE", "update_mask belongs to OPERATION_UPDATE; leave it out, or send that");
  }
  for (const std::string& name : change.update_mask()) {
    if (name == kGeometryField) {
      out.mask.push_back(feature::kGeometryField);
      continue;
    }
    const feature::Field* field = schema_.find(std::string_view(name));
    if (field == nullptr) return unknown_field(schema_, name);
    out.mask.push_back(field->number);
  }
  std::sort(out.mask.begin(), out.mask.end());
  out.mask.erase(std::unique(out.mask.begin(), out.mask.end()), out.mask.end());
  const auto masked = [&](std::int32_t field) { return std::binary_search(out.mask.begin(), out.mask.end(), field); };
  const auto outside = [](std::string_view name) {
    return FieldError(
        invalid("FIELD_NOT_IN_MASK",
                fmt::format("'{}' is sent and update_mask does not name it; name it or leave it out", name)),
        name);
  };
  if (out.state.geometry && !masked(feature::kGeometryField)) return outside(kGeometryField);
  for (const auto& [number, value] : out.state.properties) {
    if (!masked(number)) return outside(schema_.find(number)->name);
  }
  return absl::OkStatus();
}

absl::Status ChangeDecoder::decode_state(const v1::Feature& feature, IncomingChange& out) const {
  if (feature.record().empty()) {
    LT_RETURN_IF_ERROR(decode_geometry(feature, out));
    return decode_properties(feature, out.state);
  }
  if (has_readable_form(feature)) {
    return invalid("FEATURE_FORM_MIXED",
                   "the feature has a record and also a geometry or properties; send either the record or the others");
  }
  return decode_record(feature.record(), out);
}

absl::Status ChangeDecoder::decode_geometry(const v1::Feature& feature, IncomingChange& out) const {
  if (feature.geometry_case() == v1::Feature::GEOMETRY_NOT_SET) return absl::OkStatus();
  if (dataset_epsg_ == 0) {
    return FieldError(invalid("GEOMETRY_NOT_ALLOWED", "the dataset has no geometry; leave the geometry out"),
                      kGeometryField);
  }
  const auto read = [&]() -> absl::StatusOr<geo::Geometry> {
    out.epsg = sent_epsg_;
    if (feature.geometry_case() == v1::Feature::kWkt) return geo::parse_wkt(feature.wkt(), sent_epsg_, limits_);
    if (feature.geometry_case() == v1::Feature::kWkb) return geo::parse_wkb(feature.wkb(), sent_epsg_, limits_);
    if (named_ && sent_epsg_ != kWgs84) {
      return invalid("GEOJSON_NEEDS_WGS84",
                     fmt::format("geojson is in EPSG:4326, the header says EPSG:{0}; send wkt or wkb in EPSG:{0}, or "
                                 "leave the header's CRS out",
                                 sent_epsg_));
    }
    out.epsg = kWgs84;
    LT_ASSIGN_OR_RETURN(const auto json, struct_to_json(feature.geojson()));
    return geo::parse_geojson(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), limits_);
  };
  auto geometry = read();
  if (!geometry.ok()) return FieldError(geometry.status(), kGeometryField);
  out.state.geometry = *std::move(geometry);
  return absl::OkStatus();
}

absl::Status ChangeDecoder::decode_properties(const v1::Feature& feature, feature::State& out) const {
  const auto& sent = feature.properties().fields();
  std::size_t known = 0;
  for (const auto& field : schema_.fields) {
    const auto found = sent.find(field.name);
    if (found == sent.end()) continue;
    ++known;
    const auto json = detail::value_to_json(found->second, kMaxJsonDepth);
    if (!json.ok()) return FieldError(json.status(), field.name);
    if (json->is_null()) continue;
    auto value = feature::value_from_json(field.type, *json);
    if (!value.ok()) return FieldError(value.status(), field.name);
    out.properties.emplace(field.number, *std::move(value));
  }
  if (known == sent.size()) return absl::OkStatus();
  return unknown_field(schema_, first_unknown(schema_, feature.properties()));
}

absl::Status ChangeDecoder::decode_record(std::string_view record, IncomingChange& out) const {
  if (named_ && sent_epsg_ != dataset_epsg_) {
    return invalid(
        "RECORD_IN_OTHER_CRS",
        fmt::format("a record is in the dataset's CRS, EPSG:{}, the header says EPSG:{}; send wkt or wkb with "
                    "properties, or leave the header's CRS out",
                    dataset_epsg_, sent_epsg_));
  }
  auto read = feature::decode_record(record, limits_);
  if (!read.ok()) {
    const bool about_geometry = error_reason(read.status()).starts_with("GEOMETRY_");
    return about_geometry ? absl::Status(FieldError(read.status(), kGeometryField)) : read.status();
  }
  feature::DecodedRecord& decoded = *read;
  if (decoded.schema_revision < 1 || decoded.schema_revision > schema_.revision) {
    return invalid("SCHEMA_REVISION_UNKNOWN",
                   fmt::format("the record is of schema revision {}, the dataset has revisions 1 to {}; read the "
                               "schema again",
                               decoded.schema_revision, schema_.revision));
  }
  if (decoded.state.geometry && dataset_epsg_ == 0) {
    return FieldError(invalid("GEOMETRY_NOT_ALLOWED", "the dataset has no geometry; leave the geometry out"),
                      kGeometryField);
  }
  for (const auto& [number, value] : decoded.state.properties) {
    const feature::Field* field = schema_.find(number);
    if (field == nullptr) return unknown_field(schema_, fmt::format("#{}", number));
    if (feature::type_of(value) != field->type) {
      return FieldError(invalid("VALUE_WRONG_TYPE", fmt::format("the record holds a {}, the schema says {}",
                                                                feature::to_string(feature::type_of(value)),
                                                                feature::to_string(field->type))),
                        field->name);
    }
  }
  out.state = std::move(decoded.state);
  if (out.state.geometry) out.epsg = dataset_epsg_;
  return absl::OkStatus();
}

}  // namespace lt::wire
