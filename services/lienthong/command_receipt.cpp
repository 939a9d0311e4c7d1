#include "lienthong/command_receipt.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "client/receipt_check.hpp"

namespace lt::cli {
namespace {

nlohmann::ordered_json to_json(const client::CheckedReceipt& checked) {
  const feature::Receipt receipt = checked.receipt.value_or(feature::Receipt{});
  nlohmann::ordered_json json;
  json["ok"] = checked.problems.empty();
  json["commit_id"] = receipt.commit_id;
  json["changeset_id"] = receipt.changeset_id;
  json["organisation"] = receipt.organisation;
  json["datasets"] = nlohmann::ordered_json::array();
  for (const auto& made : receipt.datasets)
    json["datasets"].push_back({{"dataset", made.dataset}, {"version", made.version}});
  json["digest"] = receipt.digest;
  json["problems"] = nlohmann::ordered_json::array();
  for (const auto& problem : checked.problems)
    json["problems"].push_back({{"reason", problem.reason}, {"message", problem.message}});
  return json;
}

std::string to_text(const client::CheckedReceipt& checked) {
  const feature::Receipt receipt = checked.receipt.value_or(feature::Receipt{});
  std::string where;
  for (const auto& made : receipt.datasets)
    where += fmt::format("{}{} v{}", where.empty() ? "" : ", ", made.dataset, made.version);
  std::string text = fmt::format("{:<5} {} {}", checked.problems.empty() ? "OK" : "WRONG",
                                 where.empty() ? "a receipt without dataset" : where, receipt.changeset_id);
  for (const auto& problem : checked.problems) text += fmt::format("\n      {} ({})", problem.message, problem.reason);
  return text;
}

absl::StatusOr<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file) return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return make_error(absl::StatusCode::kNotFound, "FILE_NOT_FOUND", "cannot read the receipts in " + path,
                    {{"file", path}});
}

absl::Status verify(const Cli& cli, const std::string& path) {
  LT_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  const auto all = client::check_receipts(text);
  if (!all.ok()) return annotate(all.status(), path);
  for (const auto& checked : *all) {
    if (cli.output.json) {
      cli.output.print_json(to_json(checked));
    } else {
      cli.output.print(to_text(checked));
    }
  }
  const auto wrong = std::count_if(all->begin(), all->end(), [](const auto& one) { return !one.problems.empty(); });
  if (wrong == 0) return absl::OkStatus();
  return make_error(absl::StatusCode::kDataLoss, "RECEIPTS_UNPROVEN",
                    fmt::format("{} of {} receipts are not proven", wrong, all->size()),
                    {{"receipts", std::to_string(all->size())}, {"wrong", std::to_string(wrong)}});
}

}  // namespace

void add_receipt(CLI::App& app, Cli& cli) {
  CLI::App* family = app.add_subcommand("receipt", "receipts that were kept");
  family->require_subcommand(1);
  const auto path = std::make_shared<std::string>();
  CLI::App* verb = family->add_subcommand("verify", "check receipts without an exchange: digests and chain");
  verb->add_option("FILE", *path, "receipts as push, log, show or grpcurl print them, one or many")->required();
  verb->callback([&cli, path] { cli.run = [&cli, path] { return verify(cli, *path); }; });
}

}  // namespace lt::cli
