// lt_history_run: publishers and readers against a real exchange over loopback sockets; each writes down what it does
// into DIRECTORY/NAME.jsonl. Whether the exchange kept its promises is for lt_history_check to say.
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/log.hpp"
#include "base/status.hpp"
#include "exchange/exchange.hpp"
#include "history/run/database.hpp"
#include "history/run/publisher.hpp"
#include "history/run/readers.hpp"

namespace lt::history {
namespace {

constexpr std::uint64_t kSeedStep = 1000;

struct Options {
  std::string directory;
  int publishers = 4;
  int commits = 200;
  int seconds = 35;
  int exchanges = 2;
  std::uint64_t seed = 1;
  bool standby = false;
};

exchange::Config exchange_config(const Database& database) {
  exchange::Config config;
  config.listen = "127.0.0.1:0";
  config.metrics_listen = "127.0.0.1:0";
  config.database = database.url();
  config.database_read = database.standby_url();
  config.publish_memory_bytes = 2048;  // so that a snapshot of these small datasets is staged in a table
  config.staging_piece_bytes = 1024;
  config.stream_page_bytes = 1024;  // so that one is read in several transactions
  config.stream_chunk_bytes = 1024;
  return config;
}

// Several exchanges on one database: what keeps their promises must be the database, not one process.
class Exchanges {
 public:
  Exchanges(const exchange::Config& config, int count) {
    for (int i = 0; i < count; ++i) {
      auto started = exchange::Exchange::start(config);
      if (!started.ok()) throw std::runtime_error(message_of(started.status()));
      running_.push_back(*std::move(started));
    }
  }
  /// One after another, again and again.
  [[nodiscard]] const std::string& endpoint(std::size_t number) const {
    return running_[number % running_.size()]->address();
  }

 private:
  std::vector<std::unique_ptr<exchange::Exchange>> running_;
};

void write_config(const std::string& directory) {
  Journal(directory, "config")
      .write({{"event", "config"}, {"datasets", datasets()}, {"counters", counters()}, {"pairs", pairs()}});
}

void begin(const std::string& endpoint, const std::string& directory) {
  Journal journal(directory, "first");
  Client client(endpoint, journal);
  const auto names = datasets();
  client.set_up({names.begin(), names.end()});
  if (client.publish(first_changeset()).outcome != Outcome::kOk) {
    throw std::runtime_error("the first changeset was not accepted");
  }
}

std::vector<std::jthread> start_readers(const Options& options, const Exchanges& exchanges, const Database& database,
                                        const std::atomic<bool>& stop) {
  std::uint64_t readers = 0;
  const auto reader = [&](const std::string& name) {
    ++readers;
    return ReaderOptions{exchanges.endpoint(readers), options.directory, name, options.seed * kSeedStep + readers};
  };
  std::vector<std::jthread> threads;
  const auto start = [&](auto run, const ReaderOptions& one) {
    threads.emplace_back([run, one, &stop] { run(one, stop); });
  };
  start(run_diff_reader, reader("diff"));
  start(run_watcher, reader("watch-0"));
  start(run_watcher, reader("watch-1"));
  start(run_mixed_reader, reader("mixed-0"));
  start(run_mixed_reader, reader("mixed-1"));
  threads.emplace_back([one = reader("sql"), url = database.url(), &stop] { run_sql_reader(one, url, false, stop); });
  if (!options.standby) return threads;
  threads.emplace_back(
      [one = reader("standby"), url = database.standby_url(), &stop] { run_sql_reader(one, url, true, stop); });
  return threads;
}

void run_publishers(const Options& options, const Exchanges& exchanges) {
  constexpr std::uint64_t kPublisherSalt = 100;
  constexpr std::chrono::milliseconds kLook{20};
  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  std::atomic<int> working = options.publishers;
  for (int i = 0; i < options.publishers; ++i) {
    const auto number = static_cast<std::size_t>(i);
    const PublisherOptions publisher{exchanges.endpoint(number), options.directory, "p" + std::to_string(i),
                                     options.seed * kSeedStep + kPublisherSalt + number, options.commits};
    threads.emplace_back([publisher, &stop, &working] {
      run_publisher(publisher, stop);
      --working;
    });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  while (working > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kLook);
  }
  stop = true;
}

void run(const Options& options) {
  std::filesystem::create_directories(options.directory);
  write_config(options.directory);
  const Database database(options.standby);
  const auto config = exchange_config(database);
  {
    const Exchanges exchanges(config, options.exchanges);
    begin(exchanges.endpoint(0), options.directory);
    std::atomic<bool> stop = false;
    const auto readers = start_readers(options, exchanges, database, stop);
    run_publishers(options, exchanges);
    stop = true;
    stop.notify_all();
  }
  // Calls that their clients gave up have ended when the exchanges have stopped: now nothing changes any more.
  const Exchanges again(config, 1);
  read_everything({again.endpoint(0), options.directory, "final", 0}, database.url());
}

}  // namespace
}  // namespace lt::history

int main(int argc, char** argv) {
  lt::history::Options options;
  CLI::App app("Writes a history of concurrent publishers and readers.");
  app.add_option("DIRECTORY", options.directory, "where the logs go")->required();
  app.add_option("--publishers", options.publishers, "how many at once")->capture_default_str();
  app.add_option("--commits", options.commits, "versions that each publisher makes")->capture_default_str();
  app.add_option("--seconds", options.seconds, "the publishers stop after that time at the latest")
      ->capture_default_str();
  app.add_option("--exchanges", options.exchanges, "how many serve one database")->capture_default_str();
  app.add_option("--seed", options.seed, "of the random choices")->capture_default_str();
  app.add_flag("--standby", options.standby, "with a synchronous standby that the exchanges and SQL read from");
  CLI11_PARSE(app, argc, argv);
  const absl::Status quiet = lt::init_logging({.level = "error"});
  if (!quiet.ok()) std::cerr << lt::message_of(quiet) << '\n';
  try {
    lt::history::run(options);
  } catch (const std::exception& error) {
    std::cerr << "lt_history_run: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
