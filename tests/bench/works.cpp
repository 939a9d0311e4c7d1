#include "works.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "base/ids.hpp"
#include "base/status.hpp"
#include "client/client.hpp"
#include "client/publisher.hpp"
#include "feature/filter.hpp"
#include "rows.hpp"
#include "wire/catalog.hpp"

namespace lt::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Features that changesets are drawn from, so that most of what 200 of them change is changed once.
constexpr std::size_t kPool = 200'000;
constexpr unsigned kSeed = 1;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

struct Bench {
  client::Client client;
  pg::Connection database;
};

absl::StatusOr<Bench> open(const Options& options) {
  LT_ASSIGN_OR_RETURN(auto client, client::Client::connect({options.endpoint, options.organisation}));
  LT_ASSIGN_OR_RETURN(auto database, pg::Connection::open({.url = options.database, .purpose = "bench"}));
  return Bench{std::move(client), std::move(database)};
}

absl::StatusOr<int> number_of(pg::Connection& database, const std::string& dataset) {
  LT_ASSIGN_OR_RETURN(const auto row,
                      database.execute("SELECT id FROM lienthong.dataset WHERE name = $1", pg::Params().add(dataset)));
  if (row.rows() == 0) return absl::NotFoundError("no dataset " + dataset);
  return static_cast<int>(row.get_int(0, 0));
}

absl::StatusOr<feature::Schema> schema_of(const client::Client& client, const std::string& dataset) {
  LT_ASSIGN_OR_RETURN(const auto proto, client.get_schema(dataset));
  return wire::schema_from_proto(proto);
}

absl::Status publish(const client::Client& client, const std::string& dataset, const feature::Schema& schema,
                     const std::vector<Feature>& features) {
  feature::ChangesetHeader header;
  header.dataset = dataset;
  header.changeset_id = make_uuid7();
  LT_ASSIGN_OR_RETURN(auto publisher, client::Publisher::open(client, header, schema));
  for (const auto& one : features) {
    LT_RETURN_IF_ERROR(publisher.add(feature::ChangeOp::kUpdate, one.id, std::nullopt, &one.state));
  }
  LT_ASSIGN_OR_RETURN(const auto receipt, publisher.finish());
  const auto expected = static_cast<std::int64_t>(features.size());
  return receipt.counts.updated == expected ? absl::OkStatus() : absl::InternalError("not every change was one");
}

absl::Status copy_rows(pg::Connection& database, const std::string& table, const std::string& rows) {
  LT_ASSIGN_OR_RETURN(auto transaction, pg::Transaction::begin(database));
  LT_ASSIGN_OR_RETURN(auto copy, database.copy_in("COPY " + table + " FROM STDIN (FORMAT binary)"));
  LT_RETURN_IF_ERROR(copy.write_raw(rows));
  LT_RETURN_IF_ERROR(copy.finish().status());
  return transaction.commit();
}

// Calls `once` on each thread until the time is over. @return calls a second of all.
absl::StatusOr<double> rate(const Options& options, const std::function<std::function<absl::Status()>(int)>& make) {
  std::atomic<std::int64_t> calls{0};
  std::vector<absl::Status> failures(static_cast<std::size_t>(options.publishers));
  std::vector<std::thread> threads;
  const auto start = Clock::now();
  for (int n = 0; n < options.publishers; ++n) {
    threads.emplace_back([&, n, once = make(n)] {
      auto& failure = failures[static_cast<std::size_t>(n)];
      for (; failure.ok() && seconds_since(start) < options.seconds; ++calls) failure = once();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& failure : failures) LT_RETURN_IF_ERROR(failure);
  return static_cast<double>(calls) / seconds_since(start);
}

// Payload bytes a second of an answer, read to its end.
absl::StatusOr<double> rate_of(absl::StatusOr<client::EntryReader> reader, Clock::time_point start) {
  LT_RETURN_IF_ERROR(reader.status());
  std::size_t bytes = 0;
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto entry, reader->next());
    if (!entry) break;
    bytes += entry->record.size();
  }
  return static_cast<double>(bytes) / seconds_since(start);
}

absl::StatusOr<double> copy_out_rate(pg::Connection& database, int dataset, std::int64_t after) {
  const auto start = Clock::now();
  LT_ASSIGN_OR_RETURN(auto copy,
                      database.copy_out(fmt::format("COPY (SELECT fid, op, payload FROM lienthong_data.log_{} WHERE "
                                                    "version > {} ORDER BY version, fid) TO STDOUT (FORMAT binary)",
                                                    dataset, after)));
  std::size_t bytes = 0;
  while (true) {
    LT_ASSIGN_OR_RETURN(const pg::Row* const row, copy.next());
    if (row == nullptr) break;
    if (!row->is_null(2)) bytes += row->get_bytes(2).size();
  }
  return static_cast<double>(bytes) / seconds_since(start);
}

