#include "lienthong/command_snapshot.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "base/time.hpp"
#include "client/client.hpp"
#include "feature/record.hpp"
#include "lienthong/progress.hpp"
#include "lienthong/versions.hpp"
#include "lienthong/view_options.hpp"
#include "sources/gdal_writer.hpp"
#include "wire/catalog.hpp"

namespace lt::cli {
namespace {

struct SnapshotOptions {
  std::string dataset;
  std::string as_of;
  std::string out;
  ViewOptions see;
};

absl::StatusOr<client::EntryReader> open_snapshot(const client::Client& client, const DatasetAt& wanted,
                                                  const SnapshotOptions& options) {
  const std::string& as_of = options.as_of;
  if (as_of.empty()) return client.snapshot(wanted.dataset, wanted.version, options.see.view());
  if (wanted.version) return usage_error("give @V or --as-of, not both: they name the same thing");
  const auto time = parse_rfc3339(as_of);
  if (!time.ok() || !time->offset_minutes) {
    return usage_error("'" + as_of + "' is no point in time: write 2026-01-31T08:00:00+07:00");
  }
  return client.snapshot_at(wanted.dataset, time->us, options.see.view());
}

// As the features come: in the CRS of the answer, with the columns that were asked for.
absl::StatusOr<feature::Schema> schema_of(const client::Client& client, const client::EntryReader& reader,
                                          const std::optional<lienthong::v1::View>& view) {
  LT_ASSIGN_OR_RETURN(const auto proto,
                      client.get_schema(reader.header().dataset(), reader.header().schema_revision()));
  LT_ASSIGN_OR_RETURN(feature::Schema schema, wire::schema_from_proto(proto));
  schema.crs = reader.header().crs();
  if (!view || view->columns().empty()) return schema;
  std::erase_if(schema.fields, [&view](const feature::Field& field) {
    return std::find(view->columns().begin(), view->columns().end(), field.name) == view->columns().end();
  });
  return schema;
}

absl::StatusOr<std::int64_t> copy_features(client::EntryReader& reader, sources::FileWriter& writer) {
  Progress progress("writing");
  std::int64_t features = 0;
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto entry, reader.next());
    if (!entry) return features;
    LT_ASSIGN_OR_RETURN(const feature::DecodedRecord decoded, feature::decode_record(entry->record));
    LT_RETURN_IF_ERROR(writer.write(entry->id, decoded.state));
    progress.update(++features);
  }
}

absl::Status snapshot(const Cli& cli, const SnapshotOptions& options) {
  LT_ASSIGN_OR_RETURN(const DatasetAt wanted, parse_dataset_at(options.dataset));
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(auto reader, open_snapshot(client, wanted, options));
  LT_ASSIGN_OR_RETURN(const feature::Schema schema, schema_of(client, reader, options.see.view()));
  LT_ASSIGN_OR_RETURN(auto writer, sources::FileWriter::create(options.out, schema, wanted.dataset));
  LT_ASSIGN_OR_RETURN(const std::int64_t features, copy_features(reader, writer));
  LT_RETURN_IF_ERROR(writer.finish());
  const std::int64_t version = reader.header().to_version();
  if (cli.output.json) {
    cli.output.print_json(nlohmann::ordered_json{{"features", features}, {"version", version}});
  } else {
    cli.output.print(fmt::format("{} features of {} version {} in {}", with_thousands(features), wanted.dataset,
                                 version, options.out));
  }
  return absl::OkStatus();
}

}  // namespace

void add_snapshot(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<SnapshotOptions>();
  CLI::App* verb = app.add_subcommand("snapshot", "all features of one version, into a file");
  verb->add_option("DATASET[@V]", options->dataset, "without @V the head")->required();
  verb->add_option("--as-of", options->as_of, "instead of @V: the last version committed by this time (RFC 3339)");
  verb->add_option("--out", options->out, ".gpkg, .fgb, .geojson or .geojsonl; replaced only when complete")
      ->required();
  add_view_options(*verb, options->see);
  verb->callback([&cli, options] { cli.run = [&cli, options] { return snapshot(cli, *options); }; });
}

}  // namespace lt::cli
