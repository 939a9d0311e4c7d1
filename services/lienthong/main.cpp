// The command line of the exchange. docs/cli.md is its contract.
#include <CLI/CLI.hpp>

#include "base/status.hpp"
#include "lienthong/cli.hpp"
#include "lienthong/command_area.hpp"
#include "lienthong/command_attempts.hpp"
#include "lienthong/command_blame.hpp"
#include "lienthong/command_dataset.hpp"
#include "lienthong/command_diff.hpp"
#include "lienthong/command_down.hpp"
#include "lienthong/command_log.hpp"
#include "lienthong/command_organisation.hpp"
#include "lienthong/command_push.hpp"
#include "lienthong/command_quarantine.hpp"
#include "lienthong/command_receipt.hpp"
#include "lienthong/command_revert.hpp"
#include "lienthong/command_sample.hpp"
#include "lienthong/command_snapshot.hpp"
#include "lienthong/command_status.hpp"
#include "lienthong/command_up.hpp"
#include "lienthong/command_watch.hpp"

namespace lt::cli {
namespace {

void add_everything(CLI::App& app, Cli& cli) {
  app.require_subcommand(1);
  app.fallthrough();  // the common options may stand after the verb too
  app.set_version_flag("--version", LIENTHONG_VERSION);
  app.add_option("--endpoint", cli.endpoint, "HOST:PORT of the exchange")
      ->envname("LIENTHONG_ENDPOINT")
      ->capture_default_str();
  app.add_option("--as", cli.organisation, "organisation that calls")->envname("LIENTHONG_ORGANISATION");
  app.add_flag("--json", cli.output.json, "results as JSON on standard output");
  add_up(app, cli);
  add_down(app, cli);
  add_organisation(app, cli);
  add_dataset(app, cli);
  add_area(app, cli);
  add_push(app, cli);
  add_revert(app, cli);
  add_attempts(app, cli);
  add_findings(app, cli);
  add_conflicts(app, cli);
  add_quarantine(app, cli);
  add_diff(app, cli);
  add_changes(app, cli);
  add_log(app, cli);
  add_show(app, cli);
  add_blame(app, cli);
  add_snapshot(app, cli);
  add_status(app, cli);
  add_watch(app, cli);
  add_receipt(app, cli);
  add_sample(app, cli);
}

// --help and --version are no errors; everything else is wrong usage.
int end_of_parsing(const CLI::App& app, Cli& cli, const CLI::ParseError& error, int argc, char** argv) {
  if (error.get_exit_code() == 0) return app.exit(error);
  // Parsing stopped early, perhaps before --json.
  for (int i = 1; i < argc; ++i) cli.output.json = cli.output.json || std::string_view(argv[i]) == "--json";
  cli.output.error(usage_error(error.what()));
  cli.output.note("see lienthong --help, lienthong VERB --help");
  return kExitUsage;
}

int finish(const Cli& cli, const absl::Status& status) {
  if (!status.ok()) cli.output.error(status, cli.error_members);
  const absl::Status flushed = cli.output.flush();
  if (!flushed.ok()) cli.output.note("error: " + message_of(flushed));
  if (status.ok() && flushed.ok()) return kExitDone;
  return is_usage_error(status) ? kExitUsage : kExitFailed;
}

}  // namespace
}  // namespace lt::cli

int main(int argc, char** argv) {
  lt::cli::Cli cli;
  CLI::App app("Liên Thông: publish, read and prove versions of spatial datasets", "lienthong");
  lt::cli::add_everything(app, cli);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return lt::cli::end_of_parsing(app, cli, error, argc, argv);
  }
  return lt::cli::finish(cli, cli.run());
}
