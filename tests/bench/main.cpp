// lt_bench WORK --endpoint HOST:PORT --database URL --dataset NAME: prints {"ours": [...], "limit": [...]}.
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "base/status.hpp"
#include "works.hpp"

int main(int argc, char** argv) {
  using namespace lt::bench;
  const std::map<std::string, absl::StatusOr<Figures> (*)(const Options&)> works{
      {"changesets", time_changesets}, {"single", rate_single_changes}, {"diff", rate_diff},
      {"snapshot", rate_snapshot},     {"area", time_area_diff},        {"filter", time_filter_diff},
      {"transform", rate_transform}};
  Options options;
  std::string work;
  CLI::App app("Times one work beside PostgreSQL's own limit on the same server");
  app.add_option("WORK", work, "changesets, single, diff, snapshot, area, filter or transform")
      ->required()
      ->check(CLI::IsMember(works));
  app.add_option("--endpoint", options.endpoint, "of the exchange")->required();
  app.add_option("--database", options.database, "of the same exchange")->required();
  app.add_option("--dataset", options.dataset, "its name; for `single` the start of its name")->required();
  app.add_option("--size", options.size, "changes of one changeset")->capture_default_str();
  app.add_option("--versions", options.versions, "of a diff, up to the head")->capture_default_str();
  app.add_option("--runs", options.runs, "figures")->capture_default_str();
  app.add_option("--publishers", options.publishers, "at once")->capture_default_str();
  app.add_option("--seconds", options.seconds, "of one run of `single`")->capture_default_str();
  app.add_flag("--old", options.old_version, "snapshot of version 1 instead of the head");
  app.add_option("--area-wkt", options.area_wkt, "of `area`, in the dataset's CRS");
  app.add_option("--filter", options.filter, "of `filter`, CQL2 text");
  app.add_flag("--alone", options.alone, "changesets and diffs without their limit");
  CLI11_PARSE(app, argc, argv);
  if (const auto quiet = lt::init_logging({.level = "error"}); !quiet.ok()) return 1;
  const auto figures = works.at(work)(options);
  if (!figures.ok()) {
    std::cerr << "lt_bench: " << lt::message_of(figures.status()) << '\n';
    return 1;
  }
  std::cout << nlohmann::json{{"ours", figures->ours}, {"limit", figures->limit}}.dump() << '\n';
  return 0;
}
