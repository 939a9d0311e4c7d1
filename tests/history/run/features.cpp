#include "history/run/features.hpp"

#include <bit>

#include "base/bytes.hpp"

namespace lt::history {
namespace {

namespace v1 = lienthong::v1;

// A point in the south of Vietnam. The steps are powers of two, so that every ordinate is exact.
std::string point_of(const std::string& token) {
  constexpr std::uint32_t kPoint = 1;
  constexpr double kWest = 105, kSouth = 9, kStep = 1.0 / 256;
  const auto digest = sha256(token);
  std::string wkb("\x01");
  append_u32(wkb, kPoint);
  append_u64(wkb, std::bit_cast<std::uint64_t>(kWest + kStep * static_cast<unsigned char>(digest[0])));
  append_u64(wkb, std::bit_cast<std::uint64_t>(kSouth + kStep * static_cast<unsigned char>(digest[1])));
  return wkb;
}

v1::Operation to_operation(char op) {
  switch (op) {
    case 'I': return v1::OPERATION_INSERT;
    case 'U': return v1::OPERATION_UPDATE;
    case 'D': return v1::OPERATION_DELETE;
    default: return v1::OPERATION_UPSERT;
  }
}

}  // namespace

v1::Dataset make_dataset(const std::string& name) {
  v1::Dataset dataset;
  dataset.set_name(name);
  dataset.mutable_schema()->set_crs("EPSG:4326");
  dataset.mutable_schema()->mutable_geometry()->add_types(v1::GEOMETRY_TYPE_POINT);
  auto* write = dataset.mutable_schema()->add_fields();
  write->set_name("write");
  write->set_type(v1::FIELD_TYPE_STRING);
  write->set_required(true);
  auto* number = dataset.mutable_schema()->add_fields();
  number->set_name("n");
  number->set_type(v1::FIELD_TYPE_INT64);
  return dataset;
}

v1::PublishHeader to_header(const Changeset& changeset) {
  v1::PublishHeader header;
  header.set_dataset(changeset.dataset);
  header.set_changeset_id(changeset.id);
  header.set_kind(changeset.snapshot ? v1::CHANGESET_KIND_SNAPSHOT : v1::CHANGESET_KIND_CHANGES);
  header.set_dry_run(changeset.dry_run);
  header.set_collapse_repeated(changeset.collapse_repeated);
  header.set_allow_mass_delete(changeset.allow_mass_delete);
  if (changeset.skip_conflicts) header.set_on_conflict(v1::CONFLICT_POLICY_SKIP_AND_LIST);
  for (const auto& [dataset, version] : changeset.base_versions) {
    if (dataset == changeset.dataset) {
      header.set_base_version(version);
    } else {
      (*header.mutable_base_versions())[dataset] = version;
    }
  }
  return header;
}

v1::Change to_proto(const Change& change, const Changeset& changeset) {
  v1::Change made;
  made.set_op(to_operation(change.op));
  made.mutable_feature()->set_id(change.id);
  if (change.dataset != changeset.dataset) made.set_dataset(change.dataset);
  if (change.base_version) made.set_base_version(*change.base_version);
  if (change.op == 'D') return made;
  made.mutable_feature()->set_wkb(point_of(change.value.token));
  auto& fields = *made.mutable_feature()->mutable_properties()->mutable_fields();
  fields["write"].set_string_value(change.value.token);
  if (change.keep_number) {
    made.add_update_mask("write");
    made.add_update_mask("geometry");
  } else {
    fields["n"].set_number_value(static_cast<double>(change.value.number));
  }
  return made;
}

Value to_value(const std::string& token, std::int64_t number, std::string_view wkb) {
  return {wkb == point_of(token) ? token : "torn " + token, number};
}

Value to_value(const v1::Feature& feature) {
  const auto& fields = feature.properties().fields();
  const auto write = fields.find("write");
  const auto number = fields.find("n");
  if (write == fields.end() || number == fields.end()) return {"incomplete", 0};
  return to_value(write->second.string_value(), static_cast<std::int64_t>(number->second.number_value()),
                  feature.wkb());
}

nlohmann::json to_json(const Value& value) { return nlohmann::json::array({value.token, value.number}); }

}  // namespace lt::history