// Each answer beside COPY of what the log holds after version `after`.
template <typename Read>
absl::StatusOr<Figures> rates_beside_copy(Bench& bench, const Options& options, std::int64_t after, const Read& read) {
  LT_ASSIGN_OR_RETURN(const int number, number_of(bench.database, options.dataset));
  Figures figures;
  for (int run = 0; run < options.runs; ++run) {
    const auto start = Clock::now();
    LT_ASSIGN_OR_RETURN(const double ours, rate_of(read(), start));
    figures.ours.push_back(ours);
    if (options.alone) continue;
    LT_ASSIGN_OR_RETURN(const double limit, copy_out_rate(bench.database, number, after));
    figures.limit.push_back(limit);
  }
  return figures;
}

}  // namespace

absl::StatusOr<Figures> time_changesets(const Options& options) {
  LT_ASSIGN_OR_RETURN(auto bench, open(options));
  LT_ASSIGN_OR_RETURN(const auto schema, schema_of(bench.client, options.dataset));
  LT_ASSIGN_OR_RETURN(const int number, number_of(bench.database, options.dataset));
  const auto size = static_cast<std::size_t>(options.size);
  LT_ASSIGN_OR_RETURN(auto all, read_features(bench.client, options.dataset, std::max(size, kPool)));
  if (all.size() < size) return absl::FailedPreconditionError("the dataset has fewer features than a changeset");
  const std::string table = "public.bench_limit";
  if (!options.alone) LT_RETURN_IF_ERROR(create_limit_table(bench.database, table, number));
  Figures figures;
  const std::string tag = make_uuid7();
  std::mt19937 random(kSeed);
  for (int run = -1; run < options.runs; ++run) {  // the first warms up
    for (std::size_t i = 0; i < size; ++i) {
      std::swap(all[i], all[std::uniform_int_distribution<std::size_t>(i, all.size() - 1)(random)]);
    }
    std::vector<Feature> part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    edit(part, schema, static_cast<int>(std::hash<std::string>()(tag) % 1'000'000) + run);
    const std::string rows = limit_rows(part, schema.srid(), fmt::format("-{}-{}", tag, run));
    auto start = Clock::now();
    LT_RETURN_IF_ERROR(publish(bench.client, options.dataset, schema, part));
    const double ours = seconds_since(start);
    start = Clock::now();
    if (!options.alone) LT_RETURN_IF_ERROR(copy_rows(bench.database, table, rows));
    if (run < 0) continue;
    figures.ours.push_back(ours);
    if (!options.alone) figures.limit.push_back(seconds_since(start));
  }
  if (!options.alone) LT_RETURN_IF_ERROR(bench.database.execute_script("DROP TABLE " + table));
  return figures;
}

absl::StatusOr<Figures> rate_single_changes(const Options& options) {
  LT_ASSIGN_OR_RETURN(auto bench, open(options));
  LT_RETURN_IF_ERROR(
      bench.database.execute_script("DROP TABLE IF EXISTS public.bench_single; CREATE TABLE public.bench_single (id "
                                    "bigserial PRIMARY KEY, text text)"));
  Figures figures;
  std::vector<std::vector<Feature>> features;
  std::vector<feature::Schema> schemas;
  for (int n = 0; n < options.publishers; ++n) {
    const std::string dataset = options.dataset + std::to_string(n + 1);
    LT_ASSIGN_OR_RETURN(auto one, read_features(bench.client, dataset, 1));
    LT_ASSIGN_OR_RETURN(auto schema, schema_of(bench.client, dataset));
    features.push_back(std::move(one));
    schemas.push_back(std::move(schema));
  }
  const int tag = static_cast<int>(std::hash<std::string>()(make_uuid7()) % 1'000'000);
  for (int run = 0; run < options.runs; ++run) {
    LT_ASSIGN_OR_RETURN(const double ours, rate(options, [&](int n) {
                          const auto at = static_cast<std::size_t>(n);
                          return [&, at, edits = tag + run * 100'000]() mutable {
                            edit(features[at], schemas[at], ++edits);
                            return publish(bench.client, options.dataset + std::to_string(at + 1), schemas[at],
                                           features[at]);
                          };
                        }));
    LT_ASSIGN_OR_RETURN(const double limit, rate(options, [&](int) {
                          auto connection = std::make_shared<absl::StatusOr<pg::Connection>>(
                              pg::Connection::open({.url = options.database, .purpose = "bench"}));
                          return [connection]() -> absl::Status {
                            LT_RETURN_IF_ERROR(connection->status());
                            return (*connection)
                                ->execute("INSERT INTO public.bench_single (text) VALUES ($1)",
                                          pg::Params().add("one row"))
                                .status();
                          };
                        }));
    figures.ours.push_back(ours);
    figures.limit.push_back(limit);
  }
  return figures;
}

