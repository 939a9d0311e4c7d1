#include "lienthong/command_push.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

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
#include "lienthong/receipt_output.hpp"
#include "sources/gdal_reader.hpp"
#include "wire/catalog.hpp"

namespace lt::cli {
namespace {

constexpr std::size_t kShownFindings = 100;
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
  std::string on_conflict = "reject";
  std::string scope_wkt;
  std::string scope_filter;
  std::vector<std::string> repairs;
  std::vector<std::string> only;
  std::optional<std::int64_t> base_version;
  bool snapshot = false;
  bool allow_mass_delete = false;
  bool quarantine = false;
  bool collapse_repeated = false;
  bool dry_run = false;
};

const std::map<std::string, feature::Repair> kRepairs{{"nfc", feature::Repair::kNfc},
                                                      {"promote-to-multi", feature::Repair::kPromoteToMulti}};

// A file without a field that is to be changed would empty it everywhere.
absl::Status check_only(sources::FileReader& reader, const feature::Schema& schema,
                        const std::vector<std::string>& only) {
  LT_ASSIGN_OR_RETURN(const auto inferred, reader.infer_schema());
  for (const std::string& name : only) {
    const bool is_geometry = name == "geometry";
    if (!is_geometry && schema.find(std::string_view(name)) == nullptr) {
      return usage_error("--only names '" + name + "', which is no field of the dataset");
    }
    const bool in_file =
        is_geometry ? !inferred.schema.geometry.types.empty() : inferred.schema.find(std::string_view(name)) != nullptr;
    if (!in_file) return usage_error("--only names '" + name + "', which the file does not have");
  }
  return absl::OkStatus();
}

// `state` with the fields of `only` alone.
feature::State only_state(const feature::State& state, const feature::Schema& schema,
                          const std::vector<std::string>& only) {
  feature::State out;
  for (const std::string& name : only) {
    const feature::Field* field = schema.find(std::string_view(name));
    if (field == nullptr) {
      out.geometry = state.geometry;
    } else if (const auto found = state.properties.find(field->number); found != state.properties.end()) {
      out.properties.insert(*found);
    }
  }
  return out;
}

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
    if (!options_.only.empty()) LT_RETURN_IF_ERROR(check_only(reader, schema, options_.only));
    LT_RETURN_IF_ERROR(reader.bind(schema));
    Progress progress("sending", reader.count_hint());
    LT_ASSIGN_OR_RETURN(auto publisher, open_publisher(client, header_for(schema, reader.crs()), schema, progress));
    const absl::Status sent = send_all(reader, schema, publisher);
    if (sent.ok()) progress.label("sent, the exchange is checking:");
    auto receipt = sent.ok() ? publisher.finish() : absl::StatusOr<feature::Receipt>(sent);
    resume_attempt_ = receipt.ok() ? std::string() : publisher.resumable_attempt();
    progress.clear();
    tell_warnings(reader);
    return receipt;
  }

  /// The exchange has answered at least once.
  bool reached() const { return reached_; }

 private:
  /// Goes on with what the attempt before had staged, if the exchange still has it.
  absl::StatusOr<client::Publisher> open_publisher(const client::Client& client, feature::ChangesetHeader header,
                                                   const feature::Schema& schema, Progress& progress) {
    const auto update = [&progress](std::int64_t received, std::int64_t) { progress.update(received); };
    header.resume_attempt_id = std::exchange(resume_attempt_, {});
    auto publisher = client::Publisher::open(client, header, schema, update);
    if (header.resume_attempt_id.empty() || error_reason(publisher.status()) != "ATTEMPT_UNKNOWN") return publisher;
    header.resume_attempt_id.clear();
    return client::Publisher::open(client, header, schema, update);
  }

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
    header.base_version = options_.base_version;
    header.scope_wkt = options_.scope_wkt;
    header.scope_filter = options_.scope_filter;
    if (options_.on_conflict == "skip") header.on_conflict = feature::ConflictPolicy::kSkipAndList;
    if (options_.quarantine) header.on_invalid = feature::InvalidPolicy::kQuarantine;
    for (const auto& [name, repair] : kRepairs) {
      const auto& asked = options_.repairs;
      if (std::find(asked.begin(), asked.end(), name) != asked.end()) header.repairs.push_back(repair);
    }
    std::sort(header.repairs.begin(), header.repairs.end());
    header.collapse_repeated = options_.collapse_repeated;
    return header;
  }

  absl::Status send_all(sources::FileReader& reader, const feature::Schema& schema, client::Publisher& publisher) {
    const auto& only = options_.only;
    while (true) {
      LT_ASSIGN_OR_RETURN(const auto feature, reader.next());
      if (!feature) return absl::OkStatus();
      if (only.empty()) {
        LT_RETURN_IF_ERROR(publisher.add(feature::ChangeOp::kUpsert, feature->id, std::nullopt, &feature->state));
      } else {
        const feature::State state = only_state(feature->state, schema, only);
        LT_RETURN_IF_ERROR(publisher.update(feature->id, std::nullopt, state, only));
      }
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
  std::string resume_attempt_;  ///< that broke off with something staged
  bool reached_ = false;
};

bool may_retry(const absl::Status& status) {
  const std::string reason = error_reason(status);
  const bool busy = reason == "SERVER_BUSY" || reason == "ORGANISATION_BUSY" || reason == "POOL_EXHAUSTED";
  return busy || absl::IsUnavailable(status) || absl::IsAborted(status);
}

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

// The first findings of a refused attempt, for the error object. What cannot be read is left out: the error says
// enough.
std::string findings_of(const Cli& cli, const absl::Status& status) {
  const auto detail = error_detail(status).value_or(ErrorDetail{});
  const auto attempt = detail.metadata.find("attempt_id");
  if (attempt == detail.metadata.end()) return {};
  nlohmann::ordered_json members;
  members["attempt_id"] = attempt->second;
  members["findings"] = nlohmann::ordered_json::array();
  const auto client = connect(cli);
  if (!client.ok()) return members.dump();
  ::lienthong::v1::ListFindingsRequest request;
  request.set_attempt_id(attempt->second);
  const auto listed = client->list_findings(request, [&](const ::lienthong::v1::Finding& finding) {
    members["findings"].push_back(finding_to_json(finding));
    return members["findings"].size() < kShownFindings;
  });
  if (!listed.ok()) members["findings"].clear();
  return members.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

absl::Status push(Cli& cli, PushOptions options) {
  if (!options.only.empty() && options.snapshot) {
    return usage_error("--only changes some fields of features that are there, --snapshot sends whole ones: give one");
  }
  const bool own_id = options.changeset_id.empty();
  if (own_id) options.changeset_id = "push/" + make_uuid7();
  const auto receipt = push_with_retries(cli, options);
  if (!receipt.ok()) {
    if (is_usage_error(receipt.status())) return receipt.status();
    if (own_id && may_retry(receipt.status())) {
      cli.output.note("to go on later without doing it twice: --changeset-id " + options.changeset_id);
    }
    if (cli.output.json) cli.error_members = findings_of(cli, receipt.status());
    return with_changeset_id(receipt.status(), options.changeset_id);
  }
  print_receipt(cli, *receipt, options.dataset, options.dry_run);
  return absl::OkStatus();
}

void add_policies(CLI::App& verb, PushOptions& options) {
  verb.add_option("--on-conflict", options.on_conflict, "reject (default) or skip what does not fit the stored state")
      ->check(CLI::IsMember({"reject", "skip"}));
  verb.add_flag("--quarantine", options.quarantine, "set invalid features aside instead of refusing everything");
  verb.add_option("--repair", options.repairs, "what may be repaired: nfc,promote-to-multi")
      ->delimiter(',')
      ->check(CLI::IsMember(kRepairs));
  verb.add_option("--base-version", options.base_version, "features changed after this version are conflicts")
      ->check(CLI::NonNegativeNumber);
  verb.add_flag("--collapse-repeated", options.collapse_repeated, "a feature that repeats counts as it stands last");
  verb.add_option("--only", options.only, "update just these fields of features that are there: lanes,geometry")
      ->delimiter(',');
  verb.add_option("--scope-wkt", options.scope_wkt, "with --snapshot: the area that the file is the whole of");
  verb.add_option("--scope-filter", options.scope_filter,
                  "with --snapshot: the file is the whole of what this condition (CQL2) holds for");
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
  add_policies(*verb, *options);
  verb->callback([&cli, options] { cli.run = [&cli, options] { return push(cli, *options); }; });
}

}  // namespace lt::cli
