#include "lienthong/command_push.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "client/client.hpp"
#include "client/publisher.hpp"
#include "feature/change.hpp"
#include "lienthong/json_forms.hpp"
#include "lienthong/progress.hpp"
#include "sources/gdal_reader.hpp"
#include "wire/catalog.hpp"

namespace lt::cli {
namespace {

constexpr int kRetries = 6;
// Doubled each time up to the longest: half a minute in all, which a database that recovers may need.
constexpr std::chrono::milliseconds kFirstPause{500};
constexpr std::chrono::milliseconds kLongestPause{12'000};

struct PushOptions {
  std::string dataset;
  std::string file;
  std::string id_field;
  std::string layer;
  std::string crs;
  std::string changeset_id;
  std::string message;
  bool snapshot = false;
  bool allow_mass_delete = false;
  bool dry_run = false;
};

// One push: the file is read anew for each attempt, the changeset id stays the same.
class Push {
 public:
  Push(const Cli& cli, const PushOptions& options) : cli_(cli), options_(options) {}

  absl::StatusOr<feature::Receipt> attempt(const client::Client& client) {
    LT_ASSIGN_OR_RETURN(const auto dataset, client.get_dataset(options_.dataset));
    reached_ = true;
    LT_ASSIGN_OR_RETURN(const feature::Schema schema, wire::schema_from_proto(dataset.schema()));
    LT_ASSIGN_OR_RETURN(
        auto reader,
        sources::FileReader::open(
            {.path = options_.file, .layer = options_.layer, .id_field = options_.id_field, .crs = options_.crs}));
    LT_RETURN_IF_ERROR(reader.bind(schema));
    Progress progress("sending", reader.count_hint());
    LT_ASSIGN_OR_RETURN(auto publisher, client::Publisher::open(client, header_for(schema, reader.crs()), schema,
                                                                [&progress](std::int64_t received, std::int64_t) {
                                                                  progress.update(received);
                                                                }));
    LT_RETURN_IF_ERROR(send_all(reader, publisher));
    progress.label("sent, the exchange is checking:");
    auto receipt = publisher.finish();
    progress.clear();
    tell_warnings(reader);
    return receipt;
  }

  /// The exchange has answered at least once.
  bool reached() const { return reached_; }

 private:
  feature::ChangesetHeader header_for(const feature::Schema& schema, const std::string& file_crs) const {
    feature::ChangesetHeader header;
    header.changeset_id = options_.changeset_id;
    header.dataset = options_.dataset;
    header.kind = options_.snapshot ? feature::ChangesetKind::kSnapshot : feature::ChangesetKind::kChanges;
    // A file without geometry has no CRS that could disagree.
    header.crs = file_crs == schema.crs ? std::string() : file_crs;
    header.allow_mass_delete = options_.allow_mass_delete;
    header.message = options_.message;
    header.dry_run = options_.dry_run;
    return header;
  }

  static absl::Status send_all(sources::FileReader& reader, client::Publisher& publisher) {
    while (true) {
      LT_ASSIGN_OR_RETURN(const auto feature, reader.next());
      if (!feature) return absl::OkStatus();
      LT_RETURN_IF_ERROR(publisher.add(feature::ChangeOp::kUpsert, feature->id, std::nullopt, &feature->state));
    }
  }

  void tell_warnings(const sources::FileReader& reader) {
    for (const std::string& warning : reader.warnings()) {
      if (told_.insert(warning).second) cli_.output.note("warning: " + warning);
    }
  }

  const Cli& cli_;
  const PushOptions& options_;
  std::set<std::string> told_;
  bool reached_ = false;
};

bool may_retry(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsAborted(status); }

absl::StatusOr<feature::Receipt> push_with_retries(const Cli& cli, const PushOptions& options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  Push push(cli, options);
  auto pause = kFirstPause;
  for (int retry = 0;; ++retry) {
    auto receipt = push.attempt(client);
    if (receipt.ok() || retry == kRetries || !may_retry(receipt.status())) return receipt;
    // Nobody at the endpoint from the start: more likely a wrong address than an exchange about to come back.
    if (!push.reached() && error_reason(receipt.status()) == "EXCHANGE_UNREACHABLE") return receipt;
    cli.output.note(fmt::format("{}; trying again in {} ms ({} of {})", message_of(receipt.status()), pause.count(),
                                retry + 1, kRetries));
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

// The error with the id that a retry should name.
absl::Status with_changeset_id(const absl::Status& status, const std::string& id) {
  auto detail = error_detail(status).value_or(ErrorDetail{});
  detail.metadata["changeset_id"] = id;
  return make_error(status.code(), detail.reason, message_of(status), std::move(detail.metadata),
                    std::move(detail.violations));
}

void print_for_people(const Cli& cli, const PushOptions& options, const feature::Receipt& receipt) {
  const auto version = dataset_version_of(receipt, options.dataset).version;
  std::string outcome = receipt.changed ? fmt::format("version {}", version)
                                        : fmt::format("nothing changed, the head stays version {}", version);
  if (options.dry_run) outcome = fmt::format("dry run, nothing was kept; head {}", version);
  const feature::Counts& counts = receipt.counts;
  cli.output.print(fmt::format("{}: {}", options.dataset, outcome));
  cli.output.print(fmt::format("  {} inserted, {} updated, {} deleted, {} unchanged", with_thousands(counts.inserted),
                               with_thousands(counts.updated), with_thousands(counts.deleted),
                               with_thousands(counts.unchanged)));
  if (counts.quarantined + counts.skipped > 0) {
    cli.output.print(fmt::format("  {} quarantined, {} skipped", with_thousands(counts.quarantined),
                                 with_thousands(counts.skipped)));
  }
  cli.output.print("  changeset " + receipt.changeset_id);
  if (!receipt.digest.empty()) cli.output.print("  digest    " + receipt.digest);
}

absl::Status push(const Cli& cli, PushOptions options) {
  const bool own_id = options.changeset_id.empty();
  if (own_id) options.changeset_id = "push/" + make_uuid7();
  const auto receipt = push_with_retries(cli, options);
  if (!receipt.ok()) {
    if (is_usage_error(receipt.status())) return receipt.status();
    if (own_id && may_retry(receipt.status())) {
      cli.output.note("to go on later without doing it twice: --changeset-id " + options.changeset_id);
    }
    return with_changeset_id(receipt.status(), options.changeset_id);
  }
  if (cli.output.json) {
    cli.output.print_json(push_result_to_json(*receipt, options.dataset));
  } else {
    print_for_people(cli, options, *receipt);
  }
  return absl::OkStatus();
}

}  // namespace

void add_push(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<PushOptions>();
  CLI::App* verb = app.add_subcommand("push", "publish the features of a file as one version");
  verb->add_option("DATASET", options->dataset)->required();
  verb->add_option("FILE", options->file, "any vector file that GDAL reads, also gzipped GeoJSON")->required();
  verb->add_option("--id-field", options->id_field, "field that holds the feature id (else the file's own id)");
  verb->add_option("--layer", options->layer, "layer of the file, when it has several");
  verb->add_option("--crs", options->crs, "EPSG:n of the file, where it names none or a wrong one");
  verb->add_flag("--snapshot", options->snapshot, "the file is the whole dataset: what is not in it is deleted");
  verb->add_flag("--allow-mass-delete", options->allow_mass_delete, "with --snapshot: it may delete over 10 %");
  verb->add_flag("--dry-run", options->dry_run, "check and count, keep nothing");
  verb->add_option("--changeset-id", options->changeset_id, "name of this push; repeated, it has its effect once");
  verb->add_option("--message", options->message, "why, for people");
  verb->callback([&cli, options] { cli.run = [&cli, options] { return push(cli, *options); }; });
}

}  // namespace lt::cli
