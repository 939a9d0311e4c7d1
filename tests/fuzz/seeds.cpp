// fuzz_seeds FOLDER [< LINES]: writes FOLDER/TARGET/NAME, the inputs that each target starts from. A line is a WKT
// geometry or a GeoJSON feature, as tests/fuzz/real_data.py prints them; without lines only the built-in seeds come.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "exchange/paging.hpp"
#include "feature/receipt.hpp"
#include "feature/record.hpp"
#include "feature/schema.hpp"
#include "feature/token.hpp"
#include "geo/geometry.hpp"
#include "support.hpp"
#include "wire/catalog.hpp"
#include "wire/change.hpp"
#include "wire/json.hpp"
#include "wire/parts.hpp"
#include "wire/receipt.hpp"

namespace {

using namespace lt;
namespace v1 = lienthong::v1;

constexpr int kSrid = 4326;
constexpr std::string_view kDigest = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

const std::vector<std::string> kWkt{
    "POINT EMPTY",
    "SRID=4326;POINT (106.7 10.8)",
    "POINT Z (-0.0 1e-300 5)",
    "POINTM (1 2 3)",
    "LINESTRING (0 0, 1 1.5)",
    "LINESTRING ZM EMPTY",
    "POLYGON ((0 0, 4 0, 4 4, 0 0), (1 1, 2 1, 2 2, 1 1))",
    "POLYGON ZM ((0 0 1 2, 1 0 1 2, 1 1 1 2, 0 0 1 2))",
    "MULTIPOINT ((1 2), EMPTY, (3 4))",
    "MULTIPOINT (1 2, 3 4)",
    "MULTILINESTRING ((0 0, 1 1), EMPTY, (2 2, 3 3))",
    "MULTIPOLYGON Z (((0 0 0, 4 0 0, 4 4 0, 0 0 0)), EMPTY)",
    "GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (LINESTRING (0 0, 1 1)), POLYGON EMPTY)",
    "CIRCULARSTRING (0 0, 1 1, 2 0)",
    "TIN (((0 0, 4 0, 4 4, 0 0)))",
};

// One value of each type, and some at the edges of their range.
const std::vector<std::string> kProperties{
    R"({"string":"Quốc lộ 1","int64":"9223372036854775807","double":0.1,"bool":true,"date":"2024-02-29",)"
    R"("timestamp":"2024-05-06T07:08:09.123456+07:00","decimal":"-12.50","bytes":"AAH/","string_list":["a","đ"],)"
    R"("json":{"":null,"a":[1,{"b":"đ"}],"é":1e21}})",
    R"({"limited string":"QL","limited int64":7,"limited double":"NaN","limited bool":false,"limited date":"9999-12-31",)"
    R"("limited timestamp":"0001-01-01T00:00:00","limited decimal":"9.750","limited bytes":"AAA=",)"
    R"("limited string_list":["QL","ĐT"],"limited json":[[],{},-0.0,9007199254740992]})",
    R"({"string":"","int64":-9007199254740991,"double":"-Infinity","bool":null,"date":"0001-01-01",)"
    R"("timestamp":"9999-12-31 23:59:59z","decimal":"0","bytes":"","string_list":[],"json":5e-324})",
    R"({"lanes":2})",
};

// For the properties of fuzz::every_type().
const std::vector<std::string> kFilters{
    "int64 = 2 AND NOT (double > .5 OR decimal <= -12.50)",
    "string LIKE 'H_ N%\\\\' OR string IN ('Hà Nội', 'it''s')",
    "int64 + 1 * -(double / 2) BETWEEN -9223372036854775808 AND 1e308",
    "date < DATE('2024-02-29') AND timestamp >= TIMESTAMP('2024-05-06T07:08:09.5+07:00')",
    "bool = TRUE AND \"limited string\" IS NOT NULL AND bytes IS NULL",
    "S_INTERSECTS(geometry, POLYGON((0 0, 4 0, 4 4, 0 0))) OR S_WITHIN(geometry, POINT Z (1 1 1))",
    "int64 IN (1, 2, 3.5) AND 1 / 0 = 1 OR geometry IS NULL",
    "(((TRUE)))",
};

class Seeds {
 public:
  explicit Seeds(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void add(const std::string& target, std::string_view bytes) {
    const auto place = folder_ / target;
    std::filesystem::create_directories(place);
    std::ofstream out(place / fmt::format("seed-{:04}", ++counts_[target]), std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) throw std::runtime_error("cannot write to " + place.string());
  }

  void report() const {
    for (const auto& [target, count] : counts_) std::cout << fmt::format("{:<10} {:>5} seeds\n", target, count);
  }

 private:
  std::filesystem::path folder_;
  std::map<std::string, int> counts_;
};

void add_change(Seeds& seeds, const v1::Change& change) { seeds.add("change", change.SerializeAsString()); }

void add_geometry(Seeds& seeds, const geo::Geometry& geometry) {
  seeds.add("wkb", geometry.vertices % 2 == 0 ? geometry.wkb : geo::to_ewkb(geometry, kSrid));
  seeds.add("wkt", geo::to_wkt(geometry));
  seeds.add("geojson", geo::to_geojson(geometry));
}

// For each field the first property that can be read as its type, so that real texts and numbers fill a record.
feature::State state_of(const nlohmann::json& properties, const std::optional<geo::Geometry>& geometry) {
  feature::State state;
  state.geometry = geometry;
  for (const auto& field : fuzz::every_type("EPSG:4326").fields) {
    const auto named = properties.find(field.name);
    const nlohmann::json candidates = named != properties.end() ? nlohmann::json::array({*named}) : properties;
    for (const auto& candidate : candidates) {
      if (candidate.is_null()) continue;
      auto value = feature::value_from_json(field.type, candidate);
      if (!value.ok()) continue;
      state.properties.emplace(field.number, *std::move(value));
      break;
    }
  }
  return state;
}

// The same change in every form, or in one of them.
enum class Forms { kEach, kOneInTurn };

void add_feature(Seeds& seeds, std::size_t number, const nlohmann::json& properties,
                 const std::optional<geo::Geometry>& geometry, Forms forms) {
  constexpr std::size_t kForms = 4;
  const auto wants = [&](std::size_t form) { return forms == Forms::kEach || number % kForms == form; };
  const std::string record = feature::encode_record(fuzz::kRevision, state_of(properties, geometry));
  seeds.add("record", record);
  seeds.add("json", properties.dump());
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id(fmt::format("QL1-{}", number));
  change.set_base_version(1);
  change.mutable_feature()->set_record(record);
  if (wants(0)) add_change(seeds, change);
  change.mutable_feature()->clear_record();
  if (number % 2 == 0) {
    change.set_op(v1::OPERATION_UPDATE);
    change.add_update_mask("string");
    change.add_update_mask("geometry");
    change.set_dataset("transport.bridge");
  }
  // By the names of the schema, or everything as one document when the real names are not known to it.
  const bool named = !properties.empty() && fuzz::every_type("").find(properties.begin().key()) != nullptr;
  const nlohmann::json sent = named ? properties : nlohmann::json{{"json", properties}, {"limited bool", true}};
  if (!wire::json_to_struct(sent, change.mutable_feature()->mutable_properties()).ok()) return;
  if (!geometry) return add_change(seeds, change);
  change.mutable_feature()->set_wkt(geo::to_wkt(*geometry));
  if (wants(1)) add_change(seeds, change);
  change.mutable_feature()->set_wkb(geometry->wkb);
  if (wants(2)) add_change(seeds, change);
  const auto json = parse_json(geo::to_geojson(*geometry));
  if (!wants(3) || !json.ok()) return;
  if (wire::json_to_struct(*json, change.mutable_feature()->mutable_geojson()).ok()) add_change(seeds, change);
}

// The token, and the bytes in it without the checksum, which the target adds.
void add_token(Seeds& seeds, const std::string& token) {
  constexpr std::size_t kChecksumBytes = 4;
  const std::string bytes = from_base64(token).value();
  seeds.add("tokens", token);
  seeds.add("tokens", std::string_view(bytes).substr(0, bytes.size() - kChecksumBytes));
}

void add_tokens(Seeds& seeds) {
  feature::Cursor cursor;
  add_token(seeds, feature::encode_cursor(cursor));
  cursor.view_revision = "view.1";
  for (const std::int64_t version : {std::int64_t{0}, std::int64_t{7}, std::numeric_limits<std::int64_t>::max()}) {
    cursor.positions.push_back({fmt::format("d-{}", version), version, version > 0 ? std::string(kDigest) : ""});
    add_token(seeds, feature::encode_cursor(cursor));
  }
  feature::ResumeToken resume{feature::AnswerKind::kDiff, "d-7", 3, 700,   std::string(kDigest),
                              std::string(kDigest),       true,  5, "QL1", 1};
  add_token(seeds, feature::encode_resume_token(resume));
  resume.kind = feature::AnswerKind::kSnapshot;
  resume.from = resume.last_version = 0;
  resume.from_digest.clear();
  resume.include_before = false;
  add_token(seeds, feature::encode_resume_token(resume));
  seeds.add("tokens", exchange::make_page_token("transport.road_segment"));
  seeds.add("tokens", "p1:giao.thông");
  seeds.add("tokens", to_hex("\x80\x01\xFF"));
}

void add_messages(Seeds& seeds) {
  feature::ChangesetHeader header;
  header.changeset_id = "2024-05-06/1";
  header.dataset = "transport.road_segment";
  header.kind = feature::ChangesetKind::kSnapshot;
  header.base_version = 7;
  header.message = "Sửa tuyến";
  header.base_versions = {{"transport.bridge", 3}};
  header.scope_wkt = "POLYGON ((0 0, 4 0, 4 4, 0 0))";
  header.repairs = {feature::Repair::kNfc, feature::Repair::kPromoteToMulti};
  v1::PublishHeader proto_header;
  wire::header_to_proto(header, &proto_header);
  proto_header.set_content_sha256(std::string(kDigest));
  seeds.add("messages", proto_header.SerializeAsString());
  // Once accepted, and not the same when read back: dimensions of a geometry that has no type.
  v1::Schema no_type;
  no_type.mutable_geometry()->add_dimensions(v1::DIMENSION_XY);
  no_type.mutable_geometry()->add_dimensions(v1::DIMENSION_XYZ);
  seeds.add("messages", no_type.SerializeAsString());
  for (const char* crs : {"EPSG:4326", "EPSG:9210", ""}) {
    const feature::Schema schema = fuzz::every_type(crs);
    v1::Schema proto;
    wire::schema_to_proto(schema, &proto);
    seeds.add("messages", proto.SerializeAsString());
    seeds.add("json", feature::schema_to_json(schema).dump());
  }
  feature::Receipt receipt;
  receipt.commit_id = "c-1";
  receipt.changeset_id = header.changeset_id;
  receipt.organisation = "so-gtvt";
  receipt.committed_us = 1'714'953'600'123'456;
  receipt.changed = true;
  receipt.datasets = {{header.dataset, "d-1", 2, std::string(kDigest)}};
  receipt.counts.inserted = 3;
  receipt.content_sha256 = kDigest;
  receipt.digest = feature::receipt_digest(receipt);
  v1::Receipt proto_receipt;
  wire::receipt_to_proto(receipt, &proto_receipt);
  seeds.add("messages", proto_receipt.SerializeAsString());
  seeds.add("json", feature::receipt_to_json(receipt).dump());
  for (const auto& part : wire::split_into_parts("a change in pieces", 1, 8)) {
    seeds.add("messages", part.SerializeAsString());
  }
}

void add_builtin(Seeds& seeds) {
  std::size_t n = 0;
  for (const std::string& text : kWkt) {
    seeds.add("wkt", text);
    const auto geometry = geo::parse_wkt(text, kSrid);
    if (!geometry.ok()) continue;
    add_geometry(seeds, *geometry);
    const auto properties = nlohmann::json::parse(kProperties[n++ % kProperties.size()]);
    add_feature(seeds, n, properties, *geometry, Forms::kEach);
  }
  for (const std::string& text : kProperties) {
    seeds.add("json", text);
    add_feature(seeds, n++, nlohmann::json::parse(text), std::nullopt, Forms::kEach);
  }
  for (const char* text : {"\"2024-05-06T07:08:09.5+07:00\"", "2024-05-06 07:08:09Z", "2024-02-29", "[1e21,-0.0,1E-7]",
                           R"({"committed_at":"9999-12-31T23:59:59-18:00"})"}) {
    seeds.add("json", text);
  }
  for (const std::string& text : kFilters) seeds.add("filter", text);
  add_tokens(seeds);
  add_messages(seeds);
}

bool add_line(Seeds& seeds, const std::string& line, std::size_t number) {
  if (!line.starts_with('{')) {
    const auto geometry = geo::parse_wkt(line);
    if (geometry.ok()) add_geometry(seeds, *geometry);
    seeds.add("wkt", line);
    return true;
  }
  const auto feature = parse_json(line);
  if (!feature.ok() || !feature->is_object() || !feature->contains("properties")) return false;
  const auto& properties = feature->at("properties");
  const auto geometry = geo::parse_geojson(feature->value("geometry", nlohmann::json()).dump());
  if (geometry.ok()) add_geometry(seeds, *geometry);
  add_feature(seeds, number, properties.is_object() ? properties : nlohmann::json::object(),
              geometry.ok() ? std::optional(*geometry) : std::nullopt, Forms::kOneInTurn);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: fuzz_seeds FOLDER [< LINES]\n";
    return 2;
  }
  std::filesystem::remove_all(argv[1]);
  Seeds seeds(argv[1]);
  add_builtin(seeds);
  std::size_t lines = 0, used = 0;
  for (std::string line; std::getline(std::cin, line);) used += add_line(seeds, line, ++lines) ? 1 : 0;
  std::cout << fmt::format("{} of {} real geometries and features were used\n", used, lines);
  seeds.report();
  return used == lines ? 0 : 1;
}
