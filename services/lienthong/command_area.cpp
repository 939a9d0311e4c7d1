#include "lienthong/command_area.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "client/client.hpp"
#include "geo/crs.hpp"
#include "lienthong/json_forms.hpp"
#include "lienthong/progress.hpp"
#include "sources/gdal_reader.hpp"

namespace lt::cli {
namespace {

namespace v1 = ::lienthong::v1;

constexpr const char* kOutcomePrefix = "AREA_OUTCOME_";

struct ImportOptions {
  std::string list;
  std::string file;
  std::string layer;
  std::string code_field;
  std::string name_field;
  std::string level;
  std::string crs;
  bool dry_run = false;
};

struct ShowOptions {
  std::string area;
  std::int64_t version = 0;
  bool geometry = false;
};

// A file of areas, read as their messages.
class AreaFile {
 public:
  static absl::StatusOr<AreaFile> open(const ImportOptions& options) {
    LT_ASSIGN_OR_RETURN(
        auto reader,
        sources::FileReader::open(
            {.path = options.file, .layer = options.layer, .id_field = options.code_field, .crs = options.crs}));
    LT_ASSIGN_OR_RETURN(const auto inferred, reader.infer_schema());
    LT_RETURN_IF_ERROR(reader.bind(inferred.schema));
    LT_ASSIGN_OR_RETURN(const std::int32_t name, name_number(inferred.schema, options));
    return AreaFile(std::move(reader), name, options.name_field == options.code_field);
  }

  [[nodiscard]] const std::string& crs() const { return reader_.crs(); }

  absl::StatusOr<bool> next(v1::Area& area) {
    LT_ASSIGN_OR_RETURN(auto feature, reader_.next());
    if (!feature) return false;
    area.set_code(feature->id);
    if (name_is_code_) area.set_name(feature->id);
    const auto name = feature->state.properties.find(name_);
    if (name != feature->state.properties.end()) {
      if (const auto* text = std::get_if<std::string>(&name->second)) area.set_name(*text);
    }
    if (feature->state.geometry) area.set_wkb(std::move(feature->state.geometry->wkb));
    return true;
  }

 private:
  AreaFile(sources::FileReader reader, std::int32_t name, bool name_is_code)
      : reader_(std::move(reader)), name_(name), name_is_code_(name_is_code) {}

  // Number of the field with the names; 0 without one.
  static absl::StatusOr<std::int32_t> name_number(const feature::Schema& schema, const ImportOptions& options) {
    if (options.name_field.empty() || options.name_field == options.code_field) return 0;
    const auto& fields = schema.fields;
    const auto found =
        std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return field.name == options.name_field; });
    if (found != fields.end() && found->type == feature::FieldType::kString) return found->number;
    return usage_error(fmt::format("{} has no text field \"{}\" to take names from", options.file, options.name_field));
  }

  sources::FileReader reader_;
  std::int32_t name_;
  bool name_is_code_;
};

nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(text);
}

nlohmann::ordered_json area_to_json(const v1::Area& area) {
  nlohmann::ordered_json json;
  json["area"] = area.list() + ":" + area.code();
  json["unit_id"] = area.unit_id();
  json["name"] = area.name();
  json["kind"] = area.kind();
  json["level"] = area.level();
  json["valid_from"] = text_or_null(area.valid_from());
  json["valid_to"] = text_or_null(area.valid_to());
  json["predecessors"] = std::vector<std::string>(area.predecessors().begin(), area.predecessors().end());
  json["successors"] = std::vector<std::string>(area.successors().begin(), area.successors().end());
  json["version"] = area.version();
  json["crs"] = text_or_null(area.crs());
  json["sha256"] = text_or_null(area.sha256());
  return json;
}

nlohmann::ordered_json list_to_json(const v1::AreaList& list) {
  nlohmann::ordered_json json;
  json["list"] = list.list();
  json["title"] = list.title();
  json["valid_from"] = text_or_null(list.valid_from());
  json["valid_to"] = text_or_null(list.valid_to());
  json["current"] = list.current();
  json["areas"] = list.areas();
  json["with_polygon"] = list.with_polygon();
  return json;
}

std::string validity_of(const std::string& from, const std::string& to) {
  if (from.empty() && to.empty()) return "";
  return (from.empty() ? std::string("…") : from) + " – " + to;
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& words) {
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "));
}

absl::Status import_areas(const Cli& cli, const ImportOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(auto file, AreaFile::open(options));
  v1::ImportAreasHeader header;
  header.set_list(options.list);
  header.set_crs(file.crs());
  header.set_level(options.level);
  header.set_dry_run(options.dry_run);
  LT_ASSIGN_OR_RETURN(const auto imported,
                      client.import_areas(header, [&file](v1::Area& area) { return file.next(area); }));
  if (!cli.output.json) {
    cli.output.print(fmt::format("{}{} created, {} changed, {} unchanged in {}", imported.dry_run() ? "dry run: " : "",
                                 imported.created(), imported.changed(), imported.unchanged(), options.list));
    return absl::OkStatus();
  }
  nlohmann::ordered_json areas = nlohmann::ordered_json::array();
  for (const auto& area : imported.areas()) {
    areas.push_back({{"area", area.area()},
                     {"version", area.version()},
                     {"outcome", short_name(v1::AreaOutcome_Name(area.outcome()), kOutcomePrefix)}});
  }
  cli.output.print_json(nlohmann::ordered_json{{"list", options.list},
                                               {"dry_run", imported.dry_run()},
                                               {"created", imported.created()},
                                               {"changed", imported.changed()},
                                               {"unchanged", imported.unchanged()},
                                               {"areas", std::move(areas)}});
  return absl::OkStatus();
}