absl::StatusOr<Figures> rate_diff(const Options& options) {
  LT_ASSIGN_OR_RETURN(auto bench, open(options));
  LT_ASSIGN_OR_RETURN(const auto dataset, bench.client.get_dataset(options.dataset));
  const std::int64_t from = dataset.head() - options.versions;
  if (from < 0) return absl::FailedPreconditionError("the dataset has fewer versions");
  return rates_beside_copy(bench, options, from, [&] { return bench.client.diff(options.dataset, from); });
}

absl::StatusOr<Figures> rate_snapshot(const Options& options) {
  LT_ASSIGN_OR_RETURN(auto bench, open(options));
  const auto version = options.old_version ? std::optional<std::int64_t>(1) : std::nullopt;
  return rates_beside_copy(bench, options, 0, [&] { return bench.client.snapshot(options.dataset, version); });
}

namespace {

// Seconds until the last entry of a diff to the head is here.
absl::StatusOr<double> time_diff(const Bench& bench, const Options& options, std::int64_t from,
                                 const std::optional<lienthong::v1::View>& view) {
  const auto start = Clock::now();
  LT_ASSIGN_OR_RETURN(auto reader, bench.client.diff(options.dataset, from, std::nullopt, false, {}, view));
  while (true) {
    LT_ASSIGN_OR_RETURN(const auto entry, reader.next());
    if (!entry) return seconds_since(start);
  }
}

// The payloads of the same changes, filtered by PostgreSQL.
absl::StatusOr<double> time_select(Bench& bench, const Options& options, const feature::Schema& schema, int number,
                                   std::int64_t from) {
  LT_ASSIGN_OR_RETURN(const auto filter, feature::Filter::parse(options.filter, schema));
  const auto sql = filter.to_sql({"f.geom", "f.props", 2});
  pg::Params params;
  params.add(from);
  for (const auto& value : sql.values) {
    if (const auto* text = std::get_if<std::string>(&value)) params.add(*text);
    if (const auto* number_value = std::get_if<std::int64_t>(&value)) params.add(*number_value);
  }
  if (params.size() != sql.values.size() + 1) return absl::InvalidArgumentError("a filter of texts and numbers only");
  const auto start = Clock::now();
  LT_RETURN_IF_ERROR(
      bench.database
          .execute(fmt::format("SELECT l.version, l.fid, l.op, l.payload FROM lienthong_data.log_{0} l JOIN "
                               "lienthong_data.feature_{0} f ON f.fid = l.fid AND f.version = l.version "
                               "WHERE l.version > $1 AND {1} ORDER BY l.version, l.fid",
                               number, sql.text),
                   params)
          .status());
  return seconds_since(start);
}

absl::StatusOr<std::int64_t> start_of_diff(const Bench& bench, const Options& options) {
  LT_ASSIGN_OR_RETURN(const auto dataset, bench.client.get_dataset(options.dataset));
  if (dataset.head() < options.versions) return absl::FailedPreconditionError("the dataset has fewer versions");
  return dataset.head() - options.versions;
}

}  // namespace

absl::StatusOr<Figures> time_area_diff(const Options& options) {
  LT_ASSIGN_OR_RETURN(const auto bench, open(options));
  LT_ASSIGN_OR_RETURN(const auto from, start_of_diff(bench, options));
  lienthong::v1::View view;
  view.set_area_wkt(options.area_wkt);
  Figures figures;
  for (int run = 0; run < options.runs; ++run) {
    LT_ASSIGN_OR_RETURN(const double ours, time_diff(bench, options, from, view));
    LT_ASSIGN_OR_RETURN(const double limit, time_diff(bench, options, from, std::nullopt));
    figures.ours.push_back(ours);
    figures.limit.push_back(limit);
  }
  return figures;
}

absl::StatusOr<Figures> time_filter_diff(const Options& options) {
  LT_ASSIGN_OR_RETURN(auto bench, open(options));
  LT_ASSIGN_OR_RETURN(const auto from, start_of_diff(bench, options));
  LT_ASSIGN_OR_RETURN(const auto schema, schema_of(bench.client, options.dataset));
  LT_ASSIGN_OR_RETURN(const int number, number_of(bench.database, options.dataset));
  lienthong::v1::View view;
  view.set_filter(options.filter);
  Figures figures;
  for (int run = 0; run < options.runs; ++run) {
    LT_ASSIGN_OR_RETURN(const double ours, time_diff(bench, options, from, view));
    LT_ASSIGN_OR_RETURN(const double limit, time_select(bench, options, schema, number, from));
    figures.ours.push_back(ours);
    figures.limit.push_back(limit);
  }
  return figures;
}

}  // namespace lt::bench
