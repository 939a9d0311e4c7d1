#include "lienthong/command_sample.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "lienthong/progress.hpp"
#include "sources/gdal_writer.hpp"
#include "sources/sample.hpp"
#include "sources/sample_areas.hpp"

namespace lt::cli {
namespace {

constexpr std::int64_t kDefaultCount = 1000;
constexpr const char* kAreas = "areas";

struct Options {
  sources::SampleOptions sample;
  std::int64_t edits = 0;
  int rounds = 1;
  std::string out;
};

// What the rounds of edits made of the sample. Memory goes with the number of edits, not of features.
struct Edited {
  std::unordered_map<std::string, std::optional<feature::State>> states;  // by id; none = deleted
  std::vector<std::string> inserted;                                      // in order
};

absl::StatusOr<Edited> edit_sample(const Options& options) {
  Edited edited;
  for (int round = 1; options.edits > 0 && round <= options.rounds; ++round) {
    LT_ASSIGN_OR_RETURN(auto edits, sources::SampleEdits::create(options.sample, round, options.edits));
    while (true) {
      LT_ASSIGN_OR_RETURN(auto edit, edits.next());
      if (!edit) break;
      if (edit->op == feature::ChangeOp::kInsert) edited.inserted.push_back(edit->id);
      std::optional<feature::State> state;
      if (edit->op != feature::ChangeOp::kDelete) state = std::move(edit->state);
      edited.states.insert_or_assign(std::move(edit->id), std::move(state));
    }
  }
  return edited;
}

absl::Status write_state(sources::FileWriter& writer, const std::string& id, const std::optional<feature::State>& state,
                         std::int64_t& written) {
  if (!state) return absl::OkStatus();
  ++written;
  return writer.write(id, *state);
}

absl::StatusOr<std::int64_t> write_sample(const Options& options, sources::SampleGenerator& generator,
                                          sources::FileWriter& writer) {
  LT_ASSIGN_OR_RETURN(const Edited edited, edit_sample(options));
  Progress progress("writing", options.sample.count);
  std::int64_t written = 0;
  while (true) {
    LT_ASSIGN_OR_RETURN(auto feature, generator.next());
    if (!feature) break;
    const auto changed = edited.states.find(feature->id);
    const bool kept = changed == edited.states.end();
    LT_RETURN_IF_ERROR(
        write_state(writer, feature->id, kept ? std::optional(std::move(feature->state)) : changed->second, written));
    progress.update(written);
  }
  for (const std::string& id : edited.inserted) {
    LT_RETURN_IF_ERROR(write_state(writer, id, edited.states.at(id), written));
  }
  return written;
}

absl::StatusOr<std::int64_t> write_areas(sources::FileWriter& writer) {
  std::int64_t written = 0;
  for (sources::SampleArea& area : sources::sample_areas()) {
    feature::State state;
    state.geometry = std::move(area.polygon);
    state.properties[1] = area.code;
    state.properties[2] = std::move(area.name);
    LT_RETURN_IF_ERROR(writer.write(area.code, state));
    ++written;
  }
  return written;
}

absl::Status sample_borders(const Cli& cli, const std::string& out) {
  const feature::Schema schema = sources::sample_area_schema();
  LT_ASSIGN_OR_RETURN(auto writer, sources::FileWriter::create(out, schema, kAreas));
  LT_ASSIGN_OR_RETURN(const std::int64_t areas, write_areas(writer));
  LT_RETURN_IF_ERROR(writer.finish());
  if (cli.output.json) {
    cli.output.print_json(
        nlohmann::ordered_json{{"kind", kAreas}, {"features", areas}, {"crs", schema.crs}, {"file", out}});
  } else {
    cli.output.print(fmt::format("{} areas with invented borders in {}, {}", areas, schema.crs, out));
  }
  return absl::OkStatus();
}

absl::Status sample(const Cli& cli, const Options& options) {
  if (options.sample.kind == kAreas) return sample_borders(cli, options.out);
  LT_ASSIGN_OR_RETURN(auto generator, sources::SampleGenerator::create(options.sample));
  LT_ASSIGN_OR_RETURN(auto writer, sources::FileWriter::create(options.out, generator.schema(), options.sample.kind));
  LT_ASSIGN_OR_RETURN(const std::int64_t features, write_sample(options, generator, writer));
  LT_RETURN_IF_ERROR(writer.finish());
  if (cli.output.json) {
    cli.output.print_json(nlohmann::ordered_json{{"kind", options.sample.kind},
                                                 {"features", features},
                                                 {"crs", generator.schema().crs},
                                                 {"seed", options.sample.seed},
                                                 {"file", options.out}});
  } else {
    cli.output.print(fmt::format("{} {} in {}, {}", with_thousands(features), options.sample.kind,
                                 generator.schema().crs, options.out));
  }
  return absl::OkStatus();
}

}  // namespace

void add_sample(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<Options>();
  options->sample.count = kDefaultCount;
  CLI::App* verb = app.add_subcommand("sample", "write invented, realistic data: the same for the same options");
  verb->add_option("KIND", options->sample.kind,
                   "stations, roads, parcels, or areas: the 34 provinces with invented borders")
      ->required();
  verb->add_option("--count", options->sample.count, "features")->capture_default_str();
  verb->add_option("--seed", options->sample.seed, "another seed, other data")->capture_default_str();
  verb->add_option("--province", options->sample.province_code, "code of ADM-2025")->capture_default_str();
  verb->add_option("--crs", options->sample.crs, "EPSG:n (else the province's VN-2000 zone)");
  verb->add_option("--edits", options->edits, "edits of one round: 70 % updates, 20 % inserts, 10 % deletes")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()));
  verb->add_option("--rounds", options->rounds, "with --edits: the state after so many rounds")
      ->check(CLI::Range(1, std::numeric_limits<int>::max()))
      ->capture_default_str();
  verb->add_option("--out", options->out, ".gpkg, .fgb, .geojson or .geojsonl")->required();
  verb->callback([&cli, options] { cli.run = [&cli, options] { return sample(cli, *options); }; });
}

}  // namespace lt::cli
