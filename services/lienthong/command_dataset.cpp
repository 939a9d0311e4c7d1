#include "lienthong/command_dataset.hpp"

#include <fstream>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/status.hpp"
#include "client/client.hpp"
#include "feature/schema.hpp"
#include "lienthong/json_forms.hpp"
#include "sources/gdal_reader.hpp"
#include "wire/catalog.hpp"

namespace lt::cli {
namespace {

struct CreateOptions {
  std::string name;
  std::string title;
  std::string owner;
  std::string from;
  std::string schema_file;
  std::string id_field;
  std::string layer;
  std::string crs;
};

absl::StatusOr<sources::InferredSchema> infer(const CreateOptions& options) {
  LT_ASSIGN_OR_RETURN(
      auto reader,
      sources::FileReader::open(
          {.path = options.from, .layer = options.layer, .id_field = options.id_field, .crs = options.crs}));
  LT_ASSIGN_OR_RETURN(auto inferred, reader.infer_schema());
  inferred.notes.insert(inferred.notes.end(), reader.warnings().begin(), reader.warnings().end());
  return inferred;
}

absl::StatusOr<sources::InferredSchema> read_schema(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return make_error(absl::StatusCode::kNotFound, "FILE_NOT_FOUND", "cannot read the schema file " + path,
                      {{"file", path}});
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto json = parse_json(text);
  if (!json.ok()) {
    return make_error(absl::StatusCode::kInvalidArgument, "SCHEMA_INVALID",
                      path + " is not JSON: " + message_of(json.status()), {{"file", path}});
  }
  auto schema = feature::schema_from_json(*json);
  if (!schema.ok()) return annotate(schema.status(), path);
  return sources::InferredSchema{*std::move(schema), {}};
}

absl::Status print_dataset(const Cli& cli, const ::lienthong::v1::Dataset& dataset,
                           const std::vector<std::string>* notes) {
  LT_ASSIGN_OR_RETURN(nlohmann::ordered_json json, dataset_to_json(dataset));
  if (notes != nullptr) json["notes"] = *notes;
  if (cli.output.json) {
    cli.output.print_json(json);
    return absl::OkStatus();
  }
  cli.output.print(fmt::format(
      "dataset    {}\nowner      {}\nuid        {}\nCRS        {}\nhead       {}\nfeatures   {}", dataset.name(),
      dataset.owner(), dataset.uid(), dataset.schema().crs().empty() ? "none" : dataset.schema().crs(), dataset.head(),
      with_thousands(dataset.feature_count())));
  LT_ASSIGN_OR_RETURN(const feature::Schema schema, wire::schema_from_proto(dataset.schema()));
  std::string types;
  for (const auto type : schema.geometry.types)
    types += (types.empty() ? "" : ", ") + std::string(geo::to_string(type));
  cli.output.print(
      fmt::format("geometry   {}{}", types.empty() ? "none" : types, schema.geometry.nullable ? ", may be null" : ""));
  for (const feature::Field& field : schema.fields) {
    cli.output.print(fmt::format("field      {:<28} {}{}", field.name, feature::to_string(field.type),
                                 field.required ? ", required" : ""));
  }
  return absl::OkStatus();
}

absl::Status create(const Cli& cli, const CreateOptions& options) {
  if (options.from.empty() == options.schema_file.empty()) {
    return usage_error("dataset create takes its schema from one place: --from FILE or --schema FILE");
  }
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto inferred, options.from.empty() ? read_schema(options.schema_file) : infer(options));
  for (const std::string& note : inferred.notes) cli.output.note("note: " + note);
  ::lienthong::v1::Dataset wanted;
  wanted.set_name(options.name);
  wanted.set_title(options.title);
  wanted.set_owner(options.owner);
  wire::schema_to_proto(inferred.schema, wanted.mutable_schema());
  LT_ASSIGN_OR_RETURN(const auto dataset, client.create_dataset(wanted));
  return print_dataset(cli, dataset, &inferred.notes);
}

absl::Status show(const Cli& cli, const std::string& name) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto dataset, client.get_dataset(name));
  return print_dataset(cli, dataset, nullptr);
}

absl::Status list(const Cli& cli) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto datasets, client.list_datasets());
  for (const auto& dataset : datasets) {
    if (cli.output.json) {
      LT_ASSIGN_OR_RETURN(const auto json, dataset_to_json(dataset));
      cli.output.print_json(json);
    } else {
      cli.output.print(fmt::format("{:<40} {:<20} head {:>6} {:>12} features", dataset.name(), dataset.owner(),
                                   dataset.head(), with_thousands(dataset.feature_count())));
    }
  }
  return absl::OkStatus();
}

void add_create(CLI::App& family, Cli& cli) {
  const auto options = std::make_shared<CreateOptions>();
  CLI::App* verb = family.add_subcommand("create", "create an empty dataset");
  verb->add_option("NAME", options->name, "environment.monitoring_station")->required();
  verb->add_option("--from", options->from, "infer the schema from this file");
  verb->add_option("--schema", options->schema_file, "read the schema from this JSON file (docs/data-model.md)");
  verb->add_option("--id-field", options->id_field, "with --from: the field that holds the feature id");
  verb->add_option("--layer", options->layer, "with --from: the layer, when the file has several");
  verb->add_option("--crs", options->crs, "with --from: EPSG:n of the file, where it names none or a wrong one");
  verb->add_option("--owner", options->owner, "organisation that publishes it (as operator; else the caller)");
  verb->add_option("--title", options->title, "for people");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return create(cli, *options); }; });
}

}  // namespace

void add_dataset(CLI::App& app, Cli& cli) {
  CLI::App* family = app.add_subcommand("dataset", "what there is");
  family->require_subcommand(1);
  add_create(*family, cli);
  family->add_subcommand("list", "all datasets, by name")->callback([&cli] { cli.run = [&cli] { return list(cli); }; });
  const auto name = std::make_shared<std::string>();
  CLI::App* verb = family->add_subcommand("show", "one dataset with its schema");
  verb->add_option("NAME", *name)->required();
  verb->callback([&cli, name] { cli.run = [&cli, name] { return show(cli, *name); }; });
}

}  // namespace lt::cli
