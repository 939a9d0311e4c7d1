#include "lienthong/command_attempts.hpp"

#include <cstdint>
#include <limits>
#include <map>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/status.hpp"
#include "client/client.hpp"
#include "lienthong/json_forms.hpp"
#include "lienthong/versions.hpp"

namespace lt::cli {
namespace {

namespace v1 = ::lienthong::v1;

constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

struct AttemptsOptions {
  std::string attempt;
  v1::ListAttemptsRequest filter;
  std::string outcome;
  std::int64_t limit = kNoLimit;
};

struct FindingsOptions {
  std::string dataset_at;
  v1::ListFindingsRequest request;
  std::string severity;
  std::int64_t limit = kNoLimit;
};

const std::map<std::string, v1::Severity> kSeverities{
    {"error", v1::SEVERITY_ERROR}, {"warning", v1::SEVERITY_WARNING}, {"info", v1::SEVERITY_INFO}};
const std::map<std::string, v1::AttemptOutcome> kOutcomes{{"accepted", v1::ATTEMPT_OUTCOME_ACCEPTED},
                                                          {"refused", v1::ATTEMPT_OUTCOME_REFUSED},
                                                          {"dry-run", v1::ATTEMPT_OUTCOME_DRY_RUN},
                                                          {"broken-off", v1::ATTEMPT_OUTCOME_BROKEN_OFF}};

void print_attempt(const Cli& cli, const v1::Attempt& attempt) {
  const auto json = attempt_to_json(attempt);
  if (cli.output.json) return cli.output.print_json(json);
  cli.output.print(fmt::format("{}  {:<10} {:<32} {} {} changes{}{}", attempt.attempt_id(),
                               json["outcome"].get<std::string>(), attempt.dataset(), attempt.changeset_id(),
                               with_thousands(attempt.received()), attempt.reason().empty() ? "" : "  ",
                               attempt.reason()));
}

absl::Status attempts(const Cli& cli, AttemptsOptions options) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  if (!options.attempt.empty()) {
    LT_ASSIGN_OR_RETURN(const auto attempt, client.get_attempt(options.attempt));
    print_attempt(cli, attempt);
    return absl::OkStatus();
  }
  if (!options.outcome.empty()) options.filter.set_outcome(kOutcomes.at(options.outcome));
  std::int64_t lines = 0;
  return client.list_attempts(options.filter, [&](const v1::Attempt& attempt) {
    print_attempt(cli, attempt);
    return ++lines < options.limit;
  });
}

void print_finding(const Cli& cli, const v1::Finding& finding) {
  const auto json = finding_to_json(finding);
  if (cli.output.json) return cli.output.print_json(json);
  cli.output.print(fmt::format("{:<7} {} {}{}{}: {} / {}", json["severity"].get<std::string>(), finding.rule(),
                               finding.feature_id(), finding.field().empty() ? "" : " ", finding.field(),
                               finding.message_vi(), finding.message_en()));
}

absl::Status findings(const Cli& cli, FindingsOptions options) {
  if (options.dataset_at.empty() == options.request.attempt_id().empty()) {
    return usage_error("findings names one submission: DATASET or DATASET@V, or --attempt ID");
  }
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  if (!options.dataset_at.empty()) {
    LT_ASSIGN_OR_RETURN(const DatasetAt at, parse_dataset_at(options.dataset_at));
    options.request.set_dataset(at.dataset);
    options.request.set_version(at.version.value_or(0));
    if (!at.version) {
      LT_ASSIGN_OR_RETURN(const auto dataset, client.get_dataset(at.dataset));
      options.request.set_version(dataset.head());
    }
  }
  if (!options.severity.empty()) options.request.set_severity(kSeverities.at(options.severity));
  std::int64_t lines = 0;
  return client.list_findings(options.request, [&](const v1::Finding& finding) {
    print_finding(cli, finding);
    return ++lines < options.limit;
  });
}

absl::Status conflicts(const Cli& cli, const std::string& attempt) {
  LT_ASSIGN_OR_RETURN(const auto client, connect(cli));
  return client.list_conflicts(attempt, [&](const v1::Conflict& conflict) {
    const auto json = conflict_to_json(conflict);
    if (cli.output.json) {
      cli.output.print_json(json);
      return true;
    }
    const std::string expected =
        conflict.has_expected_version() ? fmt::format(", expected {}", conflict.expected_version()) : "";
    cli.output.print(fmt::format("{} {} {}: found version {} by {}{}", conflict.dataset(), conflict.feature_id(),
                                 json["kind"].get<std::string>(), conflict.found_version(),
                                 conflict.found_organisation(), expected));
    return true;
  });
}

// An option for a field of a request, which is set by a function.
template <typename Set>
CLI::Option* add_text(CLI::App& verb, const std::string& name, const std::string& help, Set set) {
  return verb.add_option_function<std::string>(name, set, help);
}

}  // namespace

void add_attempts(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<AttemptsOptions>();
  CLI::App* verb = app.add_subcommand("attempts", "what became of submissions, newest first");
  verb->add_option("--attempt", options->attempt, "only this one");
  add_text(*verb, "--dataset", "only of this dataset", [options](const auto& v) { options->filter.set_dataset(v); });
  add_text(*verb, "--changeset-id", "only with this id",
           [options](const auto& v) { options->filter.set_changeset_id(v); });
  add_text(*verb, "--organisation", "only of this organisation (as operator; else the caller's)",
           [options](const auto& v) { options->filter.set_organisation(v); });
  verb->add_option("--outcome", options->outcome, "only these")->check(CLI::IsMember(kOutcomes));
  verb->add_option("--limit", options->limit, "the newest N only")->check(CLI::PositiveNumber);
  verb->callback([&cli, options] { cli.run = [&cli, options] { return attempts(cli, *options); }; });
}

void add_findings(CLI::App& app, Cli& cli) {
  const auto options = std::make_shared<FindingsOptions>();
  CLI::App* verb = app.add_subcommand("findings", "what was found wrong, changed or noticed in a submission");
  verb->add_option("DATASET[@V]", options->dataset_at, "the changeset that made a version; without @V the head");
  add_text(*verb, "--attempt", "or a submission, also one that was refused",
           [options](const auto& v) { options->request.set_attempt_id(v); });
  verb->add_option("--severity", options->severity, "only these")->check(CLI::IsMember(kSeverities));
  add_text(*verb, "--rule", "only of this rule", [options](const auto& v) { options->request.set_rule(v); });
  add_text(*verb, "--feature", "only of this feature",
           [options](const auto& v) { options->request.set_feature_id(v); });
  verb->add_option("--limit", options->limit, "the first N only")->check(CLI::PositiveNumber);
  verb->callback([&cli, options] { cli.run = [&cli, options] { return findings(cli, *options); }; });
}

void add_conflicts(CLI::App& app, Cli& cli) {
  const auto attempt = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand("conflicts", "changes of a submission that did not fit the stored state");
  verb->add_option("--attempt", *attempt, "the submission")->required();
  verb->callback([&cli, attempt] { cli.run = [&cli, attempt] { return conflicts(cli, *attempt); }; });
}

}  // namespace lt::cli
