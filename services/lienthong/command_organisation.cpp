#include "lienthong/command_organisation.hpp"

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/json_forms.hpp"

namespace lt::cli {
namespace {

struct CreateOptions {
  std::string name;
  std::string title;
};

absl::Status create(const Cli& cli, const CreateOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto organisation, client.create_organisation(options.name, options.title));
  if (cli.output.json) {
    cli.output.print_json(organisation_to_json(organisation));
  } else {
    cli.output.print("created organisation " + organisation.name());
  }
  return absl::OkStatus();
}

absl::Status list(const Cli& cli) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  LT_ASSIGN_OR_RETURN(const auto organisations, client.list_organisations());
  for (const auto& organisation : organisations) {
    if (cli.output.json) {
      cli.output.print_json(organisation_to_json(organisation));
    } else {
      cli.output.print(fmt::format("{:<32} {}", organisation.name(), organisation.title()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void add_organisation(CLI::App& app, Cli& cli) {
  CLI::App* family = app.add_subcommand("organisation", "who takes part");
  family->require_subcommand(1);

  const auto options = std::make_shared<CreateOptions>();
  CLI::App* verb = family->add_subcommand("create", "register an organisation (as operator)");
  verb->add_option("NAME", options->name, "by role: environment, province-51")->required();
  verb->add_option("--title", options->title, "for people");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return create(cli, *options); }; });

  family->add_subcommand("list", "all organisations, by name")->callback([&cli] {
    cli.run = [&cli] { return list(cli); };
  });
}

}  // namespace lt::cli
