#include "lienthong/command_status.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/json_forms.hpp"

namespace lt::cli {
namespace {

absl::Status print_as_json(const Cli& cli, const std::vector<::lienthong::v1::Dataset>& datasets) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const auto& dataset : datasets) {
    LT_ASSIGN_OR_RETURN(auto json, dataset_to_json(dataset));
    list.push_back(std::move(json));
  }
  // Whoever answered this has reached its database.
  cli.output.print_json(
      nlohmann::ordered_json{{"endpoint", cli.endpoint}, {"health", "SERVING"}, {"datasets", std::move(list)}});
  return absl::OkStatus();
}

absl::Status status(const Cli& cli) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto datasets, client.list_datasets());
  if (cli.output.json) return print_as_json(cli, datasets);
  cli.output.print(fmt::format("exchange {}: serving, {} datasets", cli.endpoint, datasets.size()));
  for (const auto& dataset : datasets) {
    LT_ASSIGN_OR_RETURN(const auto json, dataset_to_json(dataset));
    const std::string changed = json["changed_at"].is_string() ? json["changed_at"].get<std::string>() : "never";
    cli.output.print(fmt::format("{:<40} {:<20} v{:<6} {:>12} features  changed {}", dataset.name(), dataset.owner(),
                                 dataset.head(), with_thousands(dataset.feature_count()), changed));
  }
  return absl::OkStatus();
}

}  // namespace

void add_status(CLI::App& app, Cli& cli) {
  app.add_subcommand("status", "is the exchange there, and where its datasets stand")->callback([&cli] {
    cli.run = [&cli] { return status(cli); };
  });
}

}  // namespace lt::cli
