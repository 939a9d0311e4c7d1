#include "lienthong/receipt_output.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "lienthong/json_forms.hpp"

namespace lt::cli {
namespace {

void print_for_people(const Cli& cli, const feature::Receipt& receipt, const std::string& dataset, bool dry_run) {
  const auto version = dataset_version_of(receipt, dataset).version;
  std::string outcome = receipt.changed ? fmt::format("version {}", version)
                                        : fmt::format("nothing changed, the head stays version {}", version);
  if (dry_run) outcome = fmt::format("dry run, nothing was kept; head {}", version);
  const feature::Counts& counts = receipt.counts;
  cli.output.print(fmt::format("{}: {}", dataset, outcome));
  for (const auto& other : receipt.datasets) {
    if (other.dataset != dataset) cli.output.print(fmt::format("{}: version {}", other.dataset, other.version));
  }
  cli.output.print(fmt::format("  {} inserted, {} updated, {} deleted, {} unchanged", with_thousands(counts.inserted),
                               with_thousands(counts.updated), with_thousands(counts.deleted),
                               with_thousands(counts.unchanged)));
  if (counts.quarantined + counts.skipped + counts.collapsed > 0) {
    cli.output.print(fmt::format("  {} quarantined, {} skipped, {} collapsed", with_thousands(counts.quarantined),
                                 with_thousands(counts.skipped), with_thousands(counts.collapsed)));
  }
  for (const auto& addressed : receipt.datasets) {
    for (const auto& [source_crs, operation] : addressed.transformations) {
      cli.output.print(fmt::format("  {}: transformed from {} by {}", addressed.dataset, source_crs, operation));
    }
  }
  if (!receipt.areas.empty()) {
    cli.output.print(fmt::format("  touches {}", fmt::join(receipt.areas, ", ")));
  }
  if (counts.findings > 0) {
    cli.output.print(fmt::format("  {} findings: lienthong findings --attempt {}", with_thousands(counts.findings),
                                 receipt.attempt_id));
  }
  cli.output.print("  changeset " + receipt.changeset_id);
  if (!receipt.digest.empty()) cli.output.print("  digest    " + receipt.digest);
}

}  // namespace

void print_receipt(const Cli& cli, const feature::Receipt& receipt, const std::string& dataset, bool dry_run) {
  if (cli.output.json) {
    cli.output.print_json(push_result_to_json(receipt, dataset));
  } else {
    print_for_people(cli, receipt, dataset, dry_run);
  }
}

absl::Status with_changeset_id(const absl::Status& status, const std::string& id) {
  auto detail = error_detail(status).value_or(ErrorDetail{});
  detail.metadata["changeset_id"] = id;
  return make_error(status.code(), detail.reason, message_of(status), std::move(detail.metadata),
                    std::move(detail.violations));
}

}  // namespace lt::cli
