#include "history/run/readers.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include "history/run/planner.hpp"
#include "history/run/sql_reader.hpp"

namespace lt::history {
namespace {

// Polling without any pause would leave the publishers little of a small machine.
constexpr std::chrono::milliseconds kPause{5};

void pause() { std::this_thread::sleep_for(kPause); }

// What was is not to change: the state of an old version, or the difference of two.
void read_old(Client& client, const std::string& dataset, std::int64_t known, std::mt19937_64& random) {
  const auto pick = [&] { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(known + 1)); };
  if (random() % 2 == 0) {
    client.read_snapshot(dataset, pick());
    return;
  }
  const auto [from, to] = std::minmax({pick(), pick()});
  client.read_old_diff(dataset, from, to);
}

}  // namespace

void run_diff_reader(const ReaderOptions& options, const std::atomic<bool>& stop) {
  Journal journal(options.directory, options.name);
  Client client(options.endpoint, journal);
  std::map<std::string, std::string> cursors;
  for (; !stop; pause()) {
    for (const auto& dataset : datasets()) client.read_diff(dataset, cursors[dataset]);
  }
}

void run_mixed_reader(const ReaderOptions& options, const std::atomic<bool>& stop) {
  constexpr int kKinds = 5;
  Journal journal(options.directory, options.name);
  Client client(options.endpoint, journal);
  std::mt19937_64 random(options.seed);
  std::map<std::string, std::int64_t> versions;
  for (; !stop; pause()) {
    const std::string dataset = datasets()[random() % 2];
    auto& version = versions[dataset];
    switch (random() % kKinds) {
      case 0: version = client.read_changes(dataset, version); break;
      case 1: client.read_snapshot(dataset); break;
      case 2: client.get_feature(dataset, others()[random() % others().size()]); break;
      default: read_old(client, dataset, version, random);
    }
  }
}

void run_watcher(const ReaderOptions& options, const std::atomic<bool>& stop) {
  const auto names = datasets();
  Journal journal(options.directory, options.name);
  Client(options.endpoint, journal).watch_heads({names.begin(), names.end()}, stop);
}

void run_sql_reader(const ReaderOptions& options, const std::string& url, bool standby, const std::atomic<bool>& stop) {
  Journal journal(options.directory, options.name);
  SqlReader reader(journal, url, standby);
  for (bool one_statement = false; !stop; pause()) {
    one_statement = !one_statement;
    reader.read(one_statement);
  }
}

void read_everything(const ReaderOptions& options, const std::string& url) {
  Journal journal(options.directory, options.name);
  Client client(options.endpoint, journal);
  for (const auto& dataset : datasets()) {
    client.list_receipts(dataset);
    client.read_changes(dataset, 0);
    client.read_snapshot(dataset);
    std::string cursor;
    client.read_diff(dataset, cursor);
    for (const auto& id : counters()) client.get_feature(dataset, id);
    for (const auto& id : others()) client.get_feature(dataset, id);
  }
  SqlReader reader(journal, url, false);
  reader.read(true);
  reader.read(false);
}

}  // namespace lt::history
