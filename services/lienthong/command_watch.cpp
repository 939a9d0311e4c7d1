#include "lienthong/command_watch.hpp"

#include <memory>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/json_forms.hpp"
#include "lienthong/v1/exchange_service.pb.h"

namespace lt::cli {
namespace {

absl::Status watch(const Cli& cli, const std::vector<std::string>& datasets) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  absl::Status written;
  LT_RETURN_IF_ERROR(client.watch_heads(datasets, [&](const ::lienthong::v1::DatasetHead& head) {
    const auto json = head_to_json(head);
    if (cli.output.json) {
      cli.output.print_json(json);
    } else {
      const std::string when = json["committed_at"].is_string() ? json["committed_at"].get<std::string>() : "never";
      cli.output.print(fmt::format("{:<40} v{:<6} {}", head.dataset(), head.version(), when));
    }
    written = cli.output.flush();  // whoever reads this waits for each line
    return written.ok();
  }));
  return written;
}

}  // namespace

void add_watch(CLI::App& app, Cli& cli) {
  const auto datasets = std::make_shared<std::vector<std::string>>();
  CLI::App* verb = app.add_subcommand("watch", "the heads of datasets, and every new one as it comes, until stopped");
  verb->add_option("DATASET", *datasets, "none = all, also those created later");
  verb->callback([&cli, datasets] { cli.run = [&cli, datasets] { return watch(cli, *datasets); }; });
}

}  // namespace lt::cli