absl::Status list_lists(const Cli& cli, const client::Client& client) {
  LT_ASSIGN_OR_RETURN(const auto lists, client.list_area_lists());
  for (const auto& list : lists) {
    if (cli.output.json) {
      cli.output.print_json(list_to_json(list));
    } else {
      cli.output.print(fmt::format("{:<16} {:>6} areas, {:>6} with polygon  {:<25} {}", list.list(), list.areas(),
                                   list.with_polygon(), validity_of(list.valid_from(), list.valid_to()), list.title()));
    }
  }
  return absl::OkStatus();
}

absl::Status list(const Cli& cli, const std::string& name) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  if (name.empty()) return list_lists(cli, client);
  return client.list_areas(name, [&cli](const v1::Area& area) {
    if (cli.output.json) {
      cli.output.print_json(area_to_json(area));
    } else {
      cli.output.print(fmt::format("{:<20} {:<12} {:<25} version {:>3}  {}", area.list() + ":" + area.code(),
                                   area.level(), validity_of(area.valid_from(), area.valid_to()), area.version(),
                                   area.name()));
    }
    return true;
  });
}

// As RFC 7946 from the WKB, which fits into a message whatever its size.
absl::StatusOr<nlohmann::ordered_json> geojson_of(const v1::Area& area) {
  LT_ASSIGN_OR_RETURN(const auto polygon, geo::parse_wkb(area.wkb()));
  LT_ASSIGN_OR_RETURN(const auto from, geo::find_crs(area.crs()));
  LT_ASSIGN_OR_RETURN(const auto to, geo::find_crs("EPSG:4326"));
  LT_ASSIGN_OR_RETURN(const auto transformer, geo::Transformer::create(from, to));
  LT_ASSIGN_OR_RETURN(const auto moved, transformer.transform(polygon));
  return nlohmann::ordered_json::parse(geo::to_geojson(moved));
}

absl::Status show(const Cli& cli, const ShowOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  v1::GetAreaRequest request;
  request.set_area(options.area);
  request.set_version(options.version);
  if (options.geometry) request.set_polygon(v1::POLYGON_FORM_WKB);
  LT_ASSIGN_OR_RETURN(const auto area, client.get_area(request));
  nlohmann::ordered_json json = area_to_json(area);
  if (options.geometry) {
    LT_ASSIGN_OR_RETURN(json["geometry"], geojson_of(area));
  }
  if (cli.output.json) {
    cli.output.print_json(json);
    return absl::OkStatus();
  }
  cli.output.print(
      fmt::format("area          {}:{} {}\nunit          {}\nlevel         {}{}\nin force      {}\npredecessors  "
                  "{}\nsuccessors    {}\n"
                  "polygon       {}",
                  area.list(), area.code(), area.name(), area.unit_id(), area.level(),
                  area.kind().empty() ? "" : ", " + area.kind(), validity_of(area.valid_from(), area.valid_to()),
                  joined(area.predecessors()), joined(area.successors()),
                  area.version() == 0 ? "none" : fmt::format("version {}, {}", area.version(), area.crs())));
  if (options.geometry) cli.output.print(json["geometry"].dump());
  return absl::OkStatus();
}

void add_import(CLI::App& family, Cli& cli) {
  const auto options = std::make_shared<ImportOptions>();
  CLI::App* verb = family.add_subcommand("import", "polygons of areas from a file (as operator)");
  verb->add_option("LIST", options->list, "ADM-2025")->required();
  verb->add_option("FILE", options->file, "one feature per area")->required();
  verb->add_option("--code-field", options->code_field, "the field that holds the code")->required();
  verb->add_option("--name-field", options->name_field, "the field that holds the name (else names stay)");
  verb->add_option("--level", options->level,
                   "level of areas that are not there yet: commune (else unknown codes are refused)");
  verb->add_option("--layer", options->layer, "the layer, when the file has several");
  verb->add_option("--crs", options->crs, "EPSG:n of the file, where it names none or a wrong one");
  verb->add_flag("--dry-run", options->dry_run, "check and tell, keep nothing");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return import_areas(cli, *options); }; });
}

}  // namespace

void add_area(CLI::App& app, Cli& cli) {
  CLI::App* family = app.add_subcommand("area", "provinces and other areas");
  family->require_subcommand(1);
  add_import(*family, cli);

  const auto name = std::make_shared<std::string>();
  CLI::App* listing = family->add_subcommand("list", "the lists, or the areas of one");
  listing->add_option("LIST", *name, "ADM-2025");
  listing->callback([&cli, name] { cli.run = [&cli, name] { return list(cli, *name); }; });

  const auto options = std::make_shared<ShowOptions>();
  CLI::App* showing = family->add_subcommand("show", "one area");
  showing->add_option("AREA", options->area, "LIST:CODE, such as ADM-2025:91")->required();
  showing->add_option("--version", options->version, "of the polygon (else the newest)")->check(CLI::PositiveNumber);
  showing->add_flag("--geometry", options->geometry, "with its polygon");
  showing->callback([&cli, options] { cli.run = [&cli, options] { return show(cli, *options); }; });
}

}  // namespace lt::cli
