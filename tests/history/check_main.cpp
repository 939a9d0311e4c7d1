// lt_history_check: judges one run by its clients' logs alone. Exit 0 when every promise was kept, 1 when one was not
// or the run is too small to say, 2 when the logs cannot be read.
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/status.hpp"
#include "history/checker.hpp"

namespace {

constexpr std::size_t kMostShown = 20;
constexpr int kBroken = 1;
constexpr int kUnreadable = 2;

// A run that did nothing keeps every promise: what must have happened is said by the caller.
bool has_enough(const lt::history::Report& report, const std::vector<std::string>& required) {
  bool enough = true;
  for (const auto& one : required) {
    const auto split = one.rfind('=');
    const auto name = one.substr(0, split);
    const auto found = report.counts.find(name);
    const std::int64_t count = found == report.counts.end() ? 0 : found->second;
    if (split != std::string::npos && count >= std::stoll(one.substr(split + 1))) continue;
    std::cout << "too little: " << name << " is " << count << ", required: " << one << '\n';
    enough = false;
  }
  return enough;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Judges a history of concurrent publishers and readers by their own logs.");
  std::vector<std::string> logs;
  std::vector<std::string> required;
  app.add_option("LOG", logs, "JSON lines written by lt_history_run")->required();
  app.add_option("--require", required, "NAME=N: a line of the summary that must be at least N; repeatable")
      ->allow_extra_args(false);
  CLI11_PARSE(app, argc, argv);

  const auto history = lt::history::read_logs(logs);
  if (!history.ok()) {
    std::cerr << lt::message_of(history.status()) << '\n';
    return kUnreadable;
  }
  const auto report = lt::history::check(*history);
  lt::history::print(*history, report, kMostShown, std::cout);
  const bool enough = has_enough(report, required);
  return report.violations.empty() && enough ? 0 : kBroken;
}
